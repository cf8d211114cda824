//! Deals at market, in the way that their symbols are executed.

use error::{Code, Error};
use model::{Execution, Side, TradeAction, Volume};
use wire::records::TradeRequest;

use super::price_at;
use crate::backend::Caller;
use crate::session::terms::Terms;
use crate::session::{CallName, Intent, Outcome, Session, TradeLimits};

/// A deal at market that is wanted.
pub(super) struct Deal<'a> {
    pub(super) terms: &'a Terms,
    pub(super) side: Side,
    pub(super) volume: Volume,
    pub(super) price: Option<f64>,
    pub(super) slippage: Option<u64>,
}

impl Caller<'_> {
    /// A deal in the way that the symbol is executed (protocol 11.2).
    pub(super) async fn market_request(
        &self,
        session: &Session,
        deal: &Deal<'_>,
    ) -> Result<TradeRequest, Error> {
        let terms = deal.terms;
        let execution = terms.execution();
        let mut request = TradeRequest {
            trade_action: execution.deal_action().number(),
            trade_symbol: terms.full.trade_symbol.clone(),
            trade_volume: deal.volume.units(),
            digits: terms.full.digits,
            trade_type: deal.side.market_order().number(),
            type_filling: terms.market_filling().number(),
            price_deviation: deal.slippage.map_or(0, |points| u32::try_from(points).unwrap_or(u32::MAX)),
            ..TradeRequest::default()
        };
        let named = deal.price.filter(|price| price.abs() > 0.0);
        let named = named.map(|price| price_at(terms.full.digits, "price", price)).transpose()?;
        request.price_order = match (execution, named) {
            (Execution::Market | Execution::Exchange, _) => 0.0,
            (Execution::Instant, Some(price)) => price,
            (Execution::Instant, None) => self.current_price(session, deal).await?,
            (Execution::Request, _) => self.requested_price(session, deal, &request).await?,
        };
        Ok(request)
    }

    async fn current_price(&self, session: &Session, deal: &Deal<'_>) -> Result<f64, Error> {
        let id = deal.terms.full.symbol_id;
        session.visit(self.deadline, move |state| state.quotes.watch(id)).await?;
        let quotes = self.wait_for_quotes(session, &[id], None).await?;
        let quote = quotes.first().ok_or_else(|| Error::of(Code::NoPrices))?;
        Ok(if deal.side == Side::Buy { quote.ask } else { quote.bid })
    }

    /// Request execution: the server names a price first.
    async fn requested_price(
        &self,
        session: &Session,
        deal: &Deal<'_>,
        request: &TradeRequest,
    ) -> Result<f64, Error> {
        let price_order = self.current_price(session, deal).await?;
        if self.dry_run.is_some() {
            return Ok(price_order);
        }
        let question =
            TradeRequest { trade_action: TradeAction::Prices.number(), price_order, ..request.clone() };
        match session
            .trade(self.deadline, question, Intent::Prices, 0, CallName::default(), TradeLimits::default())
            .await
        {
            Outcome::Prices { bid, ask } => Ok(if deal.side == Side::Buy { ask } else { bid }),
            Outcome::Refused(error) | Outcome::NotSent(error) => Err(error),
            _ => Err(Error::timeout("The price request")),
        }
    }
}
