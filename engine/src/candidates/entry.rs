//! What is kept of one known address, and by what it is dialled before others.

use super::{Source, Trouble};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// The order in which addresses are dialled; the last one is dropped first when the list is full.
pub(super) type Rank = (u32, bool, Source, Option<Instant>, u32);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Phase {
    Ready,
    Waiting(Instant),
    GivenUp,
    /// It has everything, as we do: being named says nothing new of it.
    NotNeeded,
    /// In `links`.
    Linked,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) source: Source,
    pub(super) failures: u32,
    /// It was a useful peer once.
    pub(super) useful: bool,
    pub(super) last_tried: Option<Instant>,
    /// Random order among equals, so that not every client dials the same peer first.
    pub(super) salt: u32,
    /// Instead of it, once our own address is known: the priority of BEP 40.
    pub(super) priority: Option<u32>,
    /// Why it is not connected, as far as that was told.
    pub(super) trouble: Option<Trouble>,
    /// It does not understand encryption, as far as we know.
    pub(super) plain: bool,
    pub(super) phase: Phase,
}

impl Entry {
    pub(super) fn rank(&self) -> Rank {
        (
            self.failures,
            !self.useful,
            self.source,
            self.last_tried,
            self.priority.map_or(self.salt, |priority| !priority),
        )
    }

    /// The part of the rank by which an address deserves another one's place.
    pub(super) const fn merit(&self) -> (u32, bool, Source) {
        (self.failures, !self.useful, self.source)
    }
}
