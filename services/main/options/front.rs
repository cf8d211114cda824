//! The options of every process that answers clients.

use api::{Origins, TrustedProxies};

use super::FrontArgs;
use super::check::Mistakes;

/// More connections than any process has file handles for.
const CONNECTIONS_MAX: usize = 1_000_000;

/// More than any machine has.
pub(super) const REPLY_MIB_MAX: usize = 1 << 20;

impl Mistakes {
    /// The settings of a front.
    pub(super) fn front(&mut self, args: &FrontArgs) -> Option<api::Settings> {
        let networks = self.networks("--trusted-proxies", args.trusted_proxies.as_deref());
        let cors_origins = self.origins(&args.cors_origins);
        let tls = self.identity("--tls", args.tls_cert.clone(), args.tls_key.clone());
        let limits = &args.limits;
        let mut count = |option, text: &str| self.within(option, text, 1, CONNECTIONS_MAX);
        let connections_max = count("--connections-max", &limits.connections_max);
        let connections_per_address = count("--connections-per-address", &limits.connections_per_address);
        let sockets_max = count("--sockets-max", &limits.sockets_max);
        let sockets_per_address = count("--sockets-per-address", &limits.sockets_per_address);
        let calls_max = self.within("--calls-max", &limits.calls_max, 2, CONNECTIONS_MAX);
        let mut mib = |option, text: &str| self.within(option, text, 1, REPLY_MIB_MAX);
        let reply_mib_max = mib("--reply-mib-max", &limits.reply_mib_max);
        let reply_mib_per_address = mib("--reply-mib-per-address", &limits.reply_mib_per_address);
        Some(api::Settings {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            tls: tls?,
            cors_origins: cors_origins?,
            trusted_proxies: networks.map(TrustedProxies::new)?,
            connections_max: connections_max?,
            connections_per_address: connections_per_address?,
            calls_max: calls_max?,
            sockets_max: sockets_max?,
            sockets_per_address: sockets_per_address?,
            reply_bytes_max: reply_mib_max? << 20,
            reply_bytes_per_address: reply_mib_per_address? << 20,
            ..api::Settings::default()
        })
    }

    /// An empty value counts as none given.
    fn origins(&mut self, text: &str) -> Option<Origins> {
        if text.trim().is_empty() {
            return Some(Origins::Any);
        }
        Origins::parse(text).map_or_else(
            |wrong| {
                self.note(format_args!(
                    "--cors-origins '{wrong}' is neither any, none, nor an origin such as https://desk.example.com"
                ))
            },
            Some,
        )
    }

    /// Whether callers must show a key.
    pub(super) fn auth(&mut self, args: &FrontArgs, default: bool) -> Option<bool> {
        match args.auth.auth.as_deref().filter(|auth| !auth.is_empty()) {
            Some(auth) => self.one_of("--auth", auth, &[("on", true), ("off", false)]),
            None => Some(default),
        }
    }
}
