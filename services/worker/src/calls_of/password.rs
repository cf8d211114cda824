//! Passwords of accounts.

use calls::account::ChangePassword;
use calls::reply::Text;
use calls::{Handle, Secret};
use error::{Code, Error};
use wire::records::PasswordChange;
use wire::requests;

use super::account::is_read_only;
use crate::backend::{About, Caller};
use crate::session::unreachable;

/// Longest password in UTF-16 units (protocol 9.17).
const UNITS_MAX: usize = 32;
/// Least length where the broker names none (protocol 9.2.1).
const LENGTH_MIN: u32 = 8;

impl Handle<ChangePassword> for Caller<'_> {
    async fn handle(&self, call: ChangePassword, session: About<ChangePassword>) -> Result<Text, Error> {
        let password = call.password.ok_or_else(|| Error::missing_param("password", "the new password"))?;
        let rules = |state: &mut crate::session::state::State| {
            (state.account.main.rights, state.account.main.auth_password_min)
        };
        let (rights, length_min) = session.visit(self.deadline, rules).await?;
        if is_read_only(rights) {
            let told = "Logged in with the investor password, which changes nothing. Connect with the master password.";
            return Err(Error::new(Code::InvestorMode, told));
        }
        check(&password, if length_min > 0 { length_min } else { LENGTH_MIN })?;
        let change = PasswordChange {
            is_investor: u8::from(call.is_investor),
            new_password: wire::Secret::new(password.expose().to_owned()),
            old_password: wire::Secret::new(session.secret()),
        };
        let answer = session.request::<requests::ChangePassword>(self.deadline, &change).await?;
        if answer.result != 0 {
            let told = format!("The trade server did not change the password: error {}.", answer.result);
            return Err(Error::new(Code::InvalidPassword, told));
        }
        // Other sessions of the account that were connected with this password come back by the new one only.
        for other in self.worker.sessions_of(session.account()) {
            if other.is_investor() == call.is_investor {
                other.set_password(password.expose()).await;
            }
        }
        if !call.is_investor {
            // As clients of the interface know it: the session is over, and its token with it.
            self.worker.close(call.id.as_str(), false).await?;
            // What earlier sessions of the account were connected with is of no use any more.
            let forgotten = self.worker.registry().forget_ended(&session.account().name()).await;
            forgotten.map_err(|failure| unreachable(&failure))?;
        }
        Ok(Text::OK)
    }
}

/// What the official client demands before it asks the server (protocol 9.17).
fn check(password: &Secret, length_min: u32) -> Result<(), Error> {
    let text = password.expose();
    let units = text.encode_utf16().count();
    let is_long_enough = u32::try_from(units).is_ok_and(|units| units >= length_min);
    let has = |kind: fn(char) -> bool| text.chars().any(kind);
    let is_strong = has(|c| c.is_lowercase())
        && has(|c| c.is_uppercase())
        && has(|c| c.is_ascii_digit())
        && has(|c| !c.is_alphanumeric());
    if is_long_enough && is_strong && units <= UNITS_MAX {
        return Ok(());
    }
    let told = format!(
        "A password needs {length_min} to {UNITS_MAX} characters, among them a small and a capital letter, a digit and a sign."
    );
    Err(Error::new(Code::InvalidPassword, told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_do_not_reach_the_server() {
        let ok = |text: &str| check(&Secret::new(text), 8).is_ok();
        assert!(ok("Aa1!aaaa") && ok(&format!("Aa1!{}", "é".repeat(28))));
        for weak in [
            "Aa1!aaa",
            "aa1!aaaa",
            "AA1!AAAA",
            "Aaa!aaaa",
            "Aa1aaaaa",
            "",
            &format!("Aa1!{}", "x".repeat(29)),
        ] {
            assert!(!ok(weak), "{weak}");
        }
    }
}
