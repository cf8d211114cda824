//! Visitors: opening accounts without a login.

use model::calc::FreeMarginMode;
use wire::message::Request;
use wire::records as w;
use wire::{Command as WireCommand, Payload, Secret, code};

use super::answers::{Reply, read};
use super::hub::Hub;
use crate::accounts::{demo_terms, random_password};

/// Accounts of all kinds; after that no more are opened.
const ACCOUNTS_MAX: usize = 100_000;

// Clients read this number of the mode; the order of its variants is that of the wire.
const _: () = assert!(FreeMarginMode::None as u32 == 0 && FreeMarginMode::Loss as u32 == 3);

impl Hub {
    /// Commands of a visitor. No confirmation codes are ever needed.
    pub(super) fn visitor_command(&mut self, command: WireCommand, request: &Request) -> Reply {
        match command {
            WireCommand::Verification => {
                let asked = read!(w::VerificationRequest, request);
                let refusal = contact_refusal(&asked.base);
                refusal.map_or(Reply::of(&w::ConfirmationReply { email: 0, phone: 0 }), Reply::Code)
            }
            WireCommand::Confirmation => {
                let refusal = contact_refusal(&read!(w::Applicant, request));
                refusal.map_or(Reply::of(&w::ConfirmationReply { email: 1, phone: 1 }), Reply::Code)
            }
            WireCommand::OpenDemo => self.open_demo(&read!(w::Applicant, request)),
            // Only demo accounts exist here.
            WireCommand::OpenReal => refused(),
            WireCommand::TraderParameters => {
                Reply::of(&w::TraderParameters { country: String::new(), currency: "USD".into() })
            }
            _ => Reply::Done,
        }
    }

    fn open_demo(&mut self, asked: &w::Applicant) -> Reply {
        if self.directory.len() >= ACCOUNTS_MAX {
            return refused();
        }
        let (Ok(password), Ok(investor)) = (random_password(), random_password()) else {
            return Reply::Code(code::INTERNAL_ERROR);
        };
        let login = self.directory.free_login();
        let mut account = demo_terms(login, &asked.group, asked.deposit, asked.leverage);
        account.password.clone_from(&password);
        account.investor_password.clone_from(&investor);
        if !asked.full_name.is_empty() {
            account.name.clone_from(&asked.full_name);
        }
        match self.keeping(|hub| Ok(hub.open_account(&account)?)) {
            Ok(()) => Reply::of(&w::AccountOpened {
                code: 0,
                login: login.0 as i64,
                password: Secret::new(password),
                investor_password: Secret::new(investor),
            }),
            Err(error) => {
                tracing::warn!(%error, "a demo account could not be opened");
                Reply::Code(code::INTERNAL_ERROR)
            }
        }
    }
}

fn refused() -> Reply {
    Reply::of(&w::AccountOpened { code: code::DEMO_DISABLED, ..w::AccountOpened::default() })
}

/// What is wrong with e-mail or phone; missing ones are nothing wrong.
fn contact_refusal(asked: &w::Applicant) -> Option<u8> {
    let is_email =
        |text: &str| text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    let is_phone = |text: &str| text.chars().all(|c| c.is_ascii_digit() || "+-() .".contains(c));
    if !asked.email.is_empty() && !is_email(&asked.email) {
        return Some(code::INVALID_EMAIL);
    }
    (!is_phone(&asked.phone)).then_some(code::INVALID_PHONE)
}
