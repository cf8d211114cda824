//! Getting a session up: dial, log in, load. Runs beside the session's mailbox, so that calls are answered meanwhile.

use std::sync::Arc;
use std::time::Duration;

use link::{Credentials, Dialer, Endpoint, Identity, Link, LinkError, Proxy, Scheme};
use tokio::time::{Instant, timeout};
use wire::records::{Account, FullSymbolsRequest, HistoryRequest, LoginReply, Portfolio, SymbolIds};
use wire::{Empty, code, requests};

use crate::catalogue::{Catalogue, Catalogues};
use crate::governor::Login;
use crate::ranges::{HistoryAsking, RECORDS_MAX, Recent};
use crate::session::AccountKey;
use crate::session::bounds::check_portfolio;
use crate::worker::Shared;
use crate::zone;

/// Above so many symbols the list is asked for compressed, as the official client does.
const PLAIN_SYMBOLS_MAX: i32 = 256;
/// Full records asked for in one request: about 800 KB.
pub(crate) const FULL_SYMBOLS_BATCH: usize = 256;
/// Goodbye to a link that is of no use.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// Bit of the account's rights: nothing works before the password is changed.
const PASSWORD_MUST_CHANGE: i32 = 1024;
/// The margin is for clocks that differ.
const DAY_AND_HOUR_S: i64 = 25 * 3600;

/// Where and as whom to log in.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Addresses of the server, tried in order.
    pub(crate) endpoints: Vec<Endpoint>,
    /// Most time for one of them.
    pub(crate) member_limit: Duration,
    /// By way of.
    pub(crate) proxy: Option<Proxy>,
    /// The client certificate to present.
    pub(crate) identity: Option<Identity>,
    /// Account number, password and the rest.
    pub(crate) credentials: Credentials,
    /// Whether the whole history is loaded in the background.
    pub(crate) wants_history: bool,
    /// Of the last connection to the gateway, or zeros.
    pub(crate) gateway_token: [u8; 64],
}

/// The proxy on the way to a server, as host and port, where nothing proves that it leads there: for all that is known,
/// whoever chose the proxy is the server himself. TLS proves it.
pub(crate) fn detour(endpoints: &[Endpoint], proxy: Option<&Proxy>) -> Option<String> {
    let proves = |endpoint: &Endpoint| !endpoint.is_page && endpoint.schemes() == [Scheme::Wss];
    let unproven = proxy.filter(|_| !endpoints.iter().all(proves));
    unproven.map(|proxy| format!("{}:{}", proxy.host, proxy.port))
}

impl Target {
    /// See [`detour`].
    pub(crate) fn detour(&self) -> Option<String> {
        detour(&self.endpoints, self.proxy.as_ref())
    }

    /// The dialer that presents the target's certificate, if it has one.
    pub(crate) fn dialer(&self, dialer: &Dialer) -> Dialer {
        self.identity.as_ref().map_or_else(|| dialer.clone(), |identity| dialer.with_identity(identity))
    }

    /// One that leads nowhere.
    #[cfg(test)]
    pub(crate) fn nowhere() -> Self {
        let credentials = Credentials {
            login: 7,
            password: String::new(),
            otp: String::new(),
            client_id: [0; 16],
            page: String::new(),
            earlier: None,
        };
        Self {
            endpoints: Vec::new(),
            member_limit: Duration::ZERO,
            proxy: None,
            identity: None,
            credentials,
            wants_history: false,
            gateway_token: [0; 64],
        }
    }
}

/// A session that is up.
#[derive(Debug)]
pub(crate) struct Established {
    pub(crate) link: Link,
    pub(crate) endpoint: Endpoint,
    pub(crate) login: LoginReply,
    pub(crate) account: Account,
    pub(crate) catalogue: Arc<Catalogue>,
    /// Of late, and asked for before the portfolio.
    pub(crate) recent: Recent,
    pub(crate) portfolio: Portfolio,
}

/// Tries the server's addresses in turn. `history_from` says on a return how far back to look for what was missed, in
/// seconds of the server clock; the first time it is a day. Full records of the symbols of these `names` are
/// loaded beside those of what is held.
pub(crate) async fn establish(
    shared: &Shared,
    account: &AccountKey,
    target: &Target,
    history_from: Option<i32>,
    names: &[String],
) -> Result<Established, LinkError> {
    let mut failure = LinkError::Closed { cause: "the server has no address".into() };
    let dialer = target.dialer(&shared.dialer);
    for endpoint in &target.endpoints {
        match establish_at(shared, account, &dialer, target, endpoint, history_from, names).await {
            Ok(established) => return Ok(established),
            Err(cause @ LinkError::HeldBack { .. }) => return Err(cause),
            Err(cause) if cause.is_verdict() => return Err(cause),
            Err(cause) => failure = cause,
        }
    }
    Err(failure)
}

