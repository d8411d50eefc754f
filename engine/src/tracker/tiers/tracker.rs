//! One tracker of one torrent: which event it has to hear next, and when it may be asked again.
//!
//! Invariants: after an answer the next regular announce is at least `interval_floor` away, after a failure the next
//! attempt at least `backoff_first`; nothing that a tracker says makes it sooner.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{TrackerKey, TrackerState};
use crate::config::TrackerConfig;
use crate::http::{Families, UrlError};
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::tracker::{AnnounceError, AnnounceEvent, AnnounceReply, Counters, RequestId, RetryIn, TrackerUrl};
use serde::{Deserialize, Serialize};

/// Whether a tracker knows that we have started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Started {
    No,
    /// An announce without an answer may have reached it.
    Maybe,
    Yes,
}

/// An announce on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct InFlight {
    pub(super) id: RequestId,
    /// When it began.
    pub(super) since: Instant,
    pub(super) event: AnnounceEvent,
    /// The torrent's counters when it was sent.
    pub(super) counters: Counters,
    /// Whether it was on the wire: before that there are lookups and connects, which tell a tracker nothing.
    pub(super) asked: bool,
    /// Whether the next tracker waits for its result.
    pub(super) awaited: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Tracker {
    pub(super) key: TrackerKey,
    pub(super) url: Result<TrackerUrl, UrlError>,
    pub(super) started: Started,
    /// The address families over which it has acknowledged that (BEP 7): each counts for itself [libtorrent].
    heard_start: Families,
    /// Those over which something of this run may have reached it.
    pub(super) may_know: Families,
    pub(super) tracker_id: Option<Vec<u8>>,
    failures: u32,
    /// When a regular announce, or the next attempt, may be made.
    pub(super) not_before: Instant,
    /// When one that somebody asks for may be made.
    asked_not_before: Instant,
    /// Whether the last announce was answered.
    pub(super) healthy: bool,
    /// The last announce failed for want of a network: when it may be tried if there is one again.
    unreached: Option<Instant>,
    /// Whether its last answer named nobody although we lack pieces: then it keeps the others from nothing.
    pub(super) dry: bool,
    /// Whether it asked never to be contacted again (BEP 31).
    never: bool,
    /// The counters of the last `stopped` that was acknowledged: announces count from there.
    base: Counters,
    pub(super) request: Option<InFlight>,
    /// Whether a `stopped` has to be sent.
    pub(super) stop_due: bool,
    last: TrackerState,
}

impl Tracker {
    pub(super) fn new(key: TrackerKey, text: &str) -> Self {
        Self {
            key,
            url: TrackerUrl::parse(text),
            started: Started::No,
            heard_start: Families::default(),
            may_know: Families::default(),
            tracker_id: None,
            failures: 0,
            not_before: Instant::START,
            asked_not_before: Instant::START,
            healthy: false,
            unreached: None,
            dry: false,
            never: false,
            base: Counters::default(),
            request: None,
            stop_due: false,
            last: TrackerState::NotContacted,
        }
    }

    /// Its URL, if it may be asked at all.
    pub(super) fn usable(&self) -> Option<&TrackerUrl> {
        self.url.as_ref().ok().filter(|_| !self.never)
    }

    /// What it is called towards the user.
    pub(super) fn shown(&self) -> String {
        match &self.url {
            Ok(url) => url.to_string(),
            Err(_) => String::from("(unusable URL)"),
        }
    }

    pub(super) fn state(&self) -> TrackerState {
        match (&self.url, &self.request) {
            (Err(error), _) => TrackerState::Disabled {
                text: error.to_string(),
            },
            (Ok(_), Some(_)) => TrackerState::Updating,
            (Ok(_), None) => self.last.clone(),
        }
    }

    /// What its last announce failed for, also while another one is on its way.
    pub(super) fn failure(&self) -> Option<String> {
        match (&self.url, &self.last) {
            (Err(error), _) => Some(error.to_string()),
            (Ok(_), TrackerState::Failed { text } | TrackerState::Disabled { text }) => Some(text.clone()),
            (Ok(_), TrackerState::NotContacted | TrackerState::Updating | TrackerState::Working { .. }) => {
                None
            }
        }
    }

