//! What was read for uploads: whole windows of a piece, so that a peer that asks block after block costs one read and
//! one hop to another thread a window.
//!
//! Blocks share the bytes of their window, so one block that waits to be sent keeps a whole window in memory. A peer that
//! asks for one block of each window and takes none would keep sixteen times what the engine counts; therefore windows of
//! which blocks are out have a bound, beyond which blocks are copied, and they count as part of what is kept.

use seedbed_engine::block::Block;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{OpId, PieceIndex, TorrentId};
use std::collections::BTreeMap;

/// Bytes of a window: a read of this size costs little more than one of a block, and it fits the second-level cache
/// until it was sent.
pub(crate) const WINDOW: u32 = 256 * 1024;

/// A window of a piece. Ordered by torrent, then piece.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Key {
    torrent: TorrentId,
    piece: PieceIndex,
    number: u32,
}

/// Windows in memory and on their way.
#[derive(Debug)]
pub(crate) struct Windows {
    slots: BTreeMap<Key, Slot>,
    /// Windows that are not kept any more, while blocks of them are out.
    lent: Vec<Block>,
    bytes: u64,
    max: u64,
    uses: u64,
}

#[derive(Debug)]
enum Slot {
    Ready {
        data: Block,
        used: u64,
    },
    Loading {
        waiting: Vec<(OpId, BlockRange)>,
        /// The piece changed meanwhile: good for who asked before, not to be kept.
        stale: bool,
    },
}

/// Where a read gets its bytes from.
#[derive(Debug)]
pub(crate) enum Found {
    /// From memory.
    Ready(Block),
    /// From a window that is on its way.
    Waits,
    /// From this range, which has to be read and handed to [`Windows::loaded`].
    Load(Key, BlockRange),
    /// It does not lie within one window: read it alone.
    Alone,
}

impl Windows {
    /// Keeps up to `max` bytes, with what blocks that are out keep.
    pub(crate) const fn new(max: u64) -> Self {
        Self {
            slots: BTreeMap::new(),
            lent: Vec::new(),
            bytes: 0,
            max,
            uses: 0,
        }
    }

    /// Looks a range of a piece of `piece_length` bytes up.
    pub(crate) fn find(
        &mut self,
        torrent: TorrentId,
        op: OpId,
        range: BlockRange,
        piece_length: u32,
    ) -> Found {
        let number = range.begin / WINDOW;
        let begin = number * WINDOW;
        if range.begin + range.length > begin.saturating_add(WINDOW) {
            return Found::Alone;
        }
        let key = Key {
            torrent,
            piece: range.piece,
            number,
        };
        self.uses += 1;
        let shares = self.is_out(key) || self.has_room();
        match self.slots.get_mut(&key) {
            Some(Slot::Ready { data, used }) => {
                *used = self.uses;
                Found::Ready(part(data, range, shares))
            }
            Some(Slot::Loading {
                waiting,
                stale: false,
            }) => {
                waiting.push((op, range));
                Found::Waits
            }
            Some(Slot::Loading { stale: true, .. }) => Found::Alone,
            None => {
                let waiting = vec![(op, range)];
                self.slots.insert(
                    key,
                    Slot::Loading {
                        waiting,
                        stale: false,
                    },
                );
                let length = WINDOW.min(piece_length - begin);
                Found::Load(
                    key,
                    BlockRange {
                        piece: range.piece,
                        begin,
                        length,
                    },
                )
            }
        }
    }

    /// A window was read. Returns who asked for which block of it.
    pub(crate) fn loaded(&mut self, key: Key, data: Block) -> Vec<(OpId, Block)> {
        let Some(Slot::Loading { waiting, stale }) = self.slots.remove(&key) else {
            return Vec::new();
        };
        let room = self.has_room();
        let cut = |(op, range)| (op, part(&data, range, room));
        let parts = waiting.into_iter().map(cut).collect();
        if stale {
            self.lend(data);
        } else {
            self.bytes += data.len() as u64;
            let used = self.uses;
            self.slots.insert(key, Slot::Ready { data, used });
            while self.bytes + total(&self.lent) > self.max && self.evict() {}
        }
        parts
    }

