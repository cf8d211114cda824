//! Login data of sessions that were disconnected, so that their tokens can bring them back. In memory only.

use std::collections::{HashMap, VecDeque};

use crate::session::{AccountKey, Target};

/// Sessions whose login data are kept.
const REMEMBERED_MAX: usize = 10_000;

/// What a session was connected with.
#[derive(Clone, Debug)]
pub(crate) struct LoginData {
    pub(crate) account: AccountKey,
    pub(crate) target: Target,
    pub(crate) error_status: Option<u16>,
    pub(crate) is_token_chosen: bool,
}

/// Login data by token; the oldest make room.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    by_token: HashMap<String, LoginData>,
    order: VecDeque<String>,
}

impl Remembered {
    /// Keeps login data under a token.
    pub(crate) fn keep(&mut self, token: &str, data: LoginData) {
        if self.by_token.insert(token.to_owned(), data).is_none() {
            self.order.push_back(token.to_owned());
        }
        if self.order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_token.remove(&oldest);
        }
    }

    /// The login data of a token, which stay.
    pub(crate) fn of(&self, token: &str) -> Option<LoginData> {
        self.by_token.get(token).cloned()
    }

    /// Forgets all tokens of an account.
    pub(crate) fn forget_account(&mut self, account: &AccountKey) {
        self.by_token.retain(|_, data| data.account != *account);
        let known = &self.by_token;
        self.order.retain(|token| known.contains_key(token));
    }

    /// Forgets a token.
    pub(crate) fn forget(&mut self, token: &str) {
        if self.by_token.remove(token).is_some() {
            self.order.retain(|known| known != token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(login: u64) -> LoginData {
        let account = AccountKey { server: "a".into(), login };
        LoginData { account, target: Target::nowhere(), error_status: None, is_token_chosen: false }
    }

    #[test]
    fn the_oldest_make_room() {
        let mut remembered = Remembered::default();
        for login in 0..=u64::try_from(REMEMBERED_MAX).unwrap() {
            remembered.keep(&login.to_string(), data(login));
        }
        assert!(remembered.of("0").is_none());
        assert_eq!(remembered.of("1").map(|data| data.account.login), Some(1));
        remembered.forget("1");
        assert!(remembered.of("1").is_none());
        remembered.forget_account(&data(2).account);
        assert!(remembered.of("2").is_none() && remembered.of("3").is_some());
        assert_eq!(remembered.order.len(), remembered.by_token.len());
    }
}
