//! Where actors hang on the network: access links, and the paths between two of them.
//!
//! Randomness belongs to a directed path: its streams are named after both ends, so a world without a third actor
//! draws the same for these two.

use crate::net::datagram::{Bucket, Burst};
use crate::scenario::LinkSpec;
use crate::seed::Seed;
use seedbed_engine::rng::Rng;
use seedbed_engine::time::{Duration, Instant};

/// How arrived bytes are cut into reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Cutter {
    /// All that has arrived, as far as the budget goes.
    #[default]
    Whole,
    /// A byte at a time.
    One,
    /// Between one byte and all, drawn.
    Random,
    /// At most [`Cutter::SEGMENT`] bytes.
    Mss,
    /// Bytes wait for their successors up to [`Cutter::PATIENCE`] and come in reads of up to [`Cutter::READ_MAX`].
    Coalesced,
}

impl Cutter {
    /// What fits into a segment on Ethernet with IPv4 and no options.
    pub const SEGMENT: usize = 1_460;
    /// The largest read of a reader that is late.
    pub const READ_MAX: usize = 64 << 10;
    /// How late it is at the most: it looks at whole multiples of this.
    pub const PATIENCE: Duration = Duration::from_millis(20);
}

/// An access link with all that a [`LinkSpec`] does not say.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    pub(super) spec: LinkSpec,
    pub(super) cutter: Cutter,
    pub(super) burst: Option<Burst>,
    /// Longer datagrams are dropped; without it they are fragmented.
    pub(super) mtu: Option<usize>,
    /// Datagrams a second that it lets out.
    pub(super) datagrams: Option<u32>,
}

/// What the network keeps of an actor.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    /// The link as it was set.
    pub(super) base: Link,
    /// The link as faults leave it.
    pub(super) link: Link,
    /// How it went down, if it is down.
    pub(super) down: Option<super::Crash>,
    pub(super) accepted: u64,
    /// Streams that it dialled so far: they tell its ephemeral ports apart.
    pub(super) dialled: u16,
    pub(super) bucket: Bucket,
}

/// The way from one actor to another.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// Jitter, loss and other accidents.
    pub(super) rng: Rng,
    /// Sizes of reads at its end; apart, so that another cutter changes no jitter.
    pub(super) cuts: Rng,
    /// In the bad state of Gilbert and Elliott, by the sender's and by the receiver's link.
    pub(super) bad: [bool; 2],
}

impl Path {
    pub(super) fn new(seed: Seed, from: &str, to: &str) -> Self {
        Self {
            rng: seed.stream(&format!("{from}/link/{to}")),
            cuts: seed.stream(&format!("{from}/cuts/{to}")),
            bad: [false; 2],
        }
    }

    /// A further delay of up to `max`, to the microsecond.
    pub(super) fn jitter(&mut self, max: Duration) -> Duration {
        let micros = u32::try_from(max.as_micros()).unwrap_or(u32::MAX);
        match micros {
            0 => Duration::ZERO,
            micros => Duration::from_micros(self.rng.below(micros.saturating_add(1)).into()),
        }
    }

    /// Whether something happens whose chance is given in thousandths. Draws only when it can.
    pub(super) fn thousandths(&mut self, chance: u32) -> bool {
        chance != 0 && self.rng.chance(chance.min(1_000), 1_000)
    }
}

/// The next whole multiple of [`Cutter::PATIENCE`].
pub(super) fn late(at: Instant) -> Instant {
    let step = Cutter::PATIENCE.as_micros() as u64;
    Instant::from_micros(at.as_micros().div_ceil(step).saturating_mul(step))
}
