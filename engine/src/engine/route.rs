//! Events to owners, outputs of owners to actions.

use super::{ConnOwner, Engine, OpOwner};
use crate::action::{Action, CloseReason};
use crate::id::{ConnId, OpId, TorrentId};
use crate::net::{CloseCause, LookupError};
use crate::report::Report;
use crate::torrent::{Context, Output, Torrent};
use crate::tracker::tiers::TierOutput;
use crate::tracker::{ClientOutput, RequestKind};
use alloc::vec::Vec;
use core::net::IpAddr;

/// Bytes that a tracker or a fetched host may deliver before its budget is renewed.
const HTTP_READ_WINDOW: u32 = 64 * 1024;

impl Engine {
    /// Lends a torrent what it needs for one call, and carries out what it wants.
    pub(super) fn with_torrent<R>(
        &mut self,
        id: TorrentId,
        call: impl FnOnce(&mut Torrent, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let torrent = self.torrents.get_mut(&id)?;
        let mut out = Vec::new();
        let mut cx = Context {
            now: self.now,
            config: &self.config,
            ids: &mut self.ids,
            out: &mut out,
            unread: &mut self.unread,
            throttle: &mut self.throttle,
        };
        let result = call(torrent, &mut cx);
        self.touched.insert(id);
        self.route_all(id, out);
        Some(result)
    }

    pub(super) fn route_all(&mut self, id: TorrentId, out: Vec<Output>) {
        for output in out {
            self.route(id, output);
        }
    }

    fn route(&mut self, id: TorrentId, output: Output) {
        match output {
            Output::Connect { conn, to } => {
                self.conns.insert(conn, ConnOwner::Torrent(id));
                self.actions.push_back(Action::Connect { conn, to, tls: None });
            }
            Output::Send { conn, what } => {
                self.actions.push_back(Action::Send {
                    conn,
                    head: what.head,
                    body: what.body,
                });
            }
            Output::Read { conn, budget } => self.actions.push_back(Action::Read { conn, budget }),
            Output::Hold { conn } => self.actions.push_back(Action::Hold { conn }),
            Output::DialAgain => self.dialer.dials_again(),
            Output::Close { conn, end } => {
                self.dialer.ended(conn);
                self.close(conn, CloseReason::Peer(end));
            }
            Output::Disk { op, job } => {
                self.ops.insert(op, OpOwner::Torrent(id));
                self.actions.push_back(Action::Disk { op, torrent: id, job });
            }
            Output::Resolve { op, host } => {
                self.ops.insert(op, OpOwner::Torrent(id));
                self.actions.push_back(Action::Resolve { op, host });
            }
            Output::Tracker(TierOutput::Start {
                request,
                url,
                params,
                options,
            }) => {
                self.trackers
                    .start(self.now, request, &url, RequestKind::Announce(params), options);
            }
            Output::Tracker(TierOutput::Cancel { request }) => self.trackers.cancel(self.now, request),
            Output::Tracker(TierOutput::Hurry { request, until }) => {
                self.trackers.hurry(self.now, request, until);
            }
            // the torrent answers every other output of its announcer itself
            Output::Tracker(_) => {}
            Output::Report(report) => self.report(report),
            Output::Gone => self.gone(id),
        }
    }

    fn gone(&mut self, id: TorrentId) {
        let Some(torrent) = self.torrents.remove(&id) else {
            return;
        };
        self.marks.merge(torrent.marks());
        self.by_hash.remove(&torrent.info_hash());
        self.lsd.set(self.now, id, None);
        self.touched.remove(&id);
        self.throttle.forget(id);
        self.slots.forget(id);
        self.queue.forget(id);
        if let Some((at, due)) = self.registered.remove(&id) {
            self.timers.remove(&(at, due, id));
        }
        if torrent.is_removed() {
            self.report(Report::Removed { torrent: id });
        }
    }

    pub(super) fn connected(&mut self, conn: ConnId) {
        self.dialer.established(conn);
        match self.conns.get(&conn).copied() {
            Some(ConnOwner::Torrent(id)) => {
                self.with_torrent(id, |torrent, cx| torrent.handle_connected(cx, conn));
            }
            Some(ConnOwner::Tracker(stream)) => {
                self.trackers.handle_connected(self.now, stream);
                self.actions.push_back(Action::Read {
                    conn,
                    budget: HTTP_READ_WINDOW,
                });
            }
            Some(ConnOwner::Fetch) => {
                self.fetch_connected(conn);
                self.actions.push_back(Action::Read {
                    conn,
                    budget: HTTP_READ_WINDOW,
                });
            }
            Some(ConnOwner::Incoming) | None => {}
        }
    }

    pub(super) fn received(&mut self, conn: ConnId, data: &[u8]) {
        match self.conns.get(&conn).copied() {
            Some(ConnOwner::Torrent(id)) => {
                self.with_torrent(id, |torrent, cx| torrent.handle_received(cx, conn, data));
            }
            Some(ConnOwner::Incoming) => self.incoming_received(conn, data),
            Some(ConnOwner::Tracker(stream)) => {
                self.trackers.handle_received(self.now, stream, data);
                let budget = u32::try_from(data.len()).unwrap_or(u32::MAX);
                self.actions.push_back(Action::Read { conn, budget });
            }
            Some(ConnOwner::Fetch) => {
                let budget = u32::try_from(data.len()).unwrap_or(u32::MAX);
                self.actions.push_back(Action::Read { conn, budget });
                self.fetch_received(conn, data);
            }
            None => self.unread.push(0..data.len()),
        }
    }

    pub(super) fn sent(&mut self, conn: ConnId, bytes: u64) {
        match self.conns.get(&conn) {
            Some(ConnOwner::Torrent(id)) => {
                let id = *id;
                self.with_torrent(id, |torrent, _| torrent.handle_sent(conn, bytes));
            }
            Some(ConnOwner::Incoming) => self.incoming_sent(conn, bytes),
            Some(ConnOwner::Tracker(_) | ConnOwner::Fetch) | None => {}
        }
    }

    pub(super) fn closed(&mut self, conn: ConnId, cause: CloseCause) {
        self.dialer.ended(conn);
        match self.conns.remove(&conn) {
            Some(ConnOwner::Torrent(id)) => {
                self.with_torrent(id, |torrent, cx| torrent.handle_closed(cx, conn, cause));
            }
            Some(ConnOwner::Incoming) => self.incoming_closed(conn, cause),
            Some(ConnOwner::Tracker(stream)) => {
                self.streams.remove(&stream);
                self.trackers.handle_closed(self.now, stream, cause);
            }
            Some(ConnOwner::Fetch) => self.fetch_closed(conn, cause),
            None => {}
        }
    }

    pub(super) fn resolved(&mut self, op: OpId, result: Result<Vec<IpAddr>, LookupError>) {
        match self.ops.remove(&op) {
            Some(OpOwner::TrackerLookup(lookup)) => self.trackers.handle_resolved(self.now, lookup, result),
            Some(OpOwner::FetchLookup) => self.fetch_resolved(result),
            Some(OpOwner::Torrent(id)) => {
                self.with_torrent(id, |torrent, cx| torrent.handle_resolved(cx, op, result));
            }
            None => {}
        }
    }

    /// Carries out what the tracker client wants.
    pub(super) fn drain_trackers(&mut self) {
        while let Some(output) = self.trackers.poll_output() {
            self.tracker_output(output);
        }
    }

    /// Draining leaves nothing behind; a torrent that plans may start a request.
    pub(super) fn trackers_have_output(&mut self) -> bool {
        let Some(output) = self.trackers.poll_output() else {
            return false;
        };
        self.tracker_output(output);
        true
    }

    fn tracker_output(&mut self, output: ClientOutput) {
        match output {
            ClientOutput::Resolve { lookup, host } => {
                let op = self.ids.next_op();
                self.ops.insert(op, OpOwner::TrackerLookup(lookup));
                self.actions.push_back(Action::Resolve { op, host });
            }
            ClientOutput::Connect { stream, to, tls } => {
                let conn = self.ids.next_conn();
                self.conns.insert(conn, ConnOwner::Tracker(stream));
                self.streams.insert(stream, conn);
                self.probe_attempt();
                self.actions.push_back(Action::Connect { conn, to, tls });
            }
            ClientOutput::Send { stream, data } => {
                if let Some(conn) = self.streams.get(&stream).copied() {
                    self.actions.push_back(Action::Send {
                        conn,
                        head: data,
                        body: None,
                    });
                }
            }
            ClientOutput::Close { stream } => {
                if let Some(conn) = self.streams.remove(&stream) {
                    self.close(conn, CloseReason::HttpDone);
                }
            }
            ClientOutput::Datagram { to, data } => {
                self.probe_attempt();
                self.actions.push_back(Action::Datagram { to, data });
            }
            ClientOutput::Asked { request, family } => {
                let id = TorrentId(request.namespace());
                self.with_torrent(id, |torrent, _| torrent.handle_tracker_asked(request, family));
            }
            ClientOutput::FirstTimeout { request } => {
                let id = TorrentId(request.namespace());
                self.with_torrent(id, |torrent, cx| {
                    torrent.handle_tracker_first_timeout(cx, request);
                });
            }
            ClientOutput::Done { request, result } => {
                if request.namespace() == 0 {
                    self.probe_done(request, result);
                } else {
                    let id = TorrentId(request.namespace());
                    self.with_torrent(id, |torrent, cx| torrent.handle_tracker_done(cx, request, result));
                }
            }
            ClientOutput::Trace { request, text } => {
                if self.config.trace {
                    let torrent = (request.namespace() != 0).then(|| TorrentId(request.namespace()));
                    self.report(Report::Tracker { torrent, text });
                }
            }
        }
    }
}
