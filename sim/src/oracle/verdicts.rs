//! What the oracles found: how often each had something to look at, and what was wrong.

use super::table::{COUNT, Oracle};
use seedbed_engine::time::Instant;

/// Breaches that are kept of one engine: the first one counts, a few more help to understand it.
const KEPT: usize = 8;

/// Something that must not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breach {
    /// Whose demand it was.
    pub oracle: Oracle,
    /// What happened, a sentence.
    pub text: String,
    /// When.
    pub at: Instant,
}

/// Counts of preconditions, and breaches.
#[derive(Clone, Debug)]
pub struct Verdicts {
    held: [u64; COUNT],
    /// The first breaches, in order.
    pub breaches: Vec<Breach>,
    /// The time of what is being looked at.
    pub now: Instant,
}

impl Default for Verdicts {
    fn default() -> Self {
        Self {
            held: [0; COUNT],
            breaches: Vec::new(),
            now: Instant::START,
        }
    }
}

impl Verdicts {
    /// The precondition of an oracle held, and `kept` says whether its demand was met.
    pub fn check(&mut self, oracle: Oracle, kept: bool, text: impl FnOnce() -> String) {
        self.held[oracle as usize] += 1;
        if !kept && self.breaches.len() < KEPT {
            self.breaches.push(Breach {
                oracle,
                text: text(),
                at: self.now,
            });
        }
    }

    /// How often the precondition of an oracle held.
    pub const fn held(&self, oracle: Oracle) -> u64 {
        self.held[oracle as usize]
    }

    /// Adds the counts of another one, and its breaches.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.held.iter_mut().zip(other.held) {
            *mine += theirs;
        }
        self.breaches.extend(other.breaches.iter().cloned());
    }

    /// The counts by id.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        let ids = super::table::ORACLES.iter().map(|info| info.id);
        ids.zip(self.held).collect()
    }
}
