//! Announces and scrapes over HTTP: the query that is sent, and the dictionary that comes back
//! (BEP 3, 7, 21, 23, 24, 31, 48).
//!
//! The URL's own path and query stay first and byte-exact (passkeys). Answers are read leniently: peers may be
//! compact or a list whatever was asked for, IPv4 and IPv6 side by side; what is odd becomes a lint. A refusal is a
//! refusal, whatever the HTTP status.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::announce::{PeerList, failure, positive, shown};
use super::{
    AnnounceError, AnnounceParams, AnnounceReply, ScrapeEntry, ScrapeReply, TrackerLint, TrackerUrl,
};
use crate::bencode::{Kind, Limits, Value};
use crate::config::Encryption;
use crate::http::push_percent;
use crate::id::{InfoHash, PeerId};
use crate::time::Duration;

/// Peers named by host name that are taken from one answer: each costs a name lookup.
const HOSTS_MAX: usize = 20;

/// Longest `tracker id` that is kept and sent back; it has to fit a request line.
const TRACKER_ID_MAX: usize = 256;

/// Path and query of an announce, in the order that Transmission uses.
pub fn announce_target(url: &TrackerUrl, params: &AnnounceParams) -> String {
    let mut query = Query::behind(url);
    query.bytes("info_hash", &params.info_hash.0);
    query.bytes("peer_id", &params.peer_id.0);
    query.text("port", &params.port.to_string());
    query.text("uploaded", &params.uploaded.to_string());
    query.text("downloaded", &params.downloaded.to_string());
    query.text("left", &params.left.to_string());
    if let Some(numwant) = params.numwant {
        query.text("numwant", &numwant.to_string());
    }
    query.text("key", &format!("{:08X}", params.key));
    query.text("compact", "1");
    query.text("no_peer_id", "1");
    // a tracker may sort the peers that it names by these
    query.text(
        "supportcrypto",
        match params.encryption {
            Encryption::Off => "0",
            Encryption::Prefer | Encryption::Require => "1",
        },
    );
    if params.encryption == Encryption::Require {
        query.text("requirecrypto", "1");
    }
    if let Some(event) = params.event.name() {
        query.text("event", event);
    }
    if let Some(id) = &params.tracker_id {
        query.bytes("trackerid", id);
    }
    query.0
}

/// Path and query of a scrape; `url` is the scrape URL.
pub fn scrape_target(url: &TrackerUrl, hashes: &[InfoHash]) -> String {
    let mut query = Query::behind(url);
    for hash in hashes {
        query.bytes("info_hash", &hash.0);
    }
    query.0
}

struct Query(String);

impl Query {
    fn behind(url: &TrackerUrl) -> Self {
        Self(url.url().request_target())
    }

    fn name(&mut self, name: &str) {
        let separator = match self.0.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        self.0.push_str(separator);
        self.0.push_str(name);
        self.0.push('=');
    }

    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.0.push_str(value);
    }

    /// Percent-encodes every byte but the unreserved ones (RFC 3986 §2.3).
    fn bytes(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        for byte in value {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                self.0.push(char::from(*byte));
            } else {
                push_percent(&mut self.0, *byte);
            }
        }
    }
}

/// Reads the body of an announce's answer. At most `peers_max` peers are taken.
///
/// # Errors
/// The tracker's refusal, or that the body is no tracker's answer.
pub fn parse_announce(body: &[u8], peers_max: usize) -> Result<AnnounceReply, AnnounceError> {
    let answer = Answer::read(body)?;
    if let Some(failure) = failure(answer.dict) {
        return Err(failure);
    }
    let mut peers = PeerList::new(peers_max);
    let mut reply = AnnounceReply {
        interval: answer.seconds("interval"),
        min_interval: answer.seconds("min interval"),
        seeders: answer.count("complete"),
        leechers: answer.count("incomplete"),
        downloaded: answer.count("downloaded"),
        warning: answer.bytes("warning message").map(shown),
        external_ip: answer.bytes("external ip").and_then(address),
        ..AnnounceReply::default()
    };
    reply.tracker_id = answer
        .bytes("tracker id")
        .filter(|id| id.len() <= TRACKER_ID_MAX)
        .map(Vec::from);
    match answer.get("peers").map(Value::kind) {
        Some(Kind::Bytes(compact)) => push_compact(&mut peers, compact, false),
        Some(Kind::List(list)) => {
            for entry in list {
                read_peer(entry, &mut peers, &mut reply.hosts);
            }
        }
        Some(Kind::Int(_) | Kind::Dict(_)) => peers.lint(TrackerLint::UnusablePeer),
        None => {}
    }
    if let Some(compact) = answer.bytes("peers6") {
        push_compact(&mut peers, compact, true);
    }
    if reply.interval.is_none() {
        peers.lint(TrackerLint::BadInterval);
    }
    answer.lints.iter().for_each(|lint| peers.lint(*lint));
    (reply.peers, reply.lints) = peers.finish();
    Ok(reply)
}

