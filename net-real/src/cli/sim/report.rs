//! How a failing run is told: one block with the oracle, what it saw, when, the last lines of the timeline, and the one
//! command that shows it again.

use seedbed_sim::run::{Failure, Outcome};
use seedbed_sim::scenario::expand::GENERATOR_VERSION;

/// Lines of the timeline that stand in a failure block.
const LINES: usize = 15;

/// The block. `again` is what stands behind `seedbed sim run`.
pub(crate) fn block(name: &str, failure: &Failure, outcome: &Outcome, again: &str) -> String {
    let mut lines = vec![
        format!("FAILED {name}: {} {}", failure.oracle, failure.text),
        format!(
            "  at {} s, step {}, digest {:016x}, generator {GENERATOR_VERSION}",
            failure.at, failure.step, outcome.digest
        ),
    ];
    let from = outcome.timeline.len().saturating_sub(LINES);
    lines.extend(outcome.timeline[from..].iter().map(|line| format!("  {line}")));
    lines.push(format!("  repro: seedbed sim run {again} --timeline"));
    lines.join("\n")
}
