//! From texts to settings, with every mistake told.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cluster::ClusterKey;
use registry::{TrialFile, TrialStore};
use runtime::LogFormat;
use seal::KeyRing;
use tls::{Identity, Trust};
use worker::{Egress, IpNet, LicenseSettings, Secret, StartError};

use super::audit::AuditRole;
use super::broker::BrokerRole;
use super::front::REPLY_MIB_MAX;
use super::key::KeyRole;
use super::license::LicenseTask;
use super::{BrokerOnlyArgs, Cli, Command, HealthArgs, LogArgs, OwnerArgs, StandaloneArgs};
use crate::banner;
use crate::health::Target;

/// Shorter keys can be guessed.
pub(super) const ADMIN_KEY_BYTES_MIN: usize = 16;

/// What the process is asked to be.
#[derive(Debug)]
pub(crate) enum Role {
    /// Service and demo broker.
    Standalone(Log, Box<StandaloneRole>),
    /// Front of a cluster.
    Api(Log, Box<ApiRole>),
    /// Owner of sessions in a cluster.
    Worker(Log, Box<WorkerRole>),
    /// Demo broker.
    Broker(Log, Box<BrokerRole>),
    /// A printer of the document.
    OpenApi,
    /// One who asks another process.
    Health(Target),
    /// One who changes API keys.
    Key(Box<KeyRole>),
    /// Whoever reads the record of calls.
    Audit(Box<AuditRole>),
    /// One who makes or looks at licences.
    License(Box<LicenseTask>),
}

/// What is logged, and how.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) filter: String,
    pub(crate) format: LogFormat,
}

/// Checked settings of the service.
#[derive(Debug)]
pub(crate) struct StandaloneRole {
    pub(crate) listen: SocketAddr,
    pub(crate) front: api::Settings,
    /// Whether callers must show a key.
    pub(crate) auth: bool,
    /// Where API keys are kept.
    pub(crate) data: Option<PathBuf>,
    pub(crate) owner: Owner,
    pub(crate) broker: Option<BrokerRole>,
}

/// Checked settings of every process that owns sessions.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) brokers: Option<PathBuf>,
    pub(crate) admin_key: Option<Secret>,
    pub(crate) extra_ca: Option<PathBuf>,
    pub(crate) egress: Egress,
    pub(crate) reply_bytes_max: usize,
    pub(crate) audit: worker::AuditSettings,
    pub(crate) license: LicenseSettings,
}

impl Owner {
    /// The trial is kept in a folder, if there is one: the registry of a process that is alone ends with it.
    fn keeping_trial(mut self, folder: Option<&Path>) -> Self {
        self.license
            .stores
            .extend(folder.map(|folder| Arc::new(TrialFile::new(folder)) as Arc<dyn TrialStore>));
        self
    }
}

/// What connects a process with its cluster.
#[derive(Debug)]
pub(crate) struct ClusterLink {
    /// With a password in it, perhaps: not to be printed.
    pub(crate) redis_url: Secret,
    pub(crate) redis_prefix: String,
    pub(crate) key: ClusterKey,
    pub(crate) trust: Option<Trust>,
}

/// Checked settings of a front.
#[derive(Debug)]
pub(crate) struct ApiRole {
    pub(crate) listen: SocketAddr,
    pub(crate) front: api::Settings,
    /// Whether callers must show a key.
    pub(crate) auth: bool,
    pub(crate) cluster: ClusterLink,
}

/// Checked settings of a worker.
#[derive(Debug)]
pub(crate) struct WorkerRole {
    pub(crate) listen: SocketAddr,
    pub(crate) advertise: Option<String>,
    pub(crate) tls: Option<Identity>,
    pub(crate) sealing_keys: Arc<KeyRing>,
    pub(crate) sessions_max: usize,
    pub(crate) logins_per_second: u32,
    pub(crate) owner: Owner,
    pub(crate) cluster: ClusterLink,
}

/// Everything that is wrong with the options.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(pub(super) Vec<String>);

