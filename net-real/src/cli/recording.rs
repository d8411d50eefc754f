//! `--record`: the flags, and what is said of a recording.

use super::console::{Console, shown_path};
use super::failure::Failure;
use super::units;
use clap::Args;
use seedbed::Client;
use std::path::PathBuf;

/// How a run is recorded.
#[derive(Args, Default)]
#[command(next_help_heading = "Recording")]
pub(crate) struct RecordArgs {
    /// Write a journal of the run to this file; replay plays it again
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
}

impl RecordArgs {
    /// Begins the recording, if one is asked for.
    pub(crate) fn begin(&self, client: &mut Client, what: &str) -> Result<(), Failure> {
        let Some(path) = &self.record else {
            return Ok(());
        };
        client.record(path, what).map_err(|error| {
            Failure::storage(format_args!(
                "The recording {} cannot be written: {error}.",
                shown_path(path)
            ))
        })
    }

    /// Ends it, and says what it came to. That it failed is no reason to call the run itself failed.
    pub(crate) fn end(&self, client: &mut Client, console: &Console) {
        let Some(path) = &self.record else { return };
        let path = shown_path(path);
        match client.end_recording() {
            Ok(Some(recorded)) => console.note(format!(
                "Recorded {} steps in {path} ({}). It holds addresses and names: seedbed journal redact makes a copy \
                 that can be shared.",
                recorded.steps,
                units::bytes(recorded.bytes)
            )),
            Ok(None) => {}
            Err(error) => console.warn(format!("The recording {path} is not whole: {error}.")),
        }
    }
}