    /// Whether its last announce that is over was answered.
    pub(super) const fn was_answered(&self) -> bool {
        matches!(self.last, TrackerState::Working { .. })
    }

    /// The event of its next announce while the torrent runs.
    pub(super) const fn next_event(&self, completed_due: bool, partial_seed: bool) -> AnnounceEvent {
        match self.started {
            Started::No | Started::Maybe => AnnounceEvent::Started,
            Started::Yes if completed_due => AnnounceEvent::Completed,
            Started::Yes if partial_seed => AnnounceEvent::Paused,
            Started::Yes => AnnounceEvent::None,
        }
    }

    /// Over which address families this event needs no `started` before it.
    pub(super) fn knows(&self, event: AnnounceEvent) -> Families {
        match event {
            AnnounceEvent::Stopped => self.may_know,
            AnnounceEvent::Started
            | AnnounceEvent::Completed
            | AnnounceEvent::Paused
            | AnnounceEvent::None => self.heard_start,
        }
    }

    /// Whether an announce may be made now; an event does not wait for the interval (BEP 15), but for the back-off.
    pub(super) fn may_announce(&self, now: Instant, event: AnnounceEvent) -> bool {
        let regular = matches!(event, AnnounceEvent::None | AnnounceEvent::Paused);
        self.not_before <= now || self.healthy && !regular
    }

    /// The counters as this tracker is told them.
    pub(super) const fn told(&self, counters: &Counters) -> Counters {
        Counters {
            uploaded: counters.uploaded.saturating_sub(self.base.uploaded),
            downloaded: counters.downloaded.saturating_sub(self.base.downloaded),
            left: counters.left,
        }
    }

    /// The tracker has answered.
    pub(super) fn answered(
        &mut self,
        now: Instant,
        sent: &InFlight,
        reply: &AnnounceReply,
        config: &TrackerConfig,
    ) {
        match sent.event {
            AnnounceEvent::Started => self.started = Started::Yes,
            AnnounceEvent::Stopped => {
                self.started = Started::No;
                self.heard_start = Families::default();
                self.may_know = Families::default();
                self.base = sent.counters;
            }
            AnnounceEvent::None | AnnounceEvent::Completed | AnnounceEvent::Paused => {}
        }
        if sent.event != AnnounceEvent::Stopped {
            self.heard_start = self.heard_start.union(reply.answered);
        }
        if reply.tracker_id.is_some() {
            self.tracker_id.clone_from(&reply.tracker_id);
        }
        self.dry = reply.peers.is_empty() && reply.hosts.is_empty() && sent.counters.left > 0;
        self.failures = 0;
        self.unreached = None;
        self.healthy = true;
        let least = reply
            .min_interval
            .unwrap_or_default()
            .min(config.interval_ceiling);
        let interval = reply.interval.unwrap_or(config.interval_default).clamp(
            config.interval_floor,
            config.interval_ceiling.max(config.interval_floor),
        );
        self.not_before = now + interval.max(least);
        self.asked_not_before = now + least.max(config.manual_min);
        self.last = TrackerState::Working {
            seeders: reply.seeders,
            leechers: reply.leechers,
        };
    }

