//! Runs a scenario: builds its world, takes it through its phases and says what came of it.
//!
//! In the *fault* phase everything happens that the scenario says. Then the world *heals*: faults end, and if a core of
//! honest peers is left that together have everything, the download has to be completed in bounded time. At last every
//! engine is shut down, which has to end, too. Oracles look on throughout.

mod build;
mod checks;
mod core;
pub mod cuts;
mod driver;
mod files;
mod health;
mod phases;
pub mod points;
mod several;
#[cfg(test)]
mod tests;

pub use build::build;
pub use core::Core;
pub use driver::Driver;

use crate::host::EngineHost;
use crate::marks::Marks;
use crate::oracle::{Oracle, Verdicts};
use crate::scenario::Scenario;
use crate::timeline::Line;
use crate::world::{ActorId, World};
use seedbed_engine::time::{Duration, Instant};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Lines of the timeline that a failure keeps when none was asked for.
const LINES_OF_FAILURE: usize = 15;

/// How a scenario is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether a timeline is kept.
    pub telling: bool,
    /// Whether the run is compared with variants of itself (oracles M), whatever its seed.
    pub several: bool,
    /// Plants a bug that the oracles have to find: every hash of a piece is told to be right.
    pub canary: bool,
    /// Whether the journals of all engines are kept.
    pub journals: bool,
    /// From where on the world is another one, if anywhere.
    pub fork: Option<Fork>,
    /// Events of an engine after which everything that it keeps is looked at again, which is slow; 256 unless said otherwise.
    pub audited: Option<u64>,
    /// Steps at the most; a small world takes some thousands. 0: two million within an hour of the world.
    pub budget: u64,
}

/// A place in a run behind which everything that is left to chance is drawn anew ([`World::draw_anew`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fork {
    /// Steps that go as they went.
    pub step: u64,
    /// What the rest is drawn from.
    pub seed: u64,
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

impl Failure {
    /// Whether two failures are of one kind: of one oracle, and panics with one sentence, whatever its numbers.
    pub fn is_like(&self, other: &Self) -> bool {
        let words = |failure: &Self| failure.text.replace(|c: char| c.is_ascii_digit(), "");
        let panicked = self.oracle == Oracle::I19.info().id;
        self.oracle == other.oracle && (!panicked || words(self) == words(other))
    }
}

/// What one engine came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// Its name.
    pub name: String,
    /// When it first had everything.
    pub complete_at: Option<Instant>,
    /// Payload that came in vain, in bytes.
    pub wasted: u64,
    /// Payload beyond the content, in bytes: what is wasted, and what came of pieces that failed their hash or was lost.
    pub surplus: u64,
    /// Pieces that failed their hash.
    pub failed: u64,
    /// Those of them that did before the first ban.
    pub failed_before_ban: Option<u64>,
    /// Announces that it sent, repeated ones too.
    pub announces: u64,
    /// Names of those that it banned, in that order.
    pub banned: Vec<String>,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Over events, actions and the engines' state.
    pub digest: u64,
    /// Over what the engines decided, without sizes and figures.
    pub decisions: u64,
    /// The first rule that did not hold.
    pub failure: Option<Failure>,
    /// Whether nobody could have finished this download.
    pub unrecoverable: bool,
    /// Whether every engine was complete in the end.
    pub completed: bool,
    /// Steps of the world.
    pub steps: u64,
    /// Events that the engines were given.
    pub events: u64,
    /// How long it took in the world.
    pub simulated: Duration,
    /// What fired.
    pub marks: Marks,
    /// How often each oracle had something to look at.
    pub oracles: Vec<(&'static str, u64)>,
    /// What each engine came to.
    pub engines: Vec<Ended>,
    /// Of each engine's processes a journal, if they were asked for: the engine's name, its bytes.
    pub journals: Vec<(String, Vec<u8>)>,
    /// The same from some place in the middle of each on, with the engine's state there.
    pub resumed_journals: Vec<(String, Vec<u8>)>,
    /// What happened, if it was asked for; of a failure always its last lines.
    pub timeline: Vec<Line>,
}

/// Runs a scenario. A panic of the engine or of a model is a failure of oracle I19, a scenario that makes no world one
/// of the name `SCENARIO`.
pub fn run(scenario: &Scenario, options: &Options) -> Outcome {
    let mut outcome = judge(scenario, options);
    if outcome.failure.is_some() && !options.telling {
        let telling = Options {
            telling: true,
            ..options.clone()
        };
        let mut lines = once(scenario, &telling).timeline;
        outcome.timeline = lines.split_off(lines.len().saturating_sub(LINES_OF_FAILURE));
    }
    outcome
}

/// The same without the last lines of a failure, which cost a second run.
pub(crate) fn judge(scenario: &Scenario, options: &Options) -> Outcome {
    let mut outcome = once(scenario, options);
    if outcome.failure.is_none() && (options.several || several::is_chosen(scenario)) {
        several::compare(scenario, &mut outcome);
    }
    if outcome.failure.is_none() && files::is_chosen(scenario) {
        files::damage(scenario, &mut outcome);
    }
    outcome
}

/// The block of text that tells a failure: oracle and sentence, time, step, last lines, and how to see it again.
pub fn failure_text(outcome: &Outcome, again: &str) -> Option<String> {
    let failure = outcome.failure.as_ref()?;
    let mut lines = vec![
        format!("{} {}", failure.oracle, failure.text),
        format!(
            "at {} s, step {}, digest {:016x}",
            failure.at, failure.step, outcome.digest
        ),
    ];
    let from = outcome.timeline.len().saturating_sub(LINES_OF_FAILURE);
    lines.extend(outcome.timeline[from..].iter().map(ToString::to_string));
    lines.push(format!("seedbed sim run {again}"));
    Some(lines.join("\n"))
}

/// One run, without comparisons.
pub(crate) fn once(scenario: &Scenario, options: &Options) -> Outcome {
    let mut world = match build(scenario) {
        Ok(world) => world,
        Err(why) => return no_world(why),
    };
    if options.canary {
        plant(&mut world);
    }
    let mut driver = Driver::new(scenario, world, options);
    let ended = catch_unwind(AssertUnwindSafe(|| driver.run()));
    if let Err(panic) = ended {
        // what a watch saw in the same step is why
        let _ = catch_unwind(AssertUnwindSafe(|| driver.look()));
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        driver.fail(
            Oracle::I19,
            text.unwrap_or_else(|| "a panic without words".into()),
        );
    }
    driver.outcome()
}

/// Makes every engine believe that all it fetched is right.
pub(crate) fn plant(world: &mut World) {
    for n in 0..world.actors.len() {
        if let Some(host) = world.actor_mut::<EngineHost>(ActorId(n)) {
            host.plant_blind_hash();
        }
    }
}

fn no_world(why: String) -> Outcome {
    Outcome {
        failure: Some(Failure {
            oracle: "SCENARIO",
            text: why,
            at: Instant::START,
            step: 0,
        }),
        oracles: Verdicts::default().counts(),
        ..Outcome::default()
    }
}
