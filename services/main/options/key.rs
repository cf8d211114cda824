//! `mt5rest key`: making and changing API keys.

use std::path::PathBuf;

use access::{
    KeyChange, KeyId, KeyKind, Limits, Lots, ROTATION_KEEP_DAYS_MAX, Rates, Scopes, Tenant, is_any, listed,
};
use clap::{Args, Subcommand};
use registry::{KEY_DAYS_MAX, NewKey, RedisRegistry};
use worker::Secret;

use super::check::{Mistakes, Role};

#[derive(Debug, Clone, Args)]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum KeyCommand {
    /// Makes a key and prints it, alone, once and for all.
    Create(CreateArgs),
    /// Lists keys, one a line: id, tenant, kind, scopes, expiry, last use; tabs between.
    List(ListArgs),
    /// Shows a key as JSON, without its secret.
    Show(IdArgs),
    /// Gives a key a new secret and prints the whole key, alone.
    Rotate(RotateArgs),
    /// Ends a key for good; its open sockets are closed within a second.
    Revoke(IdArgs),
    /// Changes what a key allows; what is not given stays.
    Limits(ChangeArgs),
}

/// Where the keys are.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Where the keys are")]
pub(super) struct StoreArgs {
    /// Folder of a standalone service, which may be running.
    #[arg(long, env = "MT5REST_DATA", value_name = "FOLDER")]
    data: Option<String>,
    /// Redis of a cluster.
    #[arg(long, env = "MT5REST_REDIS_URL", value_name = "URL", hide_env_values = true)]
    redis_url: Option<String>,
    /// File that holds this URL, for one with a password.
    #[arg(long, env = "MT5REST_REDIS_URL_FILE", value_name = "FILE")]
    redis_url_file: Option<String>,
    /// What all keys in Redis begin with.
    #[arg(long, env = "MT5REST_REDIS_PREFIX", value_name = "TEXT", default_value = "mt5rest:")]
    redis_prefix: String,
}

#[derive(Debug, Clone, Args)]
struct LimitArgs {
    /// What the key allows: read, trade, stream, connect, admin, with commas; all but admin if not told otherwise.
    #[arg(long, value_name = "SCOPES")]
    scopes: Option<String>,
    /// Only accounts that their server reports as demo accounts; off takes this away.
    #[arg(long, value_name = "on|off", num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    demo_only: Option<String>,
    /// Only orders that close, delete or protect; off takes this away.
    #[arg(long, value_name = "on|off", num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    reduce_only: Option<String>,
    /// Only these accounts, by login, with commas; any takes this away, here and below.
    #[arg(long, value_name = "LOGINS")]
    accounts: Option<String>,
    /// Only these brokers, by the name of their server or the host of its Web Terminal, with commas.
    #[arg(long, value_name = "NAMES")]
    brokers: Option<String>,
    /// Only callers from these networks, such as 10.1.0.0/16,192.0.2.7.
    #[arg(long, value_name = "NETWORKS")]
    networks: Option<String>,
    /// Most lots of an order.
    #[arg(long, value_name = "LOTS")]
    volume_max: Option<String>,
    /// How often something may be done instead of the usual, such as orders=10/60s,requests=100/1s.
    #[arg(long, value_name = "RATES")]
    rates: Option<String>,
    /// For how many days from now on the key is good: 365 for a new one, if not told otherwise.
    #[arg(long, value_name = "DAYS")]
    expires: Option<String>,
}

#[derive(Debug, Clone, Args)]
struct CreateArgs {
    /// Whose key it is: a name of 1 to 40 of a-z, 0-9 and -.
    #[arg(long, value_name = "NAME")]
    tenant: String,
    /// A customer's, a customer's for demo accounts only, or the operator's.
    #[arg(long, value_name = "live|test|admin", default_value = "live")]
    kind: String,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Clone, Args)]
struct ListArgs {
    /// Only the keys of this tenant.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Clone, Args)]
struct IdArgs {
    /// The eight characters after the kind in the key.
    id: String,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Clone, Args)]
struct RotateArgs {
    /// The eight characters after the kind in the key.
    id: String,
    /// For how long the secret before stays good: 0d to 7d.
    #[arg(long, value_name = "DAYS", default_value = "0d")]
    keep: String,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Clone, Args)]
struct ChangeArgs {
    /// The eight characters after the kind in the key.
    id: String,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// Checked options of the command.
#[derive(Debug)]
pub(crate) struct KeyRole {
    pub(crate) task: KeyTask,
    pub(crate) store: KeyStore,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum KeyTask {
    Create(NewKey),
    List(Option<Tenant>),
    Show(KeyId),
    Rotate { id: KeyId, keep_days: u32 },
    Revoke(KeyId),
    Change(KeyId, Box<KeyChange>),
}

/// Where the keys are.
#[derive(Debug)]
pub(crate) enum KeyStore {
    Folder(PathBuf),
    Redis { url: Secret, prefix: String },
}

impl Mistakes {
    pub(super) fn key(&mut self, args: KeyArgs) -> Option<Role> {
        let (task, store) = match args.command {
            KeyCommand::Create(args) => {
                let tenant = self.tenant(&args.tenant);
                let kinds = KeyKind::ALL.map(|kind| (kind.as_str(), kind));
                let kind = self.one_of("--kind", &args.kind, &kinds);
                let change = self.key_change(&args.limits);
                let store = self.key_store(args.store)?;
                let change = change?;
                let mut limits = Limits::default();
                change.limit(&mut limits);
                let days = change.days.unwrap_or(registry::KEY_DAYS);
                let new = NewKey { tenant: tenant?, kind: kind?, scopes: change.scopes, limits, days };
                (KeyTask::Create(new), store)
            }
            KeyCommand::List(args) => {
                let tenant = args.tenant.filter(|tenant| !tenant.is_empty());
                let tenant = tenant.map(|tenant| self.tenant(&tenant));
                let store = self.key_store(args.store)?;
                let tenant = match tenant {
                    Some(tenant) => Some(tenant?),
                    None => None,
                };
                (KeyTask::List(tenant), store)
            }
            KeyCommand::Show(args) => self.of_key(&args.id, args.store, KeyTask::Show)?,
            KeyCommand::Revoke(args) => self.of_key(&args.id, args.store, KeyTask::Revoke)?,
            KeyCommand::Rotate(args) => {
                let days = args.keep.trim();
                let keep_days =
                    self.within("--keep", days.strip_suffix('d').unwrap_or(days), 0, ROTATION_KEEP_DAYS_MAX);
                let of_key = self.of_key(&args.id, args.store, |id| (id, keep_days))?;
                let ((id, keep_days), store) = of_key;
                (KeyTask::Rotate { id, keep_days: keep_days? }, store)
            }
            KeyCommand::Limits(args) => {
                let change = self.key_change(&args.limits);
                let (id, store) = self.of_key(&args.id, args.store, |id| id)?;
                (KeyTask::Change(id, Box::new(change?)), store)
            }
        };
        Some(Role::Key(Box::new(KeyRole { task, store })))
    }

