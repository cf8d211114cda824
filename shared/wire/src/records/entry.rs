//! Getting in: commands 0, 15, 24, 28, 29 and 43 (protocol 7.1, 9.17 to 9.20, 9.24).

use crate::kind::{Kind, bytes, remark, s16, secret, token};
use crate::record::records;
use crate::{DecodeError, Payload, Reader, Record, SecretBytes, Value};

/// Longest plain password, UTF-16 units.
pub const LOGIN_PASSWORD_UNITS: usize = 32;
/// A password of exactly so many hex digits is a login token.
pub const TOKEN_HEX_DIGITS: usize = 320;

records! {
    /// Opens a connection: zeros, or the token of the last answer.
    pub struct BootstrapRequest[64] { token: bytes[64] }

    /// Logs in.
    pub struct LoginRequest[912] {
        /// 0.
        version: u32,
        /// Empty when `password_token` is used.
        password: secret[64],
        /// One-time code; empty when none.
        otp: secret[128],
        /// Identifies the device.
        cid: bytes[16],
        utm_campaign: s16[64],
        utm_source: s16[64],
        lead_cookie_id: u64,
        lead_affiliate_site: s16[128],
        /// UTF-16 units of `url`.
        url_length: u32,
        /// Host of the referring page.
        url: remark[256],
        login: u64,
        /// Of an earlier login; zeros with a plain password.
        password_token: token[160],
        /// Of an earlier login of this account, or 0.
        session: u64,
    }

    /// What a login gives.
    pub struct LoginReply[168] {
        /// Stands for the password in later logins: a secret.
        password_token: token[160],
        /// For later logins; 0: none.
        session: u64,
    }

    /// A session without a login: to open accounts.
    pub struct VisitorRequest[744] {
        version: u32,
        password: secret[64],
        otp: secret[128],
        /// Identifies the device.
        cid: bytes[16],
        utm_campaign: s16[64],
        utm_source: s16[64],
        lead_cookie_id: u64,
        lead_affiliate_site: s16[128],
        url_length: u32,
        url: remark[256],
        /// In place of the login: 0.
        login: u64,
    }

    /// Push 15: 0 the trade server is connected, anything else it is not.
    pub struct LoginStatus[4] { status: u32 }

    /// Changes a password.
    pub struct PasswordChange[129] {
        /// 0 master, 1 investor.
        is_investor: u8,
        new_password: secret[64],
        /// The current master password.
        old_password: secret[64],
    }

    /// 0 changed, else an error number.
    pub struct PasswordChangeReply[4] { result: i32 }

    /// Switches two-factor login on or off.
    pub struct TwoFactorSetup[476] {
        /// 5.
        mode: u32,
        login: u64,
        password: secret[64],
        /// A current code, to switch it off.
        otp: secret[128],
        /// The shared secret in Base32, to switch it on.
        otp_secret: secret[128],
        /// A code made from it.
        otp_secret_check: secret[128],
        /// Identifies the device.
        cid: bytes[16],
    }
}

/// The answer to a bootstrap.
#[derive(Clone, PartialEq)]
pub struct BootstrapReply {
    /// Gateway version.
    pub server_version: u16,
    /// For reconnecting.
    pub token: [u8; 64],
    /// Everything after: its length picks the cipher. Checked by [`Cipher::new`](crate::Cipher::new).
    pub session_key: Vec<u8>,
}

impl std::fmt::Debug for BootstrapReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BootstrapReply").field("server_version", &self.server_version).finish_non_exhaustive()
    }
}

impl Payload for BootstrapReply {
    fn encode(&self, out: &mut Vec<u8>) {
        u16::put(&self.server_version, out);
        out.extend_from_slice(&self.token);
        out.extend_from_slice(&self.session_key);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let server_version = u16::get(reader.at("BootstrapReply", "server_version"))?;
        let token = reader.at("BootstrapReply", "token").array()?;
        let session_key = reader.take(reader.rest().len())?.to_vec();
        Ok(Self { server_version, token, session_key })
    }

    fn value(&self) -> Value {
        Value::Record(vec![
            ("server_version", Value::Unsigned(self.server_version.into())),
            ("token", Value::Bytes(self.token.to_vec())),
            ("session_key", Value::Bytes(self.session_key.clone())),
        ])
    }
}

/// Command 43: the setup, and the login token if that was given for a password.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TwoFactorRequest {
    /// What is wanted.
    pub setup: TwoFactorSetup,
    /// In place of the password.
    pub password_token: Option<SecretBytes<160>>,
}

impl Payload for TwoFactorRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        self.setup.write(out);
        if let Some(password_token) = &self.password_token {
            out.extend_from_slice(password_token.reveal());
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let setup = Record::read(reader)?;
        let password_token = if reader.rest().len() >= 160 {
            Some(token::<160>::get(reader.at("TwoFactorRequest", "password_token"))?)
        } else {
            None
        };
        Ok(Self { setup, password_token })
    }

    fn value(&self) -> Value {
        match (Payload::value(&self.setup), &self.password_token) {
            (Value::Record(mut fields), Some(password_token)) => {
                fields.push(("password_token", Value::Bytes(password_token.reveal().to_vec())));
                Value::Record(fields)
            }
            (fields, _) => fields,
        }
    }
}
