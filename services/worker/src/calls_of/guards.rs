//! Guards of accounts. What they do is in [`crate::guards`].

use access::{Amount, GuardBook, Guarded, Guards, Lots, Trip, Tripwire, Worth};
use calls::guards::{AccountGuards, KillSwitch, ResetGuards, SetAccountGuards};
use calls::reply::{GuardReport, GuardState};
use calls::{Handle, UtcTime};
use error::Error;
use model::Money;
use tokio::time::Instant;

use crate::backend::{About, Caller};
use crate::guards::WORTH_LIMIT;
use crate::session::Session;
use crate::session::state::State;

/// In 10^-8 of a lot, or of the deposit currency.
const UNITS: f64 = 1e8;
/// The largest number that a guard has, in lots or in the deposit currency.
const MOST: f64 = 9e10;

impl Handle<AccountGuards> for Caller<'_> {
    async fn handle(&self, _: AccountGuards, session: About<AccountGuards>) -> Result<GuardReport, Error> {
        let book = self.worker.guards_of(&session).await?;
        let looked = session.visit(self.deadline, look).await?;
        Ok(reported(&book, Some(looked)))
    }
}

impl Handle<SetAccountGuards> for Caller<'_> {
    async fn handle(
        &self,
        call: SetAccountGuards,
        session: About<SetAccountGuards>,
    ) -> Result<GuardReport, Error> {
        let amount = |name, given| Ok::<_, Error>(units(name, given)?.map(Amount::from_units));
        let lots = |name, given| Ok::<_, Error>(units(name, given)?.map(Lots::from_units));
        let guards = Guards {
            daily_loss: amount("dailyLoss", call.daily_loss)?,
            equity_floor: amount("equityFloor", call.equity_floor)?,
            lots_max: lots("lotsMax", call.lots_max)?,
            symbol_lots_max: lots("symbolLotsMax", call.symbol_lots_max)?,
            positions_max: call.positions_max,
            close_all: call.close_all,
        };
        let set = |book: &mut GuardBook| {
            book.account.guards = guards.clone();
            Ok(())
        };
        let book = self.worker.change_guards(&session, set).await?;
        Ok(self.changed(&session, &book).await)
    }
}

impl Handle<KillSwitch> for Caller<'_> {
    async fn handle(&self, call: KillSwitch, session: About<KillSwitch>) -> Result<GuardReport, Error> {
        // It is thrown whether the session is up or not, and holds on every day.
        let trip =
            Trip { by: Tripwire::KillSwitch, day: 0, at_ms: runtime::unix_ms(), close_all: call.close_all };
        let throw = |book: &mut GuardBook| {
            // What is being closed already goes on being closed.
            let close_all =
                trip.close_all || book.account.trip.as_ref().is_some_and(|before| before.close_all);
            book.account.trip = Some(Trip { close_all, ..trip.clone() });
            Ok(())
        };
        let book = self.worker.change_guards(&session, throw).await?;
        tracing::warn!(login = session.account().login, "a kill switch was thrown");
        Ok(self.changed(&session, &book).await)
    }
}

impl Handle<ResetGuards> for Caller<'_> {
    async fn handle(&self, _: ResetGuards, session: About<ResetGuards>) -> Result<GuardReport, Error> {
        let reset = |book: &mut GuardBook| {
            book.account.trip = None;
            book.keys.values_mut().for_each(|guarded| guarded.trip = None);
            // Keys that have no guards any more stood here for what had tripped.
            book.keys.retain(|_, guarded| !guarded.guards.are_none());
            Ok(())
        };
        let book = self.worker.change_guards(&session, reset).await?;
        tracing::info!(login = session.account().login, "guards were reset");
        Ok(self.changed(&session, &book).await)
    }
}

/// What a report tells of the session: the day of its server's clock, and what the account is worth.
type Looked = (i64, Option<Worth>);

fn look(state: &mut State) -> Looked {
    (state.day(), state.worth())
}

impl Caller<'_> {
    /// The guards after a change. It is done: a session that is not up only keeps the money out of the report.
    async fn changed(&self, session: &Session, book: &GuardBook) -> GuardReport {
        let until = self.deadline.min(Instant::now() + WORTH_LIMIT);
        reported(book, session.visit(until, look).await.ok())
    }
}

fn reported(book: &GuardBook, looked: Option<Looked>) -> GuardReport {
    let (day, worth) = looked.unzip();
    let worth = worth.flatten();
    let money = |units: i128| Money::from_units(units).to_f64();
    GuardReport {
        equity: worth.as_ref().map(|worth| money(worth.equity)),
        day_loss: worth.as_ref().map(|worth| money(worth.loss)),
        guards: book.all().map(|(key, guarded)| shown(key, guarded, day)).collect(),
    }
}

fn shown(key: Option<&str>, Guarded { guards, trip }: &Guarded, day: Option<i64>) -> GuardState {
    let trip = trip.as_ref().filter(|trip| day.is_none_or(|day| trip.holds(day)));
    let amount = |amount: Amount| Money::from_units(amount.units()).to_f64();
    let lots = |lots: Lots| model::Volume::from_units(lots.units()).lots();
    GuardState {
        key: key.map(str::to_owned),
        daily_loss: guards.daily_loss.map(amount),
        equity_floor: guards.equity_floor.map(amount),
        lots_max: guards.lots_max.map(lots),
        symbol_lots_max: guards.symbol_lots_max.map(lots),
        positions_max: guards.positions_max,
        close_all: guards.close_all,
        tripped_by: trip.map(|trip| trip.by.to_string()),
        tripped_at_utc: trip.map_or(UtcTime::NULL, |trip| UtcTime::from_ms(trip.at_ms)),
    }
}

/// A number that was given, exact.
fn units(name: &str, given: Option<f64>) -> Result<Option<u64>, Error> {
    let Some(given) = given else { return Ok(None) };
    if !(0.0..=MOST).contains(&given) {
        return Err(Error::invalid_param(name, &given.to_string(), "a number from 0 to 90000000000"));
    }
    Ok(Some((given * UNITS).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_guards_are_exact_or_refused() {
        assert_eq!(units("lotsMax", None).unwrap(), None);
        assert_eq!(units("lotsMax", Some(0.29)).unwrap(), Some(29_000_000));
        assert_eq!(units("lotsMax", Some(MOST)).unwrap(), Some(9_000_000_000_000_000_000));
        for wrong in [-0.1, f64::NAN, f64::INFINITY, 9.1e10] {
            assert!(units("lotsMax", Some(wrong)).is_err(), "{wrong}");
        }
    }
}
