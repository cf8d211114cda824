//! What a call may do: declared with the call, and read by all who route, repeat, cache, authorise or record it.

pub use access::Scope;

/// What a call does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing: it may be given up when nobody waits for it any more, asked again, and asked with HEAD.
    Read,
    /// Changes a session, or what it tells.
    Change,
    /// Sends an order: every answer tells its outcome.
    Trade,
    /// Logs in.
    Connect,
    /// Changes the service for everybody.
    Admin,
}

impl Effect {
    /// The word that declares it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Change => "change",
            Self::Trade => "trade",
            Self::Connect => "connect",
            Self::Admin => "admin",
        }
    }
}

/// Whose sessions a call is about, and so which process answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The one that its token names.
    Session,
    /// The one that its token names, or else one that it brings back.
    Kept,
    /// None, or one that it makes: any process will do.
    None,
    /// All of them, in all processes; what each answers is put together.
    All,
}

impl Reach {
    /// The word that declares it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Kept => "kept",
            Self::None => "none",
            Self::All => "all",
        }
    }
}

/// All of it, of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What it does.
    pub effect: Effect,
    /// Who may make it.
    pub scope: Scope,
    /// Whose sessions it is about.
    pub reach: Reach,
    /// It comes as POST only: it changes more than a session, or takes a file.
    pub posted: bool,
    /// It connects to a host that its parameters name.
    pub dials: bool,
}

impl Policy {
    /// Whether it changes nothing.
    #[must_use]
    pub fn only_reads(&self) -> bool {
        self.effect == Effect::Read
    }

    /// Whether it sends an order.
    #[must_use]
    pub fn trades(&self) -> bool {
        self.effect == Effect::Trade
    }

    /// Whether it logs in.
    #[must_use]
    pub fn connects(&self) -> bool {
        self.effect == Effect::Connect
    }

    /// Whether it is about one session, named by the required parameter `id`.
    #[must_use]
    pub fn needs_session(&self) -> bool {
        matches!(self.reach, Reach::Session | Reach::Kept)
    }
}

/// How the words of a declaration are read: see `calls!`.
macro_rules! policy {
    ($effect:ident $scope:ident $reach:ident $($mark:ident)*) => {
        $crate::Policy {
            effect: policy!(@effect $effect),
            scope: policy!(@scope $scope),
            reach: policy!(@reach $reach),
            posted: false $(|| policy!(@posted $mark))*,
            dials: false $(|| policy!(@dials $mark))*,
        }
    };
    (@effect read) => { $crate::policy::Effect::Read };
    (@effect change) => { $crate::policy::Effect::Change };
    (@effect trade) => { $crate::policy::Effect::Trade };
    (@effect connect) => { $crate::policy::Effect::Connect };
    (@effect admin) => { $crate::policy::Effect::Admin };
    (@scope anyone) => { $crate::policy::Scope::Anyone };
    (@scope read) => { $crate::policy::Scope::Read };
    (@scope trade) => { $crate::policy::Scope::Trade };
    (@scope stream) => { $crate::policy::Scope::Stream };
    (@scope connect) => { $crate::policy::Scope::Connect };
    (@scope admin) => { $crate::policy::Scope::Admin };
    (@reach session) => { $crate::policy::Reach::Session };
    (@reach kept) => { $crate::policy::Reach::Kept };
    (@reach none) => { $crate::policy::Reach::None };
    (@reach all) => { $crate::policy::Reach::All };
    (@permission anyone) => { $crate::permission::Anyone };
    (@permission read) => { $crate::permission::Read };
    (@permission trade) => { $crate::permission::Trade };
    (@permission stream) => { $crate::permission::Stream };
    (@permission connect) => { $crate::permission::Connect };
    (@permission admin) => { $crate::permission::Admin };
    (@about session $scope:ident $session:ident) => { $crate::Permitted<$session, policy!(@permission $scope)> };
    (@about $reach:ident $scope:ident $session:ident) => { $crate::Permit<policy!(@permission $scope)> };
    (@find session $host:ident $call:ident) => { $crate::Permitted::of($host, &$call.id) };
    (@find $reach:ident $host:ident $call:ident) => { $crate::Permit::of($host) };
    (@posted posted) => { true };
    (@posted dials) => { false };
    (@dials dials) => { true };
    (@dials posted) => { false };
}
