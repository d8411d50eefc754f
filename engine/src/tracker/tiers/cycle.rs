//! A lane's cycle: which tracker is asked next, and what its answer or failure means for the others (BEP 12, 27).

use alloc::string::String;

use super::lane::{Cycle, Index, Lane};
use super::tracker::InFlight;
use super::{Announcer, TierOutput, TrackerKey};
use crate::marks::Mark;
use crate::time::Instant;
use crate::tracker::{AnnounceError, AnnounceEvent, AnnounceParams, AnnounceReply, Counters, RequestOptions};

impl Announcer {
    pub(super) fn run_lane(&mut self, now: Instant, at: usize, counters: &Counters) {
        let Some(lane) = self.lanes.get_mut(at) else {
            return;
        };
        match lane.cycle {
            Cycle::At(due) if due <= now => lane.tried.clear(),
            Cycle::Resume(due) if due <= now => {}
            Cycle::Idle | Cycle::At(_) | Cycle::Resume(_) | Cycle::Awaiting => return,
        }
        self.next_tracker(now, at, counters);
        // the cycle has ended, and meanwhile somebody's back-off has, too: the next one begins at once
        if let Some(lane) = self.lanes.get_mut(at)
            && matches!(lane.cycle, Cycle::At(due) if due <= now)
        {
            lane.tried.clear();
            self.marks.hit(Mark::TrackerCycleAtOnce);
            self.next_tracker(now, at, counters);
        }
    }

    /// Asks the next tracker of a cycle, or ends the cycle.
    fn next_tracker(&mut self, now: Instant, at: usize, counters: &Counters) {
        let Some(lane) = self.lanes.get(at) else {
            return;
        };
        let completed_due = lane.completed_due;
        // BEP 27: a private torrent leaves a tracker only when it fails; `completed` belongs to who knows us
        let order = lane.order(self.private || completed_due);
        let mut cycle = Cycle::Idle;
        for index in order {
            let Some(tracker) = self
                .trackers
                .get(index)
                .filter(|tracker| tracker.usable().is_some())
            else {
                continue;
            };
            match &tracker.request {
                Some(sent) if sent.awaited => {
                    cycle = Cycle::Awaiting;
                    break;
                }
                Some(_) => continue,
                None => {}
            }
            let event = tracker.next_event(completed_due, self.partial_seed);
            // `completed` is news to who was asked in this cycle, too
            if lane.tried.contains(&index) && event != AnnounceEvent::Completed {
                continue;
            }
            if tracker.may_announce(now, event) {
                self.begin(now, index, event, counters, None);
                cycle = Cycle::Awaiting;
                if let Some(lane) = self.lanes.get_mut(at) {
                    lane.tried.insert(index);
                }
                break;
            }
            if tracker.healthy && (!tracker.dry || self.private) {
                // it has heard from us within its interval: the tiers behind it are not needed
                cycle = Cycle::At(tracker.not_before);
                break;
            }
        }
        if cycle == Cycle::Idle {
            cycle = self
                .retry_cycle(at)
                .map_or(Cycle::Idle, |due| Cycle::At(due.max(now)));
        }
        if let Some(lane) = self.lanes.get_mut(at) {
            lane.cycle = cycle;
        }
    }

    /// When the first of the failed trackers of a lane may be tried again.
    fn retry_cycle(&self, at: usize) -> Option<Instant> {
        let trackers = self
            .lanes
            .get(at)?
            .tiers
            .iter()
            .flatten()
            .filter_map(|index| self.trackers.get(*index));
        trackers
            .filter(|tracker| tracker.usable().is_some() && tracker.request.is_none())
            .map(|tracker| tracker.not_before)
            .min()
    }

