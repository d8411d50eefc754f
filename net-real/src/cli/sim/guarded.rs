//! Panics of a run, which are failures like any other: the simulator tells what they said, this adds where.

use seedbed_sim::run::{Options, Outcome, run};
use seedbed_sim::scenario::Scenario;
use std::cell::RefCell;
use std::panic;

thread_local! {
    /// What the last panic of this thread said.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// From now on a panic says nothing by itself; [`run_guarded`] tells it.
pub(crate) fn keep_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or(String::new(), |at| format!(" ({at})"));
        let text = format!(
            "{}{place}",
            info.payload_as_str().unwrap_or("a panic without words")
        );
        SAID.with(|said| *said.borrow_mut() = text);
    }));
}

/// Runs a scenario. The text of a failure by panic ends with its place in the source.
pub(crate) fn run_guarded(scenario: &Scenario, options: &Options) -> Outcome {
    SAID.with(RefCell::take);
    let mut outcome = run(scenario, options);
    let said = SAID.with(RefCell::take);
    if let Some(failure) = outcome.failure.as_mut().filter(|_| !said.is_empty()) {
        failure.text = said;
    }
    outcome
}
