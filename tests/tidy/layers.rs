//! Which crate may depend on which.

use toml::{Table, Value};

use crate::tree::{assert_none, root};

/// A crate depends on crates of lower layers only.
const LAYERS: [(&str, u8); 21] = [
    ("access", 1),
    ("audit", 1),
    ("wire", 1),
    ("model", 1),
    ("error", 1),
    ("calls", 2),
    ("runtime", 2),
    ("statistics", 2),
    ("bus", 3),
    ("link", 3),
    ("testkit", 3),
    ("registry", 4),
    ("seal", 1),
    ("socket", 1),
    ("tls", 1),
    ("cluster", 5),
    ("api", 6),
    ("worker", 6),
    ("broker", 6),
    ("main", 7),
    // Chores stand beside the layers; what measures the demo broker speaks its protocol.
    ("xtask", 2),
];

/// What a crate must not know, though the layers would allow it; the reason is its invariant.
const NEVER: [(&str, &[&str], &str); 2] = [
    ("api", &["wire", "link", "model"], "the front knows nothing of the protocol"),
    ("broker", &["calls", "bus", "link"], "the demo broker knows nothing of the REST interface"),
];

struct Crate {
    name: String,
    manifest: Table,
}

impl Crate {
    fn layer(&self) -> u8 {
        layer(&self.name)
            .unwrap_or_else(|| panic!("crate {} has no layer: give it one in tests/tidy", self.name))
    }

    /// Names of dependencies of a kind.
    fn dependencies(&self, kind: &str) -> Vec<&str> {
        let table = self.manifest.get(kind).and_then(Value::as_table);
        table.map(|table| table.keys().map(String::as_str).collect()).unwrap_or_default()
    }
}

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(own, _)| *own == name).map(|(_, layer)| *layer)
}

fn crates() -> Vec<Crate> {
    let mut found =
        vec![read("main", &root().join("Cargo.toml")), read("xtask", &root().join("xtask/Cargo.toml"))];
    for folder in ["shared", "services"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let manifest = entry.unwrap().path().join("Cargo.toml");
            if manifest.is_file() {
                let name = manifest.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
                found.push(read(&name, &manifest));
            }
        }
    }
    assert!(found.len() > 10, "crates are not where they were");
    found
}

fn read(name: &str, manifest: &std::path::Path) -> Crate {
    let text = std::fs::read_to_string(manifest).unwrap();
    Crate { name: name.to_owned(), manifest: text.parse().unwrap() }
}

#[test]
fn a_crate_depends_on_lower_layers_only() {
    let mut findings = Vec::new();
    for each in crates() {
        for dependency in each.dependencies("dependencies") {
            if layer(dependency).is_some_and(|layer| layer >= each.layer()) {
                findings.push(format!("{} must not depend on {dependency}", each.name));
            }
        }
        for dependency in each.dependencies("dev-dependencies") {
            // The testkit is for everybody's tests.
            let allowed =
                dependency == "testkit" || layer(dependency).is_none_or(|layer| layer < each.layer());
            if !allowed {
                findings.push(format!("tests of {} must not depend on {dependency}", each.name));
            }
        }
    }
    assert_none(
        &findings,
        "Layers, lowest first: wire model error seal | calls runtime statistics | bus link testkit | registry | cluster | api worker broker | main",
    );
}

#[test]
fn testkit_is_for_tests_only() {
    let users = crates().into_iter().filter(|each| each.dependencies("dependencies").contains(&"testkit"));
    let findings: Vec<String> = users.map(|each| each.name).collect();
    assert_none(&findings, "testkit belongs into [dev-dependencies]");
}

#[test]
fn what_a_crate_must_not_know_it_does_not() {
    let all = crates();
    let mut findings = Vec::new();
    for (name, forbidden, reason) in NEVER {
        let each = all.iter().find(|each| each.name == name).unwrap();
        for kind in ["dependencies", "dev-dependencies"] {
            for dependency in each.dependencies(kind).into_iter().filter(|name| forbidden.contains(name)) {
                findings.push(format!("{name} depends on {dependency}: {reason}"));
            }
        }
    }
    assert_none(&findings, "Remove these dependencies");
}

#[test]
fn every_crate_takes_the_lints_and_versions_of_the_workspace() {
    let mut findings = Vec::new();
    for each in crates() {
        let lints = each.manifest.get("lints").and_then(|lints| lints.get("workspace"));
        if lints != Some(&Value::Boolean(true)) {
            findings.push(format!("{}: add [lints] workspace = true", each.name));
        }
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = each.manifest.get(kind).and_then(Value::as_table) else { continue };
            for (dependency, how) in table {
                if how.get("workspace") != Some(&Value::Boolean(true)) {
                    findings.push(format!("{}: {dependency} should be {{ workspace = true }}", each.name));
                }
            }
        }
    }
    assert_none(&findings, "Versions and lints stand in the root Cargo.toml once");
}
