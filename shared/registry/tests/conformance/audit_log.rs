//! The record of what was done.

use std::time::Duration;

use registry::{AuditMax, Registry};

crate::on_both! {
    lines_stand_behind_each_other
    the_oldest_lines_of_too_many_go_and_the_last_stays
    checkpoints_stand_behind_each_other
}

const MUCH: AuditMax = AuditMax { bytes: 1 << 20, age: Duration::from_secs(3600) };

fn lines(numbers: std::ops::RangeInclusive<u64>) -> Vec<String> {
    numbers.map(|number| format!("line {number:03}")).collect()
}

async fn lines_stand_behind_each_other(registry: &dyn Registry) {
    assert_eq!(registry.audit_end("acme").await.unwrap(), None);
    assert!(registry.append_audit("acme", 0, &lines(1..=3), MUCH).await.unwrap());
    assert!(!registry.append_audit("acme", 0, &lines(1..=3), MUCH).await.unwrap(), "others were first");
    assert!(!registry.append_audit("acme", 4, &lines(5..=5), MUCH).await.unwrap(), "a gap");
    assert!(registry.append_audit("acme", 3, &lines(4..=12), MUCH).await.unwrap());
    assert_eq!(registry.audit_end("acme").await.unwrap().as_deref(), Some("line 012"));
    assert_eq!(registry.audit_lines("acme", 0, 100).await.unwrap(), lines(1..=12));
    assert_eq!(registry.audit_lines("acme", 8, 3).await.unwrap(), lines(9..=11));
    assert!(registry.audit_lines("acme", 12, 3).await.unwrap().is_empty());
    assert_eq!(registry.audit_end("other").await.unwrap(), None, "another tenant's is another one");
    assert!(registry.audit_lines("ac", 0, 9).await.unwrap().is_empty());
}

async fn the_oldest_lines_of_too_many_go_and_the_last_stays(registry: &dyn Registry) {
    let bytes = lines(1..=5).concat().len();
    let few = AuditMax { bytes, ..MUCH };
    assert!(registry.append_audit("acme", 0, &lines(1..=20), few).await.unwrap());
    assert_eq!(registry.audit_lines("acme", 0, 100).await.unwrap(), lines(16..=20));
    assert_eq!(registry.audit_lines("acme", 17, 100).await.unwrap(), lines(18..=20));
    let none = AuditMax { bytes: 1, ..MUCH };
    assert!(registry.append_audit("acme", 20, &lines(21..=22), none).await.unwrap());
    assert_eq!(registry.audit_lines("acme", 0, 100).await.unwrap(), lines(22..=22));
    assert!(registry.append_audit("acme", 22, &lines(23..=23), MUCH).await.unwrap(), "it goes on");
    assert_eq!(registry.audit_lines("acme", 0, 100).await.unwrap(), lines(22..=23));
}

async fn checkpoints_stand_behind_each_other(registry: &dyn Registry) {
    assert!(registry.checkpoints("acme").await.unwrap().is_empty());
    assert!(registry.keep_checkpoint("acme", None, "one").await.unwrap());
    assert!(!registry.keep_checkpoint("acme", None, "other").await.unwrap());
    assert!(registry.keep_checkpoint("acme", Some("one"), "two").await.unwrap());
    assert!(!registry.keep_checkpoint("acme", Some("one"), "three").await.unwrap());
    assert_eq!(registry.checkpoints("acme").await.unwrap(), ["one", "two"]);
    assert!(registry.checkpoints("other").await.unwrap().is_empty());
}
