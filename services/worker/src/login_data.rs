//! What a session was connected with: all that the next owner needs to log in. It leaves the process sealed.

use std::time::Duration;

use access::Tenant;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use error::Error;
use link::{Credentials, Endpoint, Identity, Proxy, ProxyKind, Scheme};
use registry::AccountName;
use seal::KeyRing;
use serde::{Deserialize, Serialize};
use wire::Payload;
use wire::records::LoginReply;

use crate::session::{AccountKey, Target};

/// What a session was connected with.
#[derive(Clone, Debug)]
pub(crate) struct LoginData {
    pub(crate) account: AccountKey,
    pub(crate) target: Target,
    /// The HTTP status that its caller wants for errors.
    pub(crate) error_status: Option<u16>,
    /// Whether a caller chose the token.
    pub(crate) is_token_chosen: bool,
    /// Whether the password is the one that only looks.
    pub(crate) is_investor: bool,
    /// When a login proved the password last, milliseconds since 1970 UTC; 0 is not known.
    pub(crate) proved_ms: i64,
    /// Whether it is a demo account, as the server said at the last login.
    pub(crate) is_demo: Option<bool>,
}

impl LoginData {
    /// Sealed for a token: of no use under another one.
    ///
    /// # Errors
    /// An internal error if the system gives no random numbers.
    pub(crate) fn seal(&self, ring: &KeyRing, token: &str) -> Result<Bytes, Error> {
        let plain = serde_json::to_vec(&Stored::of(self)).map_err(Error::internal)?;
        ring.seal(&plain, token.as_bytes()).map(Bytes::from).map_err(Error::internal)
    }

    /// Opens what was sealed for this token.
    ///
    /// # Errors
    /// An internal error whose cause says that the key is not on the ring, or that it is no such thing.
    pub(crate) fn open(ring: &KeyRing, token: &str, sealed: &[u8]) -> Result<Self, Error> {
        let plain = ring.open(sealed, token.as_bytes()).map_err(Error::internal)?;
        let stored: Stored = serde_json::from_slice(&plain).map_err(Error::internal)?;
        if stored.version > VERSION {
            let told = format!("login data of version {}, which this process does not know", stored.version);
            return Err(Error::internal(told));
        }
        stored.login_data(Tenant::of(token)).ok_or_else(|| Error::internal("login data that cannot be read"))
    }

    /// A text that stands for a login with all of them, one-time code included, and with `more`: equal for equal ones in
    /// all processes, and of no use for anything else. The device is left out, since each process has one of its own.
    ///
    /// # Errors
    /// An internal error if they have no form in which they are kept.
    pub(crate) fn print(&self, ring: &KeyRing, more: &str) -> Result<String, Error> {
        let stored = Stored { client_id: String::new(), ..Stored::of(self) };
        let all = (stored, &self.target.credentials.otp, &self.account.tenant, more);
        serde_json::to_vec(&all).map(|plain| ring.digest(&plain)).map_err(Error::internal)
    }
}

impl AccountKey {
    /// How the account is called among all processes.
    pub(crate) fn name(&self) -> AccountName {
        AccountName::new(format!("{}/{}/{}", self.tenant, self.server, self.login))
    }
}

/// The form of login data: raised when an older process would misunderstand them. It leaves them to others then.
const VERSION: u32 = 1;

/// The form in which login data are kept. Names of fields must stay: older ones are read after an update.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// Of before there were versions: 0.
    #[serde(default)]
    version: u32,
    server: String,
    login: u64,
    endpoints: Vec<StoredEndpoint>,
    member_limit_ms: u64,
    proxy: Option<StoredProxy>,
    identity: Option<StoredIdentity>,
    wants_history: bool,
    password: String,
    client_id: String,
    /// What the last login gave, which may do where the password alone does not (one-time codes).
    earlier: Option<String>,
    error_status: Option<u16>,
    is_token_chosen: bool,
    is_investor: bool,
    #[serde(default)]
    proved_ms: i64,
    #[serde(default)]
    is_demo: Option<bool>,
}

