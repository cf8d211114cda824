//! Digests of what must not be kept, and random bytes.

use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN, digest};
use ring::rand::{SecureRandom, SystemRandom};

/// The system has no random bytes to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub(crate) struct SecretError;

/// What makes the digests of an account's passwords its own.
pub(super) type Salt = [u8; 16];

/// What is kept of a password or token.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; SHA256_OUTPUT_LEN]);

impl Digest {
    pub(crate) fn of(secret: &[u8]) -> Self {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest(&SHA256, secret).as_ref());
        Self(bytes)
    }

    /// The digest of a password: the same one has others in other accounts.
    pub(super) fn salted(salt: &Salt, password: &str) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(salt);
        context.update(password.as_bytes());
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(context.finish().as_ref());
        Self(bytes)
    }

    /// As text, to be kept.
    pub(super) fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// From the text that was kept.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        hex::decode_to_slice(text, &mut bytes).ok().map(|()| Self(bytes))
    }

    /// The digest of nothing anybody can type.
    pub(super) fn impossible() -> Self {
        Self([0; SHA256_OUTPUT_LEN])
    }

    /// Compares in a time that does not depend on the contents.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        same_bytes(&self.0, &other.0)
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Compares in a time that depends on the lengths alone.
pub(super) fn same_bytes(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && std::hint::black_box(difference) == 0
}

/// Bytes that nobody can foresee.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], SecretError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| SecretError)?;
    Ok(bytes)
}

/// A password of ten characters that meets the rules of strength, of signs that mean nothing else in a form or a URL
/// (RFC 3986, 2.3).
pub(crate) fn random_password() -> Result<String, SecretError> {
    const KINDS: [&[u8]; 4] =
        [b"abcdefghijkmnpqrstuvwxyz", b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"23456789", b"-._~"];
    let draws: [u8; 10] = random_bytes()?;
    // The kinds take turns, so that each occurs.
    let character = |(place, draw): (usize, &u8)| {
        let kind = KINDS[place % KINDS.len()];
        char::from(kind[usize::from(*draw) % kind.len()])
    };
    Ok(draws.iter().enumerate().map(character).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_passwords_need_no_escape() {
        for _ in 0..500 {
            let password = random_password().unwrap();
            let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            assert!(password.bytes().all(is_safe), "{password}");
            assert_eq!(crate::accounts::check_strength(&password), Ok(()), "{password}");
        }
    }
}
