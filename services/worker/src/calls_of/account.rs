//! Reads of the account.

use calls::account::{
    Account, AccountDetails, AccountSummary, ClosedOrders, OpenedOrder, OpenedOrders, OpenedOrdersTickets,
    RequiredMargin, UpdateProfits,
};
use calls::reply::{self, Order};
use calls::values::{AccMethod, DealType, SortType};
use calls::{Handle, ServerTime};
use error::{Code, Error};
use model::calc::{Equity, Floating, order_margin};
use model::{Money, Price, Side};

use super::trading::{price_at, volume};
use crate::backend::{About, Caller};
use crate::session::Session;
use crate::session::state::State;
use crate::translate::finite;

/// Bit of the account's rights: logged in with the read-only password.
const INVESTOR: i32 = 8;
/// Bit of the account's rights: read only.
const READ_ONLY: i32 = 512;

impl Handle<AccountSummary> for Caller<'_> {
    async fn handle(
        &self,
        _: AccountSummary,
        session: About<AccountSummary>,
    ) -> Result<reply::AccountSummary, Error> {
        self.with_figures(&session, |state, equity, floating| {
            let main = &state.account.main;
            let money = |value| Money::round(value, main.currency_digits).to_f64();
            reply::AccountSummary {
                balance: money(main.balance),
                credit: money(main.credit),
                profit: floating.total().to_f64(),
                equity: equity.equity.to_f64(),
                margin: equity.margin.to_f64(),
                free_margin: equity.free_margin.to_f64(),
                margin_level: equity.margin_level,
                leverage: main.margin_leverage.into(),
                currency: main.account_currency.clone(),
                method: method(state),
                kind: kind(state).to_owned(),
                is_investor: is_read_only(state.account.main.rights),
                synced: true,
            }
        })
        .await
    }
}

impl Handle<Account> for Caller<'_> {
    async fn handle(&self, _: Account, session: About<Account>) -> Result<reply::AccountRec, Error> {
        session.visit(self.deadline, |state| account_rec(state)).await
    }
}

pub(super) fn account_rec(state: &State) -> reply::AccountRec {
    let main = &state.account.main;
    reply::AccountRec {
        login: state.login,
        kind: kind(state).to_owned(),
        user_name: main.account_name.clone(),
        trade_flags: main.rights,
        // The protocol does not carry the holder's address.
        country: String::new(),
        city: String::new(),
        state: String::new(),
        zip_code: String::new(),
        user_address: String::new(),
        phone: String::new(),
        email: String::new(),
        balance: finite(main.balance),
        credit: finite(main.credit),
        blocked: 0.0,
        leverage: i32::try_from(main.margin_leverage).unwrap_or(i32::MAX),
    }
}

impl Handle<AccountDetails> for Caller<'_> {
    async fn handle(
        &self,
        _: AccountDetails,
        session: About<AccountDetails>,
    ) -> Result<reply::AccounDetails, Error> {
        let details = |state: &mut State| {
            let main = &state.account.main;
            reply::AccounDetails {
                server_name: main.server_name.clone(),
                user: state.login,
                password: (),
                host: state.host.clone(),
                port: state.port,
                server_time: ServerTime::from_ms(state.now().ms()),
                server_time_zone: i32::try_from(state.zone.ahead_ms() / 3_600_000).unwrap_or(0),
                company: main.company.clone(),
                currency: main.account_currency.clone(),
                account_name: main.account_name.clone(),
                // The protocol does not carry the account's group.
                group: String::new(),
                account_type: kind(state).to_owned(),
                account_leverage: i32::try_from(main.margin_leverage).unwrap_or(i32::MAX),
                account_method: method(state),
                is_investor: is_read_only(state.account.main.rights),
            }
        };
        session.visit(self.deadline, details).await
    }
}

impl Handle<OpenedOrders> for Caller<'_> {
    async fn handle(&self, call: OpenedOrders, session: About<OpenedOrders>) -> Result<Vec<Order>, Error> {
        let mut orders = session.visit(self.deadline, State::opened_orders).await?;
        match call.sort {
            SortType::OpenTime => orders.sort_by_key(|order| (order.open_time, order.ticket)),
            SortType::CloseTime => orders.sort_by_key(|order| (order.close_time, order.ticket)),
        }
        if !call.ascending {
            orders.reverse();
        }
        Ok(orders)
    }
}

impl Handle<OpenedOrder> for Caller<'_> {
    async fn handle(&self, call: OpenedOrder, session: About<OpenedOrder>) -> Result<Order, Error> {
        let orders = session.visit(self.deadline, State::opened_orders).await?;
        let found = orders.into_iter().find(|order| order.ticket == call.ticket);
        found.ok_or_else(|| Error::invalid_ticket(call.ticket))
    }
}

