//! The symbols of a server, kept once for all sessions on it.
//!
//! The list comes with each login and is compared with the one in memory: equal lists are one allocation. Full
//! records are fetched when somebody first needs them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use error::Error;
use link::Endpoint;
use wire::records::{FullSymbol, SymbolBrief};

use crate::nearest::nearest;

/// A line of the list, as sessions use it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Brief {
    /// Number in ticks and subscriptions.
    pub(crate) id: u32,
    /// Name.
    pub(crate) name: Arc<str>,
    /// Price digits.
    pub(crate) digits: u32,
    /// Whether it is a currency pair, by its calculation mode.
    pub(crate) is_forex: bool,
}

/// The list of a server, and what is known of its symbols.
#[derive(Debug)]
pub(crate) struct Catalogue {
    list: Vec<Brief>,
    by_name: HashMap<Arc<str>, usize>,
    by_id: HashMap<u32, usize>,
    /// Currency pairs by the six letters of their currencies: conversions look them up at every tick.
    pairs: HashMap<[u8; 6], usize>,
    full: RwLock<HashMap<u32, Arc<FullSymbol>>>,
}

impl Catalogue {
    pub(crate) fn new(symbols: &[SymbolBrief]) -> Self {
        let list: Vec<Brief> = symbols.iter().map(brief).collect();
        let by_name = list.iter().enumerate().map(|(place, one)| (Arc::clone(&one.name), place)).collect();
        let by_id = list.iter().enumerate().map(|(place, one)| (one.id, place)).collect();
        let pairs = pairs(&list);
        Self { list, by_name, by_id, pairs, full: RwLock::default() }
    }

    /// All symbols, in the server's order.
    pub(crate) fn list(&self) -> &[Brief] {
        &self.list
    }

    /// By name, exactly as the broker spells it: what differs in a sign or in the case of a letter is another symbol.
    pub(crate) fn named(&self, name: &str) -> Option<&Brief> {
        self.by_name.get(name).and_then(|place| self.list.get(*place))
    }

    /// By the name that a caller gave.
    ///
    /// # Errors
    /// [`Error::invalid_symbol`], with the names that are nearest.
    pub(crate) fn known(&self, name: &str) -> Result<&Brief, Error> {
        self.named(name).ok_or_else(|| {
            let names = self.list.iter().map(|one| one.name.as_ref());
            Error::invalid_symbol(name, &nearest(name, names))
        })
    }

    pub(crate) fn by_id(&self, id: u32) -> Option<&Brief> {
        self.by_id.get(&id).and_then(|place| self.list.get(*place))
    }

    /// The currency pair of two currencies: named by them, perhaps with a suffix; the shortest name wins.
    pub(crate) fn pair(&self, base: &str, profit: &str) -> Option<&Brief> {
        let letters: Vec<u8> = base.bytes().chain(profit.bytes()).collect();
        let place = self.pairs.get(&<[u8; 6]>::try_from(letters).ok()?)?;
        self.list.get(*place)
    }

