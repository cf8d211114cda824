//! What sessions tell, to those who listen in this process.
//!
//! One ear hears for all of them, and hands each frame to the channel of its token. Beside it, the owners of these
//! sessions are told what is listened to, again and again, since they publish nothing else.

mod channel;
mod ear;
mod hub;
mod interest;

use std::sync::Arc;
use std::time::Duration;

use access::id_of;
use bus::{Interest, Position, Subscription, Topic, Topics};
use error::Error;

pub(crate) use ear::listen;
pub(crate) use hub::Hub;
pub(crate) use interest::keep_interest;

use crate::router::{Found, Shared, away};
use channel::Channel;

/// Sessions that may be listened to in one process.
pub const CHANNELS_MAX: usize = 100_000;

/// How long the opening of a stream waits until the owner of its session knows of it.
const HEARING_TIME: Duration = Duration::from_secs(1);

/// How often a log is read that has grown meanwhile.
const READS_MAX: usize = 8;

/// Above all places there are, and still a number that every language can hold.
const FAR: Position = Position { epoch: 1 << 53, offset: 0 };

/// Begins to listen to a session.
pub(crate) async fn subscribe(
    shared: &Arc<Shared>,
    token: &str,
    interest: Interest,
) -> Result<Subscription, Error> {
    // First, so that words that are no tokens cost no channel.
    owner(shared, token).await?;
    let (channel, subscription) = shared.hub.enter(token, interest)?;
    let open = async {
        shared.hub.open(token).await?;
        // It may have ended before anybody listened here for that.
        channel.set_owner(owner(shared, token).await?);
        Ok::<(), Error>(())
    };
    channel.opened.get_or_try_init(|| open).await?;
    let subscription = resumed(shared, &channel, subscription, interest).await?;
    shared.hub.grown.notify_one();
    // What the session tells from now on is heard, unless its owner is away: then there is nothing to hear yet.
    let _ = tokio::time::timeout(HEARING_TIME, channel.is_heard()).await;
    Ok(subscription)
}

/// Where a session is; an error if there is none, nothing while it has no owner.
async fn owner(shared: &Arc<Shared>, token: &str) -> Result<Option<Arc<crate::routes::Route>>, Error> {
    match shared.find(token).await {
        Ok(Found::At(route)) => Ok(Some(route)),
        Ok(Found::Orphan) => Ok(None),
        Ok(Found::Quarantined(left)) => Err(Error::quarantined(left)),
        Ok(Found::Nowhere) => Err(Error::invalid_token(id_of(token))),
        Err(why) => Err(away(&why)),
    }
}

/// Adds what a reader missed. What is told from now on is heard already.
async fn resumed(
    shared: &Arc<Shared>,
    channel: &Channel,
    subscription: Subscription,
    interest: Interest,
) -> Result<Subscription, Error> {
    if !kept(interest.topics) {
        return Ok(subscription);
    }
    let after = interest.since.unwrap_or(FAR).min(FAR);
    if interest.since.is_none() && channel.knows_its_place() {
        return Ok(subscription);
    }
    for _ in 0..READS_MAX {
        let read = shared.told(shared.registry.since(channel.token(), after)).await;
        let log = read.map_err(|why| away(&why))?;
        if !channel.begin(&log) {
            continue;
        }
        let Some(since) = interest.since else { return Ok(subscription) };
        let end = log.end;
        // A place above the end is of a log that is not there any more.
        let (missed, is_cut) = log.replay(after)?;
        return Ok(subscription.after(since, end, missed, is_cut || since > end));
    }
    Err(hub::deaf())
}

/// Whether what must not be lost is among these.
fn kept(topics: Topics) -> bool {
    topics.iter().any(Topic::is_kept)
}
