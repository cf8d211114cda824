//! `Safe` calls without an idempotency key: one that equals another whose answer has not reached its caller gets that one's
//! outcome.

use bus::Payload;
use calls::TradingCall;
use error::Error;
use registry::Key;
use tokio::time::timeout_at;

use super::keyed;
use crate::backend::Caller;
use crate::session::{Joined, Session, Told};

/// Answers a call under the key that it implies.
pub(super) async fn once(
    caller: &Caller<'_>,
    session: &Session,
    key: &Key,
    call: TradingCall,
) -> Result<Payload, Error> {
    loop {
        let joined = session.repeats().join(key.name());
        match joined {
            Joined::First(sender) => {
                let told = keyed::first(caller, session, key, call).await;
                let result = given(caller, session, told.clone());
                if told.under.is_some() {
                    sender.send_replace(Some(told));
                }
                return result;
            }
            Joined::Behind(mut first) => {
                let told = timeout_at(caller.deadline, first.wait_for(Option::is_some)).await;
                let told = told.map(|told| told.map(|told| told.clone()));
                match told {
                    Ok(Ok(Some(told))) => return given(caller, session, Told { is_replayed: true, ..told }),
                    // The first one has sent nothing.
                    Ok(Ok(None) | Err(_)) => {}
                    Err(_) => return Err(keyed::late(key)),
                }
            }
        }
    }
}

/// Gives an outcome to the caller, and asks for word of it.
fn given(caller: &Caller<'_>, session: &Session, told: Told) -> Result<Payload, Error> {
    if let Some(key) = &told.under {
        session.repeats().answered(key.attempt());
        caller.wants_receipt(key);
    }
    if told.is_replayed {
        caller.replays();
    }
    told.result
}
