//! Oracles M: what several runs of one scenario have in common.
//!
//! A variant changes something that must not matter. Compared are ends and not ways: who is complete, and that no rule
//! is broken. Only a scenario that was completed is compared, since one without a core promises nothing.

use super::driver::Driver;
use super::{Failure, Options, Outcome, build, once};
use crate::oracle::{ORACLES, Oracle};
use crate::scenario::{FaultSpec, LinkSpec, PeerSpec, Scenario, Use, Value, When};
use crate::seed::Seed;
use seedbed_engine::journal::{Journal, Replay};
use seedbed_engine::time::{Duration, Instant};

/// One in so many seeds is compared with its variants.
const EVERY: u64 = 50;

/// Steps after which a world is copied, and for which both go on.
const COPIED_AT: u64 = 97;

/// How many times larger blocks and pieces are in the second run of M6.
const SCALE: u32 = 8;

/// Bytes of a block in the first run of M6.
const SCALED_BLOCK: u32 = 1024;

/// Blocks that are asked of one peer at a time in M6: fewer than a model peer gives to the network at once, and not
/// more than one read of 64 KiB takes when they are multiplied.
const SCALED_PIPELINE: i64 = 7;

/// Blocks of a torrent that M6 is tried with: larger ones take their time.
const SCALED_BLOCKS_MAX: u32 = 256;

/// Bytes of a piece of metadata in M6: as in life (BEP 9).
const METADATA_PIECE: u32 = 16 * 1024;

/// Settings of an engine that count bytes.
const IN_BYTES: &[&str] = &["disk-bytes", "send-buffer", "serve-block"];

/// Whether this scenario's seed is one of those.
pub(super) const fn is_chosen(scenario: &Scenario) -> bool {
    scenario.seed % EVERY == 7
}

