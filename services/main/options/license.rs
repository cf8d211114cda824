//! `mt5rest license`, and the options by which processes are licensed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use access::{LicenseKey, LicenseKeys, NewLicense};
use clap::{Args, Subcommand};
use worker::{LicenseSettings, Secret};

use super::check::{Mistakes, Role};
use crate::banner;
use crate::health::Target;

/// Longest name of a key.
const KEY_NAME_MAX: usize = 64;
/// More sessions than any cluster holds.
const SESSIONS_MAX: u32 = 10_000_000;
/// Longest text of a licence: its customer, its plan, each of its features.
const TEXT_MAX: usize = 200;

/// By what a process that owns sessions is licensed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Licence")]
pub(super) struct LicensedArgs {
    /// Licence file, or a folder of them, of which the best valid one counts; looked at again when it is needed. Without one
    /// there is a trial of 14 days.
    #[arg(long, env = "MT5REST_LICENSE", value_name = "FILE|FOLDER")]
    license: Option<String>,
    /// Public keys whose licences count, NAME:KEY as `mt5rest license keygen` prints it, several with commas; the vendor's, if
    /// not given.
    #[arg(long, env = "MT5REST_LICENSE_PUBLIC_KEY", value_name = "KEYS")]
    license_public_key: Option<String>,
    /// Where refusals for want of a licence send their readers.
    #[arg(long, env = "MT5REST_LICENSE_LINK", value_name = "URL", default_value = "/ReadMe#licence")]
    license_link: String,
}

#[derive(Debug, Clone, Args)]
pub(super) struct LicenseArgs {
    #[command(subcommand)]
    command: LicenseCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum LicenseCommand {
    /// Makes a key to sign licences with: the private one goes into a file, the public one is printed.
    Keygen(KeygenArgs),
    /// Signs a licence and prints it.
    Issue(IssueArgs),
    /// Shows what a licence says, as JSON: exit code 0 if it is valid now, 1 if not.
    Inspect(InspectArgs),
    /// Shows what a service may do, as JSON: exit code 0 while new sessions may be made, 1 if not.
    Status(StatusArgs),
}

#[derive(Debug, Clone, Args)]
struct KeygenArgs {
    /// What the key is called in licences.
    name: String,
    /// File for the private key, which only its owner may read; must not be there yet.
    #[arg(long, value_name = "FILE")]
    out: String,
}

#[derive(Debug, Clone, Args)]
struct IssueArgs {
    /// File with the private key.
    #[arg(long, value_name = "FILE")]
    key: String,
    /// Whose the licence is.
    #[arg(long, value_name = "NAME")]
    customer: String,
    /// What was bought.
    #[arg(long, value_name = "TEXT", default_value = "standard")]
    plan: String,
    /// Most sessions at once.
    #[arg(long, value_name = "NUMBER")]
    sessions: String,
    /// Further things that it allows, with commas.
    #[arg(long, value_name = "NAMES")]
    features: Option<String>,
    /// First day, as 2026-01-31; today if not given.
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Last day: it ends where that day ends last, at UTC-12.
    #[arg(long, value_name = "DATE")]
    until: String,
}

#[derive(Debug, Clone, Args)]
struct InspectArgs {
    /// The licence.
    file: String,
    /// Public keys whose licences count; the vendor's, if not given.
    #[arg(long, env = "MT5REST_LICENSE_PUBLIC_KEY", value_name = "KEYS")]
    license_public_key: Option<String>,
}

#[derive(Debug, Clone, Args)]
struct StatusArgs {
    /// The service to ask, such as http://127.0.0.1:5000; the one that listens on MT5REST_LISTEN, if nothing is given.
    url: Option<String>,
    /// Address that the service listens on.
    #[arg(long, env = "MT5REST_LISTEN", value_name = "IP:PORT", default_value = "127.0.0.1:5000")]
    listen: String,
    /// Key to ask the service with, where it asks for one.
    #[arg(long, env = "MT5REST_API_KEY", value_name = "KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// File that holds this key, so that it stands in no command line.
    #[arg(long, env = "MT5REST_API_KEY_FILE", value_name = "FILE")]
    api_key_file: Option<String>,
    /// Looks into the data folder of a standalone service instead, which need not run.
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
    /// Looks into the Redis of a cluster instead.
    #[arg(long, value_name = "URL")]
    redis_url: Option<String>,
    /// File that holds this URL, for one with a password.
    #[arg(long, value_name = "FILE")]
    redis_url_file: Option<String>,
    /// What all keys in Redis begin with.
    #[arg(long, env = "MT5REST_REDIS_PREFIX", value_name = "TEXT", default_value = "mt5rest:")]
    redis_prefix: String,
    #[command(flatten)]
    licensed: LicensedArgs,
}

/// What is to be done about licences.
#[derive(Debug)]
pub(crate) enum LicenseTask {
    /// Make a key.
    Keygen { name: String, out: PathBuf },
    /// Sign a licence.
    Issue { key: LicenseKey, new: NewLicense },
    /// Show a licence.
    Inspect { file: PathBuf, keys: LicenseKeys },
    /// Ask a service.
    Ask { target: Target, api_key: Option<Secret> },
    /// Look where the trial of a standalone service is kept.
    LookAtFolder { folder: PathBuf, settings: LicenseSettings },
    /// Look where the trial of a cluster is kept.
    LookAtRedis { url: Secret, prefix: String, settings: LicenseSettings },
}

impl Mistakes {
    pub(super) fn license(&mut self, args: LicenseArgs) -> Option<Role> {
        let task = match args.command {
            LicenseCommand::Keygen(args) => self.keygen(args),
            LicenseCommand::Issue(args) => self.issue(args),
            LicenseCommand::Inspect(args) => {
                let file = self.file("FILE", Some(args.file)).map(Option::unwrap_or_default);
                let keys = self.license_keys(args.license_public_key);
                file.zip(keys).map(|(file, keys)| LicenseTask::Inspect { file, keys })
            }
            LicenseCommand::Status(args) => self.license_status(args),
        };
        task.map(|task| Role::License(Box::new(task)))
    }

