//! A cursor over received bytes that only ever hands out what is there.

/// Why bytes are not the value they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end too early.
    #[error("{record}.{field}: {needed} bytes needed, {left} left")]
    Short {
        /// The record being read.
        record: &'static str,
        /// Its field.
        field: &'static str,
        /// Bytes that the field takes.
        needed: usize,
        /// Bytes that were there.
        left: usize,
    },
    /// A list says that it is longer than the bytes that follow.
    #[error("{record}: a list of {count} does not fit into {left} bytes")]
    Count {
        /// The record in the list.
        record: &'static str,
        /// How many it says.
        count: u32,
        /// Bytes that were there.
        left: usize,
    },
    /// A number that is none, or beyond all that its field can mean.
    #[error("{record}.{field}: its number is absurd")]
    Absurd {
        /// The record being read.
        record: &'static str,
        /// Its field.
        field: &'static str,
    },
    /// A value that its field cannot have.
    #[error("{record}: {reason}")]
    Invalid {
        /// The record being read.
        record: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
}

/// Reads little-endian values off the front of a slice.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    record: &'static str,
    field: &'static str,
}

impl<'a> Reader<'a> {
    /// Over all of `bytes`; `record` names them in errors.
    #[must_use]
    pub const fn new(bytes: &'a [u8], record: &'static str) -> Self {
        Self { rest: bytes, record, field: "" }
    }

    /// What has not been read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything has been read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Names what is read next, for errors.
    pub(crate) const fn at(&mut self, record: &'static str, field: &'static str) -> &mut Self {
        self.record = record;
        self.field = field;
        self
    }

    /// What was read last makes no sense.
    pub(crate) const fn absurd(&self) -> DecodeError {
        DecodeError::Absurd { record: self.record, field: self.field }
    }

    /// The next `needed` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Short`] if there are fewer.
    pub fn take(&mut self, needed: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(needed) {
            Some((head, rest)) => {
                self.rest = rest;
                Ok(head)
            }
            None => {
                let (record, field) = (self.record, self.field);
                Err(DecodeError::Short { record, field, needed, left: self.rest.len() })
            }
        }
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Short`] if there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// A count of records of `size` bytes each, checked against what is left, so that nobody allocates for
    /// records that were never sent.
    pub(crate) fn count(&mut self, record: &'static str, size: usize) -> Result<usize, DecodeError> {
        let count = u32::from_le_bytes(self.at(record, "count").array()?);
        let fits = self.rest.len() / size.max(1);
        match usize::try_from(count) {
            Ok(number) if number <= fits => Ok(number),
            _ => Err(DecodeError::Count { record, count, left: self.rest.len() }),
        }
    }
}
