//! One announce and its `stopped`, or one scrape, outside of any torrent.

use super::Engine;
use crate::event::ProbeTracker;
use crate::report::{Report, TrackerProbe};
use crate::rng::Purpose;
use crate::time::Instant;
use crate::tracker::{
    AnnounceError, AnnounceEvent, AnnounceParams, RequestId, RequestKind, RequestOptions, TrackerReply,
    TrackerUrl,
};
use alloc::string::ToString;
use alloc::vec;
use serde::{Deserialize, Serialize};

/// A probe under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Probe {
    url: TrackerUrl,
    params: AnnounceParams,
    request: RequestId,
    /// The first answer came, `stopped` is under way.
    stopping: bool,
    deadline: Instant,
    result: TrackerProbe,
}

impl Engine {
    pub(super) fn start_probe(&mut self, command: &ProbeTracker) {
        if self.probe.is_some() {
            self.rejected("probe", "another probe is under way".into());
            return;
        }
        let url = match TrackerUrl::parse(&command.url) {
            Ok(url) => url,
            Err(error) => {
                let result = TrackerProbe {
                    failure: Some(error.to_string()),
                    ..TrackerProbe::default()
                };
                self.report(Report::TrackerProbed { result });
                return;
            }
        };
        let params = AnnounceParams {
            info_hash: command.metainfo.info_hash,
            peer_id: self.peer_id,
            port: self.config.listen_port,
            uploaded: 0,
            downloaded: 0,
            left: command.metainfo.total_length,
            event: AnnounceEvent::Started,
            key: self.seeds.stream(Purpose::TrackerKey, 0).next_u32(),
            numwant: Some(self.config.tracker.numwant),
            tracker_id: None,
            encryption: self.config.encryption,
        };
        let kind = if command.scrape {
            RequestKind::Scrape(vec![params.info_hash])
        } else {
            RequestKind::Announce(params.clone())
        };
        let request = self.probe_ids.next_id();
        let deadline = self.now + command.timeout;
        let options = self.probe_options(Some(deadline));
        self.trackers.start(self.now, request, &url, kind, options);
        let result = TrackerProbe::default();
        self.probe = Some(Probe {
            url,
            params,
            request,
            stopping: command.scrape,
            deadline,
            result,
        });
    }

    fn probe_options(&self, deadline: Option<Instant>) -> RequestOptions {
        RequestOptions {
            allow_local: self.config.allow_local_services,
            typed_by_user: true,
            deadline,
            ..RequestOptions::default()
        }
    }

    /// Something was sent to a tracker.
    pub(super) fn probe_attempt(&mut self) {
        if let Some(probe) = self
            .probe
            .as_mut()
            .filter(|probe| !probe.stopping || probe.result.attempts == 0)
        {
            probe.result.attempts += 1;
        }
    }

    pub(super) fn probe_done(&mut self, request: RequestId, result: Result<TrackerReply, AnnounceError>) {
        let Some(probe) = self.probe.as_mut().filter(|probe| probe.request == request) else {
            return;
        };
        if probe.stopping && probe.result.ok {
            self.end_probe();
            return;
        }
        match result {
            Ok(TrackerReply::Announce(reply)) => {
                probe.result.ok = true;
                probe.result.seeders = reply.seeders;
                probe.result.leechers = reply.leechers;
                probe.result.completed = reply.downloaded;
                probe.result.interval = reply.interval.map(|interval| interval.as_secs());
                probe.result.min_interval = reply.min_interval.map(|interval| interval.as_secs());
                probe.result.warning = reply.warning;
                probe.result.peers = reply.peers.iter().map(|peer| peer.addr).collect();
            }
            Ok(TrackerReply::Scrape(reply)) => {
                let entry = reply.files.first();
                probe.result.ok = entry.is_some();
                probe.result.seeders = entry.map(|entry| entry.seeders);
                probe.result.leechers = entry.map(|entry| entry.leechers);
                probe.result.completed = entry.map(|entry| entry.completed);
            }
            Err(error) => probe.result.failure = Some(error.to_string()),
        }
        if probe.stopping || !probe.result.ok {
            self.end_probe();
            return;
        }
        probe.stopping = true;
        probe.params.event = AnnounceEvent::Stopped;
        probe.params.numwant = Some(0);
        let (url, params) = (probe.url.clone(), probe.params.clone());
        let request = self.probe_ids.next_id();
        let until = self.now + self.config.tracker.stopped_timeout;
        if let Some(probe) = &mut self.probe {
            probe.request = request;
            probe.deadline = until;
        }
        let mut options = self.probe_options(Some(until));
        options.sends_max = Some(self.config.tracker.stopped_sends_max);
        self.trackers
            .start(self.now, request, &url, RequestKind::Announce(params), options);
    }

    fn end_probe(&mut self) {
        if let Some(probe) = self.probe.take() {
            self.report(Report::TrackerProbed { result: probe.result });
        }
    }

    pub(super) fn probe_deadline(&self) -> Option<Instant> {
        self.probe.as_ref().map(|probe| probe.deadline)
    }

    pub(super) fn probe_timeout(&mut self) {
        let Some(probe) = self.probe.as_mut().filter(|probe| self.now >= probe.deadline) else {
            return;
        };
        if !probe.result.ok && probe.result.failure.is_none() {
            probe.result.failure = Some("no answer in time".into());
        }
        let request = probe.request;
        self.trackers.cancel(self.now, request);
        self.end_probe();
    }

    /// The program ends: the probe is dropped.
    pub(super) fn cancel_probe(&mut self) {
        if let Some(probe) = self.probe.take() {
            self.trackers.cancel(self.now, probe.request);
        }
    }
}
