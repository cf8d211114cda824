//! Whole ranges, however little the trade server answers at once.

use error::Error;
use tokio::time::Instant;
use wire::records::{Bar, BarsRequest, History, HistoryRequest, Period};
use wire::requests;

use super::Session;
use crate::ranges::{BAR_BYTES, BarsAsking, Cut, HistoryAsking, RECORD_BYTES};
use crate::reply_memory::Reservation;

impl Session {
    /// The bars of a symbol that one asks for, until all have come or `is_enough`. What they take stays reserved.
    pub(crate) async fn whole_bars(
        &self,
        deadline: Instant,
        symbol: &str,
        period: Period,
        mut asking: BarsAsking,
        is_enough: impl Fn(&BarsAsking) -> bool,
        memory: &Reservation,
    ) -> Result<Vec<Bar>, Error> {
        while let Some((from, to)) = asking.next()? {
            let (before, expected) = (asking.count(), asking.expected());
            memory.add(expected * BAR_BYTES).await?;
            let ask = BarsRequest { symbol: symbol.to_owned(), period: period.code, from, to };
            asking.take(self.request::<requests::Bars>(deadline, &ask).await?.0)?;
            let brought = asking.count() - before;
            memory.add(brought.saturating_sub(expected) * BAR_BYTES).await?;
            memory.give_back(expected.saturating_sub(brought) * BAR_BYTES);
            if is_enough(&asking) {
                break;
            }
        }
        Ok(asking.finish())
    }

    /// The deals and ended orders of a range, of which at most about so many are held, and why part of it is missing, if it is.
    /// What they take stays reserved.
    pub(crate) async fn whole_history(
        &self,
        deadline: Instant,
        range: &HistoryRequest,
        records_max: usize,
        memory: &Reservation,
    ) -> Result<(History, Option<Cut>), Error> {
        let mut asking = HistoryAsking::new(range, records_max);
        while let Some(ask) = asking.next() {
            let before = asking.count();
            asking.take(self.request::<requests::History>(deadline, &ask).await?);
            memory.add((asking.count() - before) * RECORD_BYTES).await?;
        }
        Ok(asking.finish())
    }
}
