//! `seedbed sim shrink`: the smallest world that fails as the given one does.

use super::guarded::keep_panics;
use super::source;
use super::watching::{Watching, arguments};
use crate::cli::console::{Console, shown_path};
use crate::cli::failure::{DONE, Failure};
use crate::cli::values::duration_positive;
use clap::Args;
use seedbed_sim::render::render;
use seedbed_sim::run::{self, Options};
use seedbed_sim::scenario::print::print;
use seedbed_sim::shrink::{Events, Progress, Shrunk, Size, events, shrink};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  seedbed sim shrink 4711
  seedbed sim shrink world.kdl -o small.kdl && seedbed sim run small.kdl --timeline

Exits with 1 when no rule is broken in the world as it is.";

/// Time between two notes of how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(2);

/// Arguments of `sim shrink`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ShrinkArgs {
    /// A scenario file, - for standard input, or a seed
    #[arg(value_name = "FILE|SEED")]
    scenario: String,
    /// Write the scenario to this file, and beside it what happens in it (.timeline) and, if it shows without the
    /// world, the few events by which the engine alone fails (.journal)
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Stop after this time with the smallest world so far
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration_positive)]
    time_limit: Duration,
    #[command(flatten)]
    watching: Watching,
}

pub(crate) fn run(args: &ShrinkArgs, console: &Console) -> Result<u8, Failure> {
    let source = source::read(&args.scenario)?;
    keep_panics();
    let options = args.watching.options();
    let began = Instant::now();
    let mut told = began;
    let shrunk = shrink(&source.scenario, &options, |progress| {
        if told.elapsed() >= TOLD_EVERY {
            told = Instant::now();
            console.note(so_far(progress));
        }
        began.elapsed() < args.time_limit
    });
    let Some(shrunk) = shrunk else {
        return Err(Failure::other(format_args!(
            "There is nothing to shrink: every rule holds in {}. `seedbed sim sweep` finds worlds in which one does not.",
            source.again
        )));
    };
    let text = commented(&shrunk);
    let alone = events(&shrunk.scenario, &options, &shrunk.failure);
    let again = match &args.out {
        Some(out) => {
            write(out, &text)?;
            let telling = Options {
                telling: true,
                ..options.clone()
            };
            let outcome = run::run(&shrunk.scenario, &telling);
            write(&out.with_extension("timeline"), render(&outcome, usize::MAX))?;
            if let Some(alone) = &alone {
                write(&out.with_extension("journal"), &alone.journal)?;
            }
            format!("seedbed sim run {}{}", shown_path(out), arguments(&options))
        }
        None => {
            console.line(text.trim_end())?;
            format!("seedbed sim run -{}", arguments(&options))
        }
    };
    tell(
        &source.scenario,
        (&shrunk, alone.as_ref()),
        &again,
        began.elapsed(),
        console,
    )?;
    if let Some(out) = args.out.as_ref().filter(|_| alone.is_some()) {
        let journal = out.with_extension("journal");
        console.note(format!("seedbed replay {} --timeline", shown_path(&journal)));
    }
    Ok(DONE)
}

fn so_far(progress: Progress) -> String {
    format!("{} worlds, {} lines", progress.tried, progress.size.lines)
}

/// The scenario as a file that says what it shows.
fn commented(shrunk: &Shrunk) -> String {
    let failure = &shrunk.failure;
    let text = failure.text.replace(['\n', '\r'], " ");
    format!(
        "// {} at {} s: {text}\n{}",
        failure.oracle,
        failure.at,
        print(&shrunk.scenario)
    )
}

fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::storage(format_args!("{} cannot be written: {error}.", shown_path(path))))
}

fn tell(
    scenario: &seedbed_sim::scenario::Scenario,
    (shrunk, alone): (&Shrunk, Option<&Events>),
    again: &str,
    took: Duration,
    console: &Console,
) -> Result<(), Failure> {
    let (before, after) = (Size::of(scenario), Size::of(&shrunk.scenario));
    console.value(&json!({
        "oracle": shrunk.failure.oracle,
        "text": shrunk.failure.text,
        "scenario": print(&shrunk.scenario),
        "lines_before": before.lines,
        "lines": after.lines,
        "tried": shrunk.tried,
        "done": shrunk.done,
        "events": alone.map(|alone| alone.count),
        "events_before": alone.map(|alone| alone.before),
    }))?;
    let end = if shrunk.done {
        "nothing of it can be left out"
    } else {
        "the time was up before all was tried; --time-limit gives more"
    };
    console.note(format!(
        "{} fails with {} of {} lines, after {} worlds in {:.1} s; {end}",
        shrunk.failure.oracle,
        after.lines,
        before.lines,
        shrunk.tried,
        took.as_secs_f64()
    ));
    console.note(again);
    console.note(match alone {
        Some(alone) => format!(
            "{} alone fails by {} of the {} events that it is given",
            alone.engine, alone.count, alone.before
        ),
        None => "it does not show by the events of one engine alone".into(),
    });
    Ok(())
}
