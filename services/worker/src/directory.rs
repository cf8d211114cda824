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

    /// The server of a name. Names match without regard to case.
    ///
    /// # Errors
    /// [`Error::server_not_found`].
    pub(crate) fn find(&self, server: &str) -> Result<BrokerServer, Error> {
        let name = server.trim();
        let servers = self.servers();
        let found = servers.iter().find(|known| known.name.eq_ignore_ascii_case(name));
        found.cloned().ok_or_else(|| Error::server_not_found(server))
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
        let found = directory.find("metaquotes-demo").unwrap().endpoints;
        assert_eq!(found[0].to_string(), "wss://web.metatrader.app:443/terminal");
        assert_eq!(directory.canonical(&found[0]), found[0].to_string());
        let unknown = directory.find("No-Such").unwrap_err();
        assert!(unknown.detail().contains("No-Such"), "{unknown}");
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
        assert_eq!(directory.find("a").unwrap().endpoints[0].host, "one.example");
        write("two.example", 2);
        assert_eq!(directory.find("a").unwrap().endpoints[0].host, "two.example");
        write("not a host", 3);
        assert_eq!(
            directory.find("a").unwrap().endpoints[0].host,
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
        let known = directory.server_at(&Endpoint::parse("a.example", None).unwrap()).unwrap();
        assert_eq!((known.name.as_str(), known.endpoints.len()), ("Alpha-Live", 2));
    }

    #[test]
    fn a_server_without_an_address_is_a_mistake() {
        let failure = parse("f.json", r#"{"servers":[{"name":"A","endpoints":[]}]}"#).unwrap_err();
        assert_eq!(failure.to_string(), "the broker directory f.json cannot be used: A has no endpoint");
        assert!(parse("f.json", r#"{"servers":[{"name":"A","acess":["a.example"]}]}"#).is_err());
    }
}
