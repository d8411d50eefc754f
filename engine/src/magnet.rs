//! Magnet links: read and written (BEP 9 `xt`, `dn`, `tr`, `x.pe`; BEP 53 `so`; BEP 19 `ws`; BEP 52 `btmh`).
//!
//! A link comes from a web page, so all of it is foreign. What is not understood is skipped, except an info-hash: a
//! broken one makes the link useless.

use crate::id::InfoHash;
use crate::metainfo::{Metainfo, URLS_MAX};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeInclusive;

/// A longer link is refused: no browser hands on more.
pub const MAGNET_LENGTH_MAX: usize = 64 * 1024;

/// File numbers in `so` go no higher, as in libtorrent: they are not checked against a torrent yet.
pub const SELECT_INDEX_MAX: u32 = 10_000;

/// What a magnet link says. At least one info-hash is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Magnet {
    /// The v1 info-hash.
    pub info_hash: Option<InfoHash>,
    /// The v2 info-hash.
    pub info_hash_v2: Option<[u8; 32]>,
    /// A name to show until the metadata is here. Not safe as a path, not escaped.
    pub name: Option<String>,
    /// Tracker URLs, each a tier of its own.
    pub trackers: Vec<String>,
    /// Web seeds (BEP 19).
    pub web_seeds: Vec<String>,
    /// Peers to ask: an address or a host name, and a port.
    pub peers: Vec<(String, u16)>,
    /// The only files that are wanted, by index. `None`: all.
    pub select_only: Option<Vec<RangeInclusive<u32>>>,
}

/// Why a text is not a magnet link that we can use.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MagnetError {
    /// It does not begin with `magnet:?`.
    #[error("a magnet link begins with `magnet:?`")]
    Scheme,
    /// Longer than [`MAGNET_LENGTH_MAX`].
    #[error("the magnet link has {0} bytes, allowed are {MAGNET_LENGTH_MAX}")]
    Length(usize),
    /// No `xt` names a torrent.
    #[error("the magnet link has no info-hash (`xt=urn:btih:` or `xt=urn:btmh:`)")]
    MissingInfoHash,
    /// An `xt` of BitTorrent is not a hash.
    #[error(
        "the magnet link's info-hash {0:?} is neither 40 hexadecimal nor 32 base32 digits, nor a SHA-256 multihash"
    )]
    InfoHash(String),
}

impl Magnet {
    /// Reads a magnet link.
    ///
    /// # Errors
    /// When it names no torrent.
    pub fn parse(link: &str) -> Result<Self, MagnetError> {
        if link.len() > MAGNET_LENGTH_MAX {
            return Err(MagnetError::Length(link.len()));
        }
        let rest = strip_prefix_ignoring_case(link, "magnet:").ok_or(MagnetError::Scheme)?;
        // Transmission takes an empty authority too
        let rest = rest.trim_start_matches('/');
        let query = rest.strip_prefix('?').ok_or(MagnetError::Scheme)?;
        let mut magnet = Self {
            info_hash: None,
            info_hash_v2: None,
            name: None,
            trackers: Vec::new(),
            web_seeds: Vec::new(),
            peers: Vec::new(),
            select_only: None,
        };
        for parameter in query.split('&') {
            if let Some((key, value)) = parameter.split_once('=') {
                magnet.take(key, value)?;
            }
        }
        if magnet.info_hash.is_none() && magnet.info_hash_v2.is_none() {
            return Err(MagnetError::MissingInfoHash);
        }
        Ok(magnet)
    }

    /// The link to a torrent: its hashes, name, trackers and web seeds. A private torrent's link works only for who
    /// is let in by its tracker.
    pub fn of(metainfo: &Metainfo) -> Self {
        Self {
            info_hash: Some(metainfo.info_hash),
            info_hash_v2: metainfo.info_hash_v2,
            name: Some(metainfo.name.clone()),
            trackers: metainfo.trackers.iter().flatten().cloned().collect(),
            web_seeds: metainfo.web_seeds.clone(),
            peers: Vec::new(),
            select_only: None,
        }
    }

    fn take(&mut self, key: &str, value: &str) -> Result<(), MagnetError> {
        let key = without_number(key).to_ascii_lowercase();
        let plus = if key == "dn" { Plus::Space } else { Plus::Plus };
        // a value whose escapes are broken says nothing, unless it should have been the hash
        let Some(text) = unescape(value, plus) else {
            return if key == "xt" {
                self.take_topic(value)
            } else {
                Ok(())
            };
        };
        match key.as_str() {
            "xt" => self.take_topic(&text)?,
            "dn" if !text.is_empty() => self.name = Some(text),
            "tr" if !text.trim().is_empty() => push(&mut self.trackers, text),
            "ws" if !text.trim().is_empty() => push(&mut self.web_seeds, text),
            "x.pe" => self.peers.extend(peer(&text)),
            "so" => self.select(&text),
            _ => {}
        }
        Ok(())
    }

