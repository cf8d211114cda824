//! The broker directory: which Web Terminal addresses belong to a server name.
//!
//! It starts with the few that are publicly known. The operator's file adds to it and wins over it; it is read again
//! whenever it has changed, without a restart.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use error::Error;
use link::Endpoint;
use serde::Deserialize;

use crate::nearest::nearest;

const SHIPPED: &str = include_str!("../data/brokers.json");

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    servers: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    #[serde(default)]
    company: String,
    endpoints: Vec<String>,
}

/// A broker's server.
#[derive(Clone, Debug)]
pub struct BrokerServer {
    /// Its name, as terminals show it.
    pub name: String,
    /// The broker's company; empty when it is not known.
    pub company: String,
    /// Its Web Terminal addresses, the first one preferred; never empty.
    pub endpoints: Vec<Endpoint>,
}

/// Why a directory file is of no use.
#[derive(Debug, thiserror::Error)]
#[error("the broker directory {file} cannot be used: {reason}")]
pub struct DirectoryError {
    file: String,
    reason: String,
}

/// Looks up servers by name.
#[derive(Debug)]
pub(crate) struct Directory {
    path: Option<PathBuf>,
    /// The servers of this process.
    built_in: Vec<BrokerServer>,
    shipped: Vec<BrokerServer>,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    modified: Option<SystemTime>,
    /// All servers, those that win over others of the same name first.
    servers: Arc<[BrokerServer]>,
}

impl Directory {
    /// The shipped directory, with the operator's file beside it, and servers of this process.
    ///
    /// # Errors
    /// [`DirectoryError`] if the file cannot be read at start. Later a broken file is logged and the last good one
    /// stays in force.
    pub(crate) fn open(path: Option<PathBuf>, built_in: Vec<BrokerServer>) -> Result<Self, DirectoryError> {
        let shipped = parse("shipped", SHIPPED)?;
        let known = Mutex::new(Known { modified: None, servers: Arc::new([]) });
        let directory = Self { path, built_in, shipped, known };
        let first = directory.load()?;
        *directory.known.lock().unwrap_or_else(PoisonError::into_inner) = first;
        Ok(directory)
    }

    /// The server of a name as it is spelled, or else the only one whose name differs in case alone: passwords are sent
    /// there.
    ///
    /// # Errors
    /// [`Error::server_not_found`], with the names that are nearest.
    pub(crate) fn find(&self, server: &str) -> Result<BrokerServer, Error> {
        let servers = self.servers();
        let exact = servers.iter().find(|known| known.name == server);
        let found = exact.or_else(|| {
            let mut alike = servers.iter().filter(|known| known.name.eq_ignore_ascii_case(server));
            let first = alike.next()?;
            alike.all(|other| other.name == first.name).then_some(first)
        });
        found.cloned().ok_or_else(|| {
            let mut nearest = nearest(server, servers.iter().map(|known| known.name.as_str()));
            nearest.dedup();
            let mut unknown = Error::server_not_found(server);
            if let Some(hint) = error::plus_hint("The name", server) {
                unknown = unknown.adding(&format!(" {hint}"));
            }
            if nearest.is_empty() {
                return unknown;
            }
            unknown.adding(&format!(" The nearest are {}.", nearest.join(", ")))
        })
    }

    /// Servers whose name or company holds this text, in any case; each name once.
    pub(crate) fn search(&self, text: &str) -> Vec<BrokerServer> {
        let wanted = text.trim().to_lowercase();
        let mut found: Vec<BrokerServer> = Vec::new();
        for server in self.servers().iter() {
            let holds = |part: &str| part.to_lowercase().contains(&wanted);
            let is_new = !found.iter().any(|known| known.name.eq_ignore_ascii_case(&server.name));
            if is_new && (holds(&server.name) || holds(&server.company)) {
                found.push(server.clone());
            }
        }
        found
    }

    /// The server that an address belongs to, if the directory knows it.
    pub(crate) fn server_at(&self, endpoint: &Endpoint) -> Option<BrokerServer> {
        let address = endpoint.to_string();
        let is_there = |server: &&BrokerServer| server.endpoints.iter().any(|one| one.to_string() == address);
        self.servers().iter().find(is_there).cloned()
    }

    /// One name for a server, however a caller names it: its first address, if the directory knows this one as one of a
    /// server's, else the address itself.
    pub(crate) fn canonical(&self, endpoint: &Endpoint) -> String {
        let first = self.server_at(endpoint).and_then(|server| server.endpoints.into_iter().next());
        first.as_ref().unwrap_or(endpoint).to_string()
    }

