//! Rate limits of a torrent: which connections wait for their turn to be read from, or to be sent a block.
//!
//! Who wants something and may not have it at once waits in a queue, one for each way, and gets a portion when it is
//! at the front: so peers share a limit evenly, whoever is faster. Between torrents the engine keeps the turn.
//!
//! Invariant: a connection that may send nothing is held, so that nothing that it owes is late meanwhile; and one that
//! waits is in the queue until it is served or gone.

use super::{Context, Output, Peer, Torrent};
use crate::id::ConnId;
use crate::throttle::{BLOCK_HEAD, Gate, Way};
use crate::time::Instant;
use alloc::collections::VecDeque;

use super::add::TorrentLimits;
use serde::{Deserialize, Serialize};

/// The limits of one torrent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Limits {
    pub(super) gate: Gate,
    /// The limits over all torrents, in bytes a second, down and up.
    all: (Option<u64>, Option<u64>),
    down: Queue,
    up: Queue,
}

/// Connections that wait, each once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Queue {
    conns: VecDeque<ConnId>,
    /// The bytes that the first needs, if it is the torrent's own limit that it waits for.
    needs: Option<u64>,
}

/// What came of serving the first that waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Poured {
    /// It was served, and others wait.
    More,
    /// It was served, and nobody waits.
    Last,
    /// It could not be served, or nobody waited.
    Nothing,
}

impl Limits {
    pub(super) fn new(cx: &Context<'_>, limits: TorrentLimits, block_length: u32) -> Self {
        Self {
            gate: Gate::new(
                cx.now,
                limits.rate_down.unwrap_or_default(),
                limits.rate_up.unwrap_or_default(),
                block_length,
            ),
            all: cx.throttle.all.rates(),
            down: Queue::default(),
            up: Queue::default(),
        }
    }

    /// Whether a connection waits for what it may send.
    pub(super) fn waits(&self, conn: ConnId) -> bool {
        self.down.conns.contains(&conn)
    }

    fn queue(&mut self, way: Way) -> &mut Queue {
        match way {
            Way::Down => &mut self.down,
            Way::Up => &mut self.up,
        }
    }

    /// When the torrent's own limits let the first that waits go on.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let down = self.down.needs.map(|bytes| self.gate.down().ready_at(bytes));
        let up = self.up.needs.map(|bytes| self.gate.up().ready_at(bytes));
        down.into_iter().chain(up).min()
    }

    /// The limit that is felt first, and whether it is the torrent's own.
    pub(super) fn least(&self, way: Way) -> Option<(u64, bool)> {
        let (own, all) = match way {
            Way::Down => (self.gate.rates().0, self.all.0),
            Way::Up => (self.gate.rates().1, self.all.1),
        };
        let own = own.map(|rate| (rate, true));
        own.into_iter().chain(all.map(|rate| (rate, false))).min()
    }

    /// Connections that wait to be read from, and that wait to be sent something.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.down.conns.len(), self.up.conns.len())
    }
}

impl Torrent {
    pub(super) fn limits_down(&self, cx: &Context<'_>) -> bool {
        cx.throttle.all.limits_down() || self.limits.gate.limits_down()
    }

    pub(super) fn limits_up(&self, cx: &Context<'_>) -> bool {
        cx.throttle.all.limits_up() || self.limits.gate.limits_up()
    }

    /// Requests that a limit lets a peer answer before they are old: more would only keep blocks from others.
    pub(super) fn requests_max(&self, cx: &Context<'_>) -> usize {
        let config = &cx.config.session;
        let (seconds, block) = (config.request_timeout.as_secs() / 2, self.geometry.block_length());
        let own = self.limits.gate.blocks_each(seconds, block);
        let most = own.min(cx.throttle.all.blocks_each(seconds, block));
        usize::try_from(most.max(config.pipeline_min.into())).unwrap_or(usize::MAX)
    }

    /// A connection that may send no more than its part of the limit: it gets it, or waits.
    pub(super) fn read_in_turn(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if !self.limits.down.conns.contains(&conn) && self.budget_wanted(cx, conn) > 0 {
            self.limits.down.conns.push_back(conn);
            if self.limits.down.conns.len() == 1 && !cx.throttle.others_wait(Way::Down, self.id) {
                self.pour(cx, Way::Down);
            }
            self.tell_waiting(cx, Way::Down);
        }
        if let Some(peer) = self.sessions.get_mut(&conn) {
            if peer.budget == 0 {
                peer.session.hold_reading(cx.now);
            } else {
                peer.session.go_on_reading(cx.now);
            }
        }
    }

