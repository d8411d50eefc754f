//! What the user asks for.

use super::Engine;
use crate::event::{Command, Limits};
use crate::id::TorrentId;
use crate::report::Report;
use crate::torrent::{AddTorrent, Context, Purpose, Torrent};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;

impl Engine {
    pub(super) fn command(&mut self, command: Command) {
        if self.is_ending() {
            if !matches!(command, Command::Shutdown) {
                self.rejected("command", "the engine is shutting down".into());
            }
            return;
        }
        match command {
            Command::Add(add) => self.add(*add),
            Command::Remove(id) => self.on(id, "remove", |torrent, cx| torrent.stop(cx, true)),
            Command::Pause(id) => self.on(id, "pause", Torrent::pause),
            Command::Resume(id) => self.on(id, "resume", Torrent::resume),
            Command::Recheck(id) => self.on(id, "recheck", Torrent::recheck),
            Command::Reannounce(id) => self.on(id, "reannounce", Torrent::reannounce),
            Command::AddPeer(id, addr) => self.add_peer(id, addr),
            Command::SetPriorities(id, priorities) => self.on(id, "set priorities", |torrent, cx| {
                torrent.set_priorities(cx, priorities);
            }),
            Command::SetSequential(id, sequential) => self.on(id, "set sequential", |torrent, _| {
                torrent.set_sequential(sequential);
            }),
            Command::SetDeadlines(id, deadlines) => self.on(id, "set deadlines", |torrent, cx| {
                torrent.set_deadlines(cx, &deadlines);
            }),
            Command::SetLimits(limits) => self.set_limits(limits),
            Command::SetTorrentLimits(id, limits) => {
                self.on(id, "set limits", |torrent, cx| torrent.set_limits(cx, limits));
                self.slots.change();
            }
            Command::Fetch { url, body_max } => self.start_fetch(&url, body_max),
            Command::ProbeTracker(probe) => self.start_probe(&probe),
            Command::Shutdown => self.shut_down(),
        }
    }

    pub(super) fn rejected(&mut self, command: &'static str, why: String) {
        self.report(Report::Rejected { command, why });
    }

    fn add_peer(&mut self, id: TorrentId, addr: SocketAddr) {
        let mut why = None;
        self.on(id, "add peer", |torrent, cx| {
            why = torrent.add_named_peer(cx.now, addr).err();
        });
        if let Some(why) = why {
            self.rejected("add peer", why.into());
        }
    }

    /// Lets a command act on its torrent.
    fn on(
        &mut self,
        id: TorrentId,
        command: &'static str,
        call: impl FnOnce(&mut Torrent, &mut Context<'_>),
    ) {
        if self.with_torrent(id, call).is_none() {
            self.rejected(command, format!("there is no torrent {id}"));
        }
    }

    fn add(&mut self, add: AddTorrent) {
        let info_hash = add.source.info_hash();
        let known = add.source.metainfo().is_some();
        let nonsense = match add.purpose {
            Purpose::Check if !known => {
                Some("a magnet link says nothing of files, so there is nothing to check")
            }
            Purpose::Metadata if known => Some("a torrent file has its metadata"),
            Purpose::Download | Purpose::Seed | Purpose::Metadata | Purpose::Check => None,
        };
        if let Some(why) = nonsense {
            self.rejected("add", why.into());
            return;
        }
        if let Some(id) = self.by_hash.get(&info_hash) {
            let why = format!("the torrent {info_hash} is already here, as {id}");
            self.rejected("add", why);
            return;
        }
        if self.torrents.len() >= self.config.torrents_max {
            let why = format!("there are {} torrents already", self.torrents.len());
            self.rejected("add", why);
            return;
        }
        let id = TorrentId(self.torrents_added + 1);
        let mut out = Vec::new();
        let mut cx = Context {
            now: self.now,
            config: &self.config,
            ids: &mut self.ids,
            out: &mut out,
            unread: &mut self.unread,
            throttle: &mut self.throttle,
        };
        match Torrent::new(&mut cx, id, add, self.peer_id, &self.seeds) {
            Ok(torrent) => {
                self.torrents_added += 1;
                self.torrents.insert(id, torrent);
                self.by_hash.insert(info_hash, id);
                self.touched.insert(id);
                self.queue_noted(id);
                self.route_all(id, out);
            }
            Err(error) => self.rejected("add", error.to_string()),
        }
    }

    fn set_limits(&mut self, limits: Limits) {
        if let Some(connections) = limits.connections {
            self.config.connections_max = connections;
        }
        if let Some(connections) = limits.connections_per_torrent {
            self.config.connections_per_torrent_max = connections;
        }
        if let Some(slots) = limits.slots {
            self.config.choker.slots = slots;
        }
        self.config.active_max = limits.active.or(self.config.active_max);
        self.config.upload_slots_max = limits.slots_in_all.or(self.config.upload_slots_max);
        self.slots.change();
        self.set_rates(limits);
        // every torrent plans, so that room that there is now is used
        for id in self.torrent_ids() {
            self.with_torrent(id, |torrent, cx| {
                torrent.keep_connections(cx, torrent.connections_max(cx));
                if limits.rate_down.is_some() || limits.rate_up.is_some() {
                    torrent.rates_changed(cx);
                }
            });
        }
        self.keep_connections();
    }

    /// Closes peer connections that are too many now, each of the torrent that has most.
    fn keep_connections(&mut self) {
        loop {
            let counts = self.torrents.iter();
            let counts = counts.map(|(id, torrent)| (torrent.connections().0, *id));
            let all: usize = counts.clone().map(|(count, _)| count).sum();
            let Some((most, id)) = counts.max().filter(|_| all > self.config.connections_max) else {
                return;
            };
            let kept = most.saturating_sub(1);
            self.with_torrent(id, |torrent, cx| torrent.keep_connections(cx, kept));
        }
    }

    fn shut_down(&mut self) {
        self.shutdown_at = Some(self.now + self.config.shutdown_timeout);
        self.cancel_fetch();
        self.cancel_probe();
        for id in self.torrent_ids() {
            self.with_torrent(id, |torrent, cx| torrent.stop(cx, false));
        }
        let waiting: Vec<_> = self.incoming.keys().copied().collect();
        for conn in waiting {
            self.incoming.remove(&conn);
            self.close(conn, crate::action::CloseReason::Unowned);
        }
    }
}
