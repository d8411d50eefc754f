//! Announces to the local network (BEP 14) as models make them, written anew: what is right about them, and what is wrong.

use super::catalogue::Kind;
use super::{Later, ModelPeer};
use crate::actor::{Cx, Output};
use crate::sample::PORT;
use crate::scenario::Addresses;
use seedbed_engine::rng::Rng;
use seedbed_engine::time::Duration;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// The groups of IPv4 and IPv6 (BEP 14).
const GROUPS: [&str; 2] = ["239.192.152.143:6771", "[ff15::efc0:988f]:6771"];

/// The first announce comes so long after the start, if nothing else is said: engines have begun by then.
const WAIT: Duration = Duration::from_secs(2);

/// From one announce to the next. One that goes on as before may be lost, or come before the engine listens.
const EACH: Duration = Duration::from_secs(60);

/// Announces of a flood: more than are looked at of one host.
const FLOOD: u32 = 100;

/// Headers of an announce that has more than anybody reads.
const HEADERS: usize = 100;

impl Kind {
    /// Whether it is said to the local network.
    pub const fn is_local(self) -> bool {
        matches!(
            self,
            Self::Lsd | Self::LsdBad | Self::LsdPort | Self::LsdFlood | Self::LsdMany | Self::LsdSpoofed
        )
    }
}

/// What goes out: from where it claims to come, and the bytes.
type Sent = (Option<SocketAddr>, Vec<u8>);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // writing into a string cannot fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn request(headers: &[(&str, String)]) -> Vec<u8> {
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    format!("BT-SEARCH * HTTP/1.1\r\n{lines}\r\n\r\n").into_bytes()
}

fn announce(group: &str, port: &str, hashes: &[String]) -> Vec<u8> {
    let mut headers = vec![("Host", group.into()), ("Port", port.to_owned())];
    headers.extend(hashes.iter().map(|hash| ("Infohash", hash.clone())));
    headers.push(("cookie", "model".into()));
    request(&headers)
}

/// No two of them are wrong in the same way.
fn bad(group: &str, hash: &str) -> Vec<Sent> {
    let port = || ("Port", PORT.to_string());
    let hash = || ("Infohash", hash.to_owned());
    let good = announce(group, &PORT.to_string(), &[hash().1]);
    let many = std::iter::repeat_n(("X-Nothing", "x".to_owned()), HEADERS);
    let all = [
        b"\0\xff garbage".to_vec(),
        Vec::new(),
        good[..good.len() / 2].to_vec(),
        request(&[port()]),
        request(&[port(), ("Infohash", hash().1[1..].into())]),
        request(&[port(), ("Infohash", format!("{}zz", &hash().1[2..]))]),
        request(&[port(), port(), hash()]),
        request(&many.chain([port(), hash()]).collect::<Vec<_>>()),
        request(&[port(), ("X-Long", "x".repeat(3_000)), hash()]),
        [&b"M-SEARCH"[..], &good[9..]].concat(),
    ];
    all.into_iter().map(|data| (None, data)).collect()
}

/// Hashes of torrents that nobody has, then the one that is shared: as many as one Ethernet frame carries.
fn many(group: &str, rng: &mut Rng, hash: &str) -> Vec<u8> {
    let mut hashes: Vec<String> = (0..25)
        .map(|_| {
            let mut bytes = [0; 20];
            rng.fill(&mut bytes);
            hex(&bytes).to_uppercase()
        })
        .collect();
    hashes.push(hash.to_uppercase());
    announce(group, &PORT.to_string(), &hashes)
}

impl ModelPeer {
    /// Those of its behaviours that speak to the local network get their time.
    pub(super) fn begin_local(&mut self, cx: &Cx<'_>) {
        for n in 0..self.traits.len() {
            let one = &self.traits[n];
            if one.entry.kind.is_local() {
                let wait = one.opens_in(cx.now) + one.time("wait", WAIT);
                self.at(cx.now, wait, Later::Local(n));
            }
        }
    }

    /// The n-th behaviour speaks to the local network, and will again.
    pub(super) fn speak_local(&mut self, cx: &mut Cx<'_>, n: usize) {
        let hash = hex(&self.torrent.metainfo.info_hash.0);
        let one = &mut self.traits[n];
        let each = one.time("each", EACH).max(Duration::from_millis(100));
        let fires = one.fires(cx.now, false, cx.marks);
        let addresses = self.spec.link.addresses;
        let families = [addresses.has_v4(), addresses != Addresses::V4];
        let groups = GROUPS.iter().zip(families).filter(|(_, has)| *has && fires);
        for (group, _) in groups {
            let own = |port: &str| announce(group, port, std::slice::from_ref(&hash));
            let port = PORT.to_string();
            let sent: Vec<Sent> = match one.entry.kind {
                Kind::LsdBad => bad(group, &hash),
                Kind::LsdPort => ["0", "65536", "-1", ""].map(|port| (None, own(port))).into(),
                Kind::LsdFlood => (0..one.int("n", FLOOD))
                    .map(|n| (None, own(&(1 + n).to_string())))
                    .collect(),
                Kind::LsdMany => vec![(None, many(group, &mut self.rng, &hash))],
                Kind::LsdSpoofed => [
                    "127.0.0.1:6771",
                    "0.0.0.0:6771",
                    "239.192.152.143:6771",
                    "[fe80::1]:6771",
                ]
                .iter()
                .map(|from| (from.parse().ok(), own(&port)))
                .collect(),
                _ => vec![(None, own(&port))],
            };
            for (from, data) in sent {
                if let Ok(to) = group.parse() {
                    cx.out.push(Output::Datagram { to, from, data });
                }
            }
        }
        self.at(cx.now, each, Later::Local(n));
    }
}
