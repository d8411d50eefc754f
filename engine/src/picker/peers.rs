//! What the picker keeps of a peer: its pieces, what it owes, and why it is interesting.

use super::Picker;
use super::sets::GroupedSet;
use crate::bitfield::Bitfield;
use crate::geometry::BlockRange;
use crate::id::{ConnId, PieceIndex};
use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A block by piece and number.
pub(super) type BlockKey = (PieceIndex, u32);

/// The pieces of a peer. A set is kept only when it has to be: seeds and newcomers cost nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Pieces {
    None,
    /// It said have-all, or a bitfield that is full.
    All,
    Some(GroupedSet),
}

/// Why it matters to a peer that a piece is had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Touched {
    /// It does not have the piece: it may want it.
    Lacks,
    /// It has nothing that is wanted and missing.
    Spent,
}

/// The circumstances under which a peer found nothing to request; the same ones need no second look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct IdleMark {
    pub(super) epoch: u64,
    pub(super) snubbed: bool,
    pub(super) exclusive: bool,
    pub(super) queue_empty: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Peer {
    pub(super) pieces: Pieces,
    /// Blocks that it owes us.
    pub(super) requested: BTreeSet<BlockKey>,
    /// Blocks that it owed us once; they may still come. One entry a request, oldest dropped first.
    pub(super) late: VecDeque<BlockKey>,
    /// The piece that it was given last.
    pub(super) current: Option<PieceIndex>,
    /// Pieces that it suggested (BEP 6), newest last.
    pub(super) suggested: VecDeque<PieceIndex>,
    /// A missing piece that it has: why it is interesting. Not kept for seeds, which have them all.
    pub(super) witness: Option<PieceIndex>,
    /// Whether it may hold pieces for itself alone.
    pub(super) exclusive: bool,
    /// Whether it was slow to answer when it was picked for last.
    pub(super) snubbed: bool,
    pub(super) idle: Option<IdleMark>,
}

impl Peer {
    fn new() -> Self {
        Self {
            pieces: Pieces::None,
            requested: BTreeSet::new(),
            late: VecDeque::new(),
            current: None,
            suggested: VecDeque::new(),
            witness: None,
            exclusive: false,
            snubbed: false,
            idle: None,
        }
    }

    pub(super) fn has(&self, piece: PieceIndex) -> bool {
        match &self.pieces {
            Pieces::None => false,
            Pieces::All => true,
            Pieces::Some(set) => set.contains(piece),
        }
    }

    /// Whether it has no piece that is wanted and missing, in a download that is `complete` or not.
    fn is_spent(&self, complete: bool) -> bool {
        match self.pieces {
            Pieces::All => complete,
            Pieces::None | Pieces::Some(_) => self.witness.is_none(),
        }
    }

    /// Moves a request to the ones whose block may still come; false when there was no such request.
    pub(super) fn forget_request(&mut self, key: BlockKey, late_max: usize) -> bool {
        let removed = self.requested.remove(&key);
        if removed {
            if self.late.len() >= late_max {
                self.late.pop_front();
            }
            self.late.push_back(key);
        }
        removed
    }
}

impl Picker {
    /// A connection is up. It has no pieces until it says so.
    pub fn peer_joined(&mut self, peer: ConnId) {
        self.peers.entry(peer).or_insert_with(Peer::new);
    }

    /// A connection is gone. Returns its outstanding requests, which are released.
    pub fn peer_left(&mut self, peer: ConnId) -> Vec<BlockRange> {
        let released = self.release_all(peer);
        self.replace_pieces(peer, Pieces::None);
        self.peers.remove(&peer);
        released
    }

    /// `have`: one more piece. Ignored when there is no such piece.
    pub fn peer_has(&mut self, peer: ConnId, piece: PieceIndex) {
        let pieces = self.geometry.pieces();
        let Some(state) = self.peers.get_mut(&peer).filter(|_| piece.0 < pieces) else {
            return;
        };
        if let Pieces::None = state.pieces {
            state.pieces = Pieces::Some(GroupedSet::new(pieces));
        }
        let Pieces::Some(set) = &mut state.pieces else {
            return;
        };
        if set.insert(piece) {
            state.idle = None;
            if state.witness.is_none() && self.missing.contains(piece) {
                state.witness = Some(piece);
                self.watch.insert((piece, peer));
            }
            self.availability.gained(piece, &mut self.rng);
        }
    }

    /// `lt_donthave` (BEP 54): one piece less. What it was asked for stays asked until it is released.
    pub fn peer_lost(&mut self, peer: ConnId, piece: PieceIndex) {
        let Some(state) = self.peers.get_mut(&peer) else {
            return;
        };
        if matches!(state.pieces, Pieces::All) {
            let mut set = self.all.clone();
            set.remove(piece);
            self.peer_has_set(peer, set);
            return;
        }
        let Pieces::Some(set) = &mut state.pieces else {
            return;
        };
        if !set.remove(piece) {
            return;
        }
        let watched = state.witness == Some(piece);
        self.availability.lost(piece, &mut self.rng);
        // it may no longer have what it fetches alone
        self.end_exclusive(peer);
        if watched {
            self.find_witness(peer, piece);
        }
    }

