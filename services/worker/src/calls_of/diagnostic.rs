//! A session as its owner sees it.

use calls::account::{Mails, QuoteClient};
use calls::reply::{
    AddressRec, CommissionInfo, CommissionTier, Filtered, MailMessage, Mt5Api, NoCounterpart, ServerRec,
    SymBaseInfo, SymbolBase,
};
use calls::values::{
    CommissionEntry, CommissionMode, CommissionPeriod, CommissionType, CommissionUnit, MarginMode,
    PlacedType, ProxyType,
};
use calls::{Handle, ServerTime};
use error::{Code, Error};
use link::ProxyKind;
use model::calc::{Equity, Floating};
use wire::records::{Commission, CommissionTier as Tier};

use super::account::{account_rec, is_read_only, method};
use super::brokers::server_rec;
use super::quotes::QUOTE_LIMIT;
use super::trading::TRADE_DISABLED;
use crate::backend::{About, Caller};
use crate::session::state::State;
use crate::session::{Phase, Session, VERDICT_LIMIT};
use crate::translate::finite;

/// A link without a word from the server for so long is restored (protocol 7.4), in milliseconds.
const SILENCE_MS: i32 = 15_000;
/// An answer must come within this time (protocol, section 6), in milliseconds.
const ANSWER_MS: i32 = 30_000;

impl Handle<QuoteClient> for Caller<'_> {
    async fn handle(
        &self,
        call: QuoteClient,
        session: About<QuoteClient>,
    ) -> Result<Filtered<Mt5Api>, Error> {
        let figures = self.with_figures(&session, |_, equity, floating| (*equity, *floating)).await?;
        let general = session.visit(self.deadline, server_rec).await?;
        let members = self.cluster(&session, general.clone()).servers;
        let outside = Outside {
            general,
            members,
            is_public_only: self.worker.shared.is_public_only,
            heard_ms: session.heard_ms(),
            connected_ms: match session.phase() {
                Phase::Online { since_ms } => since_ms,
                _ => 0,
            },
        };
        let from = session.clone();
        let view = session.visit(self.deadline, move |state| view(state, &from, figures, outside)).await?;
        Ok(Filtered::new(view, call.filter.as_ref()))
    }
}

impl Handle<Mails> for Caller<'_> {
    async fn handle(&self, _: Mails, _: About<Mails>) -> Result<Vec<MailMessage>, Error> {
        let told =
            "The Web Terminal protocol carries no mail: read the inbox in the desktop or mobile terminal.";
        Err(Error::new(Code::MethodNotSupported, told))
    }
}

/// What the state does not know.
struct Outside {
    general: ServerRec,
    members: std::collections::BTreeMap<String, Vec<AddressRec>>,
    is_public_only: bool,
    heard_ms: i64,
    connected_ms: i64,
}