/// Dials first: who cannot be reached takes nobody's turn to log in.
async fn establish_at(
    shared: &Shared,
    account: &AccountKey,
    dialer: &Dialer,
    target: &Target,
    endpoint: &Endpoint,
    history_from: Option<i32>,
    names: &[String],
) -> Result<Established, LinkError> {
    let limit = target.member_limit;
    let late = || LinkError::Timeout { doing: "the login", limit };
    let begun = Instant::now();
    let dialling = dialer.dial(endpoint, target.proxy.as_ref(), target.gateway_token);
    let link = timeout(limit, dialling).await.unwrap_or_else(|_| Err(late()))?;
    let left = limit.saturating_sub(begun.elapsed());
    let login = Login::admitted(shared, account, &target.credentials).await?;
    let loading = load(link, dialer, &shared.catalogues, target, endpoint, history_from, names);
    let outcome = timeout(left, loading).await.unwrap_or_else(|_| Err(late()));
    login.ended(&outcome).await;
    outcome
}

/// Logs in and loads what a session begins with.
async fn load(
    link: Link,
    dialer: &Dialer,
    catalogues: &Catalogues,
    target: &Target,
    endpoint: &Endpoint,
    history_from: Option<i32>,
    names: &[String],
) -> Result<Established, LinkError> {
    let (mut link, login) = log_in(link, dialer, target, endpoint).await?;
    let account = link.request::<requests::Account>("loading the account", &Empty).await?;
    if account.main.rights & PASSWORD_MUST_CHANGE != 0 {
        return Err(LinkError::PasswordMustChange);
    }
    let doing = "loading the symbols";
    let symbols = if account.symbols_count > PLAIN_SYMBOLS_MAX {
        match link.request::<requests::CompressedSymbols>(doing, &Empty).await {
            // What cannot be unpacked is asked for plain, as the official client does.
            Err(LinkError::Protocol { .. }) => link.request::<requests::Symbols>(doing, &Empty).await?,
            list => list?.0,
        }
    } else {
        link.request::<requests::Symbols>(doing, &Empty).await?
    };
    let catalogue = catalogues.of(target.detour(), endpoint, &symbols.0);
    drop(symbols);
    let from = history_from.unwrap_or_else(|| day_ago(&account));
    let range = HistoryRequest { from, to: 0 };
    let recent = load_history(&mut link, &range, history_from.is_some()).await?;
    let portfolio = link.request::<requests::Portfolio>("loading positions and orders", &Empty).await?;
    check_portfolio(&portfolio)?;
    load_held_symbols(&mut link, &catalogue, &portfolio, names, history_from.is_some()).await?;
    // Once more, after the positions: whatever was pushed in between, the money is that of this moment.
    let account = link.request::<requests::Account>("loading the account", &Empty).await?;
    Ok(Established { link, endpoint: endpoint.clone(), login, account, catalogue, recent, portfolio })
}

/// Deals and ended orders of late: on a return all of them, otherwise the newest that come at once.
async fn load_history(link: &mut Link, range: &HistoryRequest, is_return: bool) -> Result<Recent, LinkError> {
    let mut asking = HistoryAsking::new(range, RECORDS_MAX);
    while let Some(ask) = asking.next() {
        asking.take(link.request::<requests::History>("loading the history", &ask).await?);
        if !is_return {
            break;
        }
    }
    Ok(asking.finish_as_far_as_it_goes())
}

fn day_ago(account: &Account) -> i32 {
    let now_s = (runtime::unix_ms() + zone::told(&account.main).ahead_ms()) / 1000;
    i32::try_from(now_s - DAY_AND_HOUR_S).unwrap_or(1)
}

/// With the token of the last login; if that is not taken any more, with the password.
async fn log_in(
    mut link: Link,
    dialer: &Dialer,
    target: &Target,
    endpoint: &Endpoint,
) -> Result<(Link, LoginReply), LinkError> {
    let page = endpoint.host.clone();
    let credentials = Credentials { page, ..target.credentials.clone() };
    match link.login(&credentials).await {
        Ok(reply) => Ok((link, reply)),
        Err(LinkError::Refused { code: code::INVALID_ACCOUNT, .. }) if credentials.earlier.is_some() => {
            link.close(CLOSE_LIMIT).await;
            let by_password = Credentials { earlier: None, ..credentials };
            let mut link = dialer.dial(endpoint, target.proxy.as_ref(), [0; 64]).await?;
            let reply = link.login(&by_password).await?;
            Ok((link, reply))
        }
        Err(refused) => {
            link.close(CLOSE_LIMIT).await;
            Err(refused)
        }
    }
}

/// Full records of everything open: without them there is no margin, and no equity to speak of. On a return they are
/// loaded anew: changes while the link was down were not pushed.
async fn load_held_symbols(
    link: &mut Link,
    catalogue: &Catalogue,
    portfolio: &Portfolio,
    further: &[String],
    anew: bool,
) -> Result<(), LinkError> {
    let names = portfolio.positions.iter().map(|position| position.trade_symbol.as_str());
    let names = names.chain(portfolio.orders.iter().map(|order| order.trade_symbol.as_str()));
    let names = names.chain(further.iter().map(String::as_str));
    let mut ids: Vec<u32> = names.filter_map(|name| catalogue.named(name)).map(|one| one.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|id| anew || catalogue.full(*id).is_none());
    for batch in ids.chunks(FULL_SYMBOLS_BATCH) {
        let ask = FullSymbolsRequest::Ids(SymbolIds(batch.to_vec()));
        let full = link.request::<requests::FullSymbols>("loading symbols", &ask).await?;
        catalogue.learn(full.0);
    }
    Ok(())
}
