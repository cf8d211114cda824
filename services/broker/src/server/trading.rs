//! Trade requests: from the wire to the engine, and its events to the sessions.

use std::sync::Arc;
use std::time::Duration;

use model::{Expiration, Filling, OrderType, Retcode, Side, TradeAction, Volume};
use wire::records as w;
use wire::records::Profile;
use wire::{Command as WireCommand, Payload, code, pushes};

use super::client::ClientId;
use super::hub::Hub;
use super::outbox::Body;
use super::records::{Records, result_push};
use crate::accounts::Access;
use crate::engine::{Command, Event, Login, Ticket, TradeRequest, Verdict};
use crate::faults::Fault;
use crate::store::Store;

/// What is told when it could be written.
pub(super) enum Withheld {
    Events(Vec<Event>, Option<Box<Asked>>),
    /// The record of an account has changed.
    Account(Login),
}

/// Who asked for what, for the verdict; and what goes wrong with it on purpose.
#[derive(Clone)]
pub(super) struct Asked {
    client: ClientId,
    request: w::TradeRequest,
    fault: Option<Fault>,
}

impl Asked {
    /// Whether the connection is about to be lost.
    fn loses_connection(&self) -> bool {
        matches!(self.fault, Some(Fault::LoseRequest | Fault::LoseAnswer | Fault::LoseResult))
    }
}

impl Hub {
    /// Command 12. A request that names unknown numbers gets its verdict at once, all others are accepted and
    /// judged by the engine.
    pub(super) fn trade(&mut self, id: ClientId, prefix: [u8; 2], access: Access, payload: &[u8]) {
        let Some(outbox) = self.clients.get(&id).map(|client| Arc::clone(&client.outbox)) else { return };
        let number = WireCommand::Trade.number();
        let answer = |retcode: Retcode| {
            let body = w::TradeAnswer { retcode: retcode.0 }.to_bytes();
            outbox.answer(prefix, number, code::SUCCESS, body.into());
        };
        let Ok((asked, profile)) = w::TradeRequest::from_either(payload) else {
            return outbox.answer(prefix, number, code::INTERNAL_ERROR, [].into());
        };
        // What could not be kept would be lost with the process.
        if self.is_failing() {
            return answer(Retcode::PROCESSING_ERROR);
        }
        let request = match understand(&asked, profile) {
            Ok(request) => request,
            Err(retcode) => return answer(retcode),
        };
        let fault = self.faults.of_trade(access.login.0, is_deal(request.action));
        match fault {
            Some(Fault::LoseRequest) => return outbox.close(),
            Some(Fault::LoseAnswer) => outbox.close(),
            Some(Fault::Reject { retcode, at_once: true }) => return answer(Retcode(retcode)),
            _ => answer(Retcode::NONE),
        }
        if matches!(fault, Some(Fault::LoseResult)) {
            outbox.hang_up();
        }
        let asked = Asked { client: id, request: asked, fault };
        self.execute(&asked, access, request);
    }

    /// Lets the engine judge a request, unless a fault does.
    fn execute(&mut self, asked: &Asked, access: Access, mut request: TradeRequest) {
        match asked.fault {
            Some(Fault::Requote) => return self.refuse(asked, &request, Retcode::REQUOTE),
            Some(Fault::Reject { retcode, .. }) => return self.refuse(asked, &request, Retcode(retcode)),
            Some(Fault::PartialFill { share }) => request.share = share,
            _ => {}
        }
        let command = Command::Trade {
            login: access.login,
            tag: asked.client.0,
            is_investor: access.is_investor,
            request: Box::new(request),
        };
        let events = self.engine.apply(command, self.clock.now());
        self.announce(events, Some(asked));
    }

    /// Gives a verdict that the engine has no part in, with the prices of the symbol.
    fn refuse(&mut self, asked: &Asked, request: &TradeRequest, retcode: Retcode) {
        let mut verdict = Verdict { comment: retcode.text().into(), ..Verdict::of(retcode) };
        let symbol = self.catalogue.by_name(&request.symbol);
        if let Some(quote) = symbol.and_then(|symbol| self.engine.quote(symbol.id)) {
            (verdict.bid, verdict.ask) = (quote.price.bid, quote.price.ask);
        }
        self.give_verdict(asked, &verdict);
    }

