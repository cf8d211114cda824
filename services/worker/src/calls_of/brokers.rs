//! Brokers and their addresses.

use std::time::Duration;

use calls::account::ClusterDetails;
use calls::reply::{self, AddressRec, Company, FoundServer, Server, ServerRec};
use calls::service::{LoadServersDat, PingHost, PingHostMany, Search};
use calls::{Handle, Many};
use error::{Code, Error};
use futures_util::future::join_all;
use link::Endpoint;

use crate::backend::{About, Caller};
use crate::connect::endpoint;
use crate::session::Session;
use crate::session::state::State;

/// Addresses measured in one call.
const HOSTS_MAX: usize = 64;
/// What stands for an address that cannot be reached.
const UNREACHABLE: i32 = -1;

impl Handle<Search> for Caller<'_> {
    async fn handle(&self, call: Search, _: About<Search>) -> Result<Vec<Company>, Error> {
        let mut companies: Vec<Company> = Vec::new();
        for server in self.worker.shared.directory.search(&call.company) {
            let access =
                server.endpoints.iter().map(|one| self.worker.shared.directory.access(one)).collect();
            let found = FoundServer { name: server.name, access };
            match companies.iter_mut().find(|company| company.company_name == server.company) {
                Some(company) => company.results.push(found),
                None => companies.push(Company { company_name: server.company, results: vec![found] }),
            }
        }
        Ok(companies)
    }
}

impl Handle<LoadServersDat> for Caller<'_> {
    async fn handle(&self, _call: LoadServersDat, _: About<LoadServersDat>) -> Result<Vec<Server>, Error> {
        let told = "servers.dat holds the desktop terminal's access servers, in a format that is not public and for a \
                    protocol that this service does not speak. Add the broker's Web Terminal address to the broker \
                    directory instead.";
        Err(Error::new(Code::MethodNotSupported, told))
    }
}

impl Handle<PingHost> for Caller<'_> {
    async fn handle(&self, call: PingHost, _: About<PingHost>) -> Result<i32, Error> {
        let endpoint = endpoint(&call.host, call.port)?;
        let distance = self.worker.shared.dialer.ping(&endpoint.host, endpoint.port).await?;
        Ok(milliseconds(distance))
    }
}

impl Handle<PingHostMany> for Caller<'_> {
    async fn handle(&self, call: PingHostMany, _: About<PingHostMany>) -> Result<Vec<i32>, Error> {
        let pairs = paired(&call.hosts, &call.ports)?;
        let dialer = &self.worker.shared.dialer;
        let measure = |endpoint: Endpoint| async move {
            dialer.ping(&endpoint.host, endpoint.port).await.map_or(UNREACHABLE, milliseconds)
        };
        Ok(join_all(pairs.into_iter().map(measure)).await)
    }
}

fn paired(hosts: &Many<String>, ports: &Many<u16>) -> Result<Vec<Endpoint>, Error> {
    let (hosts, ports) = (hosts.values(), ports.values());
    if hosts.len() != ports.len() || hosts.len() > HOSTS_MAX {
        let told = format!(
            "Give as many ports as hosts, {HOSTS_MAX} at most: there are {} hosts and {} ports.",
            hosts.len(),
            ports.len()
        );
        return Err(Error::new(Code::InvalidParam, told));
    }
    hosts.iter().zip(ports).map(|(host, port)| endpoint(host, *port)).collect()
}

fn milliseconds(distance: Duration) -> i32 {
    i32::try_from(distance.as_millis()).unwrap_or(i32::MAX)
}

impl Handle<ClusterDetails> for Caller<'_> {
    async fn handle(
        &self,
        _: ClusterDetails,
        session: About<ClusterDetails>,
    ) -> Result<reply::ClusterDetails, Error> {
        let general = session.visit(self.deadline, server_rec).await?;
        Ok(self.cluster(&session, general))
    }
}

impl Caller<'_> {
    /// The addresses that the directory has of the session's server; at least the one it was connected with.
    pub(super) fn cluster(&self, session: &Session, general: ServerRec) -> reply::ClusterDetails {
        let endpoints = session.endpoints();
        let known = endpoints.first().and_then(|first| self.worker.shared.directory.server_at(first));
        let (name, all) = match known {
            Some(server) => (server.name, server.endpoints),
            None => (general.server_name.clone(), endpoints.to_vec()),
        };
        let directory = &self.worker.shared.directory;
        let addresses = all.iter().map(|one| AddressRec { address: directory.access(one) }).collect();
        reply::ClusterDetails { general, servers: std::iter::once((name, addresses)).collect() }
    }
}

pub(super) fn server_rec(state: &mut State) -> ServerRec {
    let main = &state.account.main;
    ServerRec {
        server_name: main.server_name.clone(),
        company_name: main.company.clone(),
        dst: i32::from(main.daylightmode != 0),
        time_zone: main.timezone_shift / 60,
    }
}
