//! The demo broker's options.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use broker::catalogue::{Holiday, MarketHours};
use broker::{AnswerLimits, Feed, Scenario, StartError, Zone};
use worker::Secret;

use super::BrokerArgs;
use super::check::{ADMIN_KEY_BYTES_MIN, Mistakes};

/// The fastest replay: beyond it a second holds more ticks than a session can pass on.
const SPEED_MAX: f64 = 1000.0;
/// What the login records of the protocol can carry.
const SERVER_NAME_CHARS_MAX: usize = 63;

/// Checked settings of the demo broker.
#[derive(Debug)]
pub(crate) struct BrokerRole {
    pub(crate) listen: SocketAddr,
    pub(crate) settings: broker::Settings,
    pub(crate) admin: Option<BrokerAdmin>,
    pub(crate) scenario: Option<Scenario>,
}

/// Where operators of the demo broker call, and what they must show.
#[derive(Debug)]
pub(crate) struct BrokerAdmin {
    pub(crate) listen: SocketAddr,
    pub(crate) key: Option<Secret>,
}

impl Mistakes {
    pub(super) fn broker(&mut self, listen: &str, args: BrokerArgs) -> Option<BrokerRole> {
        let listen = self.address("--broker-listen", listen);
        let seed = self.number("--seed", &args.seed, "a whole number");
        let replay = self.folder("--replay", args.replay);
        let speed = self.within("--speed", &args.speed, 0.001, SPEED_MAX);
        let hours = [("always", MarketHours::Always), ("real", MarketHours::Real)];
        let market_hours = self.one_of("--market-hours", &args.market_hours, &hours);
        let holidays = self.holidays(args.holidays);
        let accounts_file = self.file("--accounts", args.accounts);
        // It is made if it is not there.
        let data = args.data.filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let bars_max = self.within("--bars-max", &args.bars_max, 1, AnswerLimits::MOST.bars_max);
        let deals_max = self.within("--deals-max", &args.deals_max, 1, AnswerLimits::MOST.deals_max);
        let scenario = self.scenario(args.scenario);
        let tls = self.tls_files(
            "--broker-tls",
            args.broker_tls_cert,
            args.broker_tls_key,
            args.broker_tls_client_ca,
        );
        let server_name = self.server_name(&args.server_name);
        let zone = self.zone(&args.timezone);
        let admin = self.broker_admin(args.broker_admin, args.broker_admin_key, args.broker_admin_key_file);
        if let Some((listen, Some(admin))) = listen.zip(admin.as_ref()) {
            self.two_addresses(("--broker-listen", listen), ("--broker-admin", admin.listen));
        }
        self.broker_files(&broker::Settings {
            feed: replay.clone().flatten().map_or(Feed::Walk, Feed::Replay),
            market_hours: market_hours.unwrap_or_default(),
            accounts_file: accounts_file.clone().flatten(),
            data: data.clone(),
            tls: tls.clone().flatten(),
            ..broker::Settings::default()
        });
        let settings = broker::Settings {
            seed: seed?,
            feed: replay?.map_or(Feed::Walk, Feed::Replay),
            speed: speed?,
            market_hours: market_hours?,
            holidays: holidays?,
            accounts_file: accounts_file?,
            data,
            tls: tls?,
            server_name: server_name?,
            zone: zone?,
            answers: AnswerLimits { bars_max: bars_max?, deals_max: deals_max? },
            ..broker::Settings::default()
        };
        Some(BrokerRole { listen: listen?, settings, admin: admin?, scenario: scenario? })
    }

    /// What files hold is wrong like any other option.
    fn broker_files(&mut self, settings: &broker::Settings) {
        for mistake in broker::mistakes(settings) {
            let option = match mistake {
                StartError::Accounts(_) => "--accounts",
                StartError::Holidays(_) => "--holidays",
                StartError::Replay(_) => "--replay",
                StartError::Store(_) => "--data",
                StartError::Tls(_) => "--broker-tls-cert, --broker-tls-key",
                StartError::Address(_) => "--broker-listen",
            };
            self.note::<()>(format_args!("{option}: {mistake}"));
        }
    }

    fn holidays(&mut self, file: Option<String>) -> Option<Vec<Holiday>> {
        let Some(file) = file.filter(|file| !file.is_empty()) else { return Some(Vec::new()) };
        match Holiday::load(Path::new(&file)) {
            Ok(holidays) => Some(holidays),
            Err(error) => self.note(format_args!("--holidays: {error}")),
        }
    }

    fn zone(&mut self, text: &str) -> Option<Zone> {
        text.parse().map_or_else(|error| self.note(format_args!("--timezone: {error}")), Some)
    }

    fn scenario(&mut self, name_or_file: Option<String>) -> Option<Option<Scenario>> {
        let Some(given) = name_or_file.filter(|text| !text.is_empty()) else { return Some(None) };
        match Scenario::load(&given) {
            Ok(scenario) => Some(Some(scenario)),
            Err(error) => self.note(format_args!("--scenario: {error}")),
        }
    }

    /// Nobody else's machine gets in without a key.
    fn broker_admin(
        &mut self,
        address: Option<String>,
        key: Option<String>,
        key_file: Option<String>,
    ) -> Option<Option<BrokerAdmin>> {
        let key = self.secret("--broker-admin-key", key, key_file);
        let Some(address) = address.filter(|address| !address.is_empty()) else {
            return match key? {
                None => Some(None),
                Some(_) => {
                    self.note("--broker-admin-key needs --broker-admin, the address of the admin port")
                }
            };
        };
        let is_port = address.trim().parse::<u16>().is_ok();
        let whole = if is_port { format!("127.0.0.1:{}", address.trim()) } else { address };
        let (listen, key) = (self.address("--broker-admin", &whole)?, key?);
        match &key {
            None if !listen.ip().is_loopback() => self.note(format_args!(
                "--broker-admin {listen} can be reached from other machines: give --broker-admin-key as well, or an \
                 address of this machine alone, such as 127.0.0.1:5050"
            )),
            Some(key) if key.len() < ADMIN_KEY_BYTES_MIN => {
                self.note(format_args!("--broker-admin-key needs {ADMIN_KEY_BYTES_MIN} characters or more"))
            }
            _ => Some(Some(BrokerAdmin { listen, key: key.map(Secret::new) })),
        }
    }

    /// Two servers cannot have one address, unless each is to take any free port.
    pub(super) fn two_addresses(&mut self, one: (&str, SocketAddr), other: (&str, SocketAddr)) {
        if one.1 == other.1 && one.1.port() != 0 {
            self.note::<()>(format_args!(
                "{} and {} are the same address: give them different ports",
                one.0, other.0
            ));
        }
    }

    fn server_name(&mut self, name: &str) -> Option<String> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > SERVER_NAME_CHARS_MAX {
            return self.note(format_args!("--server-name needs 1 to {SERVER_NAME_CHARS_MAX} characters"));
        }
        Some(name.to_owned())
    }
}
