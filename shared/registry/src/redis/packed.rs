//! What is told, as bytes: in logs and on channels alike.
//!
//! One byte says what it is. A frame goes on with its topic (1), epoch (8), offset (8), the length of its key (2, all
//! bits set for none), key, and text; numbers are big-endian.

use std::sync::Arc;

use bus::{Frame, Position, Topic};
use bytes::{Buf, BufMut, Bytes};

/// What comes by a channel.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    Frame(Frame),
    Changed,
}

const FRAME: u8 = 1;
/// All of a message that says that a session has ended or moved.
pub(super) const CHANGED: &[u8] = &[2];
const NO_KEY: u16 = u16::MAX;
const HEAD: usize = 20;
const PLACE_END: usize = 18;

/// A frame as bytes. `None`: its key is too long for anybody's symbol.
pub(super) fn packed(frame: &Frame) -> Option<Vec<u8>> {
    let key = frame.key.as_deref();
    let length = match key {
        Some(key) => u16::try_from(key.len()).ok().filter(|length| *length != NO_KEY)?,
        None => NO_KEY,
    };
    let key = key.unwrap_or_default();
    let mut bytes = Vec::with_capacity(HEAD + key.len() + frame.text.len());
    bytes.put_u8(FRAME);
    bytes.put_u8(frame.topic.number());
    bytes.put_u64(frame.at.epoch);
    bytes.put_u64(frame.at.offset);
    bytes.put_u16(length);
    bytes.put_slice(key.as_bytes());
    bytes.put_slice(&frame.text);
    Some(bytes)
}

/// What bytes say; `None` for what nobody of us has packed.
pub(super) fn unpacked(mut bytes: Bytes) -> Option<Told> {
    if bytes == CHANGED {
        return Some(Told::Changed);
    }
    if bytes.len() < HEAD || bytes.get_u8() != FRAME {
        return None;
    }
    let topic = Topic::from_number(bytes.get_u8())?;
    let at = Position { epoch: bytes.get_u64(), offset: bytes.get_u64() };
    let key = match bytes.get_u16() {
        NO_KEY => None,
        length if usize::from(length) > bytes.len() => return None,
        length => {
            let key = bytes.split_to(usize::from(length));
            Some(Arc::from(std::str::from_utf8(&key).ok()?))
        }
    };
    // What is kept may be in short.
    if !topic.is_kept() {
        std::str::from_utf8(&bytes).ok()?;
    }
    Some(Told::Frame(Frame { topic, key, text: bytes, at }))
}

/// What a log has of a packed event, whose place stands beside it there: the topic, and what follows the place.
pub(super) fn of_log(packed: &[u8]) -> Vec<u8> {
    [&packed[1..2], &packed[PLACE_END..]].concat()
}

/// The event of a log. `None`: nobody of us has put it there.
pub(super) fn from_log(at: Position, kept: &[u8]) -> Option<Frame> {
    let (topic, rest) = kept.split_first()?;
    let mut bytes = Vec::with_capacity(HEAD + rest.len());
    bytes.put_u8(FRAME);
    bytes.put_u8(*topic);
    bytes.put_u64(at.epoch);
    bytes.put_u64(at.offset);
    bytes.put_slice(rest);
    match unpacked(bytes.into())? {
        Told::Frame(frame) => Some(frame),
        Told::Changed => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_packed() {
        for key in [None, Some(""), Some("EURUSD")] {
            let frame = Frame::new(Topic::Quote, key, Bytes::from_static(b"{}"))
                .at(Position { epoch: u64::MAX, offset: 7 });
            let bytes = packed(&frame).unwrap();
            let at = frame.at;
            assert_eq!(from_log(at, &of_log(&bytes)).as_ref(), Some(&frame));
            assert_eq!(unpacked(Bytes::from(bytes)), Some(Told::Frame(frame)));
        }
        assert_eq!(unpacked(Bytes::from_static(CHANGED)), Some(Told::Changed));
    }

    #[test]
    fn nonsense_is_nothing() {
        let whole = packed(&Frame::new(Topic::Quote, Some("EURUSD"), Bytes::from_static(b"text"))).unwrap();
        for length in 0..HEAD + 6 {
            assert_eq!(unpacked(Bytes::copy_from_slice(&whole[..length])), None, "{length}");
        }
        for length in 0..9 {
            assert_eq!(from_log(Position::default(), &of_log(&whole)[..length]), None, "{length}");
        }
        for (place, byte) in [(0, 3), (1, 200), (22, 0xFF), (28, 0xFF)] {
            let mut broken = whole.clone();
            broken[place] = byte;
            assert_eq!(unpacked(Bytes::from(broken)), None, "{place}");
        }
        let long = "x".repeat(70_000);
        assert_eq!(packed(&Frame::new(Topic::Quote, Some(&long), Bytes::new())), None);
    }
}
