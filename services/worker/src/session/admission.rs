//! Who may join a live session: whoever shows what its login needed. The password is compared, or proved by a login, and a
//! comparison counts for as long as a login has shown of late that the password is still the account's. A one-time code is
//! always proved by a login of its own, and a client certificate is shown again.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use error::{Code, Error};
use link::Identity;
use tokio::time::Instant;

use super::mail::Mail;
use super::{Session, Target};
use crate::login_data::LoginData;

/// For how long a login proves a password, and how often it is proved anew.
#[derive(Clone, Copy, Debug)]
pub struct ProofLimits {
    /// After a login its password may be compared for so long. Default: an hour.
    pub good_for: Duration,
    /// After that a login of the account is made at most so often to prove the password. Default: a minute.
    pub again_after: Duration,
}

impl Default for ProofLimits {
    fn default() -> Self {
        Self { good_for: Duration::from_secs(3600), again_after: Duration::from_secs(60) }
    }
}

/// What a caller has to do to join a session.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// Nothing more.
    Open,
    /// To log in.
    ByLogin,
    /// To show a certificate.
    ByCertificate,
    /// To wait: the password is right as far as it can be compared, and a login with it failed a moment ago.
    Refused(Error),
}

/// What the login of a session needed, and when that was proved. Shared by the handle and the actor.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    secret: Mutex<String>,
    identity: Option<Identity>,
    /// Whether the password is the one that only looks.
    is_investor: AtomicBool,
    /// Whether a login needed a one-time code, as far as is known.
    needs_code: AtomicBool,
    /// Whether logins of the account take one-time codes, as the server said at the last login.
    takes_codes: AtomicBool,
    /// When a login proved the password last, milliseconds since 1970 UTC; 0 is not known.
    proved_ms: AtomicI64,
    /// Whether it is a demo account, as the server said at the last login.
    is_demo: Mutex<Option<bool>>,
    /// When a login was made last to prove the password anew, and what came of it.
    tried: Mutex<Option<(Instant, Result<(), Error>)>>,
}

impl Admission {
    pub(crate) fn of(data: &LoginData) -> Self {
        let credentials = &data.target.credentials;
        Self {
            secret: Mutex::new(credentials.password.clone()),
            identity: data.target.identity.clone(),
            is_investor: AtomicBool::new(data.is_investor),
            // What a login gave is kept only where the next owner would need another code.
            needs_code: AtomicBool::new(!credentials.otp.is_empty() || credentials.earlier.is_some()),
            takes_codes: AtomicBool::default(),
            proved_ms: AtomicI64::new(data.proved_ms),
            is_demo: Mutex::new(data.is_demo),
            tried: Mutex::default(),
        }
    }

    /// A login with the password has succeeded.
    pub(crate) fn prove(&self) {
        self.proved_ms.store(runtime::unix_ms(), Ordering::SeqCst);
    }

    /// When a login proved the password last, milliseconds since 1970 UTC.
    pub(crate) fn proved_ms(&self) -> i64 {
        self.proved_ms.load(Ordering::SeqCst)
    }

    /// Whether the password is the one that only looks.
    pub(crate) fn is_investor(&self) -> bool {
        self.is_investor.load(Ordering::SeqCst)
    }

    /// What the password may, as a login has shown.
    pub(crate) fn set_investor(&self, is_investor: bool) {
        self.is_investor.store(is_investor, Ordering::SeqCst);
    }

