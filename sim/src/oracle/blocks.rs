//! Which blocks have come and which are asked for, counted from requests and writes alone.

use seedbed_engine::geometry::{BlockRange, Geometry};
use seedbed_engine::id::PieceIndex;
use seedbed_engine::time::Instant;
use std::net::IpAddr;

/// One piece.
#[derive(Clone, Debug, Default)]
struct Piece {
    /// Who sent each block that was written, if it came.
    from: Vec<Option<IpAddr>>,
    /// When each of those came.
    came_at: Vec<Instant>,
    /// Requests of each block that are not answered, taken back or released.
    asked: Vec<u16>,
    /// When a block of it was last asked for.
    asked_at: Option<Instant>,
    /// Its hash was wrong, or the disk failed: what came may be forgotten at any time.
    unsure: bool,
    /// Of each block, whether it came since: those are forgotten for nothing that was before.
    fresh: Vec<bool>,
    /// Its hash was wrong: it is for one peer alone now, until it is verified.
    failed: bool,
}

/// All blocks of a torrent.
#[derive(Clone, Debug)]
pub(crate) struct Blocks {
    geometry: Geometry,
    pieces: Vec<Piece>,
    /// A block has become free since this was last asked.
    freed: bool,
}

impl Blocks {
    pub(crate) fn new(geometry: Geometry) -> Self {
        let piece = |piece| {
            let blocks = geometry.blocks_in(piece) as usize;
            Piece {
                from: vec![None; blocks],
                came_at: vec![Instant::START; blocks],
                asked: vec![0; blocks],
                asked_at: None,
                unsure: false,
                fresh: vec![false; blocks],
                failed: false,
            }
        };
        Self {
            geometry,
            pieces: geometry.piece_indices().map(piece).collect(),
            freed: false,
        }
    }

    fn place(&self, range: BlockRange) -> Option<(usize, usize)> {
        let block = self.geometry.block_number(range)?;
        Some((range.piece.as_usize(), block as usize))
    }

    /// A block was written. False when it had come before.
    pub(crate) fn came(&mut self, range: BlockRange, from: IpAddr, now: Instant) -> bool {
        let Some((piece, block)) = self.place(range) else {
            return false;
        };
        let piece = &mut self.pieces[piece];
        piece.fresh[block] = true;
        piece.came_at[block] = now;
        piece.from[block].replace(from).is_none()
    }

    /// Whether it has come for certain.
    pub(crate) fn has_come(&self, range: BlockRange) -> bool {
        let place = self.place(range);
        place.is_some_and(|(piece, block)| {
            self.pieces[piece].from[block].is_some() && !self.pieces[piece].unsure
        })
    }

    pub(crate) fn asked(&mut self, range: BlockRange, now: Instant) {
        if let Some((piece, block)) = self.place(range) {
            if self.pieces[piece].unsure && self.pieces[piece].from[block].is_some() {
                self.forget_older(piece, block);
            }
            self.pieces[piece].asked[block] += 1;
            self.pieces[piece].asked_at = Some(now);
        }
    }

    /// This block is needed again, and with it what came when it did.
    fn forget_older(&mut self, piece: usize, block: usize) {
        let of = &mut self.pieces[piece];
        let all = of.fresh[block];
        let came = of.from.iter_mut().zip(&of.fresh);
        came.filter(|(_, fresh)| all || !**fresh)
            .for_each(|(from, _)| *from = None);
        of.unsure = false;
    }

    pub(crate) fn unasked(&mut self, range: BlockRange) {
        if let Some((piece, block)) = self.place(range) {
            let asked = &mut self.pieces[piece].asked[block];
            *asked = asked.saturating_sub(1);
            self.freed |= *asked == 0 && self.pieces[piece].from[block].is_none();
        }
    }

    /// Whether a block has become free since the last call.
    pub(crate) fn take_freed(&mut self) -> bool {
        std::mem::take(&mut self.freed)
    }

    /// Whether all of the piece that was ever asked for was asked for before this moment.
    pub(crate) fn asked_before(&self, piece: PieceIndex, moment: Instant) -> bool {
        let asked_at = self.pieces.get(piece.as_usize()).and_then(|piece| piece.asked_at);
        asked_at.is_some_and(|asked_at| asked_at < moment)
    }

    /// Whether something of the piece came from there, all of it before this moment.
    pub(crate) fn came_before(&self, piece: PieceIndex, from: IpAddr, moment: Instant) -> bool {
        self.pieces.get(piece.as_usize()).is_some_and(|piece| {
            let came = piece.from.iter().zip(&piece.came_at);
            let mut theirs = came.filter(|(who, _)| **who == Some(from)).peekable();
            theirs.peek().is_some() && theirs.all(|(_, at)| *at < moment)
        })
    }

    /// How many are asked for it.
    pub(crate) fn askers(&self, range: BlockRange) -> u16 {
        self.place(range)
            .map_or(0, |(piece, block)| self.pieces[piece].asked[block])
    }

