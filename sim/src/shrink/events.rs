//! From a world to the engine alone: the events that it was given, without those that are not needed for its failure.

use super::bench::{self, Start, Step, Subject};
use super::ddmin::ddmin;
use crate::host::EngineHost;
use crate::journal::OwnedEvent;
use crate::run::{Driver, Failure, Options, build, plant};
use crate::scenario::Scenario;
use seedbed_engine::Event;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Lists that are tried at the most: some seconds for lists of some thousand events.
const TRIES: usize = 10_000;

/// Events of a list at the most: what is longer comes from a world that is not small.
const EVENTS_MAX: usize = 20_000;

/// Oracles that look into the engine's own books from time to time.
const AUDITING: [&str; 3] = ["I10", "I11", "I43"];

/// A failure without its world.
#[derive(Clone, Debug)]
pub struct Events {
    /// The engine's name in the world.
    pub engine: String,
    /// What fails.
    pub text: String,
    /// Events that the engine is given, without ticks.
    pub count: usize,
    /// Those before anything was left out.
    pub before: usize,
    /// The run as a journal: `seedbed replay` plays it.
    pub journal: Vec<u8>,
}

/// The fewest events with which an engine alone fails like the world.
///
/// None if the failure does not show without the world: it is one of the end of a run, of several runs, of a disk that broke its
/// word, or of an engine that was started again.
pub fn events(scenario: &Scenario, options: &Options, failure: &Failure) -> Option<Events> {
    let (start, all) = captured(scenario, options, failure)?;
    let fails = |steps: &[Step], repaired| {
        let ran = bench::run(&start, steps, repaired, false);
        let like = |text: String, oracle| Failure {
            oracle,
            text,
            ..failure.clone()
        };
        let panicked = ran.panic.clone().map(|text| like(text, "I19"));
        let broken = ran
            .breach
            .clone()
            .map(|breach| like(breach.text, breach.oracle.info().id));
        let same = panicked.or(broken).filter(|found| found.is_like(failure));
        same.map(|found| (found, ran))
    };
    let (_, first) = fails(&all, false)?;
    let mut steps = all;
    steps.truncate(first.given);
    for (step, subject) in steps.iter_mut().zip(first.subjects) {
        step.subject = subject;
    }
    let before = steps.len();
    fails(&steps, true)?;
    let left = ddmin(steps, TRIES, |fewer| fails(fewer, true).is_some());
    let (found, ran) = fails(&left, true)?;
    let recorded = bench::run(&start, &left, true, true);
    Some(Events {
        engine: start.name,
        text: found.text,
        count: ran.given,
        before,
        journal: recorded.journal,
    })
}

/// What the engine that failed was given, up to its failure.
fn captured(scenario: &Scenario, options: &Options, failure: &Failure) -> Option<(Start, Vec<Step>)> {
    let mut world = build(scenario).ok()?;
    if options.canary {
        plant(&mut world);
    }
    for slot in &mut world.actors {
        if let Some(host) = slot.actor.as_any_mut().downcast_mut::<EngineHost>() {
            host.keep_given();
        }
    }
    let watched = Options {
        audited: options.audited,
        ..Options::default()
    };
    let mut driver = Driver::new(scenario, world, &watched);
    // a panic leaves the world as it was
    let _ = catch_unwind(AssertUnwindSafe(|| driver.run()));
    let hosts = driver.world.actors.iter();
    let hosts = hosts.filter_map(|slot| slot.actor.as_any().downcast_ref::<EngineHost>());
    let named = |host: &&EngineHost| {
        let text = failure.text.strip_prefix(host.name());
        text.is_some_and(|rest| rest.starts_with(':'))
    };
    let mut all: Vec<&EngineHost> = hosts.collect();
    // who is named, or whoever it is
    all.sort_by_key(|host| !named(host));
    let host = all.first()?;
    let external = |event: &OwnedEvent| !matches!(event.lent(), Event::Tick);
    let given = host.given().iter().filter(|(_, event)| external(event));
    let steps = given.map(|(at, event)| Step {
        at: *at,
        event: event.clone(),
        subject: Subject::Nothing,
    });
    let steps: Vec<Step> = steps.collect();
    if steps.len() > EVENTS_MAX {
        return None;
    }
    let start = Start {
        name: host.name().into(),
        setup: host.watch()?.setup.as_ref().clone(),
        seed: host.engine_seed(),
        sound_disk: host.watch()?.sound_disk,
        until: failure.at,
        // which event is the N-th changes with each that is left out
        audited: AUDITING.contains(&failure.oracle).then_some(1),
    };
    Some((start, steps))
}
