//! Reading single options.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use super::check::Mistakes;

impl Mistakes {
    /// A secret, or what its file holds; an empty one is none.
    pub(super) fn secret(
        &mut self,
        option: &str,
        secret: Option<String>,
        file: Option<String>,
    ) -> Option<Option<String>> {
        let of_file = format!("{option}-file");
        let secret = secret.filter(|secret| !secret.is_empty());
        match (secret, self.file(&of_file, file)?) {
            (Some(_), Some(_)) => self.note(format_args!("give {option} or {of_file}, not both")),
            (Some(secret), None) => Some(Some(secret)),
            (None, None) => Some(None),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => Some(Some(text.trim().to_owned())),
                Err(cause) => self.note(format_args!("{of_file} {}: {cause}", path.display())),
            },
        }
    }

    pub(super) fn address(&mut self, option: &str, text: &str) -> Option<SocketAddr> {
        let text = text.trim();
        let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        let parsed = local.as_deref().unwrap_or(text).parse();
        parsed.ok().or_else(|| {
            self.note(format_args!(
                "{option} '{text}' is no address to listen on: give IP and port, such as 127.0.0.1:5000, or \
                 0.0.0.0:5000 for all networks"
            ))
        })
    }

    pub(super) fn file(&mut self, option: &str, path: Option<String>) -> Option<Option<PathBuf>> {
        self.path(option, path, "a readable file", |path| std::fs::File::open(path).is_ok() && path.is_file())
    }

    pub(super) fn folder(&mut self, option: &str, path: Option<String>) -> Option<Option<PathBuf>> {
        self.path(option, path, "a folder", |path| path.is_dir())
    }

    pub(super) fn path(
        &mut self,
        option: &str,
        path: Option<String>,
        wanted: &str,
        fits: impl Fn(&std::path::Path) -> bool,
    ) -> Option<Option<PathBuf>> {
        let Some(path) = path.filter(|path| !path.is_empty()).map(PathBuf::from) else { return Some(None) };
        if fits(&path) {
            return Some(Some(path));
        }
        self.note(format_args!("{option} '{}' is not {wanted}", path.display()))
    }

    pub(super) fn number<T: FromStr>(&mut self, option: &str, text: &str, wanted: &str) -> Option<T> {
        let parsed = text.trim().parse().ok();
        parsed.or_else(|| self.note(format_args!("{option} '{text}' is not {wanted}")))
    }

    pub(super) fn within<T>(&mut self, option: &str, text: &str, least: T, most: T) -> Option<T>
    where
        T: Copy + FromStr + PartialOrd + fmt::Display,
    {
        let parsed = text.trim().parse().ok().filter(|number| (least..=most).contains(number));
        parsed.or_else(|| self.note(format_args!("{option} '{text}' is not a number from {least} to {most}")))
    }

    /// A switch; in the environment it has a value.
    pub(super) fn switch(&mut self, option: &str, text: &str) -> Option<bool> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
            "false" | "f" | "no" | "n" | "off" | "0" | "" => Some(false),
            _ => self.note(format_args!("{option} '{text}' is neither true nor false")),
        }
    }

    pub(super) fn one_of<T: Copy>(&mut self, option: &str, text: &str, choices: &[(&str, T)]) -> Option<T> {
        let chosen = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(text.trim()));
        chosen.map(|(_, value)| *value).or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.note(format_args!("{option} '{text}' is not one of: {}", names.join(", ")))
        })
    }

    pub(super) fn note<T>(&mut self, mistake: impl fmt::Display) -> Option<T> {
        self.0.push(mistake.to_string());
        None
    }
}
