//! What goes wrong on purpose, so that clients can show how they cope.
//!
//! A [`Rule`] says what goes wrong, for whom, how often and how likely. Rules are asked where requests come in and
//! where messages go out; the engine knows nothing of them. Each rule has a random sequence of its own, made from the
//! broker's seed and the rule's number: the same rules and the same requests give the same faults.

mod absurd;
mod fate;
mod rules;

use serde::{Deserialize, Serialize};
use wire::Command;

pub(crate) use absurd::absurd;
pub(crate) use fate::{Damage, Fate};
pub(crate) use rules::Faults;

/// Rules at a time.
const RULES_MAX: usize = 1000;
/// Longest delay, milliseconds: ten minutes.
const DELAY_MAX_MS: u32 = 600_000;

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// A trade request is not executed; the connection drops.
    LoseRequest,
    /// A trade request is executed; the connection drops before anything is answered.
    LoseAnswer,
    /// A trade request is executed and accepted; the connection drops before updates and result.
    LoseResult,
    /// A trade request is executed and accepted, updates are sent; the result never comes. The connection stays.
    Silence,
    /// As [`Fault::Silence`], but the result comes in the end. Everything else overtakes it.
    LateResult {
        /// How late, milliseconds.
        ms: u32,
    },
    /// A deal at market is not made: a requote with the current prices is answered.
    Requote,
    /// A deal at market is made with a part of its volume, whatever its filling says. The rest of the order is
    /// cancelled, or works on if its filling is "return".
    PartialFill {
        /// Which part: above 0 and below 1. Rounded down to a whole step of volume, one step at least.
        share: f64,
    },
    /// A trade request is not executed and refused.
    Reject {
        /// The return code.
        retcode: u32,
        /// Whether the code is the answer itself, instead of a result after the request was accepted.
        #[serde(default)]
        at_once: bool,
    },
    /// Something happens to answers. Pings are answered all the same.
    Answers {
        /// To the answers of this command only.
        #[serde(default)]
        command: Option<u16>,
        /// What happens to them.
        mishap: Mishap,
    },
    /// Something happens to messages that nobody asked for.
    Pushes {
        /// To which.
        push: Push,
        /// What happens to them.
        mishap: Mishap,
    },
    /// Prices no longer go out: no ticks, day's figures and books. The engine goes on with them.
    FreezeQuotes {
        /// Of this symbol only.
        #[serde(default)]
        symbol: Option<String>,
    },
    /// Ticks have one side each, the other counts as unchanged. The first tick of a subscription is whole.
    PartialTicks {
        /// Only this side goes out. Without, both do, one after the other.
        #[serde(default)]
        side: Option<QuoteSide>,
    },
    /// Logins are refused.
    RefuseLogin {
        /// By this result code (protocol 5.3), not 0.
        code: u8,
    },
    /// Connections are slow. A message that takes more than 30 seconds ends its connection.
    Trickle {
        /// How slow, bytes a second.
        bytes_per_s: u32,
    },
}

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mishap {
    /// It comes later by so many milliseconds, and what was to follow waits for it. Prices wait for prices only.
    DelayMs(u32),
    /// It is lost.
    Drop,
    /// It comes twice.
    Duplicate,
    /// It cannot be decrypted.
    Garble,
    /// Its last byte is missing.
    Truncate,
    /// Its prices and its money are no numbers.
    Absurd,
}

/// Messages that nobody asked for, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Push {
    /// Prices.
    Ticks,
    /// Orders, deals and positions.
    TradeUpdates,
    /// Terms of symbols.
    SymbolUpdates,
    /// Terms of the account.
    AccountUpdates,
    /// Whether the trade server is connected.
    LoginStatus,
    /// The day's figures of symbols.
    SymbolDetails,
    /// Verdicts on trade requests.
    TradeResults,
    /// Order books.
    Books,
}

/// A side of a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuoteSide {
    /// What sellers get.
    Bid,
    /// What buyers pay.
    Ask,
}

/// A fault with whom it meets, how often and how likely.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What goes wrong.
    pub fault: Fault,
    /// For this account only; without, for all.
    #[serde(default)]
    pub login: Option<u64>,
    /// So many times: trade requests, logins, messages or ticks, whatever the fault is about. Without, until the rule
    /// is removed.
    #[serde(default)]
    pub times: Option<u32>,
    /// How likely each time, above 0; 1 is always.
    #[serde(default = "always")]
    pub probability: f64,
}

/// A rule in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActiveRule {
    /// Its number, never used twice.
    pub id: u64,
    /// What was asked for.
    #[serde(flatten)]
    pub rule: Rule,
    /// How many times are left; none if it does not end by itself.
    pub left: Option<u32>,
}

