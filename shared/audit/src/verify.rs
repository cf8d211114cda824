//! Whether a chain is as it was written.

use std::io::{self, BufRead};

use crate::chain::{Head, LINE_BYTES_MAX, Line};
use crate::checkpoint::{Checkpoint, VerifyingKey};

/// What is wrong with a chain, where it begins to be.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// This line of the file is none of a chain.
    #[error("line {0} of the file is no line of a record")]
    Unreadable(u64),
    /// A line has another number than the next one should have: lines are missing, doubled, or in another order.
    #[error("line {expected} is missing: after {before} comes {found}", before = expected - 1)]
    Order {
        /// The number that the line should have.
        expected: u64,
        /// The number that it has.
        found: u64,
    },
    /// A line does not go on from the one before.
    #[error("line {0} does not go on from the one before: one of them is another one")]
    Broken(u64),
    /// A line was changed.
    #[error("line {0} was changed after it was written")]
    Edited(u64),
    /// A checkpoint was not signed by this key, or is of another chain.
    #[error("the checkpoint at {0} is not signed by this key for this record")]
    Signature(u64),
    /// A checkpoint does not name the one before.
    #[error("the checkpoint at {0} does not name the one before: one is missing or was changed")]
    Checkpoints(u64),
    /// A checkpoint says another hash.
    #[error("line {0} is another one than its checkpoint says")]
    Root(u64),
    /// Lines that a checkpoint speaks of are gone.
    #[error("the end is cut off: a checkpoint says {size} lines, and the last one is {last}")]
    Truncated {
        /// How many lines there were.
        size: u64,
        /// The last one that is there.
        last: u64,
    },
}

/// What was found of a chain that is as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The number of the first line that is there; those before were rotated away if it is not 1.
    pub first: u64,
    /// The end of the chain.
    pub head: Head,
    /// Up to which line it is known by checkpoints that nothing is cut off.
    pub signed: u64,
}

/// Goes over the lines of a tenant, and over its checkpoints in their order. Without a key nobody is asked who signed them, and whoever
/// can write them could have made another chain.
///
/// # Errors
/// The first [`Fault`] that is found.
pub fn verify(
    tenant: &str,
    lines: impl BufRead,
    checkpoints: &[Checkpoint],
    key: Option<&VerifyingKey>,
) -> Result<Report, Fault> {
    signed_in_order(tenant, checkpoints, key)?;
    let mut due = checkpoints.iter().peekable();
    let (mut first, mut head) = (1, Head::empty(tenant));
    let mut reader = lines;
    for number in 1.. {
        let Some(text) = next_line(&mut reader, number)? else { break };
        let line = Line::parse(&text).ok_or(Fault::Unreadable(number))?;
        if number == 1 && line.seq > 1 {
            // The lines before were rotated away; what is there is bound to the last of them by its hash alone.
            (first, head) = (line.seq, Head { size: line.seq - 1, root: line.prev });
        }
        if line.seq != head.size + 1 {
            return Err(Fault::Order { expected: head.size + 1, found: line.seq });
        }
        if line.prev != head.root {
            return Err(Fault::Broken(line.seq));
        }
        if line.own != line.hash {
            return Err(Fault::Edited(line.seq));
        }
        while let Some(checkpoint) = due.next_if(|checkpoint| checkpoint.size <= head.size) {
            agrees(checkpoint, head)?;
        }
        head = line.head();
    }
    while let Some(checkpoint) = due.next_if(|checkpoint| checkpoint.size <= head.size) {
        agrees(checkpoint, head)?;
    }
    if let Some(beyond) = due.next() {
        return Err(Fault::Truncated { size: beyond.size, last: head.size });
    }
    let signed = checkpoints.last().map_or(0, |last| last.size);
    Ok(Report { first, head, signed })
}

/// What a checkpoint says of a line that is there.
fn agrees(checkpoint: &Checkpoint, head: Head) -> Result<(), Fault> {
    if checkpoint.size == head.size && checkpoint.root != head.root.to_string() {
        return Err(Fault::Root(head.size));
    }
    Ok(())
}

fn signed_in_order(
    tenant: &str,
    checkpoints: &[Checkpoint],
    key: Option<&VerifyingKey>,
) -> Result<(), Fault> {
    let mut before: Option<&Checkpoint> = None;
    for checkpoint in checkpoints {
        if checkpoint.origin != tenant || key.is_some_and(|key| !key.has_signed(checkpoint)) {
            return Err(Fault::Signature(checkpoint.size));
        }
        let follows = before.is_none_or(|before| {
            checkpoint.before == before.hash().to_string() && checkpoint.size >= before.size
        });
        if !follows {
            return Err(Fault::Checkpoints(checkpoint.size));
        }
        before = Some(checkpoint);
    }
    Ok(())
}

/// The next line that is not empty, of bounded length.
fn next_line(reader: &mut impl BufRead, number: u64) -> Result<Option<String>, Fault> {
    let mut text = Vec::new();
    let most = LINE_BYTES_MAX as u64 + 1;
    io::Read::take(&mut *reader, most).read_until(b'\n', &mut text)?;
    if text.is_empty() {
        return Ok(None);
    }
    if text.last() == Some(&b'\n') {
        text.pop();
    } else if text.len() as u64 == most {
        return Err(Fault::Unreadable(number));
    }
    String::from_utf8(text).map(Some).map_err(|_| Fault::Unreadable(number))
}

#[cfg(test)]
mod tests;
