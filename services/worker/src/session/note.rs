//! What stands in the order journal: enough of a request to find out later what became of it, and its outcome.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bus::{Event, Keeper, Payload, Reader};
use bytes::Bytes;
use calls::Call;
use calls::reply::Order;
use calls::trading::OrderSend;
use error::{Carried, Code, Error};
use registry::{CallOutcome, Key};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use wire::Payload as _;
use wire::records::TradeRequest;

use super::journal::Unknown;
use super::trade::{CallName, Intent, Outcome, Sent, Stage};

/// The longest outcome that is kept under a key, some times as long as any order.
const OUTCOME_BYTES_MAX: usize = 8 * 1024;

/// The outcome of a call, as its repetitions get it.
pub(crate) type Recorded = Result<Payload, Error>;

/// What the journal has of a request. Names of fields must stay: older ones are read after an update.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// As the wire has it.
    request: String,
    intent: Intent,
    magic: i64,
    after_order: i64,
    after_deal: i64,
    /// When it was begun, milliseconds since 1970 UTC; 0: not known.
    #[serde(default)]
    sent_ms: i64,
    /// Stands for the call and its parameters.
    pub(crate) fingerprint: String,
}

/// What the next owner of a session takes over of its journal.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    /// Requests without an outcome.
    pub(crate) unsettled: Vec<Unsettled>,
    /// Orders that belong to requests with an outcome.
    pub(crate) claimed: Vec<i64>,
}

/// A request without an outcome.
#[derive(Debug)]
pub(crate) struct Unsettled {
    pub(crate) number: u32,
    /// Under what its call is remembered.
    pub(crate) key: Option<Key>,
    pub(crate) note: Note,
}

impl Unsettled {
    /// The request, as calls look for it.
    pub(crate) fn unknown(&self) -> Unknown {
        let (fingerprint, key) = (self.note.fingerprint.clone(), self.key.clone());
        Unknown { fingerprint, key, action_id: self.number, since: Instant::now() }
    }
}

/// The outcome of a request, for whoever reads the journal. It is short, so that what belongs to requests is remembered for
/// long; callers are told by what is kept under their keys.
#[derive(Serialize, Deserialize)]
struct Settled {
    outcome: String,
    /// That is its work: no other request may have made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<i64>,
}

impl Note {
    /// Of a request that is about to be sent.
    pub(super) fn of(sent: &Sent, call: &CallName) -> Self {
        Self {
            request: STANDARD.encode(sent.request.to_bytes()),
            intent: sent.intent,
            magic: sent.magic,
            after_order: sent.after_order,
            after_deal: sent.after_deal,
            sent_ms: sent.sent_ms,
            fingerprint: call.fingerprint.clone(),
        }
    }

    pub(super) fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).map(Bytes::from).unwrap_or_default()
    }

    /// The request as one of unknown fate: the link that it was sent on is gone. `None`: it cannot be read.
    pub(super) fn sent(self, key: Option<Key>) -> Option<Sent> {
        let request = TradeRequest::from_bytes(&STANDARD.decode(self.request).ok()?).ok()?;
        Some(Sent {
            request,
            intent: self.intent,
            magic: self.magic,
            key,
            reply: None,
            stage: Stage::Unsure { looks: 0, next: Instant::now() },
            begun: Instant::now(),
            sent_ms: self.sent_ms,
            is_cut: true,
            after_order: self.after_order,
            after_deal: self.after_deal,
            order: 0,
        })
    }
}

impl Inherited {
    /// From a journal: entries without an outcome, and the outcomes of the others.
    pub(crate) fn of(unsettled: &[registry::Entry], journal: &[(u32, Bytes, Option<Bytes>)]) -> Self {
        let note = |entry: &registry::Entry| {
            let note: Note = serde_json::from_slice(&entry.request)
                .inspect_err(
                    |failure| tracing::error!(%failure, "an entry of an order journal cannot be read"),
                )
                .ok()?;
            Some(Unsettled { number: entry.number, key: entry.key.clone(), note })
        };
        let order = |outcome: &Option<Bytes>| {
            let settled: Settled = serde_json::from_slice(outcome.as_ref()?).ok()?;
            settled.order
        };
        Self {
            unsettled: unsettled.iter().filter_map(note).collect(),
            claimed: journal.iter().filter_map(|(_, _, outcome)| order(outcome)).collect(),
        }
    }
}

