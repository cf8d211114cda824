//! Calls under a key: the first one is done, its repetitions get its outcome, wherever they arrive.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bus::Payload;
use calls::TradingCall;
use error::{Code, Error};
use registry::{Key, Keyed};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::act;
use crate::backend::Caller;
use crate::session::{Begun, Recorded, Session, Told, from_bytes, is_known, moved, of_call, unreachable};

/// How often the outcome of a call that another owner began is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Answers a call under its idempotency key.
pub(super) async fn once(
    caller: &Caller<'_>,
    session: &Session,
    key: &Key,
    call: TradingCall,
) -> Result<Payload, Error> {
    loop {
        let begun = session.journal().begin(key.name(), &caller.fingerprint)?;
        match begun {
            Begun::New(sender) => {
                let told = first(caller, session, key, call).await;
                // What never left may be tried again under the same key.
                if told.under.is_some() {
                    sender.send_replace(Some(told.result.clone()));
                }
                if told.is_replayed {
                    caller.replays();
                }
                return told.result;
            }
            Begun::Before(mut outcome) => {
                let known = timeout_at(caller.deadline, outcome.wait_for(Option::is_some)).await;
                let known = known.map(|outcome| outcome.map(|outcome| outcome.clone()));
                return match known {
                    Ok(Ok(Some(recorded))) => {
                        caller.replays();
                        match recorded {
                            Err(error) => caller.corrected(session, key, error).await,
                            done => done,
                        }
                    }
                    // The first one has sent nothing, or its caller is gone and the registry knows what it has sent.
                    Ok(Err(_)) => continue,
                    Ok(Ok(None)) | Err(_) => Err(late(key)),
                };
            }
        }
    }
}

/// The first call under a key in this process; in the cluster it may be a later one.
pub(super) async fn first(caller: &Caller<'_>, session: &Session, key: &Key, call: TradingCall) -> Told {
    match known(caller, session, key).await {
        Ok(None) => done(caller, session, key, call).await,
        Ok(Some((recorded, under))) => {
            let result = match recorded {
                Err(error) => caller.corrected(session, &under, error).await,
                done => done,
            };
            if result.as_ref().map_or_else(is_known, |_| true) {
                // It is not of unknown fate any more for equal calls to come.
                session.journal().forget_unknown_of(&under);
            }
            Told { result, under: Some(under), is_replayed: true }
        }
        Err(error) => Told { result: Err(error), under: None, is_replayed: false },
    }
}

/// The outcome under a key, and the key with the attempt that had it. `None`: the call is begun now, and to be done.
async fn known(caller: &Caller<'_>, session: &Session, key: &Key) -> Result<Option<(Recorded, Key)>, Error> {
    let registry = caller.worker.registry();
    let mut awaited: Option<String> = None;
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
            Keyed::New => return Ok(None),
            Keyed::Open { attempt } => {
                let begun = key.of_attempt(&attempt);
                if session.journal().take_doubt(&begun) {
                    if let Err(failure) = registry.free_key(session.token(), fence, &begun).await {
                        session.journal().doubt(&begun);
                        return Err(unreachable(&failure));
                    }
                    continue;
                }
                // The last owner sent it; what became of it is being found out.
                let next = Instant::now() + LOOK_EVERY;
                if next >= caller.deadline {
                    return Err(late(key));
                }
                sleep_until(next).await;
            }
            // Its answer may have arrived, so that this call is a new one: whoever took the answer is about to say so.
            Keyed::Done { attempt, .. }
                if matches!(key, Key::Implied { .. }) && awaited.as_ref() != Some(&attempt) =>
            {
                session.word_of_answer(&attempt, caller.deadline).await;
                awaited = Some(attempt);
            }
            Keyed::Done { outcome, attempt } => {
                return Ok(Some((from_bytes(&outcome), key.of_attempt(&attempt))));
            }
            Keyed::Other => {
                let told = "This idempotency key was used for another call. Use a new key for a new order.";
                return Err(Error::new(Code::DuplicateAttempt, told));
            }
            Keyed::Full => return Err(full(key)),
            // Given away at this moment, or just now: whoever waits for it to settle is told right, and the call goes on there.
            Keyed::Stale if session.standing().may_begin(caller.deadline).await => {
                if session.standing().fence() == fence {
                    return Err(moved());
                }
            }
            Keyed::Stale => return Err(moved()),
        }
    }
}

/// Does the call that was begun under a key.
async fn done(caller: &Caller<'_>, session: &Session, key: &Key, call: TradingCall) -> Told {
    let result = act(caller, session, call).await;
    let is_replayed = caller.is_replayed();
    if result.is_ok() || caller.sent.load(Ordering::SeqCst) {
        settle(session, key, &result).await;
        return Told { result, under: Some(key.clone()), is_replayed };
    }
    let fence = session.standing().fence();
    if let Err(failure) = caller.worker.registry().free_key(session.token(), fence, key).await {
        // The next owner finds that nothing was sent.
        session.journal().doubt(key);
        tracing::debug!(%failure, "a key could not be freed");
    }
    Told { result, under: None, is_replayed }
}

/// Writes the outcome under its key. If that fails the next owner finds it out anew.
pub(super) async fn settle(session: &Session, key: &Key, outcome: &Recorded) {
    session.settle_key(key, of_call(outcome)).await;
}

fn full(key: &Key) -> Error {
    Error::busy(match key {
        Key::Chosen(_) => "The session remembers too many idempotency keys. Old ones go after a day.",
        Key::Implied { .. } => {
            "The session remembers too many Safe calls whose answers have not reached their callers. Old ones go after \
             ten minutes; a call with an idempotency key, or one that is not Safe, is taken now."
        }
    })
}

/// The first call has no outcome yet.
pub(super) fn late(key: &Key) -> Error {
    let what = match key {
        Key::Chosen(_) => "The first call with this idempotency key",
        Key::Implied { .. } => "The equal call that this one repeats",
    };
    Error::timeout(what).with_outcome(error::Outcome::Unknown)
}