    /// Sends what was read for the peer, as far as the limits allow.
    pub(super) fn send_in_turn(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let ready = |torrent: &Self| {
            let peer = torrent.sessions.get(&conn);
            peer.is_some_and(|peer| peer.session.next_ready().is_some())
        };
        if !ready(self) || self.limits.up.conns.contains(&conn) {
            return;
        }
        self.limits.up.conns.push_back(conn);
        let first = self.limits.up.conns.len() == 1 && !cx.throttle.others_wait(Way::Up, self.id);
        while first && self.pour(cx, Way::Up) == Poured::More {}
        self.tell_waiting(cx, Way::Up);
    }

    /// Serves the first that waits, which it is the torrent's turn for.
    pub fn pour(&mut self, cx: &mut Context<'_>, way: Way) -> Poured {
        while let Some(conn) = self.limits.queue(way).conns.front().copied() {
            let wanted = match way {
                Way::Down => self.budget_wanted(cx, conn),
                Way::Up => self.block_wanted(conn),
            };
            if wanted == 0 {
                self.limits.queue(way).conns.pop_front();
                continue;
            }
            if self.lacks(cx, way, wanted).is_some() {
                self.tell_waiting(cx, way);
                return Poured::Nothing;
            }
            self.limits.queue(way).conns.pop_front();
            match way {
                Way::Down => {
                    let there = self.limits.gate.down().available(cx.now);
                    let there = there.min(cx.throttle.all.down().available(cx.now));
                    self.give(cx, conn, u32::try_from(wanted.min(there)).unwrap_or(u32::MAX));
                }
                Way::Up => self.send_next(cx, conn),
            }
            self.tell_waiting(cx, way);
            return if self.limits.queue(way).conns.is_empty() {
                Poured::Last
            } else {
                Poured::More
            };
        }
        self.tell_waiting(cx, way);
        Poured::Nothing
    }

    /// The torrent's own limits may let more through.
    pub(super) fn limits_timeout(&mut self, cx: &mut Context<'_>) {
        if self.limits.deadline().is_none_or(|at| at > cx.now) {
            return;
        }
        for way in [Way::Down, Way::Up] {
            if cx.throttle.others_wait(way, self.id) {
                self.tell_waiting(cx, way);
            } else {
                while self.pour(cx, way) == Poured::More {}
            }
        }
    }

    /// Limits were changed: who waits looks anew.
    pub fn rates_changed(&mut self, cx: &mut Context<'_>) {
        self.limits.all = cx.throttle.all.rates();
        for way in [Way::Down, Way::Up] {
            self.limits.queue(way).conns.clear();
            self.tell_waiting(cx, way);
        }
        if self.limits_down(cx) {
            self.take_budgets_back(cx);
        }
        self.dirty.extend(self.sessions.keys().copied());
    }

    /// What peers may send is shared anew.
    fn take_budgets_back(&mut self, cx: &mut Context<'_>) {
        for (conn, peer) in &mut self.sessions {
            if peer.budget > 0 {
                peer.take_budget_back(*conn, &mut self.limits.gate, cx);
            }
        }
    }

    /// Who has more than its share of now, from a time with fewer connections, has to ask for it anew.
    pub(super) fn take_excess_back(&mut self, cx: &mut Context<'_>) {
        for (conn, peer) in &mut self.sessions {
            let has = u64::from(peer.budget);
            if has > window(cx, &self.limits.gate, has) {
                peer.take_budget_back(*conn, &mut self.limits.gate, cx);
                self.dirty.insert(*conn);
            }
        }
    }

    /// Changes the limits of this torrent.
    pub fn set_limits(&mut self, cx: &mut Context<'_>, limits: TorrentLimits) {
        let block_length = self.geometry.block_length();
        self.limits
            .gate
            .set(cx.now, limits.rate_down, limits.rate_up, block_length);
        self.rates_changed(cx);
        let own = &mut self.add.limits;
        own.connections = limits.connections.or(own.connections);
        own.slots = limits.slots.or(own.slots);
        let connections = self.connections_max(cx);
        self.keep_connections(cx, connections);
    }

    /// Connections that this torrent may have.
    pub fn connections_max(&self, cx: &Context<'_>) -> usize {
        let own = self.add.limits.connections;
        own.unwrap_or(cx.config.connections_per_torrent_max)
    }

    /// Connections that it may have with peers that dialled us. While anything is to be fetched a quarter of its places
    /// is for those whom we dial, since a seed dials nobody. Of all places a quarter is not one torrent's: with one torrent
    /// whoever comes when these are taken gets to say that it wants it, and is compared with those who are there.
    pub(super) fn accepted_max(&self, cx: &Context<'_>) -> usize {
        let without_a_quarter = |places: usize| places - places / 4;
        let (own, all) = (
            self.connections_max(cx),
            without_a_quarter(cx.config.connections_max),
        );
        let own = if self.is_complete() {
            own
        } else {
            without_a_quarter(own)
        };
        own.min(all)
    }

