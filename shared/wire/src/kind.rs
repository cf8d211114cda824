//! The kinds of fields that records are made of (protocol 1.1).

use std::fmt;

use crate::{DecodeError, Reader};

/// A kind of field: how wide it is, what it holds, how it is read and written.
pub trait Kind {
    /// What a record holds for it.
    type Held;
    /// Its name in tables.
    const KIND: &'static str;
    /// Bytes on the wire.
    const WIDTH: usize;
    /// All bytes zero.
    fn zero() -> Self::Held;
    /// Off the front of the reader.
    fn get(reader: &mut Reader<'_>) -> Result<Self::Held, DecodeError>;
    /// Appends exactly `WIDTH` bytes.
    fn put(held: &Self::Held, out: &mut Vec<u8>);
    /// For showing and comparing.
    fn show(held: &Self::Held) -> Value;
    /// What would not arrive whole.
    fn overlong(_held: &Self::Held) -> Option<Overlong> {
        None
    }
}

/// A text that its field cannot hold: written, it would be cut, and mean something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the {field} would arrive cut: of it the protocol carries {units_max} characters (UTF-16 units), up to the first zero"
)]
pub struct Overlong {
    /// The field, as the protocol's tables call it.
    pub field: &'static str,
    /// How many UTF-16 units it has room for.
    pub units_max: usize,
}

impl Overlong {
    /// Names the field, unless a record inside has named it.
    pub(crate) const fn of(self, field: &'static str) -> Self {
        if self.field.is_empty() { Self { field, ..self } } else { self }
    }
}

/// Whether a text fits into so many bytes; the record that it is in names the field.
fn overlong_in(text: &str, len: usize) -> Option<Overlong> {
    let units_max = len / 2;
    (utf16_len(text) > units_max || text.contains('\0')).then_some(Overlong { field: "", units_max })
}

