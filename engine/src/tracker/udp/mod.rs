//! The packets of BEP 15 (UDP trackers) and BEP 41 (their options): pure functions over bytes.
//!
//! Longer packets than the standard's are legal and read; a shorter one is no packet. Every field is big-endian.

mod endpoint;
mod exchanges;

use alloc::vec::Vec;

use super::announce::{PeerList, parse_failure};
use super::{
    AnnounceError, AnnounceEvent, AnnounceParams, AnnounceReply, ScrapeEntry, ScrapeReply, TrackerLint,
};
use crate::id::InfoHash;
use crate::time::Duration;

pub use exchanges::{Hurry, UdpExchanges, UdpKey, UdpOutput};

/// The first eight bytes of a connect request.
pub const PROTOCOL_ID: u64 = 0x0417_2710_1980;

/// Torrents of one scrape at the most: "up to about 74" (BEP 15).
pub const SCRAPE_MAX: usize = 74;

const CONNECT: u32 = 0;
const ANNOUNCE: u32 = 1;
const SCRAPE: u32 = 2;
const ERROR: u32 = 3;

const OPTION_END: u8 = 0;
const OPTION_URL_DATA: u8 = 2;

/// A connect request: 16 bytes.
pub fn encode_connect(transaction: u32) -> Vec<u8> {
    let mut packet = PROTOCOL_ID.to_be_bytes().to_vec();
    packet.extend_from_slice(&CONNECT.to_be_bytes());
    packet.extend_from_slice(&transaction.to_be_bytes());
    packet
}

/// An announce request: 98 bytes, and options if the URL has a path or query.
///
/// `url_data` is path and query of the tracker's URL (BEP 41).
pub fn encode_announce(
    connection: u64,
    transaction: u32,
    params: &AnnounceParams,
    url_data: &str,
) -> Vec<u8> {
    let mut packet = header(connection, ANNOUNCE, transaction);
    packet.extend_from_slice(&params.info_hash.0);
    packet.extend_from_slice(&params.peer_id.0);
    // not the order of HTTP
    for counter in [params.downloaded, params.left, params.uploaded] {
        packet.extend_from_slice(&counter.to_be_bytes());
    }
    let event: u32 = match params.event {
        AnnounceEvent::None | AnnounceEvent::Paused => 0,
        AnnounceEvent::Completed => 1,
        AnnounceEvent::Started => 2,
        AnnounceEvent::Stopped => 3,
    };
    // the address is always 0: the tracker takes the source of the packet
    let numwant = params.numwant.unwrap_or(u32::MAX);
    for word in [event, 0, params.key, numwant] {
        packet.extend_from_slice(&word.to_be_bytes());
    }
    packet.extend_from_slice(&params.port.to_be_bytes());
    for chunk in url_data.as_bytes().chunks(255) {
        packet.push(OPTION_URL_DATA);
        packet.push(u8::try_from(chunk.len()).unwrap_or(u8::MAX));
        packet.extend_from_slice(chunk);
    }
    if !url_data.is_empty() {
        packet.push(OPTION_END);
    }
    packet
}

/// A scrape request of up to [`SCRAPE_MAX`] torrents; more are left out.
pub fn encode_scrape(connection: u64, transaction: u32, hashes: &[InfoHash]) -> Vec<u8> {
    let mut packet = header(connection, SCRAPE, transaction);
    for hash in hashes.iter().take(SCRAPE_MAX) {
        packet.extend_from_slice(&hash.0);
    }
    packet
}

fn header(connection: u64, action: u32, transaction: u32) -> Vec<u8> {
    let mut packet = connection.to_be_bytes().to_vec();
    packet.extend_from_slice(&action.to_be_bytes());
    packet.extend_from_slice(&transaction.to_be_bytes());
    packet
}

/// A packet of a tracker, opened as far as its action tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    /// The transaction id that it answers.
    pub transaction: u32,
    /// What it says.
    pub body: Body<'a>,
}

/// What a tracker's packet says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body<'a> {
    /// A connection id.
    Connect(u64),
    /// The fields of an announce's answer; the compact peers at their end.
    Announce {
        /// Seconds, as sent.
        interval: u32,
        /// Peers that have not everything.
        leechers: u32,
        /// Peers that have everything.
        seeders: u32,
        /// Compact peers of the family that the packet came over.
        peers: &'a [u8],
    },
    /// Twelve bytes for each torrent asked for, in that order.
    Scrape(&'a [u8]),
    /// A refusal in the tracker's words.
    Error(&'a [u8]),
}

impl<'a> Packet<'a> {
    /// Reads a packet; `None` if it is too short for its action or its action is unknown.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        let action = take_u32(&mut rest)?;
        let transaction = take_u32(&mut rest)?;
        let body = match action {
            CONNECT => Body::Connect(u64::from(take_u32(&mut rest)?) << 32 | u64::from(take_u32(&mut rest)?)),
            ANNOUNCE => Body::Announce {
                interval: take_u32(&mut rest)?,
                leechers: take_u32(&mut rest)?,
                seeders: take_u32(&mut rest)?,
                peers: rest,
            },
            SCRAPE => Body::Scrape(rest),
            ERROR => Body::Error(rest),
            _ => return None,
        };
        Some(Self { transaction, body })
    }
}

fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    let (word, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(u32::from_be_bytes(*word))
}

/// An announce's answer as a value. `v6` is the family of the tracker's endpoint, which decides the size of a peer.
pub fn announce_reply(body: &Body<'_>, v6: bool, peers_max: usize) -> Option<AnnounceReply> {
    let Body::Announce {
        interval,
        leechers,
        seeders,
        peers: compact,
    } = *body
    else {
        return None;
    };
    let mut peers = PeerList::new(peers_max);
    peers.push_compact(compact, v6);
    if interval == 0 {
        peers.lint(TrackerLint::BadInterval);
    }
    let (peers, lints) = peers.finish();
    Some(AnnounceReply {
        peers,
        interval: (interval != 0).then(|| Duration::from_secs(u64::from(interval))),
        seeders: Some(seeders),
        leechers: Some(leechers),
        lints,
        ..AnnounceReply::default()
    })
}

/// A scrape's answer as a value; a short one covers the first torrents.
pub fn scrape_reply(body: &Body<'_>, hashes: &[InfoHash]) -> Option<ScrapeReply> {
    let Body::Scrape(bytes) = *body else {
        return None;
    };
    let mut reply = ScrapeReply::default();
    for (info_hash, entry) in hashes.iter().zip(bytes.as_chunks::<12>().0) {
        let mut rest = entry.as_slice();
        reply.files.push(ScrapeEntry {
            info_hash: *info_hash,
            seeders: take_u32(&mut rest)?,
            completed: take_u32(&mut rest)?,
            leechers: take_u32(&mut rest)?,
            downloaders: None,
        });
    }
    if reply.files.len() < hashes.len().min(SCRAPE_MAX) {
        reply.lints.push(TrackerLint::ShortScrape);
    }
    Some(reply)
}

/// A refusal as a value. Some trackers send a bencoded one with `retry in` (BEP 31, rain reads it).
pub fn refusal(message: &[u8]) -> AnnounceError {
    let bencoded = message
        .starts_with(b"d")
        .then(|| parse_failure(message))
        .flatten();
    bencoded.unwrap_or_else(|| AnnounceError::refused(message))
}

#[cfg(test)]
mod tests;
