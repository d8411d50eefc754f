//! The pieces of a torrent: which were there, when the others came, which failed.

use super::data::Torrent;
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::id::PieceIndex;
use std::collections::BTreeMap;

/// Pieces that failed, of one page.
const FAILED_MAX: usize = 4_000;

/// Where a piece stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cell {
    Missing,
    /// It was there at the beginning.
    Had,
    /// Verified then.
    At(u64),
}

/// The pieces of one torrent.
#[derive(Clone, Debug)]
pub(super) struct Pieces {
    name: String,
    cells: Vec<Cell>,
    failed: BTreeMap<u32, (u64, u32)>,
}

impl Pieces {
    pub(super) fn new(name: String, pieces: u32) -> Self {
        Self {
            name,
            cells: vec![Cell::Missing; pieces as usize],
            failed: BTreeMap::new(),
        }
    }

    /// `fetched`: it came from peers, and was not found on the disk.
    pub(super) fn verified(&mut self, at: u64, piece: PieceIndex, fetched: bool) {
        if let Some(cell) = self.cells.get_mut(piece.0 as usize) {
            *cell = if fetched { Cell::At(at) } else { Cell::Had };
        }
    }

    pub(super) fn failed(&mut self, at: u64, piece: PieceIndex) {
        self.failed.entry(piece.0).or_insert((at, 0)).1 += 1;
    }

    /// What the engine has now: a piece that nobody told of was found on the disk, one that is gone is missing.
    pub(super) fn agree(&mut self, have: &Bitfield) {
        for (cell, n) in self.cells.iter_mut().zip(0..) {
            match (have.contains(PieceIndex(n)), &cell) {
                (true, Cell::Missing) => *cell = Cell::Had,
                (false, _) => *cell = Cell::Missing,
                _ => {}
            }
        }
    }

    /// The map with so many cells at the most.
    pub(super) fn end(&self, cells_max: usize) -> Torrent {
        let per_cell = self.cells.len().div_ceil(cells_max.max(1)).max(1);
        let groups = || self.cells.chunks(per_cell);
        let there = |group: &[Cell]| group.iter().filter(|cell| **cell != Cell::Missing).count() as u32;
        let had = self.cells.iter().filter(|cell| **cell == Cell::Had).count() as u32;
        Torrent {
            name: self.name.clone(),
            pieces: self.cells.len() as u32,
            have: there(&self.cells),
            had,
            per_cell: per_cell as u32,
            cells: groups().map(last).collect(),
            filled: match per_cell {
                1 => Vec::new(),
                _ => groups().map(there).collect(),
            },
            failed: self
                .failed
                .iter()
                .take(FAILED_MAX)
                .map(|(piece, (at, times))| (*piece, *at, *times))
                .collect(),
        }
    }
}

/// When the last piece of a cell came.
fn last(group: &[Cell]) -> i64 {
    let one = |cell: &Cell| match cell {
        Cell::Missing => -1,
        // below every time, above nothing at all
        Cell::Had => 0,
        Cell::At(at) => 1 + *at as i64,
    };
    match group.iter().map(one).max() {
        None | Some(-1) => -1,
        Some(0) => -2,
        Some(at) => at - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_pieces_share_a_cell() {
        let mut pieces = Pieces::new("x".into(), 10);
        pieces.verified(7, PieceIndex(0), true);
        pieces.verified(0, PieceIndex(9), false);
        pieces.verified(0, PieceIndex(4), true);
        pieces.failed(3, PieceIndex(4));
        pieces.failed(5, PieceIndex(4));
        let torrent = pieces.end(4);
        assert_eq!(torrent.per_cell, 3);
        assert_eq!(torrent.cells, [7, 0, -1, -2]);
        assert_eq!(torrent.filled, [1, 1, 0, 1]);
        assert_eq!(torrent.failed, [(4, 3, 2)]);
        assert_eq!((torrent.have, torrent.had), (3, 1));
    }

    #[test]
    fn pieces_that_nobody_told_of_were_there() {
        let mut pieces = Pieces::new("x".into(), 3);
        pieces.verified(7, PieceIndex(0), true);
        let mut have = Bitfield::new(3);
        have.insert(PieceIndex(2));
        pieces.agree(&have);
        assert_eq!(pieces.end(10).cells, [-1, -1, -2]);
    }
}
