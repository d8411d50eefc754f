//! The order in which pieces are chosen for a peer.

use super::blocks::PartialPiece;
use super::peers::{IdleMark, Peer, Pieces};
use super::sets::GroupedSet;
use super::{Phase, Pick, PickMode, PickReason, Picker};
use crate::id::{ConnId, PieceIndex};
use alloc::vec::Vec;

/// Pieces or partial pieces that are looked at one by one before a search by groups takes over. Half of the pieces
/// of an ordinary leecher fit, so the first few nearly always hold a hit.
const SCAN_MAX: usize = 64;

/// Common pieces that a search by groups compares. A peer with no more open pieces than this gets its rarest one
/// exactly; a fuller one the rarest of a random stretch.
const SAMPLE_MAX: usize = 256;

/// Allowed-fast pieces that are looked at. BEP 6 grants 10; the list is the peer's word.
const ALLOWED_MAX: usize = 64;

impl Picker {
    /// Chooses up to `n` blocks for a peer and marks them requested from it. They are appended to `out`.
    pub fn pick(&mut self, peer: ConnId, n: usize, how: PickMode<'_>, out: &mut Vec<Pick>) {
        self.note_snubbed(peer, how.snubbed);
        if n == 0 || !self.interesting(peer) {
            return;
        }
        let mark = IdleMark {
            epoch: self.epoch,
            snubbed: how.snubbed,
            exclusive: how.exclusive,
            queue_empty: self.outstanding(peer) == 0,
        };
        let was_exclusive = self.peers.get(&peer).is_some_and(|state| state.exclusive);
        if was_exclusive && !how.exclusive {
            self.end_exclusive(peer);
        }
        if how.allowed.is_none() && self.peers.get(&peer).and_then(|state| state.idle) == Some(mark) {
            return;
        }
        let goal = out.len() + n;
        let start = out.len();
        while out.len() < goal {
            let Some((piece, reason)) = self.choose(peer, how) else {
                break;
            };
            let before = out.len();
            self.take_blocks(peer, piece, reason, goal, out);
            assert!(out.len() > before, "a piece is chosen that has no free block");
        }
        self.settle();
        if out.len() == start && mark.queue_empty {
            let races = how.races.clamp(1, n);
            out.extend((0..races).map_while(|_| self.endgame_pick(peer, how)));
        }
        if out.len() < goal && how.allowed.is_none() {
            let found_none = out.len() == start;
            let mark = IdleMark {
                epoch: self.epoch,
                queue_empty: mark.queue_empty && found_none,
                ..mark
            };
            if let Some(state) = self.peers.get_mut(&peer) {
                state.idle = Some(mark);
            }
        }
    }

    /// What a snubbed peer is busy with is open to peers on parole.
    fn note_snubbed(&mut self, peer: ConnId, snubbed: bool) {
        if let Some(state) = self.peers.get_mut(&peer)
            && core::mem::replace(&mut state.snubbed, snubbed) != snubbed
        {
            self.epoch += 1;
        }
    }

    /// Whether everyone who owes a block of the piece is snubbed, or nobody does.
    fn is_abandoned(&self, partial: &PartialPiece) -> bool {
        let mut requesters = partial.busy_blocks().flat_map(|(_, requesters)| requesters);
        requesters.all(|requester| self.is_snubbed(*requester))
    }

    pub(super) fn is_snubbed(&self, peer: ConnId) -> bool {
        self.peers.get(&peer).is_some_and(|state| state.snubbed)
    }

    /// Requests the first free blocks of a piece until `out` holds `goal` picks.
    fn take_blocks(
        &mut self,
        peer: ConnId,
        piece: PieceIndex,
        reason: PickReason,
        goal: usize,
        out: &mut Vec<Pick>,
    ) {
        let (geometry, probes) = (self.geometry, &self.probes);
        let Some(state) = self.peers.get_mut(&peer) else {
            return;
        };
        state.current = Some(piece);
        self.pool.update(piece, |partial| {
            while out.len() < goal
                && let Some(block) = partial.first_free()
                && let Some(range) = geometry.block(piece, block)
            {
                probes.step();
                partial.request(block, peer);
                state.requested.insert((piece, block));
                out.push(Pick { range, reason });
            }
        });
    }

