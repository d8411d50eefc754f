//! The peer's requests to us: which wait, which are being read, how much is unsent.

use crate::block::Block;
use crate::geometry::BlockRange;
use crate::id::PieceIndex;
use crate::rate::Rate;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// While choked, an allowed-fast piece is served so many times at the most [libtorrent].
const FAST_SERVINGS_MAX: u32 = 3;

/// The upload side of a connection.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Uploads {
    /// Accepted and not yet given to the disk.
    queue: VecDeque<BlockRange>,
    /// Being read.
    reading: Vec<BlockRange>,
    /// Read, and kept back by a rate limit.
    ready: VecDeque<(BlockRange, Block)>,
    /// Bytes given to the driver and not yet taken by the system.
    pub(super) unsent: u64,
    /// Requests that could not be answered.
    pub(super) bad: u32,
    /// Blocks served of each allowed-fast piece while the peer was choked.
    fast_served: BTreeMap<PieceIndex, u32>,
    pub(super) rate: Rate,
}

impl Uploads {
    pub(super) fn len(&self) -> usize {
        self.queue.len() + self.reading.len() + self.ready.len()
    }

    /// Whether this request is already queued or being read.
    pub(super) fn contains(&self, range: BlockRange) -> bool {
        let ready = || self.ready.iter().any(|(kept, _)| *kept == range);
        self.queue.contains(&range) || self.reading.contains(&range) || ready()
    }

    pub(super) fn push(&mut self, range: BlockRange) {
        self.queue.push_back(range);
    }

    /// Counts a block of an allowed-fast piece served to a choked peer; false when it had its share.
    pub(super) fn serve_fast(&mut self, piece: PieceIndex, blocks_in_piece: u32) -> bool {
        let served = self.fast_served.entry(piece).or_default();
        *served += 1;
        *served <= blocks_in_piece.saturating_mul(FAST_SERVINGS_MAX)
    }

    /// Takes a request that waits. False when it is unknown, or being read: then its block is sent all the same.
    pub(super) fn cancel(&mut self, range: BlockRange) -> bool {
        if let Some(at) = self.ready.iter().position(|(kept, _)| *kept == range) {
            self.ready.remove(at);
            return true;
        }
        let Some(at) = self.queue.iter().position(|queued| *queued == range) else {
            return false;
        };
        self.queue.remove(at);
        true
    }

    /// Bytes on their way: unsent, being read, or kept back.
    pub(super) fn in_flight(&self) -> u64 {
        let kept = self.ready.iter().map(|(range, _)| range);
        let lengths = self
            .reading
            .iter()
            .chain(kept)
            .map(|range| u64::from(range.length));
        self.unsent + lengths.sum::<u64>()
    }

    /// The next request to read, while fewer than `bytes_max` are on their way.
    pub(super) fn next(&mut self, bytes_max: u64) -> Option<BlockRange> {
        if self.queue.is_empty() || self.in_flight() >= bytes_max {
            return None;
        }
        let range = self.queue.pop_front()?;
        self.reading.push(range);
        Some(range)
    }

    /// A read ended. False when it is not wanted any more.
    pub(super) fn read(&mut self, range: BlockRange) -> bool {
        let Some(at) = self.reading.iter().position(|reading| *reading == range) else {
            return false;
        };
        self.reading.remove(at);
        true
    }

    /// A block was read, and waits for its turn.
    pub(super) fn keep(&mut self, range: BlockRange, data: Block) {
        self.ready.push_back((range, data));
    }

    /// The length of the block whose turn is next.
    pub(super) fn next_ready(&self) -> Option<u32> {
        self.ready.front().map(|(range, _)| range.length)
    }

    /// The block whose turn it is.
    pub(super) fn take_ready(&mut self) -> Option<(BlockRange, Block)> {
        self.ready.pop_front()
    }

    /// Takes out all that is not in `kept`: the peer was choked.
    pub(super) fn drop_except(&mut self, kept: &[PieceIndex]) -> Vec<BlockRange> {
        let keep = |range: &BlockRange| kept.contains(&range.piece);
        let ready = self.ready.iter().map(|(range, _)| range);
        let dropped = self
            .queue
            .iter()
            .chain(&self.reading)
            .chain(ready)
            .filter(|range| !keep(range))
            .copied()
            .collect();
        self.queue.retain(keep);
        self.reading.retain(keep);
        self.ready.retain(|(range, _)| keep(range));
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(piece: u32) -> BlockRange {
        BlockRange {
            piece: PieceIndex(piece),
            begin: 0,
            length: 100,
        }
    }

    #[test]
    fn reads_stop_at_the_bound() {
        let mut uploads = Uploads::default();
        (0..3).for_each(|n| uploads.push(range(n)));
        assert_eq!(uploads.next(150), Some(range(0)));
        assert_eq!(uploads.next(150), Some(range(1)));
        assert_eq!(uploads.next(150), None);
        assert!(uploads.read(range(0)) && !uploads.read(range(0)));
        uploads.unsent = 100;
        assert_eq!(uploads.next(150), None);
        uploads.unsent = 0;
        assert_eq!(uploads.next(150), Some(range(2)));
    }

    #[test]
    fn a_choke_keeps_only_what_was_granted() {
        let mut uploads = Uploads::default();
        (0..4).for_each(|n| uploads.push(range(n)));
        uploads.next(u64::MAX);
        assert_eq!(
            uploads.drop_except(&[PieceIndex(2)]),
            [range(1), range(2), range(3), range(0)]
                .into_iter()
                .filter(|r| r.piece.0 != 2)
                .collect::<Vec<_>>()
        );
        assert_eq!(uploads.len(), 1);
        assert!(
            !uploads.read(range(0)),
            "a block read for a choked peer is not sent"
        );
    }

    #[test]
    fn an_allowed_fast_piece_is_served_three_times() {
        let mut uploads = Uploads::default();
        let served = (0..10).filter(|_| uploads.serve_fast(PieceIndex(1), 2)).count();
        assert_eq!(served, 6);
    }
}
