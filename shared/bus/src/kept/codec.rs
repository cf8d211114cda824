//! Numbers, checksums and deflating.

use std::cell::RefCell;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};

use super::Unreadable;

/// Up to here bodies are deflated with care, above with speed.
const CAREFUL_BYTES: usize = 32 << 10;

thread_local! {
    /// Made once for each thread, for they are large: careful and fast ones, and one that inflates.
    static CAREFUL: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(7), false));
    static FAST: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(1), false));
    static INFLATE: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// A checksum of everything up to a body.
pub(super) fn mark(before: u32, body: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(&before.to_be_bytes());
    crc.update(body);
    crc.sum()
}

/// A number, the lowest seven bits first; all bytes but the last have the highest bit set.
pub(super) fn put_number(to: &mut impl BufMut, mut number: usize) {
    while number >= 0x80 {
        to.put_u8((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    to.put_u8(number as u8);
}

pub(super) fn take_number(from: &mut Bytes) -> Result<usize, Unreadable> {
    let mut number = 0;
    for shift in (0..35).step_by(7) {
        if from.is_empty() {
            return Err(Unreadable);
        }
        let byte = usize::from(from.get_u8());
        number |= (byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Unreadable)
}

pub(super) fn take(from: &mut Bytes, length: usize) -> Result<Bytes, Unreadable> {
    if length > from.len() { Err(Unreadable) } else { Ok(from.split_to(length)) }
}

/// Appends the length of a body and the body deflated. Of the dictionary the last 32 KiB count.
pub(super) fn squeeze(body: &[u8], dictionary: &[u8], to: &mut BytesMut) {
    put_number(to, body.len());
    let with = if body.len() <= CAREFUL_BYTES { &CAREFUL } else { &FAST };
    let mut out = Vec::with_capacity(body.len() / 2 + 64);
    let done = with.with_borrow_mut(|compress| {
        compress.reset();
        compress.set_dictionary(dictionary).ok()?;
        loop {
            let from = usize::try_from(compress.total_in()).ok()?;
            let rest = body.get(from..)?;
            match compress.compress_vec(rest, &mut out, FlushCompress::Finish).ok()? {
                Status::StreamEnd => return Some(()),
                Status::Ok | Status::BufError => out.reserve(out.capacity().max(64)),
            }
        }
    });
    debug_assert!(done.is_some(), "what is in memory can be deflated");
    to.extend_from_slice(&out);
}

/// A body to be inflated.
pub(super) struct Squeezed<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) dictionary: &'a [u8],
    /// The longest body that is believed.
    pub(super) bytes_max: usize,
}

pub(super) fn unsqueeze(squeezed: &Squeezed<'_>) -> Result<Bytes, Unreadable> {
    let mut bytes = Bytes::copy_from_slice(squeezed.bytes);
    let length = take_number(&mut bytes)?;
    // Deflating makes nothing smaller than a thousandth.
    if length > squeezed.bytes_max || length / 1100 > bytes.len() {
        return Err(Unreadable);
    }
    let mut out = Vec::with_capacity(length);
    INFLATE.with_borrow_mut(|inflate| {
        inflate.reset(false);
        inflate.set_dictionary(squeezed.dictionary).map_err(|_| Unreadable)?;
        let status = inflate.decompress_vec(&bytes, &mut out, FlushDecompress::Finish);
        let is_whole = status.is_ok_and(|status| status == Status::StreamEnd || length == 0);
        if is_whole && out.len() == length { Ok(()) } else { Err(Unreadable) }
    })?;
    Ok(Bytes::from(out))
}