    /// Whether it is a demo account, as the server said at the last login; `None` before the first one.
    pub(crate) fn is_demo(&self) -> Option<bool> {
        *self.is_demo.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the server says of the account.
    pub(crate) fn set_demo(&self, is_demo: bool) {
        *self.is_demo.lock().unwrap_or_else(PoisonError::into_inner) = Some(is_demo);
    }

    fn secret(&self) -> String {
        self.secret.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What somebody who would log in like this has to do.
    fn entry(&self, target: &Target, limits: &ProofLimits) -> Entry {
        match (&self.identity, &target.identity) {
            (Some(_), None) => return Entry::ByCertificate,
            (Some(own), Some(shown)) if own != shown => return Entry::ByLogin,
            _ => {}
        }
        if self.secret() != target.credentials.password || self.needs_code.load(Ordering::SeqCst) {
            return Entry::ByLogin;
        }
        let age =
            u64::try_from(runtime::unix_ms().saturating_sub(self.proved_ms())).map(Duration::from_millis);
        // One from the future is of another clock, and proves nothing.
        if age.is_ok_and(|age| age < limits.good_for) {
            return Entry::Open;
        }
        match &*self.tried.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((at, outcome)) if at.elapsed() < limits.again_after => {
                outcome.as_ref().map_or_else(|failure| Entry::Refused(failure.clone()), |()| Entry::Open)
            }
            _ => Entry::ByLogin,
        }
    }

    /// What the server says of one-time codes.
    pub(crate) fn set_takes_codes(&self, takes_codes: bool) {
        self.takes_codes.store(takes_codes, Ordering::SeqCst);
    }

    /// A login without a code, and with no more of a certificate than the session's, shows that none is needed. One with a
    /// code shows that it is where the account takes codes: else the server has not looked at it.
    fn learn_code(&self, target: &Target, takes_codes: bool) {
        if target.credentials.otp.is_empty() {
            if target.identity == self.identity {
                self.needs_code.store(false, Ordering::SeqCst);
            }
        } else if takes_codes {
            self.needs_code.store(true, Ordering::SeqCst);
        }
    }

    /// A login with this password has failed. If the server has refused it, and it is that of the session, it is not tried
    /// again at once; what failed on the way says nothing of it.
    fn disproved(&self, password: &str, failure: &Error) {
        if failure.code() == Code::InvalidAccount && self.secret() == password {
            self.tried(Err(failure.clone()));
        }
    }

    fn tried(&self, outcome: Result<(), Error>) {
        *self.tried.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), outcome));
    }
}

impl Session {
    /// What somebody who would log in like this has to do to join it.
    pub(crate) fn entry(&self, target: &Target, limits: &ProofLimits) -> Entry {
        self.0.admission.entry(target, limits)
    }

    /// A login like this has failed.
    pub(crate) fn disproved(&self, target: &Target, failure: &Error) {
        self.0.admission.disproved(&target.credentials.password, failure);
    }

    /// Whether logins of the account take one-time codes, as the server said at the last login.
    pub(crate) fn takes_codes(&self) -> bool {
        self.0.admission.takes_codes.load(Ordering::SeqCst)
    }

    /// A login like this has succeeded, with the rights of the session, on an account that takes one-time codes or does not.
    pub(crate) async fn proved(&self, target: &Target, takes_codes: bool) {
        self.0.admission.learn_code(target, takes_codes);
        self.set_password(&target.credentials.password).await;
    }

    /// Another password has proved to be right, or the same one anew.
    pub(crate) async fn set_password(&self, password: &str) {
        let admission = &self.0.admission;
        password.clone_into(&mut admission.secret.lock().unwrap_or_else(PoisonError::into_inner));
        admission.prove();
        admission.tried(Ok(()));
        let _ = self.0.inbox.send(Mail::Password(password.to_owned())).await;
    }

    /// The master password, or whichever it was connected with.
    pub(crate) fn secret(&self) -> String {
        self.0.admission.secret()
    }

    /// Whether it is a demo account, as the server said at the last login; `None` before the first one.
    pub(crate) fn is_demo(&self) -> Option<bool> {
        self.0.admission.is_demo()
    }

    /// Whether it was logged in with the password that only looks.
    pub(crate) fn is_investor(&self) -> bool {
        self.0.admission.is_investor()
    }
}

