//! The order in which trackers are asked (BEP 12): a lane is a list of tiers of which one tracker at a time is used.
//!
//! All tiers make one lane; when every tier is announced to at a time, each is a lane of its own.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Index of a tracker in the announcer's list.
pub(super) type Index = usize;

/// Where a lane stands in its cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Cycle {
    /// Nothing to do until a request ends or somebody asks.
    Idle,
    /// The next cycle begins then.
    At(Instant),
    /// The cycle goes on with the next tracker then.
    Resume(Instant),
    /// A request's result is awaited.
    Awaiting,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Lane {
    pub(super) tiers: Vec<Vec<Index>>,
    pub(super) cycle: Cycle,
    /// Asked in this cycle.
    pub(super) tried: BTreeSet<Index>,
    /// Who answered last.
    pub(super) current: Option<Index>,
    /// The download has become complete and no tracker has acknowledged it yet.
    pub(super) completed_due: bool,
}

impl Lane {
    pub(super) fn new(tiers: Vec<Vec<Index>>) -> Self {
        Self {
            tiers,
            cycle: Cycle::Idle,
            tried: BTreeSet::new(),
            current: None,
            completed_due: false,
        }
    }

    /// All trackers tier after tier; with `current_first` the one that answered last before them.
    pub(super) fn order(&self, current_first: bool) -> Vec<Index> {
        let first = self.current.filter(|_| current_first);
        let rest = self
            .tiers
            .iter()
            .flatten()
            .copied()
            .filter(|index| Some(*index) != first);
        first.into_iter().chain(rest).collect()
    }

    pub(super) fn contains(&self, index: Index) -> bool {
        self.tiers.iter().flatten().any(|known| *known == index)
    }

    /// Moves a tracker that answered to the front of its tier.
    pub(super) fn promote(&mut self, index: Index) {
        for tier in &mut self.tiers {
            let at = tier.iter().position(|known| *known == index);
            if let Some(front) = at.and_then(|at| tier.get_mut(..=at)) {
                front.rotate_right(1);
            }
        }
    }

    /// Begins a cycle at `at` at the latest, unless one is running.
    pub(super) fn begin_by(&mut self, at: Instant) {
        self.cycle = match self.cycle {
            Cycle::Idle => Cycle::At(at),
            Cycle::At(planned) => Cycle::At(planned.min(at)),
            running @ (Cycle::Resume(_) | Cycle::Awaiting) => running,
        };
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self.cycle {
            Cycle::At(at) | Cycle::Resume(at) => Some(at),
            Cycle::Idle | Cycle::Awaiting => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tracker_that_answers_moves_to_the_front_of_its_tier() {
        let mut lane = Lane::new([[0, 1, 2].to_vec(), [3, 4].to_vec()].to_vec());
        lane.promote(1);
        assert_eq!(lane.order(false), [1, 0, 2, 3, 4]);
        // the BEP's example: later only tracker 3 of the tier responds
        lane.promote(2);
        assert_eq!(lane.order(false), [2, 1, 0, 3, 4]);
        lane.current = Some(4);
        assert_eq!(lane.order(true), [4, 2, 1, 0, 3]);
    }
}
