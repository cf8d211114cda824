//! What a socket forwards: the events of one session, or of several.

use std::sync::Arc;

use bus::{End, Frame, Subscription};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Events that go from sessions to a socket of several; what waits longer waits in the sessions' own queues, which know
/// what may be left out.
const AHEAD: usize = 4;

/// See the module.
pub(super) enum Source {
    /// One session.
    One(Box<(String, Subscription)>),
    /// Several.
    Many {
        /// What they tell.
        events: mpsc::Receiver<(String, Result<Arc<Frame>, End>)>,
        /// One for each; they end with this.
        _tasks: JoinSet<()>,
    },
}

impl Source {
    /// Of these subscriptions, by token.
    pub(super) fn of(mut all: Vec<(String, Subscription)>) -> Self {
        if all.len() == 1
            && let Some(one) = all.pop()
        {
            return Self::One(Box::new(one));
        }
        let (sender, events) = mpsc::channel(AHEAD);
        let mut tasks = JoinSet::new();
        for (token, mut subscription) in all {
            let sender = sender.clone();
            tasks.spawn(async move {
                loop {
                    let next = subscription.next().await;
                    let is_over = next.is_err();
                    if sender.send((token.clone(), next)).await.is_err() || is_over {
                        return;
                    }
                }
            });
        }
        Self::Many { events, _tasks: tasks }
    }

    /// Whether there is one session only, so that its end is the socket's.
    pub(super) const fn is_one(&self) -> bool {
        matches!(self, Self::One(_))
    }

    /// The next event, or the end of a session, with its token. `None`: all have ended. Safe to cancel.
    pub(super) async fn next(&mut self) -> Option<(String, Result<Arc<Frame>, End>)> {
        match self {
            Self::One(one) => {
                let next = one.1.next().await;
                let token = if next.is_err() { one.0.clone() } else { String::new() };
                Some((token, next))
            }
            Self::Many { events, .. } => events.recv().await,
        }
    }
}
