//! The outer frame: one WebSocket message (protocol, section 3).

use crate::{Cipher, CipherError};

/// Length and version.
const HEAD: usize = 8;
/// The only version there is.
const VERSION: u32 = 1;

/// Why a WebSocket message is not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It is shorter than its head.
    #[error("a frame has at least {HEAD} bytes, this message has {0}")]
    Short(usize),
    /// Its head names another length than it has.
    #[error("the frame says {said} bytes of body, {is} follow")]
    Length {
        /// What the head says.
        said: u32,
        /// What is there.
        is: usize,
    },
    /// Its body cannot be decrypted.
    #[error(transparent)]
    Cipher(#[from] CipherError),
}

/// Encrypts an inner frame and puts the head before it.
#[must_use]
pub fn seal(cipher: &Cipher, inner: &[u8]) -> Vec<u8> {
    let body = cipher.seal(inner);
    let mut message = Vec::with_capacity(HEAD + body.len());
    message.extend_from_slice(&crate::payload::count_of(body.len()).to_le_bytes());
    message.extend_from_slice(&VERSION.to_le_bytes());
    message.extend_from_slice(&body);
    message
}

/// Checks the head and decrypts the inner frame. The version is not looked at, as the official client does not.
///
/// # Errors
/// [`FrameError`] says what is wrong with the message.
pub fn open(cipher: &Cipher, message: &[u8]) -> Result<Vec<u8>, FrameError> {
    let (head, body) = message.split_at_checked(HEAD).ok_or(FrameError::Short(message.len()))?;
    let said = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    if usize::try_from(said) != Ok(body.len()) {
        return Err(FrameError::Length { said, is: body.len() });
    }
    Ok(cipher.open(body)?)
}
