//! Runs a scenario: builds its world, takes it to its end and says what came of it.

use crate::marks::Marks;
use crate::scenario::Scenario;
use crate::timeline::Line;
use seedbed_engine::time::{Duration, Instant};

/// How a scenario is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether a timeline is kept.
    pub telling: bool,
}

/// A rule that did not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The oracle's id.
    pub oracle: &'static str,
    /// What it saw, a sentence.
    pub text: String,
    /// When.
    pub at: Instant,
    /// At which step.
    pub step: u64,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Over events, actions and the engines' state.
    pub digest: u64,
    /// The first rule that did not hold.
    pub failure: Option<Failure>,
    /// Whether nobody could have finished this download.
    pub unrecoverable: bool,
    /// Steps of the world.
    pub steps: u64,
    /// How long it took in the world.
    pub simulated: Duration,
    /// What fired.
    pub marks: Marks,
    /// How often each oracle had something to look at.
    pub oracles: Vec<(&'static str, u64)>,
    /// What happened, if it was asked for.
    pub timeline: Vec<Line>,
}

/// Runs a scenario.
pub fn run(scenario: &Scenario, _options: &Options) -> Outcome {
    Outcome {
        digest: scenario.seed,
        ..Outcome::default()
    }
}
