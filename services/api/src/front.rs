//! What every request sees.

use std::convert::Infallible;
use std::sync::Arc;

use bus::Backend;
use bytes::Bytes;
use calls::front::{Health, Ping, ReadMe, StreamTicket, Version};
use calls::reply::{Html, Text};
use calls::{Handle, Host, Permit, Scopes, Token, permission};
use error::Error;
use runtime::Tasks;
use tokio::sync::Semaphore;

use crate::admission::Admission;
use crate::auth::{Gate, Grant};
use crate::manual;
use crate::notices::Notices;
use crate::openapi::{self, Description};
use crate::opted::Shapes;
use crate::rates::RateLimiter;
use crate::replies::Replies;
use crate::routes::Routes;
use crate::settings::Settings;
use crate::shares::Shares;

/// The parts of the front; all but the backend are made once from the declarations.
pub(crate) struct Front {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) settings: Settings,
    pub(crate) gate: Gate,
    /// Where keys are asked for.
    pub(crate) rates: Option<RateLimiter>,
    pub(crate) routes: Routes,
    pub(crate) openapi: Bytes,
    /// By which replies and frames are rewritten for who asks.
    pub(crate) shapes: Shapes,
    manual: String,
    /// Calls and sockets under way; its signal closes the sockets.
    pub(crate) tasks: Tasks,
    /// WebSockets.
    pub(crate) sockets: Arc<Shares>,
    /// Calls under way that have come through a trusted proxy.
    pub(crate) proxied: Arc<Shares>,
    /// Calls under way.
    pub(crate) admission: Admission,
    /// What owners of sessions say of their licence.
    pub(crate) notices: Notices,
    /// Bytes of replies on their way.
    pub(crate) replies: Replies,
    /// Places for large bodies while they are read.
    pub(crate) uploads: Semaphore,
}

impl Front {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        settings: Settings,
        gate: Gate,
        rates: Option<RateLimiter>,
    ) -> Self {
        let description = Description::new();
        Self {
            backend,
            routes: Routes::new(&description.calls),
            manual: manual::page(&description.calls, &openapi::stream_fields(), &settings.version),
            openapi: openapi::document().into(),
            shapes: Shapes::new(),
            sockets: Shares::new(settings.sockets_max, settings.sockets_per_address),
            proxied: Shares::new(usize::MAX, settings.connections_per_address),
            admission: Admission::new(settings.calls_max),
            notices: Notices::default(),
            replies: Replies::new(&settings),
            uploads: Semaphore::new(settings.uploads_max),
            settings,
            gate,
            rates,
            tasks: Tasks::new(),
        }
    }
}

/// Who calls what the front answers by itself.
pub(crate) struct FrontCaller<'a> {
    pub(crate) front: &'a Front,
    pub(crate) grant: &'a Grant,
}

impl Host for FrontCaller<'_> {
    type Session = Infallible;

    fn session(&self, token: &Token) -> Result<Infallible, Error> {
        Err(Error::invalid_token(token.as_str()))
    }

    fn scopes(&self) -> Scopes {
        self.grant.caller.scopes
    }
}

impl Handle<Ping> for FrontCaller<'_> {
    async fn handle(&self, _call: Ping, _: Permit<permission::Anyone>) -> Result<Text, Error> {
        Ok(Text::OK)
    }
}

impl Handle<Health> for FrontCaller<'_> {
    async fn handle(&self, _call: Health, _: Permit<permission::Anyone>) -> Result<Text, Error> {
        Ok(Text::new("Healthy"))
    }
}

impl Handle<Version> for FrontCaller<'_> {
    async fn handle(&self, _call: Version, _: Permit<permission::Anyone>) -> Result<Text, Error> {
        Ok(Text::new(self.front.settings.version.clone()))
    }
}

impl Handle<ReadMe> for FrontCaller<'_> {
    async fn handle(&self, _call: ReadMe, _: Permit<permission::Anyone>) -> Result<Html, Error> {
        Ok(Html(self.front.manual.clone()))
    }
}

impl Handle<StreamTicket> for FrontCaller<'_> {
    async fn handle(&self, _call: StreamTicket, _: Permit<permission::Stream>) -> Result<Text, Error> {
        let ticket = self.front.gate.ticket(self.grant).await?;
        Ok(Text::new(ticket.expose().to_owned()))
    }
}
