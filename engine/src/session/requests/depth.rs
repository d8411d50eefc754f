//! How many requests are kept outstanding: bandwidth times round trip, both as they are measured on the answers.
//!
//! *Bandwidth* is the most that came while a request was under way, divided by that time: one round trip after a change it
//! is known. *Round trip* is the shortest answer. An answer takes as long as what was asked for before it, so a deep
//! pipeline hides the round trip; it is therefore never taken to be longer than it once was, unless the bandwidth falls to
//! a quarter: then the way may have become longer, and believing that costs a deeper pipeline and nothing else. On a way
//! that is longer than what is kept requested the bandwidth falls with each round trip, so it gets there.
//!
//! libtorrent keeps three seconds requested whatever the distance. That is as much on the longest ways of ours. On short
//! ones it means many pieces begun, and at the end blocks that a slow peer was asked for long before they come.

use crate::config::SessionConfig;
use crate::time::{Duration, Instant};
use serde::{Deserialize, Serialize};

/// Depth before the first answers came: enough to measure with, and half a minute's work for the slowest peer.
pub(super) const DEPTH_FIRST: u32 = 16;

/// Round trips that are kept requested. One is what the line holds. A second one covers the time until an answer makes the
/// next request; the others an uneven way, and they let the depth grow fourfold a round trip at the start.
const ROUND_TRIPS: u32 = 6;

/// Kept requested beside the round trips: the scheduling and disk of a peer next door.
const SLACK: Duration = Duration::from_millis(5);

/// A peer may be busy with its disk for longer than a short round trip: so much is kept requested at least …
const LEAST: Duration = Duration::from_millis(500);
/// … as long as it is no more blocks than this.
const LEAST_BLOCKS: u64 = 32;

/// The bandwidth is the most of the current and of the last stretch of so long: shorter pauses do not change it.
const STRETCH: Duration = Duration::from_secs(2);

/// The part of the bandwidth that has to be left, or the round trip is measured anew. Less than what a line that lets a
/// burst through at first has later.
const FALL: u64 = 4;

/// Bytes in a time. Kept as a fraction: so equal ways have equal depths whatever the length of a block is.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Rate {
    bytes: u64,
    micros: u64,
}

impl Rate {
    /// Whether it is less than a part of another one.
    fn is_less(self, parts: u64, than: Self) -> bool {
        let (ours, theirs) = (u128::from(self.bytes), u128::from(than.bytes));
        ours * u128::from(than.micros.max(1)) * u128::from(parts) < theirs * u128::from(self.micros.max(1))
    }

    fn max(self, other: Self) -> Self {
        if self.is_less(1, other) { other } else { self }
    }

    /// The blocks of this length that come in a time, begun ones included.
    fn blocks_in(self, time: Duration, block: u64) -> u64 {
        let bytes = u128::from(self.bytes) * time.as_micros();
        let blocks = bytes.div_ceil(u128::from(self.micros.max(1)) * u128::from(block));
        u64::try_from(blocks).unwrap_or(u64::MAX)
    }
}

/// What was measured in one stretch of time.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Stretch {
    /// The most.
    rate: Rate,
    /// The shortest answer.
    answer: Option<Duration>,
}

/// What is known of the way to a peer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Way {
    /// Payload bytes that came.
    delivered: u64,
    began: Instant,
    now: Stretch,
    before: Stretch,
    /// The round trip as it is believed.
    round_trip: Option<Duration>,
    /// The most since that was settled.
    peak: Rate,
}

impl Way {
    /// A way of a second on which so many blocks of this length are kept requested.
    #[cfg(test)]
    pub(super) fn of_depth(depth: u32, block_length: u32) -> Self {
        let rate = Rate {
            bytes: u64::from(depth) * u64::from(block_length),
            micros: u64::from(SessionConfig::default().pipeline_seconds) * 1_000_000,
        };
        let now = Stretch { rate, answer: None };
        Self {
            now,
            round_trip: Some(Duration::from_secs(1)),
            delivered: u64::MAX / 2,
            ..Self::default()
        }
    }

    /// Bytes that came so far: what a request notes when it is sent.
    pub(super) const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Bytes came that answer no request of now.
    pub(super) const fn came(&mut self, bytes: u64) {
        self.delivered += bytes;
    }

    /// A request was answered that was sent at `sent`, when so many bytes had been `delivered`.
    pub(super) fn answered(&mut self, now: Instant, sent: Instant, delivered: u64) {
        if now.since(self.began) >= STRETCH {
            self.before = core::mem::take(&mut self.now);
            self.began = now;
        }
        let took = now.since(sent).max(Duration::from_micros(1));
        let rate = Rate {
            bytes: self.delivered - delivered,
            micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        };
        self.now.rate = self.now.rate.max(rate);
        self.now.answer = Some(self.now.answer.map_or(took, |known| known.min(took)));
        self.settle(took);
    }

