//! Trackers behind names that are missing, slow, fickle or too many-sided (TP8).
//!
//! They are behaviours of a tracker's spec, but it is the resolver that carries them out: whoever builds a world
//! gives such a tracker's URL [`host`] for an address, and tells the names to the network with [`set`].

use crate::net::{Dns, DnsAnswer};
use crate::sample;
use crate::scenario::{Addresses, TrackerSpec, Use};
use seedbed_engine::time::Duration;
use std::net::{IpAddr, Ipv6Addr};

/// Addresses of `dns-many`, beside the true one.
const MANY: u8 = 50;

/// Whether a behaviour is about the tracker's name, not about the tracker.
pub fn is_about_names(used: &Use) -> bool {
    used.name.starts_with("dns-")
}

/// The host in a tracker's URL: its address, or a name if one of its behaviours is about names.
pub fn host(spec: &TrackerSpec, ip: IpAddr) -> String {
    if spec.behaviours.iter().any(is_about_names) || spec.link.addresses == Addresses::Both {
        return format!("{}.tracker.test", spec.name);
    }
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// The announce URL of a tracker.
pub fn url(spec: &TrackerSpec, ip: IpAddr, port: u16) -> String {
    let host = host(spec, ip);
    if spec.udp {
        format!("udp://{host}:{port}/announce")
    } else {
        format!("http://{host}:{port}/announce")
    }
}

/// Tells a network what a tracker's name means. Nothing for one without a name. Returns the behaviours' names, for the
/// marks: what the resolver does is seen by nobody else.
pub fn set(dns: &mut Dns, spec: &TrackerSpec, ips: &[IpAddr]) -> Vec<&'static str> {
    let mut set = Vec::new();
    let Some(ip) = ips.first().copied() else {
        return set;
    };
    if spec.link.addresses == Addresses::Both {
        dns.set_list(&host(spec, ip), vec![DnsAnswer::new(ips.to_vec())]);
    }
    for used in spec.behaviours.iter().filter(|used| is_about_names(used)) {
        let Some(known) = super::BEHAVIOURS.iter().find(|known| known.name == used.name) else {
            continue;
        };
        dns.set_list(&host(spec, ip), answers(used, ip));
        set.push(known.name);
    }
    set
}

/// Every address that a tracker's name ever stands for, its own first.
pub fn addresses(spec: &TrackerSpec, ip: IpAddr) -> Vec<IpAddr> {
    let named = spec.behaviours.iter().filter(|used| is_about_names(used));
    let named = named.flat_map(|used| answers(used, ip));
    let found = named.flat_map(|answer| answer.addresses);
    let own = sample::addresses(ip, &spec.link);
    core::iter::once(ip).chain(own).chain(found).collect()
}

fn answers(used: &Use, ip: IpAddr) -> Vec<DnsAnswer> {
    let right = DnsAnswer::new(vec![ip]);
    match used.name.as_str() {
        "dns-missing" => vec![DnsAnswer::failing("no such host")],
        "dns-silent" => vec![right.never()],
        "dns-slow" => {
            let by = used.duration("by").unwrap_or(Duration::from_secs(8));
            vec![right.after(by)]
        }
        "dns-changes" => {
            let lookups = u32::try_from(used.int("lookups", 1)).unwrap_or(1).max(1);
            vec![DnsAnswer::new(vec![nobody(0)]).times(lookups), right]
        }
        "dns-only-v6" => {
            let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);
            vec![DnsAnswer::new(vec![v6.into()])]
        }
        _ => {
            let mut many: Vec<IpAddr> = (0..MANY).map(nobody).collect();
            many.insert(usize::from(MANY) / 10, ip);
            vec![DnsAnswer::new(many)]
        }
    }
}

/// An address where nobody is (RFC 5737).
fn nobody(n: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, n + 1])
}
