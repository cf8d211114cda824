//! What every request sees.

use std::sync::Arc;

use bus::Backend;
use calls::Handle;
use calls::front::{Health, Ping, ReadMe, Version};
use calls::reply::{Html, Text};
use error::Error;
use runtime::Tasks;
use tokio::sync::Semaphore;

use crate::manual;
use crate::openapi::{self, Description};
use crate::opted::Shapes;
use crate::routes::Routes;
use crate::settings::Settings;

/// The parts of the front; all but the backend are made once from the declarations.
pub(crate) struct Front {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) settings: Settings,
    pub(crate) routes: Routes,
    pub(crate) openapi: String,
    /// By which replies and frames are rewritten for who asks.
    pub(crate) shapes: Shapes,
    manual: String,
    /// Calls and sockets under way; its signal closes the sockets.
    pub(crate) tasks: Tasks,
    /// Places for WebSockets.
    pub(crate) sockets: Arc<Semaphore>,
    /// Places for large bodies while they are read.
    pub(crate) uploads: Semaphore,
}

impl Front {
    pub(crate) fn new(backend: Arc<dyn Backend>, settings: Settings) -> Self {
        let description = Description::new();
        Self {
            backend,
            routes: Routes::new(&description.calls),
            manual: manual::page(&description.calls, &openapi::stream_fields(), &settings.version),
            openapi: openapi::document(),
            shapes: Shapes::new(),
            sockets: Arc::new(Semaphore::new(settings.sockets_max)),
            uploads: Semaphore::new(settings.uploads_max),
            settings,
            tasks: Tasks::new(),
        }
    }
}

impl Handle<Ping> for Front {
    async fn handle(&self, _call: Ping) -> Result<Text, Error> {
        Ok(Text::OK)
    }
}

impl Handle<Health> for Front {
    async fn handle(&self, _call: Health) -> Result<Text, Error> {
        Ok(Text::new("Healthy"))
    }
}

impl Handle<Version> for Front {
    async fn handle(&self, _call: Version) -> Result<Text, Error> {
        Ok(Text::new(self.settings.version.clone()))
    }
}

impl Handle<ReadMe> for Front {
    async fn handle(&self, _call: ReadMe) -> Result<Html, Error> {
        Ok(Html(self.manual.clone()))
    }
}
