//! What the password of a PKCS#12 file opens: by the schemes of RFC 7292 (old files) and of PKCS#5 (new ones).

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipher, BlockDecrypt, BlockDecryptMut, KeyInit, KeyIvInit};
use cms::cert::x509::spki::AlgorithmIdentifierOwned;
use der::asn1::Any;
use der::oid::ObjectIdentifier;
use der::{Decode, Encode};
use des::{TdesEde2, TdesEde3};
use hmac::digest::core_api::BlockSizeUser;
use hmac::digest::{Digest, FixedOutputReset, OutputSizeUser};
use hmac::{Mac, SimpleHmac};
use pkcs5::pbes2;
use pkcs12::kdf::{Pkcs12KeyType, derive_key};
use pkcs12::mac_data::MacData;
use pkcs12::pbe_params::Pkcs12PbeParams;
use rc2::Rc2;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::IdentityError;
use super::pkcs12::foreign;

/// How often a password may be hashed for one file. Programs ask for a few thousand to some hundred thousand rounds,
/// three times a file; this many take seconds.
const ROUNDS_MAX: u32 = 4_000_000;

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA224: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.4");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");

/// A password in the forms that the schemes want, and the work it may still be used for.
pub(super) struct Password {
    utf8: Vec<u8>,
    /// UTF-16, high byte first, with two zeros behind.
    utf16: Vec<u8>,
    rounds_left: u32,
}

impl Password {
    pub(super) fn new(text: &str) -> Self {
        let utf16 = text.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect();
        Self { utf8: text.as_bytes().to_vec(), utf16, rounds_left: ROUNDS_MAX }
    }

    /// Checks the file's checksum. An empty password is two zeros to some programs and nothing at all to others: the
    /// form that fits is kept.
    pub(super) fn check(&mut self, mac: &MacData, content: &[u8]) -> Result<(), IdentityError> {
        let is_right = match mac.mac.algorithm.oid {
            SHA1 => Self::is_right::<Sha1>,
            SHA224 => Self::is_right::<Sha224>,
            SHA256 => Self::is_right::<Sha256>,
            SHA384 => Self::is_right::<Sha384>,
            SHA512 => Self::is_right::<Sha512>,
            other => return Err(IdentityError::Unsupported { method: other.to_string() }),
        };
        if is_right(self, mac, content)? {
            return Ok(());
        }
        if self.utf8.is_empty() {
            self.utf16.clear();
            if is_right(self, mac, content)? {
                return Ok(());
            }
        }
        Err(IdentityError::WrongPassword)
    }

    fn is_right<D>(&mut self, mac: &MacData, content: &[u8]) -> Result<bool, IdentityError>
    where
        D: Digest + FixedOutputReset + BlockSizeUser,
    {
        let length = <D as OutputSizeUser>::output_size();
        let key = self.derive::<D>(mac.mac_salt.as_bytes(), Pkcs12KeyType::Mac, mac.iterations, length)?;
        let Ok(mut own) = <SimpleHmac<D> as Mac>::new_from_slice(&key) else { return Ok(false) };
        own.update(content);
        Ok(own.verify_slice(mac.mac.digest.as_bytes()).is_ok())
    }

    pub(super) fn decrypt(
        &mut self,
        algorithm: &AlgorithmIdentifierOwned,
        sealed: &[u8],
    ) -> Result<Vec<u8>, IdentityError> {
        let parameters = algorithm.parameters.as_ref();
        match algorithm.oid {
            PBES2 => self.decrypt_new(parameters, sealed),
            pkcs12::PKCS_12_PBE_WITH_SHAAND3_KEY_TRIPLE_DES_CBC => {
                self.decrypt_old::<TdesEde3>(parameters, 24, sealed)
            }
            pkcs12::PKCS_12_PBE_WITH_SHAAND2_KEY_TRIPLE_DES_CBC => {
                self.decrypt_old::<TdesEde2>(parameters, 16, sealed)
            }
            pkcs12::PKCS_12_PBE_WITH_SHAAND128_BIT_RC2_CBC => self.decrypt_old::<Rc2>(parameters, 16, sealed),
            pkcs12::PKCS_12_PBEWITH_SHAAND40_BIT_RC2_CBC => self.decrypt_old::<Rc2>(parameters, 5, sealed),
            other => Err(IdentityError::Unsupported { method: other.to_string() }),
        }
    }

    fn decrypt_new(&mut self, parameters: Option<&Any>, sealed: &[u8]) -> Result<Vec<u8>, IdentityError> {
        let raw = parameters.map(Any::to_der).transpose().map_err(foreign)?.unwrap_or_default();
        // What is well formed but unknown, and what is not well formed, look the same here.
        let unknown = |cause: der::Error| IdentityError::Unsupported { method: format!("PBES2 ({cause})") };
        let scheme = pbes2::Parameters::from_der(&raw).map_err(unknown)?;
        match &scheme.kdf {
            pbes2::Kdf::Pbkdf2(kdf) => self.spend(kdf.iteration_count)?,
            // It takes as much memory as the file wants.
            _ => return Err(IdentityError::Unsupported { method: "scrypt".into() }),
        }
        scheme.decrypt(&self.utf8, sealed).map_err(|cause| match cause {
            pkcs5::Error::DecryptFailed | pkcs5::Error::EncryptFailed => IdentityError::WrongPassword,
            other => IdentityError::Unsupported { method: format!("PBES2 ({other})") },
        })
    }

    fn decrypt_old<C>(
        &mut self,
        parameters: Option<&Any>,
        key_length: usize,
        sealed: &[u8],
    ) -> Result<Vec<u8>, IdentityError>
    where
        C: KeyInit + BlockCipher + BlockDecrypt,
    {
        let raw = parameters.map(Any::to_der).transpose().map_err(foreign)?.unwrap_or_default();
        let Pkcs12PbeParams { salt, iterations } = Pkcs12PbeParams::from_der(&raw).map_err(foreign)?;
        let kind = Pkcs12KeyType::EncryptionKey;
        let key = self.derive::<Sha1>(salt.as_bytes(), kind, iterations, key_length)?;
        let start = self.derive::<Sha1>(salt.as_bytes(), Pkcs12KeyType::Iv, iterations, 8)?;
        let cipher = cbc::Decryptor::<C>::new_from_slices(&key, &start)
            .map_err(|cause| IdentityError::Unsupported { method: cause.to_string() })?;
        cipher.decrypt_padded_vec_mut::<Pkcs7>(sealed).map_err(|_| IdentityError::WrongPassword)
    }

    fn derive<D>(
        &mut self,
        salt: &[u8],
        kind: Pkcs12KeyType,
        rounds: i32,
        length: usize,
    ) -> Result<Vec<u8>, IdentityError>
    where
        D: Digest + FixedOutputReset + BlockSizeUser,
    {
        self.spend(u32::try_from(rounds).unwrap_or_default())?;
        Ok(derive_key::<D>(&self.utf16, salt, kind, rounds, length))
    }

    /// Takes rounds from what is left.
    fn spend(&mut self, rounds: u32) -> Result<(), IdentityError> {
        let left = self.rounds_left.checked_sub(rounds);
        self.rounds_left = left.ok_or(IdentityError::TooCostly { most: ROUNDS_MAX })?;
        Ok(())
    }
}
