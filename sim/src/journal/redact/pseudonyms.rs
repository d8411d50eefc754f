//! Other names for everything that says who somebody is or what was transferred: the same thing always gets the same
//! one, and which it gets cannot be found out without the key.

use seedbed_engine::id::{InfoHash, PeerId, Sha1Digest};
use seedbed_engine::scope::Scope;
use sha1::{Digest as _, Sha1};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Bytes of a peer id that name the client (BEP 20), which stay.
const CLIENT_PREFIX: usize = 8;

/// Pseudonyms of a peer id that are tried: so many lie all on one side of ours only if it is at an end of its range.
const PEER_ID_TRIES: u32 = 256;

/// The pseudonyms of one journal.
#[derive(Clone, Debug)]
pub(super) struct Pseudonyms {
    key: [u8; 32],
    ips: BTreeMap<IpAddr, IpAddr>,
    hosts: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
    info_hashes: BTreeMap<InfoHash, InfoHash>,
    peer_ids: BTreeMap<PeerId, PeerId>,
    /// Ours, and what stands for it.
    own_id: Option<(PeerId, PeerId)>,
    digests: BTreeMap<Sha1Digest, Sha1Digest>,
    /// Parts of URLs: passkeys, folders, arguments.
    url_parts: BTreeMap<String, String>,
    /// Info dictionaries that peers send, by the torrent's hash, and what they are from now on, as long as before.
    dictionaries: BTreeMap<InfoHash, (Vec<u8>, Vec<u8>)>,
    /// Bytes of each of their pieces.
    piece_length: usize,
    /// Anything else that must not be in the result.
    others: BTreeSet<Vec<u8>>,
}

