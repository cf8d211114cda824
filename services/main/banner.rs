//! What is printed at start: enough to make the first call.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The lines for the service, with or without its demo broker.
pub(crate) fn service(
    version: &str,
    (scheme, listen): (&str, SocketAddr),
    broker: Option<(SocketAddr, &str)>,
    admin: Option<SocketAddr>,
    auth: bool,
) -> String {
    let at = format!("{scheme}://{}", reachable(listen));
    let mut lines = vec![
        format!("mt5rest {version}"),
        format!("listening on {at}"),
        format!("  Calls to try     {at}/index.html"),
        format!("  Manual           {at}/ReadMe"),
        format!("  Events           {at}/static/EventsTest.html"),
        if auth {
            "  API keys         asked for; 'mt5rest key create' makes one".to_owned()
        } else {
            "  API keys         not asked for: whoever reaches this address may call (--auth off)".to_owned()
        },
    ];
    match broker {
        Some((broker, name)) => {
            lines.extend(demo(broker, name, admin));
            let (host, port) = host_and_port(broker);
            lines.push(format!(
                "  Connect          {at}/Connect?user=1000001&password=demo&host={host}&port={port}"
            ));
        }
        None => lines.push(format!(
            "  Connect          {at}/Connect?user=LOGIN&password=PASSWORD&host=HOST&port=PORT"
        )),
    }
    lines.join("\n")
}

/// The lines for a worker of a cluster.
pub(crate) fn worker(version: &str, listen: SocketAddr, advertise: &str) -> String {
    format!(
        "mt5rest {version}, worker\nlistening on {listen} for other processes, which reach it at {advertise}"
    )
}

/// The lines for a demo broker alone.
pub(crate) fn broker(version: &str, listen: SocketAddr, name: &str, admin: Option<SocketAddr>) -> String {
    let (host, port) = host_and_port(listen);
    let head =
        [format!("mt5rest {version}, demo broker"), format!("listening on ws://{host}:{port}/terminal")];
    head.into_iter().chain(demo(listen, name, admin).into_iter().skip(1)).collect::<Vec<_>>().join("\n")
}

fn demo(broker: SocketAddr, name: &str, admin: Option<SocketAddr>) -> Vec<String> {
    let admin = admin.map(|admin| format!("  Broker admin     http://{}/accounts", reachable(admin)));
    let lines = [
        format!("  Demo broker      ws://{}/terminal, server name {name}", reachable(broker)),
        "  Demo accounts    1000001 (USD) and 1000002 (EUR), password demo, read-only password investor"
            .into(),
    ];
    lines.into_iter().chain(admin).collect()
}

fn host_and_port(address: SocketAddr) -> (String, u16) {
    let at = reachable(address);
    let host = if at.is_ipv6() { format!("[{}]", at.ip()) } else { at.ip().to_string() };
    (host, at.port())
}

/// An address that can be pasted: a server on all networks is also on this machine.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, address.port()).into(),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_can_be_pasted() {
        let broker = Some(("[::]:7".parse().unwrap(), "Demo"));
        let text = service(
            "1.2.3",
            ("http", "0.0.0.0:5".parse().unwrap()),
            broker,
            Some("127.0.0.1:8".parse().unwrap()),
            false,
        );
        assert!(text.contains("listening on http://127.0.0.1:5\n"), "{text}");
        assert!(text.contains("Broker admin     http://127.0.0.1:8/accounts"), "{text}");
        assert!(
            text.contains("http://127.0.0.1:5/Connect?user=1000001&password=demo&host=[::1]&port=7"),
            "{text}"
        );
    }

    #[test]
    fn without_a_demo_broker_its_accounts_are_not_offered() {
        let text = service("1", ("https", "127.0.0.1:5".parse().unwrap()), None, None, true);
        assert!(text.contains("asked for"), "{text}");
        assert!(
            !text.contains("1000001") && text.contains("https://127.0.0.1:5/Connect?user=LOGIN"),
            "{text}"
        );
    }
}