/// The outcome of a request for the journal, with the order that is its work; 0: none is known. What a caller is told need not
/// name it: a closing is told by its position.
pub(super) fn outcome(outcome: &Outcome, order: i64) -> Bytes {
    let (word, told) = match outcome {
        Outcome::Done(order) => ("done", i64::try_from(order.ticket).ok()),
        Outcome::Prices { .. } => ("prices", None),
        Outcome::Refused(_) => ("refused", None),
        Outcome::NotSent(_) => ("not_sent", None),
        Outcome::Unknown(_) => ("unknown", None),
        Outcome::Absent(_) => ("absent", None),
    };
    let settled =
        Settled { outcome: word.to_owned(), order: Some(order).filter(|order| *order != 0).or(told) };
    serde_json::to_vec(&settled).map(Bytes::from).unwrap_or_default()
}

/// What a caller is told of an outcome.
pub(crate) fn told(outcome: Outcome) -> Result<Order, Error> {
    match outcome {
        Outcome::Done(order) => Ok(*order),
        Outcome::Refused(error) => Err(error.with_outcome(error::Outcome::Rejected)),
        Outcome::NotSent(error) => Err(error.with_outcome(error::Outcome::NotSent)),
        Outcome::Prices { .. } => Err(Error::internal("prices in answer to an order")),
        Outcome::Unknown(_) => Err(unknown_outcome(false)),
        Outcome::Absent(_) => Err(unknown_outcome(true)),
    }
}

/// Nobody can tell what became of an order.
fn unknown_outcome(looked: bool) -> Error {
    let told = if looked {
        "Outcome unknown: the connection broke before the server confirmed, and no trace of the order was found on the \
         server afterwards. It was not sent again. Check OpenedOrders and OrderHistory before you repeat it."
    } else {
        "Outcome unknown: the server has not confirmed the order. It was not sent again. Check OpenedOrders and \
         OrderHistory before you repeat it."
    };
    Error::new(Code::Timeout, told).with_outcome(error::Outcome::Unknown)
}

/// The outcome of a request as the repetitions of its call get it. `None`: nothing was sent, so there is nothing to repeat.
pub(super) fn recorded(number: u32, outcome: &Outcome) -> Option<CallOutcome> {
    if matches!(outcome, Outcome::NotSent(_)) {
        return None;
    }
    let recorded = told(outcome.clone()).and_then(|order| OrderSend::payload(&order));
    Some(CallOutcome { number: Some(number), ..of_call(&recorded) })
}

/// The outcome of a call as its repetitions get it.
pub(crate) fn of_call(recorded: &Recorded) -> CallOutcome {
    let is_known = recorded.as_ref().map_or_else(is_known, |_| true);
    CallOutcome { text: to_bytes(recorded), is_known, number: None }
}

/// Whether an error says what came of what was sent.
pub(crate) fn is_known(failure: &Error) -> bool {
    matches!(failure.outcome(), Some(error::Outcome::Rejected | error::Outcome::Applied))
}

/// The form in which outcomes of calls are kept.
#[derive(Serialize, Deserialize)]
enum Kept {
    Text(String),
    Json(String),
    Html(String),
    Error(Carried),
}

/// As it is kept under an idempotency key.
fn to_bytes(recorded: &Recorded) -> Bytes {
    let kept = match recorded {
        Ok(Payload::Text(text)) => Kept::Text(text.clone()),
        Ok(Payload::Json(json)) => Kept::Json(String::from_utf8_lossy(json).into_owned()),
        Ok(Payload::Html(page)) => Kept::Html(page.clone()),
        Err(error) => Kept::Error(Carried::from(error)),
    };
    let bytes = serde_json::to_vec(&kept).unwrap_or_default();
    if bytes.len() > OUTCOME_BYTES_MAX {
        return to_bytes(&Err(too_long(recorded)));
    }
    // Orders look like those of events.
    Keeper::default().keep(&Event { before: bytes.into(), ..Event::default() })
}

/// What is kept instead of an outcome that is too long.
fn too_long(recorded: &Recorded) -> Error {
    let (code, outcome) = match recorded {
        Ok(_) => (Code::InvalidData, Some(error::Outcome::Applied)),
        Err(error) => (error.code(), error.outcome()),
    };
    let told = "What came of the first call was too long to be kept. Look at OpenedOrders and OrderHistory.";
    let error = Error::new(code, told);
    match outcome {
        Some(outcome) => error.with_outcome(outcome),
        None => error,
    }
}

