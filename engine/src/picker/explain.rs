//! What the picker says about its choices and about having none, for `why` and `explain`.

use super::blocks::PartialPiece;
use super::peers::Pieces;
use super::{Phase, Picker};
use crate::geometry::BlockRange;
use crate::id::{ConnId, PieceIndex};
use alloc::vec::Vec;
use core::fmt;

/// A block to request, and why this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pick {
    /// The bytes to ask for: always exactly one block of the torrent's geometry.
    pub range: BlockRange,
    /// Why this block.
    pub reason: PickReason,
}

/// Why a block was picked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PickReason {
    /// One of the first pieces: any complete piece soon, to have something to trade.
    Random,
    /// Its piece was begun already: pieces are finished before others are opened.
    Partial,
    /// No piece that this peer has is held by fewer.
    Rarest {
        /// Peers that have the piece, seeds included.
        availability: u32,
    },
    /// The peer is snubbed and got a common piece, so that it delays no rare one.
    Common {
        /// Peers that have the piece, seeds included.
        availability: u32,
    },
    /// Everything is requested already; this peer races others for a block.
    Endgame {
        /// Peers that were asked for the block before.
        others: u32,
    },
    /// The peer chokes us but allows this piece (BEP 6).
    AllowedFast,
    /// The peer suggested the piece (BEP 6).
    Suggested,
    /// The peer is on parole and fetches the piece alone, so that a bad hash names the guilty.
    Exclusive,
    /// The user needs the piece at some time.
    Deadline,
    /// The user wants a file of it before others.
    Preferred,
    /// The user wants pieces in their order.
    Sequential,
}

impl fmt::Display for PickReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random => f.write_str("random first piece"),
            Self::Partial => f.write_str("finishes a partial piece"),
            Self::Rarest { availability } => write!(f, "rarest first, availability {availability}"),
            Self::Common { availability } => {
                write!(f, "common piece for a snubbed peer, availability {availability}")
            }
            Self::Endgame { others } => write!(f, "end-game, also asked of {others}"),
            Self::AllowedFast => f.write_str("allowed fast"),
            Self::Suggested => f.write_str("suggested by the peer"),
            Self::Exclusive => f.write_str("on parole, whole piece alone"),
            Self::Deadline => f.write_str("has a deadline"),
            Self::Preferred => f.write_str("of a file that is wanted first"),
            Self::Sequential => f.write_str("in order"),
        }
    }
}

/// Why nothing can be picked for a peer now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IdleReason {
    /// The peer is not (or no longer) known.
    UnknownPeer,
    /// Every wanted piece is had.
    Complete,
    /// The peer has no piece, or has not said which.
    HasNothing,
    /// The peer has no piece that we want and lack.
    HasNothingWanted,
    /// Its missing pieces have arrived and wait for their hash.
    Verifying,
    /// Every block that it could give is requested from others, and end-game has not begun.
    AllRequested,
    /// The free blocks that it has belong to pieces that a peer on parole fetches alone.
    HeldExclusively,
    /// End-game, and its own queue is not empty: one busy block at a time.
    EndgameQueueBusy,
    /// End-game, and each block that it has is asked of as many peers as allowed.
    EndgameDuplicates,
    /// Nothing stands in the way: a free or a busy block can be picked.
    Requestable,
}

impl fmt::Display for IdleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownPeer => "the peer is gone",
            Self::Complete => "all wanted pieces are there",
            Self::HasNothing => "the peer has no pieces",
            Self::HasNothingWanted => "the peer has no piece that is missing here",
            Self::Verifying => "its missing pieces are being verified",
            Self::AllRequested => "all its missing blocks are requested from others",
            Self::HeldExclusively => "its free blocks belong to pieces that a suspect fetches alone",
            Self::EndgameQueueBusy => "end-game: one block at a time",
            Self::EndgameDuplicates => "end-game: each block is requested often enough",
            Self::Requestable => "a block can be requested",
        })
    }
}

/// Where a piece stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PieceState {
    /// There is no such piece.
    None,
    /// Verified.
    Had,
    /// Missing, and nobody wants it.
    Unwanted,
    /// Missing, no block requested or received.
    Open,
    /// Some of its blocks are requested or received.
    Partial {
        /// Blocks that have arrived.
        received: u32,
        /// Blocks that are requested and have not arrived.
        requested: u32,
        /// Blocks of the piece.
        blocks: u32,
        /// The peer on parole that fetches it alone.
        exclusive: Option<ConnId>,
    },
    /// All blocks have arrived; the hash is not known yet.
    Verifying,
}

impl Picker {
    /// Why nothing can be picked for this peer now, in its plain mode (unchoked, not snubbed, not on parole).
    /// May walk all partial pieces: for people, not for the request path.
    pub fn why_idle(&self, peer: ConnId) -> IdleReason {
        let Some(state) = self.peers.get(&peer) else {
            return IdleReason::UnknownPeer;
        };
        if self.is_complete() {
            return IdleReason::Complete;
        }
        let of_peer = match &state.pieces {
            Pieces::None => return IdleReason::HasNothing,
            Pieces::All => self.availability.open_pieces(),
            Pieces::Some(set) => set,
        };
        if !self.interesting(peer) {
            return IdleReason::HasNothingWanted;
        }
        let open = self.availability.open_pieces();
        let shared = || self.pool.shared().any(|piece| state.has(piece));
        if of_peer.next_common(open, PieceIndex(0), &self.probes).is_some() || shared() {
            return IdleReason::Requestable;
        }
        if self.pool.held().any(|piece| state.has(piece)) {
            let own = |piece| {
                self.pool
                    .get(piece)
                    .is_some_and(|partial| partial.exclusive == Some(peer))
            };
            return if self.phase == Phase::OnlyHeld || self.pool.held().any(own) {
                IdleReason::Requestable
            } else {
                IdleReason::HeldExclusively
            };
        }
        let busy = |(piece, partial): (PieceIndex, &PartialPiece)| state.has(piece) && partial.busy() > 0;
        if !self.pool.by_age().any(busy) {
            IdleReason::Verifying
        } else if !self.is_endgame() {
            IdleReason::AllRequested
        } else if !state.requested.is_empty() {
            IdleReason::EndgameQueueBusy
        } else if self.busy_block(peer, false).is_some() {
            IdleReason::Requestable
        } else {
            IdleReason::EndgameDuplicates
        }
    }

    /// Where a piece stands.
    pub fn piece_state(&self, piece: PieceIndex) -> PieceState {
        if !self.geometry.contains(piece) {
            return PieceState::None;
        }
        if self.have.contains(piece) {
            return PieceState::Had;
        }
        let Some(partial) = self.pool.get(piece) else {
            return if self.missing.contains(piece) {
                PieceState::Open
            } else {
                PieceState::Unwanted
            };
        };
        if partial.received() == partial.blocks() {
            return PieceState::Verifying;
        }
        PieceState::Partial {
            received: partial.received(),
            requested: partial.busy(),
            blocks: partial.blocks(),
            exclusive: partial.exclusive,
        }
    }

    /// Missing pieces that no peer has, why a download cannot end now: how many, and the first `max` of them.
    pub fn unavailable(&self, max: usize) -> (u32, Vec<PieceIndex>) {
        let (mut count, mut some) = (0, Vec::new());
        if self.availability.has_seed() {
            return (count, some);
        }
        for piece in self.missing.set().iter() {
            if self.availability.of(piece) == 0 {
                count += 1;
                if some.len() < max {
                    some.push(piece);
                }
            }
        }
        (count, some)
    }
}
