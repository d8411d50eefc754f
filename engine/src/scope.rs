//! How far an address reaches: whoever names an address may only name one that reaches at least as far as itself.
//!
//! A tracker or a peer on the internet that could send us to our own services, or into the local network, would turn
//! every client into its scanner; a peer of the local network that is told to the internet tells what nobody there
//! can use (RFC 6890).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address reaches, the nearest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// This machine.
    Loopback,
    /// The network at one interface: 169.254.0.0/16, fe80::/10.
    Link,
    /// A private network: RFC 1918, RFC 4193, and 100.64.0.0/10 behind a provider's translation (RFC 6598).
    Private,
    /// Everywhere.
    Global,
}

impl Scope {
    /// The scope of an address. An IPv4 address in its IPv6-mapped form counts as IPv4.
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) if ip.is_loopback() => Self::Loopback,
            IpAddr::V6(ip) if ip.is_loopback() => Self::Loopback,
            IpAddr::V4(ip) if ip.is_link_local() => Self::Link,
            IpAddr::V6(ip) if ip.is_unicast_link_local() => Self::Link,
            IpAddr::V4(ip) if ip.is_private() || is_shared(ip) => Self::Private,
            IpAddr::V6(ip) if is_unique_local(ip) => Self::Private,
            IpAddr::V4(_) | IpAddr::V6(_) => Self::Global,
        }
    }
}

/// 100.64.0.0/10, behind a provider's translation (RFC 6598).
fn is_shared(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    first == 100 && (64..128).contains(&second)
}

/// fc00::/7 (RFC 4193).
fn is_unique_local(ip: Ipv6Addr) -> bool {
    ip.segments()[0] & 0xfe00 == 0xfc00
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(scope: Scope, ips: &[&str]) {
        for ip in ips {
            assert_eq!(Scope::of(ip.parse().unwrap()), scope, "{ip}");
        }
    }

    #[test]
    fn networks_by_their_reach() {
        check(
            Scope::Loopback,
            &["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"],
        );
        check(Scope::Link, &["169.254.1.1", "fe80::1"]);
        check(
            Scope::Private,
            &["10.1.2.3", "192.168.0.9", "172.16.0.1", "100.64.0.1", "fd00::1"],
        );
        check(
            Scope::Global,
            &["8.8.8.8", "100.128.0.1", "172.32.0.1", "2001:db8::1"],
        );
        assert!(Scope::Loopback < Scope::Link && Scope::Private < Scope::Global);
    }
}
