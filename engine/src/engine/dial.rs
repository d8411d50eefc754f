//! Dialling over all torrents: a rate, a number of half-open connections, a number of connections (protocol.md §19).

use super::{ConnOwner, Engine};
use crate::id::{ConnId, TorrentId};
use crate::time::{Duration, Instant};
use crate::torrent::{Context, Output};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Who may dial, how much may be dialled.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Dialer {
    /// Torrents that may have somebody to dial.
    wanting: BTreeSet<TorrentId>,
    /// The torrent that dialled last: the next one goes first.
    last: Option<TorrentId>,
    pub(super) half_open: BTreeSet<ConnId>,
    /// Dials of the running second.
    dialled: u32,
    second: u64,
}

impl Dialer {
    pub(super) fn may_want(&mut self, id: TorrentId) {
        self.wanting.insert(id);
    }

    pub(super) fn established(&mut self, conn: ConnId) {
        self.half_open.remove(&conn);
    }

    pub(super) fn ended(&mut self, conn: ConnId) {
        self.half_open.remove(&conn);
    }

    /// A peer that was dialled is dialled once more: both count as one, or half of a first second would go to peers that
    /// know nothing of encryption.
    pub(super) fn dials_again(&mut self) {
        self.dialled = self.dialled.saturating_sub(1);
    }

    /// Torrents take turns.
    fn next(&self) -> Option<TorrentId> {
        let after = self
            .last
            .and_then(|last| self.wanting.range(TorrentId(last.0.saturating_add(1))..).next());
        after.or(self.wanting.first()).copied()
    }

    /// Whether the rate allows one more now.
    fn within_rate(&mut self, now: Instant, per_second: u32) -> bool {
        let second = now.as_micros() / 1_000_000;
        if second != self.second {
            (self.second, self.dialled) = (second, 0);
        }
        self.dialled < per_second.max(1)
    }
}

impl Engine {
    fn has_room(&self) -> bool {
        self.dialer.half_open.len() < self.config.half_open_max
            && self.conns.len() < self.config.connections_max
            && self.shutdown_at.is_none()
    }

    /// Dials as much as the limits allow. True when something was dialled.
    pub(super) fn dial(&mut self) -> bool {
        let mut dialled = false;
        while self.has_room() && self.dialer.within_rate(self.now, self.config.dials_per_second) {
            let Some(id) = self.dialer.next() else { break };
            if self.dial_for(id) {
                self.dialer.last = Some(id);
                self.dialer.dialled += 1;
                dialled = true;
            } else {
                self.dialer.wanting.remove(&id);
            }
        }
        dialled
    }

    /// Lets one torrent dial once. It is touched only if it did.
    fn dial_for(&mut self, id: TorrentId) -> bool {
        let Some(torrent) = self.torrents.get_mut(&id) else {
            return false;
        };
        let mut out = Vec::new();
        let mut cx = Context {
            now: self.now,
            config: &self.config,
            ids: &mut self.ids,
            out: &mut out,
            unread: &mut self.unread,
            throttle: &mut self.throttle,
        };
        if !torrent.dial(&mut cx) {
            return false;
        }
        for output in out {
            if let Output::Connect { conn, to } = output {
                self.conns.insert(conn, ConnOwner::Torrent(id));
                self.dialer.half_open.insert(conn);
                self.actions
                    .push_back(crate::action::Action::Connect { conn, to, tls: None });
            }
        }
        self.touched.insert(id);
        true
    }

    /// When the rate allows the next dial, if somebody waits for just that.
    pub(super) fn dial_deadline(&self) -> Option<Instant> {
        let waits = !self.dialer.wanting.is_empty() && self.has_room();
        let next_second = Instant::from_secs(self.dialer.second) + Duration::from_secs(1);
        waits.then_some(next_second.max(self.now + Duration::from_micros(1)))
    }
}
