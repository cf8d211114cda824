//! From texts to settings, with every mistake told.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use broker::catalogue::MarketHours;
use broker::{Feed, TlsFiles};
use runtime::LogFormat;
use worker::{Egress, Secret};

use super::{BrokerArgs, BrokerOnlyArgs, Cli, Command, LogArgs, StandaloneArgs};

/// The fastest replay: beyond it a second holds more ticks than a session can pass on.
const SPEED_MAX: f64 = 1000.0;
/// No clock on earth is further from UTC.
const TIMEZONE_MINUTES_MAX: i32 = 14 * 60;
/// Shorter keys can be guessed.
const ADMIN_KEY_BYTES_MIN: usize = 16;
/// What the login records of the protocol can carry.
const SERVER_NAME_CHARS_MAX: usize = 63;

/// What the process is asked to be.
#[derive(Debug)]
pub(crate) enum Role {
    /// Service and demo broker.
    Standalone(Log, Box<StandaloneRole>),
    /// Demo broker.
    Broker(Log, Box<BrokerRole>),
    /// A printer of the document.
    OpenApi,
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
    pub(crate) brokers: Option<PathBuf>,
    pub(crate) admin_key: Option<Secret>,
    pub(crate) extra_ca: Option<PathBuf>,
    pub(crate) egress: Egress,
    pub(crate) broker: Option<BrokerRole>,
}

/// Checked settings of the demo broker.
#[derive(Debug)]
pub(crate) struct BrokerRole {
    pub(crate) listen: SocketAddr,
    pub(crate) settings: broker::Settings,
}

/// Everything that is wrong with the options.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(Vec<String>);

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
            Some(Command::Broker(args)) => mistakes.broker_only(*args),
            Some(Command::Openapi) => Some(Role::OpenApi),
        };
        role.filter(|_| mistakes.0.is_empty()).ok_or(mistakes)
    }
}

/// Each check notes what is wrong and answers nothing then, so that the next ones are made as well.
impl Mistakes {
    fn standalone(&mut self, args: StandaloneArgs) -> Option<Role> {
        let log = self.log(&args.log);
        let listen = self.address("--listen", &args.listen);
        let brokers = self.file("--brokers", args.brokers);
        let admin_key = self.admin_key(args.admin_key, args.admin_key_file);
        let extra_ca = self.file("--extra-ca", args.extra_ca);
        let egress =
            self.one_of("--egress", &args.egress, &[("any", Egress::Any), ("public", Egress::Public)]);
        let broker = if args.no_broker { None } else { Some(self.broker(&args.broker_listen, args.broker)) };
        if listen.is_some_and(|address| address.port() != 0)
            && let Some(Some(broker)) = &broker
            && listen == Some(broker.listen)
        {
            self.note::<()>("--listen and --broker-listen are the same address: give them different ports");
        }
        let broker = match broker {
            None => None,
            Some(checked) => Some(checked?),
        };
        let (listen, brokers, extra_ca, egress) = (listen?, brokers?, extra_ca?, egress?);
        let admin_key = admin_key?;
        let role = StandaloneRole { listen, brokers, admin_key, extra_ca, egress, broker };
        Some(Role::Standalone(log?, Box::new(role)))
    }

