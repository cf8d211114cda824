//! Records declared as tables.

use crate::{DecodeError, Reader};

/// A run of fields of fixed width, without padding.
pub trait Record: Sized {
    /// What it is called.
    const NAME: &'static str;
    /// Bytes on the wire.
    const LEN: usize;
    /// Its fields, in order.
    const FIELDS: &'static [FieldLayout];

    /// Off the front of a reader.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes end too early.
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Appends exactly [`LEN`](Self::LEN) bytes.
    fn write(&self, out: &mut Vec<u8>);
}

/// A field of a record's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldLayout {
    /// Its name.
    pub name: &'static str,
    /// Its kind, as the protocol's tables call it.
    pub kind: &'static str,
    /// Its width in bytes.
    pub len: usize,
}

/// A record as tools see it.
#[derive(Clone, Copy, Debug)]
pub struct RecordLayout {
    /// Its name.
    pub name: &'static str,
    /// Its width in bytes.
    pub len: usize,
    /// Its fields, in order.
    pub fields: &'static [FieldLayout],
    /// Decodes and encodes again: what tests and fuzzers throw bytes at.
    pub recode: fn(&[u8]) -> Result<Vec<u8>, DecodeError>,
}

/// Declares records, for both sides at once.
///
/// ```text
/// records! {
///     /// The range of a history request.
///     pub struct HistoryRequest[8] { from: i32, to: i32 }
/// }
/// ```
///
/// makes the struct, its [`Record`] implementation, a payload that ignores bytes after it, a check at compile time
/// that the fields add up to 8 bytes, and a line in the module's `LAYOUTS`.
macro_rules! records {
    ($($(#[$doc:meta])* $vis:vis struct $name:ident[$len:literal] {
        $($(#[$field_doc:meta])* $field:ident: $kind:ident $([$width:literal])?),* $(,)?
    })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq)]
            #[allow(missing_docs)] // Fields bear the names of the protocol's tables, which say what they mean.
            $vis struct $name {
                $($(#[$field_doc])* pub $field: <$kind $(<$width>)? as crate::kind::Kind>::Held,)*
            }

            const _: () = assert!($name::SUM == $len, "the fields do not add up to the record's length");

            impl $name {
                const SUM: usize = 0 $(+ <$kind $(<$width>)? as crate::kind::Kind>::WIDTH)*;
            }

            impl Default for $name {
                /// All bytes zero.
                fn default() -> Self {
                    Self { $($field: <$kind $(<$width>)? as crate::kind::Kind>::zero(),)* }
                }
            }

            impl crate::record::Record for $name {
                const NAME: &'static str = stringify!($name);
                const LEN: usize = $len;
                const FIELDS: &'static [crate::record::FieldLayout] = &[$(crate::record::FieldLayout {
                    name: stringify!($field),
                    kind: <$kind $(<$width>)? as crate::kind::Kind>::KIND,
                    len: <$kind $(<$width>)? as crate::kind::Kind>::WIDTH,
                },)*];

                fn read(reader: &mut crate::Reader<'_>) -> Result<Self, crate::DecodeError> {
                    Ok(Self { $($field: <$kind $(<$width>)? as crate::kind::Kind>::get(
                        reader.at(stringify!($name), stringify!($field)),
                    )?,)* })
                }

                fn write(&self, out: &mut Vec<u8>) {
                    $(<$kind $(<$width>)? as crate::kind::Kind>::put(&self.$field, out);)*
                }
            }

            impl crate::kind::Kind for $name {
                type Held = Self;
                const KIND: &'static str = stringify!($name);
                const WIDTH: usize = $len;
                fn zero() -> Self {
                    Self::default()
                }
                fn get(reader: &mut crate::Reader<'_>) -> Result<Self, crate::DecodeError> {
                    crate::record::Record::read(reader)
                }
                fn put(held: &Self, out: &mut Vec<u8>) {
                    crate::record::Record::write(held, out);
                }
                fn overlong(_held: &Self) -> Option<crate::Overlong> {
                    $(if let Some(cut) = <$kind $(<$width>)? as crate::kind::Kind>::overlong(&_held.$field) {
                        return Some(cut.of(stringify!($field)));
                    })*
                    None
                }
                fn show(held: &Self) -> crate::Value {
                    crate::Value::Record(vec![$((
                        stringify!($field),
                        <$kind $(<$width>)? as crate::kind::Kind>::show(&held.$field),
                    ),)*])
                }
            }

            impl crate::Payload for $name {
                fn encode(&self, out: &mut Vec<u8>) {
                    crate::record::Record::write(self, out);
                }
                fn decode(reader: &mut crate::Reader<'_>) -> Result<Self, crate::DecodeError> {
                    crate::record::Record::read(reader)
                }
                fn value(&self) -> crate::Value {
                    <Self as crate::kind::Kind>::show(self)
                }
                fn overlong(&self) -> Option<crate::Overlong> {
                    <Self as crate::kind::Kind>::overlong(self)
                }
            }
        )+

        /// The records of this module as tables.
        pub(crate) const LAYOUTS: &[crate::record::RecordLayout] = &[$(crate::record::RecordLayout {
            name: stringify!($name),
            len: $len,
            fields: <$name as crate::record::Record>::FIELDS,
            recode: crate::payload::recode::<$name>,
        },)+];
    };
}

pub(crate) use records;