    /// The settings of a process that owns sessions.
    pub(super) fn licensed(&mut self, args: LicensedArgs) -> Option<LicenseSettings> {
        let keys = self.license_keys(args.license_public_key);
        let link = args.license_link.trim().to_owned();
        let is_link = !link.is_empty() && link.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_link {
            self.note::<()>(format_args!("--license-link '{link}' is no address"));
        }
        // It need not be there yet: a service that runs takes it when it comes.
        let path = args.license.filter(|path| !path.is_empty()).map(PathBuf::from);
        let keys = keys.filter(|_| is_link)?;
        Some(LicenseSettings { path, keys: Arc::new(keys), link, ..LicenseSettings::default() })
    }

    fn license_keys(&mut self, given: Option<String>) -> Option<LicenseKeys> {
        let Some(given) = given.filter(|given| !given.trim().is_empty()) else {
            return Some(LicenseKeys::vendor());
        };
        let mut keys = LicenseKeys::default();
        for each in given.split(',').map(str::trim) {
            let added = each.split_once(':').filter(|(name, _)| is_key_name(name));
            let added = added.map(|(name, public)| keys.add(name, public));
            if !matches!(added, Some(Ok(()))) {
                return self.note(format_args!(
                    "--license-public-key '{each}' is no NAME:KEY as `mt5rest license keygen` prints it"
                ));
            }
        }
        Some(keys)
    }

    fn keygen(&mut self, args: KeygenArgs) -> Option<LicenseTask> {
        if !is_key_name(&args.name) {
            return self.note(format_args!(
                "'{}' is no name of a key: up to {KEY_NAME_MAX} letters, digits, dots and dashes",
                args.name
            ));
        }
        Some(LicenseTask::Keygen { name: args.name, out: PathBuf::from(args.out) })
    }

    fn issue(&mut self, args: IssueArgs) -> Option<LicenseTask> {
        let key = self.signing_key(args.key);
        let sessions = self.within("--sessions", &args.sessions, 1, SESSIONS_MAX);
        let customer = self.words("--customer", &args.customer);
        let plan = self.words("--plan", &args.plan);
        let texts = args.features.iter().flat_map(|text| text.split(','));
        let features: Vec<_> = texts.map(|feature| self.words("--features", feature)).collect();
        let now_s = runtime::unix_ms() / 1000;
        let begins_s = match args.from.filter(|date| !date.is_empty()) {
            Some(date) => self.day("--from", &date),
            None => Some(now_s.div_euclid(86_400) * 86_400),
        };
        let last_day_s = self.day("--until", &args.until);
        let features = features.into_iter().collect::<Option<_>>()?;
        let (customer, plan, sessions) = (customer?, plan?, sessions?);
        let new =
            NewLicense { customer, plan, sessions, features, begins_s: begins_s?, last_day_s: last_day_s? };
        Some(LicenseTask::Issue { key: key?, new })
    }

