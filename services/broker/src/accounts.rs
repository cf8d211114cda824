//! Who may log in, and how they prove it. Money and positions are the engine's affair.

mod build;
mod edit;
mod otp;
mod secrets;

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::engine::Login;
use crate::settings::OtpSettings;
use otp::Otp;
use secrets::Salt;
use serde::{Deserialize, Serialize};
use wire::utf16_len;

pub use build::BuildError;
pub(crate) use build::{NAME_MAX, configured, demo_terms, terms_of};
pub(crate) use edit::edited;
pub(crate) use secrets::{Digest, random_bytes, random_password};

/// Login tokens of an account that stay valid; a further login ends the oldest.
const TOKENS_MAX: usize = 32;
/// Shortest password.
pub(crate) const PASSWORD_MIN: usize = 8;
/// Longest password that the login record can carry, UTF-16 units.
pub(crate) const PASSWORD_MAX: usize = 32;

/// Who is behind a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) login: Login,
    pub(crate) is_investor: bool,
}

/// Why a login is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Unknown account, wrong password, unknown token, disabled: nobody learns which.
    Invalid,
    /// A one-time code is needed.
    CodeRequired,
    /// The one-time code is wrong.
    CodeWrong,
}

/// Why a password is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PasswordRefusal {
    Wrong,
    TooShort,
    TooSimple,
}

/// What an account shows and proves, apart from its money.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) name: String,
    pub(crate) is_disabled: bool,
    /// Whether it says that it is a real account.
    pub(crate) is_shown_as_real: bool,
    salt: Salt,
    master: Digest,
    investor: Option<Digest>,
    otp: Otp,
    tokens: VecDeque<Digest>,
}

impl Holder {
    pub(crate) fn has_otp(&self) -> bool {
        self.otp != Otp::Off
    }

    /// What is kept of how it proves itself. Login tokens are not: after a restart, passwords are asked for.
    pub(crate) fn secrets(&self) -> Secrets {
        Secrets {
            salt: hex::encode(self.salt),
            master: self.master.to_hex(),
            investor: self.investor.as_ref().map(Digest::to_hex),
            otp: self.otp.settings(),
        }
    }
}

/// How an account proves itself, as it is kept: digests in hexadecimal, one-time codes as in configuration.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Secrets {
    salt: String,
    master: String,
    investor: Option<String>,
    otp: OtpSettings,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// All accounts by number, and the login tokens that were given out.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    holders: BTreeMap<Login, Holder>,
    tokens: HashMap<Digest, Access>,
}

