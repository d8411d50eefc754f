//! `seedbed journal shrink`: the part of a recording that matters.

use crate::cli::console::{Console, shown_path};
use crate::cli::failure::{DONE, Failure, MISMATCH};
use crate::cli::replay::{Recording, guarded};
use clap::Args;
use seedbed_sim::journal::{Until, shrink};
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  seedbed journal shrink run.journal short.journal --until ban
  seedbed journal shrink run.journal short.journal --until mismatch

Keeps what leads to the first ban, hash-failure, disk-failure or stall, and
leaves out every event that is not needed for it. A mismatch is only cut behind
its step. Exit code 6 if the run never shows what is asked for.";

/// Arguments of `journal shrink`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ShrinkArgs {
    /// A file that --record wrote; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where the shorter journal goes
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// What it still has to show: mismatch, ban, hash-failure, disk-failure or stall
    #[arg(long, value_name = "PREDICATE", value_parser = until)]
    until: Until,
}

fn until(text: &str) -> Result<Until, String> {
    let known = Until::NAMES.iter().find(|(name, _)| *name == text);
    known.map(|(_, until)| *until).ok_or_else(|| {
        let names: Vec<_> = Until::NAMES.iter().map(|(name, _)| *name).collect();
        format!("there is {}", names.join(", "))
    })
}

pub(crate) fn run(args: &ShrinkArgs, console: &Console) -> Result<u8, Failure> {
    let recording = Recording::read(&args.file)?;
    let journal = recording.journal()?;
    let Some(shrunk) = guarded(&recording, || shrink(&journal, args.until))? else {
        return Err(Failure {
            exit: MISMATCH,
            text: format!("{} never shows that.", recording.name()),
        });
    };
    let path = shown_path(&args.out);
    std::fs::write(&args.out, &shrunk.bytes)
        .map_err(|error| Failure::storage(format_args!("{path} cannot be written: {error}.")))?;
    console.value(&json!({
        "steps": journal.steps_count(), "cut_at": shrunk.cut_at, "left": shrunk.steps, "bytes": shrunk.bytes.len(),
    }))?;
    console.line(format!(
        "{path}: {} of {} steps; it shows after step {} of the original",
        shrunk.steps,
        journal.steps_count(),
        shrunk.cut_at
    ))?;
    Ok(DONE)
}
