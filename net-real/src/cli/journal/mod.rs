//! `seedbed journal`: work on recorded runs.

mod info;
mod redact;
mod shrink;
mod to_test;

use super::console::Console;
use super::failure::Failure;
use clap::Subcommand;

pub(crate) const EXAMPLES: &str = "\
Examples:
  seedbed journal info run.journal
  seedbed journal redact run.journal shared.journal
  seedbed journal shrink shared.journal short.journal --until ban
  seedbed journal to-test short.journal";

/// What to do with a recording.
#[derive(Subcommand)]
pub(crate) enum JournalCommand {
    /// Show what was recorded, when and by which version
    Info(info::InfoArgs),
    /// Write a copy that can be shared: without addresses, names, passkeys and hashes
    Redact(redact::RedactArgs),
    /// Cut a run down to what leads to a ban, a failure, a stall or a mismatch
    Shrink(shrink::ShrinkArgs),
    /// Put a journal among the tests of the project, with its timeline
    ToTest(to_test::ToTestArgs),
}

pub(crate) fn run(command: &JournalCommand, console: &Console) -> Result<u8, Failure> {
    match command {
        JournalCommand::Info(args) => info::run(args, console),
        JournalCommand::Redact(args) => redact::run(args, console),
        JournalCommand::Shrink(args) => shrink::run(args, console),
        JournalCommand::ToTest(args) => to_test::run(args, console),
    }
}
