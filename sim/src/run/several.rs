//! Oracles M: what several runs of one scenario have in common.
//!
//! A variant changes something that must not matter. Compared are ends and not ways: who is complete, and that no rule
//! is broken. Only a scenario that was completed is compared, since one without a core promises nothing.

use super::driver::Driver;
use super::{Failure, Options, Outcome, build, once};
use crate::oracle::{ORACLES, Oracle};
use crate::scenario::{FaultSpec, LinkSpec, PeerSpec, Scenario, Use, Value, When};
use crate::seed::Seed;
use seedbed_engine::time::{Duration, Instant};

/// One in so many seeds is compared with its variants.
const EVERY: u64 = 50;

/// Steps after which a world is copied, and for which both go on.
const COPIED_AT: u64 = 97;

/// Whether this scenario's seed is one of those.
pub(super) const fn is_chosen(scenario: &Scenario) -> bool {
    scenario.seed % EVERY == 7
}

/// Runs the variants.
pub(super) fn compare(scenario: &Scenario, outcome: &mut Outcome) {
    copied(scenario, outcome);
    repeated(scenario, outcome);
    if !outcome.completed {
        return;
    }
    let variants = [
        (Oracle::M1, cut(scenario)),
        (Oracle::M2, later(scenario)),
        (Oracle::M3, elsewhere(scenario)),
        (Oracle::M4, crashed(scenario)),
        (Oracle::M5, with_idle_peers(scenario)),
    ];
    for (oracle, variant) in variants {
        let other = once(&variant, &Options::default());
        let why = match &other.failure {
            Some(failure) => format!("{} {}", failure.oracle, failure.text),
            None => "it is not completed".into(),
        };
        // a crash at the wrong moment may lose what a bad disk was given
        let ended = other.completed || other.unrecoverable;
        judge(outcome, oracle, ended && other.failure.is_none(), why);
    }
}

/// Counts that an oracle had something to compare, and keeps its breach.
fn judge(outcome: &mut Outcome, oracle: Oracle, kept: bool, text: String) {
    if let Some((_, held)) = outcome.oracles.get_mut(oracle as usize) {
        *held += 1;
    }
    if !kept && outcome.failure.is_none() {
        let (at, step) = (Instant::START + outcome.simulated, outcome.steps);
        outcome.failure = Some(Failure {
            oracle: ORACLES[oracle as usize].id,
            text: format!("{}: {text}", oracle.info().text),
            at,
            step,
        });
    }
}

/// I26: a copy of a world goes on as the original does.
fn copied(scenario: &Scenario, outcome: &mut Outcome) {
    let Ok(world) = build(scenario) else { return };
    let mut driver = Driver::new(scenario, world, &Options::default());
    driver.steps(COPIED_AT);
    let mut copy = driver.clone();
    driver.steps(COPIED_AT);
    copy.steps(COPIED_AT);
    let same = driver.digest() == copy.digest();
    judge(outcome, Oracle::I26, same, "the digests differ".into());
}

/// M9: the same again.
fn repeated(scenario: &Scenario, outcome: &mut Outcome) {
    let again = once(scenario, &Options::default());
    let text = format!("{:016x} and {:016x}", outcome.digest, again.digest);
    judge(outcome, Oracle::M9, again.digest == outcome.digest, text);
}

fn fault(when: When, target: &str, what: Use) -> FaultSpec {
    FaultSpec {
        when,
        lasts: None,
        targets: vec![target.into()],
        what,
    }
}

/// M1: reads of random length.
fn cut(scenario: &Scenario) -> Scenario {
    let mut variant = scenario.clone();
    for engine in &scenario.engines {
        let begin = When::At(Duration::ZERO);
        let fault = fault(begin, &engine.name, Use::new("random-reads"));
        variant.faults.push(FaultSpec {
            lasts: Some(Duration::from_secs(3600)),
            ..fault
        });
    }
    variant
}

/// M2: everybody begins half an hour later, and everything happens later by that.
fn later(scenario: &Scenario) -> Scenario {
    const BY: Duration = Duration::from_secs(1800);
    let mut variant = scenario.clone();
    variant.engines.iter_mut().for_each(|engine| engine.after += BY);
    variant.peers.iter_mut().for_each(|peer| peer.after += BY);
    for fault in &mut variant.faults {
        if let When::At(at) = &mut fault.when {
            *at += BY;
        }
    }
    variant
}

/// M3: peers stand in another order, so each has another's address.
fn elsewhere(scenario: &Scenario) -> Scenario {
    let mut variant = scenario.clone();
    variant.peers.reverse();
    variant
}

/// M4: the process dies before some action, and comes back.
fn crashed(scenario: &Scenario) -> Scenario {
    let mut variant = scenario.clone();
    let mut rng = Seed(scenario.seed).stream("crash");
    for engine in &scenario.engines {
        let mut crash = Use::new("crash");
        let action = 1 + rng.below(400);
        crash.params.push(("action".into(), Value::Int(action.into())));
        variant
            .faults
            .push(fault(When::At(Duration::ZERO), &engine.name, crash));
    }
    variant
}

/// M5: two peers more that have nothing and want nothing.
fn with_idle_peers(scenario: &Scenario) -> Scenario {
    let mut variant = scenario.clone();
    for n in 0..2 {
        variant.peers.push(PeerSpec {
            name: format!("idle{n}"),
            has: 0,
            leech: false,
            after: Duration::ZERO,
            dials: n == 0,
            link: LinkSpec::default(),
            behaviours: Vec::new(),
        });
    }
    variant
}
