//! What streams carry.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use error::Error;
use serde::Serialize;

/// Declares [`Topic`]: meaning, variant, and what its frames are to a reader.
macro_rules! topics {
    ($($(#[doc = $doc:literal])+ $topic:ident: $kind:ident, $place:ident;)+) => {
        /// A stream of a session.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Topic { $($(#[doc = $doc])+ $topic),+ }

        impl Topic {
            /// Every topic.
            pub const ALL: [Topic; [$(Topic::$topic),+].len()] = [$(Topic::$topic),+];

            /// The `type` of its envelopes; the stream's path is `/On` and this.
            pub const fn as_str(self) -> &'static str {
                match self { $(Topic::$topic => stringify!($topic)),+ }
            }

            /// True when only the latest value counts, so that older ones may be skipped.
            pub const fn is_state(self) -> bool {
                match self { $(Topic::$topic => topics!(@$kind)),+ }
            }

            /// True when it is kept for readers who come back.
            pub const fn is_kept(self) -> bool {
                match self { $(Topic::$topic => topics!(@kept $kind)),+ }
            }

            /// True when its last frame is kept for those who begin to listen later.
            pub const fn is_retained(self) -> bool {
                match self { $(Topic::$topic => topics!(@retained $kind)),+ }
            }

            /// True when it is among all events of a session, false when only its own path has it.
            pub const fn is_common(self) -> bool {
                match self { $(Topic::$topic => topics!(@$place)),+ }
            }

            /// True when it is told again and again, changed or not, at a pace that each reader may choose.
            pub const fn is_paced(self) -> bool {
                match self { $(Topic::$topic => topics!(@paced $place)),+ }
            }
        }
    };
    (@state) => { true };
    (@retained) => { true };
    (@event) => { false };
    (@kept) => { false };
    (@kept kept) => { true };
    (@kept $kind:ident) => { false };
    (@retained retained) => { true };
    (@retained $kind:ident) => { false };
    (@common) => { true };
    (@asked) => { false };
    (@paced) => { false };
    (@paced paced) => { true };
    (@paced $place:ident) => { false };
}

topics! {
    /// Quotes of subscribed symbols, one state per symbol.
    Quote: state, common;
    /// Trading events.
    OrderUpdate: kept, common;
    /// Profit of open orders with account figures.
    OrderProfit: state, common;
    /// Tick values of symbols, one state per symbol.
    TickValue: state, common;
    /// The day's figures of symbols, one state per symbol.
    MarketWatch: state, common;
    /// Portions of a download of ticks.
    TickHistory: event, common;
    /// Messages of the inbox.
    Mail: event, common;
    /// Order books, one state per symbol.
    OrderBook: state, common;
    /// Running candles, one state per candle.
    Ohlc: state, common;
    /// Tickets of everything open, at a fixed pace.
    OpenedOrdersTickets: state, paced;
    /// Tickets and profits of everything open, at a fixed pace.
    OpenedOrdersTicketsProfit: state, paced;
    /// Whether the link to the trade server is up; other streams have it for those who ask for it.
    ConnectionStatus: retained, asked;
}

impl Topic {
    /// Its number between processes.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The topic with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topics(u16);

impl Topics {
    /// All of them.
    pub const ALL: Topics = Topics((1 << Topic::ALL.len()) - 1);

    /// Those that are among all events of a session.
    pub fn common() -> Topics {
        Topic::ALL.into_iter().filter(|topic| topic.is_common()).collect()
    }

    /// True when the topic is in the set.
    pub const fn contains(self, topic: Topic) -> bool {
        self.0 & topic.bit() != 0
    }

    /// The topics in the set.
    pub fn iter(self) -> impl Iterator<Item = Topic> {
        Topic::ALL.into_iter().filter(move |topic| self.contains(*topic))
    }
}

/// What a reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest {
    /// Which streams.
    pub topics: Topics,
    /// Least time between two frames; none: as they come.
    pub every: Option<Duration>,
    /// What is kept is wanted from after this place on; none: from now on.
    pub since: Option<Position>,
}

impl From<Topics> for Interest {
    fn from(topics: Topics) -> Self {
        Self { topics, every: None, since: None }
    }
}

impl From<Topic> for Interest {
    fn from(topic: Topic) -> Self {
        Topics::from(topic).into()
    }
}

impl From<Topic> for Topics {
    fn from(topic: Topic) -> Self {
        Topics(topic.bit())
    }
}

impl std::ops::BitOr for Topics {
    type Output = Self;

    /// Those of both.
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
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
    /// The complete envelope, UTF-8 JSON; of a kept event on its way through the registry perhaps in short (see
    /// [`Keeper`](crate::Keeper)).
    pub text: Bytes,
    /// Its place. Of what is not kept, only the epoch counts: frames of earlier owners are dropped.
    pub at: Position,
}

impl Frame {
    /// A frame outside any sequence.
    pub fn new(topic: Topic, key: Option<&str>, text: Bytes) -> Self {
        Self { topic, key: key.map(Arc::from), text, at: Position::default() }
    }

    /// Whether the text of a kept event, whole or in short, can be read without those before it.
    pub fn is_whole(&self) -> bool {
        crate::kept::is_whole(&self.text)
    }

    /// Gives the frame its place.
    #[must_use]
    pub fn at(self, at: Position) -> Self {
        Self { at, ..self }
    }
}

/// The place of a kept event in its session's sequence, as text `EPOCH-OFFSET`. The epoch grows with every owner of the
/// session (it is the fence), offsets count from 1 in each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The fence of the owner that published it.
    pub epoch: u64,
    /// Its place in the epoch.
    pub offset: u64,
}

impl Position {
    /// Later than all: who asks for what came since gets what comes from now on.
    pub const NOW: Self = Self { epoch: u64::MAX, offset: u64::MAX };
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.epoch, self.offset)
    }
}

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let (epoch, offset) = text.split_once('-').ok_or(NoPosition)?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| NoPosition);
        Ok(Self { epoch: number(epoch)?, offset: number(offset)? })
    }
}

/// A text that is no [`Position`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a position is EPOCH-OFFSET, two whole numbers")]
pub struct NoPosition;

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
    fn positions_are_ordered_by_epoch_and_survive_text() {
        let place = |text: &str| text.parse::<Position>().unwrap();
        assert!(place("2-1") > place("1-9") && place("2-2") > place("2-1"));
        assert_eq!(place("17-3").to_string(), "17-3");
        for wrong in ["", "-", "1", "1-", "-1", "1-x", "1-2-3", "1--2"] {
            assert_eq!(wrong.parse::<Position>(), Err(NoPosition), "{wrong}");
        }
    }

    #[test]
    fn topics_have_numbers() {
        assert!(Topic::ALL.into_iter().all(|topic| Topic::from_number(topic.number()) == Some(topic)));
        assert_eq!(Topic::from_number(200), None);
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set: Topics = [Topic::Quote, Topic::OrderProfit].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Topic::Quote, Topic::OrderProfit]);
        assert_eq!(Topics::ALL.iter().count(), Topic::ALL.len());
        let two = set | Topics::from(Topic::Quote);
        assert_eq!(two.iter().collect::<Vec<_>>(), [Topic::Quote, Topic::OrderProfit]);
        let again: Topics = [Topic::Mail, Topic::Mail].into_iter().collect();
        assert_eq!((again | set).iter().count(), 3);
        assert!(
            Topics::common().contains(Topic::Quote) && !Topics::common().contains(Topic::ConnectionStatus)
        );
    }
}
