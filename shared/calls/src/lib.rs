//! Every REST call of mt5rest, declared once: names, parameters, documentation and reply type.
//!
//! `api` reads the descriptions (routes, OpenAPI), `worker` decodes and answers:
//!
//! ```
//! use calls::{AccountCall, AnyCall, Call, Handle, Host, Params, Payload, Permitted, Scopes, Token, permission};
//! use calls::account::OpenedOrders;
//! use calls::reply::Order;
//! use error::Error;
//!
//! struct Session;
//! struct Caller;
//!
//! impl Host for Caller {
//!     type Session = Session;
//!     fn session(&self, _token: &Token) -> Result<Session, Error> { Ok(Session) }
//!     fn scopes(&self) -> Scopes { Scopes::ALL }
//! }
//!
//! impl Handle<OpenedOrders> for Caller {
//!     async fn handle(&self, call: OpenedOrders, _on: Permitted<Session, permission::Read>) -> Result<Vec<Order>, Error> {
//!         assert!(call.ascending);
//!         Ok(Vec::new())
//!     }
//! }
//!
//! // `AccountCall::dispatch(&caller)` and its like do this for every call of a group and do not compile while a
//! // `Handle` is missing. A `match` over `AnyCall` and its groups is as good, and as complete:
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let params = Params::from_iter([("ID", "a-token"), ("ascending", "True")]);
//! let reply = match AnyCall::decode("openedorders".parse().unwrap(), &params).unwrap() {
//!     AnyCall::Account(AccountCall::OpenedOrders(call)) => {
//!         let orders = { let on = call.about(&Caller).unwrap(); Caller.handle(call, on).await.unwrap() };
//!         OpenedOrders::payload(&orders).unwrap()     // only takes OpenedOrders::Reply
//!     }
//!     _ => unreachable!(),
//! };
//! assert_eq!(reply, Payload::Json("[]".into()));
//! # });
//! ```
//!
//! This crate knows nothing about HTTP, sockets or sessions. Replies hold finite numbers only; who fills them in
//! answers for that.

#[macro_use]
pub mod policy;
#[macro_use]
mod macros;

pub mod account;
mod call_id;
mod clock;
pub mod connection;
mod dry_run;
pub mod front;
mod given;
pub mod guards;
pub mod history;
mod json;
pub mod keys;
mod operation;
pub mod params;
mod permit;
pub mod prices;
pub mod reply;
mod secret;
pub mod service;
pub mod spec;
mod spelling;
pub mod statistics;
pub mod subscriptions;
pub mod symbols;
mod ticket;
mod time;
mod time_frame;
pub mod trading;
mod upload;
pub mod values;

pub use access::Scopes;
pub use account::AccountCall;
pub use call_id::{CallEntry, CallId};
pub use clock::ServerClock;
pub use connection::ConnectionCall;
pub use dry_run::{DRY_RUN, OF_EVERY_TRADE, REASON, REASON_CHARS_MAX, is_dry_run, reason};
pub use front::FrontCall;
pub use given::Given;
pub use guards::GuardsCall;
pub use history::HistoryCall;
pub use json::json;
pub use keys::KeysCall;
pub use operation::Operation;
pub use params::{Many, Names, Params, Token};
pub use permit::{Host, Permission, Permit, Permitted, check_scope, permission};
pub use policy::{Effect, Policy, Reach, Scope};
pub use prices::PricesCall;
pub use reply::{Payload, Reply, ReplyKind};
pub use secret::Secret;
pub use service::ServiceCall;
pub use spec::{CallSpec, ParamSpec};
pub use spelling::{OF_EVERY_CALL, Spelled, Spelling, TICKETS_AS_TEXT, ZONED};
pub use statistics::StatisticsCall;
pub use subscriptions::SubscriptionsCall;
pub use symbols::SymbolsCall;
pub use ticket::{NAMES_SOMETHING, Ticket};
pub use time::{OF_SERVER_CLOCK, ServerTime, UtcTime};
pub use time_frame::TimeFrame;
pub use trading::TradingCall;
pub use upload::Upload;

use error::Error;
use schemars::SchemaGenerator;

/// A call: its parameters are the type itself.
pub trait Call: params::Field {
    /// The name it is known by on the bus.
    const NAME: &'static str;
    /// Every path it answers to, its own name first.
    const NAMES: &'static [&'static str];
    /// The group it is listed under.
    const TAG: &'static str;
    /// What it may do.
    const POLICY: Policy;
    /// Its first name with all that.
    const ENTRY: &'static CallEntry;
    /// One sentence.
    const SUMMARY: &'static str;
    /// What it answers.
    type Reply: Reply;
    /// What its handler is given: the session that it is about, or just the proof that it is allowed.
    type About<Session>;

    /// Looks that up for a caller.
    ///
    /// # Errors
    /// If the caller may not make this call, or knows no such session.
    fn about<H: Host>(&self, host: &H) -> Result<Self::About<H::Session>, Error>;

    /// Reads the parameters.
    fn decode(params: &Params) -> Result<Self, Error> {
        Self::read(params, "")
    }

    /// Encodes a reply of this very call.
    fn payload(reply: &Self::Reply) -> Result<Payload, Error> {
        reply.payload()
    }
}

/// Answers one kind of call.
pub trait Handle<C: Call>: Host {
    /// Does what the call asks for.
    fn handle(
        &self,
        call: C,
        about: C::About<Self::Session>,
    ) -> impl Future<Output = Result<C::Reply, Error>> + Send;
}

/// Declares [`AnyCall`] over the groups.
macro_rules! groups {
    ($($(#[$doc:meta])* $group:ident($calls:ident);)+) => {
        /// A decoded call that the owner of sessions answers. [`FrontCall`]s are answered before.
        #[derive(Debug, Clone, PartialEq)]
        pub enum AnyCall { $($(#[$doc])* $group($calls)),+ }

        impl AnyCall {
            /// Reads the parameters of a call.
            ///
            /// # Errors
            /// Those of its parameters; `INTERNAL_ERROR` for one that is answered before.
            pub fn decode(id: CallId, params: &Params) -> Result<Self, Error> {
                $(if let Some(call) = $calls::decode(id, params) {
                    return call.map(Self::$group);
                })+
                Err(Error::internal(format!("{id} is answered by the front")))
            }

            /// Every name of every call that a backend answers.
            pub fn entries() -> impl Iterator<Item = &'static CallEntry> {
                let groups = [$($calls::ENTRIES),+];
                groups.into_iter().flatten()
            }

            /// Describes every call a backend answers; schemas of objects are left in the generator's definitions.
            pub fn specs(schemas: &mut SchemaGenerator) -> Vec<CallSpec> {
                let mut specs = Vec::new();
                $($calls::describe(schemas, &mut specs);)+
                specs
            }
        }
    };
}

groups! {
    /// Logging in and out.
    Connection(ConnectionCall);
    /// Reads of the account.
    Account(AccountCall);
    /// Reads of symbols and quotes.
    Symbols(SymbolsCall);
    /// Reads of past orders.
    History(HistoryCall);
    /// Reads of past prices.
    Prices(PricesCall);
    /// Orders.
    Trading(TradingCall);
    /// Guards of accounts.
    Guards(GuardsCall);
    /// Interest in streams.
    Subscriptions(SubscriptionsCall);
    /// What came of the trading so far.
    Statistics(StatisticsCall);
    /// API keys.
    Keys(KeysCall);
    /// The rest.
    Service(ServiceCall);
}