    /// Keeps events and sends them to the sessions they concern, in order; a verdict goes only to who asked. What cannot be
    /// written is told when it can: nobody knows of anything that would be gone with the process.
    pub(super) fn announce(&mut self, events: Vec<Event>, asked: Option<&Asked>) {
        let now = self.kept_time();
        if events.is_empty() {
            return;
        }
        if let Some(store) = &mut self.store {
            store.keep_events(&events, now);
        }
        if self.is_failing() {
            self.withheld.push(Withheld::Events(events, asked.cloned().map(Box::new)));
            return;
        }
        self.tell_withheld();
        self.tell(events, asked);
    }

    /// Whether the last thing that should be kept could not be written.
    pub(super) fn is_failing(&self) -> bool {
        self.store.as_ref().is_some_and(Store::is_failing)
    }

    /// Whether what is done now can be kept: what could not be is tried once more.
    pub(super) fn is_writable(&mut self) -> bool {
        let now = self.kept_time();
        let Some(store) = &mut self.store else { return true };
        store.retry(now);
        if store.is_failing() {
            return false;
        }
        self.tell_withheld();
        true
    }

    /// Whether something has happened that nobody has been told of, since it could not be written yet.
    pub(super) fn is_withholding(&self) -> bool {
        !self.withheld.is_empty()
    }

    fn tell_withheld(&mut self) {
        for withheld in std::mem::take(&mut self.withheld) {
            match withheld {
                Withheld::Events(events, asked) => self.tell(events, asked.as_deref()),
                Withheld::Account(login) => self.tell_account(login),
            }
        }
    }

    fn tell(&mut self, events: Vec<Event>, asked: Option<&Asked>) {
        for event in events {
            match event {
                Event::Order { login, list, change, order } => {
                    let transaction = self.next_transaction();
                    let update = self.records(login).order_update(list, change, &order, transaction);
                    self.update_sessions(login, &update, asked);
                }
                Event::Deal { login, change, report } => {
                    let transaction = self.next_transaction();
                    let update = self.records(login).deal_update(change, &report, transaction);
                    self.update_sessions(login, &update, asked);
                }
                Event::Verdict { verdict, .. } => {
                    if let Some(asked) = asked {
                        self.give_verdict(asked, &verdict);
                    }
                }
                // Accounts are told with their next deal.
                Event::NewDay { .. } => {}
                Event::MarginCall { login } => tracing::info!(login = login.0, "margin call"),
            }
        }
    }

    fn update_sessions(&self, login: Login, update: &w::TradeUpdate, asked: Option<&Asked>) {
        let body: Body = update.to_bytes().into();
        let is_lost =
            |id: ClientId| asked.is_some_and(|asked| asked.client == id && asked.loses_connection());
        for (id, outbox) in self.sessions(login) {
            if !is_lost(id) {
                outbox.push::<pushes::TradeUpdate>(Arc::clone(&body));
            }
        }
    }

    fn give_verdict(&mut self, asked: &Asked, verdict: &Verdict) {
        if asked.loses_connection() || matches!(asked.fault, Some(Fault::Silence)) {
            return;
        }
        self.last_serial = self.last_serial.wrapping_add(1);
        let result = result_push(self.last_serial, &asked.request, verdict, self.clock.now());
        let Some(client) = self.clients.get(&asked.client) else { return };
        let body: Body = result.to_bytes().into();
        match asked.fault {
            Some(Fault::LateResult { ms }) => {
                client.outbox.push_late::<pushes::TradeResult>(body, Duration::from_millis(ms.into()));
            }
            _ => client.outbox.push::<pushes::TradeResult>(body),
        }
    }

    pub(super) fn records(&self, login: Login) -> Records<'_> {
        let money_digits = self.engine.terms(login).map_or(2, |terms| terms.deposit.digits);
        Records { catalogue: &self.catalogue, money_digits }
    }

    fn next_transaction(&mut self) -> u32 {
        self.last_transaction = self.last_transaction.wrapping_add(1);
        self.last_transaction
    }
}

