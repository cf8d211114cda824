//! Depth of market: push 23 (protocol 9.16).

use crate::kind::SCALED_MAX;
use crate::payload::{count_of, list_value};
use crate::record::records;
use crate::{DecodeError, Payload, Reader, Record, Value};

records! {
    /// The head of a book; its levels follow.
    pub struct BookHead[22] {
        symbol_id: u32,
        time: i32,
        time_msc: i32,
        flag_mask: u32,
        /// Bit 2: a snapshot, clear the book first.
        book_flags: u32,
        level_count: u16,
    }

    /// A level of a book.
    pub struct BookLevel[21] {
        flag_mask: u32,
        /// 0 reset, 1 sell, 2 buy, 3 sell at market, 4 buy at market.
        book_type: u8,
        /// × 10^digits.
        price: i64,
        /// Units of the base asset × 10^8; 0 removes the level.
        volume: i64,
    }
}

impl BookLevel {
    /// Whether its price is one.
    ///
    /// # Errors
    /// [`DecodeError::Absurd`] if nothing can cost so much.
    pub fn check(&self) -> Result<(), DecodeError> {
        let is_sane = self.price.unsigned_abs() <= SCALED_MAX;
        let absurd = DecodeError::Absurd { record: "BookLevel", field: "price" };
        if is_sane { Ok(()) } else { Err(absurd) }
    }
}

/// A change of a symbol's book.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Book {
    /// Symbol and time; its `level_count` is written from the levels.
    pub head: BookHead,
    /// The levels that change.
    pub levels: Vec<BookLevel>,
}

/// What a push 23 holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Books(pub Vec<Book>);

impl Payload for Books {
    /// At most 65,535 levels a book are written.
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&count_of(self.0.len()).to_le_bytes());
        for book in &self.0 {
            let level_count = u16::try_from(book.levels.len()).unwrap_or(u16::MAX);
            BookHead { level_count, ..book.head.clone() }.write(out);
            for level in book.levels.iter().take(usize::from(level_count)) {
                level.write(out);
            }
        }
    }

    /// A body of four bytes or fewer means nothing.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if reader.rest().len() <= 4 {
            return Ok(Self::default());
        }
        let count = reader.count("Book", BookHead::LEN)?;
        let mut books = Vec::with_capacity(count);
        for _ in 0..count {
            let head: BookHead = Record::read(reader)?;
            let levels = usize::from(head.level_count);
            if levels > reader.rest().len() / BookLevel::LEN {
                return Err(DecodeError::Invalid {
                    record: "Book",
                    reason: "more levels than bytes for them",
                });
            }
            let levels = (0..levels).map(|_| Record::read(reader)).collect::<Result<_, _>>()?;
            books.push(Book { head, levels });
        }
        Ok(Self(books))
    }

    fn value(&self) -> Value {
        let book_value = |book: &Book| match Payload::value(&book.head) {
            Value::Record(mut fields) => {
                fields.push(("levels", list_value(&book.levels)));
                Value::Record(fields)
            }
            other => other,
        };
        Value::List(self.0.iter().map(book_value).collect())
    }
}