/// Runs the variants.
pub(super) fn compare(scenario: &Scenario, outcome: &mut Outcome) {
    copied(scenario, outcome);
    repeated(scenario, outcome);
    scaled(scenario, outcome);
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
pub(super) fn judge(outcome: &mut Outcome, oracle: Oracle, kept: bool, text: String) {
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
    let same = driver.digest() == copy.digest() && driver.engines().eq(copy.engines());
    judge(outcome, Oracle::I26, same, "the digests differ".into());
}

/// M9: the same again, and each engine alone does the same with what its journal tells.
fn repeated(scenario: &Scenario, outcome: &mut Outcome) {
    // told and recorded, which must not matter
    let options = Options {
        journals: true,
        telling: true,
        ..Options::default()
    };
    let again = once(scenario, &options);
    let text = format!("{:016x} and {:016x}", outcome.digest, again.digest);
    judge(outcome, Oracle::M9, again.digest == outcome.digest, text);
    for (name, bytes) in again.journals.iter().chain(&again.resumed_journals) {
        let replayed = replay(bytes);
        let text = replayed.as_ref().err().cloned().unwrap_or_default();
        judge(outcome, Oracle::M9, replayed.is_ok(), format!("{name}: {text}"));
    }
}

/// Replays a journal to its end.
fn replay(bytes: &[u8]) -> Result<(), String> {
    let journal = Journal::read(bytes).map_err(|error| error.to_string())?;
    // with the lines of a timeline, which must not matter
    let mut replay = Replay::new(&journal, true);
    replay
        .run()
        .map_err(|(step, mismatch)| format!("step {step}: {mismatch:?}"))
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

/// M6: the sizes of the torrent are multiplied, and nothing is decided otherwise or at another time.
///
/// That is exactly so only where no time depends on bytes and nothing of the world's own sizes is ever full, so both
/// runs are of a variant: see [`unlimited`]. Sizes that an engine is told are multiplied, too.
pub(super) fn scaled(scenario: &Scenario, outcome: &mut Outcome) {
    let torrent = &scenario.torrent;
    if torrent.pieces * torrent.blocks > SCALED_BLOCKS_MAX {
        return;
    }
    let small = unlimited(scenario);
    let mut large = small.clone();
    large.torrent.block *= SCALE;
    large.torrent.short *= SCALE;
    for (name, value) in large.engines.iter_mut().flat_map(|engine| &mut engine.config) {
        if let (true, Value::Int(bytes)) = (IN_BYTES.contains(&name.as_str()), value) {
            *bytes *= i64::from(SCALE);
        }
    }
    decide_alike(&small, &large, outcome);
}

/// The comparison of M6. A smaller run that breaks a rule of another oracle says nothing of this one.
pub(super) fn decide_alike(small: &Scenario, large: &Scenario, outcome: &mut Outcome) {
    let [small, large] = [small, large].map(|scenario| once(scenario, &Options::default()));
    if small.failure.is_some() {
        return;
    }
    let why = match &large.failure {
        Some(failure) => format!("{} {}", failure.oracle, failure.text),
        None => format!("{:016x} and {:016x}", small.decisions, large.decisions),
    };
    judge(outcome, Oracle::M6, small.decisions == large.decisions, why);
}

/// A variant in which sizes play no part:
///
/// - links carry any rate, no rate is limited, and nothing goes wrong: faults and behaviours count bytes in many ways;
/// - blocks outweigh the heads of messages, which are never multiplied, and few are asked for at a time, so that
///   whatever is under way leaves in one portion and is taken in one read;
/// - no allowed-fast set is granted: it is drawn from the info-hash (BEP 6), which is another one;
/// - metadata is one piece: larger numbers have more digits, and may need one more.
fn unlimited(scenario: &Scenario) -> Scenario {
    let mut free = scenario.clone();
    free.torrent.block = SCALED_BLOCK;
    free.torrent.short %= SCALED_BLOCK;
    if let Some(magnet) = &mut free.torrent.magnet {
        magnet.piece = METADATA_PIECE;
    }
    free.faults.clear();
    free.trackers.iter_mut().for_each(|one| one.behaviours.clear());
    free.peers.iter_mut().for_each(|one| one.behaviours.clear());
    for engine in &mut free.engines {
        engine.behaviours.clear();
        engine.config.retain(|(name, _)| !name.starts_with("rate-"));
        for (name, value) in [("allowed-fast", 0), ("pipeline-max", SCALED_PIPELINE)] {
            engine.config.push((name.into(), Value::Int(value)));
        }
    }
    let links = free.engines.iter_mut().map(|one| &mut one.link);
    let links = links.chain(free.peers.iter_mut().map(|one| &mut one.link));
    let links = links.chain(free.trackers.iter_mut().map(|one| &mut one.link));
    links.for_each(|link| (link.up, link.down) = (0, 0));
    free
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::EngineHost;
    use crate::scenario::expand::expand;
    use crate::world::ActorId;

    #[test]
    fn generated_worlds_replay() {
        for seed in 0..150 {
            let mut outcome = once(&expand(seed), &Options::default());
            repeated(&expand(seed), &mut outcome);
            assert_eq!(outcome.failure, None, "seed {seed}");
        }
    }

    /// Bytes of payload that are looked for: enough not to be there by chance.
    const SOME: usize = 16;

    #[test]
    fn an_engine_goes_on_from_its_written_state() {
        let options = Options {
            journals: true,
            ..Options::default()
        };
        let mut journals = 0;
        for seed in 0..40 {
            for (name, journal) in once(&expand(seed), &options).resumed_journals {
                journals += 1;
                assert_eq!(replay(&journal), Ok(()), "seed {seed}, {name}");
            }
        }
        assert!(journals >= 40, "{journals}");
    }

    #[test]
    fn no_payload_is_in_a_journal() {
        let options = Options {
            journals: true,
            ..Options::default()
        };
        let mut journals = 0;
        for seed in 0..60 {
            let scenario = expand(seed);
            let world = build(&scenario).expect("a world");
            let host = (0..world.actors.len()).find_map(|n| world.actor::<EngineHost>(ActorId(n)));
            let content = host.expect("an engine").sample().content.clone();
            let block = scenario.torrent.block as usize;
            let blocks = content
                .chunks(block)
                .filter_map(|block| block.first_chunk::<SOME>());
            let payload: std::collections::BTreeSet<_> = blocks.collect();
            for (name, journal) in once(&scenario, &options).journals {
                journals += 1;
                let found = journal
                    .array_windows::<SOME>()
                    .any(|window| payload.contains(window));
                assert!(!found, "seed {seed}, {name}");
            }
        }
        assert!(journals >= 60);
    }
}
