//! Transfer rate over a sliding window, in integers.

use crate::time::{Duration, Instant};
use serde::{Deserialize, Serialize};

/// Bytes per second, measured over the last [`Rate::WINDOW`] in [`Rate::SLOTS`] slots: the same shape as the
/// smoothing of the field (libtorrent 10 s, Transmission 2 s slots), without floats.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Rate {
    slots: [u64; Self::SLOTS],
    /// Number of the newest slot, counted from the beginning of the run.
    newest: u64,
    /// Slot of the first byte; the rate of a young stream is not diluted by the time before it.
    first: Option<u64>,
}

impl Rate {
    /// Number of slots of the window.
    pub const SLOTS: usize = 10;
    /// Length of the window.
    pub const WINDOW: Duration = Duration::from_secs(5);
    const SLOT_MICROS: u64 = 500_000;

    fn advance(&mut self, now: Instant) {
        let slot = now.as_micros() / Self::SLOT_MICROS;
        if slot <= self.newest {
            return;
        }
        let stale = (slot - self.newest).min(Self::SLOTS as u64);
        for n in 0..stale {
            self.slots[((slot - n) % Self::SLOTS as u64) as usize] = 0;
        }
        self.newest = slot;
    }

    /// Counts bytes that moved now.
    pub fn add(&mut self, now: Instant, bytes: u64) {
        self.advance(now);
        self.slots[(self.newest % Self::SLOTS as u64) as usize] += bytes;
        self.first.get_or_insert(self.newest);
    }

    /// Bytes per second over the window that ends now.
    pub fn per_second(&self, now: Instant) -> u64 {
        let Some(first) = self.first else { return 0 };
        let slot = now.as_micros() / Self::SLOT_MICROS;
        let oldest = slot.saturating_sub(Self::SLOTS as u64 - 1);
        let sum: u64 = (oldest..=slot.min(self.newest))
            .filter(|n| n + (Self::SLOTS as u64) > self.newest)
            .map(|n| self.slots[(n % Self::SLOTS as u64) as usize])
            .sum();
        let slots = slot.saturating_sub(first.max(oldest)) + 1;
        sum * 1_000_000 / (slots * Self::SLOT_MICROS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_has_its_rate_and_silence_ends_it() {
        let mut rate = Rate::default();
        for tenth in 0..100 {
            rate.add(Instant::from_millis(tenth * 100), 100);
        }
        assert_eq!(rate.per_second(Instant::from_millis(9_900)), 1_000);
        assert!(rate.per_second(Instant::from_millis(12_000)) < 700);
        assert_eq!(rate.per_second(Instant::from_secs(60)), 0);
    }

    #[test]
    fn a_young_stream_is_not_diluted() {
        let mut rate = Rate::default();
        rate.add(Instant::from_secs(100), 500);
        assert_eq!(rate.per_second(Instant::from_secs(100)), 1_000);
    }
}
