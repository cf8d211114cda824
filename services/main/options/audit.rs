//! The record of calls: how it is kept, and `mt5rest audit`, which reads it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use access::Tenant;
use audit::{Signer, VerifyingKey};
use clap::{Args, Subcommand};
use registry::AuditMax;
use worker::{AuditSettings, Export};

use super::check::{Mistakes, Role};
use super::key::{KeyStore, StoreArgs};

/// More than any registry has.
const MIB_MAX: usize = 1 << 16;
/// A hundred years.
const DAYS_MAX: u64 = 36_500;

/// How the record of calls is kept.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Record of calls")]
pub(super) struct RecordArgs {
    /// Seed of the key that signs every hour how long the record is, Base64 of 32 bytes, the same for all workers; without one nobody
    /// does.
    #[arg(long, env = "MT5REST_AUDIT_KEY", value_name = "SEED", hide_env_values = true)]
    audit_key: Option<String>,
    /// File that holds it, so that it stands in no command line.
    #[arg(long, env = "MT5REST_AUDIT_KEY_FILE", value_name = "FILE")]
    audit_key_file: Option<String>,
    /// Where the record of calls goes beside Redis or memory: stdout, or a folder for a file of each tenant.
    #[arg(long, env = "MT5REST_AUDIT_EXPORT", value_name = "stdout|FOLDER")]
    audit_export: Option<String>,
    /// Most MiB of the record of each tenant; the oldest lines go first.
    #[arg(long, env = "MT5REST_AUDIT_MIB", value_name = "NUMBER", default_value = "16")]
    audit_mib: String,
    /// For how many days lines of the record are kept.
    #[arg(long, env = "MT5REST_AUDIT_DAYS", value_name = "NUMBER", default_value = "90")]
    audit_days: String,
}

#[derive(Debug, Clone, Args)]
pub(super) struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum AuditCommand {
    /// Looks for edits, gaps, another order and a lost end: exit code 0 if there are none, 1 if there are.
    Verify(VerifyArgs),
    /// Prints lines of the record, one JSON text each.
    Export(ExportArgs),
}

#[derive(Debug, Clone, Args)]
struct VerifyArgs {
    /// Whose record.
    #[arg(long, value_name = "NAME", default_value = "default")]
    tenant: String,
    /// Public key of the signer, Base64; workers tell it at their start. Without it nobody is asked who signed.
    #[arg(long, value_name = "KEY")]
    public_key: Option<String>,
    /// A file with the lines; those in Redis, if not given.
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// A file with the checkpoints, one a line; those in Redis, if neither file is given.
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Clone, Args)]
struct ExportArgs {
    /// Whose record.
    #[arg(long, value_name = "NAME", default_value = "default")]
    tenant: String,
    /// Only calls of this account, by login.
    #[arg(long, value_name = "LOGIN")]
    account: Option<String>,
    /// Only calls about this ticket.
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// Only calls from this moment on, in UTC, such as 2026-12-24 or 2026-12-24T10:00:00Z.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only calls before this moment.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Prints the checkpoints in place of lines.
    #[arg(long)]
    checkpoints: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Checked options of the command.
#[derive(Debug)]
pub(crate) struct AuditRole {
    pub(crate) tenant: Tenant,
    pub(crate) task: AuditTask,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum AuditTask {
    VerifyFiles { lines: PathBuf, checkpoints: Option<PathBuf>, key: Option<VerifyingKey> },
    Verify { store: KeyStore, key: Option<VerifyingKey> },
    Export { store: KeyStore, wanted: Wanted },
    Checkpoints(KeyStore),
}

/// Which lines; what is absent does not matter.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) account: Option<u64>,
    pub(crate) ticket: Option<u64>,
    pub(crate) from_ms: Option<i64>,
    pub(crate) to_ms: Option<i64>,
}

impl Mistakes {
    pub(super) fn record(&mut self, args: RecordArgs) -> Option<AuditSettings> {
        let seed = self.secret("--audit-key", args.audit_key, args.audit_key_file);
        let signer = match seed {
            Some(Some(seed)) => match Signer::parse(&seed) {
                Ok(signer) => Some(Some(Arc::new(signer))),
                Err(wrong) => self.note(format_args!("--audit-key: {wrong}")),
            },
            Some(None) => Some(None),
            None => None,
        };
        let export = match args.audit_export.as_deref() {
            None | Some("") => Some(Export::None),
            Some("stdout") => Some(Export::Stdout),
            Some(_) => self.folder("--audit-export", args.audit_export).flatten().map(Export::Folder),
        };
        let mib = self.within("--audit-mib", &args.audit_mib, 1, MIB_MAX);
        let days = self.within("--audit-days", &args.audit_days, 1, DAYS_MAX);
        let max = AuditMax { bytes: mib? << 20, age: Duration::from_secs(days? * 24 * 3600) };
        Some(AuditSettings { max, signer: signer?, export: export? })
    }

