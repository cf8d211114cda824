//! Streams that a client may come back to without missing an event.

use std::sync::Arc;
use std::time::Instant;

use access::Caller;
use bus::{Ask, Frame, Params, Payload, Subscription};
use bytes::Bytes;
use calls::CallId;
use calls::account::{AccountSummary, OpenedOrders};

use crate::front::Front;

/// The `type` of the first envelope of each session on a resumable socket.
pub(crate) const RESUMED: &str = "Resumed";

/// The first envelope: after which place events follow, and whether all since the one asked for do. If not, the present
/// state stands in for those that are not kept any more.
pub(super) async fn greeting(
    front: &Front,
    id: &str,
    caller: &Arc<Caller>,
    subscription: &Subscription,
) -> Bytes {
    let position = subscription.goes_on_after().unwrap_or_default();
    let mut data = format!(r#"{{"position":"{position}","isComplete":{}"#, !subscription.is_cut());
    if subscription.is_cut() {
        // What happens meanwhile is in both: clients know orders by their tickets.
        let states = [
            ("accountSummary", CallId::of::<AccountSummary>()),
            ("openedOrders", CallId::of::<OpenedOrders>()),
        ];
        for (field, call) in states {
            let state = read(front, id, caller, call).await;
            data.push_str(&format!(r#","{field}":{}"#, state.as_deref().unwrap_or("null")));
        }
    }
    data.push('}');
    let id = serde_json::Value::from(id);
    let now = runtime::unix_ms();
    format!(r#"{{"type":"{RESUMED}","id":{id},"timestampUTC":{now},"data":{data}}}"#).into()
}

/// A reply as it is; none if the session cannot tell at the moment.
async fn read(front: &Front, id: &str, caller: &Arc<Caller>, call: CallId) -> Option<String> {
    let ask = Ask {
        call,
        params: Params::from_iter([("id", id)]),
        id: Some(id.to_owned()),
        // It stands in for events.
        caller: caller.reading(),
        deadline: Instant::now() + front.settings.call_timeout,
        idempotency_key: None,
        source: None,
    };
    match front.backend.ask(ask).await.result {
        Ok(Payload::Json(json)) => String::from_utf8(json.to_vec()).ok(),
        _ => None,
    }
}

/// The envelope of a kept event with its place. The worker writes envelopes whole, so the place goes before the end.
pub(super) fn placed(frame: &Frame) -> Bytes {
    match frame.text.strip_suffix(b"}") {
        Some(open) if frame.topic.is_kept() => {
            let place = format!(r#","position":"{}"}}"#, frame.at);
            [open, place.as_bytes()].concat().into()
        }
        _ => frame.text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use bus::{Position, Topic};

    use super::*;

    #[test]
    fn only_kept_events_tell_their_place() {
        let at = Position { epoch: 7, offset: 3 };
        let update = Frame::new(Topic::OrderUpdate, None, r#"{"data":{}}"#.into()).at(at);
        assert_eq!(placed(&update), r#"{"data":{},"position":"7-3"}"#);
        let quote = Frame::new(Topic::Quote, None, r#"{"data":{}}"#.into()).at(at);
        assert_eq!(placed(&quote), r#"{"data":{}}"#);
    }
}