    fn of_key<T>(
        &mut self,
        id: &str,
        store: StoreArgs,
        task: impl FnOnce(KeyId) -> T,
    ) -> Option<(T, KeyStore)> {
        let parsed = id.trim().parse::<KeyId>().ok();
        let parsed = parsed.or_else(|| {
            // It may be a whole key.
            self.note("the id of a key is the eight characters after its kind, such as ab12CD34 of mt5r_live_ab12CD34_…")
        });
        let store = self.key_store(store)?;
        Some((task(parsed?), store))
    }

    pub(super) fn key_store(&mut self, args: StoreArgs) -> Option<KeyStore> {
        let folder = args.data.filter(|folder| !folder.is_empty());
        let url = self.secret("--redis-url", args.redis_url, args.redis_url_file)?;
        let prefix = self.redis_prefix(args.redis_prefix)?;
        match (folder, url) {
            (Some(folder), None) => Some(KeyStore::Folder(folder.into())),
            (None, Some(url)) => match RedisRegistry::connect(&url) {
                Ok(_) => Some(KeyStore::Redis { url: Secret::new(url), prefix }),
                Err(wrong) => self.note(format_args!("--redis-url: {wrong}")),
            },
            (Some(_), Some(_)) => self.note("give --data, of a standalone service, or --redis-url, of a cluster, not both"),
            (None, None) => self.note(
                "where are the keys? Give --data FOLDER as the standalone service has it, or --redis-url URL of a cluster",
            ),
        }
    }

    pub(super) fn tenant(&mut self, name: &str) -> Option<Tenant> {
        name.trim().parse().map_or_else(|wrong| self.note(format_args!("--tenant: {wrong}")), Some)
    }

    fn key_change(&mut self, args: &LimitArgs) -> Option<KeyChange> {
        let scopes = args.scopes.as_deref().map(|text| match text.parse::<Scopes>() {
            Ok(scopes) if scopes != Scopes::NONE => Some(scopes),
            Ok(_) => self.note("--scopes: a key without any is of no use: revoke it instead"),
            Err(wrong) => self.note(format_args!("--scopes: {wrong}")),
        });
        let demo_only = args.demo_only.as_deref().map(|text| self.switch("--demo-only", text));
        let reduce_only = args.reduce_only.as_deref().map(|text| self.switch("--reduce-only", text));
        let accounts = args.accounts.as_deref().map(|text| {
            let logins = listed(text).into_iter().map(|login| self.number("--accounts", login, "a login"));
            // All of them are looked at before one that is none counts.
            logins.collect::<Vec<Option<u64>>>().into_iter().collect::<Option<Vec<u64>>>()
        });
        let networks = args.networks.as_deref().map(|text| {
            let networks = self.networks("--networks", Some(text).filter(|text| !is_any(text)));
            networks.map(|networks| networks.iter().map(ToString::to_string).collect::<Vec<_>>())
        });
        let volume_max = args.volume_max.as_deref().map(|text| match text.trim() {
            text if is_any(text) => Some(None),
            text => text.parse().map_or_else(
                |wrong| self.note(format_args!("--volume-max '{text}': {wrong}")),
                |lots: Lots| Some(Some(lots)),
            ),
        });
        let rates = args.rates.as_deref().map(|text| match text {
            text if is_any(text) => Some(Rates::default()),
            text => text
                .parse()
                .map_or_else(|wrong| self.note(format_args!("--rates: {wrong}")), |rates: Rates| Some(rates)),
        });
        let days = args.expires.as_deref().map(|text| self.within("--expires", text, 1, KEY_DAYS_MAX));
        Some(KeyChange {
            scopes: checked(scopes)?,
            demo_only: checked(demo_only)?,
            reduce_only: checked(reduce_only)?,
            accounts: checked(accounts)?,
            brokers: args
                .brokers
                .as_deref()
                .map(|text| listed(text).into_iter().map(str::to_owned).collect()),
            networks: checked(networks)?,
            volume_max: checked(volume_max)?,
            rates: checked(rates)?,
            days: checked(days)?,
        })
    }
}

/// What was given and is good, or was not given.
fn checked<T>(given: Option<Option<T>>) -> Option<Option<T>> {
    match given {
        None => Some(None),
        Some(Some(good)) => Some(Some(good)),
        Some(None) => None,
    }
}

#[cfg(test)]
#[path = "key/tests.rs"]
mod tests;
