//! Messages of peer exchange, `ut_pex` (BEP 11): whom the sender is connected to, and whom no more.
//!
//! Invariants: reading stops at [`CONTACTS_READ_MAX`] entries a list; nothing that is read is trusted, not even that an
//! address is one that can be dialled.

use crate::bencode;
use crate::bencode::{BencodeError, Limits, Value};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use serde::{Deserialize, Serialize};
use serde_bytes::Bytes;

/// The name in `m`.
pub const NAME: &str = "ut_pex";

/// Entries that are read of one list. BEP 11 allows 50 in a message and any number in the first one; a peer has few
/// hundreds of connections.
pub const CONTACTS_READ_MAX: usize = 500;

/// What the sender knows of a contact, as the bits of `added.f`. Hints, nothing more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Flags(pub u8);

impl Flags {
    /// Prefers encrypted connections.
    pub const ENCRYPTION: Self = Self(0x01);
    /// Is a seed, or uploads only (BEP 21).
    pub const SEED: Self = Self(0x02);
    /// Speaks uTP (BEP 29).
    pub const UTP: Self = Self(0x04);
    /// Speaks `ut_holepunch` (BEP 55).
    pub const HOLEPUNCH: Self = Self(0x08);
    /// The sender dialled it, so that it can be reached.
    pub const REACHABLE: Self = Self(0x10);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of these are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One message.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PexMessage {
    /// Contacts that are new since the message before.
    pub added: Vec<(SocketAddr, Flags)>,
    /// Contacts that are no more.
    pub dropped: Vec<SocketAddr>,
}

/// Why bytes are not a message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PexError {
    /// They do not begin with bencode.
    #[error("peer exchange: {0}")]
    Bencode(#[from] BencodeError),
    /// They begin with an integer, a string or a list.
    #[error("peer exchange is not a dictionary")]
    NotDictionary,
}

impl PexMessage {
    /// Reads the payload of an extended message. Lists of wrong type count as absent, a ragged tail is left out, flags
    /// that are missing are none.
    ///
    /// # Errors
    /// When the payload does not begin with a dictionary within [`Limits::MESSAGE`].
    pub fn decode(payload: &[u8]) -> Result<Self, PexError> {
        let (value, _) = Value::parse(payload, &Limits::MESSAGE)?;
        let entries = value.as_dict().ok_or(PexError::NotDictionary)?;
        let mut lists: [Option<&[u8]>; 6] = [None; 6];
        for (key, value) in entries {
            if let Some((list, _)) = lists.iter_mut().zip(KEYS).find(|(_, known)| *known == key) {
                // of a key that comes twice the first one that is any good
                *list = list.or(value.as_bytes());
            }
        }
        let [added, flags, added6, flags6, dropped, dropped6] = lists.map(Option::unwrap_or_default);
        let flag = |flags: &[u8], n: usize| Flags(flags.get(n).copied().unwrap_or_default());
        let v4 = v4(added).enumerate().map(|(n, addr)| (addr, flag(flags, n)));
        let v6 = v6(added6).enumerate().map(|(n, addr)| (addr, flag(flags6, n)));
        Ok(Self {
            added: v4.chain(v6).collect(),
            dropped: self::v4(dropped).chain(self::v6(dropped6)).collect(),
        })
    }

