//! An engine, looked at from outside: figures for checkers, and numbers for its whole state.

use super::{ConnOwner, Engine, TorrentView};
use crate::id::ConnId;
use crate::mse::SharedSecret;
use crate::torrent::{Digest, Figures};
use core::fmt::Write as _;

impl<'a> TorrentView<'a> {
    /// Its figures beside the same ones counted again.
    pub fn figures(&self) -> Figures<'a> {
        self.torrent.figures()
    }
}

impl Engine {
    /// TCP connections that are open or being opened, those to trackers included.
    pub fn connections(&self) -> usize {
        self.conns.len()
    }

    /// Connections to trackers and fetched hosts among them.
    pub fn http_connections(&self) -> usize {
        let http = |owner: &&ConnOwner| matches!(owner, ConnOwner::Tracker(_) | ConnOwner::Fetch);
        self.conns.values().filter(http).count()
    }

    /// Whether a connection is one to a tracker or a fetched host.
    pub fn is_http(&self, conn: ConnId) -> bool {
        matches!(
            self.conns.get(&conn),
            Some(ConnOwner::Tracker(_) | ConnOwner::Fetch)
        )
    }

    /// The secret that both ends of an encrypted connection know, once both keys are there: with the info-hash it gives
    /// the key streams. For checkers that read along, as browsers log keys.
    pub fn shared_secret(&self, conn: ConnId) -> Option<&SharedSecret> {
        match self.conns.get(&conn)? {
            ConnOwner::Torrent(id) => self.torrents.get(id)?.shared_secret(conn),
            ConnOwner::Incoming => self.incoming_secret(conn),
            ConnOwner::Tracker(_) | ConnOwner::Fetch => None,
        }
    }

    /// Whether a connection is one to a host that something is fetched from.
    pub fn is_fetch(&self, conn: ConnId) -> bool {
        matches!(self.conns.get(&conn), Some(ConnOwner::Fetch))
    }

    /// Accepted connections among them whose torrent is not known yet.
    pub fn unassigned(&self) -> usize {
        self.incoming.len()
    }

    /// Peers that are dialled and not established.
    pub fn half_open(&self) -> usize {
        self.dialer.half_open.len()
    }

    /// Requests to the driver that are not answered: name lookups and disk jobs.
    pub fn outstanding_ops(&self) -> usize {
        self.ops.len()
    }

    /// Whether a torrent waits for its plan step; never between two events.
    pub fn is_settled(&self) -> bool {
        self.touched.is_empty()
    }

    /// A number for the state that matters: cheap enough for every step. Equal histories have equal numbers on every
    /// machine; histories that went different ways have different ones before long.
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::default();
        digest.time(Some(self.now));
        self.ids.digest(&mut digest);
        digest.count(self.actions.iter().filter(|action| !action.is_trace()).count());
        digest.count(self.conns.len());
        digest.count(self.ops.len());
        digest.count(self.incoming.len());
        digest.count(self.dialer.half_open.len());
        digest.time(self.trackers.deadline());
        if let Some(at) = self.lsd.deadline() {
            digest.time(Some(at));
        }
        digest.time(self.shutdown_at);
        for (id, torrent) in &self.torrents {
            digest.word(id.0.into());
            torrent.digest(&mut digest);
        }
        digest.value()
    }

    /// A number for everything that an engine is, down to the last field: too slow for every step, right for the
    /// end of a run.
    pub fn digest_whole(&self) -> u64 {
        let mut digest = Digest::default();
        // writing into a digest cannot fail
        let _ = write!(digest, "{self:?}");
        digest.value()
    }
}
