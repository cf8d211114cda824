//! Where tokens were found last.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use registry::{Fence, WorkerId};

use crate::client::Peer;

/// Routes that are remembered at least; up to twice as many may be.
pub const ROUTES_MAX: usize = 100_000;

/// Where calls for a session go.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) worker: WorkerId,
    pub(crate) fence: Fence,
    pub(crate) peer: Arc<Peer>,
}

impl Route {
    /// Whether nothing has changed between the two.
    pub(crate) fn is_as(&self, other: &Route) -> bool {
        self.worker == other.worker && self.fence == other.fence
    }
}

/// The cache. What was not used while as many others were as it may hold is forgotten.
#[derive(Debug)]
pub(crate) struct Routes {
    most: usize,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<String, Arc<Route>>,
    old: HashMap<String, Arc<Route>>,
}

impl Routes {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, generations: Mutex::default() }
    }

    pub(crate) fn get(&self, token: &str) -> Option<Arc<Route>> {
        let mut all = self.lock();
        if let Some(route) = all.young.get(token) {
            return Some(Arc::clone(route));
        }
        let (token, route) = all.old.remove_entry(token)?;
        self.insert(&mut all, token, &route);
        Some(route)
    }

    pub(crate) fn put(&self, token: &str, route: &Arc<Route>) {
        let mut all = self.lock();
        all.old.remove(token);
        self.insert(&mut all, token.to_owned(), route);
    }

    fn insert(&self, all: &mut Generations, token: String, route: &Arc<Route>) {
        if all.young.len() >= self.most {
            all.old = std::mem::take(&mut all.young);
        }
        all.young.insert(token, Arc::clone(route));
    }

    /// Forgets a route that was wrong, unless a better one has come meanwhile.
    pub(crate) fn forget(&self, token: &str, wrong: &Route) {
        let mut all = self.lock();
        let all = &mut *all;
        for generation in [&mut all.young, &mut all.old] {
            if generation.get(token).is_some_and(|route| route.is_as(wrong)) {
                generation.remove(token);
            }
        }
    }

    /// Forgets where a token is.
    pub(crate) fn drop(&self, token: &str) {
        let mut all = self.lock();
        all.young.remove(token);
        all.old.remove(token);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClusterKey, client::WorkerClient};

    #[test]
    fn routes_in_use_stay_and_others_go() {
        let client = WorkerClient::new(&ClusterKey::new("0123456789abcdef").unwrap(), None);
        let route = |fence| {
            let peer = client.peer("127.0.0.1:1").unwrap();
            Arc::new(Route { worker: WorkerId::new("w"), fence: Fence(fence), peer })
        };
        let routes = Routes::new(4);
        routes.put("used", &route(1));
        for number in 0..100 {
            routes.put(&number.to_string(), &route(1));
            assert!(routes.get("used").is_some(), "after {number}");
        }
        assert!(routes.get("0").is_none());
        routes.forget("used", &route(2));
        assert!(routes.get("used").is_some(), "another route was wrong");
        routes.forget("used", &route(1));
        assert!(routes.get("used").is_none());
    }
}
