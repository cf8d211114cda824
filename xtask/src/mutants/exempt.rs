//! Changes that no test can be expected to catch: `exclude_re` of `.cargo/mutants.toml`, where each has its reason.

use std::path::Path;

use crate::Failure;
use crate::tools::of_file;

pub(super) const FILE: &str = ".cargo/mutants.toml";

/// The patterns of the file.
///
/// # Errors
/// The file cannot be read, or a pattern stands without a reason above it.
pub(super) fn patterns() -> Result<Vec<String>, Failure> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FILE);
    parse(&std::fs::read_to_string(path).map_err(|error| of_file(&FILE, &error))?)
}

/// Reads the one list of literal strings, one a line; comments of whole lines are reasons.
fn parse(text: &str) -> Result<Vec<String>, Failure> {
    let mut lines = text.lines().map(str::trim).skip_while(|line| *line != "exclude_re = [").skip(1);
    let (mut patterns, mut has_reason) = (Vec::new(), false);
    for line in lines.by_ref().take_while(|line| *line != "]") {
        if line.starts_with('#') {
            has_reason = true;
            continue;
        }
        let pattern = line.strip_prefix('\'').and_then(|line| line.strip_suffix("',"));
        match pattern {
            Some(pattern) if has_reason => patterns.push(pattern.to_owned()),
            Some(pattern) => return Err(wrong(&format!("'{pattern}' has no reason in a comment above it"))),
            None if line.is_empty() => has_reason = false,
            None => return Err(wrong(&format!("{line} is not a pattern in single quotes, with a comma"))),
        }
    }
    Ok(patterns)
}

fn wrong(what: &str) -> Failure {
    Failure::Explained(format!("{FILE}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_has_a_reason() -> Result<(), Failure> {
        let list =
            |lines: &str| parse(&format!("profile = 'mutants'\nexclude_re = [\n{lines}\n]\nother = 1\n"));
        assert_eq!(list("# Both are true.\n'one',\n'two',\n\n# Equal.\n'three',")?, ["one", "two", "three"]);
        assert_eq!(
            list("# Equal.\n'one',\n\n'two',"),
            Err(wrong("'two' has no reason in a comment above it"))
        );
        let loose = Err(wrong("\"one\", is not a pattern in single quotes, with a comma"));
        assert_eq!(list("# Equal.\n\"one\","), loose);
        assert_eq!(parse("profile = 'mutants'")?, Vec::<String>::new());
        patterns().map(|_| ())
    }
}
