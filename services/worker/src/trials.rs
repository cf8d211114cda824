//! Sessions that were taken from others: each is on trial until this process has lived with it for a while. Dying before
//! counts against the session.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use registry::Fence;
use tokio::time::Instant;

/// Living with a session for so long is to have stood it: what it loads is there by then, and what it is told as well.
const STOOD_AFTER: Duration = Duration::from_secs(30);

/// A session on trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trial {
    pub(crate) token: String,
    pub(crate) fence: Fence,
    begun: Instant,
}

/// See the module. The oldest come first.
#[derive(Default)]
pub(crate) struct Trials(Mutex<VecDeque<Trial>>);

impl Trials {
    fn all(&self) -> MutexGuard<'_, VecDeque<Trial>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session was taken.
    pub(crate) fn begin(&self, token: &str, fence: Fence) {
        self.all().push_back(Trial { token: token.to_owned(), fence, begun: Instant::now() });
    }

    /// Those that have been stood.
    pub(crate) fn take_stood(&self) -> Vec<Trial> {
        let mut all = self.all();
        let count = all.iter().take_while(|trial| trial.begun.elapsed() >= STOOD_AFTER).count();
        all.drain(..count).collect()
    }

    /// All of them: this process ends for another reason.
    pub(crate) fn take_all(&self) -> Vec<Trial> {
        self.all().drain(..).collect()
    }

    /// It is not known whether anybody was told of it.
    pub(crate) fn put_back(&self, trial: Trial) {
        self.all().push_front(trial);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_trial_takes_half_a_minute() {
        let trials = Trials::default();
        let stood = || trials.take_stood().into_iter().map(|trial| trial.token).collect::<Vec<_>>();
        trials.begin("one", Fence(1));
        tokio::time::advance(STOOD_AFTER / 2).await;
        trials.begin("two", Fence(2));
        assert_eq!(stood(), [""; 0]);
        tokio::time::advance(STOOD_AFTER / 2).await;
        let one = trials.take_stood();
        assert_eq!((one.len(), one[0].token.as_str()), (1, "one"));
        trials.put_back(one[0].clone());
        assert_eq!((stood(), stood()), (vec!["one".to_owned()], vec![]));
        assert_eq!(trials.take_all()[0].token, "two");
    }
}
