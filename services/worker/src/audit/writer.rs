//! Writes what waits.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use audit::{Checkpoint, Head, Line, Record};
use registry::{Registry, RegistryError};
use runtime::{Backoff, CancellationToken, Seldom};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};

use super::{AuditSettings, Export, Waiting};

/// Lines that are written in one step.
const BATCH_MAX: usize = 256;
/// How often the length of a record is signed.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(3600);
/// Tenants whose ends are remembered; those of others are asked for.
const HEADS_MAX: usize = 10_000;
/// How long what waits may take to be written at a stop.
const STOP_GRACE: Duration = Duration::from_secs(3);
/// How often the log is told that nothing can be written.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Lines of one tenant, and who waits for them.
type Batch = (Vec<Record>, Vec<oneshot::Sender<()>>);

/// Lines that were sent behind this one, and no answer came.
struct Attempt {
    after: u64,
    lines: Vec<String>,
}

pub(super) struct Writer {
    settings: AuditSettings,
    registry: Arc<dyn Registry>,
    /// The ends of records as this process has last seen them.
    heads: HashMap<String, Head>,
    /// Tenants whose records have grown since they were last signed.
    unsigned: BTreeSet<String>,
    trouble: Seldom,
}

impl Writer {
    pub(super) fn new(settings: AuditSettings, registry: Arc<dyn Registry>) -> Self {
        let trouble = Seldom::new(TOLD_EVERY);
        Self { settings, registry, heads: HashMap::new(), unsigned: BTreeSet::new(), trouble }
    }

