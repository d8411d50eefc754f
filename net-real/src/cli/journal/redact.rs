//! `seedbed journal redact`: a copy of a recording that can be shared.

use crate::cli::console::{Console, shown_path};
use crate::cli::failure::{DONE, Failure, INPUT, MISMATCH};
use crate::cli::replay::{Recording, guarded};
use crate::cli::units;
use clap::Args;
use seedbed_sim::journal::{RedactError, redact};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  seedbed journal redact run.journal shared.journal

Replaces addresses, names of torrents and files, hosts, passkeys, info-hashes,
peer ids and the hashes of the content, then plays the copy: it is only written
if every decision is the same and nothing of the original is left in it. Sizes,
times, ports and the names of clients stay. Encrypted connections are read and
encrypted anew.";

/// Arguments of `journal redact`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RedactArgs {
    /// A file that --record wrote; - is standard input
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Where the copy goes; it must not exist yet
    #[arg(value_name = "OUT")]
    output: PathBuf,
}

pub(crate) fn run(args: &RedactArgs, console: &Console) -> Result<u8, Failure> {
    let recording = Recording::read(&args.input)?;
    let journal = recording.journal()?;
    let mut key = [0; 32];
    getrandom::fill(&mut key)
        .map_err(|error| Failure::other(format_args!("The system gives no randomness: {error}.")))?;
    let copy = guarded(&recording, || redact(&journal, key))?.map_err(|error| Failure {
        exit: match error {
            RedactError::Already | RedactError::Resumed | RedactError::Journal(_) | RedactError::Torrent => {
                INPUT
            }
            _ => MISMATCH,
        },
        text: format!("{} is not redacted: {error}.", recording.name()),
    })?;
    let path = shown_path(&args.output);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&args.output)
        .and_then(|mut file| file.write_all(&copy));
    written.map_err(|error| Failure::storage(format_args!("The copy {path} cannot be written: {error}.")))?;
    console.value(&json!({"steps": journal.steps_count(), "bytes": copy.len(), "output": path}))?;
    console.line(format!(
        "{path}: {} steps, {}; every decision is the same, and nothing that was replaced is left in it",
        journal.steps_count(),
        units::bytes(copy.len() as u64)
    ))?;
    Ok(DONE)
}
