//! The walks of all symbols together: drivers walk by themselves, crosses are products of drivers.

use std::sync::Arc;

use model::{Price, ServerTime};

use super::noise::hash;
use super::path::Path;
use crate::catalogue::{Catalogue, Symbol, SymbolId};

/// Units of the grid in a day.
const DAY_UNITS: i64 = 5760;

/// Everything that the generated prices depend on.
#[derive(Clone, Debug)]
pub struct World {
    seed: u64,
    catalogue: Arc<Catalogue>,
    paths: Vec<Path>,
}

impl World {
    /// The prices of this seed.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>, seed: u64) -> Self {
        let path = |symbol: &Arc<Symbol>| {
            // The name, so that a new symbol in the table changes no other one's prices.
            let name: u64 = symbol.name.bytes().fold(0, |sum, byte| hash(&[sum, u64::from(byte)]));
            Path::new(hash(&[seed, name]), symbol.pace.price, symbol.pace.volatility)
        };
        let paths = catalogue.symbols().iter().map(path).collect();
        Self { seed, catalogue, paths }
    }

    /// The same prices of the same symbols under other terms.
    #[must_use]
    pub fn under(&self, catalogue: Arc<Catalogue>) -> Self {
        Self { catalogue, ..self.clone() }
    }

    /// The seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The symbols.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The logarithm of a driver's price.
    pub(crate) fn driver_ln(&self, driver: SymbolId, time: ServerTime) -> f64 {
        self.paths.get(driver.index()).map_or(0.0, |path| path.at_ms(time.ms()))
    }

    /// The middle of the market at a moment.
    #[must_use]
    pub fn mid(&self, symbol: &Symbol, time: ServerTime) -> f64 {
        symbol.drivers.iter().map(|(driver, power)| power * self.driver_ln(*driver, time)).sum::<f64>().exp()
    }

    /// The middle at every quarter of a minute of a day (counted from 1970), and at the midnight that ends it.
    #[must_use]
    pub(crate) fn day_of_mids(&self, symbol: &Symbol, day: i64) -> Vec<f64> {
        let (first, last) = (day * DAY_UNITS, (day + 1) * DAY_UNITS);
        let mut sums = vec![0.0; usize::try_from(DAY_UNITS + 1).unwrap_or(0)];
        for (driver, power) in &symbol.drivers {
            let Some(path) = self.paths.get(driver.index()) else { continue };
            for (sum, value) in sums.iter_mut().zip(path.units(first, last)) {
                *sum += power * value;
            }
        }
        sums.iter().map(|ln| ln.exp()).collect()
    }
}

/// The bid that belongs to a middle price, at the symbol's usual spread unless another is given.
pub(crate) fn bid_of(symbol: &Symbol, mid: f64, spread: Option<Price>) -> Price {
    let spread = spread.unwrap_or_else(|| symbol.points(symbol.pace.spread));
    let bid = symbol.price(mid - spread.to_f64() / 2.0).unwrap_or(symbol.tick_size);
    bid.max(symbol.tick_size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::MarketHours;

    #[test]
    fn crosses_are_products_of_their_drivers() {
        let catalogue = Arc::new(Catalogue::built_in(MarketHours::Always));
        let world = World::new(Arc::clone(&catalogue), 5);
        let mid = |name: &str, time| world.mid(catalogue.by_name(name).unwrap(), time);
        for minute in 0..500 {
            let time = ServerTime::from_ms(1_795_305_600_000 + minute * 61_234);
            let product = mid("EURUSD", time) * mid("USDJPY", time);
            assert!((mid("EURJPY", time) / product - 1.0).abs() < 1e-12);
            let ratio = mid("EURUSD", time) / mid("GBPUSD", time);
            assert!((mid("EURGBP", time) / ratio - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn seeds_make_worlds() {
        let catalogue = Arc::new(Catalogue::built_in(MarketHours::Always));
        let time = ServerTime::from_ms(1_795_305_612_345);
        let mids = |seed| {
            let world = World::new(Arc::clone(&catalogue), seed);
            catalogue.symbols().iter().map(|s| world.mid(s, time).to_bits()).collect::<Vec<_>>()
        };
        assert_eq!(mids(1), mids(1));
        assert_ne!(mids(1), mids(2));
    }
}
