//! Result codes: the byte in the head of a response, and the same number space in reply bodies (protocol 5.3).

/// Done.
pub const SUCCESS: u8 = 0;
/// Internal error; also a payload that cannot be used.
pub const INTERNAL_ERROR: u8 = 1;
/// The trade server is not available; may be tried again.
pub const SERVER_NOT_AVAILABLE: u8 = 2;
/// Wrong account or password, or not logged in.
pub const INVALID_ACCOUNT: u8 = 3;
/// A one-time code is needed, or the one given was wrong.
pub const OTP_REQUIRED: u8 = 5;
/// Two-factor authentication must be switched on first.
pub const OTP_SETUP_REQUIRED: u8 = 6;
/// The e-mail address is not acceptable.
pub const INVALID_EMAIL: u8 = 7;
/// The phone number is not acceptable.
pub const INVALID_PHONE: u8 = 8;
/// Certificates are not supported on the web.
pub const CERTIFICATE_UNSUPPORTED: u8 = 9;
/// The one-time code was wrong.
pub const INVALID_OTP: u8 = 201;

/// In bodies: opening of demo accounts is disabled.
pub const DEMO_DISABLED: u32 = 1025;
/// In bodies: the confirmation code was wrong.
pub const INVALID_CONFIRMATION: u32 = 1031;
/// In bodies: the new password is too short.
pub const PASSWORD_TOO_SHORT: u32 = 2000;
/// In bodies: the new password is too simple.
pub const PASSWORD_TOO_SIMPLE: u32 = 2001;
/// In bodies: the current password is wrong.
pub const PASSWORD_WRONG: u32 = 2005;

/// What a code means, for people.
#[must_use]
pub const fn text(code: u8) -> &'static str {
    match code {
        SUCCESS => "success",
        INTERNAL_ERROR => "internal error of the server",
        SERVER_NOT_AVAILABLE => "the trade server is not available",
        INVALID_ACCOUNT => "invalid account or password",
        OTP_REQUIRED => "a one-time password is required",
        OTP_SETUP_REQUIRED => "the account must switch two-factor authentication on first",
        INVALID_EMAIL => "invalid e-mail address",
        INVALID_PHONE => "invalid phone number",
        CERTIFICATE_UNSUPPORTED => "login by certificate is not supported",
        INVALID_OTP => "invalid one-time password",
        _ => "unknown result code",
    }
}
