//! Histories that are kept while a client reads them page by page.

use std::collections::VecDeque;
use std::sync::Arc;

use wire::records::History;

/// Which list: begin and end of the range in seconds of the server clock, and the size of a page.
pub(crate) type PageKey = (i32, i32, u32);

/// Lists kept for a session.
const LISTS_MAX: usize = 8;
/// Deals and orders in all lists of a session.
const RECORDS_MAX: usize = 200_000;

/// The lists of a session, the latest last.
#[derive(Debug, Default)]
pub(crate) struct Pages(VecDeque<(PageKey, Arc<History>)>);

impl Pages {
    /// A list that is kept.
    pub(crate) fn get(&mut self, key: PageKey) -> Option<Arc<History>> {
        let place = self.0.iter().position(|(known, _)| *known == key)?;
        let entry = self.0.remove(place)?;
        let history = Arc::clone(&entry.1);
        self.0.push_back(entry);
        Some(history)
    }

    /// Keeps a list; those that were used least recently make room. One that is too long by itself is not kept.
    pub(crate) fn keep(&mut self, key: PageKey, history: &Arc<History>) {
        self.release(key);
        if records(history) > RECORDS_MAX {
            return;
        }
        self.0.push_back((key, Arc::clone(history)));
        let total = |lists: &VecDeque<(PageKey, Arc<History>)>| {
            lists.iter().map(|(_, list)| records(list)).sum::<usize>()
        };
        while self.0.len() > LISTS_MAX || total(&self.0) > RECORDS_MAX {
            self.0.pop_front();
        }
    }

    /// Frees a list, and says which it was.
    pub(crate) fn release(&mut self, key: PageKey) -> Option<Arc<History>> {
        let place = self.0.iter().position(|(known, _)| *known == key)?;
        self.0.remove(place).map(|(_, history)| history)
    }
}

fn records(history: &History) -> usize {
    history.deals.len() + history.orders.len()
}

#[cfg(test)]
mod tests {
    use wire::records::Deal;

    use super::*;

    fn history(deals: usize) -> Arc<History> {
        Arc::new(History { deals: vec![Deal::default(); deals], orders: Vec::new() })
    }

    #[test]
    fn lists_are_bounded_in_number_and_size() {
        let mut pages = Pages::default();
        for from in 0..10 {
            pages.keep((from, 99, 5), &history(1));
        }
        assert!(pages.get((1, 99, 5)).is_none() && pages.get((2, 99, 5)).is_some());
        pages.keep((50, 99, 5), &history(1));
        assert!(pages.get((3, 99, 5)).is_none(), "used least recently");
        assert!(pages.get((2, 99, 5)).is_some());
        pages.keep((60, 99, 5), &history(RECORDS_MAX));
        assert!(pages.get((2, 99, 5)).is_none() && pages.get((60, 99, 5)).is_some());
        pages.keep((70, 99, 5), &history(RECORDS_MAX + 1));
        assert!(pages.get((70, 99, 5)).is_none());
        assert!(pages.release((60, 99, 5)).is_some() && pages.release((60, 99, 5)).is_none());
    }
}
