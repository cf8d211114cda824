//! Logging in, and visiting without a login.

use std::fmt;

use wire::records::{
    AccountOpened, Applicant, LoginReply, LoginRequest, TOKEN_HEX_DIGITS, VerificationRequest, VisitorRequest,
};
use wire::{Payload, Secret, SecretBytes, requests, utf16_len};

use crate::{Link, LinkError};

/// How to log in to an account.
#[derive(Clone)]
pub struct Credentials {
    /// Account number.
    pub login: u64,
    /// Plain password, of 32 UTF-16 units at most, or a login token as 320 hex digits.
    pub password: String,
    /// One-time code; empty for none.
    pub otp: String,
    /// Identifies the device (protocol 7.3).
    pub client_id: [u8; 16],
    /// Host name of the server: the page that a browser would come from.
    pub page: String,
    /// What the last login gave, in place of the password.
    pub earlier: Option<LoginReply>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("login", &self.login).finish_non_exhaustive()
    }
}

impl Credentials {
    /// Whether all of them would arrive.
    ///
    /// # Errors
    /// [`LinkError::Overlong`].
    pub fn check(&self) -> Result<(), LinkError> {
        self.request().overlong().map_or(Ok(()), |cut| Err(cut.into()))
    }

    fn request(&self) -> LoginRequest {
        let (password, password_token) = match (&self.earlier, token_of(&self.password)) {
            (Some(earlier), _) => (Secret::default(), earlier.password_token.clone()),
            (None, Some(token)) => (Secret::default(), token),
            (None, None) => (Secret::new(self.password.clone()), SecretBytes::default()),
        };
        let url_length = u32::try_from(utf16_len(&self.page).min(128)).unwrap_or_default();
        LoginRequest {
            password,
            password_token,
            otp: Secret::new(self.otp.clone()),
            cid: self.client_id,
            url_length,
            url: self.page.clone(),
            login: self.login,
            session: self.earlier.as_ref().map_or(0, |earlier| earlier.session),
            ..LoginRequest::default()
        }
    }
}

/// A password of exactly 320 hex digits is a login token (protocol 9.19).
fn token_of(password: &str) -> Option<SecretBytes<160>> {
    if password.len() != TOKEN_HEX_DIGITS {
        return None;
    }
    let mut raw = [0; 160];
    for (byte, digits) in raw.iter_mut().zip(password.as_bytes().chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(digits[0])? << 4 | digit(digits[1])?).ok()?;
    }
    Some(SecretBytes::new(raw))
}

impl Link {
    /// Logs in; from then on the link sends heartbeats.
    ///
    /// # Errors
    /// [`LinkError::Refused`] with the server's code, or why there is no answer.
    pub async fn login(&mut self, credentials: &Credentials) -> Result<LoginReply, LinkError> {
        let reply = self.request::<requests::Login>("the login", &credentials.request()).await?;
        self.start_heartbeat();
        Ok(reply)
    }

    /// Begins a session without a login, to open accounts.
    ///
    /// # Errors
    /// [`LinkError`] if the server refuses or does not answer.
    pub async fn visit(mut self, client_id: [u8; 16]) -> Result<Visit, LinkError> {
        let request = VisitorRequest { cid: client_id, ..VisitorRequest::default() };
        self.request::<requests::Visitor>("the visit", &request).await?;
        Ok(Visit { link: self, client_id })
    }
}

/// A session without a login.
#[derive(Debug)]
pub struct Visit {
    link: Link,
    client_id: [u8; 16],
}

impl Visit {
    /// Opens a demo account.
    ///
    /// # Errors
    /// [`LinkError`] if the server refuses or does not answer; its own refusal is in the answer's `code`.
    pub async fn open_demo(&mut self, applicant: &Applicant) -> Result<AccountOpened, LinkError> {
        let doing = "opening a demo account";
        let question = VerificationRequest { build: 0, cid: self.client_id, base: applicant.clone() };
        let needed = self.link.request::<requests::Verification>(doing, &question).await?;
        if needed.email != 0 || needed.phone != 0 {
            // The codes go to the person; there is nobody to ask here.
            return Ok(AccountOpened { code: wire::code::INVALID_CONFIRMATION, ..AccountOpened::default() });
        }
        self.link.request::<requests::Confirmation>(doing, applicant).await?;
        self.link.request::<requests::OpenDemo>(doing, applicant).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(password: &str) -> Credentials {
        let page = "web.broker.com".to_owned();
        Credentials {
            login: 7,
            password: password.into(),
            otp: String::new(),
            client_id: [1; 16],
            page,
            earlier: None,
        }
    }

    #[test]
    fn a_password_of_320_hex_digits_is_sent_as_a_token() {
        let request = credentials(&"aB".repeat(160)).request();
        assert_eq!(request.password.reveal(), "");
        assert_eq!(request.password_token.reveal(), &[0xab; 160]);
        assert_eq!((request.url_length, request.login, request.cid), (14, 7, [1; 16]));
        let request = credentials(&"xB".repeat(160)).request();
        assert!(request.password_token.is_zero());
    }

    /// What would be cut is not sent: half a password may be the right one, and more of it locks the account.
    #[test]
    fn what_would_arrive_cut_is_refused() {
        let cut = |credentials: &Credentials| credentials.check().map_err(|failure| failure.to_string());
        for whole in ["x".repeat(32), "ä".repeat(32), "😀".repeat(16), "aB".repeat(160)] {
            assert_eq!(cut(&credentials(&whole)), Ok(()), "{whole}");
        }
        for long in [
            "x".repeat(33),
            "😀".repeat(17),
            format!("{}😀", "x".repeat(31)),
            "ab".repeat(161),
            "demo\0x".into(),
        ] {
            let told = cut(&credentials(&long)).unwrap_err();
            assert!(
                told.contains("the password would arrive cut") && told.contains("32 characters"),
                "{told}"
            );
            assert!(!told.contains(&long));
        }
        assert_eq!(cut(&Credentials { otp: "1".repeat(64), ..credentials("p") }), Ok(()));
        let told = cut(&Credentials { otp: "1".repeat(65), ..credentials("p") }).unwrap_err();
        assert!(told.contains("the otp would arrive cut"), "{told}");
        assert_eq!(
            cut(&Credentials { page: "p".repeat(200), ..credentials("p") }),
            Ok(()),
            "a remark may be cut"
        );
    }

    #[test]
    fn an_earlier_login_takes_the_place_of_the_password() {
        let earlier = LoginReply { password_token: SecretBytes::new([9; 160]), session: 5 };
        let request = Credentials { earlier: Some(earlier), ..credentials("secret") }.request();
        assert_eq!((request.password.reveal(), request.session), ("", 5));
        assert_eq!(request.password_token.reveal(), &[9; 160]);
        assert!(!format!("{:?}", credentials("secret")).contains("secret"));
    }
}
