//! Blocks of one piece that are in memory: received and not hashed yet.

use super::work::Held;
use seedbed_engine::block::Block;
use seedbed_engine::geometry::BlockRange;
use std::collections::BTreeMap;

/// When something happened, in writes since the start. Tells blocks that a job took from those that came later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Stamp(pub(crate) u64);

/// The blocks of a piece, by their offset.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    blocks: BTreeMap<u32, Entry>,
    bytes: u64,
    /// When a block came last.
    pub(crate) touched: Stamp,
    /// Bytes that a job that is waiting or running will make superfluous.
    pub(crate) leaving: u64,
}

#[derive(Debug)]
struct Entry {
    data: Block,
    dirty: bool,
    came: Stamp,
}

impl Buffer {
    /// Bytes in memory.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes a block, in place of one that came for the same offset.
    pub(crate) fn insert(&mut self, begin: u32, data: Block, now: Stamp) {
        self.bytes += data.len() as u64;
        self.touched = now;
        let entry = Entry {
            data,
            dirty: true,
            came: now,
        };
        if let Some(old) = self.blocks.insert(begin, entry) {
            self.bytes -= old.data.len() as u64;
        }
    }

    /// The blocks for a job, sorted; they stay here until it is known that they are on the disk.
    pub(crate) fn lend(&self) -> Vec<Held> {
        let held = |(begin, entry): (&u32, &Entry)| Held {
            begin: *begin,
            data: entry.data.clone(),
            dirty: entry.dirty,
        };
        self.blocks.iter().map(held).collect()
    }

    /// The bytes of a range that lies within one block.
    pub(crate) fn get(&self, range: BlockRange) -> Option<Block> {
        let (begin, entry) = self.blocks.range(..=range.begin).next_back()?;
        let from = (range.begin - begin) as usize;
        let to = from.checked_add(range.length as usize)?;
        (to <= entry.data.len()).then(|| entry.data.slice(from..to))
    }

    /// Whether the files lack something.
    pub(crate) fn is_dirty(&self) -> bool {
        self.blocks.values().any(|entry| entry.dirty)
    }

    /// Blocks that came until `upto` are on the disk.
    pub(crate) fn clean(&mut self, upto: Stamp) {
        for entry in self.blocks.values_mut().filter(|entry| entry.came <= upto) {
            entry.dirty = false;
        }
    }

    /// Forgets the blocks that the files have.
    pub(crate) fn drop_clean(&mut self) {
        self.blocks.retain(|_, entry| entry.dirty);
        self.bytes = self.blocks.values().map(|entry| entry.data.len() as u64).sum();
    }

    /// Forgets all blocks.
    pub(crate) fn clear(&mut self) {
        self.blocks.clear();
        self.bytes = 0;
    }

    /// Whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}
