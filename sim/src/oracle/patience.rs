//! What must not last: a connection that we leave silent (I41), an optimistic slot that nobody else gets (I15), requests
//! that a choke leaves open (I42). And what a sleep must not do: end connections (I25).

use super::conn::Conn;
use super::table::Oracle;
use super::watch::Watch;
use seedbed_engine::id::ConnId;
use seedbed_engine::session::End;
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::{CloseReason, TorrentState};

/// Slack of a time-out: the engine may be given its tick a little late by a busy host.
const SLACK: Duration = Duration::from_secs(1);

/// When what must not last began, over all connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since {
    /// Somebody was last unchoked.
    unchoked: Instant,
    /// The engine last found that it had slept.
    woke: Option<Instant>,
}

impl Since {
    pub(crate) const START: Self = Self {
        unchoked: Instant::START,
        woke: None,
    };
}

impl Watch {
    /// Time has passed.
    pub(crate) fn lasts_too_long(&mut self) {
        self.silent_connections();
        self.turns();
    }

    /// I41: a peer hears of us before it takes us for dead (BEP 3: two minutes).
    fn silent_connections(&mut self) {
        let (now, after) = (self.now, self.setup.config.session.keepalive_after);
        for (id, conn) in self.conns.iter().filter(|(_, conn)| conn.is_open()) {
            let said = conn.said_at;
            self.verdicts.check(Oracle::I41, now <= said + after + SLACK, || {
                format!("{id} has heard nothing since {said}")
            });
        }
    }

    /// I15: while somebody waits, the optimistic slot goes round, and that unchokes somebody.
    fn turns(&mut self) {
        let config = &self.setup.config.choker;
        let trades = matches!(self.state, Some(TorrentState::Downloading)) && self.slots > 0;
        let waits = |conn: &Conn| conn.waits_since.filter(|_| conn.is_open() && !conn.has.is_full());
        let Some(since) = self.conns.values().filter_map(waits).min().filter(|_| trades) else {
            return;
        };
        let (now, since) = (self.now, since.max(self.since.unchoked));
        let bound = config.round * (config.optimistic_rounds + 2) + config.change_min;
        self.verdicts
            .check(Oracle::I15, now <= since + bound + SLACK, || {
                format!("somebody waits, and nobody was unchoked since {since}")
            });
    }

    pub(crate) const fn turn_begins(&mut self) {
        self.since.unchoked = self.now;
    }

    /// I42: we choke a peer. What it has asked for is refused at once, or still comes (BEP 6).
    pub(crate) fn refuses_the_rest(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get(&id).filter(|conn| conn.fast() && !conn.repeats) else {
            return;
        };
        let comes = |piece| conn.allowed_to_peer.contains(piece);
        let open = conn.wanted.iter().find(|range| !comes(&range.piece)).copied();
        self.verdicts
            .check(Oracle::I42, open.is_none() || !conn.choked, || {
                format!("{id} is choked, and {open:?} was neither sent nor refused")
            });
    }

    /// The engine did not run for so long that it noticed.
    pub(crate) fn wakes(&mut self, noticed: bool) {
        for conn in self.conns.values_mut() {
            conn.said_at = self.now;
        }
        self.since.unchoked = self.now;
        if noticed {
            self.since.woke = Some(self.now);
        }
    }

    /// I25: nobody is taken for dead whom a sleep did not let speak.
    pub(crate) fn takes_for_dead(&mut self, id: ConnId, reason: &CloseReason) {
        let Some(woke) = self.since.woke else { return };
        let config = &self.setup.config.session;
        let patience = match reason {
            CloseReason::Peer(End::Silent) => config.idle_timeout,
            CloseReason::Peer(End::ConnectTimeout) => config.connect_timeout,
            _ => return,
        };
        let now = self.now;
        self.verdicts.check(Oracle::I25, now >= woke + patience, || {
            format!("{id} ends as {reason:?}, and nothing could come before {woke}")
        });
    }
}