    /// The next piece for a peer, opened if it was not; it has a free block that the peer may have.
    fn choose(&mut self, id: ConnId, how: PickMode<'_>) -> Option<(PieceIndex, PickReason)> {
        if let Some(allowed) = how.allowed {
            return self.choose_allowed(id, how, allowed);
        }
        if how.exclusive {
            return self.choose_exclusive(id);
        }
        if self.wishes.any() {
            if let Some(chosen) = self.choose_by_wish(id) {
                return Some(chosen);
            }
            return if self.phase_now() == Phase::OnlyHeld {
                self.break_exclusive(id)
            } else {
                None
            };
        }
        let peer = self.peers.get(&id)?;
        // the peer may have lost the piece since: a second bitfield replaces the first
        let current = peer
            .current
            .filter(|piece| peer.has(*piece) && self.is_shared(*piece));
        if let Some(piece) = current {
            return Some((piece, PickReason::Partial));
        }
        let partials_max = self.peers.len() * self.config.partials_per_peer as usize;
        let open_first = how.snubbed || (how.fast && self.pool.shared_len() < partials_max);
        let near = if open_first { 0 } else { SCAN_MAX };
        if let Some(piece) = self.shared_partial(peer, near) {
            return Some((piece, PickReason::Partial));
        }
        if let Some((piece, reason)) = self.choose_open(id, how.snubbed) {
            self.open_piece(piece);
            return Some((piece, reason));
        }
        let peer = self.peers.get(&id)?;
        if let Some(piece) = self.shared_partial(peer, usize::MAX) {
            return Some((piece, PickReason::Partial));
        }
        if self.phase_now() == Phase::OnlyHeld {
            return self.break_exclusive(id);
        }
        None
    }

    fn choose_allowed(
        &mut self,
        id: ConnId,
        how: PickMode<'_>,
        allowed: &[PieceIndex],
    ) -> Option<(PieceIndex, PickReason)> {
        let peer = self.peers.get(&id)?;
        let usable = |piece: &PieceIndex| {
            self.probes.step();
            let partial = self.pool.get(*piece);
            let free = partial.is_some_and(|partial| {
                partial.free() > 0
                    && match partial.exclusive {
                        Some(owner) => owner == id,
                        None => !how.exclusive,
                    }
            });
            peer.has(*piece) && (free || self.availability.is_open(*piece))
        };
        let piece = allowed.iter().take(ALLOWED_MAX).copied().find(usable)?;
        if self.availability.is_open(piece) {
            self.open_piece(piece);
            if how.exclusive {
                self.hold(id, piece);
            }
        }
        Some((piece, PickReason::AllowedFast))
    }

    /// For a peer on parole: pieces that it alone contributes to. If there is none left, it may go on with a piece
    /// that nobody is busy with but snubbed peers, or the last pieces of a download could wait for ever for someone
    /// who has left, or who takes requests and answers none.
    fn choose_exclusive(&mut self, id: ConnId) -> Option<(PieceIndex, PickReason)> {
        let peer = self.peers.get(&id)?;
        let own = |piece: &PieceIndex| {
            self.probes.step();
            let partial = self.pool.get(*piece);
            peer.has(*piece) && partial.is_some_and(|partial| partial.exclusive == Some(id))
        };
        if let Some(piece) = self.pool.held().find(own) {
            return Some((piece, PickReason::Exclusive));
        }
        let piece = if let Some((piece, _)) = self.choose_open(id, false) {
            self.open_piece(piece);
            piece
        } else {
            let peer = self.peers.get(&id)?;
            let abandoned = |piece: &PieceIndex| {
                self.probes.step();
                peer.has(*piece)
                    && self
                        .pool
                        .get(*piece)
                        .is_some_and(|partial| self.is_abandoned(partial))
            };
            self.pool.shared().chain(self.pool.held()).find(abandoned)?
        };
        self.hold(id, piece);
        Some((piece, PickReason::Exclusive))
    }