    pub(crate) fn full(&self, id: u32) -> Option<Arc<FullSymbol>> {
        self.full.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// The folders of symbols whose full records are here, each once.
    pub(crate) fn folders(&self) -> Vec<String> {
        let full = self.full.read().unwrap_or_else(PoisonError::into_inner);
        let folder = |symbol: &Arc<FullSymbol>| {
            symbol.trade.symbol_path.rsplit_once('\\').map(|(folder, _)| folder.to_owned())
        };
        full.values().filter_map(folder).collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// Takes full records over; only those of the list, so that a server cannot fill the memory.
    pub(crate) fn learn(&self, symbols: Vec<FullSymbol>) {
        let mut full = self.full.write().unwrap_or_else(PoisonError::into_inner);
        for symbol in symbols {
            if self.by_id.contains_key(&symbol.symbol_id) {
                full.insert(symbol.symbol_id, Arc::new(symbol));
            }
        }
    }
}

/// The first six letters of forex symbols; where several begin alike, the shortest name.
fn pairs(list: &[Brief]) -> HashMap<[u8; 6], usize> {
    let mut pairs: HashMap<[u8; 6], usize> = HashMap::new();
    for (place, symbol) in list.iter().enumerate().filter(|(_, symbol)| symbol.is_forex) {
        let Some(letters) = symbol.name.as_bytes().first_chunk() else { continue };
        let known = pairs.entry(*letters).or_insert(place);
        if symbol.name.len() < list[*known].name.len() {
            *known = place;
        }
    }
    pairs
}

fn brief(symbol: &SymbolBrief) -> Brief {
    let mode = model::CalcMode::from_number(symbol.trade_calc_mode);
    Brief {
        id: symbol.symbol_id,
        name: symbol.trade_symbol.as_str().into(),
        digits: symbol.digits.min(model::SCALE_DIGITS),
        is_forex: matches!(mode, Some(model::CalcMode::Forex | model::CalcMode::ForexNoLeverage)),
    }
}

/// The proxy that could be the server himself, and the server.
type Source = (Option<String>, Endpoint);

/// The catalogues in use, by server, and by the proxy that could be the server himself: what that one tells is for those
/// alone who come that way.
#[derive(Debug, Default)]
pub(crate) struct Catalogues(Mutex<HashMap<Source, Weak<Catalogue>>>);

impl Catalogues {
    /// How many are in use.
    pub(crate) fn count(&self) -> usize {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.values().filter(|catalogue| catalogue.strong_count() > 0).count()
    }

    /// The catalogue of a server whose login sent this list: the one in memory if the list is the same.
    pub(crate) fn of(
        &self,
        detour: Option<String>,
        server: &Endpoint,
        symbols: &[SymbolBrief],
    ) -> Arc<Catalogue> {
        let source = (detour, server.clone());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let current = known.get(&source).and_then(Weak::upgrade);
        if let Some(catalogue) = current
            && catalogue.list.len() == symbols.len()
            && catalogue.list.iter().zip(symbols).all(|(held, sent)| *held == brief(sent))
        {
            return catalogue;
        }
        let fresh = Arc::new(Catalogue::new(symbols));
        known.retain(|_, catalogue| catalogue.strong_count() > 0);
        known.insert(source, Arc::downgrade(&fresh));
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(id: u32, name: &str, mode: u32) -> SymbolBrief {
        SymbolBrief {
            symbol_id: id,
            trade_symbol: name.into(),
            trade_calc_mode: mode,
            digits: 5,
            ..Default::default()
        }
    }

    #[test]
    fn pairs_are_found_by_name_with_or_without_a_suffix() {
        let list = [
            symbol(1, "EURUSD.pro", 0),
            symbol(2, "EURUSD.m", 0),
            symbol(3, "USDJPY", 0),
            symbol(4, "GBPUSD", 2),
        ];
        let catalogue = Catalogue::new(&list);
        assert_eq!(catalogue.pair("EUR", "USD").map(|one| one.id), Some(2));
        assert_eq!(catalogue.pair("USD", "JPY").map(|one| one.id), Some(3));
        assert_eq!(catalogue.pair("GBP", "USD"), None, "a CFD is no currency pair");
    }

    #[test]
    fn symbols_are_named_exactly() {
        let list = [symbol(1, "EURUSD", 0), symbol(2, "EURUSD+", 0), symbol(3, "eurusd.m", 0)];
        let catalogue = Catalogue::new(&list);
        for one in &list {
            assert_eq!(catalogue.known(&one.trade_symbol).map(|found| found.id), Ok(one.symbol_id));
        }
        for wrong in ["EURUSD ", " EURUSD", "eurusd", "EURUSD.M", "EURUSD\n", "EURUSD%2B", "\"EURUSD\"", ""] {
            let refused = catalogue.known(wrong).unwrap_err();
            assert_eq!(refused.code(), error::Code::InvalidSymbol, "{wrong:?}");
            assert_eq!(
                refused.detail().contains("%2B in") || refused.detail().contains("%2B for"),
                wrong.contains(char::is_whitespace),
                "{refused}"
            );
        }
        assert!(catalogue.known("EURUSD ").unwrap_err().detail().contains("The nearest are EURUSD+, EURUSD"));
    }

    #[test]
    fn equal_lists_of_a_server_are_held_once() {
        let catalogues = Catalogues::default();
        let server = Endpoint::parse("broker.example", None).unwrap();
        let list = [symbol(1, "EURUSD", 0)];
        let first = catalogues.of(None, &server, &list);
        assert!(Arc::ptr_eq(&first, &catalogues.of(None, &server, &list)));
        let changed = catalogues.of(None, &server, &[symbol(1, "EURUSD", 0), symbol(2, "USDJPY", 0)]);
        assert!(!Arc::ptr_eq(&first, &changed));
    }

    #[test]
    fn what_a_proxy_tells_is_not_shared_with_others() {
        let catalogues = Catalogues::default();
        let server = Endpoint::parse("broker.example", None).unwrap();
        let list = [symbol(1, "EURUSD", 0)];
        let direct = catalogues.of(None, &server, &list);
        let astray = catalogues.of(Some("proxy.example:1080".to_owned()), &server, &list);
        astray.learn(vec![FullSymbol { symbol_id: 1, ..FullSymbol::default() }]);
        assert!(astray.full(1).is_some() && direct.full(1).is_none());
    }
}
