//! What a stopped process or a sleeping machine does to the times that the oracles keep.

use super::watch::Watch;
use seedbed_engine::time::{Duration, Instant};

/// An engine that is later than this, by its last event and by its own deadline, knows that it did not run, and lets
/// the time of what peers owe begin again. What is shorter it takes for a slow network.
const NOTICED: Duration = Duration::from_secs(5);

impl Watch {
    /// The process was stopped, or its machine slept, and goes on now: what is over its time is late for that.
    pub(crate) fn slept(&mut self, now: Instant) {
        let over = |at: Instant| now > at + NOTICED;
        let noticed = over(self.now) && self.wakes_at.is_some_and(over);
        self.now = now;
        self.wakes(noticed);
        self.announces.forgive();
        for conn in self.conns.values_mut() {
            // requests are snubbed and given up by the engine's own time: neither sooner nor later than it does
            if noticed {
                conn.asked.iter_mut().for_each(|asked| asked.at = now);
                conn.progress = now;
            }
            conn.waits_since = conn.waits_since.map(|_| now);
        }
        self.owe_all();
    }
}
