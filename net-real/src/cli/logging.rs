//! The log of the adapter and the engine on standard error: off but for errors, `-v` and `SEEDBED_LOG` open it.

use super::console::{Console, takes_colour};
use tracing_subscriber::EnvFilter;

/// The variable that names modules and levels, in the syntax of `tracing_subscriber::EnvFilter`.
const VARIABLE: &str = "SEEDBED_LOG";

/// Starts the log. `verbose` counts the `-v`s.
pub(crate) fn start(verbose: u8, console: &Console) {
    let level = match verbose {
        0 => "error",
        1 => "warn,seedbed=info",
        2 => "warn,seedbed=debug",
        _ => "warn,seedbed=trace",
    };
    let filter = match std::env::var(VARIABLE) {
        Ok(text) => EnvFilter::try_new(&text).unwrap_or_else(|error| {
            console.warn(format!("{VARIABLE} is ignored: {error}."));
            EnvFilter::new(level)
        }),
        Err(_) => EnvFilter::new(level),
    };
    // a second start in one process can only be a test
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(takes_colour())
        .try_init();
}
