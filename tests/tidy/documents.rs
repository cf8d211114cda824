//! What documents promise, and what nothing may mention.

use crate::tree::{assert_none, files, root};

/// Places of somebody's machine. Written in parts, so that this file is not found itself.
const PLACES: [[&str; 2]; 5] = [["/wo", "rk/"], ["/ro", "ot/"], ["/ho", "me/"], ["/tmp", "/"], ["C:", "\\"]];

#[test]
fn commands_of_the_readme_exist() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let chores = std::fs::read_to_string(root().join("xtask/src/main.rs")).unwrap();
    let config = std::fs::read_to_string(root().join(".cargo/config.toml")).unwrap();
    assert!(config.contains("xtask ="), "the alias xtask is gone");
    let mut seen = 0;
    for rest in readme.split("cargo xtask ").skip(1) {
        let chore: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
        assert!(chores.contains(&format!("\"{chore}\"")), "the README says `cargo xtask {chore}`");
        seen += 1;
    }
    assert!(seen >= 2 && readme.contains("cargo run --release"), "the two commands are missing");
}

#[test]
fn files_that_documents_link_to_exist() {
    let mut findings = Vec::new();
    for page in files(&[".md"]) {
        let folder = root().join(&page.path).parent().unwrap().to_owned();
        for rest in page.text.split("](").skip(1) {
            let target = rest.split([')', '#']).next().unwrap();
            if !target.is_empty() && !target.contains("://") && !folder.join(target).exists() {
                findings.push(format!("{} links to {target}", page.path));
            }
        }
    }
    assert_none(&findings, "These links lead nowhere");
}

#[test]
fn the_tests_that_the_security_page_names_exist() {
    let page = std::fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let sources = files(&[".rs"]);
    let is_test = |name: &str| sources.iter().any(|file| file.text.contains(&format!("fn {name}(")));
    let rows: Vec<&str> =
        page.lines().filter(|line| line.starts_with("| ") && !line.contains("---")).collect();
    let mut findings = Vec::new();
    for row in rows.iter().filter(|row| !row.starts_with("| Threat")) {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        findings.extend(
            names.iter().filter(|name| !is_test(name)).map(|name| format!("there is no test {name}")),
        );
        if names.is_empty() {
            findings.push(format!("no test holds: {row}"));
        }
    }
    assert!(rows.len() > 10, "the page has lost its tables");
    assert_none(&findings, "SECURITY.md promises what no test holds");
}

/// A password may have signs that mean something else in a form, such as `+` and `&`.
#[test]
fn commands_that_send_a_password_encode_it() {
    let mut findings = Vec::new();
    for page in files(&[".md", ".html", ".sh"]) {
        for (number, line) in page.text.lines().enumerate().filter(|(_, line)| line.contains("curl ")) {
            let is_sent = ["-d password=", "&password="].iter().any(|bare| line.contains(bare));
            if is_sent && !line.contains("--data-urlencode") {
                findings.push(format!("{}:{}", page.path, number + 1));
            }
        }
    }
    assert_none(&findings, "curl sends passwords with --data-urlencode");
}

#[test]
fn nothing_names_a_place_on_somebodys_machine() {
    let mut findings = Vec::new();
    for file in files(&[".rs", ".md", ".toml", ".html", ".json", ".yml", ".yaml", "run"]) {
        for (number, line) in file.text.lines().enumerate() {
            for place in PLACES.map(|parts| parts.concat()).iter().filter(|place| line.contains(*place)) {
                findings.push(format!("{}:{} {place}", file.path, number + 1));
            }
        }
    }
    assert_none(&findings, "Paths are relative to the project");
}

#[test]
fn what_must_pass_is_what_the_chores_do() {
    let ci = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    for step in [
        "cargo fmt --all --check",
        "cargo clippy --workspace --all-targets",
        "-D warnings",
        "cargo xtask test",
    ] {
        assert!(ci.contains(step), ".ci/run does not do: {step}");
    }
}
