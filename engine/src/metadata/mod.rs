//! Fetching an info dictionary from peers by its hash (BEP 9): which piece to ask of whom, what came, whether it is right.
//!
//! Nobody is trusted. Peers claim how long the dictionary is, and may disagree: what comes is kept by the size that its
//! sender claimed, and believed only when all of it has the hash that we look for. If it has not, whoever sent all of it
//! lied and is told; if several did, one of them lied, so from then on all pieces of that size come from one peer a try.
//!
//! Invariants: nothing is asked of one peer twice before it has answered; bytes kept are at most
//! [`MetadataConfig::size_max`], in at most [`MetadataConfig::sizes_max`] buffers; after [`Fetch::handle_timeout`] the
//! deadline is later or gone.

mod buffer;
#[cfg(test)]
mod tests;

use crate::config::MetadataConfig;
use crate::extension::metadata::pieces;
use crate::id::{ConnId, InfoHash};
use crate::marks::{Mark, Marks};
use crate::time::Instant;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use buffer::Buffer;
use core::net::IpAddr;
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

/// The hashes that an info dictionary must have. At least one is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identity {
    /// SHA-1 (BEP 3).
    pub v1: Option<InfoHash>,
    /// SHA-256 (BEP 52).
    pub v2: Option<[u8; 32]>,
}

impl Identity {
    /// Whether these bytes are the dictionary. Without any hash nothing is.
    pub fn fits(&self, bytes: &[u8]) -> bool {
        let v1 = self.v1.is_none_or(|hash| hash.0 == *Sha1::digest(bytes));
        let v2 = self.v2.is_none_or(|hash| hash == *Sha256::digest(bytes));
        (self.v1.is_some() || self.v2.is_some()) && v1 && v2
    }

    /// The 20 bytes by which peers and trackers know the torrent: the v1 hash, else the first bytes of the v2 one.
    pub fn on_the_wire(&self) -> InfoHash {
        let mut short = [0; 20];
        for (to, from) in short.iter_mut().zip(self.v2.iter().flatten()) {
            *to = *from;
        }
        self.v1.unwrap_or(InfoHash(short))
    }
}

/// What a piece that came led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Received {
    /// It is kept, and others are missing.
    Kept,
    /// It is of no use: it was here, or nothing of its size is being fetched.
    Unneeded,
    /// All is here and its hash is right.
    Whole(Vec<u8>),
    /// All of this size is here and its hash is wrong; it is forgotten.
    Wrong {
        /// Who sent it. One alone lied.
        contributors: Vec<IpAddr>,
    },
}

/// A peer that says how long the dictionary is.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Source {
    ip: IpAddr,
    size: u32,
    /// Not asked before this.
    off_until: Instant,
    /// Pieces that it was asked for and has not answered. At most [`MetadataConfig::requests_max`].
    asked: BTreeSet<u32>,
}

/// The metadata that is being fetched.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fetch {
    identity: Identity,
    config: MetadataConfig,
    sources: BTreeMap<ConnId, Source>,
    buffers: BTreeMap<u32, Buffer>,
    /// Times before this one have been acted on.
    seen: Instant,
    failures: u32,
    /// Branches that were taken.
    pub marks: Marks,
}

impl Fetch {
    /// Nobody is known yet.
    pub const fn new(identity: Identity, config: MetadataConfig) -> Self {
        Self {
            identity,
            config,
            sources: BTreeMap::new(),
            buffers: BTreeMap::new(),
            seen: Instant::START,
            failures: 0,
            marks: Marks::NONE,
        }
    }

    /// What is looked for.
    pub const fn identity(&self) -> Identity {
        self.identity
    }

    /// A peer takes our requests and says how long the dictionary is, or that it has none. A size over the limit
    /// counts as none. False when the size is not usable though there is one.
    pub fn claims(&mut self, now: Instant, conn: ConnId, ip: IpAddr, size: Option<u32>) -> bool {
        let usable = size.filter(|size| (1..=self.config.size_max).contains(size));
        let Some(new) = usable else {
            self.left(conn);
            return size.is_none();
        };
        if let Some(known) = self.sources.get_mut(&conn) {
            known.size = new;
            return true;
        }
        self.sources.insert(
            conn,
            Source {
                ip,
                size: new,
                off_until: now,
                asked: BTreeSet::new(),
            },
        );
        true
    }

    /// A peer is gone, or has the dictionary no more. What it was asked for may be asked of others at once.
    pub fn left(&mut self, conn: ConnId) {
        if let Some(source) = self.sources.remove(&conn)
            && let Some(buffer) = self.buffers.get_mut(&source.size)
        {
            for piece in source.asked {
                let asks = |other: &Source| other.size == source.size && other.asked.contains(&piece);
                if !self.sources.values().any(asks) {
                    buffer.refused(piece);
                }
            }
        }
        for buffer in self.buffers.values_mut() {
            buffer.left(conn);
        }
    }

    /// Peers that say that they have the dictionary.
    pub fn sources(&self) -> usize {
        self.sources.len()
    }

    /// How often all was here and the hash was wrong.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Bytes that are here of the size that is furthest, and that size.
    pub fn progress(&self) -> (u64, u32) {
        let of = |(size, buffer): (&u32, &Buffer)| (buffer.bytes(), *size);
        self.buffers.iter().map(of).max().unwrap_or_default()
    }

    /// Bytes kept of dictionaries that are not whole: at most [`MetadataConfig::size_max`].
    pub fn bytes(&self) -> u64 {
        self.buffers.values().map(Buffer::bytes).sum()
    }