impl Directory {
    pub(crate) fn add(
        &mut self,
        login: Login,
        name: String,
        password: &str,
        investor_password: &str,
        otp: &OtpSettings,
    ) -> Result<(), &'static str> {
        if password.is_empty() {
            return Err("a password is required");
        }
        check_length(password)?;
        check_length(investor_password)?;
        let otp = Otp::new(otp).ok_or("the secret of the one-time codes is not Base32 text")?;
        let salt: Salt = random_bytes().map_err(|_| "the system gives no random bytes")?;
        let investor = (!investor_password.is_empty()).then(|| Digest::salted(&salt, investor_password));
        let master = Digest::salted(&salt, password);
        let (is_disabled, is_shown_as_real, tokens) = (false, false, VecDeque::new());
        let holder = Holder { name, is_disabled, is_shown_as_real, salt, master, investor, otp, tokens };
        self.holders.insert(login, holder);
        Ok(())
    }

    /// Adds an account that was kept.
    pub(crate) fn restore(
        &mut self,
        login: Login,
        name: String,
        secrets: &Secrets,
        enabled: bool,
    ) -> Result<(), &'static str> {
        let mut salt = Salt::default();
        hex::decode_to_slice(&secrets.salt, &mut salt).map_err(|_| "its salt is damaged")?;
        let digest = |text: &String| Digest::from_hex(text).ok_or("the digest of a password is damaged");
        let investor = secrets.investor.as_ref().map(digest).transpose()?;
        let otp = Otp::new(&secrets.otp).ok_or("the secret of its one-time codes is damaged")?;
        let (master, tokens) = (digest(&secrets.master)?, VecDeque::new());
        let (is_disabled, is_shown_as_real) = (!enabled, false);
        let holder = Holder { name, is_disabled, is_shown_as_real, salt, master, investor, otp, tokens };
        self.holders.insert(login, holder);
        Ok(())
    }

    /// Has an account say that it is a real one, or a demo account.
    pub(crate) fn show_as_real(&mut self, login: Login, is_shown: bool) {
        if let Some(holder) = self.holders.get_mut(&login) {
            holder.is_shown_as_real = is_shown;
        }
    }

    pub(crate) fn holder(&self, login: Login) -> Option<&Holder> {
        self.holders.get(&login)
    }

    pub(crate) fn len(&self) -> usize {
        self.holders.len()
    }

    /// A number that no account has.
    pub(crate) fn free_login(&self) -> Login {
        const FIRST_OPENED: u64 = 2_000_001;
        let last = self.holders.last_key_value().map_or(0, |(login, _)| login.0);
        Login((last.saturating_add(1)).max(FIRST_OPENED))
    }

    pub(crate) fn set_disabled(&mut self, login: Login, is_disabled: bool) -> bool {
        let holder = self.holders.get_mut(&login);
        holder.map(|holder| holder.is_disabled = is_disabled).is_some()
    }

    /// Checks a password and, where the account asks for one, the one-time code. `unix_s` is the time that codes
    /// depend on.
    pub(crate) fn by_password(
        &self,
        login: Login,
        password: &str,
        code: &str,
        unix_s: i64,
    ) -> Result<Access, Refusal> {
        // Unknown accounts take the same steps as known ones.
        let nobody = Digest::impossible();
        let holder = self.holders.get(&login);
        let given = Digest::salted(&holder.map_or(Salt::default(), |holder| holder.salt), password);
        let master = holder.map_or(&nobody, |holder| &holder.master);
        let investor = holder.and_then(|holder| holder.investor.as_ref()).unwrap_or(&nobody);
        let (is_master, is_investor) = (given.equals(master), given.equals(investor));
        let holder = holder.filter(|holder| !holder.is_disabled && (is_master || is_investor));
        let holder = holder.ok_or(Refusal::Invalid)?;
        if holder.has_otp() && code.is_empty() {
            return Err(Refusal::CodeRequired);
        }
        if !holder.otp.accepts(code, unix_s) {
            return Err(Refusal::CodeWrong);
        }
        Ok(Access { login, is_investor: !is_master })
    }

    /// Checks a token that stands for password and code.
    pub(crate) fn by_token(&self, login: Login, token: &[u8]) -> Result<Access, Refusal> {
        // Found by its digest: how long that takes says nothing about the token.
        let access = self.tokens.get(&Digest::of(token)).filter(|access| access.login == login);
        let access = access.copied().ok_or(Refusal::Invalid)?;
        let is_disabled = self.holders.get(&login).is_none_or(|holder| holder.is_disabled);
        if is_disabled { Err(Refusal::Invalid) } else { Ok(access) }
    }

    /// Gives out a token.
    pub(crate) fn issue(&mut self, access: Access, token: &[u8]) {
        let Some(holder) = self.holders.get_mut(&access.login) else { return };
        let digest = Digest::of(token);
        holder.tokens.push_back(digest.clone());
        if holder.tokens.len() > TOKENS_MAX
            && let Some(oldest) = holder.tokens.pop_front()
        {
            self.tokens.remove(&oldest);
        }
        self.tokens.insert(digest, access);
    }

    /// Changes the master or the investor password; all tokens of the account end.
    pub(crate) fn change_password(
        &mut self,
        login: Login,
        is_investor: bool,
        old_master: &str,
        new: &str,
    ) -> Result<(), PasswordRefusal> {
        let holder = self.holders.get(&login).ok_or(PasswordRefusal::Wrong)?;
        if !Digest::salted(&holder.salt, old_master).equals(&holder.master) {
            return Err(PasswordRefusal::Wrong);
        }
        check_strength(new)?;
        self.set_password(login, is_investor, new);
        Ok(())
    }

    /// Gives an account another master or investor password; all its tokens end. False: there is no such account.
    pub(crate) fn set_password(&mut self, login: Login, is_investor: bool, new: &str) -> bool {
        let Some(holder) = self.holders.get_mut(&login) else { return false };
        let digest = Digest::salted(&holder.salt, new);
        if is_investor {
            holder.investor = Some(digest);
        } else {
            holder.master = digest;
        }
        for token in holder.tokens.drain(..) {
            self.tokens.remove(&token);
        }
        true
    }

    /// Gives an account's holder another name.
    pub(crate) fn rename(&mut self, login: Login, name: String) {
        if let Some(holder) = self.holders.get_mut(&login) {
            holder.name = name;
        }
    }

    /// The numbers of all accounts, rising.
    pub(crate) fn logins(&self) -> impl Iterator<Item = Login> {
        self.holders.keys().copied()
    }

    /// Switches one-time codes on, with a secret and a code made from it.
    pub(crate) fn switch_otp_on(
        &mut self,
        login: Login,
        secret: &str,
        check: &str,
        unix_s: i64,
    ) -> Result<(), Refusal> {
        let otp = Otp::new(&OtpSettings::Secret(secret.into())).ok_or(Refusal::CodeWrong)?;
        let holder = self.holders.get_mut(&login).ok_or(Refusal::Invalid)?;
        if holder.has_otp() || !otp.accepts(check, unix_s) {
            return Err(Refusal::CodeWrong);
        }
        holder.otp = otp;
        Ok(())
    }

    /// Switches one-time codes off, with a code.
    pub(crate) fn switch_otp_off(&mut self, login: Login, code: &str, unix_s: i64) -> Result<(), Refusal> {
        let holder = self.holders.get_mut(&login).ok_or(Refusal::Invalid)?;
        if !holder.has_otp() || !holder.otp.accepts(code, unix_s) {
            return Err(Refusal::CodeWrong);
        }
        holder.otp = Otp::Off;
        Ok(())
    }
}

