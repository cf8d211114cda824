//! Tasks that belong to somebody.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A group of tasks with one signal to stop. Clones are the same group.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// An empty group.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a task in the group.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.tracker.spawn(task)
    }

    /// Does work, and answers what came of it. Work that changes something is done to its end, also when nobody waits for
    /// it any more; work that only reads ends with whoever waits for it, and costs no task of its own.
    ///
    /// # Errors
    /// A sentence, if the work panicked.
    pub async fn drive<F>(&self, work: F, only_reads: bool) -> Result<F::Output, String>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        if only_reads {
            // What the work holds is dropped with it, so nobody sees it half done.
            return AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| said(panic.as_ref()));
        }
        self.spawn(work).await.map_err(|fault| fault.to_string())
    }

    /// The signal: tasks watch it and end.
    #[must_use]
    pub fn stop_signal(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Whether the signal was given.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Gives the signal.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Gives the signal and waits for all tasks to end, at most for `grace`. Returns whether they did.
    pub async fn finish(&self, grace: Duration) -> bool {
        self.stop();
        self.tracker.close();
        tokio::time::timeout(grace, self.tracker.wait()).await.is_ok()
    }

    /// How many tasks run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tracker.len()
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a panic: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_is_done_to_its_end_and_a_read_ends_with_its_caller() {
        for (only_reads, ends) in [(true, false), (false, true)] {
            let tasks = Tasks::new();
            let (go, gone) = tokio::sync::oneshot::channel::<()>();
            let (done, mut is_done) = tokio::sync::mpsc::channel(1);
            let work = async move {
                let _ = gone.await;
                let _ = done.send(()).await;
            };
            let mut driven = Box::pin(tasks.drive(work, only_reads));
            assert!(futures_util::poll!(driven.as_mut()).is_pending());
            drop(driven);
            let _ = go.send(());
            assert_eq!(is_done.recv().await.is_some(), ends);
        }
    }

    #[tokio::test]
    async fn a_panic_is_told_and_goes_no_further() {
        let tasks = Tasks::new();
        for only_reads in [true, false] {
            let text = tasks.drive(async { panic!("of a {}", "test") }, only_reads).await.unwrap_err();
            assert!(text.contains("panic") && text.contains("of a test"), "{text}");
        }
    }

    #[tokio::test]
    async fn finishing_waits_for_every_task() {
        let tasks = Tasks::new();
        let stop = tasks.stop_signal();
        tasks.spawn(async move { stop.cancelled().await });
        assert_eq!(tasks.running(), 1);
        assert!(tasks.finish(Duration::from_secs(30)).await);
        assert!(tasks.is_stopping() && tasks.running() == 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_end_is_reported() {
        let tasks = Tasks::new();
        tasks.spawn(std::future::pending::<()>());
        assert!(!tasks.finish(Duration::from_secs(1)).await);
    }
}
