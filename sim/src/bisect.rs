//! The moment after which a failure is certain: the run goes as it went up to some step, and from there on all that is
//! left to chance is drawn anew, several times. Where every such future fails in the same way, what went before decides.
//!
//! A run is equal to itself, so a world is forked by running it again to that step.

#[cfg(test)]
mod tests;

use crate::run::{Failure, Fork, Options, once};
use crate::scenario::Scenario;
use crate::timeline::Line;
use seedbed_engine::time::Duration;

/// Lines that are kept of what led to the moment.
const LINES: usize = 3;

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Futures a step, at least one: a failure that one in `n` of them escapes is taken for certain in `(1 - 1/n)^futures`.
    pub futures: u64,
    /// Steps of worlds in all; the search ends behind them.
    pub steps: u64,
}

impl Default for Effort {
    /// A second of a machine of today at the most.
    fn default() -> Self {
        Self {
            futures: 16,
            steps: 500_000,
        }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Bisected {
    /// The failure of the run.
    pub failure: Failure,
    /// With this step it became certain; 0 when no draw of the world matters.
    pub step: u64,
    /// When that was, since the beginning.
    pub at: Duration,
    /// What was told last up to it: not every step says something.
    pub lines: Vec<Line>,
    /// Futures, drawn anew just before that step, that fail as well. All of them if the step is 0.
    pub before: u64,
    /// Futures a step.
    pub futures: u64,
    /// Worlds that were run.
    pub runs: u64,
}

/// Why there is no such moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoMoment {
    /// No rule is broken.
    Holds,
    /// The rule compares several runs (oracles M), or there is no world.
    NotOfOneRun,
    /// More steps than are allowed.
    TooLong,
}

/// Looks for the moment.
///
/// # Errors
/// See [`NoMoment`].
pub fn bisect(scenario: &Scenario, options: &Options, effort: Effort) -> Result<Bisected, NoMoment> {
    let options = Options {
        several: false,
        telling: false,
        journals: false,
        fork: None,
        ..options.clone()
    };
    let whole = once(scenario, &options);
    let Some(failure) = whole.failure else {
        return Err(if crate::run::judge(scenario, &options).failure.is_some() {
            NoMoment::NotOfOneRun
        } else {
            NoMoment::Holds
        });
    };
    if failure.oracle == "SCENARIO" {
        return Err(NoMoment::NotOfOneRun);
    }
    let mut search = Search {
        scenario,
        options,
        failure,
        futures: effort.futures.max(1),
        steps_left: effort.steps,
        runs: 1,
    };
    let (mut open, mut certain) = (0, search.failure.step);
    if search.is_certain(0)? {
        certain = 0;
    }
    while certain - open > 1 {
        let middle = open + (certain - open) / 2;
        if search.is_certain(middle)? {
            certain = middle;
        } else {
            open = middle;
        }
    }
    let before = if certain == 0 {
        search.futures
    } else {
        search.failing(certain - 1)?
    };
    let (at, lines) = search.step(certain);
    Ok(Bisected {
        step: certain,
        at,
        lines,
        before,
        futures: search.futures,
        runs: search.runs,
        failure: search.failure,
    })
}

struct Search<'a> {
    scenario: &'a Scenario,
    options: Options,
    failure: Failure,
    futures: u64,
    steps_left: u64,
    runs: u64,
}

impl Search<'_> {
    /// Whether one future behind a step fails as the run did.
    fn fails(&mut self, step: u64, seed: u64) -> Result<bool, NoMoment> {
        let options = Options {
            fork: Some(Fork { step, seed }),
            ..self.options.clone()
        };
        let ended = once(self.scenario, &options);
        self.runs += 1;
        self.steps_left = self
            .steps_left
            .checked_sub(ended.steps)
            .ok_or(NoMoment::TooLong)?;
        Ok(ended
            .failure
            .is_some_and(|failure| failure.is_like(&self.failure)))
    }

    /// Whether all of them do. Ends with the first that does not.
    fn is_certain(&mut self, step: u64) -> Result<bool, NoMoment> {
        for seed in 0..self.futures {
            if !self.fails(step, seed)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How many of them do.
    fn failing(&mut self, step: u64) -> Result<u64, NoMoment> {
        let mut failing = 0;
        for seed in 0..self.futures {
            failing += u64::from(self.fails(step, seed)?);
        }
        Ok(failing)
    }

    /// When a step is done, and what is told last up to there.
    fn step(&self, step: u64) -> (Duration, Vec<Line>) {
        if step == 0 {
            return (Duration::ZERO, Vec::new());
        }
        let options = Options {
            budget: step,
            telling: true,
            ..self.options.clone()
        };
        let mut ended = once(self.scenario, &options);
        let from = ended.timeline.len().saturating_sub(LINES);
        (ended.simulated, ended.timeline.split_off(from))
    }
}
