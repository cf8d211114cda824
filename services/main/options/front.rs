//! The options of every process that answers clients.

use access::Rates;
use api::{JwtAlgorithm, JwtSettings, JwtTerms, Origins, TrustedProxies, UsualRates, check_jwt};

use super::check::Mistakes;
use super::{AuthArgs, FrontArgs, FrontLimitArgs};

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
        let jwt = self.jwt(&args.auth);
        let limits = &args.limits;
        let mut count = |option, text: &str| self.within(option, text, 1, CONNECTIONS_MAX);
        let connections_max = count("--connections-max", &limits.connections_max);
        let connections_per_address = count("--connections-per-address", &limits.connections_per_address);
        let sockets_max = count("--sockets-max", &limits.sockets_max);
        let sockets_per_address = count("--sockets-per-address", &limits.sockets_per_address);
        let calls_max = self.within("--calls-max", &limits.calls_max, 2, CONNECTIONS_MAX);
        let rates = self.rates(limits);
        let mut mib = |option, text: &str| self.within(option, text, 1, REPLY_MIB_MAX);
        let reply_mib_max = mib("--reply-mib-max", &limits.reply_mib_max);
        let reply_mib_per_address = mib("--reply-mib-per-address", &limits.reply_mib_per_address);
        Some(api::Settings {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            jwt: jwt?,
            tls: tls?,
            cors_origins: cors_origins?,
            trusted_proxies: networks.map(TrustedProxies::new)?,
            connections_max: connections_max?,
            connections_per_address: connections_per_address?,
            calls_max: calls_max?,
            rates: rates?,
            sockets_max: sockets_max?,
            sockets_per_address: sockets_per_address?,
            reply_bytes_max: reply_mib_max? << 20,
            reply_bytes_per_address: reply_mib_per_address? << 20,
            ..api::Settings::default()
        })
    }

    fn rates(&mut self, args: &FrontLimitArgs) -> Option<UsualRates> {
        let mut read = |option, text: &str| {
            text.parse::<Rates>().map_or_else(|wrong| self.note(format_args!("{option}: {wrong}")), Some)
        };
        let key = read("--key-rates", &args.key_rates);
        let tenant = args.tenant_rates.as_deref().filter(|text| !text.trim().is_empty());
        let tenant = tenant.map(|text| read("--tenant-rates", text));
        let key = key?;
        Some(UsualRates { tenant: tenant.unwrap_or_else(|| Some(UsualRates::tenant_of(&key)))?, key })
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

    /// Whose tokens are as good as keys.
    fn jwt(&mut self, args: &AuthArgs) -> Option<Option<JwtSettings>> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let (issuer, audience) = (given(&args.jwt_issuer), given(&args.jwt_audience));
        let Some(file) = self.file("--jwt-keys", args.jwt_keys.clone())? else {
            return match (issuer, audience) {
                (None, None) => Some(None),
                _ => self.note("--jwt-issuer and --jwt-audience need --jwt-keys, the keys of the provider"),
            };
        };
        let names = args.jwt_algorithms.split(',').map(str::trim).filter(|name| !name.is_empty());
        let Ok(algorithms) = names.map(str::parse).collect::<Result<Vec<JwtAlgorithm>, _>>() else {
            return self.note(format_args!(
                "--jwt-algorithms '{}' are not some of EdDSA, ES256, RS256 and HS256",
                args.jwt_algorithms
            ));
        };
        let (Some(issuer), Some(audience)) = (issuer, audience) else {
            return self.note(
                "--jwt-keys needs --jwt-issuer and --jwt-audience: else tokens for others would be good here",
            );
        };
        let settings = JwtSettings { file, terms: JwtTerms { issuer, audience, algorithms } };
        match check_jwt(&settings) {
            Ok(()) => Some(Some(settings)),
            Err(wrong) => self.note(format_args!("--jwt-keys: {wrong}")),
        }
    }

    /// Whether callers must show a key.
    pub(super) fn auth(&mut self, args: &FrontArgs, default: bool) -> Option<bool> {
        match args.auth.auth.as_deref().filter(|auth| !auth.is_empty()) {
            Some(auth) => self.one_of("--auth", auth, &[("on", true), ("off", false)]),
            None => Some(default),
        }
    }
}