fn view(
    state: &mut State,
    session: &Session,
    (equity, floating): (Equity, Floating),
    outside: Outside,
) -> Mt5Api {
    let main = &state.account.main;
    let millis = |span: std::time::Duration| i32::try_from(span.as_millis()).unwrap_or(i32::MAX);
    let proxy = session.proxy();
    let is_online = outside.connected_ms > 0;
    let is_read_only = is_read_only(main.rights);
    let is_trade_disabled = main.rights & TRADE_DISABLED != 0;
    Mt5Api {
        execution_timeout: millis(VERDICT_LIMIT),
        placed_type: PlacedType::Web,
        disallow_local_connections: outside.is_public_only,
        proxy_enable: proxy.is_some(),
        proxy_host: proxy.map(|proxy| proxy.host.clone()),
        proxy_port: proxy.map_or(0, |proxy| proxy.port.into()),
        proxy_user: proxy.map(|proxy| proxy.user.clone()),
        proxy_type: proxy.map_or(ProxyType::None, |proxy| match proxy.kind {
            ProxyKind::Https => ProxyType::Https,
            ProxyKind::Socks4 => ProxyType::Socks4,
            ProxyKind::Socks5 => ProxyType::Socks5,
        }),
        get_quote_timeout_ms: millis(QUOTE_LIMIT),
        download_order_history_timeout: ANSWER_MS,
        symbols: symbol_base(state),
        no_server_messages_timeout: SILENCE_MS,
        last_server_message_time: ServerTime::from_ms(outside.heard_ms),
        server: main.server_name.clone(),
        connect_timeout: millis(session.member_limit()),
        connect_timeout_for_one_cluster_member: millis(session.member_limit()),
        account: account_rec(state),
        connect_time: ServerTime::from_ms(outside.connected_ms),
        id: session.id().to_owned(),
        host: state.host.clone(),
        port: state.port.into(),
        last_quote_time: ServerTime::from_ms(state.quotes.last_tick_ms()),
        server_time: ServerTime::from_ms(state.now().ms()),
        server_time_zone_in_minutes: i32::try_from(state.zone.ahead_ms() / 60_000).unwrap_or(0),
        cluster_summary: outside.general,
        cluster_members: outside.members,
        account_currency: main.account_currency.clone(),
        server_build: main.server_build.into(),
        account_company_name: main.company.clone(),
        account_method: method(state),
        account_profit: floating.total().to_f64(),
        account_margin: equity.margin.to_f64(),
        margin_level: equity.margin_level,
        account_free_margin: equity.free_margin.to_f64(),
        account_equity: equity.equity.to_f64(),
        connected: is_online,
        user: state.login,
        enable_all_order_updates: true,
        is_investor: is_read_only,
        is_trade_disable_on_server: is_trade_disabled,
        is_trade_allowed: is_online && state.is_server_up && !is_read_only && !is_trade_disabled,
        none: NoCounterpart::default(),
    }
}

fn symbol_base(state: &State) -> SymbolBase {
    let main = &state.account.main;
    SymbolBase {
        base: SymBaseInfo {
            company_name: main.company.clone(),
            currency: main.account_currency.clone(),
            digits: i32::try_from(main.currency_digits).unwrap_or(0),
            receive_user_msg: 0,
            acc_method: method(state),
            margin_mode: MarginMode::Forex,
            symbols_hash: None,
            spreads_hash: None,
        },
        sym_groups: Vec::new(),
        sessions: Default::default(),
        groups: Default::default(),
        infos: Default::default(),
        infos_by_id: Default::default(),
        names: state.catalogue.list().iter().map(|one| one.name.to_string()).collect(),
        group_names: state.catalogue.folders(),
        comissions: state.account.commissions.iter().map(commission).collect(),
    }
}

fn commission(rule: &Commission) -> CommissionInfo {
    CommissionInfo {
        comissions: rule.tiers.iter().map(tier).collect(),
        s0: None,
        s80: None,
        group_name: rule.rule.path.clone(),
        s200: None,
        s240: 0,
        kind: match rule.rule.mode_range {
            1 => CommissionType::TurnoverMoney,
            2 => CommissionType::TurnoverLots,
            4 => CommissionType::Profit,
            _ => CommissionType::Volume,
        },
        period: CommissionPeriod::from_number(rule.rule.mode_charge.into())
            .unwrap_or(CommissionPeriod::Instant),
        money_currency: rule.rule.mode_currency.clone(),
        instant_type: CommissionEntry::from_number(rule.rule.mode_entry.into())
            .unwrap_or(CommissionEntry::All),
        s270: 0,
        s274: 0,
        s278: 0,
        s27c: None,
    }
}

fn tier(tier: &Tier) -> CommissionTier {
    CommissionTier {
        unit_type: CommissionUnit::from_number(tier.mode.into()).unwrap_or(CommissionUnit::Deposit),
        unit_mode: CommissionMode::from_number(tier.r#type.into()).unwrap_or(CommissionMode::Deal),
        unit_value: finite(tier.value),
        min_value: finite(tier.minimal),
        max_value: finite(tier.maximal),
        min_unit: finite(tier.range_from),
        currency_unit: tier.currency.clone(),
        max_unit: finite(tier.range_to),
        s50: None,
    }
}
