//! The handshake of the extension protocol (BEP 10): what a peer can do beyond BEP 3, as a bencoded dictionary.
//!
//! Every item is optional and may come from anybody, so an item of the wrong type, size or range counts as absent
//! and never fails the rest; only bytes that are no dictionary at all are an error. Handshakes may be repeated at any
//! time; what is known of a peer is the [`ExtendedHandshake::merge`] of all of them, beginning with the default.

use crate::bencode::{self, BencodeError, Limits, Value};
use crate::net::printable;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use serde::{Deserialize, Serialize};
use serde_bytes::Bytes;

/// Names of `m` that are kept of one peer. Clients have about ten; what is left out is unknown to us anyway.
pub const EXTENSIONS_MAX: usize = 64;

/// Bytes of a name of `m`. The longest in use, `ut_holepunch`, has 12.
pub const NAME_MAX: usize = 64;

/// Characters that are shown of a client's name.
pub const CLIENT_MAX: usize = 64;

/// The handshake of one side, or all that one side's handshakes came to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ExtendedHandshake {
    /// `m`: names of extensions and the message ids that the sender wants to receive them under. 0 disables one;
    /// only a handshake that is not merged yet has zeros. At most [`EXTENSIONS_MAX`] names.
    pub m: BTreeMap<String, u8>,
    /// `v`: client name and version, fit for a terminal, about [`CLIENT_MAX`] characters. Never empty.
    pub client: Option<String>,
    /// `p`: the TCP port that the sender listens at. Never 0.
    pub listen_port: Option<u16>,
    /// `yourip`: our address as the sender sees it. A mapped IPv4 address is given as IPv4.
    pub your_ip: Option<IpAddr>,
    /// `ipv4`: the sender's other address.
    pub ipv4: Option<Ipv4Addr>,
    /// `ipv6`: the sender's other address.
    pub ipv6: Option<Ipv6Addr>,
    /// `reqq`: requests that the sender keeps without dropping any, at least 1.
    pub reqq: Option<u32>,
    /// `upload_only`: the sender wants nothing more (BEP 21).
    pub upload_only: Option<bool>,
    /// `metadata_size`: bytes of the info dictionary (BEP 9), at least 1. The sender's claim: bound it before
    /// allocating.
    pub metadata_size: Option<u32>,
}

/// Why bytes are not an extended handshake.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExtensionError {
    /// They do not begin with bencode.
    #[error("extended handshake: {0}")]
    Bencode(#[from] BencodeError),
    /// They begin with an integer, a string or a list.
    #[error("extended handshake is not a dictionary")]
    NotDictionary,
}

impl ExtendedHandshake {
    /// Reads the payload of `extended` message 0. Unknown items, unsorted keys and bytes behind the dictionary are
    /// accepted; of a key that comes twice the first value that is any good is taken.
    ///
    /// # Errors
    /// When the payload does not begin with a dictionary within [`Limits::MESSAGE`].
    pub fn decode(payload: &[u8]) -> Result<Self, ExtensionError> {
        let (value, _) = Value::parse(payload, &Limits::MESSAGE)?;
        let entries = value.as_dict().ok_or(ExtensionError::NotDictionary)?;
        let mut known = Self::default();
        let mut m = None;
        for (key, value) in entries {
            match key {
                b"ipv4" => first(&mut known.ipv4, || octets(value).map(Ipv4Addr::from_octets)),
                b"ipv6" => first(&mut known.ipv6, || octets(value).map(Ipv6Addr::from_octets)),
                b"m" => first(&mut m, || Some(extensions(value))),
                b"metadata_size" => first(&mut known.metadata_size, || positive(value)),
                b"p" => first(&mut known.listen_port, || positive(value)),
                b"reqq" => first(&mut known.reqq, || value.as_int().map(at_least_one)),
                b"upload_only" => first(&mut known.upload_only, || value.as_int().map(|flag| flag != 0)),
                b"v" => first(&mut known.client, || value.as_bytes().and_then(client)),
                b"yourip" => first(&mut known.your_ip, || address(value)),
                _ => {}
            }
        }
        known.m = m.unwrap_or_default();
        Ok(known)
    }

