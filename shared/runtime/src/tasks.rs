//! Tasks that belong to somebody.

use std::time::Duration;

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

#[cfg(test)]
mod tests {
    use super::*;

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
