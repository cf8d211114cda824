//! Who may listen to a session.

use std::sync::Arc;
use std::time::Instant;

use access::{Caller, Scopes};
use bus::{Ask, Params};
use calls::connection::ConnectionStatus;
use calls::{CallId, Scope, check_scope};
use error::Error;

use super::SEARCH_MAX;
use super::Shared;

impl Shared {
    /// Whether a caller may listen to a session. Events come here without their owner, so who has limits that leave sessions
    /// out is let in by the owner, who knows the account: by what it answers to a call that asks nobody else.
    pub(super) async fn admit(self: &Arc<Self>, id: &str, caller: &Arc<Caller>) -> Result<(), Error> {
        check_scope(caller.scopes, Scope::Stream)?;
        if !caller.limits.are_of_sessions() {
            return Ok(());
        }
        let ask = Ask {
            call: CallId::of::<ConnectionStatus>(),
            params: Params::from_iter([("id", id)]),
            id: Some(id.to_owned()),
            source: None,
            // What it may do is known; within which limits is asked.
            caller: Arc::new(Caller { scopes: Scopes::ALL, ..Caller::clone(caller) }),
            deadline: Instant::now() + SEARCH_MAX,
            idempotency_key: None,
        };
        self.answer::<bus::Payload>(ask).await.result.map(drop)
    }
}