    /// The key itself, or what its file holds; an empty one is none.
    fn admin_key(&mut self, key: Option<String>, file: Option<String>) -> Option<Option<Secret>> {
        let key = key.filter(|key| !key.is_empty());
        let text = match (key, self.file("--admin-key-file", file)?) {
            (Some(_), Some(_)) => return self.note("give --admin-key or --admin-key-file, not both"),
            (Some(key), None) => key,
            (None, None) => return Some(None),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => text.trim().to_owned(),
                Err(cause) => return self.note(format!("--admin-key-file {}: {cause}", path.display())),
            },
        };
        if text.len() < ADMIN_KEY_BYTES_MIN {
            return self
                .note(format!("the administrator key needs {ADMIN_KEY_BYTES_MIN} characters or more"));
        }
        Some(Some(Secret::new(text)))
    }

    fn broker_only(&mut self, args: BrokerOnlyArgs) -> Option<Role> {
        let log = self.log(&args.log);
        let broker = self.broker(&args.broker_listen, args.broker);
        Some(Role::Broker(log?, Box::new(broker?)))
    }

    fn broker(&mut self, listen: &str, args: BrokerArgs) -> Option<BrokerRole> {
        let listen = self.address("--broker-listen", listen);
        let seed = self.number("--seed", &args.seed, "a whole number");
        let replay = self.folder("--replay", args.replay);
        let speed = self.within("--speed", &args.speed, 0.001, SPEED_MAX);
        let hours = [("always", MarketHours::Always), ("real", MarketHours::Real)];
        let market_hours = self.one_of("--market-hours", &args.market_hours, &hours);
        let accounts_file = self.file("--accounts", args.accounts);
        let tls = self.tls(args.tls_cert, args.tls_key, args.tls_client_ca);
        let server_name = self.server_name(&args.server_name);
        let most = TIMEZONE_MINUTES_MAX;
        let timezone_minutes = self.within("--timezone-minutes", &args.timezone_minutes, -most, most);
        let settings = broker::Settings {
            seed: seed?,
            feed: replay?.map_or(Feed::Walk, Feed::Replay),
            speed: speed?,
            market_hours: market_hours?,
            accounts_file: accounts_file?,
            tls: tls?,
            server_name: server_name?,
            timezone_shift_s: timezone_minutes? * 60,
            ..broker::Settings::default()
        };
        Some(BrokerRole { listen: listen?, settings })
    }

    fn log(&mut self, args: &LogArgs) -> Option<Log> {
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

    fn tls(
        &mut self,
        cert: Option<String>,
        key: Option<String>,
        client_ca: Option<String>,
    ) -> Option<Option<TlsFiles>> {
        let (cert, key) = (self.file("--tls-cert", cert)?, self.file("--tls-key", key)?);
        match (cert, key, self.file("--tls-client-ca", client_ca)?) {
            (None, None, None) => Some(None),
            (Some(cert), Some(key), client_ca) => Some(Some(TlsFiles { cert, key, client_ca })),
            (None, None, Some(_)) => self.note("--tls-client-ca needs --tls-cert and --tls-key"),
            _ => self.note("--tls-cert and --tls-key go together: give both or none"),
        }
    }

    fn server_name(&mut self, name: &str) -> Option<String> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > SERVER_NAME_CHARS_MAX {
            return self.note(format_args!("--server-name needs 1 to {SERVER_NAME_CHARS_MAX} characters"));
        }
        Some(name.to_owned())
    }

    fn address(&mut self, option: &str, text: &str) -> Option<SocketAddr> {
        let text = text.trim();
        let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        let parsed = local.as_deref().unwrap_or(text).parse();
        parsed.ok().or_else(|| {
            self.note(format_args!(
                "{option} '{text}' is no address to listen on: give IP and port, such as 127.0.0.1:5000, or \
                 0.0.0.0:5000 for all networks"
            ))
        })
    }

    fn file(&mut self, option: &str, path: Option<String>) -> Option<Option<PathBuf>> {
        self.path(option, path, "a readable file", |path| std::fs::File::open(path).is_ok() && path.is_file())
    }

    fn folder(&mut self, option: &str, path: Option<String>) -> Option<Option<PathBuf>> {
        self.path(option, path, "a folder", |path| path.is_dir())
    }

    fn path(
        &mut self,
        option: &str,
        path: Option<String>,
        wanted: &str,
        fits: impl Fn(&std::path::Path) -> bool,
    ) -> Option<Option<PathBuf>> {
        let Some(path) = path.filter(|path| !path.is_empty()).map(PathBuf::from) else { return Some(None) };
        if fits(&path) {
            return Some(Some(path));
        }
        self.note(format_args!("{option} '{}' is not {wanted}", path.display()))
    }

    fn number<T: FromStr>(&mut self, option: &str, text: &str, wanted: &str) -> Option<T> {
        let parsed = text.trim().parse().ok();
        parsed.or_else(|| self.note(format_args!("{option} '{text}' is not {wanted}")))
    }

    fn within<T>(&mut self, option: &str, text: &str, least: T, most: T) -> Option<T>
    where
        T: Copy + FromStr + PartialOrd + fmt::Display,
    {
        let parsed = text.trim().parse().ok().filter(|number| (least..=most).contains(number));
        parsed.or_else(|| self.note(format_args!("{option} '{text}' is not a number from {least} to {most}")))
    }

    fn one_of<T: Copy>(&mut self, option: &str, text: &str, choices: &[(&str, T)]) -> Option<T> {
        let chosen = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(text.trim()));
        chosen.map(|(_, value)| *value).or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.note(format_args!("{option} '{text}' is not one of: {}", names.join(", ")))
        })
    }

    fn note<T>(&mut self, mistake: impl fmt::Display) -> Option<T> {
        self.0.push(mistake.to_string());
        None
    }
}
