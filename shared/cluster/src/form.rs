//! In what form a caller takes a reply over from a worker.

use std::time::Duration;

use bus::{Body, Interrupted, Payload, Streamed};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::http::response::Parts;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::Reply;
use crate::client::{Failure, refusal};
use crate::protocol::{self, REPLY_BYTES_MAX};

/// Shorter replies are taken over whole: connections bound them well enough.
pub(crate) const STREAMED_BYTES_MIN: u64 = 1024 * 1024;

/// How long a worker may take for the next piece of a reply that it has.
const PIECE_TIME: Duration = Duration::from_secs(15);

/// A form of a reply.
pub(crate) trait Form: Sized + Send {
    /// A reply that this process has made by itself.
    fn of(payload: Payload) -> Self;

    /// Takes a reply over. The place among the calls under way is free when all of it has come.
    fn take_over(
        parts: Parts,
        body: Incoming,
        place: OwnedSemaphorePermit,
    ) -> impl Future<Output = Result<Reply<Self>, Failure>> + Send;
}

impl Form for Payload {
    fn of(payload: Payload) -> Self {
        payload
    }

    async fn take_over(parts: Parts, body: Incoming, _: OwnedSemaphorePermit) -> Result<Reply, Failure> {
        let body = whole(body).await?;
        match refusal(parts.status, &body) {
            Some(refused) => Err(refused),
            None => protocol::reply_of(&parts, body).map_err(Failure::Broken),
        }
    }
}

impl Form for Body {
    fn of(payload: Payload) -> Self {
        Self::Whole(payload)
    }

    async fn take_over(
        parts: Parts,
        body: Incoming,
        place: OwnedSemaphorePermit,
    ) -> Result<Reply<Self>, Failure> {
        let length = body.size_hint().exact().filter(|_| protocol::is_json(&parts));
        match length {
            Some(length) if length > REPLY_BYTES_MAX as u64 => {
                Err(Failure::Broken(format!("a reply of {length} bytes")))
            }
            Some(length) if length >= STREAMED_BYTES_MIN => {
                let streamed = Streamed { length, pieces: Box::pin(pieces(body, place)) };
                Ok(Reply::Answer(protocol::answer_of(&parts.headers, Ok(Self::Streamed(streamed)))))
            }
            _ => Ok(match Payload::take_over(parts, body, place).await? {
                Reply::Answer(answer) => Reply::Answer(answer.map(Self::Whole)),
                Reply::NotMine => Reply::NotMine,
                Reply::Elsewhere(address) => Reply::Elsewhere(address),
            }),
        }
    }
}

/// All of a body.
pub(crate) async fn whole(body: Incoming) -> Result<Bytes, Failure> {
    let body = Limited::new(body, REPLY_BYTES_MAX).collect().await;
    let body = body.map_err(|error| Failure::Broken(format!("in the middle of a reply: {error}")))?;
    Ok(body.to_bytes())
}

/// A body while it comes. The worker is read no faster than this is taken.
fn pieces(
    body: Incoming,
    place: OwnedSemaphorePermit,
) -> impl stream::Stream<Item = Result<Bytes, Interrupted>> + Send {
    stream::try_unfold((body, place), |(mut body, place)| async move {
        match timeout(PIECE_TIME, body.frame()).await {
            Ok(Some(Ok(frame))) => Ok(Some((frame.into_data().unwrap_or_default(), (body, place)))),
            Ok(Some(Err(error))) => Err(Interrupted(error.to_string())),
            Ok(None) => Ok(None),
            Err(_) => Err(Interrupted("the worker has stopped sending".to_owned())),
        }
    })
}