    /// Its bytes are doubtful.
    pub(crate) fn doubt(&mut self, piece: PieceIndex) {
        if let Some(piece) = self.pieces.get_mut(piece.as_usize()) {
            piece.unsure = true;
            piece.fresh.fill(false);
        }
    }

    /// A block that came is lost again.
    pub(crate) fn lost(&mut self, range: BlockRange) {
        if let Some((piece, block)) = self.place(range) {
            self.pieces[piece].from[block] = None;
        }
    }

    /// Its blocks are needed again.
    pub(crate) fn forget(&mut self, piece: PieceIndex) {
        if let Some(piece) = self.pieces.get_mut(piece.as_usize()) {
            piece.from.fill(None);
            piece.unsure = false;
        }
    }

    /// Its hash was wrong.
    pub(crate) fn failed(&mut self, piece: PieceIndex) {
        if let Some(piece) = self.pieces.get_mut(piece.as_usize()) {
            piece.failed = true;
        }
    }

    /// Whether it is not known here which of its blocks are free.
    pub(crate) fn is_doubtful(&self, piece: PieceIndex) -> bool {
        let of = self.pieces.get(piece.as_usize());
        of.is_some_and(|of| of.unsure || of.failed)
    }

    /// The blocks of the piece that have not come, that nobody is asked for and that anybody may be asked for.
    pub(crate) fn free(&self, piece: PieceIndex) -> impl Iterator<Item = u32> + '_ {
        let of = self.pieces.get(piece.as_usize());
        let of = of.filter(|of| !of.unsure && !of.failed).into_iter();
        let blocks = of.flat_map(|of| of.from.iter().zip(&of.asked).zip(0..));
        blocks.filter_map(|((from, asked), n)| (from.is_none() && *asked == 0).then_some(n))
    }

    /// The blocks of the piece that have not come and that somebody is asked for, with how many are.
    pub(crate) fn owed(&self, piece: PieceIndex) -> impl Iterator<Item = (u32, u16)> + '_ {
        let of = self.pieces.get(piece.as_usize());
        let of = of.filter(|of| !of.unsure && !of.failed).into_iter();
        let blocks = of.flat_map(|of| of.from.iter().zip(&of.asked).zip(0..));
        blocks.filter_map(|((from, asked), n)| (from.is_none() && *asked > 0).then_some((n, *asked)))
    }

    /// Who sent its blocks; none is missing.
    pub(crate) fn senders(&self, piece: PieceIndex) -> Option<Vec<IpAddr>> {
        let of = self.pieces.get(piece.as_usize())?;
        let mut senders = of.from.iter().copied().collect::<Option<Vec<_>>>()?;
        senders.sort_unstable();
        senders.dedup();
        Some(senders)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_free_until_it_is_asked_for_or_has_come() {
        let geometry = Geometry::new(200, 100, 50).unwrap();
        let mut blocks = Blocks::new(geometry);
        let ip: IpAddr = [10, 0, 0, 1].into();
        let piece = PieceIndex(1);
        let block = |n| geometry.block(piece, n).unwrap();
        let free = |blocks: &Blocks| blocks.free(piece).next();
        assert_eq!(free(&blocks), Some(0));
        blocks.asked(block(0), Instant::START);
        assert_eq!(free(&blocks), Some(1));
        assert!(blocks.came(block(1), ip, Instant::START));
        assert!(!blocks.came(block(1), ip, Instant::START));
        assert_eq!((free(&blocks), blocks.senders(piece)), (None, None));
        blocks.unasked(block(0));
        blocks.came(block(0), ip, Instant::START);
        assert_eq!(blocks.senders(piece), Some(vec![ip]));
        blocks.doubt(piece);
        assert!(!blocks.has_come(block(0)));
        blocks.asked(block(0), Instant::START);
        assert_eq!(free(&blocks), Some(1), "asking again forgets what was doubtful");
    }

    #[test]
    fn what_came_before_a_moment_came_wholly_before_it() {
        let geometry = Geometry::new(200, 100, 50).unwrap();
        let mut blocks = Blocks::new(geometry);
        let (one, other): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let piece = PieceIndex(1);
        let at = |seconds| Instant::START + std::time::Duration::from_secs(seconds);
        assert!(!blocks.came_before(piece, one, at(9)), "nothing came");
        blocks.came(geometry.block(piece, 0).unwrap(), one, at(1));
        assert!(blocks.came_before(piece, one, at(2)));
        assert!(!blocks.came_before(piece, one, at(1)));
        assert!(!blocks.came_before(piece, other, at(2)));
        blocks.came(geometry.block(piece, 1).unwrap(), one, at(3));
        assert!(!blocks.came_before(piece, one, at(2)), "only a part of it");
        assert!(blocks.came_before(piece, one, at(4)));
    }
}