    /// What a caller means who names no scheme: the address that the directory has at this host and port, with its scheme
    /// and path, as far as the caller has not named another path.
    pub(crate) fn known_as(&self, given: Endpoint) -> Endpoint {
        if given.scheme.is_some() {
            return given;
        }
        let servers = self.servers();
        let there = || {
            let all = servers.iter().flat_map(|server| &server.endpoints);
            all.filter(|known| known.host == given.host && known.port == given.port)
        };
        let exact = there().find(|known| known.path == given.path);
        let known = exact.or_else(|| there().next().filter(|_| given.is_bare()));
        known.cloned().unwrap_or(given)
    }

    /// Host and port, with a colon between: who connects with them reaches this address again. The path stands behind the
    /// host where another server has the same host and port.
    pub(crate) fn access(&self, endpoint: &Endpoint) -> String {
        let short = endpoint.authority();
        let leads_there = |host: &str| {
            Endpoint::parse(host, Some(endpoint.port)).is_ok_and(|given| self.known_as(given) == *endpoint)
        };
        let port = format!(":{}", endpoint.port);
        let host = short.strip_suffix(&port).unwrap_or(&short);
        let with_path = format!("{host}{}", endpoint.path);
        if !leads_there(host) && leads_there(&with_path) { format!("{with_path}{port}") } else { short }
    }

    /// All servers, from the file as it is now.
    fn servers(&self) -> Arc<[BrokerServer]> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.path
            && modified(path) != known.modified
        {
            match self.load() {
                Ok(fresh) => *known = fresh,
                Err(failure) => {
                    tracing::error!(%failure, "the broker directory stays as it was");
                    // Not tried again until it changes once more.
                    known.modified = modified(path);
                }
            }
        }
        Arc::clone(&known.servers)
    }

    fn load(&self) -> Result<Known, DirectoryError> {
        let mut servers = self.built_in.clone();
        // Before it is read: what is written meanwhile is seen by the next look.
        let modified = self.path.as_deref().and_then(modified);
        if let Some(path) = &self.path {
            let file = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .map_err(|cause| DirectoryError { file: file.clone(), reason: cause.to_string() })?;
            servers.extend(parse(&file, &text)?);
        }
        servers.extend(self.shipped.iter().cloned());
        Ok(Known { modified, servers: servers.into() })
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}

