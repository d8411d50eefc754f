//! Rate limits as token buckets, in integers (the user's wish, no BEP).
//!
//! *Download.* Bytes count when a peer is allowed to send them, as budget to read, handshakes and messages included:
//! whatever is not read stays with the peer's system, so a limit holds back the line itself. Budget that was given
//! and not used yet is part of what may come at once, so it is small, and shared among the connections.
//!
//! *Upload.* All that is sent counts, but only blocks wait: the other messages are a few bytes each, and a peer that
//! has to wait for them would take us for dead.
//!
//! What trackers and fetched hosts send and are sent does not count: it is little, and nothing goes on without it.
//!
//! Invariant: over any time, no more goes through than the rate allows for it and, beyond that, a twentieth of a
//! second's worth or one block, whichever is more ([`tolerance`]).

use crate::id::TorrentId;
use crate::time::{Duration, Instant};
use alloc::collections::BTreeMap;
use core::num::NonZeroU64;
use serde::{Deserialize, Serialize};

/// Bytes a second, at the most.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum RateLimit {
    /// As much as there is.
    #[default]
    Unlimited,
    /// So many bytes a second.
    PerSecond(NonZeroU64),
}

impl RateLimit {
    /// A limit of so many bytes a second; none for 0, as everywhere in the field.
    pub const fn bytes(per_second: u64) -> Self {
        match NonZeroU64::new(per_second) {
            Some(rate) => Self::PerSecond(rate),
            None => Self::Unlimited,
        }
    }

    /// The bytes a second, if there is a limit; no more than a bucket can count.
    pub const fn per_second(self) -> Option<u64> {
        match self {
            Self::Unlimited => None,
            Self::PerSecond(rate) if rate.get() > RATE_MAX => Some(RATE_MAX),
            Self::PerSecond(rate) => Some(rate.get()),
        }
    }
}

/// A terabyte a second: beyond every network, and its tokens still fit their integer.
const RATE_MAX: u64 = 1_000_000_000_000;

/// What a block costs beside its payload: the head of its message (BEP 3).
pub const BLOCK_HEAD: u64 = 13;

/// Bytes that may go beyond a limit within any time: 5 % of a second's worth, or one block if that is more, since a
/// block cannot be sent in part.
pub const fn tolerance(rate: u64, block_length: u32) -> u64 {
    let (share, block) = (rate / 20, block_length as u64 + BLOCK_HEAD);
    if share > block { share } else { block }
}

/// Of the tolerance of a download, fifths that can lie in the bucket: saved while nobody took them.
const SAVED_FIFTHS: u64 = 2;
/// … and fifths that can be out as budgets. The last fifth is for the least budgets of connections beyond those.
const OUT_FIFTHS: u64 = 2;

/// A connection has some budget always, or it could not say that it wants to speak: two messages of any usual kind …
const LEAST_MAX: u64 = 64;
/// … as long as those of all are no more than this part of the tolerance.
const LEAST_SHARE: u64 = 2;

/// Tokens, one a byte, that come at a rate.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Bucket {
    limit: RateLimit,
    /// Most that it holds, in bytes.
    capacity: u64,
    /// In millionths of a byte; below zero after more was taken than was there.
    level: i64,
    /// When the level was so.
    at: Instant,
}

const MILLIONTHS: i64 = 1_000_000;

impl Bucket {
    /// A full bucket.
    pub const fn new(now: Instant, limit: RateLimit, capacity: u64) -> Self {
        Self {
            limit,
            capacity,
            level: capacity as i64 * MILLIONTHS,
            at: now,
        }
    }

    /// Changes the rate. What is there stays, as far as it fits.
    pub fn set(&mut self, now: Instant, limit: RateLimit, capacity: u64) {
        let old = self.level(now);
        let fresh = Self::new(now, limit, capacity);
        let level = if self.limit == RateLimit::Unlimited {
            fresh.level
        } else {
            old.min(fresh.level)
        };
        *self = Self { level, ..fresh };
    }

