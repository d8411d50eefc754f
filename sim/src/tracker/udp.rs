//! Answers to datagrams (BEP 15): connect, announce, scrape.
//!
//! A datagram that is no request at all, or whose connection id was never given to its sender or is too old, is
//! not answered with data: nothing before the id proves where the sender is. An old id gets the error that
//! trackers send in practice, so that a client's error path is exercised.

use super::{Announce, AnnounceEvent, Answer, Tracker, Transport, unmapped};
use seedbed_engine::time::{Duration, Instant};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// First eight bytes of a connect request (BEP 15).
const PROTOCOL_ID: u64 = 0x0417_2710_1980;
pub(super) const CONNECT: u32 = 0;
pub(super) const ANNOUNCE: u32 = 1;
const SCRAPE: u32 = 2;
pub(super) const ERROR: u32 = 3;
/// How long a tracker takes a connection id (BEP 15: until two minutes after it was sent).
const ID_LIFETIME: Duration = Duration::from_secs(120);
/// Hashes of one scrape request (BEP 15: about 74 fit).
const SCRAPE_MAX: usize = 74;

/// Connection ids given out, and to whom.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections {
    by_id: BTreeMap<u64, (SocketAddr, Instant)>,
    /// Ids in the order in which they were given, for dropping the oldest.
    order: std::collections::VecDeque<u64>,
}

impl Connections {
    fn insert(&mut self, id: u64, from: SocketAddr, now: Instant, max: usize) {
        while self.order.len() >= max.max(1) {
            if let Some(oldest) = self.order.pop_front() {
                self.by_id.remove(&oldest);
            }
        }
        self.by_id.insert(id, (from, now));
        self.order.push_back(id);
    }

    fn valid(&self, id: u64, from: SocketAddr, now: Instant) -> bool {
        self.by_id
            .get(&id)
            .is_some_and(|(owner, given)| *owner == from && now.since(*given) < ID_LIFETIME)
    }
}

impl Tracker {
    /// Answers one datagram, or not at all.
    pub fn datagram(&mut self, now: Instant, from: SocketAddr, data: &[u8]) -> Option<Vec<u8>> {
        let mut fields = Fields(data);
        let (connection, action, transaction) = (fields.u64()?, fields.u32()?, fields.u32()?);
        if action == CONNECT {
            return (connection == PROTOCOL_ID).then(|| self.connect(now, from, transaction));
        }
        if !self.connections.valid(connection, from, now) {
            return Some(error(transaction, "connection id unknown or expired"));
        }
        match action {
            ANNOUNCE => {
                let announce = parse_announce(now, from, &mut fields)?;
                Some(match self.announce(announce) {
                    Ok(answer) => self.announce_reply(transaction, from, &answer),
                    Err(text) => error(transaction, &text),
                })
            }
            SCRAPE => Some(self.scrape_reply(transaction, fields.0)),
            _ => Some(error(transaction, "unknown action")),
        }
    }

    fn connect(&mut self, now: Instant, from: SocketAddr, transaction: u32) -> Vec<u8> {
        let id = self.rng.next_u64();
        self.connections
            .insert(id, from, now, self.limits.connections_max);
        let mut reply = header(CONNECT, transaction);
        reply.extend(id.to_be_bytes());
        reply
    }

    fn announce_reply(&self, transaction: u32, from: SocketAddr, answer: &Answer) -> Vec<u8> {
        let interval = u32::try_from(self.limits.interval.as_secs()).unwrap_or(u32::MAX);
        let mut reply = header(ANNOUNCE, transaction);
        reply.extend(interval.to_be_bytes());
        reply.extend(answer.leechers.to_be_bytes());
        reply.extend(answer.seeders.to_be_bytes());
        // the family of the tracker's endpoint decides the form of all addresses
        let wants_v6 = unmapped(from.ip()).is_ipv6();
        for peer in answer.peers.iter().filter(|peer| peer.addr.is_ipv6() == wants_v6) {
            push_compact(&mut reply, peer.addr);
        }
        reply
    }

    fn scrape_reply(&self, transaction: u32, hashes: &[u8]) -> Vec<u8> {
        if let Some(text) = &self.failure {
            return error(transaction, text);
        }
        let (hashes, _ragged) = hashes.as_chunks::<20>();
        let mut reply = header(SCRAPE, transaction);
        for hash in hashes.iter().take(SCRAPE_MAX) {
            let (seeders, completed, leechers) = self
                .swarm(hash)
                .map_or((0, 0, 0), |s| (s.seeders(), s.completed(), s.leechers()));
            for count in [seeders, completed, leechers] {
                reply.extend(count.to_be_bytes());
            }
        }
        reply
    }
}

/// The fields of an announce request after its first 16 bytes; `None` if it is too short or names no event.
fn parse_announce(now: Instant, from: SocketAddr, fields: &mut Fields<'_>) -> Option<Announce> {
    let info_hash = fields.array()?;
    let peer_id = fields.array()?;
    let downloaded = fields.u64()?;
    let left = fields.u64()?;
    let uploaded = fields.u64()?;
    let event = match fields.u32()? {
        0 => AnnounceEvent::None,
        1 => AnnounceEvent::Completed,
        2 => AnnounceEvent::Started,
        3 => AnnounceEvent::Stopped,
        _ => return None,
    };
    // an address in the request could name a victim; the sender's own is taken
    let _ip = fields.u32()?;
    let key = Some(fields.u32()?);
    // -1, and anything else below zero, leaves the number to the tracker
    let num_want = fields
        .u32()
        .map(u32::cast_signed)
        .map(|n| u32::try_from(n).ok())?;
    let port = u16::from_be_bytes(fields.array()?);
    Some(Announce {
        at: now,
        from,
        transport: Transport::Udp,
        info_hash,
        peer_id,
        port,
        uploaded,
        downloaded,
        left,
        event,
        num_want,
        key,
        tracker_id: None,
        accepted: false,
    })
}

pub(super) fn header(action: u32, transaction: u32) -> Vec<u8> {
    let mut reply = action.to_be_bytes().to_vec();
    reply.extend(transaction.to_be_bytes());
    reply
}

fn error(transaction: u32, text: &str) -> Vec<u8> {
    let mut reply = header(ERROR, transaction);
    reply.extend_from_slice(text.as_bytes());
    reply
}

/// Appends an address in its compact form: 6 bytes for IPv4 (BEP 23), 18 for IPv6 (BEP 7).
pub(super) fn push_compact(out: &mut Vec<u8>, addr: SocketAddr) {
    match addr.ip() {
        IpAddr::V4(ip) => out.extend(ip.octets()),
        IpAddr::V6(ip) => out.extend(ip.octets()),
    }
    out.extend(addr.port().to_be_bytes());
}

/// Takes big-endian fields off the front of a datagram.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
}