/// The value of any field, for tools and tests that walk over records by their tables.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// u8 to u64.
    Unsigned(u64),
    /// i8 to i64.
    Signed(i64),
    /// f64.
    Float(f64),
    /// s16.
    Text(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// Several of a kind.
    List(Vec<Value>),
    /// A record inside a record.
    Record(Vec<(&'static str, Value)>),
}

macro_rules! number_kinds {
    ($($int:ident $variant:ident $wide:ident)+) => {$(
        impl Kind for $int {
            type Held = $int;
            const KIND: &'static str = stringify!($int);
            const WIDTH: usize = size_of::<$int>();
            fn zero() -> $int {
                $int::default()
            }
            fn get(reader: &mut Reader<'_>) -> Result<$int, DecodeError> {
                Ok($int::from_le_bytes(reader.array()?))
            }
            fn put(held: &$int, out: &mut Vec<u8>) {
                out.extend_from_slice(&held.to_le_bytes());
            }
            fn show(held: &$int) -> Value {
                Value::$variant($wide::from(*held))
            }
        }
    )+};
}

number_kinds! {
    u8 Unsigned u64
    u16 Unsigned u64
    u32 Unsigned u64
    u64 Unsigned u64
    i8 Signed i64
    i16 Signed i64
    i32 Signed i64
    i64 Signed i64
    f64 Float f64
}

macro_rules! amount_kinds {
    ($($(#[$doc:meta])* $name:ident up to $most:literal $(or $kept:ident)?;)+) => {$(
        $(#[$doc])*
        #[allow(non_camel_case_types)] // Kinds are spelled as in the protocol's tables.
        pub enum $name {}

        impl Kind for $name {
            type Held = f64;
            const KIND: &'static str = stringify!($name);
            const WIDTH: usize = size_of::<f64>();
            fn zero() -> f64 {
                0.0
            }
            fn get(reader: &mut Reader<'_>) -> Result<f64, DecodeError> {
                let held = f64::get(reader)?;
                // Also false for what is not a number.
                let is_sane = held.abs() <= $most $(|| $kept(held))?;
                if is_sane { Ok(held) } else { Err(reader.absurd()) }
            }
            fn put(held: &f64, out: &mut Vec<u8>) {
                f64::put(held, out);
            }
            fn show(held: &f64) -> Value {
                Value::Float(*held)
            }
        }
    )+};
}

amount_kinds! {
    /// f64: an amount of money. One that is no number, or that nobody can have, makes no record: it would be shown as
    /// nothing, or added to what is right.
    money up to 1e15;
    /// f64: a price, or a rate of currencies. The same holds for it.
    price up to 1e10;
    /// f64: what a profit, a margin, a commission or a swap is worked out with. The same holds for it; the largest f64 keeps
    /// what holds without this record.
    term up to 1e15 or keeps;
}

/// No price that is multiplied by 10^digits is beyond this, at any number of digits: [`price`] at eight of them.
pub(crate) const SCALED_MAX: u64 = 1_000_000_000_000_000_000;

/// Whether a number says that something else holds on.
fn keeps(held: f64) -> bool {
    held >= f64::MAX && held.is_finite()
}

/// Text of `N` bytes: UTF-16 units, filled up with zeros.
#[allow(non_camel_case_types)] // Kinds are spelled as in the protocol's tables.
pub enum s16<const N: usize> {}

impl<const N: usize> Kind for s16<N> {
    type Held = String;
    const KIND: &'static str = "s16";
    const WIDTH: usize = N;
    fn zero() -> String {
        String::new()
    }
    fn get(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
        Ok(read_text(reader.take(N)?))
    }
    fn put(held: &String, out: &mut Vec<u8>) {
        write_text(held, N, out);
    }
    fn show(held: &String) -> Value {
        Value::Text(held.clone())
    }
    fn overlong(held: &String) -> Option<Overlong> {
        overlong_in(held, N)
    }
}

/// As [`s16`], for a remark that may be cut: nothing is named by it.
#[allow(non_camel_case_types)]
pub enum remark<const N: usize> {}

impl<const N: usize> Kind for remark<N> {
    type Held = String;
    const KIND: &'static str = <s16<N> as Kind>::KIND;
    const WIDTH: usize = N;
    fn zero() -> String {
        String::new()
    }
    fn get(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
        s16::<N>::get(reader)
    }
    fn put(held: &String, out: &mut Vec<u8>) {
        s16::<N>::put(held, out);
    }
    fn show(held: &String) -> Value {
        s16::<N>::show(held)
    }
}

/// Up to the first zero unit; half a surrogate pair becomes the replacement character.
fn read_text(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units.take_while(|unit| *unit != 0))
        .map(|decoded| decoded.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// As many whole characters as fit, then zeros.
fn write_text(text: &str, len: usize, out: &mut Vec<u8>) {
    let end = out.len() + len;
    for character in text.chars() {
        if out.len() + 2 * character.len_utf16() > end {
            break;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            out.extend_from_slice(&unit.to_le_bytes());
        }
    }
    out.resize(end, 0);
}

/// How many UTF-16 units a text takes on the wire.
#[must_use]
pub fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Text that must not be shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself; not for logs or errors.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// As [`s16`], but its text is never shown.
#[allow(non_camel_case_types)]
pub enum secret<const N: usize> {}

impl<const N: usize> Kind for secret<N> {
    type Held = Secret;
    const KIND: &'static str = "s16";
    const WIDTH: usize = N;
    fn zero() -> Secret {
        Secret::default()
    }
    fn get(reader: &mut Reader<'_>) -> Result<Secret, DecodeError> {
        Ok(Secret(read_text(reader.take(N)?)))
    }
    fn put(held: &Secret, out: &mut Vec<u8>) {
        write_text(&held.0, N, out);
    }
    fn show(held: &Secret) -> Value {
        Value::Text(held.0.clone())
    }
    fn overlong(held: &Secret) -> Option<Overlong> {
        overlong_in(&held.0, N)
    }
}

/// Raw bytes.
#[allow(non_camel_case_types)]
pub enum bytes<const N: usize> {}

impl<const N: usize> Kind for bytes<N> {
    type Held = [u8; N];
    const KIND: &'static str = "bytes";
    const WIDTH: usize = N;
    fn zero() -> [u8; N] {
        [0; N]
    }
    fn get(reader: &mut Reader<'_>) -> Result<[u8; N], DecodeError> {
        reader.array()
    }
    fn put(held: &[u8; N], out: &mut Vec<u8>) {
        out.extend_from_slice(held);
    }
    fn show(held: &[u8; N]) -> Value {
        Value::Bytes(held.to_vec())
    }
}

/// Bytes that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes<const N: usize>([u8; N]);

impl<const N: usize> SecretBytes<N> {
    /// Hides bytes.
    #[must_use]
    pub const fn new(raw: [u8; N]) -> Self {
        Self(raw)
    }

    /// The bytes themselves; not for logs or errors.
    #[must_use]
    pub const fn reveal(&self) -> &[u8; N] {
        &self.0
    }

    /// Whether nothing is there: all bytes are zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }
}

impl<const N: usize> Default for SecretBytes<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> fmt::Debug for SecretBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_zero() { "none" } else { "***" })
    }
}

/// As [`bytes`], but never shown.
#[allow(non_camel_case_types)]
pub enum token<const N: usize> {}

impl<const N: usize> Kind for token<N> {
    type Held = SecretBytes<N>;
    const KIND: &'static str = "bytes";
    const WIDTH: usize = N;
    fn zero() -> SecretBytes<N> {
        SecretBytes::default()
    }
    fn get(reader: &mut Reader<'_>) -> Result<SecretBytes<N>, DecodeError> {
        reader.array().map(SecretBytes)
    }
    fn put(held: &SecretBytes<N>, out: &mut Vec<u8>) {
        out.extend_from_slice(&held.0);
    }
    fn show(held: &SecretBytes<N>) -> Value {
        Value::Bytes(held.0.to_vec())
    }
}

/// `N` of [`term`].
#[allow(non_camel_case_types)]
pub enum terms<const N: usize> {}

impl<const N: usize> Kind for terms<N> {
    type Held = [f64; N];
    const KIND: &'static str = "terms";
    const WIDTH: usize = 8 * N;
    fn zero() -> [f64; N] {
        [0.0; N]
    }
    fn get(reader: &mut Reader<'_>) -> Result<[f64; N], DecodeError> {
        let mut held = [0.0; N];
        for number in &mut held {
            *number = term::get(reader)?;
        }
        Ok(held)
    }
    fn put(held: &[f64; N], out: &mut Vec<u8>) {
        for number in held {
            term::put(number, out);
        }
    }
    fn show(held: &[f64; N]) -> Value {
        Value::List(held.iter().map(term::show).collect())
    }
}