    /// An open piece that the peer has: suggested, random at first, then by availability.
    fn choose_open(&mut self, id: ConnId, commonest: bool) -> Option<(PieceIndex, PickReason)> {
        if self.availability.none_open() {
            return None;
        }
        let state = self.peers.get_mut(&id)?;
        while let Some(piece) = state.suggested.pop_back() {
            self.probes.step();
            if state.has(piece) && self.availability.is_open(piece) {
                return Some((piece, PickReason::Suggested));
            }
        }
        let open = self.availability.open_pieces();
        let of_peer = match &self.peers.get(&id)?.pieces {
            Pieces::None => return None,
            Pieces::All => open,
            Pieces::Some(set) => set,
        };
        if !commonest && self.have.count() < self.config.random_first_pieces {
            let from = PieceIndex(self.rng.below(self.geometry.pieces()));
            let piece = of_peer.next_common_round(open, from, &self.probes)?;
            return Some((piece, PickReason::Random));
        }
        let has = |piece: &PieceIndex| {
            self.probes.step();
            of_peer.contains(*piece)
        };
        let near = if commonest {
            self.availability.rarest_first().rev().take(SCAN_MAX).find(has)
        } else {
            self.availability.rarest_first().take(SCAN_MAX).find(has)
        };
        let piece = match near {
            Some(piece) => piece,
            None => {
                let from = PieceIndex(self.rng.below(self.geometry.pieces()));
                self.search_open(of_peer, from, commonest)?
            }
        };
        let availability = self.availability.of(piece);
        let reason = if commonest {
            PickReason::Common { availability }
        } else {
            PickReason::Rarest { availability }
        };
        Some((piece, reason))
    }

    /// The rarest (or commonest) of the first [`SAMPLE_MAX`] open pieces of a set, from `from` on round the end.
    fn search_open(&self, of_peer: &GroupedSet, from: PieceIndex, commonest: bool) -> Option<PieceIndex> {
        let open = self.availability.open_pieces();
        let mut best: Option<((u32, u32), PieceIndex)> = None;
        let mut next = of_peer.next_common_round(open, from, &self.probes);
        let first = next;
        for _ in 0..SAMPLE_MAX {
            let Some(piece) = next else { break };
            let availability = self.availability.of(piece);
            let rank = if commonest {
                u32::MAX - availability
            } else {
                availability
            };
            let rank = (rank, self.availability.tie(piece));
            if best.is_none_or(|(least, _)| rank < least) {
                best = Some((rank, piece));
            }
            next = of_peer
                .next_common_round(open, PieceIndex(piece.0 + 1), &self.probes)
                .filter(|piece| Some(*piece) != first);
        }
        best.map(|(_, piece)| piece)
    }

    /// The oldest partial piece that is shared and that the peer has, among the first `within`.
    fn shared_partial(&self, peer: &Peer, within: usize) -> Option<PieceIndex> {
        self.pool.shared().take(within).find(|piece| {
            self.probes.step();
            peer.has(*piece)
        })
    }

    /// Nothing else is free: take what a peer on parole holds. Its blame will be less exact, the download goes on.
    fn break_exclusive(&mut self, id: ConnId) -> Option<(PieceIndex, PickReason)> {
        let peer = self.peers.get(&id)?;
        let piece = self.pool.held().find(|piece| peer.has(*piece))?;
        self.pool.update(piece, |partial| partial.exclusive = None);
        Some((piece, PickReason::Partial))
    }

    /// Whether the piece has a free block for everyone.
    pub(super) fn is_shared(&self, piece: PieceIndex) -> bool {
        self.pool
            .get(piece)
            .is_some_and(|partial| partial.free() > 0 && partial.exclusive.is_none())
    }

    fn phase_now(&mut self) -> Phase {
        self.settle();
        self.phase
    }

    fn hold(&mut self, id: ConnId, piece: PieceIndex) {
        self.pool.update(piece, |partial| partial.exclusive = Some(id));
        if let Some(state) = self.peers.get_mut(&id) {
            state.exclusive = true;
        }
    }

    /// The peer is off parole, or gone: what it held is everyone's again.
    pub(super) fn end_exclusive(&mut self, id: ConnId) {
        let held: Vec<PieceIndex> = self
            .pool
            .held()
            .filter(|piece| {
                self.pool
                    .get(*piece)
                    .is_some_and(|partial| partial.exclusive == Some(id))
            })
            .collect();
        for piece in &held {
            self.pool.update(*piece, |partial| partial.exclusive = None);
        }
        if let Some(state) = self.peers.get_mut(&id) {
            state.exclusive = false;
        }
        if !held.is_empty() {
            self.freed();
        }
    }

    pub(super) fn open_piece(&mut self, piece: PieceIndex) {
        self.availability.close(piece);
        self.pool.open(piece, self.geometry.blocks_in(piece));
    }
}
