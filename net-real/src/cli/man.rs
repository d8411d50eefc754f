//! `seedbed man`: manual pages made of the help texts.

use super::console::{Console, shown_path};
use super::failure::{DONE, Failure};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `man`.
#[derive(Args)]
#[command(after_help = "Examples:\n  seedbed man | man -l -\n  seedbed man -o ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write a page for each subcommand into this folder, instead of the main page to standard output
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &ManArgs, console: &Console) -> Result<u8, Failure> {
    let Some(dir) = &args.out else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(super::command()).render(&mut page);
        rendered.map_err(Failure::other)?;
        console.bytes(&page)?;
        return Ok(DONE);
    };
    clap_mangen::generate_to(super::command(), dir).map_err(|error| {
        Failure::storage(format_args!(
            "The manual pages cannot be written to {}: {error}.",
            shown_path(dir)
        ))
    })?;
    Ok(DONE)
}
