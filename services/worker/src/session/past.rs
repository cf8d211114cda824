//! The whole history of an account, loaded in the background if the connect call asked for it, and kept up by what
//! happens.

use std::collections::BTreeMap;

use error::{Code, Error};
use tokio::sync::watch;
use wire::records::{Deal, History, HistoryRequest, Order};

use crate::ranges::{HistoryAsking, RECORDS_MAX};

/// Everything since the account began.
const EVERYTHING: HistoryRequest = HistoryRequest { from: 0, to: 0 };

/// How far the load has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nobody asked for it.
    #[default]
    Unwanted,
    /// To be asked for.
    Wanted,
    /// Asked for.
    Asked,
    /// There.
    Complete,
    /// Too long to be kept.
    TooLong,
}

/// Deals and ended orders since the account began, by ticket.
#[derive(Debug, Default)]
pub(crate) struct Past {
    stage: Stage,
    /// What has come of it, while it is asked for.
    asking: Option<Box<HistoryAsking>>,
    /// Tells those who wait that the load has ended.
    ended: watch::Sender<()>,
    deals: BTreeMap<i64, Deal>,
    orders: BTreeMap<i64, Order>,
}

impl Past {
    /// Wants the history.
    pub(crate) fn want(&mut self) {
        if self.stage == Stage::Unwanted {
            self.stage = Stage::Wanted;
        }
    }

    /// Whether it is wanted, be it there or not.
    pub(crate) const fn is_wanted(&self) -> bool {
        !matches!(self.stage, Stage::Unwanted)
    }

    /// Whether it must be asked for now.
    pub(crate) fn is_to_be_asked(&self) -> bool {
        self.stage == Stage::Wanted
    }

    /// What to ask for next; none when all of it has come, which is taken over then.
    pub(crate) fn next(&mut self) -> Option<HistoryRequest> {
        let begun = || Box::new(HistoryAsking::new(&EVERYTHING, RECORDS_MAX));
        let ask = match self.stage {
            Stage::Wanted | Stage::Asked => self.asking.get_or_insert_with(begun).next(),
            Stage::Unwanted | Stage::Complete | Stage::TooLong => return None,
        };
        if ask.is_some() {
            self.stage = Stage::Asked;
        } else if let Some(asking) = self.asking.take() {
            match asking.finish() {
                (history, None) => self.load(history),
                (_, Some(_)) => self.give_up(),
            }
        }
        ask
    }

    /// An answer has come.
    pub(crate) fn take(&mut self, history: History) {
        if let Some(asking) = &mut self.asking {
            asking.take(history);
        }
    }

    /// The answer did not come: to be asked for again, from the beginning.
    pub(crate) fn missed(&mut self) {
        if self.stage == Stage::Asked {
            self.stage = Stage::Wanted;
            self.asking = None;
        }
    }

    /// Changes when the load has ended.
    pub(crate) fn ended(&self) -> watch::Receiver<()> {
        self.ended.subscribe()
    }

    /// Whether the load has ended.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self.stage, Stage::Complete | Stage::TooLong)
    }

    /// Takes the answer over. What happened since it was asked for is there already and wins.
    fn load(&mut self, history: History) {
        for deal in history.deals {
            self.deals.entry(deal.deal).or_insert(deal);
        }
        for order in history.orders {
            self.orders.entry(order.trade_order).or_insert(order);
        }
        self.stage = Stage::Complete;
        self.ended.send_replace(());
    }

    /// The server does not give it.
    pub(crate) fn give_up(&mut self) {
        let ended = std::mem::take(&mut self.ended);
        *self = Self { stage: Stage::TooLong, ended, ..Self::default() };
        self.ended.send_replace(());
    }

    /// A deal has been made.
    pub(crate) fn add_deal(&mut self, deal: &Deal) {
        if self.is_kept() {
            self.deals.insert(deal.deal, deal.clone());
        }
    }

    /// A deal has been taken back.
    pub(crate) fn forget_deal(&mut self, ticket: i64) {
        self.deals.remove(&ticket);
    }

    /// An order has ended.
    pub(crate) fn add_order(&mut self, order: &Order) {
        if self.is_kept() {
            self.orders.insert(order.trade_order, order.clone());
        }
    }

    fn is_kept(&mut self) -> bool {
        if self.deals.len() + self.orders.len() >= RECORDS_MAX {
            self.give_up();
        }
        !matches!(self.stage, Stage::Unwanted | Stage::TooLong)
    }

    /// All of it.
    ///
    /// # Errors
    /// [`Code::OrderHistoryNotReady`] with what to do about it.
    pub(crate) fn whole(&self) -> Result<History, Error> {
        let told = match self.stage {
            Stage::Complete => {
                let (deals, orders) = (self.deals.values().cloned(), self.orders.values().cloned());
                return Ok(History { deals: deals.collect(), orders: orders.collect() });
            }
            Stage::Wanted | Stage::Asked => {
                "The order history is still being loaded: ask OrderHistoryDownloadComplete until it answers true."
            }
            Stage::Unwanted => {
                "The order history was not loaded: connect with downloadOrderHistory=true, or use OrderHistory."
            }
            Stage::TooLong => {
                "The order history is too long to be kept, or the server does not give it. Use OrderHistory."
            }
        };
        Err(Error::new(Code::OrderHistoryNotReady, told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deal(ticket: i64, profit: f64) -> Deal {
        Deal { deal: ticket, profit, ..Deal::default() }
    }

    #[test]
    fn what_happens_while_it_is_loaded_is_kept_and_wins() {
        let mut past = Past::default();
        past.add_deal(&deal(1, 0.0));
        assert_eq!(past.whole().unwrap_err().code(), Code::OrderHistoryNotReady);
        past.want();
        assert!(past.is_to_be_asked());
        assert_eq!(past.next(), Some(EVERYTHING));
        past.add_deal(&deal(3, 30.0));
        assert!(!past.is_complete());
        past.missed();
        assert!(past.is_to_be_asked(), "the link was lost");
        let ended = past.ended();
        assert_eq!(past.next(), Some(EVERYTHING));
        past.take(History { deals: vec![deal(2, 2.0), deal(3, 3.0)], orders: Vec::new() });
        assert!(!past.is_complete() && !ended.has_changed().unwrap());
        assert_eq!(past.next(), None);
        assert!(past.is_complete() && ended.has_changed().unwrap());
        let profits: Vec<i64> = past.whole().unwrap().deals.iter().map(|deal| deal.profit as i64).collect();
        assert_eq!(profits, [2, 30]);
    }

    #[test]
    fn one_that_is_too_long_is_refused_rather_than_cut() {
        let mut past = Past::default();
        past.want();
        let deals = (0..=i64::try_from(RECORDS_MAX).unwrap()).map(|ticket| deal(ticket, 0.0)).collect();
        assert!(past.next().is_some());
        past.take(History { deals, orders: Vec::new() });
        assert_eq!(past.next(), None);
        assert!(past.is_complete());
        assert!(past.whole().unwrap_err().detail().contains("too long"));
    }
}
