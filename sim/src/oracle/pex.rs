//! Peer exchange as the engine does it (BEP 11), read anew: I39, and I24's half of it.

use super::table::Oracle;
use super::watch::Watch;
use seedbed_engine::id::ConnId;
use seedbed_engine::time::Instant;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What went over one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchanged {
    /// The id under which the peer takes messages; 0 when it takes none.
    pub(crate) theirs: u8,
    /// When the last message went out.
    last: Option<Instant>,
    /// Whom the peer knows from us.
    told: BTreeSet<SocketAddr>,
}

/// The digits behind a key of a dictionary, found without a parser: keys are written one way only.
pub(crate) fn number_of<T: std::str::FromStr>(dictionary: &[u8], name: &str) -> Option<T> {
    let key = format!("{}:{name}i", name.len());
    let at = dictionary
        .windows(key.len())
        .position(|window| window == key.as_bytes())?
        + key.len();
    let digits = dictionary.get(at..)?;
    let digits = &digits[..digits.iter().position(|byte| *byte == b'e')?];
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A byte string of a dictionary whose keys and values are all byte strings.
fn list<'a>(mut dictionary: &'a [u8], name: &str) -> &'a [u8] {
    dictionary = dictionary.strip_prefix(b"d").unwrap_or_default();
    let mut string = || -> Option<&'a [u8]> {
        let colon = dictionary.iter().position(|byte| *byte == b':')?;
        let length: usize = std::str::from_utf8(&dictionary[..colon]).ok()?.parse().ok()?;
        let text = dictionary.get(colon + 1..colon + 1 + length)?;
        dictionary = &dictionary[colon + 1 + length..];
        Some(text)
    };
    while let (Some(key), Some(value)) = (string(), string()) {
        if key == name.as_bytes() {
            return value;
        }
    }
    &[]
}

fn addrs(dictionary: &[u8], v4: &str, v6: &str) -> Vec<SocketAddr> {
    let port = |bytes: &[u8]| u16::from_be_bytes([bytes[0], bytes[1]]);
    let four = list(dictionary, v4).as_chunks::<6>().0.iter().map(|entry| {
        let ip = Ipv4Addr::new(entry[0], entry[1], entry[2], entry[3]);
        SocketAddr::new(IpAddr::V4(ip), port(&entry[4..]))
    });
    let six = list(dictionary, v6).as_chunks::<18>().0.iter().map(|entry| {
        let ip: [u8; 16] = *entry.first_chunk().expect("sixteen of eighteen bytes");
        SocketAddr::new(IpAddr::V6(Ipv6Addr::from(ip)), port(&entry[16..]))
    });
    four.chain(six).collect()
}

impl Watch {
    /// An extended message of ours that is no handshake: its id and its payload.
    pub(crate) fn exchanges(&mut self, id: ConnId, body: &[u8]) {
        let private = self.setup.metainfo.private;
        let Some((ours, payload)) = body.split_first() else {
            return;
        };
        let Some(conn) = self.conns.get(&id).filter(|conn| conn.pex.theirs == *ours) else {
            return;
        };
        self.verdicts.check(Oracle::I24, !private, || {
            format!("{id} is told of other peers of a private torrent")
        });
        let config = &self.setup.config.pex;
        let added = addrs(payload, "added", "added6");
        let dropped = addrs(payload, "dropped", "dropped6");
        let most = match conn.pex.last {
            None => config.contacts_first_max,
            Some(_) => config.contacts_max,
        };
        let rested = conn
            .pex
            .last
            .is_none_or(|last| self.now >= last + config.interval);
        let known = |addr: &SocketAddr| {
            let others = self
                .conns
                .iter()
                .filter(|(other, conn)| **other != id && conn.is_open());
            others
                .into_iter()
                .any(|(_, conn)| conn.addr == *addr || !conn.dialled && conn.addr.ip() == addr.ip())
        };
        let both = added.iter().find(|addr| dropped.contains(addr));
        let wrong = match () {
            () if conn.pex.theirs == 0 => Some("it takes no peer exchange".into()),
            () if !rested => Some("a second time within the interval".into()),
            () if added.len() > most || dropped.len() > most => Some("too many".into()),
            () if added.is_empty() && dropped.is_empty() => Some("nothing".into()),
            () if both.is_some() => both.map(|addr| format!("{addr} as added and as dropped")),
            () => added
                .iter()
                .find(|addr| !known(addr) || conn.pex.told.contains(addr))
                .map(|addr| format!("{addr}, who is no peer, or told already"))
                .or_else(|| {
                    let stranger = dropped.iter().find(|addr| !conn.pex.told.contains(addr));
                    stranger.map(|addr| format!("{addr} as dropped, who was never told"))
                }),
        };
        let (at, to) = (self.now, conn.addr);
        self.verdicts.check(Oracle::I39, wrong.is_none(), || {
            format!("{to} is told: {wrong:?}")
        });
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.pex.last = Some(at);
            conn.pex.told.extend(added);
            dropped.iter().for_each(|addr| {
                conn.pex.told.remove(addr);
            });
        }
    }
}