impl Pseudonyms {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self {
            key,
            ips: BTreeMap::new(),
            hosts: BTreeMap::new(),
            names: BTreeMap::new(),
            info_hashes: BTreeMap::new(),
            peer_ids: BTreeMap::new(),
            own_id: None,
            digests: BTreeMap::new(),
            url_parts: BTreeMap::new(),
            dictionaries: BTreeMap::new(),
            piece_length: 1,
            others: BTreeSet::new(),
        }
    }

    /// A hash that only the key can repeat.
    fn keyed(&self, what: &str, bytes: &[u8], attempt: u32) -> Sha1Digest {
        let mut hash = Sha1::new();
        hash.update(self.key);
        hash.update(what);
        hash.update(attempt.to_be_bytes());
        hash.update(bytes);
        hash.finalize().into()
    }

    /// Bytes that look like noise, in the place of others.
    pub(super) fn noise(&self, bytes: &[u8], length: usize) -> Vec<u8> {
        let blocks = (0..).flat_map(|n| self.keyed("noise", bytes, n));
        blocks.take(length).collect()
    }

    /// An address of the same family and the same kind.
    pub(super) fn ip(&mut self, ip: IpAddr) -> IpAddr {
        // nobody's address names nobody, and there is only one loopback address of IPv6
        if Scope::of(ip) == Scope::Nobody || ip == IpAddr::V6(Ipv6Addr::LOCALHOST) {
            return ip;
        }
        if let Some(known) = self.ips.get(&ip) {
            return *known;
        }
        let mut attempt = 0;
        let new = loop {
            let new = like(ip, self.keyed("ip", ip.to_string().as_bytes(), attempt));
            let taken = self.ips.contains_key(&new) || self.ips.values().any(|used| *used == new);
            if !taken && new != ip {
                break new;
            }
            attempt += 1;
        };
        self.ips.insert(ip, new);
        new
    }

    /// The same with its port, which stays.
    pub(super) fn addr(&mut self, addr: SocketAddr) -> SocketAddr {
        let ip = self.ip(addr.ip().to_canonical());
        SocketAddr::new(ip, addr.port())
    }

    /// The name of a host, or an address in its place.
    pub(super) fn host(&mut self, host: &str) -> String {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return match self.ip(ip) {
                IpAddr::V6(ip) if host.starts_with('[') => format!("[{ip}]"),
                ip => ip.to_string(),
            };
        }
        let lower = host.to_ascii_lowercase();
        let next = self.hosts.len() + 1;
        let new = self
            .hosts
            .entry(lower)
            .or_insert_with(|| format!("host-{next}.example"));
        new.clone()
    }

    /// The name of a torrent, a file or a folder.
    pub(super) fn name(&mut self, name: &str) -> String {
        let next = self.names.len() + 1;
        let new = self.names.entry(name.to_owned());
        new.or_insert_with(|| format!("name-{next}")).clone()
    }

    /// The same with so many bytes; none when there is no short name left.
    pub(super) fn name_as_long(&mut self, name: &str, length: usize) -> Option<String> {
        if let Some(known) = self.names.get(name).filter(|known| known.len() == length) {
            return Some(known.clone());
        }
        let long = format!("name-{}", self.names.len() + 1);
        let new = if length >= long.len() {
            format!("{long:x<length$}")
        } else {
            let taken: BTreeSet<_> = self.names.values().collect();
            let mut short = (0..1 << 16).map(|n| letters(n, length));
            short.find(|short| !taken.contains(short) && short != name)?
        };
        self.names.insert(name.to_owned(), new.clone());
        Some(new)
    }

    /// From now on the pieces of this torrent's info dictionary are those of another one, of the same length.
    pub(super) fn set_dictionary(&mut self, torrent: InfoHash, old: &[u8], new: &[u8], piece_length: u32) {
        self.piece_length = piece_length.max(1) as usize;
        self.dictionaries.insert(torrent, (old.to_vec(), new.to_vec()));
    }

    /// A whole info dictionary, or what somebody takes for one.
    pub(super) fn dictionary(&self, bytes: &[u8]) -> Vec<u8> {
        let known = self.dictionaries.values().find(|(old, _)| *old == bytes);
        known.map_or_else(|| self.noise(bytes, bytes.len()), |(_, new)| new.clone())
    }

    /// A piece of an info dictionary; what is wrong stays wrong.
    pub(super) fn metadata_piece(&self, torrent: InfoHash, piece: u32, bytes: &[u8]) -> Vec<u8> {
        let start = (piece as usize).saturating_mul(self.piece_length);
        let range = start..start.saturating_add(bytes.len());
        let right = self.dictionaries.get(&torrent).and_then(|(old, new)| {
            let same = old.get(range.clone())? == bytes;
            new.get(range).filter(|_| same)
        });
        right.map_or_else(|| self.noise(bytes, bytes.len()), <[u8]>::to_vec)
    }

    /// A hash of a version 2 torrent whose dictionary is not known.
    pub(super) fn info_hash_v2(&self, hash: [u8; 32]) -> [u8; 32] {
        let mut new = [0; 32];
        new.copy_from_slice(&self.noise(&hash, 32));
        new
    }

    /// A part of a URL that may be a secret.
    pub(super) fn url_part(&mut self, part: &str) -> String {
        if part.is_empty() {
            return String::new();
        }
        let next = self.url_parts.len() + 1;
        let new = self.url_parts.entry(part.to_owned());
        new.or_insert_with(|| format!("part-{next}")).clone()
    }

    /// From now on `old` is `new`: a torrent's, once its info dictionary is rewritten.
    pub(super) fn set_info_hash(&mut self, old: InfoHash, new: InfoHash) {
        self.info_hashes.insert(old, new);
    }

    /// An info-hash, also one of a torrent that is not here.
    pub(super) fn info_hash(&mut self, hash: InfoHash) -> InfoHash {
        let new = InfoHash(self.keyed("info hash", &hash.0, 0));
        *self.info_hashes.entry(hash).or_insert(new)
    }

    /// From now on `old` is `new`: our own.
    pub(super) fn set_peer_id(&mut self, old: PeerId, new: PeerId) {
        self.own_id = Some((old, new));
        self.peer_ids.insert(old, new);
    }

    /// A peer id with the same client, and on the same side of ours: which of two connections to a peer stays is decided
    /// by the greater one.
    pub(super) fn peer_id(&mut self, id: PeerId) -> PeerId {
        let new = |n| {
            let mut new = id;
            let keyed = self.keyed("peer id", &id.0, n);
            new.0[CLIENT_PREFIX..].copy_from_slice(&keyed[CLIENT_PREFIX..]);
            new
        };
        let sided = |new: &PeerId| {
            self.own_id
                .is_none_or(|(old_own, own)| id.cmp(&old_own) == new.cmp(&own))
        };
        let found = (0..PEER_ID_TRIES).map(new).find(sided);
        let new = found.unwrap_or_else(|| new(0));
        *self.peer_ids.entry(id).or_insert(new)
    }

    /// The hash of a piece or a block.
    pub(super) fn digest(&mut self, digest: Sha1Digest) -> Sha1Digest {
        let new = self.keyed("digest", &digest, 0);
        *self.digests.entry(digest).or_insert(new)
    }

    /// Remembers bytes that must not be in the result.
    pub(super) fn secret(&mut self, bytes: &[u8]) {
        self.others.insert(bytes.to_vec());
    }

    /// Words of the system, of a tracker or of storage: kept when nothing in them can name anybody.
    pub(super) fn text(&self, text: &str) -> String {
        let plain =
            |c: char| c.is_ascii_alphabetic() || matches!(c, ' ' | '.' | ',' | '\'' | '-' | '(' | ')');
        let harmless =
            text.chars().all(plain) && !self.secrets().iter().any(|(_, secret)| contains(text, secret));
        if harmless {
            return text.to_owned();
        }
        // the operating system's own words stand at the end
        let system = text.rsplit(": ").next().filter(|last| {
            let code = last
                .split("(os error ")
                .nth(1)
                .and_then(|rest| rest.strip_suffix(')'));
            code.is_some_and(|code| code.bytes().all(|b| b.is_ascii_digit()))
        });
        system.map_or_else(|| "(text left out)".into(), str::to_owned)
    }

    /// Everything that was replaced, as it would stand in a file, with what it is.
    pub(super) fn secrets(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut all = Vec::new();
        for ip in self.ips.keys() {
            all.push(("address", ip.to_string().into_bytes()));
            // its five bytes come up by chance, as piece 127 before a 1, and they name nobody
            if *ip != IpAddr::V4(Ipv4Addr::LOCALHOST) {
                all.push(("address", in_journal(*ip)));
            }
            if let IpAddr::V6(ip) = ip {
                all.push(("address", ip.octets().to_vec()));
            }
        }
        let texts = |map: &BTreeMap<String, String>| {
            map.keys()
                .map(|text| text.clone().into_bytes())
                .collect::<Vec<_>>()
        };
        all.extend(texts(&self.hosts).into_iter().map(|host| ("host", host)));
        all.extend(texts(&self.names).into_iter().map(|name| ("name", name)));
        all.extend(
            texts(&self.url_parts)
                .into_iter()
                .map(|part| ("part of a URL", part)),
        );
        for hash in self.info_hashes.keys() {
            all.push(("info-hash", hash.0.to_vec()));
            all.push(("info-hash", hash.to_string().into_bytes()));
        }
        for id in self.peer_ids.keys() {
            all.push(("peer id", id.0[CLIENT_PREFIX..].to_vec()));
        }
        all.extend(
            self.digests
                .keys()
                .map(|digest| ("hash of content", digest.to_vec())),
        );
        all.extend(self.others.iter().map(|secret| ("text", secret.clone())));
        all
    }
}