    /// The announce has failed. Returns when it is tried again; `None` means not until somebody asks.
    pub(super) fn failed(
        &mut self,
        now: Instant,
        sent: &InFlight,
        error: &AnnounceError,
        config: &TrackerConfig,
        jitter: &mut Rng,
    ) -> Option<Instant> {
        if sent.event == AnnounceEvent::Started && self.started == Started::No && error.maybe_delivered() {
            self.started = Started::Maybe;
        }
        self.failures = self.failures.saturating_add(1);
        self.healthy = false;
        let text = error.to_string();
        self.asked_not_before = now + config.manual_min;
        self.unreached = error.is_ours().then(|| now + backoff(1, config));
        self.never = matches!(
            error,
            AnnounceError::Failure {
                retry_in: Some(RetryIn::Never),
                ..
            } | AnnounceError::Status(410) // Gone: what a host that is no tracker answers [libtorrent]
        );
        if self.never {
            self.last = TrackerState::Disabled { text };
            return None;
        }
        let wait = self.retry_wait(error, config);
        // the jitter keeps clients apart that a tracker's outage has brought into step
        self.not_before = now + wait + jitter.jitter(wait / 8);
        self.last = TrackerState::Failed { text };
        Some(self.not_before)
    }

    fn retry_wait(&self, error: &AnnounceError, config: &TrackerConfig) -> Duration {
        let backoff = backoff(self.failures, config);
        match error {
            AnnounceError::Failure {
                retry_in: Some(RetryIn::After(wait)),
                ..
            } => (*wait).clamp(
                config.backoff_first,
                config.interval_ceiling.max(config.backoff_first),
            ),
            // no hurry to ask again for a torrent that it does not have [Transmission stops for good]
            AnnounceError::Failure { text, .. } if is_unregistered(text) => config.backoff_max.max(backoff),
            AnnounceError::Failure {
                interval,
                min_interval,
                ..
            } => {
                let named = interval.or(*min_interval).unwrap_or_default();
                backoff.max(named.min(config.interval_ceiling))
            }
            AnnounceError::Forbidden(_) => config.backoff_max.max(backoff),
            AnnounceError::Timeout { .. }
            | AnnounceError::Lookup(_)
            | AnnounceError::Closed(_)
            | AnnounceError::Datagram(_)
            | AnnounceError::Http(_)
            | AnnounceError::Status(_)
            | AnnounceError::Malformed(_)
            | AnnounceError::NoScrape => backoff,
        }
    }

    /// Somebody asks: the interval and the back-off give way to the least interval. `by_user` lifts "never", too;
    /// otherwise it is the network, and a try that reached nobody was no burden to the tracker.
    pub(super) fn ask(&mut self, now: Instant, by_user: bool) {
        if by_user {
            self.never = false;
        } else if let Some(at) = self.unreached {
            self.not_before = self.not_before.min(at.max(now));
        }
        self.not_before = self.not_before.min(self.asked_not_before.max(now));
    }

    /// A new run begins: nobody knows of it.
    pub(super) fn begin_run(&mut self, now: Instant) {
        self.started = Started::No;
        self.heard_start = Families::default();
        self.may_know = Families::default();
        self.stop_due = false;
        // an acknowledged `stopped` has ended the interval; a failing tracker keeps a part of its back-off
        if self.healthy {
            self.not_before = now;
        }
        self.ask(now, true);
    }

    /// The request is cancelled because the torrent stops, or for a more important one.
    pub(super) fn drop_request(&mut self) -> Option<RequestId> {
        let sent = self.request.take()?;
        if sent.event == AnnounceEvent::Started && self.started == Started::No && sent.asked {
            self.started = Started::Maybe;
        }
        Some(sent.id)
    }
}

/// 5 s + 12.5 s · n², one hour at the most [libtorrent's `tracker_backoff` of 250 %].
fn backoff(failures: u32, config: &TrackerConfig) -> Duration {
    let growth = failures.saturating_mul(failures).saturating_mul(5);
    let first = config.backoff_first;
    first
        .saturating_add(first.saturating_mul(growth) / 2)
        .min(config.backoff_max.max(first))
}

fn is_unregistered(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("unregistered") || text.contains("not registered")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_off_grows_with_the_square_of_the_failures_to_an_hour() {
        let config = TrackerConfig::default();
        let waits = [1, 2, 3, 16, 17, u32::MAX].map(|failures| backoff(failures, &config).as_millis());
        assert_eq!(waits, [17_500, 55_000, 117_500, 3_205_000, 3_600_000, 3_600_000]);
    }
}
