//! Who we are to a server that asks for a certificate.

mod pkcs12;
mod unlock;

use std::fmt;
use std::sync::Arc;

use cms::cert::x509::Certificate;
use der::Decode;
use error::{Code, Error};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error as TlsFailure, InconsistentKeys};

/// A TLS client certificate with its private key.
#[derive(Clone)]
pub struct Identity(Arc<Parts>);

struct Parts {
    certified: Arc<CertifiedKey>,
    /// PKCS#8, since a key in use cannot be told any more.
    key: Vec<u8>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(***)")
    }
}

impl PartialEq for Identity {
    /// Whether both are the same certificate with the same key.
    fn eq(&self, other: &Self) -> bool {
        let own = |identity: &Self| identity.0.certified.cert.first().cloned();
        own(self) == own(other) && self.0.key == other.0.key
    }
}

impl Eq for Identity {}

/// Why a file gives no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// It is larger than any such file is.
    #[error("the file is too large for a certificate: at most {most} bytes are read")]
    TooLarge {
        /// Bytes.
        most: usize,
    },
    /// Its form is another.
    #[error("the file is no PKCS#12 (PFX) file")]
    NotPkcs12 {
        /// What is wrong with it.
        cause: String,
    },
    /// The password does not open it.
    #[error("the password of the certificate file is wrong")]
    WrongPassword,
    /// It is protected in a way that is not read here.
    #[error("the certificate file is protected by {method}, which is not supported")]
    Unsupported {
        /// The way, mostly as an object identifier.
        method: String,
    },
    /// Opening it would take too much work: somebody wants to keep the processor busy.
    #[error("the certificate file asks for more than {most} rounds of its password")]
    TooCostly {
        /// Rounds, all together.
        most: u32,
    },
    /// There is a key at most.
    #[error("the certificate file holds no certificate")]
    NoCertificate,
    /// There are certificates at most.
    #[error("the certificate file holds no private key")]
    NoPrivateKey,
    /// Certificates and key have nothing to do with each other.
    #[error("the certificate file holds no certificate for its private key")]
    Mismatch,
    /// The certificate for the key has a form that TLS does not take any more.
    #[error(
        "the certificate in the file is of version 1 of X.509, which is not used any more: have it issued as version 3"
    )]
    Version1,
    /// The key is damaged, or of a kind or size that TLS does not use.
    #[error("the private key in the certificate file cannot be used")]
    KeyUnusable {
        /// What is wrong with it.
        cause: String,
    },
}

impl From<IdentityError> for Error {
    /// What the caller who gave the file is told.
    fn from(failure: IdentityError) -> Self {
        let told = Self::new(
            Code::InvalidCertificate,
            format!("{}.", crate::failure::capital(&failure.to_string())),
        );
        match failure {
            IdentityError::NotPkcs12 { cause } | IdentityError::KeyUnusable { cause } => told.because(cause),
            _ => told,
        }
    }
}

impl Identity {
    /// From the bytes of a PKCS#12 (PFX) file: its first private key with the certificate that belongs to it, and
    /// the certificates that lead from there to its authority. Old files (RC2, triple DES) are read as well as new
    /// ones. This takes as much time as the file asks for, mostly milliseconds, and seconds at the most: not to be
    /// done where others wait.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn from_pkcs12(bytes: &[u8], password: &str) -> Result<Self, IdentityError> {
        let found = pkcs12::read(bytes, password)?;
        if found.keys.is_empty() {
            return Err(IdentityError::NoPrivateKey);
        }
        if found.certificates.is_empty() {
            return Err(IdentityError::NoCertificate);
        }
        let mut failure = None;
        for key in found.keys {
            match certified(key.clone(), &found.certificates) {
                Ok(certified) => return Ok(Self::of(certified, key)),
                Err(cause) => failure = failure.or(Some(cause)),
            }
        }
        Err(failure.unwrap_or(IdentityError::NoPrivateKey))
    }

    /// From the certificate chain and the private key (PKCS#8), each in DER, as [`to_der`](Self::to_der) gives them.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn from_der(chain: Vec<Vec<u8>>, key: Vec<u8>) -> Result<Self, IdentityError> {
        let chain: Vec<_> = chain.into_iter().map(CertificateDer::from).collect();
        if chain.is_empty() {
            return Err(IdentityError::NoCertificate);
        }
        Ok(Self::of(certified(key.clone(), &chain)?, key))
    }

    /// The certificate chain and the private key, each in DER. The key is a secret.
    #[must_use]
    pub fn to_der(&self) -> (Vec<Vec<u8>>, Vec<u8>) {
        let chain = self.0.certified.cert.iter().map(|one| one.as_ref().to_vec()).collect();
        (chain, self.0.key.clone())
    }

    fn of(certified: CertifiedKey, key: Vec<u8>) -> Self {
        Self(Arc::new(Parts { certified: Arc::new(certified), key }))
    }

    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.certified)
    }
}

