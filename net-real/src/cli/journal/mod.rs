//! `seedbed journal`: work on recorded runs.

mod info;
mod redact;

use super::console::Console;
use super::failure::Failure;
use clap::Subcommand;

pub(crate) const EXAMPLES: &str = "\
Examples:
  seedbed journal info run.journal
  seedbed journal redact run.journal shared.journal";

/// What to do with a recording.
#[derive(Subcommand)]
pub(crate) enum JournalCommand {
    /// Show what was recorded, when and by which version
    Info(info::InfoArgs),
    /// Write a copy that can be shared: without addresses, names, passkeys and hashes
    Redact(redact::RedactArgs),
}

pub(crate) fn run(command: &JournalCommand, console: &Console) -> Result<u8, Failure> {
    match command {
        JournalCommand::Info(args) => info::run(args, console),
        JournalCommand::Redact(args) => redact::run(args, console),
    }
}