    /// The pieces to ask this peer for now.
    pub fn ask(&mut self, now: Instant, conn: ConnId) -> Vec<u32> {
        let Some(source) = self.sources.get(&conn).filter(|source| source.off_until <= now) else {
            return Vec::new();
        };
        let size = source.size;
        let room = self.config.requests_max.saturating_sub(source.asked.len());
        if room == 0 || !self.make_buffer(now, size) {
            return Vec::new();
        }
        let (Some(source), Some(buffer)) = (self.sources.get_mut(&conn), self.buffers.get_mut(&size)) else {
            return Vec::new();
        };
        if !buffer.may_be_asked_of(now, conn) {
            return Vec::new();
        }
        let picks = buffer.pick(now, self.config.request_interval, room, &source.asked);
        source.asked.extend(picks.iter().copied());
        picks
    }

    /// A piece came that `conn` was asked for; `size` is what it claimed then, and the piece has the length that it must
    /// have.
    pub fn received(&mut self, now: Instant, conn: ConnId, size: u32, piece: u32, bytes: &[u8]) -> Received {
        let Some(source) = self.sources.get_mut(&conn) else {
            return Received::Unneeded;
        };
        source.asked.remove(&piece);
        let ip = source.ip;
        if !self.make_room(size, bytes.len() as u64) {
            return Received::Unneeded;
        }
        let Some(buffer) = self.buffers.get_mut(&size) else {
            return Received::Unneeded;
        };
        if !buffer.insert(now, conn, ip, piece, bytes) {
            return Received::Unneeded;
        }
        if !buffer.is_whole() {
            return Received::Kept;
        }
        let whole = buffer.concat();
        if self.identity.fits(&whole) {
            self.buffers.clear();
            return Received::Whole(whole);
        }
        self.failures = self.failures.saturating_add(1);
        let contributors = buffer.contributors();
        let mixed = contributors.len() > 1;
        if mixed {
            self.marks.hit(Mark::MetadataMixed);
            let until = now + self.config.penalty;
            for source in self.sources.values_mut() {
                if contributors.contains(&source.ip) {
                    source.off_until = source.off_until.max(until);
                }
            }
        }
        match self.buffers.get_mut(&size) {
            // one liar is found, and there may be another among those whom it was mixed with
            Some(buffer) if mixed || buffer.alone().is_some() => buffer.begin_alone(),
            Some(_) | None => {
                self.buffers.remove(&size);
            }
        }
        Received::Wrong { contributors }
    }

    /// A peer refused a piece: it is not asked for a while, others are.
    pub fn rejected(&mut self, now: Instant, conn: ConnId, piece: u32) {
        let Some(source) = self.sources.get_mut(&conn) else {
            return;
        };
        source.asked.remove(&piece);
        source.off_until = source.off_until.max(now + self.config.refusal_pause);
        let size = source.size;
        if let Some(buffer) = self.buffers.get_mut(&size) {
            buffer.refused(piece);
            buffer.left(conn);
        }
    }

    /// When something may be asked that may not be now.
    pub fn deadline(&self) -> Option<Instant> {
        let off = self.sources.values().map(|source| source.off_until);
        let pieces = self.buffers.values().filter_map(|buffer| {
            let next = buffer.next_after(self.seen, self.config.request_interval);
            let alone = buffer
                .alone_since()
                .map(|since| since + self.config.alone_timeout);
            next.into_iter().chain(alone).filter(|at| *at > self.seen).min()
        });
        let times = off.filter(|at| *at > self.seen).chain(pieces);
        times.min().filter(|_| !self.sources.is_empty())
    }

    /// Time has passed: peers may be asked again.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.seen = self.seen.max(now);
        for buffer in self.buffers.values_mut() {
            let late = buffer
                .alone_since()
                .is_some_and(|since| since + self.config.alone_timeout <= now);
            if let Some(conn) = buffer.alone().filter(|_| late) {
                buffer.left(conn);
                if let Some(source) = self.sources.get_mut(&conn) {
                    source.off_until = source.off_until.max(now + self.config.refusal_pause);
                }
            }
        }
    }

    /// Makes sure that there is a buffer of this size, in the place of another one if there are too many.
    fn make_buffer(&mut self, now: Instant, size: u32) -> bool {
        if self.buffers.contains_key(&size) {
            return true;
        }
        if self.buffers.len() >= self.config.sizes_max {
            // the size that the fewest claim; among equals the one that stands still longest
            let least = self
                .buffers
                .iter()
                .map(|(size, buffer)| (self.claimants(*size), buffer.progress_at(), *size))
                .min();
            let Some((_, _, least)) = least else { return false };
            self.marks.hit(Mark::MetadataEvicted);
            self.buffers.remove(&least);
        }
        let pieces = pieces(size, self.config.piece_length.max(1));
        self.buffers.insert(size, Buffer::new(now, pieces));
        true
    }

    /// Makes room for further bytes of this size; false when others deserve it more.
    fn make_room(&mut self, size: u32, more: u64) -> bool {
        while self.bytes() + more > u64::from(self.config.size_max) {
            // the size that the fewest claim; among equals the longest: a lie is cheap, and a long one dear
            let worst = self
                .buffers
                .iter()
                .filter(|(_, buffer)| buffer.bytes() > 0)
                .map(|(size, _)| (self.claimants(*size), core::cmp::Reverse(*size)))
                .min();
            let Some((_, core::cmp::Reverse(worst))) = worst else {
                return false;
            };
            self.marks.hit(Mark::MetadataEvicted);
            self.buffers.remove(&worst);
            if worst == size {
                return false;
            }
        }
        true
    }

    fn claimants(&self, size: u32) -> usize {
        self.sources.values().filter(|source| source.size == size).count()
    }
}
