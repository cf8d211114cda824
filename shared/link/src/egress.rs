//! Which addresses may be dialled. Checked after name resolution, and the checked address is the one that is dialled,
//! so that a name cannot change its mind in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;

use crate::LinkError;

/// The policy for outgoing connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Egress {
    /// Addresses of the public internet only: nothing private, local, shared or reserved.
    #[default]
    Public,
    /// Those, and these networks.
    PublicAnd(Arc<[IpNet]>),
    /// Any address: for a service on the user's own machine.
    Any,
}

impl Egress {
    /// Whether the address, which `host` has, may be dialled.
    ///
    /// # Errors
    /// [`LinkError::Egress`] if not. It names the host as the caller has, since callers are not told what names resolve to.
    pub fn check(&self, host: &str, address: IpAddr) -> Result<(), LinkError> {
        let allowed = match self {
            Self::Any => true,
            Self::Public => is_public(address),
            Self::PublicAnd(networks) => {
                is_public(address) || networks.iter().any(|network| network.contains(&address.to_canonical()))
            }
        };
        if allowed { Ok(()) } else { Err(LinkError::Egress { host: host.to_owned(), address }) }
    }
}

fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// The special ranges of RFC 6890 that must not be reached.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = a == 192 && b == 0 && c == 0;
    let benchmark = a == 198 && (18..20).contains(&b);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || address.is_broadcast()
        || a == 0
        || a >= 240
        || shared
        || protocol
        || benchmark)
}

/// Global unicast only, and not the ranges that wrap an IPv4 address which would escape the check above.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, third, ..] = address.segments();
    let global = first & 0xe000 == 0x2000;
    let six_to_four = first == 0x2002;
    let teredo = first == 0x2001 && second == 0;
    let documentation = first == 0x2001 && second == 0xdb8;
    let orchid = first == 0x2001 && (0x10..0x30).contains(&second);
    global && !six_to_four && !teredo && !documentation && !orchid && (first, second, third) != (0x2001, 2, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_pass_the_default_policy() {
        let refused = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "2002:7f00:1::",
            "2001:db8::1",
            "64:ff9b::7f00:1",
        ];
        for text in refused {
            let address: IpAddr = text.parse().unwrap();
            assert!(Egress::Public.check(text, address).is_err(), "{text} passes");
            assert!(Egress::Any.check(text, address).is_ok(), "{text} is refused");
        }
        for text in ["8.8.8.8", "203.0.114.1", "2606:4700::1111"] {
            assert!(Egress::Public.check(text, text.parse().unwrap()).is_ok(), "{text} is refused");
        }
    }

    #[test]
    fn networks_of_the_operator_pass_and_their_neighbours_do_not() {
        let networks = ["10.1.0.0/16", "fd00:1::/32"].map(|text| text.parse().unwrap());
        let egress = Egress::PublicAnd(Arc::new(networks));
        for (text, passes) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("10.2.0.1", false),
            ("fd00:1::7", true),
            ("fd00:2::7", false),
            ("8.8.8.8", true),
            ("127.0.0.1", false),
        ] {
            assert_eq!(egress.check(text, text.parse().unwrap()).is_ok(), passes, "{text}");
        }
    }
}