/// From what was kept under an idempotency key.
pub(crate) fn from_bytes(bytes: &Bytes) -> Recorded {
    let kept = Reader::default().read(bytes).map_err(Error::internal)?.text();
    match serde_json::from_slice(&kept).map_err(Error::internal)? {
        Kept::Text(text) => Ok(Payload::Text(text)),
        Kept::Json(json) => Ok(Payload::Json(json.into())),
        Kept::Html(page) => Ok(Payload::Html(page)),
        Kept::Error(carried) => Err(carried.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_come_back_as_they_were() {
        let error = Error::of(Code::NoMoney).with_outcome(error::Outcome::Rejected);
        for recorded in [Ok(Payload::Json("{\"a\":1}".into())), Ok(Payload::Text("OK".into())), Err(error)] {
            assert_eq!(from_bytes(&to_bytes(&recorded)), recorded);
        }
        for nonsense in ["nonsense", "\u{1}nonsense", ""] {
            assert!(from_bytes(&nonsense.into()).is_err());
        }
    }

    #[test]
    fn a_refusal_takes_no_more_of_the_journal_than_what_was_done() {
        let long = Error::new(Code::NoMoney, "x".repeat(1_000));
        for outcome in [outcome(&Outcome::Refused(long.clone()), 0), outcome(&Outcome::NotSent(long), 0)] {
            assert!(outcome.len() <= 32, "{outcome:?}");
        }
        // As earlier versions wrote it.
        let earlier = r#"{"outcome":"refused","error":{"code":"NO_MONEY","detail":"x"}}"#;
        let journal = [
            (7, Bytes::new(), Some(earlier.into())),
            (8, Bytes::new(), Some(r#"{"outcome":"done","order":70}"#.into())),
        ];
        assert_eq!(Inherited::of(&[], &journal).claimed, [70]);
    }

    #[test]
    fn of_an_outcome_is_kept_whether_it_is_known() {
        let error = || Error::of(Code::NoMoney);
        for (outcome, is_known) in [
            (Outcome::Refused(error()), Some(true)),
            (Outcome::Unknown(7), Some(false)),
            (Outcome::Absent(7), Some(false)),
            (Outcome::NotSent(error()), None),
        ] {
            let kept = recorded(7, &outcome);
            assert_eq!(kept.as_ref().map(|kept| kept.is_known), is_known, "{outcome:?}");
            assert!(kept.is_none_or(|kept| kept.number == Some(7)));
        }
        assert!(of_call(&Ok(Payload::Text("OK".into()))).is_known && !of_call(&Err(error())).is_known);
        assert!(of_call(&Err(error().with_outcome(error::Outcome::Applied))).is_known);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let long = "x".repeat(OUTCOME_BYTES_MAX);
        let refused = Error::new(Code::NoMoney, long.clone()).with_outcome(error::Outcome::Rejected);
        for (recorded, code, outcome) in [
            (Ok(Payload::Text(long)), Code::InvalidData, error::Outcome::Applied),
            (Err(refused), Code::NoMoney, error::Outcome::Rejected),
        ] {
            let kept = to_bytes(&recorded);
            let error = from_bytes(&kept).unwrap_err();
            assert!(kept.len() <= OUTCOME_BYTES_MAX);
            assert_eq!((error.code(), error.outcome()), (code, Some(outcome)));
        }
    }

    #[test]
    fn a_request_is_found_again_in_the_journal() {
        let request = TradeRequest { action_id: 7, trade_symbol: "EURUSD".into(), ..TradeRequest::default() };
        let sent = Sent {
            request,
            intent: Intent::Close(70),
            magic: 5,
            key: None,
            reply: None,
            stage: Stage::Recording,
            begun: Instant::now(),
            sent_ms: 3,
            is_cut: false,
            after_order: 1,
            after_deal: 2,
            order: 0,
        };
        let call = CallName { key: Some(Key::Chosen("k".into())), fingerprint: "f".into() };
        let entry =
            registry::Entry { number: 7, key: call.key.clone(), request: Note::of(&sent, &call).to_bytes() };
        let result = wire::records::TradeResult { trade_order: 99, ..Default::default() };
        let order = crate::translate::from_result(&sent.request, &result, calls::ServerClock::default());
        let done = Outcome::Done(Box::new(order));
        let journal = [
            (3, Bytes::new(), Some(outcome(&done, 0))),
            (4, Bytes::new(), Some(outcome(&done, 100))),
            (5, Bytes::new(), Some(outcome(&Outcome::Refused(Error::of(Code::NoMoney)), 101))),
            (7, entry.request.clone(), None),
        ];
        let inherited = Inherited::of(&[entry], &journal);
        assert_eq!(inherited.claimed, [99, 100, 101]);
        let found = inherited.unsettled.into_iter().next().unwrap();
        let again = found.note.sent(found.key).unwrap();
        assert_eq!((found.number, again.request, again.intent), (7, sent.request, Intent::Close(70)));
        assert_eq!((again.key, again.is_cut), (call.key, true));
    }
}
