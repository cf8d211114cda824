//! What a PKCS#12 file (RFC 7292) holds. Callers give these files, so nothing in them is believed: the file is
//! bounded, and so is the work that it asks for.

use cms::content_info::ContentInfo;
use cms::encrypted_data::EncryptedData;
use der::asn1::{Any, ContextSpecific, OctetString, SequenceRef};
use der::oid::ObjectIdentifier;
use der::{Decode, Encode};
use pkcs12::cert_type::CertBag;
use pkcs12::pbe_params::EncryptedPrivateKeyInfo;
use pkcs12::pfx::Pfx;
use pkcs12::safe_bag::SafeContents;
use rustls::pki_types::CertificateDer;

use super::IdentityError;
use super::unlock::Password;

/// Most files have a few thousand bytes.
const FILE_MAX: usize = 256 * 1024;

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");

/// The parts of a file that count here.
#[derive(Default)]
pub(super) struct Contents {
    /// Private keys, PKCS#8.
    pub(super) keys: Vec<Vec<u8>>,
    /// Certificates, in the file's order.
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// Opens a file.
pub(super) fn read(bytes: &[u8], password: &str) -> Result<Contents, IdentityError> {
    if bytes.len() > FILE_MAX {
        return Err(IdentityError::TooLarge { most: FILE_MAX });
    }
    let pfx = Pfx::from_der(bytes).map_err(foreign)?;
    let sealed = octets(&pfx.auth_safe)?;
    let mut password = Password::new(password);
    if let Some(mac) = &pfx.mac_data {
        password.check(mac, &sealed)?;
    }
    let safes = Vec::<ContentInfo>::from_der(&sealed).map_err(foreign)?;
    let mut contents = Contents::default();
    for safe in &safes {
        let bags = match safe.content_type {
            DATA => octets(safe)?,
            ENCRYPTED_DATA => decrypted(safe, &mut password)?,
            // For another key than a password's.
            other => return Err(IdentityError::Unsupported { method: other.to_string() }),
        };
        let bags = SafeContents::from_der(&bags).map_err(|cause| garbage(pfx.mac_data.is_some(), cause))?;
        contents.take(bags, &mut password, pfx.mac_data.is_some())?;
    }
    Ok(contents)
}

/// What came out of a cipher is nothing: without a checksum, a wrong password is only seen by that. One in 256 seems to open
/// it, since that much of its padding is right by accident.
fn garbage(has_checksum: bool, cause: der::Error) -> IdentityError {
    if has_checksum { foreign(cause) } else { IdentityError::WrongPassword }
}

fn octets(info: &ContentInfo) -> Result<Vec<u8>, IdentityError> {
    if info.content_type != DATA {
        return Err(IdentityError::Unsupported { method: info.content_type.to_string() });
    }
    Ok(info.content.decode_as::<OctetString>().map_err(foreign)?.into_bytes())
}

fn decrypted(safe: &ContentInfo, password: &mut Password) -> Result<Vec<u8>, IdentityError> {
    let data: EncryptedData = safe.content.decode_as().map_err(foreign)?;
    let info = data.enc_content_info;
    let sealed = info.encrypted_content.map(OctetString::into_bytes).unwrap_or_default();
    password.decrypt(&info.content_enc_alg, &sealed)
}

impl Contents {
    fn take(
        &mut self,
        bags: SafeContents,
        password: &mut Password,
        has_checksum: bool,
    ) -> Result<(), IdentityError> {
        for bag in bags {
            match bag.bag_id {
                pkcs12::PKCS_12_KEY_BAG_OID => {
                    let key = ContextSpecific::<Any>::from_der(&bag.bag_value).map_err(foreign)?;
                    self.keys.push(key.value.to_der().map_err(foreign)?);
                }
                pkcs12::PKCS_12_PKCS8_KEY_BAG_OID => {
                    let sealed: ContextSpecific<EncryptedPrivateKeyInfo> =
                        ContextSpecific::from_der(&bag.bag_value).map_err(foreign)?;
                    let EncryptedPrivateKeyInfo { encryption_algorithm, encrypted_data } = sealed.value;
                    let key = password.decrypt(&encryption_algorithm, encrypted_data.as_bytes())?;
                    // Every PKCS#8 key is a sequence (RFC 5958, 2).
                    SequenceRef::from_der(&key).map_err(|cause| garbage(has_checksum, cause))?;
                    self.keys.push(key);
                }
                pkcs12::PKCS_12_CERT_BAG_OID => {
                    let bag: ContextSpecific<CertBag> =
                        ContextSpecific::from_der(&bag.bag_value).map_err(foreign)?;
                    if bag.value.cert_id == pkcs12::PKCS_12_X509_CERT_OID {
                        self.certificates.push(bag.value.cert_value.into_bytes().into());
                    }
                }
                // Revocation lists and other people's secrets are of no use here.
                _ => {}
            }
        }
        Ok(())
    }
}

pub(super) fn foreign(cause: der::Error) -> IdentityError {
    IdentityError::NotPkcs12 { cause: cause.to_string() }
}
