//! Makes a failing world small: lines are left out and values made plain, one after the other, as long as the same oracle
//! still fails. What is left is a scenario that a person can read.
//!
//! A candidate is kept only if it is smaller in the order of [`Size`], so this ends; and it ends where no candidate is left
//! that fails, so that shrinking what was shrunk changes nothing. That streams of random numbers belong to names, and not to
//! places in a list, is what lets a world fail in the same way when half of it is gone.

mod bench;
mod ddmin;
mod events;
mod fewer;
mod plainer;
#[cfg(test)]
mod tests;

pub(crate) use ddmin::ddmin;
pub use events::{Events, events};

use crate::run::{Failure, Options, judge};
use crate::scenario::Scenario;
use crate::scenario::kdl::parse;
use crate::scenario::print::print;
use std::collections::BTreeSet;

/// How large a scenario is, the first difference counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Size {
    /// Lines of its file.
    pub lines: usize,
    /// Characters of its file.
    pub characters: usize,
    /// All numbers in it together.
    numbers: u128,
}

impl Size {
    /// The size of a scenario.
    pub fn of(scenario: &Scenario) -> Self {
        Self::of_text(&print(scenario))
    }

    fn of_text(text: &str) -> Self {
        let digits = text.split(|c: char| !c.is_ascii_digit());
        let numbers = digits.filter_map(|number| number.parse::<u128>().ok());
        Self {
            lines: text.lines().count(),
            characters: text.chars().count(),
            numbers: numbers.fold(0, u128::saturating_add),
        }
    }
}

/// How far shrinking is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Worlds that were run.
    pub tried: u64,
    /// The size of the smallest that fails.
    pub size: Size,
}

/// The smallest world that was found.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// It.
    pub scenario: Scenario,
    /// What fails in it.
    pub failure: Failure,
    /// Worlds that were run.
    pub tried: u64,
    /// Whether nothing smaller is to be had in this way: false when `go_on` ended the search.
    pub done: bool,
}

/// Shrinks a world that fails. `go_on` is asked before each run, and says false when there is no more time.
///
/// None if no rule is broken in the scenario as it is.
pub fn shrink(
    scenario: &Scenario,
    options: &Options,
    mut go_on: impl FnMut(Progress) -> bool,
) -> Option<Shrunk> {
    let first = judge(scenario, options);
    let failure = first.failure?;
    // whatever else is tried, what fails has to fail under these options alone: `sim run` has no others
    let options = Options {
        telling: false,
        journals: false,
        ..options.clone()
    };
    let mut best = scenario.clone();
    // it is a file of its own from now on, and no seed's
    best.expect.clear();
    let mut search = Search {
        size: Size::of(scenario),
        best: scenario.clone(),
        failure,
        options,
        tried: 1,
        seen: BTreeSet::new(),
        go_on: &mut go_on,
        over: false,
    };
    search.offer(best);
    loop {
        let before = search.size;
        fewer::all(&mut search);
        plainer::all(&mut search);
        if search.over || search.size == before {
            break;
        }
    }
    Some(Shrunk {
        done: !search.over,
        scenario: search.best,
        failure: search.failure,
        tried: search.tried,
    })
}

/// The search under way.
struct Search<'a> {
    best: Scenario,
    size: Size,
    failure: Failure,
    options: Options,
    tried: u64,
    /// Texts of what was run.
    seen: BTreeSet<String>,
    go_on: &'a mut dyn FnMut(Progress) -> bool,
    over: bool,
}

impl Search<'_> {
    /// Takes a scenario if it is smaller and fails in the same way.
    fn offer(&mut self, candidate: Scenario) -> bool {
        let text = print(&candidate);
        let size = Size::of_text(&text);
        if size >= self.size || self.over || self.seen.contains(&text) {
            return false;
        }
        // a number may be too small for another one
        let can_be_read = parse(&text).is_ok();
        self.seen.insert(text);
        if !can_be_read {
            return false;
        }
        let progress = Progress {
            tried: self.tried,
            size: self.size,
        };
        if !(self.go_on)(progress) {
            self.over = true;
            return false;
        }
        self.tried += 1;
        let failure = judge(&candidate, &self.options).failure;
        let Some(failure) = failure.filter(|failure| failure.is_like(&self.failure)) else {
            return false;
        };
        (self.best, self.size, self.failure) = (candidate, size, failure);
        true
    }

    /// The same of the best so far with a change.
    fn change(&mut self, change: impl FnOnce(&mut Scenario)) -> bool {
        let mut candidate = self.best.clone();
        change(&mut candidate);
        self.offer(candidate)
    }
}