/// A number in so many small letters; in fewer than it takes, its end.
fn letters(mut number: u32, length: usize) -> String {
    let mut digits: Vec<char> = (0..length)
        .map(|_| {
            let digit = (number % 26) as u8;
            number /= 26;
            char::from(b'a' + digit)
        })
        .collect();
    digits.reverse();
    digits.into_iter().collect()
}

/// An address as events of a journal hold it: the number of its family, then its bytes.
fn in_journal(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => [&[0], &ip.octets()[..]].concat(),
        IpAddr::V6(ip) => [&[1], &ip.octets()[..]].concat(),
    }
}

fn contains(text: &str, secret: &[u8]) -> bool {
    text.len() >= secret.len()
        && text
            .as_bytes()
            .windows(secret.len().max(1))
            .any(|part| part == secret)
}

/// An address of the family and the kind of `ip`, drawn from `bits`.
fn like(ip: IpAddr, bits: Sha1Digest) -> IpAddr {
    let [a, b, c, d, ..] = bits;
    match ip {
        IpAddr::V4(ip) => IpAddr::V4(match (Scope::of(IpAddr::V4(ip)), ip.octets()) {
            (Scope::Loopback, _) => Ipv4Addr::new(127, a | 1, b, c.max(1)),
            (Scope::Link, _) => Ipv4Addr::new(169, 254, a, b.max(1)),
            (Scope::Private, [10, ..]) => Ipv4Addr::new(10, a, b, c.max(1)),
            (Scope::Private, [172, ..]) => Ipv4Addr::new(172, 16 | a & 15, b, c.max(1)),
            (Scope::Private, [192, ..]) => Ipv4Addr::new(192, 168, a, b.max(1)),
            (Scope::Private, _) => Ipv4Addr::new(100, 64 | a & 63, b, c.max(1)),
            // set aside for tests of network devices (RFC 2544)
            _ => Ipv4Addr::new(198, 18 | a & 1, b, c.max(1)),
        }),
        IpAddr::V6(ip) => {
            let low = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]) | 1];
            let first = match Scope::of(IpAddr::V6(ip)) {
                Scope::Link => [0xfe80, 0],
                Scope::Private => [0xfd00, 0],
                // set aside for documentation (RFC 3849)
                _ => [0x2001, 0xdb8],
            };
            IpAddr::V6(Ipv6Addr::new(first[0], first[1], 0, 0, 0, 0, low[0], low[1]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_family_and_kind_and_differ() {
        let mut names = Pseudonyms::new([1; 32]);
        for ip in [
            "127.0.0.1",
            "127.0.0.2",
            "10.0.0.1",
            "192.168.1.9",
            "172.20.0.1",
            "100.64.3.4",
            "8.8.8.8",
            "169.254.0.7",
            "2a00::1",
            "fe80::1",
            "fd12::1",
        ] {
            let ip: IpAddr = ip.parse().expect("an address");
            let new = names.ip(ip);
            assert_eq!(Scope::of(new), Scope::of(ip), "{ip} {new}");
            assert_eq!(new.is_ipv4(), ip.is_ipv4());
            assert_ne!(new, ip);
            assert_eq!(names.ip(ip), new, "the same again");
        }
        assert_eq!(
            names.ip("0.0.0.0".parse().expect("it")),
            "0.0.0.0".parse::<IpAddr>().expect("it")
        );
    }

    #[test]
    fn texts_keep_what_the_system_says() {
        let mut names = Pseudonyms::new([1; 32]);
        names.secret(b"/home/ada");
        assert_eq!(
            names.text("/home/ada/x: No space left on device (os error 28)"),
            "No space left on device (os error 28)"
        );
        assert_eq!(names.text("torrent not registered"), "torrent not registered");
        assert_eq!(names.text("you are 192.0.2.7"), "(text left out)");
    }
}