/// The key with its certificate and chain.
fn certified(key: Vec<u8>, certificates: &[CertificateDer<'static>]) -> Result<CertifiedKey, IdentityError> {
    let unusable = |cause: TlsFailure| IdentityError::KeyUnusable { cause: cause.to_string() };
    let provider = rustls::crypto::ring::default_provider().key_provider;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    let key = provider.load_private_key(key).map_err(unusable)?;
    let mut unreadable = None;
    for own in certificates {
        let alone = CertifiedKey::new(vec![own.clone()], Arc::clone(&key));
        match alone.keys_match() {
            Ok(()) | Err(TlsFailure::InconsistentKeys(InconsistentKeys::Unknown)) => {
                return Ok(CertifiedKey::new(chain(own, certificates), key));
            }
            Err(TlsFailure::InconsistentKeys(_)) => {}
            Err(_) if is_version_1(own) => return Err(IdentityError::Version1),
            Err(cause) => unreadable = Some(cause),
        }
    }
    Err(unreadable
        .map_or(IdentityError::Mismatch, |cause| IdentityError::NotPkcs12 { cause: cause.to_string() }))
}

/// Whether a certificate, in DER, is of the first version of X.509: what is signed states no version then (RFC 5280, 4.1).
fn is_version_1(certificate: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let signed = content(certificate, SEQUENCE).and_then(|all| content(all, SEQUENCE));
    signed.and_then(|signed| signed.first()).is_some_and(|first| *first != VERSION)
}

/// What follows the head of a value with this tag.
fn content(der: &[u8], tag: u8) -> Option<&[u8]> {
    let (_, rest) = der.split_first().filter(|(first, _)| **first == tag)?;
    let (length, rest) = rest.split_first()?;
    // A short length is the byte itself; of a long one it counts the bytes.
    let further = if *length < 0x80 { 0 } else { usize::from(length & 0x7f) };
    rest.get(further..)
}

/// A certificate and those that vouch for it, each after the one it vouches for; its authority itself is left out, as
/// the server has it.
fn chain(own: &CertificateDer<'static>, all: &[CertificateDer<'static>]) -> Vec<CertificateDer<'static>> {
    let parsed: Vec<_> =
        all.iter().filter_map(|raw| Some((raw, Certificate::from_der(raw).ok()?.tbs_certificate))).collect();
    let mut chain = vec![own.clone()];
    let mut last = parsed.iter().find(|(raw, _)| *raw == own);
    while let Some((_, below)) = last {
        last = parsed.iter().find(|(raw, above)| {
            above.subject == below.issuer && above.subject != above.issuer && !chain.contains(raw)
        });
        chain.extend(last.map(|(raw, _)| (*raw).clone()));
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_version_of_certificates_states_none() {
        // SEQUENCE { SEQUENCE { serial number or [0] version, ... } }, with short and long lengths.
        let third = [0x30, 0x0a, 0x30, 0x08, 0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, 0x07];
        let first = [0x30, 0x82, 0x00, 0x09, 0x30, 0x81, 0x06, 0x02, 0x01, 0x07, 0x30, 0x00, 0x00];
        assert!(!is_version_1(&third) && is_version_1(&first));
        for broken in [&[][..], &[0x30], &[0x30, 0x84, 0x00], &[0x02, 0x01, 0x07], &[0x30, 0x02, 0x02, 0x00]]
        {
            assert!(!is_version_1(broken), "{broken:?}");
        }
    }
}