    pub(super) fn audit(&mut self, args: AuditArgs) -> Option<Role> {
        let (tenant, task) = match args.command {
            AuditCommand::Verify(args) => (self.tenant(&args.tenant), self.verify(args)),
            AuditCommand::Export(args) => {
                let tenant = self.tenant(&args.tenant);
                let wanted = self.wanted(&args);
                let store = self.audit_store(args.store);
                let task = match args.checkpoints {
                    true => store.map(AuditTask::Checkpoints),
                    false => store.zip(wanted).map(|(store, wanted)| AuditTask::Export { store, wanted }),
                };
                (tenant, task)
            }
        };
        Some(Role::Audit(Box::new(AuditRole { tenant: tenant?, task: task? })))
    }

    fn verify(&mut self, args: VerifyArgs) -> Option<AuditTask> {
        let key = match args.public_key.filter(|key| !key.is_empty()) {
            None => Some(None),
            Some(key) => match VerifyingKey::parse(&key) {
                Ok(key) => Some(Some(key)),
                Err(_) => self.note("--public-key is not Base64 of 32 bytes"),
            },
        };
        let lines = self.file("--file", args.file)?;
        let checkpoints = self.file("--checkpoints", args.checkpoints)?;
        match lines {
            Some(lines) => Some(AuditTask::VerifyFiles { lines, checkpoints, key: key? }),
            None if checkpoints.is_some() => self.note("--checkpoints needs --file, the lines"),
            None => Some(AuditTask::Verify { store: self.audit_store(args.store)?, key: key? }),
        }
    }

    /// A standalone keeps its record in memory, and exports it.
    fn audit_store(&mut self, store: StoreArgs) -> Option<KeyStore> {
        match self.key_store(store)? {
            KeyStore::Folder(_) => self.note(
                "--data: a service of one process keeps its record in memory. Have it exported with --audit-export, and give \
                 the file to verify as --file",
            ),
            redis => Some(redis),
        }
    }

    fn wanted(&mut self, args: &ExportArgs) -> Option<Wanted> {
        let number = |mistakes: &mut Self, option, text: &Option<String>| match text {
            Some(text) => mistakes.number(option, text, "a number").map(Some),
            None => Some(None),
        };
        let account = number(self, "--account", &args.account);
        let ticket = number(self, "--ticket", &args.ticket);
        let from_ms = self.moment("--from", args.from.as_deref());
        let to_ms = self.moment("--to", args.to.as_deref());
        Some(Wanted { account: account?, ticket: ticket?, from_ms: from_ms?, to_ms: to_ms? })
    }

    fn moment(&mut self, option: &str, text: Option<&str>) -> Option<Option<i64>> {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Some(None) };
        let is_day = text.len() == "2026-12-24".len();
        let whole = if is_day { format!("{text}T00:00:00Z") } else { text.to_owned() };
        let since =
            humantime::parse_rfc3339_weak(&whole).ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        match since.and_then(|since| i64::try_from(since.as_millis()).ok()) {
            Some(ms) => Some(Some(ms)),
            None => self.note(format_args!("{option} '{text}' is no moment such as 2026-12-24T10:00:00Z")),
        }
    }
}
