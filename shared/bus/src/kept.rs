//! Kept events in short: each as what has changed since the one before it.
//!
//! An order update tells everything open, and most of that is as it was told the last time. A [`Keeper`] writes a row of
//! events in short, a [`Reader`] makes the whole texts of them again, byte for byte. Between the two the short form
//! stands in the place of the text: in the log of the registry, and on the way to those who listen.
//!
//! One byte says what it is. A *whole* one can be read by itself; a *change* builds on the one before it, whose mark (4
//! bytes) follows; of one that was *left out* there is nothing else. Then comes, deflated behind its length (a varint), the
//! body: the text before the list, that after it, each with its length, and the list. Of that a number follows for each
//! step: an even one says how many entries of the last list stay, and where those begin (a varint); an odd one how long an
//! entry is, which follows. What begins with none of these is just a text.
//!
//! What is deflated has a dictionary: a sample of order updates, then what was written since. The mark is a checksum over
//! everything that a reader must have read, so that nothing is ever built on something else.

mod codec;
mod list;
mod replay;

use bytes::{BufMut, Bytes, BytesMut};

pub use self::replay::Replay;

pub use self::replay::{NoReplay, REPLAY_BYTES_MAX, REPLAYS_BYTES_MAX};

use self::codec::{Squeezed, put_number, squeeze, take, take_number, unsqueeze};
use self::list::Places;

/// The longest event, in bytes: some ten thousand open orders. A longer one is left out, and who listens is told so.
pub const EVENT_BYTES_MAX: usize = 16 << 20;
/// What is written since the last whole one before the next: as much as that had, within these bounds in bytes.
const CHANGES_BYTES: (usize, usize) = (4 << 10, 48 << 10);
/// And so many events.
const CHANGES_MAX: usize = 256;
/// Of what was written before, so much is looked at for what comes again, in bytes.
const WINDOW_BYTES: usize = 16 << 10;
/// What order updates look like: names of fields and usual values.
const SAMPLE: &[u8] = include_bytes!("kept/sample.jsonl");

const WHOLE: u8 = 1;
const CHANGE: u8 = 2;
const LEFT_OUT: u8 = 3;
/// From here on it is no such byte, but the first one of a text.
const TEXT: u8 = 0x20;

/// The text of an event with a list in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// What stands before the list.
    pub before: Bytes,
    /// What the list has, to be separated by commas.
    pub list: Vec<Bytes>,
    /// What stands after the list.
    pub after: Bytes,
}

/// What cannot be read: it does not build on what was read before, was left out, or was never written by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a kept event cannot be read")]
pub struct Unreadable;

impl Event {
    /// The length of the whole text in bytes.
    pub fn text_bytes(&self) -> usize {
        let list: usize = self.list.iter().map(|entry| entry.len() + 1).sum();
        self.before.len() + list.saturating_sub(1) + self.after.len()
    }

    /// What it takes beside an earlier one, in bytes: entries that both have are shared.
    pub fn bytes_beside(&self, earlier: &Self) -> usize {
        let mut places = Places::of(&earlier.list);
        let new = self.list.iter().filter(|entry| places.find(entry).is_none());
        let list = size_of::<Bytes>() * self.list.len();
        self.before.len() + self.after.len() + list + new.map(Bytes::len).sum::<usize>()
    }

    /// The whole text.
    pub fn text(&self) -> Bytes {
        if self.list.is_empty() && self.after.is_empty() {
            return self.before.clone();
        }
        let mut text = BytesMut::with_capacity(self.text_bytes());
        text.put_slice(&self.before);
        for (number, entry) in self.list.iter().enumerate() {
            if number > 0 {
                text.put_u8(b',');
            }
            text.put_slice(entry);
        }
        text.put_slice(&self.after);
        text.freeze()
    }
}

/// Whether an event in short can be read without those before it.
pub(crate) fn is_whole(short: &[u8]) -> bool {
    short.first().is_some_and(|kind| *kind == WHOLE || *kind >= TEXT)
}

/// What both sides know of the events so far.
#[derive(Debug, Default)]
struct Known {
    list: Vec<Bytes>,
    window: Vec<u8>,
    mark: u32,
}

impl Known {
    /// Takes an event over.
    fn learn(&mut self, is_whole: bool, body: &[u8], list: Vec<Bytes>) {
        if is_whole {
            *self = Self { window: SAMPLE.to_vec(), ..Self::default() };
        }
        self.mark = codec::mark(self.mark, body);
        self.list = list;
        let last = &body[body.len().saturating_sub(WINDOW_BYTES)..];
        let excess = (self.window.len() + last.len()).saturating_sub(WINDOW_BYTES);
        self.window.drain(..excess);
        // A session has two of these: no more than is used.
        self.window.reserve_exact(last.len());
        self.window.extend_from_slice(last);
    }
}

/// Writes events in short, one after the other.
#[derive(Debug, Default)]
pub struct Keeper {
    /// `None`: the next one must be whole.
    known: Option<Known>,
    /// The length of the last whole one, and what came since: in bytes, and how many.
    whole_bytes: usize,
    changes_bytes: usize,
    changes: usize,
}

