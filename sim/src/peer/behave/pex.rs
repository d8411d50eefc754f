//! Peer exchange (BEP 11) as models do it, written anew: whom they name, and what is wrong with it.

use super::{Say, Trait, View, lost};
use crate::peer::catalogue::Kind;
use crate::peer::conn::Conn;
use crate::scenario::Value;
use seedbed_engine::wire::Message;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The id under which models take messages.
pub const OUR_PEX: u8 = 5;

/// Messages of a flood: more than the six that are forgiven.
const FLOOD: u32 = 10;

/// Whether this kind says something of it.
pub(super) const fn speaks(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Pex
            | Kind::PexNotDict
            | Kind::PexHuge
            | Kind::PexFlood
            | Kind::PexFlags
            | Kind::PexMany
            | Kind::PexAnyway
            | Kind::PexDrops
    )
}

/// The ids of the extended handshake: who does anything about an extension takes it.
pub(in crate::peer) fn offered(traits: &[Trait]) -> BTreeMap<String, u8> {
    let does = |of: fn(Kind) -> bool| traits.iter().any(|one| of(one.entry.kind));
    let pex = does(speaks).then(|| ("ut_pex".to_owned(), OUR_PEX));
    let lost = does(lost::concerns).then(|| ("lt_donthave".to_owned(), lost::OUR_DONT_HAVE));
    pex.into_iter().chain(lost).collect()
}

/// Six bytes a peer.
fn compact(peers: &[SocketAddr]) -> Vec<u8> {
    let one = |peer: &SocketAddr| match peer.ip() {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            let [high, low] = peer.port().to_be_bytes();
            vec![a, b, c, d, high, low]
        }
        IpAddr::V6(_) => Vec::new(),
    };
    peers.iter().flat_map(one).collect()
}

/// Eighteen bytes a peer, of those of IPv6.
fn compact6(peers: &[SocketAddr]) -> Vec<u8> {
    let one = |peer: &SocketAddr| match peer.ip() {
        IpAddr::V4(_) => Vec::new(),
        IpAddr::V6(ip) => [ip.octets().as_slice(), &peer.port().to_be_bytes()].concat(),
    };
    peers.iter().flat_map(one).collect()
}

/// What is said of those of IPv6, if there are any: under `added6` or `dropped6`.
fn six(key: &'static str, peers: &[SocketAddr]) -> Vec<(&'static str, Vec<u8>)> {
    let compact = compact6(peers);
    let flags = vec![0; compact.len() / 18];
    match key {
        _ if compact.is_empty() => Vec::new(),
        "added6" => vec![(key, compact), ("added6.f", flags)],
        _ => vec![(key, compact)],
    }
}

/// A dictionary of byte strings, in the order given.
fn dictionary(items: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![b'd'];
    for (key, value) in items {
        bytes.extend_from_slice(format!("{}:{key}{}:", key.len(), value.len()).as_bytes());
        bytes.extend_from_slice(value);
    }
    bytes.push(b'e');
    bytes
}

/// Whom it names: those of `who`, by spaces, or everybody who is no engine.
fn named(one: &Trait, view: &View<'_>, conn: &Conn) -> Vec<SocketAddr> {
    let who = one.params.params.iter().find(|(name, _)| name == "who");
    let others = view
        .others
        .iter()
        .filter(|(_, addr)| addr.ip() != conn.other.ip());
    match who {
        Some((_, Value::Text(names))) => {
            let names: Vec<&str> = names.split(' ').collect();
            let chosen = others.filter(|(name, _)| names.contains(&name.as_str()));
            chosen.map(|(_, addr)| *addr).collect()
        }
        _ => others.map(|(_, addr)| *addr).collect(),
    }
}

/// Ten thousand addresses: the engine's own, some that nobody may dial, and strangers.
fn many(conn: &Conn, count: u32) -> Vec<SocketAddr> {
    let odd = [
        SocketAddr::new(conn.other.ip(), crate::sample::PORT),
        SocketAddr::from(([127, 0, 0, 1], 80)),
        SocketAddr::from(([10, 0, 0, 1], 80)),
        SocketAddr::from(([192, 168, 1, 1], 80)),
        SocketAddr::from(([169, 254, 1, 1], 80)),
        SocketAddr::from(([224, 0, 0, 1], 80)),
        SocketAddr::from(([0, 0, 0, 0], 80)),
        SocketAddr::from(([203, 0, 113, 77], 0)),
    ];
    let strangers =
        (0..count).map(|n| SocketAddr::new(IpAddr::V4(Ipv4Addr::from_bits(0x3d00_0000 + n)), 6881));
    odd.into_iter().chain(strangers).collect()
}

/// Addresses of IPv6 that nobody may dial, and the engine's own if it has one; a stranger for whom speaks over IPv6.
fn many6(conn: &Conn) -> Vec<SocketAddr> {
    let odd = [
        "[::1]:80",
        "[::]:80",
        "[fe80::1]:80",
        "[fc00::1]:80",
        "[ff02::1]:80",
        "[::ffff:127.0.0.1]:80",
        "[2001:db8::7]:0",
    ];
    let odd = odd.iter().filter_map(|text| text.parse().ok());
    let own = SocketAddr::new(conn.other.ip(), crate::sample::PORT);
    let stranger = SocketAddr::from(([0x2001, 0xdb8, 0x4444, 0, 0, 0, 0, 1], 6881));
    let also = [own, stranger].into_iter().filter(|_| own.is_ipv6());
    odd.chain(also).collect()
}

/// What is said.
pub(super) fn says(one: &Trait, view: &View<'_>, conn: &Conn) -> Vec<Say> {
    let peers = named(one, view, conn);
    let flags = vec![0; peers.iter().filter(|peer| peer.is_ipv4()).count()];
    let good = || {
        let four = [("added", compact(&peers)), ("added.f", flags.clone())];
        dictionary(&[four.as_slice(), &six("added6", &peers)].concat())
    };
    let payloads = match one.entry.kind {
        Kind::PexNotDict => vec![b"li1ei2ee".to_vec()],
        Kind::PexHuge => vec![dictionary(&[("added", vec![7; one.int("n", 600_000) as usize])])],
        Kind::PexFlood => (0..one.int("n", FLOOD)).map(|_| good()).collect(),
        Kind::PexFlags => {
            let mut ragged = compact(&peers);
            ragged.extend_from_slice(&[192, 0, 2]);
            vec![
                dictionary(&[("added", ragged), ("added.f", Vec::new())]),
                dictionary(&[("added", compact(&peers)), ("added.f", vec![2; peers.len() + 9])]),
                dictionary(&[("added.f", vec![2; 4])]),
            ]
        }
        Kind::PexMany => {
            let many = many(conn, one.int("n", 10_000));
            let flags = vec![0; many.len()];
            let four = [("added", compact(&many)), ("added.f", flags)];
            vec![dictionary(
                &[four.as_slice(), &six("added6", &many6(conn))].concat(),
            )]
        }
        Kind::PexDrops => {
            let strangers = many(conn, 60);
            let four = [("dropped", compact(&strangers))];
            vec![dictionary(
                &[four.as_slice(), &six("dropped6", &many6(conn))].concat(),
            )]
        }
        _ => vec![good()],
    };
    // where nothing is taken, what libtorrent would have given out
    let id = conn.their_pex.unwrap_or(1);
    let message = |payload| Say::Message(Message::Extended { id, payload });
    payloads.into_iter().map(message).collect()
}
