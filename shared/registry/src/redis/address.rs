//! Where Redis is: the forms of its URL.

use std::fmt;

use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

use crate::RegistryError;

/// The port of a Redis, and of a Sentinel, where the URL names none.
const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// How Redis is reached. Shows no credentials.
#[derive(Clone)]
pub(super) enum Address {
    /// One server.
    Single(ConnectionInfo),
    /// A master that Sentinels know by name. `node` is how to speak with it, all but where it is.
    Sentinel { sentinels: Vec<ConnectionInfo>, master: String, node: ConnectionInfo },
    /// Some servers of a cluster.
    Cluster(Vec<ConnectionInfo>),
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single(node) => write!(out, "{}", node.addr()),
            Self::Sentinel { master, sentinels, .. } => {
                write!(out, "{master} of {} sentinels", sentinels.len())
            }
            Self::Cluster(nodes) => write!(out, "a cluster of {} known nodes", nodes.len()),
        }
    }
}

impl Address {
    /// Reads a URL. Errors never repeat it: it may hold a password.
    pub(super) fn parse(url: &str) -> Result<Self, RegistryError> {
        let wrong = |why: &str| RegistryError(format!("the registry's URL is wrong: {why}"));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("it has no scheme"))?;
        let (security, kind) = match scheme.split_once('+') {
            Some((security, kind)) => (security, Some(kind)),
            None => (scheme, None),
        };
        if !["redis", "rediss"].contains(&security) {
            return Err(wrong("its scheme is not redis or rediss, with +sentinel or +cluster"));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), authority),
        };
        let node = |user: &str, host: &str, port: u16, db: &str| {
            if host.is_empty() {
                return Err(wrong("a host is missing"));
            }
            let with_port = if has_port(host) { host.to_owned() } else { format!("{host}:{port}") };
            let info = format!("{security}://{user}{with_port}/{db}").into_connection_info();
            // What the library says may repeat a part of the URL.
            let info = info.map_err(|_| wrong("a host, the user, or the number of the database"))?;
            let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
            Ok(info.set_redis_settings(settings))
        };
        match kind {
            None if hosts.contains(',') => {
                Err(wrong("several hosts are for redis+sentinel and redis+cluster"))
            }
            None => Ok(Self::Single(node(&user, hosts, REDIS_PORT, path)?)),
            Some("cluster") if !path.is_empty() => Err(wrong("a cluster has no numbered databases")),
            Some("cluster") => {
                let nodes = hosts.split(',').map(|host| node(&user, host, REDIS_PORT, ""));
                Ok(Self::Cluster(nodes.collect::<Result<_, _>>()?))
            }
            Some("sentinel") => {
                let (master, db) = path.split_once('/').unwrap_or((path, ""));
                if master.is_empty() {
                    return Err(wrong("the name of the master is missing"));
                }
                // Sentinels are asked without credentials.
                let sentinels = hosts.split(',').map(|host| node("", host, SENTINEL_PORT, ""));
                let sentinels: Vec<_> = sentinels.collect::<Result<_, _>>()?;
                let node = node(&user, "master", REDIS_PORT, db)?;
                Ok(Self::Sentinel { sentinels, master: master.to_owned(), node })
            }
            Some(_) => Err(wrong("after the + there is sentinel or cluster")),
        }
    }

    /// Whether it is a cluster, where channels belong to slots.
    pub(super) const fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// Whether Sentinels say where the server is.
    pub(super) const fn is_sentinel(&self) -> bool {
        matches!(self, Self::Sentinel { .. })
    }
}

/// Whether a host is followed by a port; colons of an IPv6 address stand in brackets.
fn has_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        format!("{:?}", Address::parse(url).unwrap())
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(shown("redis://one"), "one:6379");
        assert_eq!(shown("redis://user:secret@one:7000/3"), "one:7000");
        assert_eq!(shown("rediss://:secret@one/"), "one:6379");
        assert_eq!(shown("redis://[::1]:7000"), "::1:7000");
        assert_eq!(shown("redis+sentinel://:secret@one:1,two/main/2"), "main of 2 sentinels");
        assert_eq!(shown("redis+cluster://u:secret@one,two,three:7"), "a cluster of 3 known nodes");
        let Address::Sentinel { node, sentinels, .. } =
            Address::parse("redis+sentinel://:secret@one,two:7/main/2").unwrap()
        else {
            panic!("not a sentinel")
        };
        assert_eq!((node.redis_settings().db(), node.redis_settings().password()), (2, Some("secret")));
        assert_eq!(sentinels[0].redis_settings().password(), None);
        assert_eq!(sentinels[0].addr().to_string(), "one:26379");
    }

    #[test]
    fn errors_say_what_is_wrong_and_no_secret() {
        for (url, said) in [
            ("secret", "no scheme"),
            ("http://u:secret@one", "redis or rediss"),
            ("redis+other://u:secret@one", "sentinel or cluster"),
            ("redis://u:secret@one,two", "several hosts"),
            ("redis://u:secret@", "host is missing"),
            ("redis://u:secret@one/secret", "number of the database"),
            ("redis://u:secret@one:secret", "a host"),
            ("redis+sentinel://u:secret@one", "name of the master"),
            ("redis+cluster://u:secret@one/1", "numbered"),
        ] {
            let error = Address::parse(url).expect_err(url).to_string();
            assert!(error.contains(said) && !error.contains("secret"), "{url}: {error}");
        }
    }
}