impl Keeper {
    /// Writes the next event.
    pub fn keep(&mut self, event: &Event) -> Bytes {
        let (least, most) = CHANGES_BYTES;
        let is_enough =
            self.changes >= CHANGES_MAX || self.changes_bytes >= self.whole_bytes.clamp(least, most);
        let known = self.known.take().filter(|_| !is_enough);
        if event.text_bytes() > EVENT_BYTES_MAX {
            return Bytes::from_static(&[LEFT_OUT]);
        }
        let body = body(event, known.as_ref().map_or(&[], |known| &known.list));
        let mut short = BytesMut::new();
        match &known {
            None => {
                short.put_u8(WHOLE);
                squeeze(&body, SAMPLE, &mut short);
            }
            Some(known) => {
                short.put_u8(CHANGE);
                short.put_u32(known.mark);
                squeeze(&body, &known.window, &mut short);
            }
        }
        if known.is_none() {
            (self.whole_bytes, self.changes_bytes, self.changes) = (short.len(), 0, 0);
        } else {
            self.changes_bytes += short.len();
            self.changes += 1;
        }
        let is_whole = known.is_none();
        let mut known = known.unwrap_or_default();
        known.learn(is_whole, &body, event.list.clone());
        self.known = Some(known);
        // Of its own length: it may be kept for long.
        Bytes::copy_from_slice(&short)
    }
}

/// What is written of an event whose list follows this one.
fn body(event: &Event, last: &[Bytes]) -> Vec<u8> {
    let mut body = Vec::with_capacity(event.before.len() + event.after.len() + 64);
    for text in [&event.before, &event.after] {
        put_number(&mut body, text.len());
        body.extend_from_slice(text);
    }
    let mut places = Places::of(last);
    let (mut start, mut count) = (0, 0);
    let flush = |body: &mut Vec<u8>, start: usize, count: usize| {
        if count > 0 {
            put_number(body, count << 1);
            put_number(body, start);
        }
    };
    for entry in &event.list {
        let place = places.find(entry);
        match place {
            Some(place) if place == start + count => count += 1,
            Some(place) => {
                flush(&mut body, start, count);
                (start, count) = (place, 1);
            }
            None => {
                flush(&mut body, start, count);
                count = 0;
                put_number(&mut body, entry.len() << 1 | 1);
                body.extend_from_slice(entry);
            }
        }
    }
    flush(&mut body, start, count);
    body
}

/// Reads events that were written in short, one after the other.
#[derive(Debug, Default)]
pub struct Reader {
    known: Option<Known>,
}

impl Reader {
    /// Reads the next event.
    ///
    /// # Errors
    /// [`Unreadable`]; then so is everything up to the next whole one.
    pub fn read(&mut self, short: &Bytes) -> Result<Event, Unreadable> {
        let known = self.known.take();
        let (kind, rest) = short.split_first().ok_or(Unreadable)?;
        let (known, squeezed) = match *kind {
            TEXT.. => {
                std::str::from_utf8(short).map_err(|_| Unreadable)?;
                return Ok(Event { before: short.clone(), ..Event::default() });
            }
            WHOLE => (None, rest),
            CHANGE => {
                let (mark, rest) = rest.split_first_chunk::<4>().ok_or(Unreadable)?;
                let known = known.filter(|known| known.mark.to_be_bytes() == *mark).ok_or(Unreadable)?;
                (Some(known), rest)
            }
            _ => return Err(Unreadable),
        };
        let dictionary = known.as_ref().map_or(SAMPLE, |known| &known.window);
        let body = unsqueeze(&Squeezed { bytes: squeezed, dictionary, bytes_max: 2 * EVENT_BYTES_MAX })?;
        let event = parted(&body, known.as_ref().map_or(&[], |known| &known.list))?;
        let is_whole = known.is_none();
        let mut known = known.unwrap_or_default();
        known.learn(is_whole, &body, event.list.clone());
        self.known = Some(known);
        Ok(event)
    }
}

/// The event of a body.
fn parted(body: &Bytes, last: &[Bytes]) -> Result<Event, Unreadable> {
    let mut rest = body.clone();
    let mut part = || {
        let length = take_number(&mut rest)?;
        take(&mut rest, length)
    };
    let (before, after) = (part()?, part()?);
    for text in [&before, &after] {
        std::str::from_utf8(text).map_err(|_| Unreadable)?;
    }
    let mut event = Event { before, list: Vec::new(), after };
    let mut bytes = event.text_bytes();
    while !rest.is_empty() {
        let step = take_number(&mut rest)?;
        let from = event.list.len();
        if step & 1 == 1 {
            // On its own: it may stay for long, and what stands beside it must not. Those of the last list are texts.
            let entry = take(&mut rest, step >> 1)?;
            std::str::from_utf8(&entry).map_err(|_| Unreadable)?;
            event.list.push(Bytes::copy_from_slice(&entry));
        } else {
            let start = take_number(&mut rest)?;
            let end = start.checked_add(step >> 1).ok_or(Unreadable)?;
            event.list.extend_from_slice(last.get(start..end).ok_or(Unreadable)?);
        }
        bytes += event.list[from..].iter().map(|entry| entry.len() + 1).sum::<usize>();
        if bytes > EVENT_BYTES_MAX + 1 || event.list.len() == from {
            return Err(Unreadable);
        }
    }
    Ok(event)
}

#[cfg(test)]
mod tests;
