//! Lines, each bound to the one before.

use std::fmt;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::record::Record;

/// What stands before everything that is hashed here: nothing hashed elsewhere is taken for a line.
const LINE: &str = "mt5rest-audit-1";

/// The longest line that is read. Those that are made are shorter.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 32]);

impl Hash {
    pub(crate) fn of(text: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(hash)
    }

    /// From its 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).ok()?;
        Some(Self(hash))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The end of a chain: how many lines it has had, and the hash of the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last line; lines count from 1.
    pub size: u64,
    /// Its hash.
    pub root: Hash,
}

/// A line as it is written.
#[derive(Serialize)]
struct Said<'a> {
    seq: u64,
    prev: String,
    record: &'a RawValue,
    hash: String,
}

#[derive(Deserialize)]
struct Heard<'a> {
    seq: u64,
    prev: &'a str,
    #[serde(borrow)]
    record: &'a RawValue,
    hash: &'a str,
}

/// A line as it was read: its hash is that of its contents.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its number.
    pub seq: u64,
    /// The hash of the line before.
    pub prev: Hash,
    /// What its hash is said to be.
    pub hash: Hash,
    /// What its contents come to.
    pub(crate) own: Hash,
    /// What it says. Fields that are not known here count for the hash all the same.
    pub record: Record,
}

impl Head {
    /// Of a chain without a line: tenants begin differently, so that no line passes from one to another.
    #[must_use]
    pub fn empty(tenant: &str) -> Self {
        Self { size: 0, root: Hash::of(&format!("{LINE}\n{tenant}")) }
    }

    /// The next line, without a line break, and the end of the chain with it.
    ///
    /// # Errors
    /// What cannot be written as JSON, which a record can.
    pub fn line(self, record: &Record) -> Result<(String, Self), serde_json::Error> {
        let record = serde_json::value::to_raw_value(record)?;
        let seq = self.size + 1;
        let root = hashed(seq, self.root, record.get());
        let said = Said { seq, prev: self.root.to_string(), record: &record, hash: root.to_string() };
        Ok((serde_json::to_string(&said)?, Self { size: seq, root }))
    }
}

impl Line {
    /// Reads a line; whether its hash is right is for [`verify`](crate::verify()) to say.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LINE_BYTES_MAX {
            return None;
        }
        let heard: Heard<'_> = serde_json::from_str(text).ok()?;
        let prev = Hash::parse(heard.prev)?;
        Some(Self {
            seq: heard.seq,
            prev,
            hash: Hash::parse(heard.hash)?,
            own: hashed(heard.seq, prev, heard.record.get()),
            record: serde_json::from_str(heard.record.get()).ok()?,
        })
    }

    /// The end of a chain that ends with it.
    #[must_use]
    pub const fn head(&self) -> Head {
        Head { size: self.seq, root: self.hash }
    }
}

fn hashed(seq: u64, prev: Hash, record: &str) -> Hash {
    Hash::of(&format!("{LINE}\n{seq}\n{prev}\n{record}"))
}
