//! The code that decides about money and orders.

use crate::Failure;

/// A package and its files that are tried.
struct Part {
    package: &'static str,
    /// Files, and folders that end with `/**`.
    files: &'static [&'static str],
}

const PREFIX: &str = "mt5rest-";

const MONEY_PATH: [Part; 7] = [
    Part { package: "mt5rest-model", files: &["shared/model/src/calc.rs", "shared/model/src/calc/**"] },
    Part { package: "mt5rest-seal", files: &["shared/seal/src/**"] },
    Part { package: "mt5rest-wire", files: &["shared/wire/src/**"] },
    Part { package: "mt5rest-bus", files: &["shared/bus/src/frame.rs", "shared/bus/src/kept.rs"] },
    Part { package: "mt5rest-registry", files: &["shared/registry/src/**"] },
    Part {
        package: "mt5rest-worker",
        files: &[
            "services/worker/src/session/evidence.rs",
            "services/worker/src/session/note.rs",
            "services/worker/src/session/resync.rs",
            "services/worker/src/session/scribe.rs",
            "services/worker/src/session/scribe/**",
            "services/worker/src/session/trade.rs",
            "services/worker/src/session/trade/**",
            "services/worker/src/member/adoption.rs",
        ],
    },
    Part {
        package: "mt5rest-broker",
        files: &["services/broker/src/engine.rs", "services/broker/src/engine/**"],
    },
];

/// A package and those of its files that are asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    package: &'static str,
    files: Vec<String>,
}

/// Everything.
pub(super) fn all() -> Vec<Chosen> {
    let whole = |part: &Part| Chosen { package: part.package, files: owned(part.files) };
    MONEY_PATH.iter().map(whole).collect()
}

/// What is asked for by names of packages and files; everything if nothing is named.
///
/// # Errors
/// [`Failure::Usage`] for a name that is not of the money path.
pub(super) fn choose(names: &[&str]) -> Result<Vec<Chosen>, Failure> {
    if names.is_empty() {
        return Ok(all());
    }
    if let Some(stray) = names.iter().find(|name| !MONEY_PATH.iter().any(|part| part.chosen_by(name))) {
        let packages: Vec<&str> = all().iter().map(Chosen::name).collect();
        let packages = packages.join(", ");
        let text =
            format!("'{stray}' is neither one of the packages {packages} nor one of their files that count");
        return Err(Failure::Usage(text));
    }
    let chosen = MONEY_PATH.iter().filter_map(|part| {
        let names: Vec<&str> = names.iter().copied().filter(|name| part.chosen_by(name)).collect();
        let whole = names.iter().any(|name| part.is_called(name));
        let files = if whole { part.files } else { names.as_slice() };
        (!names.is_empty()).then(|| Chosen { package: part.package, files: owned(files) })
    });
    Ok(chosen.collect())
}

impl Part {
    fn is_called(&self, name: &str) -> bool {
        name == self.package || self.package.strip_prefix(PREFIX) == Some(name)
    }

    fn chosen_by(&self, name: &str) -> bool {
        self.is_called(name) || self.files.iter().any(|pattern| covers(pattern, name))
    }
}

impl Chosen {
    pub(super) fn package(&self) -> &'static str {
        self.package
    }

    /// Its name in short.
    pub(super) fn name(&self) -> &'static str {
        self.package.trim_start_matches(PREFIX)
    }

    /// What tells cargo-mutants to try these files alone.
    pub(super) fn arguments(&self) -> impl Iterator<Item = String> {
        self.files.iter().map(|file| format!("--file={file}"))
    }

    /// Whether a mutant, by its whole name, is one of these.
    pub(super) fn has(&self, mutant: &str) -> bool {
        let file = mutant.split(':').next().unwrap_or_default();
        self.files.iter().any(|pattern| covers(pattern, file))
    }
}

/// Whether a file is the one named, or in the folder named.
fn covers(pattern: &str, file: &str) -> bool {
    match pattern.strip_suffix("**") {
        Some(folder) => file.starts_with(folder),
        None => file == pattern,
    }
}

fn owned(files: &[&str]) -> Vec<String> {
    files.iter().map(|&file| file.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn everything_on_the_path_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for file in MONEY_PATH.iter().flat_map(|part| part.files) {
            let path = root.join(file.trim_end_matches("/**"));
            assert!(path.exists(), "{file} is not there");
            assert_eq!(path.is_dir(), file.ends_with("/**"), "{file}");
        }
    }

    #[test]
    fn packages_and_files_are_chosen_by_name() -> Result<(), Failure> {
        let chosen = choose(&["shared/seal/src/lib.rs", "model", "mt5rest-bus"])?;
        let files: Vec<&[String]> = chosen.iter().map(|chosen| chosen.files.as_slice()).collect();
        assert_eq!(files[0], ["shared/model/src/calc.rs", "shared/model/src/calc/**"]);
        assert_eq!(files[1], ["shared/seal/src/lib.rs"]);
        assert_eq!(files[2], ["shared/bus/src/frame.rs", "shared/bus/src/kept.rs"]);
        assert!(chosen[0].has("shared/model/src/calc/margin.rs:12:5: replace * with +"));
        assert!(!chosen[0].has("shared/model/src/fixed.rs:12:5: replace * with +"));
        assert_eq!(choose(&[])?, all());
        for stray in ["shared/bus/src/queue.rs", "services/worker/src/session/note", "link"] {
            assert!(matches!(choose(&["seal", stray]), Err(Failure::Usage(_))), "{stray}");
        }
        Ok(())
    }
}
