//! Announcing: the announcer's policy, the torrent's counters, the peers that come of it.

use super::{AddTorrent, Context, NAME_SHOWN_MAX, Output, Phase, Purpose, Torrent};
use crate::candidates::Source;
use crate::config::Config;
use crate::http::Families;
use crate::id::{OpId, PeerId, TorrentId};
use crate::net::{LookupError, printable};
use crate::report::Report;
use crate::rng::{self, Seeds};
use crate::session::End;
use crate::tracker::tiers::{Announcer, AnnouncerIdentity, AnnouncerOptions, TierOutput};
use crate::tracker::{AnnounceError, Counters, RequestId, RequestIds, TrackerReply};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use serde::{Deserialize, Serialize};

/// Characters of a tracker's text that are shown.
const TEXT_SHOWN_MAX: usize = 500;

/// The announcer of a torrent, if it may use trackers and has any.
pub(super) fn announcer(
    config: &Config,
    id: TorrentId,
    add: &AddTorrent,
    peer_id: PeerId,
    seeds: &Seeds,
) -> Option<Announcer> {
    if add.purpose == Purpose::Check {
        return None;
    }
    let mut tiers = if add.use_trackers {
        add.source.trackers()
    } else {
        Vec::new()
    };
    tiers.extend(add.extra_trackers.iter().cloned());
    if tiers.iter().all(Vec::is_empty) {
        return None;
    }
    let stream = |purpose| seeds.stream(purpose, u64::from(id.0));
    let identity = AnnouncerIdentity {
        info_hash: add.source.info_hash(),
        peer_id,
        key: stream(rng::Purpose::TrackerKey).next_u32(),
        port: config.listen_port,
    };
    let options = AnnouncerOptions {
        allow_local: config.allow_local_services,
        encryption: config.encryption,
        ..AnnouncerOptions::default()
    };
    Some(Announcer::new(
        &tiers,
        // a link does not say it; see `obey_private`
        add.source.metainfo().is_some_and(|metainfo| metainfo.private),
        identity,
        &config.tracker,
        RequestIds::new(id.0),
        &mut stream(rng::Purpose::TierShuffle),
        stream(rng::Purpose::Announce),
        options,
    ))
}

/// What `left` is before anything is known of the content: 0 would say that we are a seed. One block [libtorrent].
const LEFT_UNKNOWN: u64 = 16 * 1024;

/// A lookup of a peer's host name.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Lookup {
    port: u16,
    source: Source,
    /// Whether it may be on loopback.
    local_ok: bool,
}

/// Host names of peers that are looked up from one answer: a lookup costs more than an address is worth.
const HOSTS_MAX: usize = 10;

impl Torrent {
    /// A lookup of a peer's host name ended. A failed one is just one peer less.
    pub fn handle_resolved(
        &mut self,
        cx: &mut Context<'_>,
        op: OpId,
        result: Result<Vec<IpAddr>, LookupError>,
    ) {
        let Some(lookup) = self.lookups.remove(&op) else {
            return;
        };
        if let Some(ip) = result.ok().and_then(|found| found.first().copied()) {
            let addr = SocketAddr::new(ip, lookup.port);
            self.add_peer(cx.now, addr, lookup.source, lookup.local_ok);
        }
    }

    /// Looks a peer's host name up.
    pub(super) fn look_up(
        &mut self,
        cx: &mut Context<'_>,
        host: String,
        port: u16,
        source: Source,
        local_ok: bool,
    ) {
        let op = cx.ids.next_op();
        let lookup = Lookup {
            port,
            source,
            local_ok,
        };
        self.lookups.insert(op, lookup);
        cx.out.push(Output::Resolve { op, host });
    }

    /// The counters for the next announce. The announcer learns here whether we are a partial seed (BEP 21).
    fn counters(&mut self) -> Counters {
        let partial = self.is_complete() && !self.have().is_full();
        if let Some(announcer) = &mut self.announcer {
            announcer.set_partial_seed(partial);
        }
        Counters {
            uploaded: self.traffic.uploaded,
            downloaded: self.traffic.ledger.payload(),
            left: if self.knows_metadata() {
                self.geometry.total() - self.verified.min(self.geometry.total())
            } else {
                LEFT_UNKNOWN
            },
        }
    }

    /// Lets the announcer learn of something, act on it, and be heard.
    fn with_announcer(&mut self, cx: &mut Context<'_>, tell: impl FnOnce(&mut Announcer, &Counters)) {
        let counters = self.counters();
        if let Some(announcer) = &mut self.announcer {
            tell(announcer, &counters);
            announcer.handle_timeout(cx.now, &counters);
        }
        while let Some(output) = self.announcer.as_mut().and_then(Announcer::poll_output) {
            self.announced(cx, output);
        }
        self.gone_if_all_is_done(cx);
    }

