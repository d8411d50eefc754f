//! How far an address reaches: whoever names an address may only name one that reaches at least as far as itself.
//!
//! A tracker or a peer on the internet that could send us to our own services, or into the local network, would turn
//! every client into its scanner; a peer of the local network that is told to the internet tells what nobody there
//! can use (RFC 6890).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use serde::{Deserialize, Serialize};

/// How far an address reaches, the nearest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Scope {
    /// Nobody: unspecified, multicast, broadcast, reserved.
    Nobody,
    /// This machine.
    Loopback,
    /// The network at one interface, 169.254.0.0/16 and fe80::/10, which includes the metadata services of clouds
    /// (169.254.169.254).
    Link,
    /// A network that is not routed on the internet: RFC 1918, RFC 4193, and 100.64.0.0/10 behind a provider's
    /// translation (RFC 6598).
    Private,
    /// Everywhere.
    Global,
}

impl Scope {
    /// The scope of an address; IPv4 addresses inside IPv6 ones count as themselves.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => of_v4(v4),
            IpAddr::V6(v6) => of_v6(v6),
        }
    }
}

fn of_v4(address: Ipv4Addr) -> Scope {
    match address.octets() {
        // 0.0.0.0/8 reaches this machine on Linux
        [0 | 224..=255, ..] => Scope::Nobody,
        [127, ..] => Scope::Loopback,
        [169, 254, ..] => Scope::Link,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Scope::Private,
        _ => Scope::Global,
    }
}

fn of_v6(address: Ipv6Addr) -> Scope {
    if let Some(v4) = address.to_ipv4_mapped() {
        return of_v4(v4);
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Scope::Nobody,
        [0, 0, 0, 0, 0, 0, 0, 1] => Scope::Loopback,
        // NAT64 (RFC 6052) reaches the IPv4 address that it carries
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            of_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
        }
        [0xfe80..=0xfebf, ..] => Scope::Link,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Scope::Private,
        [0xff00..=0xffff, ..] => Scope::Nobody,
        _ => Scope::Global,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_by_their_reach() {
        let cases = [
            ("8.8.8.8", Scope::Global),
            ("203.0.113.5", Scope::Global),
            ("10.1.2.3", Scope::Private),
            ("172.31.0.1", Scope::Private),
            ("172.32.0.1", Scope::Global),
            ("100.64.0.1", Scope::Private),
            ("127.9.9.9", Scope::Loopback),
            ("169.254.169.254", Scope::Link),
            ("0.0.0.0", Scope::Nobody),
            ("0.1.2.3", Scope::Nobody),
            ("224.0.0.1", Scope::Nobody),
            ("255.255.255.255", Scope::Nobody),
            ("::", Scope::Nobody),
            ("::1", Scope::Loopback),
            ("::ffff:127.0.0.1", Scope::Loopback),
            ("64:ff9b::7f00:1", Scope::Loopback),
            ("fe80::1", Scope::Link),
            ("fd00::1", Scope::Private),
            ("ff02::1", Scope::Nobody),
            ("2001:db8::1", Scope::Global),
        ];
        for (address, wanted) in cases {
            assert_eq!(Scope::of(address.parse().unwrap()), wanted, "{address}");
        }
    }
}
