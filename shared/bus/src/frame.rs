//! What streams carry.

use std::sync::Arc;

use bytes::Bytes;
use error::Error;
use serde::Serialize;

/// A stream of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Quotes of subscribed symbols: state, one per symbol.
    Quote,
    /// Trading events: lossless.
    OrderUpdate,
    /// Profit of open orders with account figures: state.
    OrderProfit,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Topic; 3] = [Topic::Quote, Topic::OrderUpdate, Topic::OrderProfit];

    /// The `type` of its envelopes; the stream's path is `/On` and this.
    pub const fn as_str(self) -> &'static str {
        match self {
            Topic::Quote => "Quote",
            Topic::OrderUpdate => "OrderUpdate",
            Topic::OrderProfit => "OrderProfit",
        }
    }

    /// True when only the latest value counts, so that older ones may be skipped.
    pub const fn is_state(self) -> bool {
        matches!(self, Topic::Quote | Topic::OrderProfit)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topics(u8);

impl Topics {
    /// All of them.
    pub const ALL: Topics = Topics((1 << Topic::ALL.len()) - 1);

    /// True when the topic is in the set.
    pub const fn contains(self, topic: Topic) -> bool {
        self.0 & topic.bit() != 0
    }

    /// The topics in the set.
    pub fn iter(self) -> impl Iterator<Item = Topic> {
        Topic::ALL.into_iter().filter(move |topic| self.contains(*topic))
    }
}

impl From<Topic> for Topics {
    fn from(topic: Topic) -> Self {
        Topics(topic.bit())
    }
}

impl FromIterator<Topic> for Topics {
    fn from_iter<I: IntoIterator<Item = Topic>>(topics: I) -> Self {
        Topics(topics.into_iter().fold(0, |set, topic| set | topic.bit()))
    }
}

/// One event, encoded once for all who listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The stream it belongs to.
    pub topic: Topic,
    /// What the state is of (a symbol), if there are several of one topic.
    pub key: Option<Arc<str>>,
    /// The complete envelope, UTF-8 JSON.
    pub text: Bytes,
    /// The fence of the owner that published it.
    pub epoch: u64,
    /// Its place among the events of the epoch.
    pub offset: u64,
}

impl Frame {
    /// A frame outside any sequence.
    pub fn new(topic: Topic, key: Option<&str>, text: Bytes) -> Self {
        Self { topic, key: key.map(Arc::from), text, epoch: 0, offset: 0 }
    }

    /// Gives the frame its place in the sequence of lossless events.
    #[must_use]
    pub fn at(self, epoch: u64, offset: u64) -> Self {
        Self { epoch, offset, ..self }
    }
}

/// Encodes the envelope that every frame of a stream is.
pub fn envelope(kind: &str, token: &str, timestamp_ms: i64, data: &impl Serialize) -> Result<Bytes, Error> {
    #[derive(Serialize)]
    struct Envelope<'a, T> {
        r#type: &'a str,
        id: &'a str,
        #[serde(rename = "timestampUTC")]
        timestamp_utc: i64,
        data: &'a T,
    }
    let whole = Envelope { r#type: kind, id: token, timestamp_utc: timestamp_ms, data };
    calls::json(&whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_has_four_fields_in_order() {
        let text = envelope("Quote", "t\"1", 17, &[1]).unwrap();
        assert_eq!(text, r#"{"type":"Quote","id":"t\"1","timestampUTC":17,"data":[1]}"#);
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set: Topics = [Topic::Quote, Topic::OrderProfit].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Topic::Quote, Topic::OrderProfit]);
        assert_eq!(Topics::ALL.iter().count(), Topic::ALL.len());
    }
}