    /// A window could not be read. Returns who asked for it.
    pub(crate) fn failed(&mut self, key: Key) -> Vec<OpId> {
        match self.slots.remove(&key) {
            Some(Slot::Loading { waiting, .. }) => waiting.into_iter().map(|(op, _)| op).collect(),
            Some(Slot::Ready { .. }) | None => Vec::new(),
        }
    }

    /// Whether blocks of this window are out.
    fn is_out(&self, key: Key) -> bool {
        matches!(self.slots.get(&key), Some(Slot::Ready { data, .. }) if data.is_shared())
    }

    /// Whether blocks may keep one window more.
    fn has_room(&mut self) -> bool {
        self.lent.retain(Block::is_shared);
        let kept = self.slots.values().filter_map(|slot| match slot {
            Slot::Ready { data, .. } => Some(data).filter(|data| data.is_shared()),
            Slot::Loading { .. } => None,
        });
        // the rest is for those who take what they ask for
        total(kept.chain(&self.lent)) < self.max / 4 * 3
    }

    /// A window is not kept any more; blocks of it may be out.
    fn lend(&mut self, data: Block) {
        if data.is_shared() {
            self.lent.push(data);
        }
    }

    /// Forgets the window that was used longest ago.
    fn evict(&mut self) -> bool {
        let age = |(key, slot): (&Key, &Slot)| match slot {
            Slot::Ready { used, .. } => Some((*used, *key)),
            Slot::Loading { .. } => None,
        };
        let Some((_, key)) = self.slots.iter().filter_map(age).min() else {
            return false;
        };
        self.remove(key);
        true
    }

    fn remove(&mut self, key: Key) {
        if let Some(Slot::Loading { stale, .. }) = self.slots.get_mut(&key) {
            *stale = true;
        } else if let Some(Slot::Ready { data, .. }) = self.slots.remove(&key) {
            self.bytes -= data.len() as u64;
            self.lend(data);
        }
    }

    /// The content of a piece changes.
    pub(crate) fn forget_piece(&mut self, torrent: TorrentId, piece: PieceIndex) {
        self.forget(torrent, piece, piece);
    }

    /// A torrent is closed.
    pub(crate) fn forget_torrent(&mut self, torrent: TorrentId) {
        self.forget(torrent, PieceIndex(0), PieceIndex(u32::MAX));
    }

    fn forget(&mut self, torrent: TorrentId, first: PieceIndex, last: PieceIndex) {
        if self.slots.is_empty() {
            return;
        }
        let key = |piece, number| Key {
            torrent,
            piece,
            number,
        };
        let keys: Vec<_> = self
            .slots
            .range(key(first, 0)..=key(last, u32::MAX))
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            self.remove(key);
        }
    }
}

fn total<'a>(windows: impl IntoIterator<Item = &'a Block>) -> u64 {
    windows.into_iter().map(|data| data.len() as u64).sum()
}

