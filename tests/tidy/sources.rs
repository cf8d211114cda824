//! Size and habits of the code.

use crate::tree::{Source, assert_none, files};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// Words that do not stay in the tree. Written in two parts, so that this file is not found itself.
const UNFINISHED: [(&str, &str); 6] =
    [("todo", "!("), ("FIX", "ME"), ("XX", "X"), ("#[ig", "nore"), ("unimpl", "emented!("), ("dbg", "!(")];

/// What the matching engine must not know: the same commands give the same events.
const NOT_IN_ENGINE: [&str; 7] =
    ["tokio", "rand::", "SystemTime", "time::Instant", "Instant::now", "std::net", "std::thread"];

fn sources() -> Vec<Source> {
    files(&[".rs"])
}

#[test]
fn files_are_of_a_readable_length() {
    let long = sources().into_iter().filter_map(|source| {
        let lines = source.without_tests().lines().count();
        (lines > FILE_LINES_MAX).then(|| format!("{} has {lines} lines", source.path))
    });
    assert_none(&long.collect::<Vec<_>>(), &format!("Split files of more than {FILE_LINES_MAX} lines"));
}

#[test]
fn functions_fit_a_screen() {
    let mut findings = Vec::new();
    for source in sources() {
        for (line, name, length) in functions(&source.text) {
            if length > FUNCTION_LINES_MAX {
                findings.push(format!("{}:{line} {name} has {length} lines", source.path));
            }
        }
    }
    assert_none(&findings, &format!("Split functions of more than {FUNCTION_LINES_MAX} lines"));
}

/// Line, name and length of each function. Formatted code closes a function in the column it began in, and that is
/// the only thing needed here.
fn functions(text: &str) -> Vec<(usize, &str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let indent = &line[..line.len() - body.len()];
        let Some(name) = function_name(body) else { continue };
        let closing = format!("{indent}}}");
        let rest = &lines[index..];
        let end =
            rest.iter().position(|line| *line == closing || (is_of(line, indent) && line.ends_with(';')));
        let length = if body.ends_with('}') { 1 } else { end.map_or(1, |end| end + 1) };
        found.push((index + 1, name, length));
    }
    found
}

/// True for a line in exactly this column.
fn is_of(line: &str, indent: &str) -> bool {
    line.strip_prefix(indent).is_some_and(|rest| !rest.starts_with(' '))
}

fn function_name(line: &str) -> Option<&str> {
    const BEFORE: [&str; 6] = ["pub", "const", "async", "unsafe", "extern", "default"];
    let (before, after) = line.split_once("fn ")?;
    let is_declared = before.split_whitespace().all(|word| {
        BEFORE.contains(&word) || word.starts_with("pub(") || word.ends_with(')') || word.starts_with('"')
    });
    let name = after.split(['(', '<']).next()?;
    (is_declared && name.chars().all(|c| c.is_alphanumeric() || c == '_')).then_some(name)
}

#[test]
fn lengths_are_measured_right() {
    let text = "fn one() { 1 }\n\npub(crate) async fn two() {\n    if x {\n    }\n}\n    fn three(\n        a: u8,\n    ) -> u8;\n";
    assert_eq!(functions(text), [(1, "one", 1), (3, "two", 4), (7, "three", 3)]);
    assert_eq!(function_name("let f = |fn x"), None);
}

#[test]
fn nothing_is_left_unfinished() {
    let mut findings = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            for (one, two) in UNFINISHED {
                let word = format!("{one}{two}");
                if line.contains(&word) {
                    findings.push(format!("{}:{} {word}", source.path, number + 1));
                }
            }
        }
    }
    assert_none(&findings, "Finish or remove these");
}

#[test]
fn the_engine_knows_neither_time_nor_chance() {
    let mut findings = Vec::new();
    for source in sources() {
        if !source.path.starts_with("services/broker/src/engine") || source.is_test() {
            continue;
        }
        for (number, line) in source.without_tests().lines().enumerate() {
            let code = line.split("//").next().unwrap();
            for word in NOT_IN_ENGINE.iter().filter(|word| code.contains(**word)) {
                findings.push(format!("{}:{} {word}", source.path, number + 1));
            }
        }
    }
    assert_none(&findings, "The engine takes time and prices as arguments");
}

#[test]
fn tests_wait_for_states_and_never_for_time() {
    let sleep = ["sle", "ep("].concat();
    let mut findings = Vec::new();
    for source in sources() {
        let tests = if source.is_test() { 0 } else { source.without_tests().len() };
        for (number, line) in source.text.lines().enumerate() {
            let begins = source.text.lines().take(number).map(|line| line.len() + 1).sum::<usize>();
            if line.contains(&sleep) && begins >= tests {
                findings.push(format!("{}:{}", source.path, number + 1));
            }
        }
    }
    assert_none(&findings, "Wait with testkit::eventually instead");
}

#[test]
fn files_and_folders_are_named_the_same_way() {
    let old =
        sources().into_iter().filter(|source| source.path.ends_with("/mod.rs")).map(|source| source.path);
    assert_none(&old.collect::<Vec<_>>(), "Use foo.rs beside foo/ instead of foo/mod.rs");
}

#[test]
fn every_file_belongs_to_a_crate() {
    let all = sources();
    let mut findings = Vec::new();
    for source in &all {
        let (folder, file) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
        let stem = file.strip_suffix(".rs").unwrap();
        let is_root = ["main", "lib", "build"].contains(&stem)
            || ["tests", "examples", "benches", "fuzz_targets"].iter().any(|own| folder.ends_with(own));
        let declared = [format!("mod {stem};"), format!("mod {stem} {{")];
        let is_declared = all.iter().any(|other| declared.iter().any(|text| other.text.contains(text)));
        if !is_root && !is_declared {
            findings.push(source.path.clone());
        }
    }
    assert_none(&findings, "No module names these files: remove them");
}
