//! The files of the project.

use std::path::{Path, PathBuf};

/// Folders that hold no sources of ours.
const SKIPPED: [&str; 4] = ["target", ".git", "artifacts", "corpus"];

/// Where the workspace is.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A text file and its place below the root, with slashes.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// True for code that only tests run.
    pub(crate) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests" || part == "tests.rs")
    }

    /// What comes before the module of tests at the bottom.
    pub(crate) fn without_tests(&self) -> &str {
        if self.is_test() {
            return &self.text;
        }
        let end = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        &self.text[..end]
    }
}

/// All files with one of these endings.
pub(crate) fn files(endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    collect(root(), endings, &mut found);
    assert!(!found.is_empty(), "there are no {endings:?} files below {}", root().display());
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                collect(&path, endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let below = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            found.push(Source { path: below, text: std::fs::read_to_string(&path).unwrap() });
        }
    }
}

/// Fails with all findings, if there are any.
#[track_caller]
pub(crate) fn assert_none(findings: &[String], what_to_do: &str) {
    assert!(findings.is_empty(), "{what_to_do}:\n  {}", findings.join("\n  "));
}
