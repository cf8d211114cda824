//! Calls that any worker can answer, and those that make a session.

use std::sync::Arc;

use bus::{Answer, Ask, Params};
use calls::CallId;
use error::{Code, Error};
use rand::seq::SliceRandom;
use registry::{RegistryError, WorkerId};

use super::Shared;
use super::owner::Fate;
use crate::Reply;
use crate::client::Failure;
use crate::form::Form;

/// How many further workers are tried when one is full or cannot be reached.
const OTHERS_MAX: usize = 3;

/// The port of an address that names none.
const PORT: &str = "443";

impl Shared {
    /// Has some worker answer: one that was chosen for a new session, or, for reads, any.
    pub(super) async fn at_some<F: Form>(self: &Arc<Self>, call: CallId, ask: &Ask) -> Answer<F> {
        let fate = Fate { call, ask, maybe_done: false };
        let mut tried: Vec<WorkerId> = Vec::new();
        let mut refusal: Option<Answer<F>> = None;
        while tried.len() <= OTHERS_MAX {
            let place = match self.some_place(call, &ask.params, &tried).await {
                Ok(Some(place)) => place,
                Ok(None) => break,
                Err(why) => return fate.error(away_for_all(&why)),
            };
            let (worker, address) = place;
            tried.push(worker);
            let reply = match self.client.peer(&address) {
                Ok(peer) => self.forward(&peer, ask).await,
                Err(failure) => Err(failure),
            };
            match reply {
                Ok(Reply::Answer(answer)) if is_full(&answer) => refusal = Some(answer),
                Ok(Reply::Answer(answer)) => return answer,
                // What was not begun may be begun elsewhere.
                Ok(Reply::NotMine | Reply::Elsewhere(_)) => {}
                Err(Failure::NotSent(why)) => tracing::info!(why, "a worker cannot be reached"),
                Err(Failure::Broken(_)) if call.policy().only_reads() => {}
                Err(Failure::Broken(why)) => return fate.unknown(&why),
                Err(Failure::Late) => return fate.late(),
                Err(Failure::Refused(error)) => refusal = Some(fate.error(error)),
            }
        }
        refusal.unwrap_or_else(|| fate.error(no_worker()))
    }

    /// A worker that was not tried yet. What makes no session does not count where it goes.
    async fn some_place(
        &self,
        call: CallId,
        params: &Params,
        tried: &[WorkerId],
    ) -> Result<Option<(WorkerId, String)>, RegistryError> {
        if call.policy().connects() {
            let place = self.told(self.registry.place(&broker(params), tried)).await?;
            return Ok(place.map(|place| (place.worker, place.address)));
        }
        let all = self.alive().await?;
        let mut all: Vec<_> = all.iter().filter(|worker| !tried.contains(&worker.worker)).collect();
        all.shuffle(&mut rand::rng());
        // One that drains answers as well, if there is no other.
        let chosen = all.iter().find(|worker| worker.is_open).or_else(|| all.first());
        Ok(chosen.map(|worker| (worker.worker.clone(), worker.address.clone())))
    }
}

/// The broker that a session will be at: the name of its server, or `host:port`, in small letters.
fn broker(params: &Params) -> String {
    if let Some(server) = params.get("server") {
        return server.to_lowercase();
    }
    let Some(host) = params.get("host") else { return String::new() };
    format!("{}:{}", host.to_lowercase(), params.get("port").unwrap_or(PORT))
}

fn is_full<T>(answer: &Answer<T>) -> bool {
    answer.result.as_ref().is_err_and(|error| error.precise_code() == Code::MaxSessionsReached)
}

/// The error when no worker can be asked.
pub(super) fn no_worker() -> Error {
    let told = "No worker of this service takes calls at the moment. Try again soon.";
    Error::new(Code::ServiceNotAvailable, told)
}

/// The error while the registry, which knows the workers, is away.
pub(super) fn away_for_all(why: &RegistryError) -> Error {
    Error::busy("The workers of this service cannot be looked up at the moment. Try again soon.").because(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_named_the_same_way_whoever_calls() {
        let named = |pairs: &[(&str, &str)]| broker(&pairs.iter().copied().collect());
        assert_eq!(named(&[("Server", "Demo-MT5"), ("host", "h")]), "demo-mt5");
        assert_eq!(named(&[("host", "Mt5.Example.com"), ("PORT", "444")]), "mt5.example.com:444");
        assert_eq!(named(&[("host", "h"), ("port", "")]), "h:443");
        assert_eq!(named(&[("id", "t")]), "");
    }
}