impl fmt::Display for Mistakes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(out, "{newline}error: {mistake}")?;
        }
        Ok(())
    }
}

impl Cli {
    /// Checks all options of the role.
    pub(crate) fn role(self) -> Result<Role, Mistakes> {
        let mut mistakes = Mistakes::default();
        let role = match self.command {
            None => mistakes.standalone(self.standalone),
            Some(Command::Standalone(args)) => mistakes.standalone(*args),
            Some(Command::Api(args)) => mistakes.api(*args),
            Some(Command::Worker(args)) => mistakes.worker(*args),
            Some(Command::Broker(args)) => mistakes.broker_only(*args),
            Some(Command::Openapi) => Some(Role::OpenApi),
            Some(Command::Health(args)) => mistakes.health(args),
            Some(Command::Key(args)) => mistakes.key(*args),
            Some(Command::Audit(args)) => mistakes.audit(*args),
            Some(Command::License(args)) => mistakes.license(*args),
        };
        role.filter(|_| mistakes.0.is_empty()).ok_or(mistakes)
    }
}

/// Each check notes what is wrong and answers nothing then, so that the next ones are made as well.
impl Mistakes {
    fn standalone(&mut self, args: StandaloneArgs) -> Option<Role> {
        let log = self.log(&args.log);
        let listen = self.address("--listen", &args.listen);
        let owner = self.owner(args.owner, args.egress.as_deref());
        let data = args.broker.data.as_deref().filter(|folder| !folder.is_empty()).map(Path::new);
        let owner = owner.map(|owner| owner.keeping_trial(data));
        let front = self.front(&args.front);
        let auth = self.auth(&args.front, false);
        let data = args.broker.data.clone().filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let cross_site_dials = self.switch("--cross-site-dials", &args.cross_site_dials);
        let public_names = self.names("--public-names", args.public_names.as_deref());
        let no_broker = self.switch("--no-broker", &args.no_broker);
        let broker = match no_broker {
            Some(true) => None,
            Some(false) | None => Some(self.broker(&args.broker_listen, args.broker)),
        };
        if let Some((listen, Some(broker))) = listen.zip(broker.as_ref()) {
            self.two_addresses(("--listen", listen), ("--broker-listen", broker.listen));
            if let Some(admin) = &broker.admin {
                self.two_addresses(("--listen", listen), ("--broker-admin", admin.listen));
            }
        }
        let broker = match broker {
            None => None,
            Some(checked) => Some(checked?),
        };
        let (listen, front, owner) = (listen?, front?, owner?);
        no_broker?;
        let (cross_site_dials, public_names) = (cross_site_dials?, public_names?);
        let front = api::Settings { cross_site_dials, public_names, ..front };
        let role = StandaloneRole { listen, front, auth: auth?, data, owner, broker };
        Some(Role::Standalone(log?, Box::new(role)))
    }

    /// What every process has that owns sessions.
    pub(super) fn owner(&mut self, args: OwnerArgs, egress: Option<&str>) -> Option<Owner> {
        let brokers = self.file("--brokers", args.brokers);
        let admin_key = self.admin_key(args.admin_key, args.admin_key_file);
        let extra_ca = self.file("--extra-ca", args.extra_ca);
        let egress = self.egress(egress, args.egress_allow.as_deref());
        let files = worker::Settings {
            brokers: brokers.clone().flatten(),
            extra_ca: extra_ca.clone().flatten(),
            ..worker::Settings::default()
        };
        for mistake in files.mistakes() {
            let option = match mistake {
                StartError::Directory(_) => "--brokers",
                StartError::Tls(_) | StartError::Seal(_) => "--extra-ca",
            };
            self.note::<()>(format_args!("{option}: {mistake}"));
        }
        let audit = self.record(args.record);
        let reply_mib = self.within("--reply-memory-mib", &args.reply_memory_mib, 1, REPLY_MIB_MAX);
        let license = self.licensed(args.license);
        Some(Owner {
            brokers: brokers?,
            admin_key: admin_key?,
            extra_ca: extra_ca?,
            egress: egress?,
            reply_bytes_max: reply_mib? << 20,
            audit: audit?,
            license: license?,
        })
    }