/// Whether it deals at market.
fn is_deal(action: TradeAction) -> bool {
    use TradeAction::{DealExchange, DealInstant, DealMarket, DealRequest};
    matches!(action, DealRequest | DealInstant | DealMarket | DealExchange)
}

/// The request with its numbers understood, or what is wrong with one that is unknown.
fn understand(asked: &w::TradeRequest, profile: Profile) -> Result<TradeRequest, Retcode> {
    let invalid = Retcode::INVALID_REQUEST;
    let kind = OrderType::from_number(asked.trade_type).ok_or(invalid)?;
    let (price, limit_price) = stop_limit_prices(asked, kind, profile);
    let ticket = |number: u64| (number != 0).then_some(Ticket(number));
    Ok(TradeRequest {
        action: TradeAction::from_number(asked.trade_action).ok_or(invalid)?,
        symbol: asked.trade_symbol.clone(),
        volume: Volume::from_units(asked.trade_volume),
        kind,
        filling: Filling::from_number(asked.type_filling).ok_or(Retcode::INVALID_FILLING)?,
        expiration: Expiration::from_number(asked.type_time).ok_or(Retcode::INVALID_EXPIRATION)?,
        expires_s: i64::from(asked.time_expiration),
        price,
        limit_price,
        sl: asked.price_sl,
        tp: asked.price_tp,
        deviation: asked.price_deviation,
        comment: asked.comment.clone(),
        order: ticket(asked.trade_order),
        position: ticket(asked.trade_position),
        position_by: ticket(asked.position_by),
        share: 1.0,
    })
}

/// Order and limit price. pymt5 sends those of stop-limit orders the other way round; they are turned when the
/// order would make no sense as it is, so that a corrected version of it is understood too.
fn stop_limit_prices(asked: &w::TradeRequest, kind: OrderType, profile: Profile) -> (f64, f64) {
    let as_sent = (asked.price_order, asked.price_trigger);
    if profile == Profile::Official || !kind.is_stop_limit() || asked.price_trigger == 0.0 {
        return as_sent;
    }
    let is_turned = match kind.side() {
        Some(Side::Sell) => as_sent.0 > as_sent.1,
        _ => as_sent.0 < as_sent.1,
    };
    if is_turned { (as_sent.1, as_sent.0) } else { as_sent }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turned_stop_limit_prices_are_turned_back() {
        let prices = |kind: OrderType, order, trigger, profile| {
            let asked =
                w::TradeRequest { price_order: order, price_trigger: trigger, ..w::TradeRequest::default() };
            stop_limit_prices(&asked, kind, profile)
        };
        use OrderType::{BuyStop, BuyStopLimit, SellStopLimit};
        let py = Profile::Pymt5;
        assert_eq!(prices(BuyStopLimit, 1.1, 1.2, Profile::Official), (1.1, 1.2));
        assert_eq!(prices(BuyStopLimit, 1.1, 1.2, py), (1.2, 1.1));
        assert_eq!(prices(BuyStopLimit, 1.2, 1.1, py), (1.2, 1.1));
        assert_eq!(prices(SellStopLimit, 1.2, 1.1, py), (1.1, 1.2));
        assert_eq!(prices(BuyStopLimit, 1.1, 0.0, py), (1.1, 0.0));
        assert_eq!(prices(BuyStop, 1.1, 1.2, py), (1.1, 1.2));
    }

    #[test]
    fn unknown_numbers_are_not_understood() {
        let good = w::TradeRequest { trade_action: 3, ..w::TradeRequest::default() };
        assert!(understand(&good, Profile::Official).is_ok());
        for (bad, why) in [
            (w::TradeRequest { trade_action: 9, ..good.clone() }, Retcode::INVALID_REQUEST),
            (w::TradeRequest { trade_type: 9, ..good.clone() }, Retcode::INVALID_REQUEST),
            (w::TradeRequest { type_filling: 4, ..good.clone() }, Retcode::INVALID_FILLING),
            (w::TradeRequest { type_time: 4, ..good }, Retcode::INVALID_EXPIRATION),
        ] {
            assert_eq!(understand(&bad, Profile::Official), Err(why));
        }
    }
}