    fn take_topic(&mut self, topic: &str) -> Result<(), MagnetError> {
        let broken = |text: &str| MagnetError::InfoHash(text.chars().take(80).collect());
        if let Some(text) = strip_prefix_ignoring_case(topic, "urn:btih:") {
            let hash = match text.len() {
                40 => unhex(text),
                32 => unbase32(text),
                _ => None,
            };
            let hash = hash.and_then(|bytes| bytes.try_into().ok());
            self.info_hash = Some(InfoHash(hash.ok_or_else(|| broken(text))?));
        } else if let Some(text) = strip_prefix_ignoring_case(topic, "urn:btmh:") {
            // multihash: function 0x12 is SHA-256, of 0x20 bytes
            let hash = text.strip_prefix("1220").and_then(unhex);
            let hash = hash.and_then(|bytes| bytes.try_into().ok());
            self.info_hash_v2 = Some(hash.ok_or_else(|| broken(text))?);
        }
        Ok(())
    }

    /// Adds the files of a `so`. One with any other character is skipped whole, a wrong range in it alone.
    fn select(&mut self, text: &str) {
        if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b',')) {
            return;
        }
        let index = |text: &str| text.parse().ok().filter(|index| *index <= SELECT_INDEX_MAX);
        for item in text.split(',') {
            let (first, last) = item.split_once('-').unwrap_or((item, item));
            if let (Some(first), Some(last)) = (index(first), index(last))
                && first <= last
            {
                self.select_only.get_or_insert_default().push(first..=last);
            }
        }
    }
}

/// `tr.1` is another `tr`.
fn without_number(key: &str) -> &str {
    match key.rsplit_once('.') {
        Some((name, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            name
        }
        _ => key,
    }
}

/// Keeps the first [`URLS_MAX`]. The same URL may come twice; whoever announces sees to that.
fn push(list: &mut Vec<String>, text: String) {
    if list.len() < URLS_MAX {
        list.push(text);
    }
}

fn peer(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?,
        // an IPv6 address without brackets has no clear port
        None if host.contains(':') => return None,
        None => host,
    };
    (1..=255).contains(&host.len()).then(|| (host.into(), port))
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn hex_digit(byte: u8) -> Option<u8> {
    // a hexadecimal digit is below 16
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let byte = |pair: &[u8; 2]| Some(hex_digit(pair[0])? << 4 | hex_digit(pair[1])?);
    pairs.iter().map(byte).collect()
}

/// RFC 4648, any letter case, whole bytes only.
fn unbase32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for digit in text.bytes() {
        let value = match digit.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            number @ b'2'..=b'7' => number - b'2' + 26,
            _ => return None,
        };
        // at most 7 bits are left over from before
        bits = bits << 5 | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

/// What `+` means: a space in texts for people (as forms write it), itself in a URL.
#[derive(Clone, Copy, PartialEq)]
enum Plus {
    Space,
    Plus,
}

/// The text behind percent-encoding; `None` for broken escapes. Bytes that are not UTF-8 are replaced.
fn unescape(text: &str, plus: Plus) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)?,
            b'+' if plus == Plus::Space => b' ',
            other => other,
        });
    }
    Some(match String::from_utf8_lossy(&bytes) {
        Cow::Borrowed(text) => text.into(),
        Cow::Owned(text) => text,
    })
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                write!(f, "{}", char::from(byte))
            }
            _ => write!(f, "%{byte:02X}"),
        })
    }
}

