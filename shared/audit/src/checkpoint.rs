//! Signed words on how long a chain was.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::chain::{Hash, Head};

/// What stands before everything that is signed here.
const CHECKPOINT: &str = "mt5rest-checkpoint-1";

/// How long a chain was at a time, signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Checkpoint {
    /// Whose chain: the name of a tenant.
    pub origin: String,
    /// How many lines it had had.
    pub size: u64,
    /// The hash of the last one.
    pub root: String,
    /// When it was signed, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// The hash of the checkpoint before; empty for the first.
    pub before: String,
    /// Base64 of the signature, Ed25519.
    pub signature: String,
}

impl Checkpoint {
    /// What is signed.
    fn signed(&self) -> String {
        let Self { origin, size, root, at_ms, before, .. } = self;
        format!("{CHECKPOINT}\n{origin}\n{size}\n{root}\n{at_ms}\n{before}\n")
    }

    /// By what the next one names it.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of(&format!("{}{}", self.signed(), self.signature))
    }
}

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is Base64 of 32 bytes, as `openssl rand -base64 32` makes it")]
pub struct SigningKeyError;

/// Signs checkpoints.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    /// From the seed of its key, Base64 of 32 bytes.
    ///
    /// # Errors
    /// [`SigningKeyError`] for any other text.
    pub fn parse(seed: &str) -> Result<Self, SigningKeyError> {
        let seed = BASE64.decode(seed.trim()).map_err(|_| SigningKeyError)?;
        Ed25519KeyPair::from_seed_unchecked(&seed).map(Self).map_err(|_| SigningKeyError)
    }

    /// Whoever has this can verify what it signs.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.public_key().as_ref().to_vec())
    }

    /// Signs how long a chain is.
    #[must_use]
    pub fn sign(&self, origin: &str, head: Head, at_ms: i64, before: Option<&Checkpoint>) -> Checkpoint {
        let mut checkpoint = Checkpoint {
            origin: origin.to_owned(),
            size: head.size,
            root: head.root.to_string(),
            at_ms,
            before: before.map(|before| before.hash().to_string()).unwrap_or_default(),
            signature: String::new(),
        };
        checkpoint.signature = BASE64.encode(self.0.sign(checkpoint.signed().as_bytes()).as_ref());
        checkpoint
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Signer").field(&self.verifying_key()).finish()
    }
}

/// Verifies checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey(Vec<u8>);

impl VerifyingKey {
    /// From Base64 of its 32 bytes.
    ///
    /// # Errors
    /// [`SigningKeyError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, SigningKeyError> {
        let key = BASE64.decode(text.trim()).map_err(|_| SigningKeyError)?;
        if key.len() == 32 { Ok(Self(key)) } else { Err(SigningKeyError) }
    }

    pub(crate) fn has_signed(&self, checkpoint: &Checkpoint) -> bool {
        let Ok(signature) = BASE64.decode(&checkpoint.signature) else { return false };
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        key.verify(checkpoint.signed().as_bytes(), &signature).is_ok()
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&BASE64.encode(&self.0))
    }
}
