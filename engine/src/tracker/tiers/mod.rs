//! One torrent's policy of announcing: events (BEP 3), intervals, back-off, tiers (BEP 12), private torrents (BEP 27).
//!
//! Invariants: `started` goes out until a tracker has acknowledged it and not again in that run; `completed` until
//! one of the lane has; `stopped` only to trackers that may count us as a peer. A tracker is never asked sooner than
//! its interval, the back-off or the user's least interval allows. A private torrent has one announce at a time.

mod cycle;
mod lane;
mod output;
mod stop;
mod tracker;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use self::lane::{Cycle, Index, Lane};
use self::tracker::Tracker;
use super::{AnnounceError, AnnounceEvent, Counters, RequestId, RequestIds, TrackerReply, TrackerUrl};
use crate::config::TrackerConfig;
use crate::http::{Families, UrlError};
use crate::marks::{Mark, Marks};
use crate::rng::Rng;
use crate::time::{Duration, Instant};

pub use output::{AnnouncerIdentity, AnnouncerOptions, TierOutput, TrackerKey, TrackerState, TrackerStatus};
use serde::{Deserialize, Serialize};

/// Announces after a network change are spread over this time.
const NETWORK_CHANGE_JITTER: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Phase {
    Idle,
    Running,
    /// `stopped` is being told, from the first instant to the second at the most.
    Stopping(Instant, Instant),
}

/// One torrent's policy of announcing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Announcer {
    identity: AnnouncerIdentity,
    private: bool,
    config: TrackerConfig,
    options: AnnouncerOptions,
    ids: RequestIds,
    jitter: Rng,
    phase: Phase,
    partial_seed: bool,
    /// Never shortened: an index stays valid.
    trackers: Vec<Tracker>,
    lanes: Vec<Lane>,
    outputs: VecDeque<TierOutput>,
    /// Branches that were taken.
    pub marks: Marks,
}

