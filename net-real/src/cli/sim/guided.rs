//! `seedbed sim sweep --guided`: worlds that lead on, instead of one seed after the other.
//!
//! Worlds are run in rounds. What a round runs is chosen from what is known at the end of the one before, and its results are
//! taken in its order, so that everything is the same whatever the number of threads. A third of a round are the next seeds, a
//! third are the next seeds with more that goes wrong in them, and a third are the worlds of `--corpus`, and when all of
//! those were run, worlds made of kept ones.

use super::guarded::run_guarded;
use super::report;
use super::sweep::SweepArgs;
use super::total::Total;
use crate::cli::console::{Console, shown_path};
use crate::cli::failure::{DONE, Failure, MISMATCH};
use crate::cli::progress::Progress;
use seedbed_sim::novelty::Corpus;
use seedbed_sim::run::{Options, Outcome};
use seedbed_sim::scenario::Scenario;
use seedbed_sim::scenario::expand::{GENERATOR_VERSION, expand};
use seedbed_sim::scenario::kdl::parse;
use seedbed_sim::scenario::print::print;
use seedbed_sim::seed::Seed;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Worlds of a round: enough to keep many cores busy, and few enough that what one finds is soon made use of.
const ROUND: u64 = 64;
/// Failures that are told whole; the others have a line.
const BLOCKS_MAX: usize = 5;
/// Bytes of a corpus that is read.
const CORPUS_MAX: u64 = 64 << 20;

/// A world that is to be run, and the seed that it is of, if it is of one.
struct Candidate {
    scenario: Scenario,
    seed: Option<u64>,
}

/// What a guided sweep knows between two rounds.
struct Guide {
    corpus: Corpus,
    /// Worlds of a file that were not run yet, the first one last.
    first: Vec<Scenario>,
    next_seed: u64,
    rng: seedbed_engine::rng::Rng,
}

impl Guide {
    fn choose(&mut self, count: u64) -> Vec<Candidate> {
        (0..count)
            .map(|n| {
                let turn = n % 3;
                if turn == 2
                    && let Some(scenario) = self.first.pop().or_else(|| self.corpus.invent(&mut self.rng))
                {
                    return Candidate { scenario, seed: None };
                }
                let seed = self.next_seed;
                self.next_seed += 1;
                if turn == 1
                    && let Some(scenario) = self.corpus.enrich(&expand(seed), &mut self.rng)
                {
                    return Candidate { scenario, seed: None };
                }
                Candidate {
                    scenario: expand(seed),
                    seed: Some(seed),
                }
            })
            .collect()
    }
}

/// Runs as many worlds as there are seeds.
pub(super) fn run(
    args: &SweepArgs,
    jobs: usize,
    options: &Options,
    console: &Console,
) -> Result<u8, Failure> {
    let began = Instant::now();
    let count = args.seeds.end - args.seeds.start;
    let mut guide = Guide {
        corpus: Corpus::default(),
        first: args.corpus.as_deref().map_or(Ok(Vec::new()), read)?,
        next_seed: args.seeds.start,
        rng: Seed(args.seeds.start).stream("guided sweep"),
    };
    let mut progress = Progress::start(console);
    let (mut total, mut done, mut failures, mut first) = (Total::default(), 0, Vec::new(), None);
    while done < count && (failures.is_empty() || !args.until_failure) {
        let round = guide.choose(ROUND.min(count - done));
        let outcomes = run_round(&round, jobs, options);
        for (one, outcome) in round.into_iter().zip(outcomes) {
            total.count(one.seed.unwrap_or(u64::MAX), &outcome);
            done += 1;
            if outcome.failure.is_some() {
                first.get_or_insert(done);
                failures.push((one, outcome));
            } else {
                guide.corpus.offer(&one.scenario, &outcome.marks, outcome.events);
            }
        }
        let line = format!(
            "{done}/{count} worlds  {} pairs of marks  {} kept  {} failed",
            guide.corpus.pairs(),
            guide.corpus.len(),
            failures.len()
        );
        progress.show("guided", (done, count), line);
    }
    drop(progress);
    if let Some(path) = args.corpus.as_deref().filter(|_| failures.is_empty()) {
        write(path, &guide.corpus)?;
    }
    for (n, (one, outcome)) in failures.iter().enumerate() {
        tell(n, one, outcome, args.failures.as_deref(), options, console)?;
    }
    let wall = began.elapsed();
    let mut value = total.json(wall);
    value["pairs"] = json!(guide.corpus.pairs());
    value["kept"] = json!(guide.corpus.len());
    value["first_failure"] = json!(first);
    console.value(&value)?;
    for line in total.lines(wall) {
        console.line(line)?;
    }
    let (pairs, kept) = (guide.corpus.pairs(), guide.corpus.len());
    console.line(format!(
        "{pairs} pairs of marks were reached, {kept} worlds are kept"
    ))?;
    if let Some(first) = first {
        console.line(format!("the first failure is that of world {first}"))?;
    }
    Ok(if failures.is_empty() { DONE } else { MISMATCH })
}

