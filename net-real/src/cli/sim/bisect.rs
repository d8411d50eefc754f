//! `seedbed sim bisect`: the moment of a failing run after which it could no longer end well.

use super::guarded::keep_panics;
use super::source;
use super::watching::Watching;
use crate::cli::console::Console;
use crate::cli::failure::{DONE, Failure};
use clap::Args;
use seedbed_sim::bisect::{Bisected, Effort, NoMoment, bisect};
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  seedbed sim bisect 4711
  seedbed sim bisect small.kdl --futures 64

What the world draws is drawn anew behind some step: delays, losses, what peers, trackers and disks leave to chance, the
order of what happens at one time. What the engine draws stays as it was.
Exits with 1 when no rule is broken in the world as it is.";

/// Steps of worlds in all: minutes of a machine of today.
const STEPS: u64 = 200_000_000;

/// Arguments of `sim bisect`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BisectArgs {
    /// A scenario file, - for standard input, or a seed
    #[arg(value_name = "FILE|SEED")]
    scenario: String,
    /// Futures that have to fail, all of them, for the failure to be certain
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    futures: u64,
    #[command(flatten)]
    watching: Watching,
}

pub(crate) fn run(args: &BisectArgs, console: &Console) -> Result<u8, Failure> {
    let source = source::read(&args.scenario)?;
    keep_panics();
    let options = args.watching.options();
    let effort = Effort {
        futures: args.futures,
        steps: STEPS,
    };
    let found = bisect(&source.scenario, &options, effort).map_err(|none| why_none(none, &source.again))?;
    console.value(&json!({
        "oracle": found.failure.oracle,
        "text": found.failure.text,
        "failed_at_step": found.failure.step,
        "failed_at_seconds": found.failure.at.as_micros() as f64 / 1e6,
        "step": found.step,
        "seconds": found.at.as_secs_f64(),
        "happened": found.lines.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "futures": found.futures,
        "failing_before": found.before,
        "runs": found.runs,
    }))?;
    console.line(format!(
        "{}: {} {}\n  at {} s, step {}",
        source.scenario.name, found.failure.oracle, found.failure.text, found.failure.at, found.failure.step
    ))?;
    for line in told(&found) {
        console.line(line)?;
    }
    Ok(DONE)
}

/// The moment in words, a few lines.
pub(super) fn told(found: &Bisected) -> Vec<String> {
    let (futures, before) = (found.futures, found.before);
    if found.step == 0 {
        return vec![format!(
            "  certain from the beginning: it fails in all of {futures} worlds drawn anew, so no accident of this one matters"
        )];
    }
    let mut lines = vec![format!(
        "  certain after {:.3} s, step {}: all of {futures} futures drawn anew from there fail; just before it {before} do",
        found.at.as_secs_f64(),
        found.step
    )];
    lines.extend(found.lines.iter().map(|line| format!("  {line}")));
    lines
}

fn why_none(none: NoMoment, again: &str) -> Failure {
    Failure::other(match none {
        NoMoment::Holds => format!(
            "There is nothing to look for: every rule holds in {again}. `seedbed sim sweep` finds worlds in which one does not."
        ),
        NoMoment::NotOfOneRun => format!(
            "What fails in {again} is a comparison of several runs, or the file makes no world: no moment of one run decides it. \
             `seedbed sim shrink` makes it small."
        ),
        NoMoment::TooLong => format!(
            "The world of {again} is too large for {STEPS} steps in all. `seedbed sim shrink` makes it small, and fewer --futures \
             cost less."
        ),
    })
}