/// Reads the body of a scrape's answer.
///
/// # Errors
/// The tracker's refusal, that the body is no tracker's answer, or that it is about other torrents.
pub fn parse_scrape(body: &[u8], hashes: &[InfoHash]) -> Result<ScrapeReply, AnnounceError> {
    let answer = Answer::read(body)?;
    if let Some(failure) = failure(answer.dict) {
        return Err(failure);
    }
    let files = answer
        .get("files")
        .and_then(Value::as_dict)
        .ok_or(AnnounceError::Malformed("it has no \"files\"".into()))?;
    let mut reply = ScrapeReply::default();
    let mut others = false;
    for (key, numbers) in files {
        let Some(info_hash) = hashes.iter().find(|hash| hash.0 == key) else {
            others = true;
            continue;
        };
        let count = |name: &str| numbers.dict_get(name.as_bytes()).and_then(count);
        if reply.files.iter().all(|entry| entry.info_hash != *info_hash) {
            reply.files.push(ScrapeEntry {
                info_hash: *info_hash,
                seeders: count("complete").unwrap_or(0),
                completed: count("downloaded").unwrap_or(0),
                leechers: count("incomplete").unwrap_or(0),
                downloaders: count("downloaders"),
            });
        }
    }
    if others && reply.files.is_empty() {
        return Err(AnnounceError::Malformed("it is about another torrent".into()));
    }
    reply.lints = answer.lints;
    if reply.files.len() < hashes.len() {
        reply.lints.push(TrackerLint::ShortScrape);
    }
    Ok(reply)
}

struct Answer<'a> {
    dict: Value<'a>,
    lints: Vec<TrackerLint>,
}

impl<'a> Answer<'a> {
    fn read(body: &'a [u8]) -> Result<Self, AnnounceError> {
        let (dict, scan) = Value::parse(body, &Limits::REPLY)
            .map_err(|_| AnnounceError::Malformed("it is not bencoded".into()))?;
        if dict.as_dict().is_none() {
            return Err(AnnounceError::Malformed("it is no dictionary".into()));
        }
        let mut lints = Vec::new();
        if scan.end < body.len() {
            lints.push(TrackerLint::TrailingBytes);
        }
        if !scan.is_canonical() {
            lints.push(TrackerLint::Encoding);
        }
        Ok(Self { dict, lints })
    }

    fn get(&self, key: &str) -> Option<Value<'a>> {
        self.dict.dict_get(key.as_bytes())
    }

    fn bytes(&self, key: &str) -> Option<&'a [u8]> {
        self.get(key)?.as_bytes()
    }

    fn count(&self, key: &str) -> Option<u32> {
        self.get(key).and_then(count)
    }

    /// A positive number of seconds; anything else counts as absent, so that no answer makes us announce at once.
    fn seconds(&self, key: &str) -> Option<Duration> {
        positive(self.get(key)?).map(Duration::from_secs)
    }
}

fn count(value: Value<'_>) -> Option<u32> {
    let number = value.as_int()?;
    u32::try_from(number.clamp(0, i64::from(u32::MAX))).ok()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(v4));
    }
    <[u8; 16]>::try_from(bytes)
        .ok()
        .map(|v6| IpAddr::from(v6).to_canonical())
}

/// Takes compact peers. A string of the wrong length is no list of peers: nothing says where an entry begins
/// (libtorrent takes none either). A UDP answer is different, it may have been cut on its way.
fn push_compact(peers: &mut PeerList, compact: &[u8], v6: bool) {
    let entry = if v6 { 18 } else { 6 };
    if compact.len().is_multiple_of(entry) {
        peers.push_compact(compact, v6);
    } else {
        peers.lint(TrackerLint::RaggedPeers);
    }
}

/// Reads a peer of the list form, whose `ip` may also be a host name (BEP 3).
fn read_peer(entry: Value<'_>, peers: &mut PeerList, hosts: &mut Vec<(String, u16)>) {
    let port = entry
        .dict_get(b"port")
        .and_then(Value::as_int)
        .and_then(|port| u16::try_from(port).ok())
        .filter(|port| *port != 0);
    let ip = entry.dict_get(b"ip").and_then(Value::as_str).map(str::trim);
    let (Some(port), Some(ip)) = (port, ip) else {
        return peers.lint(TrackerLint::UnusablePeer);
    };
    let id = entry
        .dict_get(b"peer id")
        .and_then(Value::as_bytes)
        .and_then(|id| <[u8; 20]>::try_from(id).ok())
        .map(PeerId);
    if let Ok(address) = ip.parse::<IpAddr>() {
        peers.push(SocketAddr::new(address, port), id);
    } else if is_host_name(ip) && hosts.len() < HOSTS_MAX {
        let host = (ip.to_ascii_lowercase(), port);
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    } else {
        peers.lint(TrackerLint::UnusablePeer);
    }
}

/// Whether a text is a host name: not empty, nothing but letters, digits, `-`, `_` and dots, and a letter in its last
/// label, since resolvers read all-digit names as addresses in forms that no check sees.
pub fn is_host_name(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or("");
    text.len() <= 253
        && text.bytes().all(legal)
        && last.bytes().any(|b| b.is_ascii_alphabetic())
        && !last.starts_with("0x")
}

#[cfg(test)]
mod tests;
