//! `mt5rest license`: what it does. Standard output has the result, and nothing else.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use access::{LICENSE_BYTES_MAX, License, LicenseKey, LicenseKeys};
use anyhow::{Context, Result, bail};
use registry::{RedisRegistry, TrialFile, TrialStore};
use worker::{LicenseSettings, license_status};

use crate::health;
use crate::options::LicenseTask;

/// The last second of the year 9999: later ones have no such text.
const LAST_S: u64 = 253_402_300_799;
/// An answer of the service is shorter.
const ANSWER_MAX: usize = 64 << 10;

/// Does it; an error is the reason of exit code 1.
pub(crate) fn run(task: LicenseTask) -> Result<()> {
    match task {
        LicenseTask::Keygen { name, out } => keygen(&name, &out),
        LicenseTask::Issue { key, new } => {
            println!("{}", key.issue(&new)?);
            Ok(())
        }
        LicenseTask::Inspect { file, keys } => inspect(&file, &keys),
        LicenseTask::Ask { target, api_key } => {
            let key = api_key.as_ref().map(worker::Secret::expose);
            let answer = health::body(&target, key, ANSWER_MAX)?;
            let status = serde_json::from_str(&answer).context("the service does not answer JSON")?;
            show(&status)
        }
        LicenseTask::LookAtFolder { folder, settings } => look(settings, Arc::new(TrialFile::new(&folder))),
        LicenseTask::LookAtRedis { url, prefix, settings } => {
            let registry = RedisRegistry::connect(url.expose()).context("--redis-url is of no use")?;
            look(settings, Arc::new(registry.with_prefix(&prefix)))
        }
    }
}

/// The file must not be there: whoever loses a private key loses all licences that it could have renewed.
fn keygen(name: &str, out: &Path) -> Result<()> {
    let key = LicenseKey::generate(name)?;
    let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(out);
    let mut file = file.with_context(|| format!("{} cannot be made", out.display()))?;
    file.write_all(format!("{name}:{}\n", key.expose()).as_bytes())?;
    file.sync_all()?;
    println!("{name}:{}", key.public());
    Ok(())
}

fn inspect(file: &Path, keys: &LicenseKeys) -> Result<()> {
    let length = std::fs::metadata(file)?.len();
    if length > LICENSE_BYTES_MAX as u64 {
        bail!("{} is too long for a licence", file.display());
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let license = keys.read(&text)?;
    let is_valid = license.is_valid(runtime::unix_ms() / 1000);
    let License { customer, plan, sessions, features, begins_s, ends_s, key } = license;
    let (begins, ends) = (moment(begins_s), moment(ends_s));
    let shown = serde_json::json!({
        "customer": customer,
        "plan": plan,
        "sessions": sessions,
        "features": features,
        "beginsUTC": begins,
        "endsUTC": ends,
        "key": key,
        "isValid": is_valid,
    });
    println!("{shown:#}");
    if is_valid { Ok(()) } else { bail!("it is valid from {begins} until {ends}") }
}

fn look(settings: LicenseSettings, store: Arc<dyn TrialStore>) -> Result<()> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let settings = LicenseSettings { stores: vec![store], ..settings };
    show(&serde_json::to_value(tokio.block_on(license_status(settings)))?)
}

fn show(status: &serde_json::Value) -> Result<()> {
    println!("{status:#}");
    match status["standing"].as_str() {
        Some("Trial" | "Licensed") => Ok(()),
        Some(_) => bail!("{}", status["notice"].as_str().unwrap_or("no new sessions are made")),
        None => bail!("the service does not tell"),
    }
}

/// A moment in UTC; the ends of licences are within the years that have such a text.
fn moment(at_s: i64) -> String {
    let since = Duration::from_secs(u64::try_from(at_s).unwrap_or(0).min(LAST_S));
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string()
}
