//! Coverage marks: which behaviours fired and which branches were taken, counted by name within one world.
//!
//! They are part of the world's state and not statics, so worlds can run beside each other and be compared.

use std::collections::BTreeMap;

/// Counts by name. Names are those of `sim list marks`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Marks(BTreeMap<&'static str, u64>);

impl Marks {
    /// Something with this name happened.
    pub fn hit(&mut self, name: &'static str) {
        self.count_more(name, 1);
    }

    /// It happened so often elsewhere.
    pub fn count_more(&mut self, name: &'static str, times: u64) {
        *self.0.entry(name).or_default() += times;
    }

    /// How often it happened.
    pub fn count(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// All that happened.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().map(|(name, count)| (*name, *count))
    }

    /// Adds the counts of another world.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in other.iter() {
            self.count_more(name, count);
        }
    }
}