#[derive(Serialize, Deserialize)]
struct StoredEndpoint {
    is_tls: Option<bool>,
    host: String,
    port: u16,
    path: String,
    is_page: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredProxy {
    kind: u8,
    host: String,
    port: u16,
    user: String,
    password: String,
}

#[derive(Serialize, Deserialize)]
struct StoredIdentity {
    chain: Vec<String>,
    key: String,
}

const PROXY_KINDS: [ProxyKind; 3] = [ProxyKind::Https, ProxyKind::Socks4, ProxyKind::Socks5];

impl Stored {
    fn of(data: &LoginData) -> Self {
        let LoginData { account, target, error_status, is_token_chosen, is_investor, proved_ms, is_demo } =
            data;
        let credentials = &target.credentials;
        Self {
            version: VERSION,
            server: account.server.clone(),
            login: account.login,
            endpoints: target.endpoints.iter().map(StoredEndpoint::of).collect(),
            member_limit_ms: u64::try_from(target.member_limit.as_millis()).unwrap_or(u64::MAX),
            proxy: target.proxy.as_ref().map(StoredProxy::of),
            identity: target.identity.as_ref().map(StoredIdentity::of),
            wants_history: target.wants_history,
            password: credentials.password.clone(),
            client_id: hex::encode(credentials.client_id),
            earlier: credentials.earlier.as_ref().map(|earlier| STANDARD.encode(earlier.to_bytes())),
            error_status: *error_status,
            is_token_chosen: *is_token_chosen,
            is_investor: *is_investor,
            proved_ms: *proved_ms,
            is_demo: *is_demo,
        }
    }

    fn login_data(self, tenant: Tenant) -> Option<LoginData> {
        let mut client_id = [0; 16];
        hex::decode_to_slice(&self.client_id, &mut client_id).ok()?;
        let earlier = match self.earlier {
            Some(earlier) => Some(LoginReply::from_bytes(&STANDARD.decode(earlier).ok()?).ok()?),
            None => None,
        };
        let credentials = Credentials {
            login: self.login,
            password: self.password,
            otp: String::new(),
            client_id,
            page: String::new(),
            earlier,
        };
        let proxy = match self.proxy {
            Some(proxy) => Some(proxy.proxy()?),
            None => None,
        };
        let identity = match self.identity {
            Some(identity) => Some(identity.identity()?),
            None => None,
        };
        let target = Target {
            endpoints: self.endpoints.into_iter().map(StoredEndpoint::endpoint).collect(),
            member_limit: Duration::from_millis(self.member_limit_ms),
            proxy,
            identity,
            credentials,
            wants_history: self.wants_history,
            gateway_token: [0; 64],
        };
        Some(LoginData {
            account: AccountKey { tenant, server: self.server, login: self.login },
            target,
            error_status: self.error_status,
            is_token_chosen: self.is_token_chosen,
            is_investor: self.is_investor,
            proved_ms: self.proved_ms,
            is_demo: self.is_demo,
        })
    }
}

impl StoredEndpoint {
    fn of(endpoint: &Endpoint) -> Self {
        Self {
            is_tls: endpoint.scheme.map(|scheme| scheme == Scheme::Wss),
            host: endpoint.host.clone(),
            port: endpoint.port,
            path: endpoint.path.clone(),
            is_page: endpoint.is_page,
        }
    }

    fn endpoint(self) -> Endpoint {
        let scheme = self.is_tls.map(|is_tls| if is_tls { Scheme::Wss } else { Scheme::Ws });
        Endpoint { scheme, host: self.host, port: self.port, path: self.path, is_page: self.is_page }
    }
}

impl StoredProxy {
    fn of(proxy: &Proxy) -> Self {
        let kind = PROXY_KINDS.iter().position(|kind| *kind == proxy.kind);
        Self {
            kind: kind.and_then(|kind| u8::try_from(kind).ok()).unwrap_or_default(),
            host: proxy.host.clone(),
            port: proxy.port,
            user: proxy.user.clone(),
            password: proxy.password.clone(),
        }
    }

