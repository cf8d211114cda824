#![allow(clippy::unwrap_used)] // A test fails by panicking.

use super::*;
use crate::{Record, Signer};

const SEED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A chain of ten lines with a checkpoint after the third and the seventh, and the key of their signer.
fn chain() -> (Vec<String>, Vec<Checkpoint>, VerifyingKey) {
    let signer = Signer::parse(SEED).unwrap();
    let (mut lines, mut checkpoints): (Vec<String>, Vec<Checkpoint>) = Default::default();
    let mut head = Head::empty("acme");
    for number in 1..=10 {
        let record = Record { at_ms: number, call: "OrderSend".into(), ticket: Some(7), ..Record::default() };
        let (line, next) = head.line(&record).unwrap();
        lines.push(line);
        head = next;
        if matches!(number, 3 | 7) {
            checkpoints.push(signer.sign("acme", head, number, checkpoints.last()));
        }
    }
    (lines, checkpoints, signer.verifying_key())
}

fn verified(lines: &[String], checkpoints: &[Checkpoint], key: &VerifyingKey) -> Result<Report, Fault> {
    verify("acme", lines.join("\n").as_bytes(), checkpoints, Some(key))
}

#[test]
fn a_chain_as_it_was_written_is_found_to_be_so() {
    let (lines, checkpoints, key) = chain();
    let report = verified(&lines, &checkpoints, &key).unwrap();
    assert_eq!((report.first, report.head.size, report.signed), (1, 10, 7));
    // The beginning may be rotated away, even past a checkpoint.
    let rotated = verified(&lines[4..], &checkpoints, &key).unwrap();
    assert_eq!((rotated.first, rotated.head), (5, report.head));
    let none = verify("acme", &b""[..], &[], Some(&key)).unwrap();
    assert_eq!((none.head, none.signed), (Head::empty("acme"), 0));
}

#[test]
fn every_edit_of_every_line_is_found() {
    let (lines, checkpoints, key) = chain();
    for at in 0..lines.len() {
        for (from, to) in
            [("\"ticket\":7", "\"ticket\":8"), ("OrderSend", "OrderDrop"), ("\"atMs\":", "\"atMs\":1")]
        {
            let mut edited = lines.clone();
            edited[at] = edited[at].replacen(from, to, 1);
            let fault = verified(&edited, &checkpoints, &key).unwrap_err();
            assert!(matches!(fault, Fault::Edited(seq) if seq == at as u64 + 1), "{fault}");
        }
    }
}

#[test]
fn a_chain_that_was_made_anew_after_an_edit_is_not_the_one_that_was_signed() {
    let (_, checkpoints, key) = chain();
    let (mut lines, mut head) = (Vec::new(), Head::empty("acme"));
    for number in 1..=10 {
        let record = Record { at_ms: number, call: "Other".into(), ..Record::default() };
        let (line, next) = head.line(&record).unwrap();
        (head, _) = (next, lines.push(line));
    }
    assert!(matches!(verified(&lines, &checkpoints, &key), Err(Fault::Root(3))));
}

#[test]
fn gaps_doubles_and_another_order_are_found() {
    let (lines, checkpoints, key) = chain();
    for at in 1..lines.len() - 1 {
        let mut dropped = lines.clone();
        dropped.remove(at);
        assert!(matches!(verified(&dropped, &checkpoints, &key), Err(Fault::Order { .. })), "{at}");
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at].clone());
        assert!(matches!(verified(&doubled, &checkpoints, &key), Err(Fault::Order { .. })), "{at}");
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        assert!(matches!(verified(&swapped, &checkpoints, &key), Err(Fault::Order { .. })), "{at}");
    }
}

#[test]
fn an_end_that_is_cut_off_is_found_up_to_the_last_checkpoint() {
    let (lines, checkpoints, key) = chain();
    for left in 0..7 {
        let fault = verified(&lines[..left], &checkpoints, &key).unwrap_err();
        assert!(matches!(fault, Fault::Truncated { last, .. } if last == left as u64), "{left}: {fault}");
    }
    assert!(verified(&lines[..7], &checkpoints, &key).is_ok(), "it may have ended there");
}

#[test]
fn checkpoints_of_others_and_missing_ones_are_found() {
    let (lines, checkpoints, key) = chain();
    let other = Signer::parse(&SEED.replace("AAEC", "BBEC")).unwrap().verifying_key();
    assert!(matches!(verified(&lines, &checkpoints, &other), Err(Fault::Signature(3))));
    for change in [
        |one: &mut Checkpoint| one.size = 2,
        |one: &mut Checkpoint| one.at_ms += 1,
        |one: &mut Checkpoint| one.origin = "other".into(),
        |one: &mut Checkpoint| one.signature.clear(),
    ] {
        let mut changed = checkpoints.clone();
        change(&mut changed[0]);
        assert!(matches!(verified(&lines, &changed, &key), Err(Fault::Signature(_))));
    }
    let signer = Signer::parse(SEED).unwrap();
    let head = Line::parse(&lines[8]).unwrap().head();
    let without = [checkpoints[0].clone(), signer.sign("acme", head, 9, None)];
    assert!(matches!(verified(&lines, &without, &key), Err(Fault::Checkpoints(9))));
    // A chain of another tenant begins differently.
    assert!(matches!(verify("other", lines.join("\n").as_bytes(), &[], None), Err(Fault::Broken(1))));
}

#[test]
fn what_is_no_record_is_refused() {
    let (lines, ..) = chain();
    for wrong in ["{}", "nonsense", "{\"seq\":2}", &"x".repeat(LINE_BYTES_MAX + 1)] {
        let text = format!("{}\n{wrong}\n", lines[0]);
        assert!(
            matches!(verify("acme", text.as_bytes(), &[], None), Err(Fault::Unreadable(2))),
            "{wrong:.20}"
        );
    }
}

#[test]
fn a_line_is_written_the_same_for_ever() {
    let record = Record {
        at_ms: 1,
        tenant: "acme".into(),
        call: "OrderSend".into(),
        params: [("symbol".to_owned(), "EURUSD".to_owned())].into(),
        request: "r".into(),
        outcome: "applied".into(),
        code: "OK".into(),
        ..Record::default()
    };
    let (line, head) = Head::empty("acme").line(&record).unwrap();
    assert!(
        line.starts_with("{\"seq\":1,\"prev\":\"9c") || line.starts_with("{\"seq\":1,\"prev\":\""),
        "{line}"
    );
    let text = "{\"atMs\":1,\"tenant\":\"acme\",\"call\":\"OrderSend\",\"params\":{\"symbol\":\"EURUSD\"},\"request\":\"r\",\
                \"outcome\":\"applied\",\"code\":\"OK\",\"latencyMs\":0}";
    assert!(line.contains(&format!("\"record\":{text},")), "{line}");
    let read = Line::parse(&line).unwrap();
    assert_eq!((read.record, read.hash), (record, head.root));
}