impl Handle<OpenedOrdersTickets> for Caller<'_> {
    async fn handle(
        &self,
        _: OpenedOrdersTickets,
        session: About<OpenedOrdersTickets>,
    ) -> Result<Vec<calls::Ticket>, Error> {
        session.visit(self.deadline, |state| state.tickets()).await
    }
}

impl Handle<ClosedOrders> for Caller<'_> {
    async fn handle(&self, _: ClosedOrders, session: About<ClosedOrders>) -> Result<Vec<Order>, Error> {
        let closed = |state: &mut State| state.closed.iter().cloned().collect::<Vec<_>>();
        session.visit(self.deadline, closed).await
    }
}

impl Handle<UpdateProfits> for Caller<'_> {
    async fn handle(&self, _: UpdateProfits, session: About<UpdateProfits>) -> Result<f64, Error> {
        self.with_figures(&session, |_, _, floating| floating.profit.to_f64()).await
    }
}

impl Handle<RequiredMargin> for Caller<'_> {
    async fn handle(&self, call: RequiredMargin, session: About<RequiredMargin>) -> Result<f64, Error> {
        let side = match call.kind {
            DealType::DealBuy => Side::Buy,
            DealType::DealSell => Side::Sell,
            other => {
                return Err(Error::invalid_param(
                    "type",
                    other.as_str(),
                    "Buy or Sell (DealBuy or DealSell)",
                ));
            }
        };
        let terms = session.terms(self.deadline, &call.symbol).await?;
        let volume = volume(call.lots, &terms)?;
        let named = call.price.filter(|price| price.abs() > 0.0);
        let named = named.map(|price| price_at(terms.full.digits, "price", price)).transpose()?;
        let (own, currency) = (terms.full.symbol_id, terms.contract.currency_margin.clone());
        let needed = currency.clone();
        let ids = move |state: &mut State| {
            let mut ids = state.conversion_ways([needed.as_str()]);
            ids.extend(named.is_none().then_some(own));
            ids
        };
        let ids = session.visit(self.deadline, ids).await?;
        let is_enough = move |state: &State| {
            (named.is_some() || state.quotes.prices(own).is_some()) && state.converts(&currency)
        };
        self.priced(&session, ids, is_enough).await?;
        let margin = move |state: &mut State| {
            let price = match named {
                Some(price) => Price::from_f64(price, terms.full.digits)?,
                None => state.quotes.prices(terms.full.symbol_id)?.open(side),
            };
            let market = state.quotes.market(&state.catalogue);
            order_margin(&terms.contract, side.market_order(), volume, price, &state.deposit(), &market)
        };
        let margin = session.visit(self.deadline, margin).await?;
        margin.map(Money::to_f64).ok_or_else(|| {
            let told = "The margin of this symbol cannot be computed: its calculation mode has no published formula, or \
                        the amount is beyond all measure.";
            Error::new(Code::NotFound, told)
        })
    }
}

impl Caller<'_> {
    /// Shows figures that are right, or says why there are none.
    pub(super) async fn with_figures<T: Send + 'static>(
        &self,
        session: &Session,
        show: impl Fn(&State, &Equity, &Floating) -> T + Clone + Send + 'static,
    ) -> Result<T, Error> {
        let look = move |state: &mut State| match state.figures() {
            Some((equity, floating)) => Ok(show(state, &equity, &floating)),
            None => Err(state.missing_terms()),
        };
        match session.visit(self.deadline, look.clone()).await? {
            Ok(shown) => return Ok(shown),
            // A symbol that the account has just got something in: its record is fetched.
            Err(missing) => session.fetch_symbols(self.deadline, &missing).await?,
        }
        session.visit(self.deadline, look).await?.map_err(|_| {
            let told = "The trade server has not told the terms of the symbol of an open position or order, so equity \
                        and margin cannot be computed. Try again.";
            Error::new(Code::InvalidData, told)
        })
    }
}

/// Whether these rights of an account are those of its read-only password.
pub(crate) const fn is_investor(rights: i32) -> bool {
    rights & INVESTOR != 0
}

/// Whether nothing may be changed with these rights, by the password or by the broker.
pub(super) const fn is_read_only(rights: i32) -> bool {
    rights & (INVESTOR | READ_ONLY) != 0
}

fn kind(state: &State) -> &'static str {
    match state.account.main.account_type {
        1 => "demo",
        2 => "contest",
        3 => "preliminary",
        _ => "real",
    }
}

pub(super) fn method(state: &State) -> AccMethod {
    match state.account.main.margin_mode {
        0 | 1 => AccMethod::Netting,
        2 => AccMethod::Hedging,
        _ => AccMethod::Default,
    }
}
