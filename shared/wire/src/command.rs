//! The commands: numbers, and which payloads go which way (protocol, section 8).

use crate::payload::recode;
use crate::records::{
    Account, AccountOpened, Applicant, Bar, BarsRequest, Books, BootstrapReply, BootstrapRequest,
    CompressedSymbols, ConfirmationReply, CorporateLink, FullSymbol, FullSymbolsRequest, History,
    HistoryRequest, LoginReply, LoginRequest, LoginStatus, Notify, PasswordChange, PasswordChangeReply,
    Portfolio, RealApplication, Spreads, SymbolBrief, SymbolDetails, SymbolGroup, SymbolIds, Tick,
    TradeAnswer, TradeRequest, TradeResultPush, TradeUpdate, TraderParameters, TwoFactorRequest,
    VerificationRequest, VisitorRequest,
};
use crate::{Bare, Counted, DecodeError, Empty, Payload, Value};

/// A command that a client sends and a server answers.
pub trait Request {
    /// Its number and name.
    const COMMAND: Command;
    /// What the client sends.
    type Ask: Payload;
    /// What the server answers.
    type Reply: Payload;
}

/// A command that a server sends on its own.
pub trait Push {
    /// Its number and name.
    const COMMAND: Command;
    /// What it holds.
    type Body: Payload;
}

/// A command as tools see it.
#[derive(Clone, Copy, Debug)]
pub struct CommandLayout {
    /// Number and name.
    pub command: Command,
    /// What a client sends; `None` for pushes.
    pub request: Option<PayloadLayout>,
    /// What a server sends.
    pub response: PayloadLayout,
}

/// A payload as tools see it.
#[derive(Clone, Copy, Debug)]
pub struct PayloadLayout {
    /// Decodes and encodes again.
    pub recode: fn(&[u8]) -> Result<Vec<u8>, DecodeError>,
    /// Decodes into values with names.
    pub show: fn(&[u8]) -> Result<Value, DecodeError>,
}

const fn layout<P: Payload>() -> PayloadLayout {
    PayloadLayout { recode: recode::<P>, show: |body| P::from_bytes(body).map(|payload| payload.value()) }
}

macro_rules! commands {
    (
        requests { $($(#[$rdoc:meta])* $request:ident = $rnumber:literal: $ask:ty => $reply:ty;)+ }
        pushes { $($(#[$pdoc:meta])* $push:ident = $pnumber:literal: $body:ty;)+ }
    ) => {
        /// A command by its number on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Command { $($(#[$rdoc])* $request = $rnumber,)+ $($(#[$pdoc])* $push = $pnumber,)+ }

        impl Command {
            /// The command of a number; `None` if the protocol does not say what it is.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($rnumber => Some(Self::$request),)+
                    $($pnumber => Some(Self::$push),)+
                    _ => None,
                }
            }

            /// Its number.
            #[must_use]
            pub const fn number(self) -> u16 {
                self as u16
            }

            /// Whether clients send it and servers answer.
            #[must_use]
            pub const fn is_request(self) -> bool {
                matches!(self, $(Self::$request)|+)
            }
        }

        /// All commands.
        pub const COMMANDS: &[CommandLayout] = &[
            $(CommandLayout {
                command: Command::$request,
                request: Some(layout::<$ask>()),
                response: layout::<$reply>(),
            },)+
            $(CommandLayout {
                command: Command::$push,
                request: None,
                response: layout::<$body>(),
            },)+
        ];

        /// One type for each command, to say which is meant.
        pub mod requests {
            $($(#[$rdoc])* #[derive(Clone, Copy, Debug)] pub struct $request;)+
        }

        /// One type for each push, to say which is meant.
        pub mod pushes {
            $($(#[$pdoc])* #[derive(Clone, Copy, Debug)] pub struct $push;)+
        }

        $(impl Request for requests::$request {
            const COMMAND: Command = Command::$request;
            type Ask = $ask;
            type Reply = $reply;
        })+

        $(impl Push for pushes::$push {
            const COMMAND: Command = Command::$push;
            type Body = $body;
        })+
    };
}

commands! {
    requests {
        /// Exchanges the session key.
        Bootstrap = 0: BootstrapRequest => BootstrapReply;
        /// Ends the session.
        Logout = 2: Empty => Empty;
        /// The account.
        Account = 3: Empty => Account;
        /// Positions and pending orders.
        Portfolio = 4: Empty => Portfolio;
        /// Deals and ended orders.
        History = 5: HistoryRequest => History;
        /// The symbol list, plain.
        Symbols = 6: Empty => Counted<SymbolBrief>;
        /// Replaces the set of symbols whose ticks are wanted.
        SubscribeTicks = 7: SymbolIds => Empty;
        /// Folders of symbols.
        SymbolGroups = 9: Empty => Counted<SymbolGroup>;
        /// Bars.
        Bars = 11: BarsRequest => Bare<Bar>;
        /// A trade request.
        Trade = 12: TradeRequest => TradeAnswer;
        /// Everything about some symbols.
        FullSymbols = 18: FullSymbolsRequest => Counted<FullSymbol>;
        /// Margin spreads.
        Spreads = 20: SymbolIds => Spreads;
        /// Replaces the set of symbols whose books are wanted.
        SubscribeBook = 22: SymbolIds => Empty;
        /// Changes a password.
        ChangePassword = 24: PasswordChange => PasswordChangeReply;
        /// Which confirmations a new account needs.
        Verification = 27: VerificationRequest => ConfirmationReply;
        /// Logs in.
        Login = 28: LoginRequest => LoginReply;
        /// A session without a login.
        Visitor = 29: VisitorRequest => Empty;
        /// Opens a demo account.
        OpenDemo = 30: Applicant => AccountOpened;
        /// The symbol list, compressed.
        CompressedSymbols = 34: Empty => CompressedSymbols;
        /// Opens a real account.
        OpenReal = 39: RealApplication => AccountOpened;
        /// Submits confirmation codes.
        Confirmation = 40: Applicant => ConfirmationReply;
        /// Country and currency of the visitor.
        TraderParameters = 41: Empty => TraderParameters;
        /// Tells the server something.
        Notify = 42: Notify => Empty;
        /// Switches two-factor login on or off.
        TwoFactor = 43: TwoFactorRequest => Empty;
        /// Links of the broker.
        CorporateLinks = 44: Empty => Counted<CorporateLink>;
        /// Keeps the connection alive.
        Ping = 51: Empty => Empty;
    }
    pushes {
        /// Prices.
        Ticks = 8: Bare<Tick>;
        /// Orders, deals and positions that changed.
        TradeUpdate = 10: TradeUpdate;
        /// Symbols that changed.
        SymbolUpdate = 13: Bare<FullSymbol>;
        /// The account's configuration changed.
        AccountUpdate = 14: Account;
        /// Whether the trade server is connected.
        LoginStatus = 15: LoginStatus;
        /// The day's figures of symbols.
        SymbolDetails = 17: Bare<SymbolDetails>;
        /// The verdict on a trade request.
        TradeResult = 19: TradeResultPush;
        /// Depth of market.
        Books = 23: Books;
    }
}