impl Announcer {
    /// An announcer that has not been started. Each tier is shuffled once, with `shuffle`; a URL that occurs twice
    /// counts at its first place.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        tiers: &[Vec<String>],
        private: bool,
        identity: AnnouncerIdentity,
        config: &TrackerConfig,
        ids: RequestIds,
        shuffle: &mut Rng,
        jitter: Rng,
        options: AnnouncerOptions,
    ) -> Self {
        let mut announcer = Self {
            identity,
            private,
            config: config.clone(),
            options,
            ids,
            jitter,
            phase: Phase::Idle,
            partial_seed: false,
            trackers: Vec::new(),
            lanes: Vec::new(),
            outputs: VecDeque::new(),
            marks: Marks::default(),
        };
        for tier in tiers {
            let mut indices: Vec<Index> = tier.iter().filter_map(|text| announcer.insert(text)).collect();
            shuffle.shuffle(&mut indices);
            announcer.push_tier(indices);
        }
        announcer
    }

    /// The torrent starts: `started` is due.
    pub fn start(&mut self, now: Instant) {
        if self.phase == Phase::Running {
            return;
        }
        for tracker in &mut self.trackers {
            if let Some(request) = tracker.drop_request() {
                self.outputs.push_back(TierOutput::Cancel { request });
            }
            tracker.begin_run(now);
        }
        for lane in &mut self.lanes {
            lane.cycle = Cycle::At(now);
        }
        self.phase = Phase::Running;
    }

    /// The download has become complete in this run: `completed` is due.
    pub fn complete(&mut self, now: Instant) {
        for lane in &mut self.lanes {
            lane.completed_due = true;
            if self.phase != Phase::Running {
                continue;
            }
            let mut awaiting = false;
            for index in lane.order(false) {
                let Some(tracker) = self.trackers.get_mut(index) else {
                    continue;
                };
                let plain = tracker
                    .request
                    .as_ref()
                    .is_some_and(|sent| matches!(sent.event, AnnounceEvent::None | AnnounceEvent::Paused));
                if plain {
                    // the event says the same and more
                    if let Some(request) = tracker.drop_request() {
                        self.outputs.push_back(TierOutput::Cancel { request });
                    }
                }
                awaiting |= tracker.request.as_ref().is_some_and(|sent| sent.awaited);
            }
            // who knows us hears it at once, whoever else is being asked for peers
            let current = lane.current.and_then(|index| self.trackers.get(index));
            let known = current.is_some_and(|tracker| tracker.healthy && tracker.request.is_none());
            if known || !awaiting {
                lane.cycle = Cycle::At(now);
            }
        }
    }

    /// The user wants an announce, as soon as the trackers' least intervals allow. Trackers that asked never to be
    /// contacted again are tried once more.
    pub fn reannounce(&mut self, now: Instant) {
        self.ask(now, now, true);
    }

    /// Our addresses may have changed, so trackers should hear from the new ones.
    pub fn network_changed(&mut self, now: Instant) {
        let spread = self.jitter.jitter(NETWORK_CHANGE_JITTER);
        self.ask(now, now + spread, false);
    }

    /// Adds a tracker as a tier of its own. One that is known already, or one too many, is ignored.
    ///
    /// # Errors
    /// The URL cannot be used.
    pub fn add_tracker(&mut self, now: Instant, url: &str) -> Result<(), UrlError> {
        TrackerUrl::parse(url)?;
        if let Some(index) = self.insert(url) {
            self.push_tier([index].to_vec());
            if self.phase == Phase::Running {
                self.lanes.iter_mut().for_each(|lane| lane.begin_by(now));
            }
        }
        Ok(())
    }

    /// The torrent turns out to be private (BEP 27).
    pub const fn set_private(&mut self) {
        self.private = true;
    }

    /// Whether the torrent is a partial seed: it lacks pieces and wants none of them (BEP 21).
    pub fn set_partial_seed(&mut self, partial: bool) {
        self.partial_seed = partial;
    }

    /// The port where peers reach us has changed; the next announces tell it.
    pub fn set_port(&mut self, port: u16) {
        self.identity.port = port;
    }

    /// Time has passed; call it at [`Announcer::deadline`].
    pub fn handle_timeout(&mut self, now: Instant, counters: &Counters) {
        match self.phase {
            Phase::Idle => {}
            Phase::Running => {
                for lane in 0..self.lanes.len() {
                    self.run_lane(now, lane, counters);
                }
            }
            Phase::Stopping(_, until) => self.stop_step(now, until, counters),
        }
    }

    /// A request is over.
    pub fn handle_done(
        &mut self,
        now: Instant,
        request: RequestId,
        result: Result<TrackerReply, AnnounceError>,
        counters: &Counters,
    ) {
        let Some(index) = self.index_of(request) else {
            return;
        };
        let Some(sent) = self
            .trackers
            .get_mut(index)
            .and_then(|tracker| tracker.request.take())
        else {
            return;
        };
        let result = match result {
            Ok(TrackerReply::Announce(reply)) => Ok(reply),
            Ok(TrackerReply::Scrape(_)) => {
                Err(AnnounceError::Malformed("it answers another question".into()))
            }
            Err(error) => Err(error),
        };
        match (self.phase, result) {
            (Phase::Idle, _) => {}
            (Phase::Running, Ok(reply)) => self.answered(now, index, &sent, reply),
            (Phase::Running, Err(error)) => self.failed(now, index, &sent, &error, counters),
            (Phase::Stopping(_, until), result) => {
                self.stop_answered(now, index, &sent, result);
                self.stop_step(now, until, counters);
            }
        }
    }

    /// A request is on the wire over an address family: it may reach its tracker there from now on.
    pub fn handle_asked(&mut self, request: RequestId, family: Families) {
        for tracker in &mut self.trackers {
            if let Some(sent) = tracker.request.as_mut().filter(|sent| sent.id == request) {
                sent.asked = true;
                tracker.may_know = tracker.may_know.union(family);
                return;
            }
        }
    }

    /// A request's first time-out has passed: the next tracker is tried beside it, unless the torrent is private.
    pub fn handle_first_timeout(&mut self, now: Instant, request: RequestId) {
        if self.private || self.phase != Phase::Running {
            return;
        }
        let Some(index) = self.index_of(request) else {
            return;
        };
        let sent = self
            .trackers
            .get_mut(index)
            .and_then(|tracker| tracker.request.as_mut());
        if let Some(sent) = sent.filter(|sent| sent.awaited) {
            sent.awaited = false;
            self.marks.hit(Mark::TrackerParallel);
            if let Some(lane) = self.lane_of(index) {
                lane.cycle = Cycle::Resume(now);
            }
        }
    }

    /// What to do next, in order.
    pub fn poll_output(&mut self) -> Option<TierOutput> {
        self.outputs.pop_front()
    }

    /// When `handle_timeout` is due.
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Idle => None,
            Phase::Running => self.lanes.iter().filter_map(Lane::deadline).min(),
            Phase::Stopping(since, until) => Some(if self.has_stop_to_send() { since } else { until }),
        }
    }

    /// All trackers, tier after tier in their present order.
    pub fn status(&self) -> impl Iterator<Item = TrackerStatus> + '_ {
        let tiers = self.lanes.iter().flat_map(|lane| &lane.tiers).enumerate();
        tiers.flat_map(move |(tier, indices)| {
            indices.iter().filter_map(move |index| {
                let tracker = self.trackers.get(*index)?;
                let state = tracker.state();
                let waits = matches!(state, TrackerState::Working { .. } | TrackerState::Failed { .. });
                Some(TrackerStatus {
                    url: tracker.shown(),
                    tier,
                    next: (waits && self.phase == Phase::Running).then_some(tracker.not_before),
                    failure: tracker.failure(),
                    answered: tracker.was_answered(),
                    asked_since: tracker.request.as_ref().map(|sent| sent.since),
                    state,
                })
            })
        })
    }

    /// Adds a tracker to the list; `None` if it is known or one too many.
    fn insert(&mut self, text: &str) -> Option<Index> {
        let index = self.trackers.len();
        let key = TrackerKey(u32::try_from(index).ok()?);
        let tracker = Tracker::new(key, text);
        let known = tracker.url.is_ok() && self.trackers.iter().any(|other| same_url(other, &tracker));
        if index >= self.config.trackers_max || known {
            return None;
        }
        self.trackers.push(tracker);
        Some(index)
    }

    fn push_tier(&mut self, tier: Vec<Index>) {
        if tier.is_empty() {
            return;
        }
        let split = self.config.announce_to_all_tiers && !self.private;
        match self.lanes.last_mut() {
            Some(lane) if !split => lane.tiers.push(tier),
            _ => self.lanes.push(Lane::new([tier].to_vec())),
        }
    }

    fn index_of(&self, request: RequestId) -> Option<Index> {
        let is = |tracker: &Tracker| tracker.request.as_ref().is_some_and(|sent| sent.id == request);
        self.trackers.iter().position(is)
    }

    fn lane_of(&mut self, index: Index) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.contains(index))
    }

    fn ask(&mut self, now: Instant, at: Instant, by_user: bool) {
        for tracker in &mut self.trackers {
            tracker.ask(at, by_user);
        }
        if self.phase == Phase::Running {
            for lane in &mut self.lanes {
                let idle = lane
                    .tiers
                    .iter()
                    .flatten()
                    .filter_map(|index| self.trackers.get(*index));
                let first = idle
                    .filter(|t| t.request.is_none() && t.usable().is_some())
                    .map(|t| t.not_before)
                    .min();
                if let Some(first) = first {
                    lane.begin_by(first.max(now));
                }
            }
        }
    }
}

fn same_url(one: &Tracker, other: &Tracker) -> bool {
    match (&one.url, &other.url) {
        (Ok(one), Ok(other)) => one.url() == other.url(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
