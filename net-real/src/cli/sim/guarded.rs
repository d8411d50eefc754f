//! A run in which a panic is a failure like any other: it has a seed, so it can be shown again.

use seedbed_engine::time::Instant;
use seedbed_sim::run::{Failure, Options, Outcome, run};
use seedbed_sim::scenario::Scenario;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};

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

/// Runs a scenario; a panic of the engine or of a model is the failure `PANIC`.
pub(crate) fn run_guarded(scenario: &Scenario, options: &Options) -> Outcome {
    // the scenario is not changed by a run and everything else in it is dropped
    panic::catch_unwind(AssertUnwindSafe(|| run(scenario, options))).unwrap_or_else(|_| Outcome {
        failure: Some(Failure {
            oracle: "PANIC",
            text: SAID.with(RefCell::take),
            at: Instant::START,
            step: 0,
        }),
        ..Outcome::default()
    })
}