    /// The administrator's key.
    fn admin_key(&mut self, key: Option<String>, file: Option<String>) -> Option<Option<Secret>> {
        let Some(key) = self.secret("--admin-key", key, file)? else { return Some(None) };
        if key.len() < ADMIN_KEY_BYTES_MIN {
            return self
                .note(format!("the administrator key needs {ADMIN_KEY_BYTES_MIN} characters or more"));
        }
        Some(Some(Secret::new(key)))
    }

    /// Where connections may go to.
    fn egress(&mut self, policy: Option<&str>, allowed: Option<&str>) -> Option<Egress> {
        let policies = [("any", true), ("public", false)];
        let policy = match policy.filter(|policy| !policy.is_empty()) {
            Some(policy) => self.one_of("--egress", policy, &policies).map(Some),
            None => Some(None),
        };
        let networks = self.networks("--egress-allow", allowed)?;
        match (policy?, networks.is_empty()) {
            (Some(true), false) => self.note(
                "--egress any allows every address, and --egress-allow but some: give one of them. Networks are allowed \
                 beside public addresses with --egress public",
            ),
            (Some(false) | None, false) => Some(Egress::PublicAnd(networks.into())),
            (Some(true) | None, true) => Some(Egress::Any),
            (Some(false), true) => Some(Egress::Public),
        }
    }

    /// Networks with commas between; an address stands for itself.
    pub(super) fn networks(&mut self, option: &str, given: Option<&str>) -> Option<Vec<IpNet>> {
        let texts = given.into_iter().flat_map(|text| text.split(',')).map(str::trim);
        let networks = texts.filter(|text| !text.is_empty()).map(|text| {
            let alone = text.parse::<std::net::IpAddr>().map(IpNet::from);
            let network = text.parse::<IpNet>().or(alone).ok();
            network.or_else(|| self.note(format_args!("{option} '{text}' is no network such as 10.1.0.0/16")))
        });
        // All of them are looked at before one that is none counts.
        networks.collect::<Vec<_>>().into_iter().collect()
    }

    /// Names of hosts, with commas between them.
    fn names(&mut self, option: &str, given: Option<&str>) -> Option<Vec<String>> {
        let is_name = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
        };
        let texts = given.into_iter().flat_map(|text| text.split(',')).map(str::trim);
        let names = texts.filter(|text| !text.is_empty()).map(|text| {
            let name = is_name(text).then(|| text.to_owned());
            name.or_else(|| {
                self.note(format_args!("{option} '{text}' is no name of a host such as mt5.example.com"))
            })
        });
        names.collect::<Vec<_>>().into_iter().collect()
    }

    fn broker_only(&mut self, args: BrokerOnlyArgs) -> Option<Role> {
        let log = self.log(&args.log);
        let broker = self.broker(&args.broker_listen, args.broker);
        Some(Role::Broker(log?, Box::new(broker?)))
    }

    fn health(&mut self, args: HealthArgs) -> Option<Role> {
        let url = match args.url.filter(|url| !url.is_empty()) {
            Some(url) => url,
            None => format!("http://{}", banner::reachable(self.address("--listen", &args.listen)?)),
        };
        let target = Target::parse(&url);
        let target = target.or_else(|| {
            self.note(format_args!("'{url}' is no address such as http://127.0.0.1:5000/healthz"))
        });
        target.map(Role::Health)
    }

    pub(super) fn log(&mut self, args: &LogArgs) -> Option<Log> {
        let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        let format = self.one_of("--log-format", &args.format, &formats);
        if let Err(reason) = tracing_subscriber::EnvFilter::try_new(&args.filter) {
            self.note::<()>(format_args!(
                "--log '{}' is no filter ({reason}): try info or debug",
                args.filter
            ));
        }
        format.map(|format| Log { filter: args.filter.clone(), format })
    }
}
