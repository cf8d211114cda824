//! Messages whose numbers make no sense.

use wire::records as w;
use wire::{Bare, Command, Counted, Payload};

const NONE: f64 = f64::NAN;

/// The same message with prices and money that are no numbers; one that has none stays as it is.
pub(crate) fn absurd(command: u16, body: &[u8]) -> Vec<u8> {
    let spoilt = match Command::from_number(command) {
        Some(Command::Account | Command::AccountUpdate) => {
            spoil(body, |account: &mut w::Account| account.main.balance = NONE)
        }
        Some(Command::Portfolio) => spoil(body, |open: &mut w::Portfolio| {
            open.positions.iter_mut().for_each(|position| position.price_open = NONE);
            open.orders.iter_mut().for_each(|order| order.price_order = NONE);
        }),
        Some(Command::History) => spoil(body, |history: &mut w::History| {
            history.deals.iter_mut().for_each(|deal| deal.profit = NONE);
        }),
        Some(Command::TradeUpdate) => spoil(body, |update: &mut w::TradeUpdate| match update {
            w::TradeUpdate::Orders(orders) => {
                orders.iter_mut().for_each(|update| update.order.price_order = NONE);
            }
            w::TradeUpdate::Deals(deals) => deals.iter_mut().for_each(|update| update.head.balance = NONE),
        }),
        Some(Command::TradeResult) => spoil(body, |push: &mut w::TradeResultPush| push.result.price = NONE),
        Some(Command::FullSymbols) => spoil(body, |symbols: &mut Counted<w::FullSymbol>| {
            symbols.0.iter_mut().for_each(|symbol| symbol.contract_size = NONE);
        }),
        Some(Command::SymbolUpdate) => spoil(body, |symbols: &mut Bare<w::FullSymbol>| {
            symbols.0.iter_mut().for_each(|symbol| symbol.contract_size = NONE);
        }),
        Some(Command::Bars) => spoil(body, |bars: &mut Bare<w::Bar>| {
            bars.0.iter_mut().for_each(|bar| bar.close = NONE);
        }),
        Some(Command::Ticks) => spoil(body, |ticks: &mut Bare<w::Tick>| {
            ticks.0.iter_mut().for_each(|tick| (tick.bid, tick.ask) = (NONE, NONE));
        }),
        Some(Command::SymbolDetails) => spoil(body, |details: &mut Bare<w::SymbolDetails>| {
            details.0.iter_mut().for_each(|details| details.bid_high = NONE);
        }),
        Some(Command::Books) => spoil(body, |books: &mut w::Books| {
            let levels = books.0.iter_mut().flat_map(|book| &mut book.levels);
            levels.for_each(|level| level.price = i64::MAX);
        }),
        _ => None,
    };
    spoilt.unwrap_or_else(|| body.to_vec())
}

fn spoil<P: Payload>(body: &[u8], change: impl FnOnce(&mut P)) -> Option<Vec<u8>> {
    let mut payload = P::from_bytes(body).ok()?;
    change(&mut payload);
    Some(payload.to_bytes())
}
