//! Seeded randomness: one root seed, one independent stream a purpose.
//!
//! Each stream's seed is derived from the root and the purpose's number alone, so one more draw in the choker
//! changes no draw of the picker, and a snapshot of one does not move with the other. The numbers are pinned by
//! golden outputs below: `rand`'s ranges are not promised to be stable, these are.

use alloc::collections::BTreeMap;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

/// What a stream of random numbers is for. The discriminants are part of every recording: never renumber.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Purpose {
    /// Our peer id.
    PeerId = 1,
    /// The `key` parameter of announces (BEP 3, BEP 15).
    TrackerKey = 2,
    /// Transaction ids of UDP trackers (BEP 15).
    Transaction = 3,
    /// Order of trackers within a tier (BEP 12).
    TierShuffle = 4,
    /// Ties of the piece picker and its random first pieces.
    Picker = 5,
    /// The optimistic unchoke.
    Choker = 6,
    /// Order among equal candidates and jitter of reconnects.
    Candidates = 7,
    /// Jitter of re-announces and back-off.
    Announce = 8,
    /// Private keys and paddings of encrypted handshakes (MSE).
    Encryption = 15,
    /// What our announces to the local network are known by (BEP 14).
    LocalDiscovery = 16,
}

impl Purpose {
    /// Every purpose, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::PeerId,
        Self::TrackerKey,
        Self::Transaction,
        Self::TierShuffle,
        Self::Picker,
        Self::Choker,
        Self::Candidates,
        Self::Announce,
        Self::Encryption,
        Self::LocalDiscovery,
    ];
}

/// Where the streams of an engine begin.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Seeds {
    /// All of them at one root, as in every real run.
    Root([u8; 32]),
    /// Each at a seed of its own, by purpose and instance, as a recording has them: one that identifies somebody can
    /// be replaced without a change to the others. A stream that is not named begins at zeros.
    Streams(BTreeMap<(u64, u64), [u8; 32]>),
}

impl Seeds {
    /// The seed of one stream. From it nothing follows about the root or another stream.
    pub fn seed(&self, purpose: Purpose, instance: u64) -> [u8; 32] {
        match self {
            Self::Root(root) => Rng::seed(root, purpose, instance),
            Self::Streams(seeds) => seeds
                .get(&(purpose as u64, instance))
                .copied()
                .unwrap_or_default(),
        }
    }

    /// The stream for a purpose; see [`Rng::derive`].
    pub fn stream(&self, purpose: Purpose, instance: u64) -> Rng {
        Rng::from_seed(self.seed(purpose, instance))
    }
}

/// A stream of random numbers. A clone goes on with the same numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// The stream for a purpose. `instance` separates users of one purpose (the torrent's number; 0 if only one).
    pub fn derive(root: &[u8; 32], purpose: Purpose, instance: u64) -> Self {
        Self::from_seed(Self::seed(root, purpose, instance))
    }

    fn seed(root: &[u8; 32], purpose: Purpose, instance: u64) -> [u8; 32] {
        let mut base = ChaCha8Rng::from_seed(*root);
        base.set_stream(purpose as u64);
        base.set_word_pos(u128::from(instance) * 8);
        let mut seed = [0; 32];
        base.fill_bytes(&mut seed);
        seed
    }

    /// A stream of its own seed.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Fills a buffer with random bytes.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    /// A number below `bound`, each equally likely (Lemire's method); 0 when `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        let threshold = if bound == 0 {
            return 0;
        } else {
            bound.wrapping_neg() % bound
        };
        loop {
            let product = u64::from(self.next_u32()) * u64::from(bound);
            // the low half decides whether the draw is fair, the high half is the answer
            if (product & 0xffff_ffff) as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// True with probability `numerator / denominator`; an integer ratio, so that no rounding can differ.
    pub fn chance(&mut self, numerator: u32, denominator: u32) -> bool {
        self.below(denominator) < numerator
    }

    /// A duration below `bound`, in whole milliseconds.
    pub fn jitter(&mut self, bound: core::time::Duration) -> core::time::Duration {
        let millis = u32::try_from(bound.as_millis()).unwrap_or(u32::MAX);
        core::time::Duration::from_millis(u64::from(self.below(millis)))
    }

    /// Fisher–Yates shuffle. Slices longer than `u32::MAX` keep their tail in place.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        let length = u32::try_from(items.len()).unwrap_or(u32::MAX);
        for last in (1..length).rev() {
            let other = self.below(last + 1);
            items.swap(last as usize, other as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn streams_are_independent_of_each_other() {
        let root = [7; 32];
        let mut picker = Rng::derive(&root, Purpose::Picker, 1);
        let expected: Vec<u32> = (0..4).map(|_| picker.next_u32()).collect();
        let mut choker = Rng::derive(&root, Purpose::Choker, 1);
        let mut picker = Rng::derive(&root, Purpose::Picker, 1);
        let drawn: Vec<u32> = (0..4)
            .map(|_| {
                choker.next_u64();
                picker.next_u32()
            })
            .collect();
        assert_eq!(drawn, expected);
        assert_ne!(Rng::derive(&root, Purpose::Picker, 2).next_u32(), expected[0]);
    }

    #[test]
    fn a_stream_begins_at_its_own_seed_as_at_the_root() {
        let root = Seeds::Root([7; 32]);
        let named = Purpose::ALL.map(|purpose| ((purpose as u64, 3), root.seed(purpose, 3)));
        let streams = Seeds::Streams(named.into_iter().collect());
        for purpose in Purpose::ALL {
            let expected = Rng::derive(&[7; 32], purpose, 3).next_u64();
            assert_eq!(root.stream(purpose, 3).next_u64(), expected);
            assert_eq!(streams.stream(purpose, 3).next_u64(), expected);
            assert_ne!(streams.stream(purpose, 4).next_u64(), expected);
        }
    }

    #[test]
    fn golden_outputs() {
        let mut rng = Rng::from_seed([42; 32]);
        let below: Vec<u32> = (0..8).map(|_| rng.below(10)).collect();
        let mut order: Vec<u32> = (0..8).collect();
        rng.shuffle(&mut order);
        assert_eq!((below, order), (GOLDEN_BELOW.to_vec(), GOLDEN_ORDER.to_vec()));
    }

    const GOLDEN_BELOW: [u32; 8] = [3, 0, 8, 7, 7, 4, 2, 2];
    const GOLDEN_ORDER: [u32; 8] = [3, 6, 1, 2, 4, 0, 7, 5];

    #[test]
    fn below_stays_below_and_reaches_all() {
        let mut rng = Rng::from_seed([1; 32]);
        let mut seen = [0u32; 6];
        for _ in 0..6_000 {
            seen[rng.below(6) as usize] += 1;
        }
        assert!(seen.iter().all(|count| (800..1200).contains(count)), "{seen:?}");
        assert_eq!(rng.below(0), 0);
        assert!(!rng.chance(0, 5));
        assert!(rng.chance(5, 5));
    }
}
