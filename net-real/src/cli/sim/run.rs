//! `seedbed sim run`: one world, with its timeline if that is asked for.

use super::guarded::{keep_panics, run_guarded};
use super::watching::Watching;
use super::{report, source};
use crate::cli::console::Console;
use crate::cli::failure::{DONE, Failure, MISMATCH};
use crate::cli::replay::write_page;
use clap::Args;
use seedbed_sim::expect::unmet;
use seedbed_sim::journal::draw;
use seedbed_sim::render::render;
use seedbed_sim::run::{Options, Outcome};
use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  seedbed sim run 4711 --timeline
  seedbed sim run sim/scenarios/pieces/one-bit-wrong.kdl
  seedbed sim run 4711 --html run.html

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
    /// Write one page that shows what the first engine did: rates, trackers, a lane a peer, pieces
    #[arg(long, value_name = "OUT")]
    html: Option<PathBuf>,
    #[command(flatten)]
    watching: Watching,
}

pub(crate) fn run(args: &RunArgs, console: &Console) -> Result<u8, Failure> {
    let source = source::read(&args.scenario)?;
    keep_panics();
    // a failure shows its last lines anyway, and one run costs little
    let options = Options {
        journals: args.html.is_some(),
        telling: true,
        ..args.watching.options()
    };
    let outcome = run_guarded(&source.scenario, &options);
    if let Some(out) = &args.html {
        picture(out, &outcome, console)?;
    }
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
            (&source.scenario, &options),
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

/// The page of the first engine; of its processes, that with the longest journal.
fn picture(out: &Path, outcome: &Outcome, console: &Console) -> Result<(), Failure> {
    let first = outcome.journals.first().map(|(name, _)| name);
    let own = outcome.journals.iter().filter(|(name, _)| Some(name) == first);
    let Some((_, journal)) = own.max_by_key(|(_, journal)| journal.len()) else {
        return Err(Failure::other(
            "There is nothing to draw: no engine ran in this world.",
        ));
    };
    // an engine that panicked does it again when its journal is played
    let page = catch_unwind(AssertUnwindSafe(|| draw(journal))).map_err(|_| {
        Failure::other(
            "There is no page: the engine stops with a failed assertion when its run is played again.",
        )
    })?;
    let page = page.map_err(|error| Failure::other(format_args!("There is no page: {error}.")))?;
    write_page(out, &page, console)
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