    pub(super) fn announce_start(&mut self, cx: &mut Context<'_>) {
        self.stop.trackers_told = false;
        let now = cx.now;
        self.with_announcer(cx, |announcer, _| announcer.start(now));
    }

    pub(super) fn announce_stop(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        self.with_announcer(cx, |announcer, _| announcer.stop(now));
    }

    pub(super) fn announce_completed(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        self.with_announcer(cx, |announcer, _| announcer.complete(now));
    }

    pub(super) fn announce_network_changed(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        self.with_announcer(cx, |announcer, _| announcer.network_changed(now));
    }

    pub(super) fn announce_timeout(&mut self, cx: &mut Context<'_>) {
        self.with_announcer(cx, |_, _| {});
    }

    /// The user wants an announce now.
    pub fn reannounce(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        self.candidates.retry_now(false);
        self.with_announcer(cx, |announcer, _| announcer.reannounce(now));
    }

    /// A request of the announcer's ended.
    pub fn handle_tracker_done(
        &mut self,
        cx: &mut Context<'_>,
        request: RequestId,
        result: Result<TrackerReply, AnnounceError>,
    ) {
        let now = cx.now;
        self.with_announcer(cx, |announcer, counters| {
            announcer.handle_done(now, request, result, counters);
        });
    }

    /// A request of the announcer's is on the wire.
    pub fn handle_tracker_asked(&mut self, request: RequestId, family: Families) {
        if let Some(announcer) = &mut self.announcer {
            announcer.handle_asked(request, family);
        }
    }

    /// The first datagram of a request was not answered in time.
    pub fn handle_tracker_first_timeout(&mut self, cx: &mut Context<'_>, request: RequestId) {
        let now = cx.now;
        self.with_announcer(cx, |announcer, _| announcer.handle_first_timeout(now, request));
    }

    /// Whether nothing is left to be told to a tracker.
    pub(super) fn announce_is_over(&self) -> bool {
        self.announcer.is_none() || self.stop.trackers_told
    }

    /// A tracker says what our address is. All trackers are one voter: they may see us otherwise than peers do.
    fn heard_by_tracker(&mut self, cx: &Context<'_>, ip: IpAddr) {
        let tracker = IpAddr::V6(core::net::Ipv6Addr::UNSPECIFIED);
        self.candidates.heard_own(tracker, ip, cx.config.listen_port);
    }

    fn announced(&mut self, cx: &mut Context<'_>, output: TierOutput) {
        match output {
            TierOutput::Start { .. } | TierOutput::Cancel { .. } | TierOutput::Hurry { .. } => {
                cx.out.push(Output::Tracker(output));
            }
            TierOutput::Peers {
                peers,
                hosts,
                loopback_tracker,
                ..
            } => {
                if matches!(self.phase, Phase::Stopping | Phase::Gone) {
                    return;
                }
                for peer in peers {
                    self.add_peer(cx.now, peer.addr, Source::Tracker, loopback_tracker);
                }
                for (host, port) in hosts.into_iter().take(HOSTS_MAX) {
                    self.look_up(cx, host, port, Source::Tracker, loopback_tracker);
                }
            }
            TierOutput::Ok {
                url,
                seeders,
                leechers,
                peers,
                next,
                warning,
            } => {
                let warning = warning.map(|text| printable(&text, TEXT_SHOWN_MAX));
                let url = printable(&url, NAME_SHOWN_MAX);
                let torrent = self.id;
                self.report(
                    cx,
                    Report::TrackerOk {
                        torrent,
                        url,
                        seeders,
                        leechers,
                        peers,
                        next,
                        warning,
                    },
                );
            }
            TierOutput::Failed { url, text, retry_at } => {
                let text = printable(&text, TEXT_SHOWN_MAX);
                let url = printable(&url, NAME_SHOWN_MAX);
                self.report(
                    cx,
                    Report::TrackerFailed {
                        torrent: self.id,
                        url,
                        text,
                        retry_at,
                    },
                );
            }
            TierOutput::ExternalIp(ip) => self.heard_by_tracker(cx, ip),
            TierOutput::Stopped => self.stop.trackers_told = true,
            TierOutput::SwitchedPrivateTracker => {
                // BEP 27: peers of one tracker are not dealt with under another
                self.lookups.clear();
                self.candidates.forget_sources(Source::Tracker);
                self.end_all(cx, End::TrackerSwitched);
            }
        }
    }
}