    /// Whether there is a limit.
    pub const fn is_limited(&self) -> bool {
        matches!(self.limit, RateLimit::PerSecond(_))
    }

    fn level(&self, now: Instant) -> i64 {
        let Some(rate) = self.limit.per_second() else {
            return i64::MAX;
        };
        let full = self.capacity as i64 * MILLIONTHS;
        let micros = u64::try_from(now.since(self.at).as_micros()).unwrap_or(u64::MAX);
        let come = i64::try_from(micros.saturating_mul(rate)).unwrap_or(i64::MAX);
        self.level.saturating_add(come).min(full)
    }

    /// Whole bytes that may be taken now.
    pub fn available(&self, now: Instant) -> u64 {
        if self.is_limited() {
            u64::try_from(self.level(now) / MILLIONTHS).unwrap_or(0)
        } else {
            u64::MAX
        }
    }

    /// What has to be there before so many bytes may be taken: no more than it can hold.
    pub const fn needed_for(&self, bytes: u64) -> u64 {
        if bytes > self.capacity {
            self.capacity
        } else {
            bytes
        }
    }

    /// Takes so many bytes, into debt if they are not there.
    pub fn take(&mut self, now: Instant, bytes: u64) {
        if self.is_limited() {
            let taken = i64::try_from(bytes)
                .unwrap_or(i64::MAX)
                .saturating_mul(MILLIONTHS);
            self.level = self.level(now).saturating_sub(taken);
            self.at = now;
        }
    }

    /// When so many bytes will be there; long past if there is no limit.
    pub fn ready_at(&self, bytes: u64) -> Instant {
        let Some(rate) = self.limit.per_second() else {
            return Instant::START;
        };
        let wanted = i64::try_from(self.needed_for(bytes)).unwrap_or(i64::MAX);
        let missing = wanted.saturating_mul(MILLIONTHS).saturating_sub(self.level);
        let micros = u64::try_from(missing).unwrap_or(0).div_ceil(rate);
        self.at + Duration::from_micros(micros)
    }
}

/// The limits of a torrent, or of all of them together.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Gate {
    down: Bucket,
    up: Bucket,
    /// See [`tolerance`], of the download.
    slack: u64,
    /// Budget to read that is out, and the connections that it is shared among.
    out: u64,
    conns: u64,
}

impl Gate {
    /// No connections yet.
    pub fn new(now: Instant, down: RateLimit, up: RateLimit, block_length: u32) -> Self {
        let mut scope = Self::default();
        scope.set(now, Some(down), Some(up), block_length);
        scope
    }

    /// Changes limits; `None` leaves one as it is.
    pub fn set(&mut self, now: Instant, down: Option<RateLimit>, up: Option<RateLimit>, block_length: u32) {
        if let Some(limit) = down {
            self.slack = tolerance(limit.per_second().unwrap_or(0), block_length);
            self.down.set(now, limit, self.slack * SAVED_FIFTHS / 5);
        }
        if let Some(limit) = up {
            // a fifth of the share is left for messages that do not wait
            let share = limit.per_second().unwrap_or(0) / 25;
            self.up
                .set(now, limit, share.max(u64::from(block_length) + BLOCK_HEAD));
        }
    }

    /// Whether what is read is limited.
    pub const fn limits_down(&self) -> bool {
        self.down.is_limited()
    }

    /// Whether what is sent is limited.
    pub const fn limits_up(&self) -> bool {
        self.up.is_limited()
    }

    /// The limits in bytes a second, down and up.
    pub const fn rates(&self) -> (Option<u64>, Option<u64>) {
        (self.down.limit.per_second(), self.up.limit.per_second())
    }

    /// The tokens of what is read.
    pub const fn down(&self) -> &Bucket {
        &self.down
    }

    /// The tokens of what is sent.
    pub const fn up(&self) -> &Bucket {
        &self.up
    }

    /// Bytes were sent, or are certain to be.
    pub fn sends(&mut self, now: Instant, bytes: u64) {
        self.up.take(now, bytes);
    }

