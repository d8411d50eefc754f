//! How a failing run is told: one block with the oracle, what it saw, when, the last lines of the timeline, the moment after
//! which it was certain, and the one command that shows it again.

use super::bisect::told;
use super::watching::arguments;
use seedbed_engine::time::Instant;
use seedbed_sim::bisect::{Effort, bisect};
use seedbed_sim::run::{Failure, Options, Outcome};
use seedbed_sim::scenario::Scenario;
use seedbed_sim::scenario::expand::GENERATOR_VERSION;

/// Lines of the timeline that stand in a failure block.
const LINES: usize = 15;

/// The block. `again` is what stands behind `seedbed sim run`; the scenario is that of the run, under these options.
pub(crate) fn block(
    name: &str,
    failure: &Failure,
    outcome: &Outcome,
    again: &str,
    (scenario, options): (&Scenario, &Options),
) -> String {
    let mut lines = vec![
        format!("FAILED {name}: {} {}", failure.oracle, failure.text),
        format!(
            "  at {} s, step {}, digest {:016x}, generator {GENERATOR_VERSION}",
            failure.at, failure.step, outcome.digest
        ),
    ];
    let from = outcome.timeline.len().saturating_sub(LINES);
    lines.extend(outcome.timeline[from..].iter().map(|line| format!("  {line}")));
    // a world that takes too long for this has a command of its own
    if let Ok(found) = bisect(scenario, options, Effort::default()) {
        lines.extend(told(&found));
    }
    lines.push(format!(
        "  repro: seedbed sim run {again}{} --timeline",
        arguments(options)
    ));
    lines.join("\n")
}

/// Two runs of one scenario that did not do the same.
pub(crate) fn differs(first: u64, second: u64) -> Failure {
    Failure {
        oracle: "M9",
        text: format!("The same scenario gave {first:016x} and then {second:016x}."),
        at: Instant::START,
        step: 0,
    }
}