    /// Sends an announce.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        index: Index,
        event: AnnounceEvent,
        counters: &Counters,
        until: Option<Instant>,
    ) {
        let Some(tracker) = self.trackers.get_mut(index) else {
            return;
        };
        let Ok(url) = tracker.url.clone() else {
            return;
        };
        let told = tracker.told(counters);
        let id = self.ids.next_id();
        let numwant = if event == AnnounceEvent::Stopped {
            0
        } else {
            self.config.numwant
        };
        let params = AnnounceParams {
            info_hash: self.identity.info_hash,
            peer_id: self.identity.peer_id,
            port: self.identity.port,
            uploaded: told.uploaded,
            downloaded: told.downloaded,
            left: told.left,
            event,
            key: self.identity.key,
            numwant: Some(numwant),
            tracker_id: tracker.tracker_id.clone(),
            encryption: self.options.encryption,
        };
        let options = RequestOptions {
            allow_local: self.options.allow_local,
            typed_by_user: self.options.typed_by_user,
            sends_max: until.map(|_| self.config.stopped_sends_max),
            deadline: until,
            heard_start: tracker.knows(event),
        };
        tracker.request = Some(InFlight {
            id,
            since: now,
            event,
            counters: *counters,
            asked: false,
            awaited: true,
        });
        self.outputs.push_back(TierOutput::Start {
            request: id,
            url,
            params,
            options,
        });
    }

    pub(super) fn answered(&mut self, now: Instant, index: Index, sent: &InFlight, reply: AnnounceReply) {
        let private = self.private;
        let Some(tracker) = self.trackers.get_mut(index) else {
            return;
        };
        tracker.answered(now, sent, &reply, &self.config);
        let (key, url, next) = (tracker.key, tracker.shown(), tracker.not_before);
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.contains(index)) else {
            return;
        };
        let switched = private && lane.current.is_some_and(|current| current != index);
        lane.current = Some(index);
        lane.promote(index);
        lane.completed_due &= sent.event != AnnounceEvent::Completed;
        let due = if lane.completed_due { now } else { next };
        // it knows nobody: whoever is behind it may [qBittorrent asks all tiers by default]
        let dry = !private && tracker.dry;
        if dry {
            self.marks.hit(Mark::TrackerDry);
        }
        lane.cycle = match lane.cycle {
            _ if dry && sent.awaited && !lane.completed_due => Cycle::Resume(now),
            // a late answer beside a cycle that has already ended
            Cycle::At(planned) => Cycle::At(planned.min(due)),
            Cycle::Idle | Cycle::Resume(_) | Cycle::Awaiting => Cycle::At(due),
        };
        // who is still silent may answer later, but nobody waits for it any more
        for other in lane.order(false) {
            if let Some(sent) = self
                .trackers
                .get_mut(other)
                .and_then(|tracker| tracker.request.as_mut())
            {
                sent.awaited = false;
            }
        }
        if switched {
            self.marks.hit(Mark::TrackerSwitched);
            self.outputs.push_back(TierOutput::SwitchedPrivateTracker);
        }
        self.report_answer(key, url, next, reply);
    }

    fn report_answer(&mut self, tracker: TrackerKey, url: String, next: Instant, reply: AnnounceReply) {
        if let Some(address) = reply.external_ip {
            self.outputs.push_back(TierOutput::ExternalIp(address));
        }
        let named = reply.peers.len();
        if !reply.peers.is_empty() || !reply.hosts.is_empty() {
            self.outputs.push_back(TierOutput::Peers {
                tracker,
                peers: reply.peers,
                loopback_tracker: reply.from_loopback,
                hosts: reply.hosts,
            });
        }
        self.outputs.push_back(TierOutput::Ok {
            url,
            seeders: reply.seeders,
            leechers: reply.leechers,
            peers: named,
            next,
            warning: reply.warning,
        });
    }

    pub(super) fn failed(
        &mut self,
        now: Instant,
        index: Index,
        sent: &InFlight,
        error: &AnnounceError,
        counters: &Counters,
    ) {
        let Some(tracker) = self.trackers.get_mut(index) else {
            return;
        };
        let retry_at = tracker.failed(now, sent, error, &self.config, &mut self.jitter);
        let (url, text) = (tracker.shown(), alloc::format!("{error}"));
        self.outputs.push_back(TierOutput::Failed { url, text, retry_at });
        let Some(at) = self.lanes.iter().position(|lane| lane.contains(index)) else {
            return;
        };
        if sent.awaited {
            self.next_tracker(now, at, counters);
            return;
        }
        let lane_healthy = |lane: &Lane| {
            let mut trackers = lane
                .tiers
                .iter()
                .flatten()
                .filter_map(|index| self.trackers.get(*index));
            trackers.any(|tracker| tracker.healthy)
        };
        let healthy = self.lanes.get(at).is_some_and(lane_healthy);
        if let (Some(retry_at), false, Some(lane)) = (retry_at, healthy, self.lanes.get_mut(at)) {
            lane.begin_by(retry_at);
        }
    }
}