    /// Bytes may come that are no connection's budget yet.
    pub fn reads(&mut self, now: Instant, bytes: u64) {
        self.down.take(now, bytes);
    }

    /// A connection more, which has so much budget.
    pub const fn joins(&mut self, budget: u64) {
        self.conns += 1;
        self.out += budget;
    }

    /// A connection is gone that had so much budget.
    pub const fn leaves(&mut self, budget: u64) {
        self.conns = self.conns.saturating_sub(1);
        self.out = self.out.saturating_sub(budget);
    }

    /// A connection is given budget.
    pub fn gives(&mut self, now: Instant, budget: u64) {
        self.down.take(now, budget);
        self.out += budget;
    }

    /// A connection used budget.
    pub const fn uses(&mut self, bytes: u64) {
        self.out = self.out.saturating_sub(bytes);
    }

    /// How much budget a connection should have in all that has so much now.
    pub fn window(&self, has: u64) -> u64 {
        if !self.limits_down() {
            return u64::MAX;
        }
        let all = self.slack * OUT_FIFTHS / 5;
        let share = all / self.conns.max(1);
        let left = all.saturating_sub(self.out.saturating_sub(has));
        share.min(left).max(self.least())
    }

    /// How many blocks of this length come to each connection in so many seconds, if all get the same.
    pub fn blocks_each(&self, seconds: u64, block_length: u32) -> u64 {
        self.down.limit.per_second().map_or(u64::MAX, |rate| {
            rate.saturating_mul(seconds) / (u64::from(block_length.max(1)) * self.conns.max(1))
        })
    }

    fn least(&self) -> u64 {
        (self.slack / LEAST_SHARE / self.conns.max(1)).clamp(1, LEAST_MAX)
    }

    /// Whether more budget is out than the tolerance has room for: connections were given theirs when they were fewer.
    pub const fn is_crowded(&self) -> bool {
        self.down.is_limited() && self.out > self.slack * (5 - SAVED_FIFTHS) / 5
    }

    /// Budget is given in portions of at least this, or of all that is wanted: half of what the bucket holds, so that
    /// a limit costs a bounded number of wake-ups however many blocks pass.
    pub const fn portion(&self, wanted: u64) -> u64 {
        let half = self.down.capacity.div_ceil(2);
        if wanted < half { wanted } else { half }
    }
}

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Way {
    /// From peers to us.
    Down,
    /// From us to peers.
    Up,
}

/// The limits over all torrents, and the torrents that wait because of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Throttle {
    /// The limits.
    pub all: Gate,
    /// Torrents that wait, and how many bytes have to be there before the first of each can go on.
    waits: BTreeMap<(Way, TorrentId), u64>,
    /// The torrent that was served last: the next one goes first.
    last: Option<TorrentId>,
}

impl Throttle {
    /// Nobody waits yet.
    pub const fn new(all: Gate) -> Self {
        Self {
            all,
            waits: BTreeMap::new(),
            last: None,
        }
    }

    fn bucket(&self, way: Way) -> &Bucket {
        match way {
            Way::Down => &self.all.down,
            Way::Up => &self.all.up,
        }
    }

    /// A torrent waits for so many bytes, or no longer.
    pub fn waits_for(&mut self, way: Way, torrent: TorrentId, bytes: Option<u64>) {
        match bytes {
            Some(bytes) => self.waits.insert((way, torrent), bytes),
            None => self.waits.remove(&(way, torrent)),
        };
    }

    /// Whether another torrent waits, which this one may not overtake.
    pub fn others_wait(&self, way: Way, torrent: TorrentId) -> bool {
        let mut all = self.waits.keys();
        all.any(|(which, other)| *which == way && *other != torrent)
    }

    /// When the first that waits can go on.
    pub fn deadline(&self) -> Option<Instant> {
        let ready = |((way, _), bytes): (&(Way, TorrentId), &u64)| self.bucket(*way).ready_at(*bytes);
        self.waits.iter().map(ready).min()
    }

