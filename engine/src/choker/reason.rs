//! The reasons of the choker, as values and as sentences.

use core::fmt;
use serde::{Deserialize, Serialize};

/// Why a peer is unchoked or choked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ChokeReason {
    /// Unchoked: among the best by the rate that counts.
    Rate {
        /// Place, from 1.
        rank: u32,
        /// Bytes a second.
        rate: u64,
    },
    /// Unchoked without a slot: it sends faster than a peer with a slot, but is not interested (BEP 3).
    FastUninterested {
        /// Bytes a second that it sends.
        rate: u64,
    },
    /// Unchoked to find out what it gives.
    Optimistic {
        /// It connected recently and was likelier to be chosen.
        new: bool,
    },
    /// Unchoked by a seed: its turn, or its quota is not used up.
    Turn,
    /// Unchoked still: its last change is too short ago (against fibrillation, BEP 3).
    KeptUnchoked,
    /// Choked still: its last change is too short ago.
    ChangedLately,
    /// Choked: it is not interested.
    NotInterested,
    /// Choked: it has every piece.
    Seed,
    /// Choked: the slots are taken by faster peers.
    TooSlow {
        /// Bytes a second that count for it.
        rate: u64,
        /// Bytes a second of the slowest peer with a slot.
        slowest: u64,
    },
    /// Choked: it sent no block for too long although we serve it.
    Snubbed,
    /// Choked by a seed: its quota is used up and others wait.
    TurnOver {
        /// Bytes that it got in this turn.
        uploaded: u64,
    },
    /// Choked: no slot is free, others came first.
    NoSlot,
}

impl ChokeReason {
    /// Whether it is the reason of an unchoked peer.
    pub const fn is_unchoked(self) -> bool {
        match self {
            Self::Rate { .. }
            | Self::FastUninterested { .. }
            | Self::Optimistic { .. }
            | Self::Turn
            | Self::KeptUnchoked => true,
            Self::ChangedLately
            | Self::NotInterested
            | Self::Seed
            | Self::TooSlow { .. }
            | Self::Snubbed
            | Self::TurnOver { .. }
            | Self::NoSlot => false,
        }
    }
}

impl fmt::Display for ChokeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate { rank, rate } => write!(f, "number {rank} by rate, {rate} B/s"),
            Self::FastUninterested { rate } => write!(f, "not interested but sends {rate} B/s"),
            Self::Optimistic { new: true } => f.write_str("optimistic, new peer"),
            Self::Optimistic { new: false } => f.write_str("optimistic"),
            Self::Turn => f.write_str("its turn"),
            Self::KeptUnchoked => f.write_str("unchoked too short ago to be choked"),
            Self::ChangedLately => f.write_str("choked too short ago to be unchoked"),
            Self::NotInterested => f.write_str("not interested"),
            Self::Seed => f.write_str("is a seed"),
            Self::TooSlow { rate, slowest } => write!(f, "{rate} B/s, the slowest slot has {slowest} B/s"),
            Self::Snubbed => f.write_str("sends nothing although it is served"),
            Self::TurnOver { uploaded } => write!(f, "its turn is over after {uploaded} B"),
            Self::NoSlot => f.write_str("no free slot"),
        }
    }
}
