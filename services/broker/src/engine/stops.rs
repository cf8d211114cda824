//! Stop loss and take profit of positions.

use model::Retcode;

use super::desk::{Desk, Done};
use super::{Change, DealReport, TradeRequest, check};

impl Desk<'_> {
    /// Sets stop loss and take profit of a position.
    pub(super) fn change_stops(&mut self, request: &TradeRequest) -> Result<Done, Retcode> {
        let position = self.position(request.position)?;
        let symbol = self.known_symbol(position.symbol)?;
        let quote = self.open_market(&symbol)?;
        let (sl, tp) = (check::stop(&symbol, request.sl)?, check::stop(&symbol, request.tp)?);
        check::position_not_frozen(&symbol, &position, quote)?;
        if (sl, tp) == (position.sl, position.tp) {
            return Err(Retcode::NO_CHANGES);
        }
        let changed = |new, old| if new == old { None } else { new };
        let reference = quote.close(position.side);
        check::stops(&symbol, position.side, reference, changed(sl, position.sl), changed(tp, position.tp))?;
        let now = self.now;
        if let Some(position) = self.account.positions.get_mut(&position.id) {
            (position.sl, position.tp, position.updated) = (sl, tp, now);
        }
        let position = self.account.positions.get(&position.id).cloned();
        let funds = self.account.funds();
        self.report(Change::Updated, DealReport { position, funds, ..DealReport::default() });
        Ok(Done::of(Retcode::DONE, None))
    }
}
