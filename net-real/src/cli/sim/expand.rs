//! `seedbed sim expand`: the scenario that a seed stands for, as a file.

use super::source;
use crate::cli::console::Console;
use crate::cli::failure::{DONE, Failure};
use clap::Args;
use seedbed_sim::scenario::expand::{GENERATOR_VERSION, expand};
use seedbed_sim::scenario::print::print;

const EXAMPLES: &str = "\
Examples:
  seedbed sim expand 4711
  seedbed sim expand 4711 > world.kdl && seedbed sim run world.kdl";

/// Arguments of `sim expand`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExpandArgs {
    /// The seed, a number of 64 bits
    #[arg(value_parser = seed)]
    seed: u64,
}

/// Parses a seed.
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    source::seed(text).ok_or_else(|| "use a whole number of at most 64 bits, such as 4711".into())
}

pub(crate) fn run(args: &ExpandArgs, console: &Console) -> Result<u8, Failure> {
    let text = print(&expand(args.seed));
    console.value(&serde_json::json!({
        "seed": args.seed,
        "generator_version": GENERATOR_VERSION,
        "scenario": text,
    }))?;
    console.line(text.trim_end())?;
    Ok(DONE)
}
