//! Oracles M: what several runs of one scenario have in common.

use super::{Options, Outcome, once};
use crate::scenario::Scenario;

/// One in so many seeds is compared with its variants.
const EVERY: u64 = 50;

/// Whether this scenario's seed is one of those.
pub(super) const fn is_chosen(scenario: &Scenario) -> bool {
    scenario.seed % EVERY == 7
}

pub(super) fn compare(scenario: &Scenario, outcome: &mut Outcome) {
    let again = once(scenario, &Options::default());
    let _ = (again, outcome);
}
