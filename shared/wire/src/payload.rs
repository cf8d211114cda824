//! What follows the head of a message: a record, a list of them, or nothing.

use crate::{DecodeError, Overlong, Reader, Record, Value};

/// The body of a request, a reply or a push.
pub trait Payload: Sized {
    /// Appends its bytes.
    fn encode(&self, out: &mut Vec<u8>);

    /// Off the front of a reader. What follows what is known is left there: peers may send more.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not such a body.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// For showing and comparing.
    fn value(&self) -> Value;

    /// A text in it that would not arrive whole.
    fn overlong(&self) -> Option<Overlong> {
        None
    }

    /// Its bytes, if all of it arrives.
    ///
    /// # Errors
    /// [`Overlong`] if a text is too long for its field.
    fn whole_bytes(&self) -> Result<Vec<u8>, Overlong> {
        self.overlong().map_or_else(|| Ok(self.to_bytes()), Err)
    }

    /// Its bytes. Texts are cut to their fields.
    #[must_use]
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }

    /// From a whole body.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not such a body.
    fn from_bytes(body: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(&mut Reader::new(body, "body"))
    }
}

/// Decodes and encodes again.
pub(crate) fn recode<P: Payload>(body: &[u8]) -> Result<Vec<u8>, DecodeError> {
    Ok(P::from_bytes(body)?.to_bytes())
}

/// Nothing, or nothing that matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Empty;

impl Payload for Empty {
    fn encode(&self, _: &mut Vec<u8>) {}

    fn decode(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }

    fn value(&self) -> Value {
        Value::Record(Vec::new())
    }
}

/// A u32 count and then that many records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted<R>(pub Vec<R>);

impl<R: Record + Payload> Payload for Counted<R> {
    fn encode(&self, out: &mut Vec<u8>) {
        write_counted(&self.0, out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read_counted(reader).map(Self)
    }

    fn value(&self) -> Value {
        list_value(&self.0)
    }
}

/// Records back to back without a count; a remainder at the end is ignored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bare<R>(pub Vec<R>);

impl<R: Record + Payload> Payload for Bare<R> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(self.0.len() * R::LEN);
        for record in &self.0 {
            record.write(out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        (0..reader.rest().len() / R::LEN).map(|_| R::read(reader)).collect::<Result<_, _>>().map(Self)
    }

    fn value(&self) -> Value {
        list_value(&self.0)
    }
}

pub(crate) fn list_value<P: Payload>(items: &[P]) -> Value {
    Value::List(items.iter().map(Payload::value).collect())
}

/// A length as the wire counts it. No list of ours comes near four billion records.
pub(crate) fn count_of(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

pub(crate) fn write_counted<R: Record>(records: &[R], out: &mut Vec<u8>) {
    out.reserve(4 + records.len() * R::LEN);
    out.extend_from_slice(&count_of(records.len()).to_le_bytes());
    for record in records {
        record.write(out);
    }
}

pub(crate) fn read_counted<R: Record>(reader: &mut Reader<'_>) -> Result<Vec<R>, DecodeError> {
    (0..reader.count(R::NAME, R::LEN)?).map(|_| R::read(reader)).collect()
}
