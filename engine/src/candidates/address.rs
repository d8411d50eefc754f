//! Which addresses may be dialled at all.
//!
//! Whoever names an address makes us open a connection to it, so a tracker or a peer must not be able to point us at
//! our own services, at a multicast group, or from the internet into the local network.

use super::{Refusal, Source};
use crate::scope::Scope;
use core::net::{IpAddr, SocketAddr, SocketAddrV6};

/// One spelling a host: IPv4-mapped IPv6 addresses become IPv4, flow labels are dropped, and so are scopes that mean
/// nothing. Else one host could be banned under one spelling and connected under another.
pub fn canonical(addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V4(_) => addr,
        SocketAddr::V6(v6) => match canonical_ip(IpAddr::V6(*v6.ip())) {
            ip @ IpAddr::V4(_) => SocketAddr::new(ip, v6.port()),
            IpAddr::V6(ip) => {
                let scope = if ip.is_unicast_link_local() {
                    v6.scope_id()
                } else {
                    0
                };
                SocketAddr::V6(SocketAddrV6::new(ip, v6.port(), 0, scope))
            }
        },
    }
}

/// The same for an address without a port.
pub(super) fn canonical_ip(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// Why a canonical address may not be dialled, if so. `local_ok`: whoever named it is local itself, or the user
/// allows it. What the user names is dialled if it is a host at all.
pub(super) fn refusal(addr: SocketAddr, source: Source, local_ok: bool) -> Option<Refusal> {
    if addr.port() == 0 {
        return Some(Refusal::PortZero);
    }
    let scope = Scope::of(addr.ip());
    if scope == Scope::Nobody {
        return Some(Refusal::NotAHost);
    }
    // a link is the user's doing: the tests of a local network are made of them
    if local_ok || matches!(source, Source::User | Source::Magnet) {
        return None;
    }
    let refused = match scope {
        Scope::Nobody | Scope::Loopback | Scope::Link => true,
        // a tracker may serve a local network; a peer may only speak of its own
        Scope::Private => source == Source::Pex,
        Scope::Global => false,
    };
    refused.then_some(Refusal::Local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(addr: &str, source: Source, local_ok: bool) -> Option<Refusal> {
        refusal(canonical(addr.parse().unwrap()), source, local_ok)
    }

    #[test]
    fn addresses_that_are_no_host_are_refused_to_everyone() {
        for (addr, why) in [
            ("1.2.3.4:0", Refusal::PortZero),
            ("0.0.0.0:1", Refusal::NotAHost),
            ("0.1.2.3:1", Refusal::NotAHost),
            ("224.0.0.1:1", Refusal::NotAHost),
            ("255.255.255.255:1", Refusal::NotAHost),
            ("250.1.2.3:1", Refusal::NotAHost),
            ("[::]:1", Refusal::NotAHost),
            ("[ff02::1]:1", Refusal::NotAHost),
            ("[::ffff:224.0.0.1]:1", Refusal::NotAHost),
        ] {
            assert_eq!(check(addr, Source::User, true), Some(why), "{addr}");
        }
    }

    #[test]
    fn local_addresses_need_someone_local_to_name_them() {
        for addr in [
            "127.0.0.1:1",
            "127.9.9.9:1",
            "169.254.1.1:1",
            "[::1]:1",
            "[fe80::1]:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            for source in [Source::Tracker, Source::Incoming, Source::Resume, Source::Pex] {
                assert_eq!(check(addr, source, false), Some(Refusal::Local), "{addr}");
                assert_eq!(check(addr, source, true), None, "{addr}");
            }
            assert_eq!(check(addr, Source::User, false), None, "{addr}");
        }
        for addr in [
            "10.1.2.3:1",
            "192.168.0.9:1",
            "172.16.0.1:1",
            "100.64.0.1:1",
            "[fd00::1]:1",
        ] {
            assert_eq!(check(addr, Source::Tracker, false), None, "{addr}");
            assert_eq!(check(addr, Source::Pex, false), Some(Refusal::Local), "{addr}");
            assert_eq!(check(addr, Source::Pex, true), None, "{addr}");
        }
        for addr in ["8.8.8.8:1", "223.255.255.1:1", "[2001:db8::1]:65535"] {
            assert_eq!(check(addr, Source::Pex, false), None, "{addr}");
        }
    }

    #[test]
    fn one_host_has_one_spelling() {
        let mapped = canonical("[::ffff:1.2.3.4]:80".parse().unwrap());
        assert_eq!(mapped, "1.2.3.4:80".parse().unwrap());
        let labelled = SocketAddr::V6(SocketAddrV6::new("2001:db8::1".parse().unwrap(), 5, 7, 9));
        assert_eq!(canonical(labelled), "[2001:db8::1]:5".parse().unwrap());
    }
}