    /// The payload of an extended message. Lists without an entry are left out, but for `added` when there would be
    /// none: BEP 11 wants at least one.
    pub fn encode(&self) -> Vec<u8> {
        let (v4, v6): (Vec<_>, Vec<_>) = self.added.iter().copied().partition(|(addr, _)| addr.is_ipv4());
        let (gone4, gone6): (Vec<_>, Vec<_>) = self.dropped.iter().copied().partition(SocketAddr::is_ipv4);
        let addrs = |list: &[(SocketAddr, Flags)]| compact(list.iter().map(|(addr, _)| *addr));
        let flags = |list: &[(SocketAddr, Flags)]| list.iter().map(|(_, flags)| flags.0).collect::<Vec<u8>>();
        let (added, added6) = (addrs(&v4), addrs(&v6));
        let (flags4, flags6) = (flags(&v4), flags(&v6));
        let (dropped, dropped6) = (compact(gone4.into_iter()), compact(gone6.into_iter()));
        let some = |bytes: &'_ Vec<u8>| !bytes.is_empty();
        let needed = some(&added) || !(some(&added6) || some(&dropped) || some(&dropped6));
        let dictionary = Dictionary {
            added: needed.then(|| Bytes::new(&added)),
            flags: needed.then(|| Bytes::new(&flags4)),
            added6: some(&added6).then(|| Bytes::new(&added6)),
            flags6: some(&added6).then(|| Bytes::new(&flags6)),
            dropped: some(&dropped).then(|| Bytes::new(&dropped)),
            dropped6: some(&dropped6).then(|| Bytes::new(&dropped6)),
        };
        // strings only, which bencode can always say
        bencode::to_bytes(&dictionary).unwrap_or_else(|_| b"d5:added0:e".to_vec())
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.dropped.is_empty()
    }
}

impl core::fmt::Display for PexMessage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "ut_pex, {} added, {} dropped",
            self.added.len(),
            self.dropped.len()
        )
    }
}

/// The keys that are read.
const KEYS: [&[u8]; 6] = [
    b"added",
    b"added.f",
    b"added6",
    b"added6.f",
    b"dropped",
    b"dropped6",
];

/// The items in the order of their names.
#[derive(Serialize)]
struct Dictionary<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    added: Option<&'a Bytes>,
    #[serde(rename = "added.f", skip_serializing_if = "Option::is_none")]
    flags: Option<&'a Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    added6: Option<&'a Bytes>,
    #[serde(rename = "added6.f", skip_serializing_if = "Option::is_none")]
    flags6: Option<&'a Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped: Option<&'a Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped6: Option<&'a Bytes>,
}

/// Six bytes an entry.
fn v4(list: &[u8]) -> impl Iterator<Item = SocketAddr> + '_ {
    let entries = list.as_chunks::<6>().0.iter().take(CONTACTS_READ_MAX);
    entries.map(|[a, b, c, d, high, low]| {
        let ip = IpAddr::V4(Ipv4Addr::new(*a, *b, *c, *d));
        SocketAddr::new(ip, u16::from_be_bytes([*high, *low]))
    })
}

/// Eighteen bytes an entry. An IPv4 address in its mapped form is given as IPv4.
fn v6(list: &[u8]) -> impl Iterator<Item = SocketAddr> + '_ {
    let entries = list.as_chunks::<18>().0.iter().take(CONTACTS_READ_MAX);
    entries.filter_map(|entry| {
        let (ip, port) = entry.split_first_chunk::<16>()?;
        let ip = IpAddr::V6(Ipv6Addr::from_octets(*ip)).to_canonical();
        Some(SocketAddr::new(ip, u16::from_be_bytes(*port.first_chunk()?)))
    })
}

