//! An announce as bytes (BEP 14): a request of HTTP whose headers say where we listen and what we share.

use crate::id::InfoHash;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use serde::{Deserialize, Serialize};

/// The port of both groups.
const PORT: u16 = 6771;

/// Bytes of a datagram of ours at most (BEP 14: more might be cut into fragments).
pub const SENT_MAX: usize = 1400;

/// Info-hashes that fit into it, beside the other headers.
pub const HASHES_SENT_MAX: usize = 25;

/// Bytes of a datagram that is read: what an Ethernet frame carries, a little more than BEP 14 allows.
const READ_MAX: usize = 1472;

/// Header lines of one datagram that are read: as many info-hashes as fit, and as many others.
const HEADERS_MAX: usize = 64;

/// A multicast group that announces go to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Group {
    /// 239.192.152.143.
    V4,
    /// ff15::efc0:988f.
    V6,
}

impl Group {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// Its address and port.
    pub const fn addr(self) -> SocketAddr {
        match self {
            Self::V4 => SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::new(239, 192, 152, 143)), PORT),
            Self::V6 => SocketAddr::new(
                core::net::IpAddr::V6(Ipv6Addr::new(0xff15, 0, 0, 0, 0, 0, 0xefc0, 0x988f)),
                PORT,
            ),
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addr().fmt(f)
    }
}

/// What an announce says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    /// Where its sender takes connections. Never 0.
    pub port: u16,
    /// What it shares, each once, in its order. Never empty.
    pub hashes: Vec<InfoHash>,
    /// By which its sender knows its own announces.
    pub cookie: Option<&'a [u8]>,
}

/// Why bytes are no announce.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, thiserror::Error)]
pub enum Malformed {
    /// Longer than a datagram should be.
    #[error("longer than {READ_MAX} bytes")]
    TooLong,
    /// Not the form of an HTTP request.
    #[error("not a request of HTTP")]
    Form,
    /// More header lines than are read.
    #[error("more than {HEADERS_MAX} headers")]
    TooManyHeaders,
    /// A request for something else, such as SSDP's.
    #[error("not BT-SEARCH")]
    Method,
    /// None, none that is one, or two.
    #[error("no port that can be dialled")]
    Port,
    /// None that is one.
    #[error("no info-hash")]
    NoHash,
}

/// Reads an announce. Headers are found by their names in any case; a wrong info-hash among right ones is skipped, as
/// are headers that we do not know.
///
/// # Errors
/// Says why it is none.
pub fn read(data: &[u8]) -> Result<Packet<'_>, Malformed> {
    if data.len() > READ_MAX {
        return Err(Malformed::TooLong);
    }
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(data) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Malformed::TooManyHeaders),
        Ok(httparse::Status::Partial) | Err(_) => return Err(Malformed::Form),
    }
    if request.method != Some("BT-SEARCH") {
        return Err(Malformed::Method);
    }
    let mut port = None;
    let mut packet = Packet {
        port: 0,
        hashes: Vec::new(),
        cookie: None,
    };
    for header in request.headers.iter() {
        let value = header.value.trim_ascii();
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("port") {
            if port.is_some() {
                return Err(Malformed::Port);
            }
            port = Some(value);
        } else if is("infohash") {
            if let Some(hash) = read_hash(value)
                && !packet.hashes.contains(&hash)
            {
                packet.hashes.push(hash);
            }
        } else if is("cookie") {
            packet.cookie = Some(value);
        }
    }
    packet.port = port.and_then(read_port).ok_or(Malformed::Port)?;
    if packet.hashes.is_empty() {
        return Err(Malformed::NoHash);
    }
    Ok(packet)
}

fn read_port(digits: &[u8]) -> Option<u16> {
    // `parse` alone would take a sign
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let port = core::str::from_utf8(digits).ok()?.parse().ok()?;
    (port != 0).then_some(port)
}

fn read_hash(digits: &[u8]) -> Option<InfoHash> {
    let digits: &[u8; 40] = digits.try_into().ok()?;
    let mut hash = [0; 20];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().try_fold(0u8, |byte, digit| {
            let value = char::from(*digit).to_digit(16)?;
            Some(byte << 4 | u8::try_from(value).ok()?)
        })?;
    }
    Some(InfoHash(hash))
}

/// Writes an announce. No more than [`HASHES_SENT_MAX`] torrents fit within [`SENT_MAX`].
pub fn write(group: Group, port: u16, hashes: &[InfoHash], cookie: &str) -> Vec<u8> {
    let mut text = String::with_capacity(SENT_MAX);
    // writing into a string cannot fail
    let _ = write!(text, "BT-SEARCH * HTTP/1.1\r\nHost: {group}\r\nPort: {port}\r\n");
    for hash in hashes {
        let _ = write!(text, "Infohash: {hash}\r\n");
    }
    let _ = write!(text, "cookie: {cookie}\r\n\r\n\r\n");
    text.into_bytes()
}
