//! Local service discovery: which torrents are told, and who hears of whom that is heard.

use super::Engine;
use crate::action::Action;
use crate::id::TorrentId;
use crate::lsd::{Group, Ignored, Neighbour};
use crate::report::Report;
use crate::torrent::Torrent;
use alloc::format;
use alloc::string::String;
use core::net::SocketAddr;

impl Engine {
    /// Something happened to a torrent: it may begin or cease to be told.
    pub(super) fn lsd_noted(&mut self, id: TorrentId) {
        if !self.config.lsd.enabled {
            return;
        }
        if let Some(torrent) = self.torrents.get(&id) {
            let told = torrent.is_told_nearby().then(|| torrent.info_hash());
            self.lsd.set(self.now, id, told);
        }
    }

    pub(super) fn lsd_timeout(&mut self) {
        for announce in self.lsd.handle_timeout(self.now) {
            self.lsd_trace(|| format!("> {} torrents told to {}", announce.torrents, announce.group));
            self.actions.push_back(Action::Multicast {
                group: announce.group,
                data: announce.data,
            });
        }
    }

    /// A datagram came to a group. Once everything ends, neighbours are of no use.
    pub(super) fn multicast(&mut self, group: Group, from: SocketAddr, data: &[u8]) {
        if self.is_ending() {
            return;
        }
        match self.lsd.heard(self.now, from, data) {
            Ok(neighbour) => {
                self.lsd_trace(|| {
                    let torrents = neighbour.hashes.len();
                    format!("< {} tells {group} of {torrents} torrents", neighbour.addr)
                });
                self.neighbour(&neighbour);
            }
            Err(Ignored::Own | Ignored::Off) => {}
            Err(why) => self.lsd_trace(|| format!("< ignored of {from} to {group}: {why}")),
        }
    }

    fn neighbour(&mut self, neighbour: &Neighbour) {
        for hash in &neighbour.hashes {
            if let Some(id) = self.by_hash.get(hash).copied() {
                self.with_torrent(id, |torrent: &mut Torrent, cx| {
                    torrent.neighbour_heard(cx.now, neighbour.addr, cx.config.lsd.candidates_max);
                });
            }
        }
    }

    fn lsd_trace(&mut self, text: impl FnOnce() -> String) {
        if self.config.trace {
            self.report(Report::Lsd { text: text() });
        }
    }
}
