//! What a peer says that it has before we know how many pieces there are: kept as it came, judged when the metadata is here.
//!
//! Three released clients crashed here: on a bitfield of a length that later did not fit, and on an index that did not
//! exist. So nothing is interpreted before it can be, and then by the rules that hold for every peer.

use super::{Output, Session, Violation};
use crate::bitfield::{Bitfield, BitfieldError};
use crate::geometry::PIECE_COUNT_MAX;
use crate::id::PieceIndex;
use crate::marks::Mark;
use crate::time::Instant;
use crate::wire::{Limits, Message};
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Pieces named by `have` that are kept of one peer. One that gets more than these while we still lack the metadata is
/// taken to have only these; it says of the others nothing wrong.
const HAVES_MAX: usize = 65_536;

/// What it said of all pieces, last.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
enum Set {
    #[default]
    Nothing,
    /// The bytes of a bitfield: no more than the largest torrent's, as the decoder lets no longer one through.
    Bitfield(Vec<u8>),
    All,
    Explicitly,
}

/// The claims of one peer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Held {
    set: Set,
    haves: BTreeSet<PieceIndex>,
}

impl Session {
    /// Takes a message about pieces out of the way while their number is unknown; gives back any other.
    pub(super) fn hold(&mut self, message: Message) -> Result<Option<Message>, Violation> {
        if self.rules.geometry.is_known() {
            return Ok(Some(message));
        }
        match message {
            Message::Have(piece) => {
                possible(4, piece)?;
                if self.held_claims.haves.len() < HAVES_MAX {
                    self.held_claims.haves.insert(piece);
                }
            }
            Message::Bitfield(bytes) => self.claims_set(Set::Bitfield(bytes)),
            Message::HaveAll => {
                self.needs_fast(14)?;
                self.claims_set(Set::All);
            }
            Message::HaveNone => {
                self.needs_fast(15)?;
                self.claims_set(Set::Explicitly);
            }
            // a hint of what to ask for first says nothing that lasts
            Message::Suggest(piece) => {
                self.needs_fast(13)?;
                possible(13, piece)?;
            }
            Message::AllowedFast(piece) => {
                self.needs_fast(17)?;
                possible(17, piece)?;
                self.allow_to_us(piece);
            }
            Message::KeepAlive
            | Message::Choke
            | Message::Unchoke
            | Message::Interested
            | Message::NotInterested
            | Message::Request(_)
            | Message::Piece { .. }
            | Message::Cancel(_)
            | Message::Port(_)
            | Message::Reject(_)
            | Message::Extended { .. }
            | Message::Unknown { .. } => return Ok(Some(message)),
        }
        self.marks.hit(Mark::HeldClaims);
        Ok(None)
    }

    /// The last word about all pieces counts, as it does later.
    fn claims_set(&mut self, set: Set) {
        self.held_claims = Held {
            set,
            haves: BTreeSet::new(),
        };
    }

    /// The metadata is here: the session goes on under rules with the sizes of the torrent, and what the peer said
    /// before is judged by them.
    ///
    /// # Errors
    /// Names the rule that the peer turns out to have broken.
    pub fn learn(&mut self, now: Instant, rules: Arc<super::Rules>) -> Result<Vec<Output>, Violation> {
        let unknown = !self.rules.geometry.is_known();
        self.rules = rules;
        self.last_wanted = now;
        let super::Phase::Open(decoder) = &mut self.phase else {
            return Ok(Vec::new());
        };
        let geometry = self.rules.geometry;
        decoder.set_limits(Limits::for_torrent(
            Some(geometry.pieces()),
            self.rules.config.extended_message_max,
            geometry.block_length(),
        ));
        if !unknown {
            return Ok(Vec::new());
        }
        let held = core::mem::take(&mut self.held_claims);
        let mut said = Vec::new();
        match held.set {
            Set::Nothing => {}
            Set::All => said.push(Output::HaveAll),
            Set::Explicitly => said.push(Output::HaveNone),
            Set::Bitfield(bytes) => match Bitfield::from_wire(&bytes, geometry.pieces()) {
                Ok((set, _)) => said.push(Output::HaveSet(set)),
                Err(BitfieldError::Length { got, expected }) => {
                    return Err(Violation::BitfieldLength { got, expected });
                }
            },
        }
        for piece in held.haves {
            said.push(Output::Have(self.existing(4, piece)?));
        }
        for piece in self.allowed_to_us.clone() {
            said.push(Output::AllowedFast(self.existing(17, piece)?));
        }
        Ok(said)
    }
}

/// No torrent has such a piece.
const fn possible(id: u8, piece: PieceIndex) -> Result<(), Violation> {
    if piece.0 < PIECE_COUNT_MAX {
        Ok(())
    } else {
        Err(Violation::PieceOutOfRange { id, piece })
    }
}
