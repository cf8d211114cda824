//! Reading what scripts answer. What does not look as expected is an error, never a panic.

use std::str::FromStr;

use bytes::Bytes;

use crate::{AccountName, Fence, Record, RegistryError, SessionState, WorkerId, Written};

/// A row of texts and bytes.
pub(super) type Row = Vec<Vec<u8>>;

/// The greatest whole number that scripts reckon with exactly.
const NUMBER_MAX: u64 = 1 << 53;

pub(super) fn nonsense(what: &str) -> RegistryError {
    RegistryError(format!("its answer makes no sense: {what}"))
}

/// Text of a field.
pub(super) fn text(field: &[u8]) -> Result<&str, RegistryError> {
    std::str::from_utf8(field).map_err(|_| nonsense("not a text"))
}

/// A number (or another thing that is written as text) of a field.
pub(super) fn parsed<T: FromStr>(field: &[u8]) -> Result<T, RegistryError> {
    text(field)?.parse().map_err(|_| nonsense("not a number"))
}

/// A fence of a field.
pub(super) fn fence(field: &[u8]) -> Result<Fence, RegistryError> {
    Ok(Fence(parsed(field)?))
}

/// A fence on its way into a script.
pub(super) fn sent(fence: Fence) -> Result<String, RegistryError> {
    if fence.0 >= NUMBER_MAX {
        return Err(RegistryError(format!("fence {fence} is too high")));
    }
    Ok(fence.to_string())
}

/// 1 and 0 as what became of a write.
pub(super) const fn written(done: i64) -> Written {
    if done == 1 { Written::Yes } else { Written::Stale }
}

/// A session's record from the fields of `record.lua`.
pub(super) fn record(row: Row) -> Result<Record, RegistryError> {
    let [account, owner, own_fence, state, sealed, memo] =
        <[Vec<u8>; 6]>::try_from(row).map_err(|_| nonsense("not a record"))?;
    Ok(Record {
        account: AccountName::new(text(&account)?),
        owner: WorkerId::new(text(&owner)?),
        fence: fence(&own_fence)?,
        state: match text(&state)? {
            "opening" => SessionState::Opening,
            "live" => SessionState::Live,
            "ended" => SessionState::Ended,
            _ => return Err(nonsense("not a state")),
        },
        sealed: Bytes::from(sealed),
        memo: Bytes::from(memo),
    })
}
