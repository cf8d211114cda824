//! Our interface is the known one: every path, parameter, default, field and number, but for what was reviewed.
//!
//! `contract/contract.json` keeps the facts of the known interface. Where its document lies beside the project, a
//! test compares them; `MT5REST_CONTRACT=<document>` writes them anew.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may fail the test")]

#[path = "contract/compare.rs"]
mod compare;
#[path = "contract/facts.rs"]
mod facts;
#[path = "contract/reviewed.rs"]
mod reviewed;

use std::path::Path;

use serde_json::Value;

/// The facts that are kept.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/contract.json");

/// Where the document of the known interface may lie.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/contract/openapi.json");

/// Names the document to take the facts from.
const REWRITE: &str = "MT5REST_CONTRACT";

fn read(path: impl AsRef<Path>) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn ours_is_the_known_interface_but_for_what_was_reviewed() {
    let ours: Value = serde_json::from_str(&api::openapi_document()).unwrap();
    let found = compare::differences(&read(KEPT), &facts::of(&ours));
    let left = compare::unreviewed(&found, reviewed::REVIEWED);
    assert!(left.is_empty(), "{} differences are not reviewed:\n{}", left.len(), left.join("\n"));
}

/// Facts are everybody's, sentences are not.
#[test]
fn no_sentence_is_theirs() {
    if !Path::new(SOURCE).exists() {
        return;
    }
    let theirs = facts::sentences(&read(SOURCE));
    let ours: Value = serde_json::from_str(&api::openapi_document()).unwrap();
    let both: Vec<String> = facts::sentences(&ours).intersection(&theirs).cloned().collect();
    assert!(both.is_empty(), "say it in other words:\n{}", both.join("\n"));
}

#[test]
fn the_kept_facts_are_those_of_the_document() {
    if let Some(source) = std::env::var_os(REWRITE) {
        std::fs::write(KEPT, format!("{:#}\n", facts::of(&read(source)))).unwrap();
    }
    if Path::new(SOURCE).exists() {
        assert!(facts::of(&read(SOURCE)) == read(KEPT), "write the facts anew with {REWRITE}={SOURCE}");
    }
}
