//! Differences of two sets of facts, one line each, and the review of them.

use serde_json::Value;

/// A kind of difference that is meant: a pattern of lines, in which `*` stands for anything, and why.
pub(crate) type Reviewed = (&'static str, &'static str);

/// The differences: `-` is only theirs, `+` is only ours, `~` differs.
pub(crate) fn differences(theirs: &Value, ours: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", theirs, ours, &mut found);
    found
}

fn compare(place: &str, theirs: &Value, ours: &Value, found: &mut Vec<String>) {
    let (Value::Object(their_fields), Value::Object(our_fields)) = (theirs, ours) else {
        if theirs != ours {
            found.push(format!("~ {place}: {theirs} -> {ours}"));
        }
        return;
    };
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    for (name, their) in their_fields {
        match our_fields.get(name) {
            Some(our) => compare(&below(name), their, our, found),
            None => found.push(format!("- {}: {their}", below(name))),
        }
    }
    for (name, our) in our_fields.iter().filter(|(name, _)| !their_fields.contains_key(*name)) {
        found.push(format!("+ {}: {our}", below(name)));
    }
}

/// What nobody reviewed, and reviews of what is not there.
pub(crate) fn unreviewed(found: &[String], reviewed: &[Reviewed]) -> Vec<String> {
    let fits = |line: &str, pattern: &str| matches(pattern, line);
    let unlisted = found.iter().filter(|line| !reviewed.iter().any(|(pattern, _)| fits(line, pattern)));
    let idle = reviewed.iter().filter(|(pattern, _)| !found.iter().any(|line| fits(line, pattern)));
    let idle = idle.map(|(pattern, _)| format!("this entry of the review fits nothing: {pattern}"));
    unlisted.cloned().chain(idle).collect()
}

/// Whether a text fits a pattern.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(begin) else { return false };
    let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.any(|at| matches(rest, &text[at..]))
}

#[test]
fn every_difference_has_a_line_and_needs_a_review() {
    let theirs = serde_json::json!({ "a": { "x": 1, "gone": [1] }, "same": {} });
    let ours = serde_json::json!({ "a": { "x": 2, "new": true }, "same": {} });
    let found = differences(&theirs, &ours);
    assert_eq!(found, ["~ a.x: 1 -> 2", "- a.gone: [1]", "+ a.new: true"]);
    assert_eq!(unreviewed(&found, &[("~ a.x: *", ""), ("- *.gone*", ""), ("+ a.new: true", "")]), [""; 0]);
    let left = unreviewed(&found, &[("? a.*", ""), ("*a.*: [*", "")]);
    assert_eq!(left, ["~ a.x: 1 -> 2", "+ a.new: true", "this entry of the review fits nothing: ? a.*"]);
}
