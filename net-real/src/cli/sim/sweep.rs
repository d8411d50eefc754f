//! `seedbed sim sweep`: the worlds of many seeds, on all cores.
//!
//! A world runs in one thread; threads take seeds a few at a time, and their results are put together in the order of
//! the seeds, so everything that is printed, the digest above all, is the same whatever the number of threads.

use super::guarded::{keep_panics, run_guarded};
use super::guided;
use super::range::{self, Shard};
use super::report;
use super::total::{Failed, Total};
use super::watching::Watching;
use crate::cli::console::Console;
use crate::cli::failure::{DONE, Failure, MISMATCH};
use crate::cli::progress::Progress;
use clap::Args;
use seedbed_sim::run::{Options, Outcome};
use seedbed_sim::scenario::expand::expand;
use serde_json::json;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  seedbed sim sweep --seeds 0..10000
  seedbed sim sweep --seeds 0..1000000 --shard 3/20 --json > 3.json
  seedbed sim sweep --seeds 0..2000 --twice
  seedbed sim sweep --seeds 0..10000 --guided --corpus worlds.json

The digest covers every run and is equal for equal seeds and version, whatever --jobs is.
Exits with 6 when a run failed.";

/// Seeds that a thread takes at a time: few enough that the last thread ends soon after the others.
const RUN: u64 = 16;
/// How often the progress is told.
const TELL_INTERVAL: Duration = Duration::from_millis(200);
/// Failures that are told whole; the others have a line.
const BLOCKS_MAX: usize = 5;
/// Results that may wait for an earlier one, in runs a thread; a slow world must not let them pile up.
const AHEAD: usize = 64;

/// Arguments of `sim sweep`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SweepArgs {
    /// The seeds, from A up to but without B
    #[arg(long, value_name = "A..B", value_parser = range::seeds)]
    pub(super) seeds: Range<u64>,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Only the K-th of N parts of the seeds
    #[arg(long, value_name = "K/N", value_parser = range::shard)]
    shard: Option<Shard>,
    /// Run each world twice and fail if the digests differ
    #[arg(long)]
    twice: bool,
    /// Fail if a behaviour never fired or an oracle never had anything to look at: for 10,000 seeds and more
    #[arg(long)]
    demand_all: bool,
    /// Run as many worlds as there are seeds, two thirds of them made with parts of those that reached something rare
    #[arg(long, conflicts_with_all = ["shard", "twice", "demand_all"])]
    guided: bool,
    /// Run the worlds of this file in a guided sweep, and keep the best in it
    #[arg(long, value_name = "FILE", requires = "guided")]
    pub(super) corpus: Option<PathBuf>,
    /// Write the worlds that fail in a guided sweep into this folder
    #[arg(long, value_name = "DIR", requires = "guided")]
    pub(super) failures: Option<PathBuf>,
    /// End a guided sweep with the first round in which something fails
    #[arg(long, requires = "guided")]
    pub(super) until_failure: bool,
    #[command(flatten)]
    watching: Watching,
}

/// What the threads share.
struct Work {
    first: u64,
    shard: Shard,
    /// Seeds in all.
    count: u64,
    twice: bool,
    options: Options,
    next: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    stop: AtomicBool,
}

pub(crate) fn run(args: &SweepArgs, console: &Console) -> Result<u8, Failure> {
    let shard = args.shard.unwrap_or(Shard::WHOLE);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let work = Work {
        first: args.seeds.start,
        shard,
        count: shard.share(args.seeds.end - args.seeds.start),
        twice: args.twice,
        options: args.watching.options(),
        next: AtomicU64::new(0),
        done: AtomicU64::new(0),
        failed: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    };
    keep_panics();
    if args.guided {
        return guided::run(args, args.jobs.map_or(cores, usize::from), &work.options, console);
    }
    let began = Instant::now();
    let total = sweep(&work, args.jobs.map_or(cores, usize::from), console)?;
    let wall = began.elapsed();
    // with --json nobody reads it
    let blocks = if console.is_json() { 0 } else { BLOCKS_MAX };
    for (n, failed) in total.failed.iter().enumerate() {
        console.line(told(failed, n < blocks, &work.options))?;
    }
    let mut value = total.json(wall);
    value["range"] = json!(format!("{}..{}", args.seeds.start, args.seeds.end));
    value["shard"] = json!(shard.text());
    value["cut"] = json!(range::CUT);
    console.value(&value)?;
    for line in total.lines(wall) {
        console.line(line)?;
    }
    let unseen = if args.demand_all {
        total.unseen()
    } else {
        Vec::new()
    };
    if !unseen.is_empty() {
        console.line(format!(
            "FAILED: never seen in these seeds: {}",
            unseen.join(", ")
        ))?;
    }
    let good = total.failed.is_empty() && unseen.is_empty();
    Ok(if good { DONE } else { MISMATCH })
}