    /// The torrents that wait, the one behind the last served first.
    pub fn turn(&self) -> impl Iterator<Item = (Way, TorrentId)> + '_ {
        let after = move |(_, id): &&(Way, TorrentId)| self.last.is_none_or(|last| *id > last);
        let first = self.waits.keys().filter(after);
        first
            .chain(self.waits.keys().filter(move |key| !after(key)))
            .copied()
    }

    /// A torrent was served.
    pub const fn served(&mut self, torrent: TorrentId) {
        self.last = Some(torrent);
    }

    /// A torrent is gone.
    pub fn forget(&mut self, torrent: TorrentId) {
        self.waits.retain(|(_, id), _| *id != torrent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn a_bucket_fills_at_its_rate_and_no_further() {
        let mut bucket = Bucket::new(at(0), RateLimit::bytes(1_000), 100);
        assert_eq!(bucket.available(at(0)), 100);
        bucket.take(at(0), 100);
        assert_eq!((bucket.available(at(0)), bucket.available(at(50))), (0, 50));
        assert_eq!(bucket.available(at(10_000)), 100);
        assert_eq!(bucket.ready_at(70), at(70));
        // no more than fits is waited for
        assert_eq!(bucket.ready_at(1_000), at(100));
    }

    #[test]
    fn what_is_taken_beyond_the_level_is_owed() {
        let mut bucket = Bucket::new(at(0), RateLimit::bytes(1_000), 100);
        bucket.take(at(0), 300);
        assert_eq!(bucket.available(at(150)), 0);
        assert_eq!(bucket.ready_at(1), at(201));
        assert_eq!(bucket.available(at(250)), 50);
    }

    #[test]
    fn no_limit_holds_nothing_back() {
        let mut bucket = Bucket::new(at(0), RateLimit::Unlimited, 100);
        bucket.take(at(0), u64::MAX);
        assert_eq!(bucket.available(at(0)), u64::MAX);
        assert_eq!(RateLimit::bytes(0), RateLimit::Unlimited);
    }

    #[test]
    fn the_widest_limit_and_the_longest_silence_do_not_overflow() {
        let mut bucket = Bucket::new(at(0), RateLimit::bytes(u64::MAX), RATE_MAX / 20);
        bucket.take(at(0), u64::MAX);
        assert_eq!(bucket.available(Instant::FAR_FUTURE), RATE_MAX / 20);
        let bucket = Bucket::new(at(0), RateLimit::bytes(1), 10);
        assert!(bucket.ready_at(10) >= at(0));
    }

    #[test]
    fn a_changed_limit_gives_nothing_away() {
        let mut bucket = Bucket::new(at(0), RateLimit::bytes(1_000), 100);
        bucket.take(at(0), 100);
        bucket.set(at(0), RateLimit::bytes(2_000), 200);
        assert_eq!(bucket.available(at(0)), 0);
        bucket.set(at(50), RateLimit::bytes(10), 20);
        assert_eq!(bucket.available(at(50)), 20);
    }

    #[test]
    fn budgets_that_are_out_and_tokens_that_are_saved_stay_within_the_tolerance() {
        for (rate, block) in [(1_000, 128), (20_000, 16_384), (50_000_000, 16_384)] {
            let mut scope = Gate::new(at(0), RateLimit::bytes(rate), RateLimit::Unlimited, block);
            let mut budgets: Vec<u64> = Vec::new();
            for _ in 0..100 {
                scope.joins(0);
                let budget = scope.window(0);
                scope.gives(at(0), budget);
                budgets.push(budget);
                if scope.is_crowded() {
                    for has in &mut budgets {
                        if *has > scope.window(*has) {
                            scope.uses(core::mem::take(has));
                        }
                    }
                }
                let most = budgets.iter().sum::<u64>() + scope.down.capacity;
                assert!(
                    most <= tolerance(rate, block),
                    "{rate}, {}: {most}",
                    budgets.len()
                );
            }
            assert!(scope.window(0) > 0);
        }
    }
}
