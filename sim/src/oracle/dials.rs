//! What the engine dials, and how many connections there may be: I20, I27.

use super::conn::Conn;
use super::decisions::Decision;
use super::table::Oracle;
use super::watch::Watch;
use seedbed_engine::id::ConnId;
use std::net::SocketAddr;

impl Watch {
    pub(crate) fn connect(&mut self, id: ConnId, to: SocketAddr) {
        self.decisions.add(self.now, to.ip(), Decision::Dial);
        let number = id.as_u64();
        let new = !id.is_accepted() && (number > self.dialled || self.dialled == 0 && number == 0);
        self.verdicts
            .check(Oracle::I27, new, || format!("{id} is dialled a second time"));
        self.dialled = self.dialled.max(number);
        let tracker = self.setup.trackers.contains(&to.ip());
        if tracker {
            self.announces.connects(to);
            self.contacts(to.ip());
        } else {
            self.meets(to.ip(), true);
            self.dials_named(to);
        }
        self.conns.insert(id, Conn::new(to, true, self.geometry.pieces()));
        self.limits();
    }

    /// I20: how many there may be.
    fn limits(&mut self) {
        let config = &self.setup.config;
        let peers = |conn: &&Conn| !self.setup.trackers.contains(&conn.addr.ip());
        let all = self.conns.values().filter(peers).count();
        let half = |conn: &&Conn| peers(conn) && conn.dialled && !conn.connected;
        let half_open = self.conns.values().filter(half).count();
        let dialled = self
            .conns
            .values()
            .filter(|conn| peers(conn) && conn.dialled)
            .count();
        // who dials us is counted only when the handshake names a torrent
        let kept = dialled <= config.connections_max.min(config.connections_per_torrent_max)
            && half_open <= config.half_open_max;
        self.verdicts.check(Oracle::I20, kept, || {
            format!("{all} connections, {dialled} dialled, {half_open} half-open")
        });
    }
}
