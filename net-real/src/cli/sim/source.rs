//! Where a scenario comes from: a file, standard input, or a seed.

use crate::cli::console::shown_path;
use crate::cli::failure::Failure;
use seedbed_sim::scenario::Scenario;
use seedbed_sim::scenario::expand::expand;
use seedbed_sim::scenario::kdl::parse;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

/// Longest file that is read; the parser has a limit of its own below it.
const FILE_MAX: u64 = 4 << 20;

/// A scenario and how it was named.
pub(crate) struct Source {
    pub(crate) scenario: Scenario,
    /// What stands behind `seedbed sim run` to run it again.
    pub(crate) again: String,
}

/// A file is a file even if its name is a number: `./7`.
pub(crate) fn read(text: &str) -> Result<Source, Failure> {
    if let Some(seed) = seed(text) {
        return Ok(Source {
            scenario: expand(seed),
            again: seed.to_string(),
        });
    }
    let path = Path::new(text);
    let mut file = String::new();
    let bytes = if text == "-" {
        io::stdin().lock().take(FILE_MAX).read_to_string(&mut file)
    } else {
        fs::File::open(path).and_then(|open| open.take(FILE_MAX).read_to_string(&mut file))
    };
    let name = shown_path(path);
    bytes.map_err(|error| Failure::input(format_args!("The scenario {name} cannot be read: {error}.")))?;
    let scenario = parse(&file).map_err(|mistake| Failure::input(format_args!("{name}:{mistake}")))?;
    Ok(Source {
        scenario,
        again: name,
    })
}

/// A seed: a number, or in hexadecimal with 0x.
pub(crate) fn seed(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
