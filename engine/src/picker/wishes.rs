//! What the user wants first: files of a higher priority, pieces with a deadline, pieces in their order.
//!
//! Order (protocol.md §9): priority, then deadline, then what was begun, then the rarest; with `sequential`, the
//! first piece instead of the last two. None of it is looked at while the user has no wish.
//!
//! Invariant: `high` and `low` hold missing pieces only, and so do the deadlines.

use super::peers::Peer;
use super::sets::GroupedSet;
use super::{PickReason, Picker};
use crate::geometry::BlockRange;
use crate::id::{ConnId, PieceIndex};
use crate::priority::Priority;
use crate::time::Instant;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Pieces with a deadline at a time, the earliest ones kept: minutes of any film, and a pick may look at all.
const DEADLINES_MAX: usize = 1024;

/// Open pieces that are compared for the rarest before any that fits is taken.
const COMPARED_MAX: usize = 64;

/// The user's wishes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Wishes {
    sequential: bool,
    /// Of every piece; empty when all are as usual.
    priorities: Vec<Priority>,
    high: GroupedSet,
    low: GroupedSet,
    deadlines: BTreeMap<PieceIndex, Instant>,
    by_deadline: BTreeSet<(Instant, PieceIndex)>,
}

impl Wishes {
    pub(super) fn new(pieces: u32) -> Self {
        Self {
            sequential: false,
            priorities: Vec::new(),
            high: GroupedSet::new(pieces),
            low: GroupedSet::new(pieces),
            deadlines: BTreeMap::new(),
            by_deadline: BTreeSet::new(),
        }
    }

    /// Whether there is any.
    pub(super) fn any(&self) -> bool {
        self.sequential
            || !self.by_deadline.is_empty()
            || !self.high.set().is_empty()
            || !self.low.set().is_empty()
    }

    fn class(&self, piece: PieceIndex) -> Priority {
        if self.high.contains(piece) {
            Priority::High
        } else if self.low.contains(piece) {
            Priority::Low
        } else {
            Priority::Normal
        }
    }

    /// The piece is missing.
    pub(super) fn lacks(&mut self, piece: PieceIndex) {
        match self.priorities.get(piece.as_usize()) {
            Some(Priority::High) => {
                self.high.insert(piece);
            }
            Some(Priority::Low) => {
                self.low.insert(piece);
            }
            Some(Priority::Skip | Priority::Normal) | None => {}
        }
    }

    /// The piece is had, or not wanted.
    pub(super) fn needs_no_more(&mut self, piece: PieceIndex) {
        self.high.remove(piece);
        self.low.remove(piece);
        self.set_deadline(piece, None);
    }

    fn set_deadline(&mut self, piece: PieceIndex, at: Option<Instant>) {
        if let Some(old) = self.deadlines.remove(&piece) {
            self.by_deadline.remove(&(old, piece));
        }
        if let Some(at) = at {
            self.deadlines.insert(piece, at);
            self.by_deadline.insert((at, piece));
        }
        if self.by_deadline.len() > DEADLINES_MAX
            && let Some((_, last)) = self.by_deadline.pop_last()
        {
            self.deadlines.remove(&last);
        }
    }
}

impl Picker {
    /// Changes how much each piece is wanted. Returns the requests that are void by that, for `cancel`. Walks all
    /// pieces.
    pub fn set_priorities(&mut self, priorities: &[Priority]) -> Vec<(ConnId, BlockRange)> {
        let mut wanted = crate::bitfield::Bitfield::new(self.geometry.pieces());
        let of = |piece: PieceIndex| priorities.get(piece.as_usize()).copied().unwrap_or_default();
        for piece in self.geometry.piece_indices() {
            if of(piece) != Priority::Skip {
                wanted.insert(piece);
            }
        }
        let plain = |priority: &Priority| matches!(priority, Priority::Normal | Priority::Skip);
        self.wishes.priorities = if priorities.iter().all(plain) {
            Vec::new()
        } else {
            priorities.to_vec()
        };
        self.wishes.high = GroupedSet::new(self.geometry.pieces());
        self.wishes.low = GroupedSet::new(self.geometry.pieces());
        let void = self.set_wanted(&wanted);
        for piece in self.geometry.piece_indices() {
            if self.missing.contains(piece) {
                self.wishes.lacks(piece);
            } else {
                self.wishes.needs_no_more(piece);
            }
        }
        void
    }

    /// Pieces are fetched in their order, or not.
    pub fn set_sequential(&mut self, sequential: bool) {
        self.wishes.sequential = sequential;
        self.freed();
    }

    /// A missing piece is needed at some time, which may be past, or at none.
    pub fn set_deadline(&mut self, piece: PieceIndex, at: Option<Instant>) {
        if self.missing.contains(piece) {
            self.wishes.set_deadline(piece, at);
            self.freed();
        }
    }

    /// The next piece by the user's wishes, opened if it was not; it has a free block that the peer may have.
    pub(super) fn choose_by_wish(&mut self, id: ConnId) -> Option<(PieceIndex, PickReason)> {
        let peer = self.peers.get(&id)?;
        let chosen = [Priority::High, Priority::Normal, Priority::Low]
            .into_iter()
            .find_map(|class| self.wished_of(peer, class));
        let (piece, reason) = chosen?;
        if self.availability.is_open(piece) {
            self.open_piece(piece);
        }
        Some((piece, reason))
    }

    fn wished_of(&self, peer: &Peer, class: Priority) -> Option<(PieceIndex, PickReason)> {
        let fits = |piece: &PieceIndex| {
            self.probes.step();
            peer.has(*piece) && self.wishes.class(*piece) == class
        };
        let pickable = |piece: &PieceIndex| self.availability.is_open(*piece) || self.is_shared(*piece);
        let mut due = self.wishes.by_deadline.iter().map(|(_, piece)| *piece);
        if let Some(piece) = due.find(|piece| fits(piece) && pickable(piece)) {
            return Some((piece, PickReason::Deadline));
        }
        let current = peer.current.filter(|piece| fits(piece) && self.is_shared(*piece));
        let begun = || self.pool.shared().find(fits);
        if self.wishes.sequential {
            let begun = self.pool.shared().filter(fits).min();
            let open = self.first_open(peer, class);
            let piece = begun.into_iter().chain(open).min()?;
            return Some((piece, PickReason::Sequential));
        }
        if let Some(piece) = current.or_else(begun) {
            return Some((piece, PickReason::Partial));
        }
        let rarest = self.availability.rarest_first().take(COMPARED_MAX).find(fits);
        let piece = rarest.or_else(|| self.first_open(peer, class))?;
        Some((
            piece,
            match class {
                Priority::High => PickReason::Preferred,
                Priority::Skip | Priority::Low | Priority::Normal => PickReason::Rarest {
                    availability: self.availability.of(piece),
                },
            },
        ))
    }

    /// The first open piece of a class that a peer has.
    fn first_open(&self, peer: &Peer, class: Priority) -> Option<PieceIndex> {
        let open = self.availability.open_pieces();
        let of_class = match class {
            Priority::High => &self.wishes.high,
            Priority::Low => &self.wishes.low,
            Priority::Skip | Priority::Normal => open,
        };
        let mut from = PieceIndex(0);
        // of the pieces that are passed over, those of another class aside, each is in work
        loop {
            let piece = of_class.next_common(open, from, &self.probes)?;
            if peer.has(piece) && self.wishes.class(piece) == class {
                return Some(piece);
            }
            from = PieceIndex(piece.0 + 1);
        }
    }
}
