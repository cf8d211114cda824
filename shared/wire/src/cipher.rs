//! AES-CBC as the protocol uses it: PKCS#7 padding, and an initialisation vector of zeros for every message.

use std::fmt;

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockDecryptMut, BlockEncryptMut, InnerIvInit, KeyInit};

/// The key of the bootstrap request and its answer. All clients know it; it protects nothing.
pub const INITIAL_KEY: [u8; 32] = [
    0x02, 0xde, 0x02, 0xa1, 0xa6, 0x5c, 0xc7, 0x94, 0x68, 0x4f, 0xcb, 0xea, 0x1e, 0xcb, 0x0f, 0xd7, 0x4a,
    0xe6, 0x57, 0xe4, 0x36, 0x62, 0xc1, 0x1e, 0xee, 0x88, 0x5d, 0x2f, 0xd6, 0x4f, 0x49, 0x64,
];

/// Bytes in a block.
const BLOCK: usize = 16;

/// Why a key or a sealed body is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CipherError {
    /// Keys have 16, 24 or 32 bytes.
    #[error("a key has 16, 24 or 32 bytes, this one has {0}")]
    KeyLength(usize),
    /// Sealed bodies are a non-zero multiple of 16 bytes, with a padding that proves the key.
    #[error("the body cannot be decrypted: wrong key or damaged")]
    Unreadable,
}

/// Seals and opens bodies under one key. The expanded key is kept, so that each message costs only its blocks.
#[derive(Clone)]
pub struct Cipher(Keyed);

#[derive(Clone)]
enum Keyed {
    Aes128(Box<Aes128>),
    Aes192(Box<Aes192>),
    Aes256(Box<Aes256>),
}

macro_rules! each_size {
    ($cipher:expr, $aes:ident => $body:expr) => {
        match &$cipher.0 {
            Keyed::Aes128($aes) => $body,
            Keyed::Aes192($aes) => $body,
            Keyed::Aes256($aes) => $body,
        }
    };
}

impl Cipher {
    /// For a key of 16, 24 or 32 bytes.
    ///
    /// # Errors
    /// [`CipherError::KeyLength`] for any other.
    pub fn new(key: &[u8]) -> Result<Self, CipherError> {
        let wrong = |_| CipherError::KeyLength(key.len());
        Ok(Self(match key.len() {
            16 => Keyed::Aes128(Box::new(Aes128::new_from_slice(key).map_err(wrong)?)),
            24 => Keyed::Aes192(Box::new(Aes192::new_from_slice(key).map_err(wrong)?)),
            _ => Keyed::Aes256(Box::new(Aes256::new_from_slice(key).map_err(wrong)?)),
        }))
    }

    /// Encrypts.
    #[must_use]
    pub fn seal(&self, plain: &[u8]) -> Vec<u8> {
        let iv = [0; BLOCK].into();
        each_size!(self, aes => {
            cbc::Encryptor::inner_iv_init((**aes).clone(), &iv).encrypt_padded_vec_mut::<Pkcs7>(plain)
        })
    }

    /// Decrypts.
    ///
    /// # Errors
    /// [`CipherError::Unreadable`] if the length or the padding is wrong.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, CipherError> {
        if sealed.is_empty() {
            return Err(CipherError::Unreadable);
        }
        let iv = [0; BLOCK].into();
        each_size!(self, aes => {
            cbc::Decryptor::inner_iv_init((**aes).clone(), &iv)
                .decrypt_padded_vec_mut::<Pkcs7>(sealed)
                .map_err(|_| CipherError::Unreadable)
        })
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(***)")
    }
}
