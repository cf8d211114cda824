//! The broker directory: which Web Terminal addresses belong to a server name.
//!
//! It starts with the few that are publicly known. The operator's file adds to it and wins over it; it is read again
//! whenever it has changed, without a restart.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use error::Error;
use link::Endpoint;
use serde::Deserialize;

const SHIPPED: &str = include_str!("../data/servers.json");

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    servers: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    /// For people; searched by later calls.
    #[serde(default, rename = "company")]
    _company: String,
    access: Vec<String>,
}

/// Why a directory file is of no use.
#[derive(Debug, thiserror::Error)]
#[error("the broker directory {file} cannot be used: {reason}")]
pub struct DirectoryError {
    file: String,
    reason: String,
}

/// Looks up servers by name.
#[derive(Debug)]
pub(crate) struct Directory {
    shipped: Vec<Entry>,
    path: Option<PathBuf>,
    extra: Mutex<Extra>,
    built_in: Vec<(String, Endpoint)>,
}

#[derive(Debug, Default)]
struct Extra {
    modified: Option<SystemTime>,
    entries: Vec<Entry>,
}

impl Directory {
    /// The shipped directory, with the operator's file beside it, and servers of this process.
    ///
    /// # Errors
    /// [`DirectoryError`] if the file cannot be read at start. Later a broken file is logged and the last good one
    /// stays in force.
    pub(crate) fn open(
        path: Option<PathBuf>,
        built_in: Vec<(String, Endpoint)>,
    ) -> Result<Self, DirectoryError> {
        let shipped = parse("shipped", SHIPPED)?;
        let extra = match &path {
            Some(path) => load(path)?,
            None => Extra::default(),
        };
        Ok(Self { shipped, path, extra: Mutex::new(extra), built_in })
    }

    /// The addresses of a server, in the order of the directory. Names match without regard to case.
    ///
    /// # Errors
    /// [`Error::server_not_found`].
    pub(crate) fn find(&self, server: &str) -> Result<Vec<Endpoint>, Error> {
        let named = |name: &str| name.eq_ignore_ascii_case(server.trim());
        if let Some((_, endpoint)) = self.built_in.iter().find(|(name, _)| named(name)) {
            return Ok(vec![endpoint.clone()]);
        }
        let extra = self.current_extra();
        let entry = extra.iter().chain(&self.shipped).find(|entry| named(&entry.name));
        let access = entry.map(|entry| entry.access.as_slice()).unwrap_or_default();
        let endpoints: Vec<_> = access.iter().filter_map(|text| Endpoint::parse(text, None).ok()).collect();
        if endpoints.is_empty() { Err(Error::server_not_found(server)) } else { Ok(endpoints) }
    }

    /// One name for a server, however a caller names it: its first address, if the directory knows this one as one of a
    /// server's, else the address itself.
    pub(crate) fn canonical(&self, endpoint: &Endpoint) -> String {
        let extra = self.current_extra();
        let known = extra.iter().chain(&self.shipped).find_map(|entry| {
            let addresses: Vec<_> =
                entry.access.iter().filter_map(|text| Endpoint::parse(text, None).ok()).collect();
            let is_there = addresses.iter().any(|address| address.to_string() == endpoint.to_string());
            addresses.first().filter(|_| is_there).map(Endpoint::to_string)
        });
        known.unwrap_or_else(|| endpoint.to_string())
    }

    fn current_extra(&self) -> Vec<Entry> {
        let mut extra = self.extra.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.path
            && modified(path) != extra.modified
        {
            match load(path) {
                Ok(fresh) => *extra = fresh,
                Err(failure) => {
                    tracing::error!(%failure, "the broker directory stays as it was");
                    // Not tried again until it changes once more.
                    extra.modified = modified(path);
                }
            }
        }
        extra.entries.clone()
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}

fn load(path: &Path) -> Result<Extra, DirectoryError> {
    let file = path.display().to_string();
    let modified = modified(path);
    let text = std::fs::read_to_string(path)
        .map_err(|cause| DirectoryError { file: file.clone(), reason: cause.to_string() })?;
    Ok(Extra { modified, entries: parse(&file, &text)? })
}

fn parse(file: &str, text: &str) -> Result<Vec<Entry>, DirectoryError> {
    let wrong = |reason: String| DirectoryError { file: file.to_owned(), reason };
    let parsed: File = serde_json::from_str(text).map_err(|cause| wrong(cause.to_string()))?;
    for entry in &parsed.servers {
        for access in &entry.access {
            Endpoint::parse(access, None).map_err(|cause| wrong(format!("{}: {cause}", entry.name)))?;
        }
    }
    Ok(parsed.servers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_directory_knows_the_public_demo_server() {
        let directory = Directory::open(None, Vec::new()).unwrap();
        let found = directory.find("metaquotes-demo").unwrap();
        assert_eq!(found[0].to_string(), "wss://web.metatrader.app:443/terminal");
        assert_eq!(directory.canonical(&found[0]), found[0].to_string());
        let unknown = directory.find("No-Such").unwrap_err();
        assert!(unknown.detail().contains("No-Such"), "{unknown}");
    }

    #[test]
    fn the_operators_file_is_read_again_when_it_changes() {
        let path = std::env::temp_dir().join(format!("mt5rest-directory-{}.json", std::process::id()));
        let write = |host: &str, age_s: u64| {
            std::fs::write(&path, format!(r#"{{"servers":[{{"name":"A","access":["{host}"]}}]}}"#)).unwrap();
            let when = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 + age_s);
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(when).unwrap();
        };
        write("one.example", 1);
        let directory = Directory::open(Some(path.clone()), Vec::new()).unwrap();
        assert_eq!(directory.find("a").unwrap()[0].host, "one.example");
        write("two.example", 2);
        assert_eq!(directory.find("a").unwrap()[0].host, "two.example");
        write("not a host", 3);
        assert_eq!(directory.find("a").unwrap()[0].host, "two.example", "a broken file changes nothing");
        std::fs::remove_file(&path).unwrap();
        assert!(Directory::open(Some(path), Vec::new()).is_err());
    }
}
