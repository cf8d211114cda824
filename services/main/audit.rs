//! `mt5rest audit`: what it does, and prints.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use anyhow::{Context, Result};
use audit::{Checkpoint, Line, Report, VerifyingKey, verify};
use registry::{AuditLog, RedisRegistry};

use crate::options::{AuditRole, AuditTask, KeyStore, Wanted};

/// Lines that are asked for at once.
const PAGE: usize = 1000;

/// Does it; what is printed is all there is on standard output.
pub(crate) fn run(role: AuditRole) -> Result<()> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tenant = role.tenant.as_str();
    tokio.block_on(async {
        match role.task {
            AuditTask::VerifyFiles { lines, checkpoints, key } => {
                let checkpoints = checkpoints.map(|file| std::fs::read_to_string(&file)).transpose()?;
                let checkpoints = checkpoints.unwrap_or_default();
                let lines = BufReader::new(File::open(&lines).with_context(|| shown(&lines))?);
                told(tenant, lines, checkpoints.lines(), key.as_ref())
            }
            AuditTask::Verify { store, key } => {
                let registry = open(&store)?;
                // Before the lines, so that none of them is younger than the lines that are read.
                let checkpoints = registry.checkpoints(tenant).await?;
                let mut text = String::new();
                each(&registry, tenant, |line| {
                    text.push_str(line);
                    text.push('\n');
                    Ok(())
                })
                .await?;
                told(tenant, text.as_bytes(), checkpoints.iter().map(String::as_str), key.as_ref())
            }
            AuditTask::Export { store, wanted } => {
                let mut out = io::stdout().lock();
                each(&open(&store)?, tenant, |line| {
                    if wanted.has(line) {
                        writeln!(out, "{line}")?;
                    }
                    Ok(())
                })
                .await
            }
            AuditTask::Checkpoints(store) => {
                let mut out = io::stdout().lock();
                for checkpoint in open(&store)?.checkpoints(tenant).await? {
                    writeln!(out, "{checkpoint}")?;
                }
                Ok(())
            }
        }
    })
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn open(store: &KeyStore) -> Result<RedisRegistry> {
    let KeyStore::Redis { url, prefix } = store else { anyhow::bail!("the record is in Redis") };
    let registry = RedisRegistry::connect(url.expose()).context("--redis-url is of no use")?;
    Ok(registry.with_prefix(prefix))
}

/// Goes over all lines that are kept.
async fn each(registry: &RedisRegistry, tenant: &str, mut see: impl FnMut(&str) -> Result<()>) -> Result<()> {
    let mut after = 0;
    loop {
        let lines = registry.audit_lines(tenant, after, PAGE).await?;
        let Some(last) = lines.last() else { return Ok(()) };
        let seq = Line::parse(last).context("what Redis has is no record")?.seq;
        for line in &lines {
            see(line)?;
        }
        // Each page is asked for by the last number of the one before, which somebody may have changed.
        anyhow::ensure!(seq > after, "the line that says it is number {seq} stands behind number {after}");
        after = seq;
    }
}

fn told<'a>(
    tenant: &str,
    lines: impl io::BufRead,
    checkpoints: impl Iterator<Item = &'a str>,
    key: Option<&VerifyingKey>,
) -> Result<()> {
    let checkpoints = checkpoints.map(serde_json::from_str::<Checkpoint>).collect::<Result<Vec<_>, _>>();
    let checkpoints = checkpoints.context("a checkpoint cannot be read")?;
    let Report { first, head, signed } = verify(tenant, lines, &checkpoints, key)?;
    let signer = match key {
        Some(_) => "by this key",
        None => "by whoever it was, since no --public-key was given",
    };
    println!("lines {first} to {} are as they were written; signed up to {signed} {signer}", head.size);
    println!("{}", head.root);
    Ok(())
}

impl Wanted {
    /// Whether a line is one of these.
    fn has(&self, line: &str) -> bool {
        let Some(Line { record, .. }) = Line::parse(line) else { return false };
        let is = |wanted: Option<u64>, own: Option<u64>| wanted.is_none_or(|wanted| own == Some(wanted));
        let named = |name: &str| record.params.get(name).and_then(|text| text.parse().ok());
        let is_about = is(self.ticket, record.ticket)
            || is(self.ticket, named("ticket"))
            || is(self.ticket, named("closeByTicket"));
        is(self.account, record.account)
            && is_about
            && self.from_ms.is_none_or(|from| record.at_ms >= from)
            && self.to_ms.is_none_or(|to| record.at_ms < to)
    }
}
