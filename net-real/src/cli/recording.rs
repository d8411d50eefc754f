//! `--record` and `--record-last`: the flags, and what is said of a recording.

use super::console::{Console, shown_path};
use super::failure::{DONE, Failure, INTERRUPTED};
use super::{units, values};
use clap::Args;
use seedbed::{Client, Recorded};
use seedbed_engine::time::Duration;
use std::io;
use std::path::{Path, PathBuf};

/// How a run is recorded.
#[derive(Args, Default)]
#[command(next_help_heading = "Recording")]
pub(crate) struct RecordArgs {
    /// Write a journal of the run to this file; replay plays it again
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Keep only the last part of the run, such as 10m, in memory; the file is written when the run fails, and on SIGUSR1
    #[arg(long, value_name = "T", value_parser = values::duration, requires = "record")]
    pub(crate) record_last: Option<Duration>,
}

impl RecordArgs {
    /// Begins the recording, if one is asked for.
    pub(crate) fn begin(&self, client: &mut Client, what: &str) -> Result<(), Failure> {
        let Some(path) = &self.record else {
            return Ok(());
        };
        client.record(path, what, self.record_last).map_err(|error| {
            Failure::storage(format_args!(
                "The recording {} cannot be written: {error}.",
                shown_path(path)
            ))
        })
    }

    /// Writes what is kept of the run so far: the user asked for it, or the run failed.
    pub(crate) fn write(&self, client: &Client, console: &Console) {
        match (&self.record, self.record_last) {
            (Some(path), Some(_)) => tell(path, client.write_recording(), console),
            _ => console.note("Nothing is kept that could be written: --record-last was not given."),
        }
    }

    /// Ends the recording of a run that failed or did not, and says what it came to. That the recording failed is no
    /// reason to call the run itself failed.
    pub(crate) fn end(&self, client: &mut Client, failed: bool, console: &Console) {
        let Some(path) = &self.record else { return };
        if failed && self.record_last.is_some() {
            self.write(client, console);
        }
        tell(path, client.end_recording(), console);
    }
}

/// Whether a run ended in a way that a recording is wanted of.
pub(crate) fn failed(ended: &Result<u8, Failure>) -> bool {
    !matches!(ended, Ok(DONE | INTERRUPTED))
}

fn tell(path: &Path, recorded: io::Result<Option<Recorded>>, console: &Console) {
    let path = shown_path(path);
    match recorded {
        Ok(Some(recorded)) => {
            let (steps, bytes) = (recorded.steps, units::bytes(recorded.bytes));
            console.note(match recorded.reaches_back {
                None => format!(
                    "Recorded {steps} steps in {path} ({bytes}). It holds addresses and names: seedbed journal redact \
                     makes a copy that can be shared."
                ),
                Some(back) => format!(
                    "Recorded the last {steps} steps in {path} ({bytes}, {}). It holds addresses and names, and begins \
                     with the state of the client: give it to nobody whom you would not tell them.",
                    units::duration(back)
                ),
            });
        }
        Ok(None) => {}
        Err(error) => console.warn(format!("The recording {path} is not whole: {error}.")),
    }
}