    /// The payload of `extended` message 0, in canonical form.
    pub fn encode(&self) -> Vec<u8> {
        let ipv4 = self.ipv4.map(|ip| ip.octets());
        let ipv6 = self.ipv6.map(|ip| ip.octets());
        let your_ip: Option<Vec<u8>> = self.your_ip.map(|ip| match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        });
        let dictionary = Dictionary {
            ipv4: ipv4.as_ref().map(|ip| Bytes::new(ip)),
            ipv6: ipv6.as_ref().map(|ip| Bytes::new(ip)),
            m: &self.m,
            metadata_size: self.metadata_size,
            p: self.listen_port,
            reqq: self.reqq,
            upload_only: self.upload_only.map(u8::from),
            v: self.client.as_deref(),
            yourip: your_ip.as_deref().map(Bytes::new),
        };
        // strings and integers only, which bencode can always say; an empty dictionary is a legal handshake too
        bencode::to_bytes(&dictionary).unwrap_or_else(|_| b"de".to_vec())
    }

    /// Takes a newer handshake of the same peer into account: `m` is additive, an id of 0 takes its name out, and
    /// what the newer one is silent about stays (BEP 10).
    pub fn merge(&mut self, newer: Self) {
        for (name, id) in newer.m {
            if id == 0 {
                self.m.remove(&name);
            } else if self.m.len() < EXTENSIONS_MAX || self.m.contains_key(&name) {
                self.m.insert(name, id);
            }
        }
        update(&mut self.client, newer.client);
        update(&mut self.listen_port, newer.listen_port);
        update(&mut self.your_ip, newer.your_ip);
        update(&mut self.ipv4, newer.ipv4);
        update(&mut self.ipv6, newer.ipv6);
        update(&mut self.reqq, newer.reqq);
        update(&mut self.upload_only, newer.upload_only);
        update(&mut self.metadata_size, newer.metadata_size);
    }

    /// The id under which the sender of this handshake receives an extension; none when it does not take it.
    pub fn extension(&self, name: &str) -> Option<u8> {
        self.m.get(name).copied().filter(|id| *id != 0)
    }
}

/// The items in the order of their names.
#[derive(Serialize)]
struct Dictionary<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv4: Option<&'a Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6: Option<&'a Bytes>,
    m: &'a BTreeMap<String, u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata_size: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reqq: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_only: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    v: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    yourip: Option<&'a Bytes>,
}

/// Fills an item that is still empty.
fn first<T>(item: &mut Option<T>, read: impl FnOnce() -> Option<T>) {
    if item.is_none() {
        *item = read();
    }
}

fn update<T>(known: &mut Option<T>, newer: Option<T>) {
    if newer.is_some() {
        *known = newer;
    }
}

/// Names and ids; left out are ids that are no byte, names that are not UTF-8 (ours are) and whatever is over the
/// limits.
fn extensions(value: Value<'_>) -> BTreeMap<String, u8> {
    let mut found = BTreeMap::new();
    for (name, id) in value.as_dict().into_iter().flatten() {
        let (Ok(name), Some(Ok(id))) = (core::str::from_utf8(name), id.as_int().map(u8::try_from)) else {
            continue;
        };
        if name.len() <= NAME_MAX && found.len() < EXTENSIONS_MAX {
            found.entry(name.into()).or_insert(id);
        }
    }
    found
}

/// An integer above 0 that fits its type.
fn positive<T: TryFrom<i64> + PartialEq + Default>(value: Value<'_>) -> Option<T> {
    T::try_from(value.as_int()?)
        .ok()
        .filter(|number| *number != T::default())
}

/// Clamped, because nonsense here must not stop or flood a pipeline: libtorrent does the same.
fn at_least_one(number: i64) -> u32 {
    u32::try_from(number.max(1)).unwrap_or(u32::MAX)
}

fn octets<const N: usize>(value: Value<'_>) -> Option<[u8; N]> {
    value.as_bytes()?.try_into().ok()
}

/// Four or sixteen bytes.
fn address(value: Value<'_>) -> Option<IpAddr> {
    let v4 = octets(value).map(|ip| IpAddr::V4(Ipv4Addr::from_octets(ip)));
    v4.or_else(|| octets(value).map(|ip| IpAddr::V6(Ipv6Addr::from_octets(ip)).to_canonical()))
}