/// Runs the worlds of a round; their outcomes in its order.
fn run_round(round: &[Candidate], jobs: usize, options: &Options) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes: Vec<Mutex<Outcome>> = round.iter().map(|_| Mutex::default()).collect();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let (Some(one), Some(place)) = (round.get(n), outcomes.get(n)) else {
                        return;
                    };
                    let outcome = run_guarded(&one.scenario, options);
                    if let Ok(mut place) = place.lock() {
                        *place = outcome;
                    }
                }
            });
        }
    });
    let taken = |place: Mutex<Outcome>| place.into_inner().unwrap_or_default();
    outcomes.into_iter().map(taken).collect()
}

/// A failing world: that of a seed is named by it, any other is written where it can be run from.
fn tell(
    n: usize,
    one: &Candidate,
    outcome: &Outcome,
    folder: Option<&Path>,
    options: &Options,
    console: &Console,
) -> Result<(), Failure> {
    let Some(failure) = &outcome.failure else {
        return Ok(());
    };
    let mut name = format!("world {n}");
    let mut again = format!("world-{n}.kdl");
    match (one.seed, folder) {
        (Some(seed), _) => (name, again) = (format!("seed {seed}"), seed.to_string()),
        (None, Some(folder)) => {
            let path = folder.join(&again);
            let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, print(&one.scenario)));
            let shown = shown_path(&path);
            written.map_err(|error| Failure::storage(format_args!("{shown} cannot be written: {error}.")))?;
            again = shown;
        }
        (None, None) if n < BLOCKS_MAX => console.line(print(&one.scenario))?,
        (None, None) => {}
    }
    if n >= BLOCKS_MAX || console.is_json() {
        return console.line(format!("FAILED {name}: {} {}", failure.oracle, failure.text));
    }
    let block = report::block(&name, failure, outcome, &again, (&one.scenario, options));
    console.line(block)
}

fn read(path: &Path) -> Result<Vec<Scenario>, Failure> {
    let name = shown_path(path);
    let Ok(size) = fs::metadata(path).map(|file| file.len()) else {
        // it is made by this run
        return Ok(Vec::new());
    };
    let bad = |why: &dyn std::fmt::Display| {
        Failure::input(format_args!("The corpus {name} cannot be read: {why}."))
    };
    if size > CORPUS_MAX {
        return Err(bad(&"it is too large"));
    }
    let text = fs::read_to_string(path).map_err(|error| bad(&error))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| bad(&error))?;
    if value["generator_version"] != GENERATOR_VERSION {
        return Ok(Vec::new());
    }
    let worlds = value["worlds"]
        .as_array()
        .ok_or_else(|| bad(&"it has no worlds"))?;
    let world = |one: &Value| parse(one.as_str().unwrap_or_default()).map_err(|mistake| bad(&mistake));
    worlds.iter().rev().map(world).collect()
}

fn write(path: &Path, corpus: &Corpus) -> Result<(), Failure> {
    let worlds: Vec<String> = corpus.worlds().into_iter().map(print).collect();
    let value = json!({"generator_version": GENERATOR_VERSION, "worlds": worlds});
    let beside = PathBuf::from(format!("{}.new", path.display()));
    let written = fs::write(&beside, value.to_string()).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        let name = shown_path(path);
        Failure::storage(format_args!("The corpus {name} cannot be written: {error}."))
    })
}
