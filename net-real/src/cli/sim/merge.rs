//! `seedbed sim merge`: what the parts of a sweep came to together, as if one machine had run it.

use super::range::{self, Part};
use super::total::Total;
use crate::cli::console::{Console, shown_path};
use crate::cli::failure::{DONE, Failure, MISMATCH};
use clap::Args;
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  seedbed sim sweep --seeds 0..1000000 --shard 1/2 --json --quiet > 1.json
  seedbed sim sweep --seeds 0..1000000 --shard 2/2 --json --quiet > 2.json
  seedbed sim merge 1.json 2.json --demand-all

The digest is the one that a single sweep of all seeds has.
Exits with 6 when a run failed or a part is missing, with 3 when a file has no results of this version.";

/// Longest file that is read: results are some 20 KiB, and failures add a line each.
const FILE_MAX: u64 = 64 << 20;

/// Arguments of `sim merge`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MergeArgs {
    /// Files that `sim sweep --json` wrote, a result a line; - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Fail if a behaviour never fired or an oracle never had anything to look at
    #[arg(long)]
    demand_all: bool,
}

pub(crate) fn run(args: &MergeArgs, console: &Console) -> Result<u8, Failure> {
    let mut total = Total::default();
    let mut parts: Vec<Part> = Vec::new();
    let mut wall = Duration::ZERO;
    for path in &args.files {
        let text = read(path)?;
        let wrong = |why: String| {
            let name = shown_path(path);
            Failure::input(format_args!(
                "{name} has no result of `sim sweep --json` of this version: {why}."
            ))
        };
        if text.trim().is_empty() {
            return Err(wrong("it is empty".into()));
        }
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let value: Value = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
            let part = part(&value).map_err(wrong)?;
            if let Some(other) = parts.iter().find(|other| other.may_overlap(&part)) {
                return Err(wrong(format!(
                    "{} of it may have been counted before, in {}",
                    name(&part),
                    name(other)
                )));
            }
            let (added, took) = Total::read(&value).map_err(wrong)?;
            total.add(&added);
            wall += took;
            parts.push(part);
        }
    }
    total.failed.sort_by_key(|failed| failed.seed);
    tell(&total, &parts, wall, args.demand_all, console)
}

fn tell(
    total: &Total,
    parts: &[Part],
    wall: Duration,
    demand_all: bool,
    console: &Console,
) -> Result<u8, Failure> {
    let missing = missing(parts);
    let mut value = total.json(wall);
    value["parts"] = json!(parts.len());
    value["missing"] = json!(missing);
    console.value(&value)?;
    for failed in &total.failed {
        let (seed, failure) = (failed.seed, &failed.failure);
        console.line(format!("FAILED seed {seed}: {} {}", failure.oracle, failure.text))?;
    }
    for line in total.lines(wall) {
        console.line(line)?;
    }
    console.line(format!("{} parts, whose times are added up", parts.len()))?;
    for one in &missing {
        console.line(format!("FAILED: part {one} is missing"))?;
    }
    let unseen = if demand_all { total.unseen() } else { Vec::new() };
    if !unseen.is_empty() {
        console.line(format!(
            "FAILED: never seen in these seeds: {}",
            unseen.join(", ")
        ))?;
    }
    let good = total.failed.is_empty() && missing.is_empty() && unseen.is_empty();
    Ok(if good { DONE } else { MISMATCH })
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let bytes = if path == Path::new("-") {
        std::io::stdin().lock().take(FILE_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(FILE_MAX).read_to_string(&mut text))
    };
    bytes.map_err(|error| Failure::input(format_args!("{} cannot be read: {error}.", shown_path(path))))?;
    Ok(text)
}

fn part(value: &Value) -> Result<Part, String> {
    if value["cut"] != range::CUT {
        return Err("it is cut out of its seeds otherwise than parts of this version are".into());
    }
    let text = |name: &str| value[name].as_str().ok_or(format!("it has no text {name}"));
    Ok(Part {
        seeds: range::seeds(text("range")?)?,
        shard: range::shard(text("shard")?)?,
    })
}

fn name(part: &Part) -> String {
    format!(
        "{} of {}..{}",
        part.shard.text(),
        part.seeds.start,
        part.seeds.end
    )
}

/// Parts of the ranges that nobody brought, each once.
fn missing(parts: &[Part]) -> Vec<String> {
    let mut missing: Vec<String> = Vec::new();
    for (n, part) in parts.iter().enumerate() {
        if parts[..n].iter().all(|other| other.seeds != part.seeds) {
            let (from, to) = (part.seeds.start, part.seeds.end);
            let gone = part.missing(parts);
            missing.extend(gone.iter().map(|shard| format!("{shard} of {from}..{to}")));
        }
    }
    missing
}
