//! `seedbed journal to-test`: a recording among the tests of the project.

use crate::cli::console::{Console, shown_path};
use crate::cli::failure::{DONE, Failure, INPUT};
use crate::cli::replay::{Recording, guarded};
use clap::Args;
use seedbed_sim::journal::timeline;
use serde_json::json;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  seedbed journal to-test shared.journal --dir tests/data/journals

Writes the journal into the folder and its timeline beside it. The tests replay
every journal of tests/data/journals and hold the timeline against what it tells.
Only redacted journals are taken, unless --private says that nobody else will see it.";

/// Arguments of `journal to-test`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ToTestArgs {
    /// The journal
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder that the test goes into
    #[arg(long, value_name = "DIR", default_value = "tests/data/journals")]
    dir: PathBuf,
    /// Take a journal that was not redacted
    #[arg(long)]
    private: bool,
}

pub(crate) fn run(args: &ToTestArgs, console: &Console) -> Result<u8, Failure> {
    let recording = Recording::read(&args.file)?;
    let journal = recording.journal()?;
    if !journal.header().redacted && !args.private {
        return Err(Failure {
            exit: INPUT,
            text: format!(
                "{} holds addresses and names: redact it first (seedbed journal redact), or say --private.",
                recording.name()
            ),
        });
    }
    let timeline = guarded(&recording, || timeline(&journal))?;
    let stem = args
        .file
        .file_stem()
        .map_or_else(|| "journal".into(), PathBuf::from);
    let file = |extension: &str| args.dir.join(&stem).with_extension(extension);
    crate::cli::require_dir(&args.dir)?;
    write(&file("journal"), recording.bytes())?;
    write(&file("timeline"), timeline.as_bytes())?;
    let path = shown_path(&file("journal"));
    console.value(&json!({"journal": path, "timeline": shown_path(&file("timeline"))}))?;
    console.line(format!(
        "{path}: {} steps, timeline beside it",
        journal.steps_count()
    ))?;
    Ok(DONE)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = std::fs::write(path, bytes);
    written
        .map_err(|error| Failure::storage(format_args!("{} cannot be written: {error}.", shown_path(path))))
}
