//! The record of every call that changes something: one line for each, in the chain of its tenant.
//!
//! **When a line cannot be written.** A place for it is taken before the call is begun; without one the call is refused, as one whose
//! trade request cannot be journalled is: nothing was sent. What was done waits for its line in order, and is tried again until the
//! registry takes it; the answer waits a moment for that, and goes without it then: an order is never lost, doubled or called
//! undone because of its line. A process that is killed in between has its orders in the journal, and loses their lines.

mod export;
mod record;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use audit::{Record, Signer};
use error::Error;
use registry::{AuditMax, Registry};
use runtime::Tasks;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

pub use self::export::Export;
pub(crate) use self::record::Draft;
use self::writer::Writer;

/// Lines that may wait for the registry: at 2 KiB each, 16 MiB.
const WAITING_MAX: usize = 8192;

/// How long an answer waits for its line.
const WRITE_WAIT: Duration = Duration::from_secs(1);

/// How the record is kept.
#[derive(Clone, Debug, Default)]
pub struct AuditSettings {
    /// How much of it stays in the registry.
    pub max: AuditMax,
    /// Signs checkpoints. Default: nobody, and there are none.
    pub signer: Option<Arc<Signer>>,
    /// Where lines go beside the registry. Default: nowhere.
    pub export: Export,
}

/// A line that waits to be written.
struct Waiting {
    record: Record,
    written: oneshot::Sender<()>,
}

/// Writes lines, in the order in which their calls have ended.
#[derive(Debug)]
pub(crate) struct Audit {
    waiting: mpsc::Sender<Waiting>,
}

/// A place for the line of a call.
pub(crate) struct Place(mpsc::OwnedPermit<Waiting>);

impl Audit {
    /// Starts writing; until the tasks are told to stop, and then what waits still.
    pub(crate) fn start(settings: AuditSettings, registry: Arc<dyn Registry>, tasks: &Tasks) -> Self {
        let (waiting, lines) = mpsc::channel(WAITING_MAX);
        tasks.spawn(Writer::new(settings, registry).run(lines, tasks.stop_signal()));
        Self { waiting }
    }

    /// A place for the line of a call that is about to begin.
    pub(crate) fn place(&self) -> Result<Place, Error> {
        self.waiting.clone().try_reserve_owned().map(Place).map_err(|_| {
            let told = "The record of calls cannot be written at the moment, and too many lines wait for it. Nothing was begun: \
                        try again.";
            Error::busy(told)
        })
    }
}

impl Place {
    /// Has the line written, and waits a moment for that.
    pub(crate) async fn write(self, record: Record) {
        let (written, is_written) = oneshot::channel();
        self.0.send(Waiting { record, written });
        // Whoever writes goes on when this is given up.
        let _ = timeout(WRITE_WAIT, is_written).await;
    }
}