/// No login carries more of a password, so that nobody could log in with a longer one.
pub(crate) fn check_length(password: &str) -> Result<(), &'static str> {
    if utf16_len(password) > PASSWORD_MAX {
        return Err("a password has 32 characters (UTF-16 units) at most: no login carries more");
    }
    Ok(())
}

/// A password needs length, and each of the four kinds of characters.
fn check_strength(password: &str) -> Result<(), PasswordRefusal> {
    let units = password.encode_utf16().count();
    if units < PASSWORD_MIN {
        return Err(PasswordRefusal::TooShort);
    }
    let has = |kind: fn(char) -> bool| password.chars().any(kind);
    let is_strong = has(char::is_lowercase)
        && has(char::is_uppercase)
        && has(char::is_numeric)
        && has(|c| !c.is_alphanumeric() && !c.is_control());
    if is_strong && units <= PASSWORD_MAX { Ok(()) } else { Err(PasswordRefusal::TooSimple) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: Login = Login(7);

    fn directory(otp: &OtpSettings) -> Directory {
        let mut directory = Directory::default();
        directory.add(LOGIN, "A".into(), "demo", "investor", otp).unwrap();
        directory
    }

    #[test]
    fn passwords_open_what_they_should() {
        let directory = directory(&OtpSettings::Off);
        let open = |login, password: &str| directory.by_password(login, password, "", 0);
        assert_eq!(open(LOGIN, "demo"), Ok(Access { login: LOGIN, is_investor: false }));
        assert_eq!(open(LOGIN, "investor"), Ok(Access { login: LOGIN, is_investor: true }));
        for (login, password) in [(LOGIN, "Demo"), (LOGIN, ""), (Login(8), "demo"), (Login(8), "")] {
            assert_eq!(open(login, password), Err(Refusal::Invalid), "{login:?} {password}");
        }
    }

    #[test]
    fn codes_are_asked_for_and_checked() {
        let directory = directory(&OtpSettings::Code("123456".into()));
        let open = |code: &str| directory.by_password(LOGIN, "demo", code, 0);
        assert_eq!(open(""), Err(Refusal::CodeRequired));
        assert_eq!(open("123457"), Err(Refusal::CodeWrong));
        assert!(open("123456").is_ok());
        assert_eq!(directory.by_password(LOGIN, "wrong", "123456", 0), Err(Refusal::Invalid));
    }

    #[test]
    fn tokens_stand_for_passwords_until_these_change() {
        let mut directory = directory(&OtpSettings::Off);
        let access = Access { login: LOGIN, is_investor: false };
        directory.issue(access, &[1; 160]);
        assert_eq!(directory.by_token(LOGIN, &[1; 160]), Ok(access));
        assert_eq!(directory.by_token(Login(8), &[1; 160]), Err(Refusal::Invalid));
        assert_eq!(directory.by_token(LOGIN, &[2; 160]), Err(Refusal::Invalid));
        let change = |directory: &mut Directory, old: &str, new: &str| {
            directory.change_password(LOGIN, false, old, new)
        };
        assert_eq!(change(&mut directory, "wrong", "Abcd123!"), Err(PasswordRefusal::Wrong));
        assert_eq!(change(&mut directory, "demo", "Abc12!"), Err(PasswordRefusal::TooShort));
        for simple in ["abcd123!", "ABCD123!", "Abcdefg!", "Abcd1234"] {
            assert_eq!(change(&mut directory, "demo", simple), Err(PasswordRefusal::TooSimple), "{simple}");
        }
        assert_eq!(directory.by_token(LOGIN, &[1; 160]), Ok(access));
        assert_eq!(change(&mut directory, "demo", "Abcd123!"), Ok(()));
        assert_eq!(directory.by_token(LOGIN, &[1; 160]), Err(Refusal::Invalid));
        assert!(directory.by_password(LOGIN, "Abcd123!", "", 0).is_ok());
    }

    #[test]
    fn what_is_kept_opens_the_same() {
        let mut before = directory(&OtpSettings::Code("123456".into()));
        assert_eq!(before.change_password(LOGIN, true, "demo", "Abcd123!"), Ok(()));
        let kept = serde_json::to_string(&before.holder(LOGIN).unwrap().secrets()).unwrap();
        assert!(!kept.contains("demo") && !kept.contains("Abcd"), "{kept}");
        let mut after = Directory::default();
        after.restore(LOGIN, "A".into(), &serde_json::from_str(&kept).unwrap(), true).unwrap();
        let open = |password: &str, code: &str| after.by_password(LOGIN, password, code, 0);
        assert_eq!(open("demo", "123456"), Ok(Access { login: LOGIN, is_investor: false }));
        assert_eq!(open("Abcd123!", "123456"), Ok(Access { login: LOGIN, is_investor: true }));
        assert_eq!(open("demo", ""), Err(Refusal::CodeRequired));
        assert_eq!(open("investor", "123456"), Err(Refusal::Invalid));
        assert_eq!(
            before.add(Login(9), String::new(), "", "", &OtpSettings::Off),
            Err("a password is required")
        );
    }

    #[test]
    fn a_password_that_no_login_carries_is_none() {
        let add = |password: &str, investor: &str| {
            Directory::default().add(LOGIN, "A".into(), password, investor, &OtpSettings::Off)
        };
        let (longest, too_long) = ("😀".repeat(16), format!("{}😀", "x".repeat(31)));
        assert_eq!(add(&longest, &longest), Ok(()));
        for (password, investor) in [(too_long.as_str(), ""), ("demo", &too_long)] {
            assert!(add(password, investor).unwrap_err().contains("32 characters"));
        }
    }

    #[test]
    fn old_tokens_end_and_disabled_accounts_do_not_open() {
        let mut directory = directory(&OtpSettings::Off);
        let access = Access { login: LOGIN, is_investor: true };
        for n in 0..=TOKENS_MAX {
            directory.issue(access, &[n as u8; 160]);
        }
        assert_eq!(directory.by_token(LOGIN, &[0; 160]), Err(Refusal::Invalid));
        assert_eq!(directory.by_token(LOGIN, &[1; 160]), Ok(access));
        assert!(directory.set_disabled(LOGIN, true));
        assert_eq!(directory.by_token(LOGIN, &[1; 160]), Err(Refusal::Invalid));
        assert_eq!(directory.by_password(LOGIN, "demo", "", 0), Err(Refusal::Invalid));
    }

    #[test]
    fn codes_are_switched_on_with_a_proof_and_off_with_a_code() {
        let mut directory = directory(&OtpSettings::Off);
        // The test vector of RFC 6238 at 59 s, six digits.
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        assert_eq!(directory.switch_otp_on(LOGIN, secret, "000000", 59), Err(Refusal::CodeWrong));
        assert_eq!(directory.switch_otp_on(LOGIN, secret, "287082", 59), Ok(()));
        assert_eq!(directory.by_password(LOGIN, "demo", "", 59), Err(Refusal::CodeRequired));
        assert!(directory.by_password(LOGIN, "demo", "287082", 59).is_ok());
        assert_eq!(directory.switch_otp_off(LOGIN, "1", 59), Err(Refusal::CodeWrong));
        assert_eq!(directory.switch_otp_off(LOGIN, "287082", 59), Ok(()));
        assert!(directory.by_password(LOGIN, "demo", "", 59).is_ok());
    }
}