fn parse(file: &str, text: &str) -> Result<Vec<BrokerServer>, DirectoryError> {
    let wrong = |reason: String| DirectoryError { file: file.to_owned(), reason };
    let parsed: File = serde_json::from_str(text).map_err(|cause| wrong(cause.to_string()))?;
    let server = |Entry { name, company, endpoints }: Entry| {
        let read =
            |text: &String| Endpoint::parse(text, None).map_err(|cause| wrong(format!("{name}: {cause}")));
        let endpoints: Vec<Endpoint> = endpoints.iter().map(read).collect::<Result<_, _>>()?;
        if endpoints.is_empty() {
            return Err(wrong(format!("{name} has no endpoint")));
        }
        Ok(BrokerServer { name, company, endpoints })
    };
    parsed.servers.into_iter().map(server).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_directory_knows_the_public_demo_server() {
        let directory = Directory::open(None, Vec::new()).unwrap();
        let found = directory.find("MetaQuotes-Demo").unwrap().endpoints;
        assert_eq!(found[0].to_string(), "wss://web.metatrader.app:443/terminal");
        assert_eq!(directory.canonical(&found[0]), found[0].to_string());
        let unknown = directory.find("No-Such").unwrap_err();
        assert!(unknown.detail().contains("No-Such") && !unknown.detail().contains("nearest"), "{unknown}");
        assert_eq!(directory.find("metaquotes-demo").unwrap().name, "MetaQuotes-Demo");
        for wrong in ["MetaQuotes-Demo ", " MetaQuotes-Demo", "MetaQuotes-Dem"] {
            let unknown = directory.find(wrong).unwrap_err();
            assert!(unknown.detail().contains("The nearest are MetaQuotes-Demo."), "{unknown}");
        }
    }

    #[test]
    fn the_operators_file_is_read_again_when_it_changes() {
        let path = std::env::temp_dir().join(format!("mt5rest-directory-{}.json", std::process::id()));
        let write = |host: &str, age_s: u64| {
            std::fs::write(&path, format!(r#"{{"servers":[{{"name":"A","endpoints":["{host}"]}}]}}"#))
                .unwrap();
            let when = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 + age_s);
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(when).unwrap();
        };
        write("one.example", 1);
        let directory = Directory::open(Some(path.clone()), Vec::new()).unwrap();
        assert_eq!(directory.find("A").unwrap().endpoints[0].host, "one.example");
        write("two.example", 2);
        assert_eq!(directory.find("A").unwrap().endpoints[0].host, "two.example");
        write("not a host", 3);
        assert_eq!(
            directory.find("A").unwrap().endpoints[0].host,
            "two.example",
            "a broken file changes nothing"
        );
        std::fs::remove_file(&path).unwrap();
        assert!(Directory::open(Some(path), Vec::new()).is_err());
    }

    #[test]
    fn servers_are_searched_by_name_and_company() {
        let server = |name: &str, company: &str, host: &str| BrokerServer {
            name: name.into(),
            company: company.into(),
            endpoints: vec![
                Endpoint::parse(host, None).unwrap(),
                Endpoint::parse("second.example", None).unwrap(),
            ],
        };
        let built_in = vec![
            server("Alpha-Live", "Alpha Markets Ltd", "a.example"),
            server("Alpha-Demo", "Alpha Markets Ltd", "b.example"),
            server("alpha-demo", "Impostor", "c.example"),
        ];
        let directory = Directory::open(None, built_in).unwrap();
        let names = |text: &str| directory.search(text).into_iter().map(|one| one.name).collect::<Vec<_>>();
        assert_eq!(names("alpha m"), ["Alpha-Live", "Alpha-Demo"]);
        assert_eq!(names("-DEMO"), ["Alpha-Demo", "MetaQuotes-Demo"]);
        assert!(names("beta").is_empty());
        let host = |name: &str| directory.find(name).map(|found| found.endpoints[0].host.clone()).ok();
        assert_eq!(
            host("ALPHA-live").as_deref(),
            Some("a.example"),
            "another case, and nothing else it could be"
        );
        assert_eq!(host("alpha-demo").as_deref(), Some("c.example"), "as it is spelled");
        assert_eq!(host("ALPHA-DEMO"), None, "it could be either");
        let known = directory.server_at(&Endpoint::parse("a.example", None).unwrap()).unwrap();
        assert_eq!((known.name.as_str(), known.endpoints.len()), ("Alpha-Live", 2));
    }

    #[test]
    fn what_a_search_answers_leads_back_to_the_same_address() {
        let forms = [
            ("ws://127.0.0.1:5001", "127.0.0.1:5001"),
            ("ws://plain.example", "plain.example:80"),
            ("ws://plain.example:8080/mt5/terminal", "plain.example:8080"),
            ("wss://tls.example", "tls.example:443"),
            ("wss://tls.example:444/terminal", "tls.example:444"),
            ("wss://127.0.0.1:5443", "127.0.0.1:5443"),
            ("wss://path.example/a/terminal", "path.example:443"),
            ("https://page.example", "page.example:443"),
            ("https://page.example:8443/web/", "page.example:8443"),
            ("http://page.example", "page.example:80"),
            ("Bare.Example", "bare.example:443"),
            ("bare.example:7443", "bare.example:7443"),
            ("bare.example:7444/other", "bare.example:7444"),
            ("ws://[::1]:5001", "[::1]:5001"),
            ("2001:db8::1", "[2001:db8::1]:443"),
            ("https://[2001:db8::2]:8443", "[2001:db8::2]:8443"),
            // Two servers behind one address; the first is the one that host and port alone mean.
            ("wss://shared.example/one", "shared.example:443"),
            ("wss://shared.example/two", "shared.example/two:443"),
            ("wss://[2001:db8::3]/one", "[2001:db8::3]:443"),
            ("wss://[2001:db8::3]/two", "[2001:db8::3]/two:443"),
        ];
        let server = |(name, (endpoint, _)): (usize, &(&str, &str))| BrokerServer {
            name: name.to_string(),
            company: String::new(),
            endpoints: vec![Endpoint::parse(endpoint, None).unwrap()],
        };
        let servers: Vec<BrokerServer> = forms.iter().enumerate().map(server).collect();
        let directory = Directory::open(None, servers.clone()).unwrap();
        for ((form, expected), server) in forms.iter().zip(&servers) {
            let endpoint = &server.endpoints[0];
            let access = directory.access(endpoint);
            assert_eq!(access, *expected, "{form}");
            let (host, port) = access.rsplit_once(':').unwrap();
            let given = Endpoint::parse(host, Some(port.parse().unwrap())).unwrap();
            assert_eq!(directory.known_as(given), *endpoint, "{form} by {access}");
        }
        // What a caller says itself is taken as it is said.
        for said in ["wss://plain.example:80", "ws://path.example:443", "path.example/b"] {
            let given = Endpoint::parse(said, None).unwrap();
            assert_eq!(directory.known_as(given.clone()), given, "{said}");
        }
    }

    #[test]
    fn a_server_without_an_address_is_a_mistake() {
        let failure = parse("f.json", r#"{"servers":[{"name":"A","endpoints":[]}]}"#).unwrap_err();
        assert_eq!(failure.to_string(), "the broker directory f.json cannot be used: A has no endpoint");
        assert!(parse("f.json", r#"{"servers":[{"name":"A","acess":["a.example"]}]}"#).is_err());
    }
}