/// Runs everything and adds it up in order.
fn sweep(work: &Work, jobs: usize, console: &Console) -> Result<Total, Failure> {
    let mut progress = Progress::start(console);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let (send, finished) = mpsc::sync_channel(AHEAD * jobs);
        for _ in 0..jobs {
            let send = send.clone();
            scope.spawn(move || work.take_runs(&send));
        }
        drop(send);
        let mut total = Total::default();
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        loop {
            match finished.recv_timeout(TELL_INTERVAL) {
                Ok((at, part)) => {
                    waiting.insert(at, part);
                    while let Some(part) = waiting.remove(&next) {
                        total.add(&part);
                        next += 1;
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(total),
            }
            progress.show(
                "sweeping",
                (work.done.load(Ordering::Relaxed), work.count),
                work.line(began),
            );
        }
    })
}

impl Work {
    /// What a thread does until nothing is left.
    fn take_runs(&self, send: &mpsc::SyncSender<(u64, Total)>) {
        while !self.stop.load(Ordering::Relaxed) {
            let run = self.next.fetch_add(1, Ordering::Relaxed);
            let from = run.saturating_mul(RUN);
            if from >= self.count {
                return;
            }
            let mut part = Total::default();
            for n in from..self.count.min(from + RUN) {
                let seed = self.first + self.shard.place(n);
                part.count(seed, &self.world(seed));
                self.done.fetch_add(1, Ordering::Relaxed);
            }
            self.failed.fetch_add(part.failed.len() as u64, Ordering::Relaxed);
            // nobody listens when the sweep was given up
            if send.send((run, part)).is_err() {
                self.stop.store(true, Ordering::Relaxed);
            }
        }
    }

    fn world(&self, seed: u64) -> Outcome {
        let scenario = expand(seed);
        let mut outcome = run_guarded(&scenario, &self.options);
        if self.twice && outcome.failure.is_none() {
            let again = run_guarded(&scenario, &self.options);
            if again.digest != outcome.digest {
                outcome.failure = Some(report::differs(outcome.digest, again.digest));
            }
        }
        outcome
    }

    fn line(&self, began: Instant) -> String {
        let done = self.done.load(Ordering::Relaxed);
        let millis = u64::try_from(began.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        let rate = done.saturating_mul(1000) / millis;
        let left = (self.count - done).checked_div(rate);
        let eta = left.map_or(String::new(), |secs| {
            format!("  ETA {}", crate::cli::units::duration(Duration::from_secs(secs)))
        });
        let failed = self.failed.load(Ordering::Relaxed);
        format!(
            "{done}/{} seeds  {rate} seeds/s{eta}  {failed} failed",
            self.count
        )
    }
}

/// A failure, whole with the last lines of its timeline or in a line.
fn told(failed: &Failed, whole: bool, options: &Options) -> String {
    let name = format!("seed {}", failed.seed);
    let again = failed.seed.to_string();
    if !whole {
        return format!("FAILED {name}: {} {}", failed.failure.oracle, failed.failure.text);
    }
    let options = Options {
        telling: true,
        ..options.clone()
    };
    let scenario = expand(failed.seed);
    let outcome = run_guarded(&scenario, &options);
    report::block(&name, &failed.failure, &outcome, &again, (&scenario, &options))
}
