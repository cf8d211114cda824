use std::io::Cursor;

use audit::{Signer, verify};
use registry::MemoryRegistry;
use runtime::Tasks;

use super::*;
use crate::audit::Audit;

const SEED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn record(call: &str) -> Record {
    Record { tenant: "acme".into(), call: call.into(), ..Record::default() }
}

async fn whole(registry: &dyn Registry) -> String {
    registry.audit_lines("acme", 0, 10_000).await.unwrap().join("\n")
}

#[tokio::test]
async fn lines_of_several_workers_are_one_chain_which_is_signed_at_the_end() {
    const EACH: usize = 50;
    let registry: Arc<dyn Registry> = Arc::new(MemoryRegistry::new());
    let signer = Arc::new(Signer::parse(SEED).unwrap());
    let key = signer.verifying_key();
    let settings = AuditSettings { signer: Some(signer), ..AuditSettings::default() };
    let tasks = Tasks::new();
    let start = || Audit::start(settings.clone(), Arc::clone(&registry), &tasks);
    let workers = [start(), start(), start()];
    let write = async |worker: &Audit| {
        for _ in 0..EACH {
            worker.place().unwrap().write(record("OrderSend")).await;
        }
    };
    tokio::join!(write(&workers[0]), write(&workers[1]), write(&workers[2]));
    assert!(tasks.finish(Duration::from_secs(20)).await);
    let checkpoints = registry.checkpoints("acme").await.unwrap();
    let checkpoints: Vec<Checkpoint> =
        checkpoints.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let report = verify("acme", Cursor::new(whole(&*registry).await), &checkpoints, Some(&key)).unwrap();
    assert_eq!((report.head.size, report.signed), (3 * EACH as u64, 3 * EACH as u64));
}

#[tokio::test]
async fn what_was_written_without_an_answer_is_not_written_again() {
    let registry: Arc<dyn Registry> = Arc::new(MemoryRegistry::new());
    let mut writer = Writer::new(AuditSettings::default(), Arc::clone(&registry));
    let (first, head) = Head::empty("acme").line(&record("one")).unwrap();
    let (second, _) = head.line(&record("other")).unwrap();
    registry.append_audit("acme", 0, &[first.clone(), second], writer.settings.max).await.unwrap();
    let mut attempt = Some(Attempt { after: 0, lines: vec![first] });
    assert!(writer.try_write("acme", &[record("one")], &mut attempt).await.unwrap());
    assert_eq!(whole(&*registry).await.lines().count(), 2);
    // Where others were first, it was not.
    let mut attempt = Some(Attempt { after: 0, lines: vec!["another".to_owned()] });
    assert!(writer.try_write("acme", &[record("two")], &mut attempt).await.unwrap());
    let text = whole(&*registry).await;
    assert_eq!(text.lines().count(), 3);
    assert!(verify("acme", Cursor::new(text), &[], None).is_ok());
}

#[tokio::test]
async fn calls_find_no_place_when_too_many_lines_wait() {
    let registry: Arc<dyn Registry> = Arc::new(MemoryRegistry::new());
    let tasks = Tasks::new();
    let worker = Audit::start(AuditSettings::default(), registry, &tasks);
    let places: Vec<_> = std::iter::from_fn(|| worker.place().ok()).collect();
    assert_eq!(places.len(), crate::audit::WAITING_MAX);
    drop(places);
    assert!(worker.place().is_ok());
    tasks.finish(Duration::from_secs(20)).await;
}