    fn signing_key(&mut self, file: String) -> Option<LicenseKey> {
        let path = self.file("--key", Some(file))??;
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) => return self.note(format_args!("--key {}: {cause}", path.display())),
        };
        let key =
            text.trim().split_once(':').and_then(|(name, private)| LicenseKey::read(name, private).ok());
        key.or_else(|| {
            self.note(format_args!(
                "--key {} holds no key that `mt5rest license keygen` has made",
                path.display()
            ))
        })
    }

    fn words(&mut self, option: &str, text: &str) -> Option<String> {
        let text = text.trim();
        let fits = (1..=TEXT_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits {
            return Some(text.to_owned());
        }
        self.note(format_args!("{option} '{}' is not a text of up to {TEXT_MAX} bytes", text.escape_debug()))
    }

    /// The first second of a day.
    fn day(&mut self, option: &str, text: &str) -> Option<i64> {
        let begins = humantime::parse_rfc3339(&format!("{}T00:00:00Z", text.trim())).ok();
        let begins = begins.and_then(|begins| begins.duration_since(UNIX_EPOCH).ok());
        let begins = begins.and_then(|since| i64::try_from(since.as_secs()).ok());
        begins.or_else(|| self.note(format_args!("{option} '{text}' is no day such as 2026-01-31")))
    }

    fn license_status(&mut self, args: StatusArgs) -> Option<LicenseTask> {
        let redis_url = self.secret("--redis-url", args.redis_url, args.redis_url_file)?;
        let data = args.data.filter(|folder| !folder.is_empty());
        let url = args.url.filter(|url| !url.is_empty());
        let settings = self.licensed(args.licensed);
        match (url, data, redis_url) {
            (url, None, None) => {
                let url = match url {
                    Some(url) => url,
                    None => format!("http://{}", banner::reachable(self.address("--listen", &args.listen)?)),
                };
                let api_key = self.secret("--api-key", args.api_key, args.api_key_file)?.map(Secret::new);
                let base = url.trim_end_matches('/');
                match Target::parse(&format!("{base}/LicenseStatus")) {
                    Some(target) => Some(LicenseTask::Ask { target, api_key }),
                    None => self.note(format_args!("'{url}' is no address such as http://127.0.0.1:5000")),
                }
            }
            (None, Some(folder), None) => {
                Some(LicenseTask::LookAtFolder { folder: PathBuf::from(folder), settings: settings? })
            }
            (None, None, Some(url)) => {
                let prefix = self.redis_prefix(args.redis_prefix)?;
                Some(LicenseTask::LookAtRedis { url: Secret::new(url), prefix, settings: settings? })
            }
            _ => self.note("give one of: the address of a service, --data, --redis-url"),
        }
    }
}

fn is_key_name(name: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=KEY_NAME_MAX).contains(&name.len()) && name.bytes().all(is_sign)
}

#[cfg(test)]
mod tests {
    use super::super::tests::role;
    use super::*;

    #[test]
    fn licences_are_named_with_the_keys_that_count() {
        let scratch = testkit::Scratch::new("licensed");
        let folder = scratch.path().to_str().unwrap();
        let Ok(Role::Standalone(_, standalone)) = role(&["--data", folder]) else { panic!() };
        let license = standalone.owner.license;
        assert_eq!((license.path, license.link.as_str()), (None, "/ReadMe#licence"));
        assert_eq!(license.stores.len(), 1, "the trial is kept in the folder");
        let public = access::LicenseKey::generate("one").unwrap().public();
        let keys = format!("one:{public},two:{public}");
        let options =
            ["--license", "later", "--license-public-key", &keys, "--license-link", "https://example.com"];
        let Ok(Role::Standalone(_, standalone)) = role(&options) else { panic!() };
        let license = standalone.owner.license;
        assert_eq!(
            license.path.as_deref(),
            Some(std::path::Path::new("later")),
            "it may come while the service runs"
        );
        assert_eq!((license.link.as_str(), license.stores.len()), ("https://example.com", 0));
        let names = format!("{:?}", license.keys);
        assert!(names.contains("one") && names.contains("two") && !names.contains("vendor"), "{names}");
        for wrong in ["one", "one:short", ":AAAA", &format!("a b:{public}")] {
            let mistakes = role(&["--license-public-key", wrong, "--license-link", "a b"]).unwrap_err();
            assert_eq!(mistakes.lines().count(), 2, "{mistakes}");
            assert!(
                mistakes.contains("--license-public-key '") && mistakes.contains("--license-link 'a b'"),
                "{mistakes}"
            );
        }
    }
}