    fn settle(&mut self, took: Duration) {
        let rate = self.rate();
        self.peak = self.peak.max(rate);
        if rate.is_less(FALL, self.peak) {
            self.peak = rate;
            let answers = self.now.answer.into_iter().chain(self.before.answer);
            self.round_trip = answers.min();
        }
        self.round_trip = Some(self.round_trip.map_or(took, |known| known.min(took)));
    }

    /// What the way carries.
    fn rate(&self) -> Rate {
        self.now.rate.max(self.before.rate)
    }

    /// How many requests of this length fill the way.
    pub(super) fn depth(&self, config: &SessionConfig, block_length: u32) -> u32 {
        let blocks = self.round_trip.map_or(DEPTH_FIRST, |round_trip| {
            self.blocks(round_trip, config, block_length)
        });
        blocks.clamp(config.pipeline_min, config.pipeline_max.max(config.pipeline_min))
    }

    /// Blocks of this length that fill the way for one round trip.
    pub(super) fn holds(&self, block_length: u32) -> usize {
        let round_trip = self.round_trip.unwrap_or_default();
        let blocks = self.rate().blocks_in(round_trip, block_length.max(1).into());
        usize::try_from(blocks).unwrap_or(usize::MAX)
    }

    fn blocks(&self, round_trip: Duration, config: &SessionConfig, block_length: u32) -> u32 {
        let block = u64::from(block_length.max(1));
        let most = Duration::from_secs(config.pipeline_seconds.into());
        let time = (round_trip * ROUND_TRIPS + SLACK).min(most);
        let least = self.rate().blocks_in(LEAST, block).min(LEAST_BLOCKS);
        let blocks = self.rate().blocks_in(time, block).max(least);
        // until the first requests are answered the rate is theirs, not that of the way
        let first = self.delivered < u64::from(DEPTH_FIRST) * block;
        let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
        if first { blocks.max(DEPTH_FIRST) } else { blocks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: u32 = 16_384;

    /// A peer that answers after `millis` and sends no faster than a block in `each` microseconds; what the depth comes to
    /// after so many answers.
    fn depth_after(way: &mut Way, start: Instant, millis: u64, each: u64, answers: usize) -> u32 {
        let config = SessionConfig::default();
        let mut flying: alloc::collections::VecDeque<(Instant, u64)> = alloc::collections::VecDeque::new();
        let (mut now, mut free) = (start, start);
        for _ in 0..answers {
            while flying.len() < way.depth(&config, BLOCK) as usize {
                flying.push_back((now, way.delivered()));
            }
            let Some((sent, delivered)) = flying.pop_front() else {
                break;
            };
            free = free.max(sent + Duration::from_millis(millis)) + Duration::from_micros(each);
            now = free;
            way.came(BLOCK.into());
            way.answered(now, sent, delivered);
        }
        way.depth(&config, BLOCK)
    }

    #[test]
    fn the_pipeline_covers_the_way_and_not_much_more() {
        // 100 Mbit/s and 200 ms: 153 blocks are on the way
        let long = depth_after(&mut Way::default(), Instant::START, 200, 1_311, 3_000);
        assert!((300..=500).contains(&long), "{long}");
        // 1 Gbit/s and 1 ms: 8 blocks are
        let near = depth_after(&mut Way::default(), Instant::START, 1, 131, 3_000);
        assert!((32..=100).contains(&near), "{near}");
        // 100 kB/s and 50 ms: an answer takes 0.21 s, and six times that is requested
        let slow = depth_after(&mut Way::default(), Instant::START, 50, 163_840, 300);
        assert!((3..=8).contains(&slow), "{slow}");
    }

    #[test]
    fn the_first_round_trips_fill_the_way() {
        // 153 blocks are on the way, and 16 are asked for at first: after their answers the depth is enough
        let depth = depth_after(&mut Way::default(), Instant::START, 200, 1_311, 64);
        assert!(depth >= 153, "{depth}");
    }

    #[test]
    fn a_way_that_becomes_longer_is_filled_again() {
        let mut way = Way::default();
        let near = depth_after(&mut way, Instant::START, 5, 1_311, 3_000);
        assert!(near < 100, "{near}");
        let far = depth_after(&mut way, Instant::from_secs(100), 400, 1_311, 20_000);
        assert!(far > 305, "{far}");
    }

    #[test]
    fn a_peer_that_becomes_slower_is_asked_for_less() {
        let mut way = Way::default();
        depth_after(&mut way, Instant::START, 20, 1_311, 3_000);
        let slow = depth_after(&mut way, Instant::from_secs(100), 20, 131_072, 1_000);
        assert!(slow <= 24, "{slow}");
    }
}