    /// `bitfield`: the whole set, in place of what was known before (libtorrent takes a second one the same way).
    pub fn peer_has_set(&mut self, peer: ConnId, set: Bitfield) {
        let pieces = self.geometry.pieces();
        let set = if set.capacity() == pieces {
            set
        } else {
            let mut fitting = Bitfield::new(pieces);
            set.iter().for_each(|piece| {
                fitting.insert(piece);
            });
            fitting
        };
        let pieces = if set.is_empty() {
            Pieces::None
        } else if set.is_full() {
            Pieces::All
        } else {
            Pieces::Some(GroupedSet::from_set(set))
        };
        self.replace_pieces(peer, pieces);
    }

    /// `have all` (BEP 6).
    pub fn peer_has_all(&mut self, peer: ConnId) {
        self.replace_pieces(peer, Pieces::All);
    }

    /// `have none` (BEP 6).
    pub fn peer_has_none(&mut self, peer: ConnId) {
        self.replace_pieces(peer, Pieces::None);
    }

    /// `suggest piece` (BEP 6): a hint that is followed when the piece is open. Only the newest few are kept.
    pub fn peer_suggests(&mut self, peer: ConnId, piece: PieceIndex) {
        let limit = self.config.suggested_max;
        if let Some(state) = self.peers.get_mut(&peer)
            && self.missing.contains(piece)
            && !state.suggested.contains(&piece)
        {
            state.suggested.push_back(piece);
            if state.suggested.len() > limit {
                state.suggested.pop_front();
            }
        }
    }

    /// The pieces of a peer; nothing for one that has not joined.
    pub fn peer_set(&self, peer: ConnId) -> Option<&Bitfield> {
        self.peers.get(&peer).map(|state| match &state.pieces {
            Pieces::None => &self.none,
            Pieces::All => &self.all,
            Pieces::Some(set) => set.set(),
        })
    }

    /// Whether the peer has every piece.
    pub fn peer_is_seed(&self, peer: ConnId) -> bool {
        self.peer_set(peer).is_some_and(Bitfield::is_full)
    }

    /// Whether the peer has a piece that is wanted and missing. Takes no walk: a witness is kept.
    pub fn interesting(&self, peer: ConnId) -> bool {
        let state = self.peers.get(&peer);
        state.is_some_and(|state| !state.is_spent(self.is_complete()))
    }

    /// Peers to whom it matters that a piece is had now, in the order of their ids: those that lack it, and those that have
    /// nothing more for us. One walk over the peers; nothing is looked up.
    pub fn touched_by(&self, piece: PieceIndex) -> impl Iterator<Item = (ConnId, Touched)> + '_ {
        let complete = self.is_complete();
        self.peers.iter().filter_map(
            move |(id, peer)| match (peer.has(piece), peer.is_spent(complete)) {
                (false, _) => Some((*id, Touched::Lacks)),
                (true, true) => Some((*id, Touched::Spent)),
                (true, false) => None,
            },
        )
    }

    fn replace_pieces(&mut self, peer: ConnId, pieces: Pieces) {
        // it may no longer have what it fetches alone
        self.end_exclusive(peer);
        let Some(state) = self.peers.get_mut(&peer) else {
            return;
        };
        state.idle = None;
        let old = core::mem::replace(&mut state.pieces, pieces);
        match &state.pieces {
            Pieces::None => {}
            Pieces::All => self.availability.seed_joined(),
            Pieces::Some(set) => {
                for piece in set.set().iter() {
                    self.availability.gained(piece, &mut self.rng);
                }
            }
        }
        match old {
            Pieces::None => {}
            Pieces::All => self.availability.seed_left(),
            Pieces::Some(set) => {
                for piece in set.set().iter() {
                    self.availability.lost(piece, &mut self.rng);
                }
            }
        }
        // peers that join together start at different places, so that their witnesses are not one piece
        let from = PieceIndex(self.rng.below(self.geometry.pieces()));
        self.find_witness(peer, from);
    }

    /// Looks for a missing piece that the peer has, from `from` on round the end. Missing pieces only become fewer
    /// in the common case, so the search goes round each set about once in a download.
    pub(super) fn find_witness(&mut self, peer: ConnId, from: PieceIndex) {
        let Some(state) = self.peers.get_mut(&peer) else {
            return;
        };
        if let Some(old) = state.witness.take() {
            self.watch.remove(&(old, peer));
        }
        if let Pieces::Some(set) = &state.pieces {
            state.witness = set.next_common_round(&self.missing, from, &self.probes);
        }
        if let Some(new) = state.witness {
            self.watch.insert((new, peer));
        }
    }
}