/// The error of a caller who shows no certificate where a live session was made with one.
pub(crate) fn certificate_is_missing() -> Error {
    let told = "The live session of this account was connected with a client certificate. Show it again, by ConnectCert.";
    Error::new(Code::CertificateRequired, told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::AccountKey;

    fn data(password: &str) -> LoginData {
        let mut target = Target::nowhere();
        password.clone_into(&mut target.credentials.password);
        LoginData {
            account: AccountKey { tenant: access::Tenant::default(), server: "server".into(), login: 7 },
            target,
            error_status: None,
            is_token_chosen: false,
            is_investor: false,
            proved_ms: 0,
            is_demo: None,
        }
    }

    fn entry(admission: &Admission, password: &str) -> &'static str {
        match admission.entry(&data(password).target, &ProofLimits::default()) {
            Entry::Open => "open",
            Entry::ByLogin => "login",
            Entry::ByCertificate => "certificate",
            Entry::Refused(_) => "refused",
        }
    }

    #[test]
    fn a_password_is_compared_for_an_hour_after_a_login_with_it() {
        let admission = Admission::of(&data("right"));
        assert_eq!(entry(&admission, "right"), "login", "nothing is known of when it was proved");
        admission.prove();
        assert_eq!((entry(&admission, "right"), entry(&admission, "wrong")), ("open", "login"));
        let hour_ms = 3_600_000;
        for (ago_ms, expected) in [(hour_ms - 5_000, "open"), (hour_ms, "login"), (-5_000, "login")] {
            admission.proved_ms.store(runtime::unix_ms() - ago_ms, Ordering::SeqCst);
            assert_eq!(entry(&admission, "right"), expected, "{ago_ms} ms ago");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_proof_is_renewed_once_a_minute_at_most() {
        let admission = Admission::of(&data("right"));
        for (outcome, told) in [(Ok(()), "open"), (Err(Error::of(Code::InvalidAccount)), "refused")] {
            admission.tried(outcome);
            assert_eq!((entry(&admission, "right"), entry(&admission, "other")), (told, "login"));
            tokio::time::advance(Duration::from_secs(59)).await;
            assert_eq!(entry(&admission, "right"), told);
            tokio::time::advance(Duration::from_secs(1)).await;
            assert_eq!(entry(&admission, "right"), "login");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_servers_refusal_keeps_a_password_from_being_tried() {
        let admission = Admission::of(&data("right"));
        for code in
            [Code::ConnectError, Code::Timeout, Code::TooFrequentFailConnect, Code::InvalidOnetimePassword]
        {
            admission.disproved("right", &Error::of(code));
            assert_eq!(entry(&admission, "right"), "login", "{code}");
        }
        admission.disproved("wrong", &Error::of(Code::InvalidAccount));
        assert_eq!(entry(&admission, "right"), "login");
        admission.disproved("right", &Error::of(Code::InvalidAccount));
        assert_eq!(entry(&admission, "right"), "refused");
    }

    #[test]
    fn a_code_that_the_server_never_asked_for_is_asked_of_nobody() {
        let admission = Admission::of(&data("right"));
        admission.prove();
        for (otp, takes_codes, told) in [
            ("123456", false, "open"),
            ("123456", true, "login"),
            ("123456", false, "login"),
            // Whatever the server says of the account: this login went without.
            ("", true, "open"),
        ] {
            let mut target = data("right").target;
            otp.clone_into(&mut target.credentials.otp);
            admission.learn_code(&target, takes_codes);
            assert_eq!(entry(&admission, "right"), told, "{otp:?} {takes_codes}");
        }
    }

    #[test]
    fn a_one_time_code_is_never_compared() {
        let with_code = |change: fn(&mut LoginData)| {
            let mut data = data("right");
            change(&mut data);
            let admission = Admission::of(&data);
            admission.prove();
            entry(&admission, "right")
        };
        assert_eq!(with_code(|_| ()), "open");
        assert_eq!(with_code(|data| data.target.credentials.otp = "123456".into()), "login");
        // As the next owner has it.
        let earlier = |data: &mut LoginData| data.target.credentials.earlier = Some(Default::default());
        assert_eq!(with_code(earlier), "login");
    }
}
