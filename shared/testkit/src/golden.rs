//! Files whose content is made by code and reviewed as a diff.

use std::path::Path;

/// Set to rewrite the files instead of comparing.
const REWRITE: &str = "MT5REST_WRITE_GOLDEN";

/// Compares a made text with the file that holds it.
///
/// # Panics
/// If they differ.
pub fn golden(file: impl AsRef<Path>, made: &str) {
    let file = file.as_ref();
    if std::env::var_os(REWRITE).is_some() {
        std::fs::write(file, made).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        kept == made,
        "{} differs from what is made now: rewrite it with `cargo xtask golden` and review the diff",
        file.display()
    );
}
