//! `seedbed completions`: a completion script for a shell.

use super::console::Console;
use super::failure::{DONE, Failure};
use clap::Args;
use clap_complete::Shell;

/// Arguments of `completions`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  seedbed completions bash > ~/.local/share/bash-completion/completions/seedbed"
)]
pub(crate) struct CompletionsArgs {
    /// The shell to write for
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, console: &Console) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "seedbed", &mut script);
    console.bytes(&script)?;
    Ok(DONE)
}