    fn proxy(self) -> Option<Proxy> {
        let kind = *PROXY_KINDS.get(usize::from(self.kind))?;
        Some(Proxy { kind, host: self.host, port: self.port, user: self.user, password: self.password })
    }
}

impl StoredIdentity {
    fn of(identity: &Identity) -> Self {
        let (chain, key) = identity.to_der();
        Self { chain: chain.iter().map(|one| STANDARD.encode(one)).collect(), key: STANDARD.encode(key) }
    }

    fn identity(self) -> Option<Identity> {
        let chain: Option<Vec<Vec<u8>>> = self.chain.iter().map(|one| STANDARD.decode(one).ok()).collect();
        Identity::from_der(chain?, STANDARD.decode(self.key).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> LoginData {
        let mut target = Target::nowhere();
        target.endpoints = vec![Endpoint::parse("wss://broker.example/path", Some(7)).unwrap()];
        target.member_limit = Duration::from_secs(30);
        target.proxy = Some(Proxy {
            kind: ProxyKind::Socks5,
            host: "proxy.example".into(),
            port: 1080,
            user: "user".into(),
            password: "proxy secret".into(),
        });
        target.credentials.password = "account secret".into();
        target.credentials.otp = "123456".into();
        target.credentials.earlier = Some(LoginReply { session: 17, ..LoginReply::default() });
        let account = AccountKey { tenant: Tenant::default(), server: "Broker-Live".into(), login: 7 };
        LoginData {
            account,
            target,
            error_status: Some(400),
            is_token_chosen: true,
            is_investor: false,
            proved_ms: 17,
            is_demo: None,
        }
    }

    #[test]
    fn login_data_come_back_as_they_were_but_for_one_time_codes() {
        let ring = KeyRing::random().unwrap();
        let sealed = data().seal(&ring, "token").unwrap();
        let opened = LoginData::open(&ring, "token", &sealed).unwrap();
        let (was, is) = (data(), opened);
        assert_eq!((is.account, is.error_status, is.is_token_chosen), (was.account, Some(400), true));
        assert_eq!((is.target.endpoints, is.target.proxy), (was.target.endpoints, was.target.proxy));
        let (was, is) = (was.target.credentials, is.target.credentials);
        assert_eq!((is.login, is.password.as_str(), is.otp.as_str()), (was.login, "account secret", ""));
        assert_eq!(is.earlier.unwrap().session, 17);
    }

    #[test]
    fn what_a_later_version_has_kept_is_left_to_it() {
        let ring = KeyRing::random().unwrap();
        let open = |version| {
            let stored = Stored { version, ..Stored::of(&data()) };
            let sealed = ring.seal(&serde_json::to_vec(&stored).unwrap(), b"token").unwrap();
            LoginData::open(&ring, "token", &sealed)
        };
        assert!(open(0).is_ok() && open(VERSION).is_ok());
        assert!(open(VERSION + 1).unwrap_err().cause().unwrap().contains("version"));
    }

    #[test]
    fn logins_are_equal_when_all_of_them_is() {
        let ring = KeyRing::random().unwrap();
        let print = |data: &LoginData, more: &str| data.print(&ring, more).unwrap();
        let same = print(&data(), "more");
        let mut elsewhere = data();
        elsewhere.target.credentials.client_id = [7; 16];
        assert_eq!(same, print(&elsewhere, "more"));
        let mut others = vec![print(&data(), "else")];
        let changes: [fn(&mut LoginData); 5] = [
            |data| data.target.credentials.password.push('x'),
            |data| data.target.credentials.otp.push('x'),
            |data| data.target.proxy = None,
            |data| data.target.wants_history = true,
            |data| data.account.login += 1,
        ];
        for change in changes {
            let mut changed = data();
            change(&mut changed);
            others.push(print(&changed, "more"));
        }
        assert!(!others.contains(&same), "{others:?}");
    }

    #[test]
    fn no_secret_can_be_read_in_them_and_no_other_token_opens_them() {
        let ring = KeyRing::random().unwrap();
        let sealed = data().seal(&ring, "token").unwrap();
        for secret in ["account secret", "proxy secret", "broker.example"] {
            assert!(!sealed.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
        }
        assert!(LoginData::open(&ring, "other", &sealed).is_err());
        assert!(LoginData::open(&KeyRing::random().unwrap(), "token", &sealed).is_err());
    }
}
