//! The end of a run: `stopped` to every tracker that may count us as a peer, within a few seconds.
//!
//! A `completed` that nobody has acknowledged goes out before it (Transmission's queue rule), in the first half of the
//! time; everything else that was on its way is dropped.

use super::tracker::{InFlight, Started};
use super::{Announcer, Index, Lane, Phase, TierOutput};
use crate::marks::Mark;
use crate::time::Instant;
use crate::tracker::{AnnounceError, AnnounceEvent, AnnounceReply, Counters};

/// `completed` leaves time for the `stopped` behind it.
fn half(now: Instant, until: Instant) -> Instant {
    now + until.since(now) / 2
}

impl Announcer {
    /// The torrent stops. Ends with [`TierOutput::Stopped`], after `stopped_timeout` at the latest.
    pub fn stop(&mut self, now: Instant) {
        if self.phase != Phase::Running {
            if self.phase == Phase::Idle {
                self.outputs.push_back(TierOutput::Stopped);
            }
            return;
        }
        let until = now + self.config.stopped_timeout;
        for tracker in &mut self.trackers {
            let completing = |sent: &&InFlight| sent.event == AnnounceEvent::Completed;
            if let Some(sent) = tracker.request.as_ref().filter(completing) {
                self.marks.hit(Mark::TrackerHurried);
                self.outputs.push_back(TierOutput::Hurry {
                    request: sent.id,
                    until: half(now, until),
                });
            } else if let Some(request) = tracker.drop_request() {
                self.outputs.push_back(TierOutput::Cancel { request });
            }
            tracker.stop_due = tracker.started != Started::No && tracker.usable().is_some();
        }
        if self.private {
            self.stop_only_one();
        }
        self.phase = Phase::Stopping(now, until);
        self.end_if_stopped();
    }

    /// BEP 27 allows one tracker at a time: the one in use, or else the first that may know us.
    fn stop_only_one(&mut self) {
        let order = self
            .lanes
            .first()
            .map(|lane| lane.order(true))
            .unwrap_or_default();
        let mut found = false;
        for index in order {
            if let Some(tracker) = self.trackers.get_mut(index) {
                tracker.stop_due &= !found;
                found |= tracker.stop_due;
            }
        }
    }

    pub(super) fn has_stop_to_send(&self) -> bool {
        self.trackers
            .iter()
            .any(|tracker| tracker.stop_due && tracker.request.is_none())
    }

    pub(super) fn stop_step(&mut self, now: Instant, until: Instant, counters: &Counters) {
        if now >= until {
            for tracker in &mut self.trackers {
                tracker.stop_due = false;
                if let Some(request) = tracker.drop_request() {
                    self.outputs.push_back(TierOutput::Cancel { request });
                }
            }
        }
        for index in 0..self.trackers.len() {
            let due = |index: Index| {
                let tracker = self.trackers.get(index)?;
                (tracker.stop_due && tracker.request.is_none()).then_some(tracker.started)
            };
            let Some(started) = due(index) else {
                continue;
            };
            let is_current = |lane: &Lane| lane.completed_due && lane.current == Some(index);
            let event = if started == Started::Yes && self.lanes.iter().any(is_current) {
                AnnounceEvent::Completed
            } else {
                if let Some(tracker) = self.trackers.get_mut(index) {
                    tracker.stop_due = false;
                }
                AnnounceEvent::Stopped
            };
            let until = match event {
                AnnounceEvent::Completed => half(now, until),
                _ => until,
            };
            self.begin(now, index, event, counters, Some(until));
        }
        self.end_if_stopped();
    }

    pub(super) fn stop_answered(
        &mut self,
        now: Instant,
        index: Index,
        sent: &InFlight,
        result: Result<AnnounceReply, AnnounceError>,
    ) {
        if sent.event == AnnounceEvent::Completed {
            // acknowledged or not: there is no time for a second attempt
            if let Some(lane) = self.lane_of(index) {
                lane.completed_due = false;
            }
        }
        let Some(tracker) = self.trackers.get_mut(index) else {
            return;
        };
        match result {
            Ok(reply) => tracker.answered(now, sent, &reply, &self.config),
            Err(error) => {
                let retry_at = tracker.failed(now, sent, &error, &self.config, &mut self.jitter);
                let (url, text) = (tracker.shown(), alloc::format!("{error}"));
                self.outputs.push_back(TierOutput::Failed { url, text, retry_at });
            }
        }
    }

    fn end_if_stopped(&mut self) {
        let busy = self
            .trackers
            .iter()
            .any(|tracker| tracker.stop_due || tracker.request.is_some());
        if !busy {
            self.phase = Phase::Idle;
            self.outputs.push_back(TierOutput::Stopped);
        }
    }
}