/// Why a rule makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// Too many rules.
    #[error("there are {RULES_MAX} rules already: remove some")]
    TooMany,
    /// Nothing would ever happen.
    #[error("\"times\" must be above 0, or left out for a rule that stays until it is removed")]
    Times,
    /// Not a probability.
    #[error("\"probability\" must be above 0 and at most 1")]
    Probability,
    /// Not a delay.
    #[error("\"ms\" and \"delay_ms\" are milliseconds from 1 to {DELAY_MAX_MS}")]
    Delay,
    /// Not a part.
    #[error("\"share\" must be above 0 and below 1")]
    Share,
    /// A return code that is no refusal.
    #[error("\"retcode\" must be a final code that refuses, such as 10006")]
    Retcode,
    /// A result code that is no refusal.
    #[error("\"code\" must be a result code that refuses a login, such as 3: 0 means success")]
    Code,
    /// No speed.
    #[error("\"bytes_per_s\" must be above 0")]
    Speed,
    /// A state does not count.
    #[error(
        "frozen quotes and slow connections last until they are removed: leave \"times\" and \"probability\" out"
    )]
    State,
    /// No answer has this number.
    #[error(
        "\"command\" must be the number of a request with an answer, such as 4, and not 51: pings are spared"
    )]
    Command,
}

impl Rule {
    /// A fault for everybody, always, until the rule is removed.
    #[must_use]
    pub const fn of(fault: Fault) -> Self {
        Self { fault, login: None, times: None, probability: always() }
    }

    /// For this account only.
    #[must_use]
    pub fn for_login(self, login: u64) -> Self {
        Self { login: Some(login), ..self }
    }

    /// So many times only.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Only this likely each time.
    #[must_use]
    pub fn likely(self, probability: f64) -> Self {
        Self { probability, ..self }
    }

    pub(crate) fn check(&self) -> Result<(), FaultError> {
        let require = |holds: bool, otherwise| if holds { Ok(()) } else { Err(otherwise) };
        require(self.times != Some(0), FaultError::Times)?;
        require(self.probability > 0.0 && self.probability <= 1.0, FaultError::Probability)?;
        if matches!(self.fault, Fault::FreezeQuotes { .. } | Fault::Trickle { .. }) {
            require(self.times.is_none() && self.probability >= 1.0, FaultError::State)?;
        }
        self.fault.check()
    }
}

impl Fault {
    fn check(&self) -> Result<(), FaultError> {
        let require = |holds: bool, otherwise| if holds { Ok(()) } else { Err(otherwise) };
        let is_delay = |ms: u32| (1..=DELAY_MAX_MS).contains(&ms);
        if let Self::Answers { mishap: Mishap::DelayMs(ms), .. }
        | Self::Pushes { mishap: Mishap::DelayMs(ms), .. } = self
        {
            require(is_delay(*ms), FaultError::Delay)?;
        }
        match self {
            Self::LateResult { ms } => require(is_delay(*ms), FaultError::Delay),
            Self::PartialFill { share } => require(*share > 0.0 && *share < 1.0, FaultError::Share),
            Self::Reject { retcode, .. } => {
                let retcode = model::Retcode(*retcode);
                let refuses = !retcode.is_pending() && !retcode.is_success() && retcode != model::Retcode::OK;
                require(refuses, FaultError::Retcode)
            }
            Self::RefuseLogin { code } => require(*code != wire::code::SUCCESS, FaultError::Code),
            Self::Trickle { bytes_per_s } => require(*bytes_per_s > 0, FaultError::Speed),
            Self::Answers { command: Some(number), .. } => {
                let command = Command::from_number(*number).filter(|command| command.is_request());
                let spared = [Command::Ping, Command::Bootstrap];
                require(command.is_some_and(|command| !spared.contains(&command)), FaultError::Command)
            }
            _ => Ok(()),
        }
    }

    /// Whether it is about trade requests; some are about deals at market only.
    fn is_of_trade(&self, is_deal: bool) -> bool {
        match self {
            Self::LoseRequest
            | Self::LoseAnswer
            | Self::LoseResult
            | Self::Silence
            | Self::LateResult { .. }
            | Self::Reject { .. } => true,
            Self::Requote | Self::PartialFill { .. } => is_deal,
            _ => false,
        }
    }
}

impl Push {
    /// The kind of a command's pushes; none if it has none.
    pub(crate) const fn of(command: Command) -> Option<Self> {
        Some(match command {
            Command::Ticks => Self::Ticks,
            Command::TradeUpdate => Self::TradeUpdates,
            Command::SymbolUpdate => Self::SymbolUpdates,
            Command::AccountUpdate => Self::AccountUpdates,
            Command::LoginStatus => Self::LoginStatus,
            Command::SymbolDetails => Self::SymbolDetails,
            Command::TradeResult => Self::TradeResults,
            Command::Books => Self::Books,
            _ => return None,
        })
    }
}

const fn always() -> f64 {
    1.0
}
