//! `seedbed sim run`: one world, with its timeline if that is asked for.

use super::guarded::{keep_panics, run_guarded};
use super::{report, source};
use crate::cli::console::Console;
use crate::cli::failure::{DONE, Failure, MISMATCH};
use clap::Args;
use seedbed_sim::expect::unmet;
use seedbed_sim::render::render;
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  seedbed sim run 4711 --timeline
  seedbed sim run sim/scenarios/pieces/one-bit-wrong.kdl

Exits with 6 when a rule did not hold, with 3 when the file is no scenario.";

/// Arguments of `sim run`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    /// A scenario file, - for standard input, or a seed
    #[arg(value_name = "FILE|SEED")]
    scenario: String,
    /// Print everything that happens, a line an event; like lines are folded into one
    #[arg(long)]
    timeline: bool,
}

pub(crate) fn run(args: &RunArgs, console: &Console) -> Result<u8, Failure> {
    let source = source::read(&args.scenario)?;
    keep_panics();
    // a failure shows its last lines anyway, and one run costs little
    let outcome = run_guarded(&source.scenario, &report::telling());
    if args.timeline {
        console.line(render(&outcome, usize::MAX).trim_end())?;
    }
    let failure = outcome.failure.as_ref();
    let unmet = unmet(&source.scenario, &outcome);
    console.value(&json!({
        "name": source.scenario.name,
        "seed": source.scenario.seed,
        "failure": failure.map(|failure| json!({
            "oracle": failure.oracle, "text": failure.text, "seconds": seconds(failure.at.as_micros()), "step": failure.step,
        })),
        "unmet": unmet,
        "unrecoverable": outcome.unrecoverable,
        "events": outcome.events,
        "simulated_seconds": outcome.simulated.as_secs_f64(),
        "marks": outcome.marks.iter().collect::<std::collections::BTreeMap<_, _>>(),
        "digest": format!("{:016x}", outcome.digest),
    }))?;
    if let Some(failure) = failure {
        console.line(report::block(
            &source.scenario.name,
            failure,
            &outcome,
            &source.again,
        ))?;
        return Ok(MISMATCH);
    }
    if !unmet.is_empty() {
        for text in unmet {
            console.line(format!("FAILED {}: {text}", source.scenario.name))?;
        }
        return Ok(MISMATCH);
    }
    let verdict = if outcome.unrecoverable {
        "nobody could finish this download"
    } else {
        "all rules held"
    };
    console.line(format!(
        "{}: {verdict}; {} events in {:.3} simulated s, digest {:016x}",
        source.scenario.name,
        outcome.events,
        outcome.simulated.as_secs_f64(),
        outcome.digest
    ))?;
    Ok(DONE)
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