fn compact(addrs: impl Iterator<Item = SocketAddr>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for addr in addrs {
        match addr.ip() {
            IpAddr::V4(ip) => bytes.extend_from_slice(&ip.octets()),
            IpAddr::V6(ip) => bytes.extend_from_slice(&ip.octets()),
        }
        bytes.extend_from_slice(&addr.port().to_be_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(payload: &[u8], added: &[(&str, u8)], dropped: &[&str]) {
        let expected = PexMessage {
            added: added
                .iter()
                .map(|(text, flags)| (addr(text), Flags(*flags)))
                .collect(),
            dropped: dropped.iter().map(|text| addr(text)).collect(),
        };
        assert_eq!(PexMessage::decode(payload), Ok(expected));
    }

    #[test]
    fn lists_are_read_each_for_itself() {
        check(b"de", &[], &[]);
        check(
            b"d5:added6:\xc0\0\x02\x01\x1a\xe17:added.f1:\x12e",
            &[("192.0.2.1:6881", 0x12)],
            &[],
        );
        check(
            b"d5:addedi5e7:dropped6:\xc0\0\x02\x01\x1a\xe1e",
            &[],
            &["192.0.2.1:6881"],
        );
        let v6 = b"d6:added618:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\0\x058:added6.f1:\x02e";
        check(v6, &[("[2001:db8::7]:5", 2)], &[]);
        let mapped = b"d6:added618:\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x01\0\x05e";
        check(mapped, &[("192.0.2.1:5", 0)], &[]);
    }

    #[test]
    fn flags_may_be_too_few_and_a_tail_ragged() {
        let two = b"d5:added12:\xc0\0\x02\x01\0\x01\xc0\0\x02\x02\0\x027:added.f1:\x02e";
        check(two, &[("192.0.2.1:1", 2), ("192.0.2.2:2", 0)], &[]);
        let ragged = b"d5:added7:\xc0\0\x02\x01\0\x01\xc07:added.f9:\x02........e";
        check(ragged, &[("192.0.2.1:1", 2)], &[]);
    }

    #[test]
    fn what_is_no_dictionary_is_no_message() {
        assert_eq!(PexMessage::decode(b"i1e"), Err(PexError::NotDictionary));
        assert_eq!(PexMessage::decode(b"le"), Err(PexError::NotDictionary));
        assert!(matches!(PexMessage::decode(b""), Err(PexError::Bencode(_))));
        assert!(matches!(
            PexMessage::decode(b"d5:added"),
            Err(PexError::Bencode(_))
        ));
    }

    #[test]
    fn reading_is_bounded() {
        let mut payload = format!("d5:added{}:", 6 * 10_000).into_bytes();
        payload.extend(core::iter::repeat_n([1, 2, 3, 4, 5, 6], 10_000).flatten());
        payload.push(b'e');
        assert_eq!(
            PexMessage::decode(&payload).unwrap().added.len(),
            CONTACTS_READ_MAX
        );
    }

    #[test]
    fn only_lists_that_hold_something_are_written() {
        let check = |added: &str, dropped: &str, keys: &[&str]| {
            let message = PexMessage {
                added: added
                    .split_whitespace()
                    .map(|text| (addr(text), Flags(2)))
                    .collect(),
                dropped: dropped.split_whitespace().map(addr).collect(),
            };
            let bytes = message.encode();
            let (value, _) = bencode::Value::parse(&bytes, &Limits::MESSAGE).unwrap();
            let written: Vec<_> = value.as_dict().unwrap().map(|(key, _)| key.to_vec()).collect();
            let keys: Vec<_> = keys.iter().map(|key| key.as_bytes().to_vec()).collect();
            assert_eq!(written, keys, "{added} {dropped}");
        };
        let (v4, v6) = ("192.0.2.1:1", "[2001:db8::1]:1");
        check(v4, "", &["added", "added.f"]);
        check(v6, "", &["added6", "added6.f"]);
        check("", v4, &["dropped"]);
        check("", v6, &["dropped6"]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let message = PexMessage {
            added: [
                (addr("192.0.2.1:6881"), Flags::SEED.with(Flags::REACHABLE)),
                (addr("[2001:db8::1]:9"), Flags::UTP),
            ]
            .to_vec(),
            dropped: [addr("198.51.100.7:1"), addr("[2001:db8::2]:1")].to_vec(),
        };
        assert_eq!(PexMessage::decode(&message.encode()), Ok(message));
        assert_eq!(PexMessage::default().encode(), b"d5:added0:7:added.f0:e");
        assert_eq!(Flags::SEED.with(Flags::REACHABLE), Flags(0x12));
        assert!(Flags(0x12).contains(Flags::SEED) && !Flags(0x10).contains(Flags::SEED));
    }
}