    /// The connection is gone.
    pub(super) fn waits_no_more(&mut self, cx: &mut Context<'_>, conn: ConnId, budget: u32) {
        for way in [Way::Down, Way::Up] {
            self.limits.queue(way).conns.retain(|other| *other != conn);
            self.tell_waiting(cx, way);
        }
        self.limits.gate.leaves(budget.into());
        cx.throttle.all.leaves(budget.into());
    }

    /// Bytes that a connection should be allowed to send beside those that it is allowed to.
    fn budget_wanted(&self, cx: &Context<'_>, conn: ConnId) -> u64 {
        let Some(peer) = self.sessions.get(&conn) else {
            return 0;
        };
        let has = u64::from(peer.budget);
        let window = window(cx, &self.limits.gate, has);
        // a small rest is not worth an action
        if has > window / 2 {
            return 0;
        }
        (window - has).min(peer.read_owed.into())
    }

    /// Bytes of the next block for a peer.
    fn block_wanted(&self, conn: ConnId) -> u64 {
        let peer = self.sessions.get(&conn);
        let ready = peer.and_then(|peer| peer.session.next_ready());
        ready.map_or(0, |length| u64::from(length) + BLOCK_HEAD)
    }

    /// What has to be there before so much goes through, and whether that is the torrent's own limit, if it is not.
    fn lacks(&self, cx: &Context<'_>, way: Way, wanted: u64) -> Option<(u64, bool)> {
        let (own, all) = (&self.limits.gate, &cx.throttle.all);
        let lack = |gate: &Gate| {
            let (bucket, needed) = match way {
                Way::Down => (gate.down(), gate.portion(wanted)),
                Way::Up => (gate.up(), gate.up().needed_for(wanted)),
            };
            (bucket.is_limited() && bucket.available(cx.now) < needed).then_some(needed)
        };
        let own = lack(own).map(|needed| (needed, true));
        own.or_else(|| lack(all).map(|needed| (needed, false)))
    }

    /// Registers what the first that waits needs.
    fn tell_waiting(&mut self, cx: &mut Context<'_>, way: Way) {
        let first = self.limits.queue(way).conns.front().copied();
        let wanted = first.map(|conn| match way {
            Way::Down => self.budget_wanted(cx, conn),
            Way::Up => self.block_wanted(conn),
        });
        let lack = wanted.map(|wanted| self.lacks(cx, way, wanted).unwrap_or((0, false)));
        let needs = |own: bool| lack.and_then(|(bytes, which)| (which == own).then_some(bytes));
        self.limits.queue(way).needs = needs(true);
        cx.throttle.waits_for(way, self.id, needs(false));
    }

    fn give(&mut self, cx: &mut Context<'_>, conn: ConnId, budget: u32) {
        let Some(peer) = self.sessions.get_mut(&conn) else {
            return;
        };
        peer.read_owed -= budget;
        if peer.budget == 0 {
            peer.session.hold_reading(cx.now);
        }
        peer.session.go_on_reading(cx.now);
        self.grant(cx, conn, budget);
        // its deadlines begin anew
        self.dirty.insert(conn);
    }

    fn send_next(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let Some(peer) = self.sessions.get_mut(&conn) else {
            return;
        };
        let sent = peer.session.send_ready(cx.now);
        if peer.session.next_ready().is_some() {
            self.limits.up.conns.push_back(conn);
        }
        if let Some(range) = sent {
            self.block_sent(cx.now, conn, range);
        }
        self.flush(cx, conn);
        // there is room for another block
        self.dirty.insert(conn);
    }

    /// Gives messages, and perhaps a block, to the network.
    pub(super) fn give_out(&mut self, cx: &mut Context<'_>, conn: ConnId, what: crate::session::Outgoing) {
        let body = what.body.as_ref().map_or(0, crate::block::Block::len);
        let bytes = (what.head.len() + body) as u64;
        self.limits.gate.sends(cx.now, bytes);
        cx.throttle.all.sends(cx.now, bytes);
        cx.out.push(Output::Send { conn, what });
    }
}

impl Peer {
    /// What it may send, it may no longer.
    fn take_budget_back(&mut self, conn: ConnId, gate: &mut Gate, cx: &mut Context<'_>) {
        let budget = core::mem::take(&mut self.budget);
        self.read_owed = self.read_owed.saturating_add(budget);
        gate.uses(budget.into());
        cx.throttle.all.uses(budget.into());
        cx.out.push(Output::Hold { conn });
    }
}

/// How much budget a connection of the torrent with this gate should have in all, if it has so much now.
fn window(cx: &Context<'_>, gate: &Gate, has: u64) -> u64 {
    cx.throttle.all.window(has).min(gate.window(has))
}
