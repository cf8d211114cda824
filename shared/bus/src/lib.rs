//! The seam between `api`, which is stateless, and the owner of sessions.
//!
//! `api` holds an `Arc<dyn Backend>` and knows nothing else of the other side; a transport between processes is
//! one more `Backend`. The owner decodes an [`Ask`], answers with bytes made once, and publishes events:
//!
//! ```
//! use std::sync::Arc;
//! use access::Caller;
//! use bus::{Answer, Ask, Backend, Fanout, Frame, Interest, Subscription, Topic, Topics, envelope};
//! use calls::{AnyCall, ConnectionCall, Call, connection::CheckConnect, reply::Text};
//! use error::Error;
//!
//! struct Owner { sole_session: Fanout }
//!
//! #[async_trait::async_trait]
//! impl Backend for Owner {
//!     async fn ask(&self, ask: Ask) -> Answer {
//!         let result = match AnyCall::decode(ask.call, &ask.params) {
//!             Ok(AnyCall::Connection(ConnectionCall::CheckConnect(_))) => CheckConnect::payload(&Text::OK),
//!             Ok(_) => Err(Error::internal("not in this example")),
//!             Err(error) => Err(error),
//!         };
//!         Answer::of(result).synced_at(1_800_000_000_000, "synced")
//!     }
//!
//!     async fn subscribe(&self, id: &str, interest: Interest, _: &Arc<Caller>) -> Result<Subscription, Error> {
//!         if id != "sole" { return Err(Error::invalid_token(id)) }
//!         self.sole_session.subscribe(interest)
//!     }
//! }
//!
//! // The session, on a tick; nothing is encoded while nobody listens:
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let owner = Owner { sole_session: Fanout::new() };
//! let mut socket = owner.subscribe("sole", Topics::ALL.into(), &Caller::local()).await.unwrap();
//! if owner.sole_session.has_listeners(Topic::Quote) {
//!     let text = envelope(Topic::Quote.as_str(), "sole", 1_800_000_000_000, &"the quote").unwrap();
//!     owner.sole_session.publish(Frame::new(Topic::Quote, Some("EURUSD"), text));
//! }
//! assert_eq!(socket.next().await.unwrap().topic, Topic::Quote);
//! # });
//! ```
//!
//! Invariants: no queue here is unbounded; a slow reader never slows the publisher; state (quotes, profits) is
//! conflated to the latest value; events (order updates) are delivered in order and whole, or the subscription
//! ends. This crate knows nothing about HTTP status codes, close codes or the wire protocol.

mod ask;
mod budget;
mod fanout;
mod frame;
mod kept;
mod queue;
mod streamed;

pub use ask::{Answer, Ask, Backend, Delivery, Readiness};
pub use budget::WAITING_BYTES_MAX;
pub use calls::{Params, Payload};
pub use fanout::{Fanout, SUBSCRIPTIONS_MAX, Subscription};
pub use frame::{Frame, Interest, NoPosition, Position, Topic, Topics, envelope};
pub use kept::{
    EVENT_BYTES_MAX, Event, Keeper, NoReplay, REPLAY_BYTES_MAX, REPLAYS_BYTES_MAX, Reader, Replay, Unreadable,
};
pub use queue::{EVENTS_MAX, End, QUEUE_BYTES_MAX, STATES_MAX};
pub use streamed::{Body, Interrupted, Streamed};
