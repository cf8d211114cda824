//! Calls with an idempotency key: the first one is done, its repetitions get its outcome, wherever they arrive.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bus::Payload;
use calls::TradingCall;
use error::{Code, Error};
use registry::Keyed;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::act;
use crate::backend::Caller;
use crate::session::{Begun, Recorded, Session, from_bytes, moved, to_bytes, unreachable};

/// How often the outcome of a call that another owner began is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Answers a call under its key.
pub(super) async fn once(
    caller: &Caller<'_>,
    session: &Session,
    key: &str,
    call: TradingCall,
) -> Result<Payload, Error> {
    let begun = session.journal().begin(key, &caller.fingerprint)?;
    match begun {
        Begun::New(sender) => {
            let outcome = first(caller, session, key, call).await;
            // What never left may be tried again under the same key.
            let is_kept = match &outcome {
                Ok(_) => true,
                Err(_) if caller.sent.load(Ordering::SeqCst) => true,
                Err(failure) => is_known(failure),
            };
            if is_kept {
                sender.send_replace(Some(outcome.clone()));
            }
            outcome
        }
        Begun::Before(mut outcome) => {
            let known = timeout_at(caller.deadline, outcome.wait_for(Option::is_some)).await;
            let known = known.map(|outcome| outcome.map(|outcome| outcome.clone()));
            match known {
                Ok(Ok(Some(Err(error)))) => caller.corrected(session, key, error).await,
                Ok(Ok(Some(done))) => done,
                Ok(Err(_)) => {
                    let told = "The first call with this idempotency key was not sent. Send it again.";
                    Err(Error::new(Code::RequestCancelled, told))
                }
                Ok(Ok(None)) | Err(_) => Err(late()),
            }
        }
    }
}

/// The first call under a key in this process; in the cluster it may be a later one.
async fn first(
    caller: &Caller<'_>,
    session: &Session,
    key: &str,
    call: TradingCall,
) -> Result<Payload, Error> {
    let registry = caller.worker.registry();
    loop {
        let fence = session.standing().fence();
        let said = match registry.begin_key(session.token(), fence, key, &caller.fingerprint).await {
            Ok(said) => said,
            Err(failure) => {
                // The key may be begun all the same, and it is known here only that nothing was sent.
                session.journal().doubt(key);
                return Err(unreachable(&failure));
            }
        };
        match said {
            Keyed::New => break,
            Keyed::Open if session.journal().take_doubt(key) => break,
            Keyed::Done(outcome) => {
                return match from_bytes(&outcome) {
                    Err(error) => caller.corrected(session, key, error).await,
                    done => done,
                };
            }
            // The last owner sent it; what became of it is being found out.
            Keyed::Open if Instant::now() + LOOK_EVERY < caller.deadline => {
                sleep_until(Instant::now() + LOOK_EVERY).await;
            }
            Keyed::Open => return Err(late()),
            Keyed::Other => {
                let told = "This idempotency key was used for another call. Use a new key for a new order.";
                return Err(Error::new(Code::DuplicateAttempt, told));
            }
            Keyed::Full => {
                let told = "The session remembers too many idempotency keys. Old ones go after a day.";
                return Err(Error::busy(told));
            }
            Keyed::Stale => return Err(moved()),
        }
    }
    let outcome = act(caller, session, call).await;
    if outcome.is_ok() || caller.sent.load(Ordering::SeqCst) {
        settle(session, key, &outcome).await;
    } else {
        let fence = session.standing().fence();
        if let Err(failure) = registry.free_key(session.token(), fence, key).await {
            // The next owner finds that nothing was sent.
            session.journal().doubt(key);
            tracing::debug!(%failure, "an idempotency key could not be freed");
        }
    }
    outcome
}

/// Writes the outcome under its key. If that fails the next owner finds it out anew.
pub(super) async fn settle(session: &Session, key: &str, outcome: &Recorded) {
    session.settle_key(key, to_bytes(outcome)).await;
}

/// Whether an error is the outcome of a call that sent something, here or elsewhere.
fn is_known(failure: &Error) -> bool {
    matches!(failure.outcome(), Some(error::Outcome::Rejected | error::Outcome::Applied))
}

fn late() -> Error {
    Error::timeout("The first call with this idempotency key").with_outcome(error::Outcome::Unknown)
}
