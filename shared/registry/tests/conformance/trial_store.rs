//! What is kept of the trial.

use access::TrialMark;
use futures_util::future::join_all;
use registry::{Registry, TrialFile, TrialStore};

crate::on_both! {
    the_earliest_beginning_and_the_latest_time_are_kept
}

const fn mark(began_s: i64, mark_s: i64) -> TrialMark {
    TrialMark { began_s, mark_s }
}

async fn the_earliest_beginning_and_the_latest_time_are_kept(registry: &dyn Registry) {
    holds(registry).await;
}

async fn holds(store: &(impl TrialStore + ?Sized)) {
    assert_eq!(store.trial().await.unwrap(), None);
    for (given, kept) in [
        (mark(1_795_824_000, 1_795_824_000), mark(1_795_824_000, 1_795_824_000)),
        (mark(1_795_824_500, 1_795_824_500), mark(1_795_824_000, 1_795_824_500)),
        (mark(1_795_823_000, 1_795_824_100), mark(1_795_823_000, 1_795_824_500)),
        (mark(1_795_823_000, 1_795_824_500), mark(1_795_823_000, 1_795_824_500)),
        // Texts of other lengths are numbers still.
        (mark(999, 10_000_000_000), mark(999, 10_000_000_000)),
        (mark(1_000, 9_999_999_999), mark(999, 10_000_000_000)),
    ] {
        assert_eq!(store.keep_trial(given).await.unwrap(), kept, "{given:?}");
        assert_eq!(store.trial().await.unwrap(), Some(kept), "{given:?}");
    }
}

#[tokio::test]
async fn a_file_keeps_the_same_and_its_owner_alone_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = testkit::Scratch::new("trial");
    let folder = scratch.path().join("data");
    holds(&TrialFile::new(&folder)).await;
    let path = folder.join("trial.json");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // Somebody else's file of the same name is no beginning of anything, and is left alone.
    for wrong in ["", "{}", "[1]", "{\"began_s\":1,", &" ".repeat(5000)] {
        std::fs::write(&path, wrong).unwrap();
        TrialFile::new(&folder).trial().await.unwrap_err();
        TrialFile::new(&folder).keep_trial(mark(1, 2)).await.unwrap_err();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), wrong);
    }
}

#[tokio::test]
async fn of_many_who_begin_at_once_all_have_the_same_beginning() {
    let (_server, registry) = crate::tools::redis().await;
    let marks = (0..16).map(|number| mark(1_000 + (number * 7) % 16, 2_000));
    let kept = join_all(marks.map(|mark| registry.keep_trial(mark))).await;
    assert!(kept.iter().any(|kept| kept.as_ref().unwrap().began_s == 1_000));
    assert_eq!(registry.trial().await.unwrap(), Some(mark(1_000, 2_000)));
}
