//! Whole ranges, however little the trade server answers at once.

use error::Error;
use tokio::time::Instant;
use wire::records::{Bar, BarsRequest, History, HistoryRequest, Period};
use wire::requests;

use super::Session;
use crate::ranges::{BarsAsking, Cut, HistoryAsking};

impl Session {
    /// The bars of a symbol that one asks for, until all have come or `is_enough`.
    pub(crate) async fn whole_bars(
        &self,
        deadline: Instant,
        symbol: &str,
        period: Period,
        mut asking: BarsAsking,
        is_enough: impl Fn(&BarsAsking) -> bool,
    ) -> Result<Vec<Bar>, Error> {
        while let Some((from, to)) = asking.next()? {
            let ask = BarsRequest { symbol: symbol.to_owned(), period: period.code, from, to };
            asking.take(self.request::<requests::Bars>(deadline, &ask).await?.0)?;
            if is_enough(&asking) {
                break;
            }
        }
        Ok(asking.finish())
    }

    /// The deals and ended orders of a range, of which at most about so many are held, and why part of it is missing, if it is.
    pub(crate) async fn whole_history(
        &self,
        deadline: Instant,
        range: &HistoryRequest,
        records_max: usize,
    ) -> Result<(History, Option<Cut>), Error> {
        let mut asking = HistoryAsking::new(range, records_max);
        while let Some(ask) = asking.next() {
            asking.take(self.request::<requests::History>(deadline, &ask).await?);
        }
        Ok(asking.finish())
    }
}