/// A part of a window, which shares its bytes or is a copy.
fn part(window: &Block, range: BlockRange, shares: bool) -> Block {
    let from = (range.begin % WINDOW) as usize;
    let part = window.slice(from..from + range.length as usize);
    if shares {
        part
    } else {
        Block::from(part.as_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TORRENT: TorrentId = TorrentId(1);

    fn range(piece: u32, begin: u32, length: u32) -> BlockRange {
        BlockRange {
            piece: PieceIndex(piece),
            begin,
            length,
        }
    }

    fn find(windows: &mut Windows, op: u64, range: BlockRange) -> Found {
        windows.find(TORRENT, OpId(op), range, 300_000)
    }

    fn load(windows: &mut Windows, op: u64, range: BlockRange) -> Key {
        match find(windows, op, range) {
            Found::Load(key, _) => key,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_window_is_read_once_for_all_who_wait() {
        let mut windows = Windows::new(1_000_000);
        let Found::Load(key, whole) = find(&mut windows, 1, range(0, 270_000, 16)) else {
            panic!()
        };
        assert_eq!(
            whole,
            range(0, WINDOW, 300_000 - WINDOW),
            "cut at the end of the piece"
        );
        assert!(matches!(
            find(&mut windows, 2, range(0, 280_000, 16)),
            Found::Waits
        ));
        let data = Block::from(vec![7; whole.length as usize]);
        assert_eq!(windows.loaded(key, data.clone()).len(), 2);
        assert!(matches!(
            find(&mut windows, 3, range(0, 290_000, 16)),
            Found::Ready(_)
        ));
        assert!(matches!(
            find(&mut windows, 4, range(0, WINDOW - 8, 16)),
            Found::Alone
        ));
    }

    #[test]
    fn a_changed_piece_is_read_again() {
        let mut windows = Windows::new(1_000_000);
        let data = Block::from(vec![7; WINDOW as usize]);
        let key = load(&mut windows, 1, range(0, 0, 16));
        windows.forget_piece(TORRENT, PieceIndex(0));
        assert!(
            matches!(find(&mut windows, 2, range(0, 0, 16)), Found::Alone),
            "not from the old bytes"
        );
        assert_eq!(windows.loaded(key, data.clone()).len(), 1);
        let key = load(&mut windows, 3, range(0, 0, 16));
        windows.loaded(key, data.clone());
        windows.forget_piece(TORRENT, PieceIndex(1));
        assert!(matches!(find(&mut windows, 4, range(0, 0, 16)), Found::Ready(_)));
        windows.forget_torrent(TORRENT);
        load(&mut windows, 5, range(0, 0, 16));
    }

    #[test]
    fn the_longest_unused_window_goes() {
        let mut windows = Windows::new(2 * u64::from(WINDOW));
        for piece in 0..3 {
            let key = load(&mut windows, 1, range(piece, 0, 16));
            windows.loaded(key, Block::from(vec![7; WINDOW as usize]));
            find(&mut windows, 1, range(0, 0, 16));
        }
        assert!(matches!(find(&mut windows, 1, range(0, 0, 16)), Found::Ready(_)));
        assert!(matches!(find(&mut windows, 1, range(2, 0, 16)), Found::Ready(_)));
        assert!(matches!(find(&mut windows, 1, range(1, 0, 16)), Found::Load(..)));
    }

    #[test]
    fn blocks_that_are_out_keep_few_windows() {
        let mut windows = Windows::new(4 * u64::from(WINDOW));
        let mut out = Vec::new();
        for piece in 0..40 {
            let key = load(&mut windows, 1, range(piece, 0, 16));
            let data = Block::from(vec![piece as u8; WINDOW as usize]);
            out.extend(windows.loaded(key, data).into_iter().map(|(_, part)| part));
        }
        assert!(
            out.iter()
                .zip(0..)
                .all(|(part, piece)| part.as_bytes() == [piece; 16])
        );
        assert_eq!(
            out.iter().filter(|part| part.is_shared()).count(),
            3,
            "three quarters"
        );
        assert_eq!(windows.lent.len(), 3);
        assert_eq!(
            windows.bytes,
            u64::from(WINDOW),
            "all together are as many as are kept"
        );
        out.truncate(2);
        let Found::Ready(part) = find(&mut windows, 1, range(39, 16, 16)) else {
            panic!()
        };
        assert!(
            part.is_shared() && windows.lent.len() == 2,
            "what is sent makes room"
        );
    }

    #[test]
    fn a_failed_read_is_tried_again_by_the_next() {
        let mut windows = Windows::new(2 * u64::from(WINDOW));
        let key = load(&mut windows, 1, range(0, 0, 16));
        assert_eq!(windows.failed(key).len(), 1);
        load(&mut windows, 2, range(0, 0, 16));
    }
}