    pub(super) async fn run(mut self, mut lines: mpsc::Receiver<Waiting>, stop: CancellationToken) {
        let mut sign_at = Instant::now() + CHECKPOINT_EVERY;
        loop {
            let first = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = tokio::time::sleep_until(sign_at) => {
                    self.sign_all().await;
                    sign_at = Instant::now() + CHECKPOINT_EVERY;
                    continue;
                }
                line = lines.recv() => line,
            };
            let Some(first) = first else { return };
            let stopped = async {
                stop.cancelled().await;
                sleep(STOP_GRACE).await;
            };
            tokio::select! {
                () = self.write(first, &mut lines) => {}
                () = stopped => return tracing::error!("lines of the record could not be written before the end"),
            }
        }
        // Whoever has a place still writes; new ones find the door closed.
        lines.close();
        let rest = async {
            while let Some(line) = lines.recv().await {
                self.write(line, &mut lines).await;
            }
            self.sign_all().await;
        };
        if tokio::time::timeout(STOP_GRACE, rest).await.is_err() {
            tracing::error!("lines of the record could not be written before the end");
        }
    }

    /// Writes a line and those that wait beside it.
    async fn write(&mut self, first: Waiting, lines: &mut mpsc::Receiver<Waiting>) {
        let mut batches: BTreeMap<String, Batch> = BTreeMap::new();
        let mut add = |Waiting { record, written }: Waiting| {
            let (records, waiting) = batches.entry(record.tenant.clone()).or_default();
            records.push(record);
            waiting.push(written);
        };
        add(first);
        for _ in 1..BATCH_MAX {
            let Ok(line) = lines.try_recv() else { break };
            add(line);
        }
        for (tenant, (records, waiting)) in batches {
            self.write_tenant(&tenant, &records).await;
            // Whoever does not wait any more is told nothing.
            for written in waiting {
                let _ = written.send(());
            }
        }
    }

    /// Writes lines of one tenant, as long as it takes.
    async fn write_tenant(&mut self, tenant: &str, records: &[Record]) {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        let mut attempt = None;
        loop {
            match self.try_write(tenant, records, &mut attempt).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(failure) => {
                    if self.trouble.is_due() {
                        tracing::warn!(%failure, "the record of calls cannot be written: its lines wait");
                    }
                    sleep(backoff.pause()).await;
                }
            }
        }
    }

    /// Tries once. False: others have written meanwhile. An attempt without an answer may have come through.
    async fn try_write(
        &mut self,
        tenant: &str,
        records: &[Record],
        attempt: &mut Option<Attempt>,
    ) -> Result<bool, RegistryError> {
        if let Some(Attempt { after, lines }) = attempt {
            let there = self.registry.audit_lines(tenant, *after, 1).await?;
            let has_come_through = there.first() == lines.first();
            let lines = std::mem::take(lines);
            *attempt = None;
            if has_come_through {
                self.written(tenant, None, lines).await;
                return Ok(true);
            }
        }
        let head = match self.heads.remove(tenant) {
            Some(head) => head,
            None => self.end(tenant).await?,
        };
        let (mut end, mut lines) = (head, Vec::with_capacity(records.len()));
        for record in records {
            let (line, next) = end.line(record).map_err(|fault| RegistryError(fault.to_string()))?;
            lines.push(line);
            end = next;
        }
        let done = self.registry.append_audit(tenant, head.size, &lines, self.settings.max).await;
        match done {
            Ok(true) => self.written(tenant, Some(end), lines).await,
            Ok(false) => {}
            Err(_) => *attempt = Some(Attempt { after: head.size, lines }),
        }
        done
    }

    /// Lines stand in the registry, and end it there, as far as that is known.
    async fn written(&mut self, tenant: &str, end: Option<Head>, lines: Vec<String>) {
        if let Some(end) = end {
            if self.heads.len() >= HEADS_MAX {
                self.heads.clear();
            }
            self.heads.insert(tenant.to_owned(), end);
        }
        if self.settings.signer.is_some() {
            self.unsigned.insert(tenant.to_owned());
        }
        self.export(tenant, lines).await;
    }

    /// Where a record ends now.
    async fn end(&self, tenant: &str) -> Result<Head, RegistryError> {
        match self.registry.audit_end(tenant).await? {
            None => Ok(Head::empty(tenant)),
            Some(line) => {
                let line = Line::parse(&line);
                line.map(|line| line.head())
                    .ok_or_else(|| RegistryError("the record has no lines".to_owned()))
            }
        }
    }

    async fn export(&self, tenant: &str, lines: Vec<String>) {
        let export = self.settings.export.clone();
        if export == Export::None {
            return;
        }
        let tenant = tenant.to_owned();
        let done = tokio::task::spawn_blocking(move || export.write(&tenant, &lines)).await;
        if let Ok(Err(failure)) = done
            && self.trouble.is_due()
        {
            tracing::error!(%failure, "lines of the record cannot be exported; the registry has them");
        }
    }

    /// Signs what has grown. What fails is tried again the next time.
    async fn sign_all(&mut self) {
        for tenant in std::mem::take(&mut self.unsigned) {
            if let Err(failure) = self.sign(&tenant).await {
                tracing::warn!(%failure, "the length of a record could not be signed");
                self.unsigned.insert(tenant);
            }
        }
    }

    async fn sign(&self, tenant: &str) -> Result<(), RegistryError> {
        let Some(signer) = &self.settings.signer else { return Ok(()) };
        let last = self.registry.checkpoints(tenant).await?.pop();
        let before = last.as_deref().map(serde_json::from_str::<Checkpoint>).transpose();
        let before = before.map_err(|fault| RegistryError(format!("a checkpoint: {fault}")))?;
        // Asked for after the checkpoint, so that it is not shorter than that says.
        let head = self.end(tenant).await?;
        let now = runtime::unix_ms();
        let hour = i64::try_from(CHECKPOINT_EVERY.as_millis()).unwrap_or(i64::MAX) / 2;
        if before.as_ref().is_some_and(|before| before.size >= head.size || now - before.at_ms < hour) {
            return Ok(());
        }
        let checkpoint = signer.sign(tenant, head, now, before.as_ref());
        let text = serde_json::to_string(&checkpoint).map_err(|fault| RegistryError(fault.to_string()))?;
        // Another process may have been first, which is as good.
        if self.registry.keep_checkpoint(tenant, last.as_deref(), &text).await? {
            tracing::info!(checkpoint = text, "the length of a record was signed");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
