//! One-time codes.

use ring::hmac;

use super::secrets::same_bytes;
use crate::settings::OtpSettings;

/// Seconds for which a code is the current one.
const STEP_S: i64 = 30;
/// Codes of so many steps before and after are accepted too: clocks differ.
const DRIFT_STEPS: i64 = 1;
/// Codes have six digits.
const MODULUS: u32 = 1_000_000;

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Otp {
    Off,
    /// Time-based codes (RFC 6238) from these bytes, which the text stands for.
    Totp {
        secret: Vec<u8>,
        text: String,
    },
    Fixed(String),
}

impl Otp {
    /// `None` if the secret is not Base32 text.
    pub(super) fn new(settings: &OtpSettings) -> Option<Self> {
        match settings {
            OtpSettings::Off => Some(Self::Off),
            OtpSettings::Secret(text) => base32(text).map(|secret| Self::Totp { secret, text: text.clone() }),
            OtpSettings::Code(code) => Some(Self::Fixed(code.clone())),
        }
    }

    /// What it was made of.
    pub(super) fn settings(&self) -> OtpSettings {
        match self {
            Self::Off => OtpSettings::Off,
            Self::Totp { text, .. } => OtpSettings::Secret(text.clone()),
            Self::Fixed(code) => OtpSettings::Code(code.clone()),
        }
    }

    pub(super) fn accepts(&self, code: &str, unix_s: i64) -> bool {
        match self {
            Self::Off => true,
            Self::Fixed(fixed) => same_bytes(code.as_bytes(), fixed.as_bytes()),
            Self::Totp { secret, .. } => {
                let step = unix_s.div_euclid(STEP_S);
                let steps = step - DRIFT_STEPS..=step + DRIFT_STEPS;
                // Without a shortcut, so that all wrong codes take the same time.
                steps.fold(false, |is_right, step| {
                    is_right | same_bytes(code.as_bytes(), code_at(secret, step).as_bytes())
                })
            }
        }
    }
}

impl std::fmt::Debug for Otp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Self::Off { "Off" } else { "***" })
    }
}

fn code_at(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 15);
    let mut bytes = [0; 4];
    bytes.iter_mut().zip(&tag[offset..]).for_each(|(to, from)| *to = *from);
    let number = (u32::from_be_bytes(bytes) & 0x7fff_ffff) % MODULUS;
    format!("{number:06}")
}

/// Base32 (RFC 4648); case, spaces and padding do not matter.
fn base32(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for character in text.bytes().filter(|byte| *byte != b' ' && *byte != b'=') {
        let value = match character.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        assert_eq!(secret, b"12345678901234567890");
        for (unix_s, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let otp = Otp::Totp { secret: secret.clone(), text: String::new() };
            assert!(otp.accepts(code, unix_s) && otp.accepts(code, unix_s + 30));
            assert!(!otp.accepts(code, unix_s + 90) && !otp.accepts("", unix_s));
        }
        assert_eq!(base32("abc1"), None);
        assert_eq!(base32(""), None);
    }
}
