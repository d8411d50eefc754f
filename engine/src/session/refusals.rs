//! A peer that lets us ask and refuses what we ask for.
//!
//! BEP 6 sets no limit to rejects, and libtorrent has a setting for one that nothing reads. Asking again at once costs
//! both sides a message a round trip for as long as the connection lives, so we wait longer after each lot of refusals
//! without a block in between, and end the connection when there were too many lots.

use crate::time::{Duration, Instant};
use serde::{Deserialize, Serialize};

/// Refusals that make a lot: one first pipeline.
const LOT: u32 = 16;

/// Lots without a block in between before the connection is ended. The pauses of 1, 2, 4, … 60 s add up to three
/// minutes, longer than a peer needs to find its storage again.
const LOTS_MAX: u32 = 8;

/// The first pause; it doubles.
const PAUSE_FIRST: Duration = Duration::from_secs(1);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What one peer refused.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Refusals {
    /// Since the last block or pause.
    in_row: u32,
    /// Lots since the last block.
    lots: u32,
    pause_until: Option<Instant>,
}

impl Refusals {
    /// A request was refused by a peer that does not choke us. True when that was once too often.
    pub(super) fn refused(&mut self, now: Instant) -> bool {
        // the rest of a pipeline that was refused as a whole
        if self.pause_until.is_some() {
            return false;
        }
        self.in_row += 1;
        if self.in_row < LOT {
            return false;
        }
        self.in_row = 0;
        self.lots += 1;
        let pause = PAUSE_FIRST.saturating_mul(1 << self.lots.saturating_sub(1).min(LOTS_MAX));
        self.pause_until = Some(now + pause.min(PAUSE_MAX));
        self.lots > LOTS_MAX
    }

    /// A block came: it does serve us.
    pub(super) fn served(&mut self) {
        *self = Self::default();
    }

    /// Whether nothing is asked for now.
    pub(super) const fn is_pausing(&self) -> bool {
        self.pause_until.is_some()
    }

    /// When the pause is over.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.pause_until
    }

    /// Time has passed.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.pause_until = self.pause_until.filter(|until| *until > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_with_the_connection() {
        let (mut refusals, mut now) = (Refusals::default(), Instant::START);
        let mut pauses = alloc::vec::Vec::new();
        loop {
            let over = (0..LOT).any(|_| refusals.refused(now));
            if over {
                break;
            }
            // what was asked before the pause counts no more
            assert!(!(0..500).any(|_| refusals.refused(now)));
            let until = refusals.deadline().unwrap();
            pauses.push(until.since(now).as_secs());
            refusals.handle_timeout(until - Duration::from_millis(1));
            assert!(refusals.is_pausing());
            refusals.handle_timeout(until);
            assert!(!refusals.is_pausing());
            now = until;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn a_block_forgives_everything() {
        let mut refusals = Refusals::default();
        (0..LOT).for_each(|_| assert!(!refusals.refused(Instant::START)));
        assert!(refusals.is_pausing());
        refusals.served();
        assert!(!refusals.is_pausing());
        (1..LOT).for_each(|_| assert!(!refusals.refused(Instant::START)));
        assert!(!refusals.is_pausing());
    }
}
