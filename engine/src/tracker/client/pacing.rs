//! Whose turn it is: so many starts in a period [Transmission: 20 in 500 ms], so many HTTP requests at a time
//! [libtorrent: 50]. A thousand torrents that start together must not flood a home router.

use alloc::collections::VecDeque;

use crate::config::TrackerConfig;
use crate::time::Instant;
use crate::tracker::RequestId;
use serde::{Deserialize, Serialize};

/// Requests that wait for their turn, and what is counted to tell it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Pacing {
    udp: VecDeque<RequestId>,
    http: VecDeque<RequestId>,
    /// HTTP requests that have had their turn and are not over.
    http_active: usize,
    /// When the current period began, and what was started in it.
    period: (Instant, u32),
}

impl Pacing {
    pub(super) fn wait(&mut self, id: RequestId, udp: bool) {
        if udp {
            self.udp.push_back(id);
        } else {
            self.http.push_back(id);
        }
    }

    /// A request has its turn.
    pub(super) const fn begun(&mut self, udp: bool) {
        if !udp {
            self.http_active += 1;
        }
    }

    /// A request is over that has had its turn, or has not.
    pub(super) fn over(&mut self, id: RequestId, begun: bool, udp: bool) {
        if !begun {
            self.udp.retain(|waiting| *waiting != id);
            self.http.retain(|waiting| *waiting != id);
        } else if !udp {
            self.http_active = self.http_active.saturating_sub(1);
        }
    }

    /// The next request whose turn it is.
    pub(super) fn next(&mut self, now: Instant, config: &TrackerConfig) -> Option<RequestId> {
        if now.since(self.period.0) >= config.start_period {
            self.period = (now, 0);
        }
        if self.period.1 >= config.starts_max {
            return None;
        }
        let next = match self.udp.pop_front() {
            None if self.http_active < config.http_concurrent_max => self.http.pop_front(),
            udp => udp,
        };
        self.period.1 += u32::from(next.is_some());
        next
    }

    /// When the next turn comes by time alone. HTTP requests that wait for a slot get it at the end of another one.
    pub(super) fn deadline(&self, config: &TrackerConfig) -> Option<Instant> {
        let slot_free = self.http_active < config.http_concurrent_max;
        let waiting = !self.udp.is_empty() || !self.http.is_empty() && slot_free;
        let spent = self.period.1 >= config.starts_max;
        (waiting && spent).then(|| self.period.0 + config.start_period)
    }
}