impl fmt::Display for Magnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("magnet:?")?;
        let mut join = "";
        if let Some(hash) = self.info_hash {
            write!(f, "xt=urn:btih:{hash}")?;
            join = "&";
        }
        if let Some(hash) = &self.info_hash_v2 {
            write!(f, "{join}xt=urn:btmh:1220")?;
            crate::id::hex(hash, f)?;
        }
        if let Some(name) = &self.name {
            write!(f, "&dn={}", Escaped(name))?;
        }
        for url in &self.trackers {
            write!(f, "&tr={}", Escaped(url))?;
        }
        for url in &self.web_seeds {
            write!(f, "&ws={}", Escaped(url))?;
        }
        for (host, port) in &self.peers {
            if host.contains(':') {
                write!(f, "&x.pe=[{host}]:{port}")?;
            } else {
                write!(f, "&x.pe={}:{port}", Escaped(host))?;
            }
        }
        let mut join = "&so=";
        for range in self.select_only.iter().flatten() {
            let (first, last) = (range.start(), range.end());
            match first == last {
                true => write!(f, "{join}{first}")?,
                false => write!(f, "{join}{first}-{last}")?,
            }
            join = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;
    use quickcheck::{Gen, QuickCheck};

    const HEX: &str = "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd";

    fn with(rest: &str) -> Magnet {
        Magnet::parse(&alloc::format!("magnet:?xt=urn:btih:{HEX}{rest}")).unwrap()
    }

    #[test]
    fn hashes_come_as_hex_base32_or_multihash() {
        assert_eq!(with("").info_hash, Some(InfoHash([0xcd; 20])));
        let base32 = Magnet::parse("magnet:?xt=urn:btih:MFRGCYTBMJQWEYLCMFRGCYTBMJQWEYLC").unwrap();
        assert_eq!(base32.info_hash, Some(InfoHash(*b"abababababababababab")));
        let v2 = with(&alloc::format!("&xt=urn:btmh:1220{HEX}cdcdcdcdcdcdcdcdcdcdcdcd"));
        assert_eq!(v2.info_hash_v2, Some([0xcd; 32]));
    }

    #[test]
    fn a_link_without_a_whole_hash_is_refused() {
        let check =
            |link: &str, error: &MagnetError| assert_eq!(Magnet::parse(link).as_ref(), Err(error), "{link}");
        check("http://a/b", &MagnetError::Scheme);
        check("magnet:xt=1", &MagnetError::Scheme);
        check("magnet:?dn=a&xt=urn:sha1:ABC", &MagnetError::MissingInfoHash);
        check("magnet:?xt=urn:btih:abc", &MagnetError::InfoHash("abc".into()));
        check("magnet:?xt=urn:btih:%zz", &MagnetError::InfoHash("%zz".into()));
        check(
            "magnet:?xt=urn:btmh:1220ab",
            &MagnetError::InfoHash("1220ab".into()),
        );
    }

    #[test]
    fn parameters_are_read_in_any_case_and_with_numbers() {
        let magnet =
            with("&DN=a+b%2B&tr.0=udp%3A//x/a%2Bb&tr=http://y/a+b&tr.0=udp://x/a%2bb&ws=http://z&tr=%f");
        assert_eq!(magnet.name.as_deref(), Some("a b+"));
        assert_eq!(magnet.trackers, ["udp://x/a+b", "http://y/a+b", "udp://x/a+b"]);
        assert_eq!(magnet.web_seeds, ["http://z"]);
    }

    #[test]
    fn peers_need_a_host_and_a_port() {
        let magnet =
            with("&x.pe=1.2.3.4:5&x.pe=[::1]:6&x.pe=host:7&x.pe=::1:8&x.pe=a:0&x.pe=:9&x.pe=b&x.pe=[::1:6");
        let peers = vec![("1.2.3.4".into(), 5), ("::1".into(), 6), ("host".into(), 7)];
        assert_eq!(magnet.peers, peers);
    }

    #[test]
    fn wrong_ranges_are_skipped() {
        let magnet = with("&so=0,2,4-6,7-4,100000000,,-3,4-&so=1x&so=9");
        assert_eq!(magnet.select_only, Some(vec![0..=0, 2..=2, 4..=6, 9..=9]));
        assert_eq!(with("&so=").select_only, None);
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let magnet =
            with("&dn=%26%3D%25 +&tr=http://x/?a%3Db%26c&x.pe=[::1]:6&x.pe=host:7&so=1,3-5&ws=http://z/");
        assert_eq!(Magnet::parse(&magnet.to_string()).unwrap(), magnet);
    }

    #[test]
    fn the_link_to_a_torrent() {
        let torrent = b"d8:announce8:http://a4:infod6:lengthi3e4:name3:a&b12:piece lengthi16384e\
            6:pieces20:01234567890123456789ee";
        let metainfo = Metainfo::parse(torrent).unwrap();
        let hash = metainfo.info_hash;
        let link = alloc::format!("magnet:?xt=urn:btih:{hash}&dn=a%26b&tr=http%3A%2F%2Fa");
        assert_eq!(Magnet::of(&metainfo).to_string(), link);
    }

    #[test]
    fn no_text_makes_it_panic() {
        fn property(text: String, picks: Vec<u8>) -> bool {
            const PARTS: [&str; 12] = [
                "xt=",
                "urn:btih:",
                HEX,
                "&",
                "%",
                "dn=",
                "so=",
                "-",
                "9",
                "x.pe=",
                ":",
                "é",
            ];
            let mut link = String::from("magnet:?");
            link.extend(picks.iter().map(|pick| PARTS[usize::from(*pick) % PARTS.len()]));
            let _ = Magnet::parse(&text);
            Magnet::parse(&link)
                .ok()
                .is_none_or(|magnet| Magnet::parse(&magnet.to_string()) == Ok(magnet))
        }
        QuickCheck::new()
            .rng(Gen::from_size_and_seed(40, 11))
            .tests(20_000)
            .quickcheck(property as fn(String, Vec<u8>) -> bool);
    }
}