fn client(name: &[u8]) -> Option<String> {
    // no character is longer than four bytes: what is cut here would not be shown
    let name = name.get(..(CLIENT_MAX + 1) * 4).unwrap_or(name);
    let shown = printable(&String::from_utf8_lossy(name), CLIENT_MAX);
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    #[track_caller]
    fn read(payload: &[u8]) -> ExtendedHandshake {
        ExtendedHandshake::decode(payload).unwrap()
    }

    /// What is read from a dictionary with this one item.
    #[track_caller]
    fn item(item: &str) -> ExtendedHandshake {
        read(format!("d1:mde{item}e").as_bytes())
    }

    fn empty() -> ExtendedHandshake {
        ExtendedHandshake::default()
    }

    #[test]
    fn only_ids_that_are_bytes_are_kept() {
        let m = read(b"d1:md6:ut_pexi256eee").m;
        assert!(m.is_empty());
        let m = read(b"d1:md6:ut_pexi-1eee").m;
        assert!(m.is_empty());
        let handshake = read(b"d1:md1:a1:b1:ci255e1:di0e1:eleee");
        assert_eq!(handshake.m, BTreeMap::from([("c".into(), 255), ("d".into(), 0)]));
        assert_eq!(handshake.extension("c"), Some(255));
        assert_eq!(handshake.extension("d"), None, "0 disables");
        assert_eq!(handshake.extension("x"), None);
    }

    #[test]
    fn two_names_may_share_an_id() {
        let handshake = read(b"d1:md6:ut_pexi1e11:ut_metadatai1eee");
        assert_eq!(handshake.extension("ut_pex"), Some(1));
        assert_eq!(handshake.extension("ut_metadata"), Some(1));
    }

    #[test]
    fn numbers_out_of_range() {
        assert_eq!(item("1:pi6881e").listen_port, Some(6881));
        assert_eq!(item("1:pi65536e"), empty());
        assert_eq!(item("1:pi0e"), empty());
        assert_eq!(item("1:pi-1e"), empty());
        assert_eq!(item("4:reqqi250e").reqq, Some(250));
        assert_eq!(item("4:reqqi0e").reqq, Some(1));
        assert_eq!(item("4:reqqi-7e").reqq, Some(1));
        assert_eq!(item("4:reqqi9223372036854775807e").reqq, Some(u32::MAX));
        assert_eq!(item("13:metadata_sizei40000e").metadata_size, Some(40_000));
        assert_eq!(item("13:metadata_sizei0e"), empty());
        assert_eq!(item("13:metadata_sizei-5e"), empty());
        assert_eq!(item("13:metadata_sizei1099511627776e"), empty());
        assert_eq!(item("11:upload_onlyi1e").upload_only, Some(true));
        assert_eq!(item("11:upload_onlyi0e").upload_only, Some(false));
    }

    #[test]
    fn addresses_by_their_length() {
        assert_eq!(
            item("6:yourip4:\x01\x02\x03\x04").your_ip,
            Some([1, 2, 3, 4].into())
        );
        assert_eq!(item("6:yourip3:abc"), empty());
        assert_eq!(item("4:ipv43:abc"), empty());
        assert_eq!(item("4:ipv44:\x7f\0\0\x01").ipv4, Some(Ipv4Addr::LOCALHOST));
        let loopback = "16:\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01";
        assert_eq!(item(&format!("4:ipv6{loopback}")).ipv6, Some(Ipv6Addr::LOCALHOST));
        assert_eq!(item(&format!("4:ipv4{loopback}")), empty());
        assert_eq!(
            item(&format!("6:yourip{loopback}")).your_ip,
            Some(Ipv6Addr::LOCALHOST.into())
        );
        let mapped = b"d6:yourip16:\0\0\0\0\0\0\0\0\0\0\xff\xff\x05\x06\x07\x08e";
        assert_eq!(read(mapped).your_ip, Some([5, 6, 7, 8].into()));
    }

    #[test]
    fn an_item_of_the_wrong_type_counts_as_absent() {
        for wrong in ["de", "le", "4:text"] {
            for name in ["13:metadata_size", "1:p", "4:reqq", "11:upload_only"] {
                assert_eq!(item(&format!("{name}{wrong}")), empty(), "{name} {wrong}");
            }
        }
        for name in ["4:ipv4", "4:ipv6", "1:v", "6:yourip"] {
            assert_eq!(item(&format!("{name}i5e")), empty(), "{name}");
        }
        assert_eq!(read(b"d1:mi5ee"), empty());
        assert_eq!(read(b"d1:ml6:ut_pexee"), empty());
    }

    #[test]
    fn a_client_name_is_fit_for_a_terminal() {
        assert_eq!(
            item("1:v13:libtorrent/20").client.as_deref(),
            Some("libtorrent/20")
        );
        assert_eq!(item("1:v0:"), empty());
        assert_eq!(item("1:v4:\x1b[2J").client.as_deref(), Some("\\u{1b}[2J"));
        assert_eq!(read(b"d1:v2:a\xffe").client.as_deref(), Some("a\u{fffd}"));
        for long in ["ä".repeat(200), "🌱".repeat(100)] {
            let long = item(&format!("1:v400:{long}")).client.unwrap();
            assert_eq!(long.chars().count(), CLIENT_MAX + 1);
            assert!(long.ends_with('…'));
        }
    }

    #[test]
    fn names_are_bounded_in_number_and_length() {
        let mut m = String::new();
        for n in 0..EXTENSIONS_MAX + 10 {
            m.push_str(&format!("4:x{n:03}i1e"));
        }
        let mut known = read(format!("d1:md{m}ee").as_bytes());
        assert_eq!(known.m.len(), EXTENSIONS_MAX);
        known.merge(read(b"d1:md3:newi3e4:x000i9eee"));
        assert_eq!(known.m.len(), EXTENSIONS_MAX);
        assert_eq!(known.extension("x000"), Some(9), "a known name can still change");
        let long = "n".repeat(NAME_MAX + 1);
        assert_eq!(read(format!("d1:md65:{long}i1eee").as_bytes()), empty());
        assert_eq!(read(b"d1:md6:\xb5T_PEXi1eee"), empty(), "not UTF-8");
    }

    #[test]
    fn what_is_no_dictionary_is_an_error() {
        let error = |payload: &[u8]| ExtendedHandshake::decode(payload).unwrap_err().to_string();
        assert_eq!(
            ExtendedHandshake::decode(b"le"),
            Err(ExtensionError::NotDictionary)
        );
        assert_eq!(
            ExtendedHandshake::decode(b"i1e"),
            Err(ExtensionError::NotDictionary)
        );
        for broken in [&b""[..], b"d", b"d1:m", b"d1:mde", b"x", b"d1:pi1e1:q"] {
            assert!(error(broken).starts_with("extended handshake: "), "{broken:?}");
        }
        // far deeper than any handshake, and than a stack
        let nested = b"d1:m".iter().copied().chain(core::iter::repeat_n(b'l', 100_000));
        assert!(ExtendedHandshake::decode(&nested.collect::<Vec<u8>>()).is_err());
    }

    #[test]
    fn form_does_not_matter() {
        assert_eq!(read(b"d1:mdeeXXXX"), empty());
        assert_eq!(read(b"d1:v1:x1:mdee").client.as_deref(), Some("x"));
        assert_eq!(read(b"d1:pi1e1:pi2ee").listen_port, Some(1));
        assert_eq!(read(b"d1:md1:ai1e1:ai2eee").extension("a"), Some(1));
        assert_eq!(read(b"d1:\xff1:x3:xyzl1:ye1:pi7ee").listen_port, Some(7));
        assert_eq!(read(b"de"), empty());
    }

    #[test]
    fn repeated_handshakes_add_up() {
        let mut known = empty();
        known.merge(read(
            b"d1:md11:ut_metadatai3e6:ut_pexi1ee1:pi6881e4:reqqi250e1:v1:xe",
        ));
        known.merge(read(b"d1:md6:ut_pexi0e7:lt_donti7ee11:upload_onlyi1e4:reqqi5ee"));
        assert_eq!(
            known.m,
            BTreeMap::from([("lt_dont".into(), 7), ("ut_metadata".into(), 3)])
        );
        assert_eq!((known.reqq, known.listen_port), (Some(5), Some(6881)));
        assert_eq!(
            (known.upload_only, known.client.as_deref()),
            (Some(true), Some("x"))
        );
    }

    #[test]
    fn a_disabled_name_makes_no_entry() {
        let mut known = empty();
        known.merge(read(b"d1:md6:ut_pexi0eee"));
        assert_eq!(known, empty());
    }
}
