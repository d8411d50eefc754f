//! The one place that asks what time it is: the engine's time is microseconds since the client was made.

use seedbed_engine::time::{Duration, Instant};

/// A monotonic clock that starts at [`Instant::START`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: std::time::Instant,
}

impl Clock {
    /// A clock that starts now.
    pub(crate) fn start() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }

    /// Now. Never earlier than a value given before.
    pub(crate) fn now(&self) -> Instant {
        Instant::START + self.start.elapsed()
    }

    /// The same point in the operating system's terms; `None` when it is too far away to be one.
    pub(crate) fn system(&self, at: Instant) -> Option<std::time::Instant> {
        let after: Duration = at.since(Instant::START);
        self.start.checked_add(after)
    }
}
