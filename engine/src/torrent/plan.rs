//! The plan step: after an event was applied, what it makes possible is done for the sessions that it touched.

use super::disk::DiskOp;
use super::{Context, Peer, Phase, Torrent};
use crate::disk::DiskJob;
use crate::id::ConnId;
use crate::marks::Mark;
use crate::picker::{PickMode, PickReason};
use crate::session::Session;
use crate::time::{Duration, Instant};
use alloc::vec::Vec;

/// A peer that fetches a whole piece in this time is given whole pieces [libtorrent].
const WHOLE_PIECE_TIME: Duration = Duration::from_secs(20);

/// How many times the bytes that uploads may leave unsent a peer may leave unsent in all before it is read no more.
/// Blocks stop at one, so only messages that it makes us send get there.
const CLOGGED: u64 = 2;

impl Torrent {
    /// Refills, flushes and registers the sessions that something happened to, in the order of their ids; then those that
    /// may find a block to ask for since. That ends: here only a request changes what is free, and each one takes a block, or
    /// the only place of a snubbed peer.
    pub fn plan(&mut self, cx: &mut Context<'_>) {
        loop {
            self.plan_dirty(cx);
            if !self.picker.take_freed() {
                break;
            }
            let may_ask = |(conn, peer): (&ConnId, &Peer)| (peer.session.wants() > 0).then_some(*conn);
            self.dirty.extend(self.sessions.iter().filter_map(may_ask));
        }
        self.tell_state(cx);
    }

    fn plan_dirty(&mut self, cx: &mut Context<'_>) {
        while let Some(conn) = self.dirty.pop_first() {
            self.offer(cx, conn);
            self.follow_interest(cx, conn);
            self.exchange_metadata(cx, conn);
            self.refill(cx, conn);
            self.read_uploads(cx, conn);
            self.send_in_turn(cx, conn);
            if self.rules.trace {
                self.tell_trace(cx, conn);
            }
            self.flush(cx, conn);
            self.give_budget(cx, conn);
            self.register_timer(conn);
        }
    }

    pub(super) fn may_fetch(&self) -> bool {
        matches!(self.phase, Phase::Active) && !self.paused
    }

    fn follow_interest(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let interested = self.may_fetch() && self.picker.interesting(conn);
        if let Some(peer) = self.sessions.get_mut(&conn) {
            peer.session.set_interested(cx.now, interested);
        }
    }

    /// Fills the request pipeline of a peer.
    fn refill(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if !self.may_fetch() {
            return;
        }
        while self.request_some(cx, conn) {}
    }

    /// Requests as many blocks as belong into the pipeline. Whether there is more to request: what the peer owes already
    /// takes no room.
    fn request_some(&mut self, cx: &mut Context<'_>, conn: ConnId) -> bool {
        let most = self.requests_max(cx);
        let Some(peer) = self.sessions.get_mut(&conn) else {
            return false;
        };
        let session = &mut peer.session;
        let room = most.saturating_sub(session.outstanding());
        let wants = session.wants().min(room);
        if wants == 0 {
            return false;
        }
        let allowed: Option<Vec<_>> = session.peer_choking().then(|| session.allowed_fast().to_vec());
        let mode = PickMode {
            allowed: allowed.as_deref(),
            snubbed: session.snubbed(),
            exclusive: self.blame.is_suspect(session.addr().ip()),
            fast: is_fast(session, cx.now, self.geometry.piece_length()),
            races: session.races(),
        };
        let mut picks = Vec::new();
        self.picker.pick(conn, wants, mode, &mut picks);
        let mut owed = false;
        for pick in picks {
            self.marks.hit(mark_of(pick.reason));
            owed |= !session.request(cx.now, pick.range);
            if mode.snubbed {
                // who owes us blocks for long is tried with one more, and holds it back from nobody
                self.picker.release(conn, pick.range);
            }
        }
        // a block that was given back at once would be picked for ever
        owed && !mode.snubbed
    }

    /// Reads what the peer asked for, as far as its connection keeps up.
    fn read_uploads(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        loop {
            let Some(peer) = self.sessions.get_mut(&conn) else {
                return;
            };
            let Some(range) = peer.session.next_upload(cx.config.send_buffer_max) else {
                return;
            };
            self.disk(cx, DiskOp::Read(conn, range), DiskJob::Read { range });
        }
    }

    pub(super) fn flush(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let Some(peer) = self.sessions.get_mut(&conn) else {
            return;
        };
        if peer.session.has_outgoing() {
            for what in peer.session.take_outgoing() {
                self.give_out(cx, conn, what);
            }
        }
    }

    /// Gives back the budget of what was read, unless the disk is behind, or the peer takes nothing of what we answer:
    /// our answers to a flood must not pile up.
    fn give_budget(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let limited = self.limits_down(cx);
        let Some(peer) = self.sessions.get_mut(&conn) else {
            return;
        };
        if peer.read_owed == 0 {
            return;
        }
        if self.writing > cx.config.disk_bytes_in_flight_max {
            self.starved.insert(conn);
            peer.session.hold_reading(cx.now);
            return;
        }
        if !limited {
            peer.session.go_on_reading(cx.now);
        }
        if peer.session.unsent() > cx.config.send_buffer_max * CLOGGED {
            return;
        }
        if limited {
            self.read_in_turn(cx, conn);
        } else {
            let budget = core::mem::take(&mut peer.read_owed);
            self.grant(cx, conn, budget);
        }
    }

    /// Registers the session's deadline, if it is earlier than the one that is registered.
    fn register_timer(&mut self, conn: ConnId) {
        let Some(peer) = self.sessions.get_mut(&conn) else {
            return;
        };
        let Some(at) = peer.session.deadline() else { return };
        if peer.timer.is_some_and(|registered| registered <= at) {
            return;
        }
        if let Some(registered) = peer.timer.replace(at) {
            self.timers.remove(&(registered, conn));
        }
        self.timers.insert((at, conn));
    }

    /// Everything that was asked for is free again: nothing more is fetched for now.
    pub(super) fn release_everything(&mut self, cx: &mut Context<'_>) {
        let conns: Vec<_> = self.sessions.keys().copied().collect();
        for conn in conns {
            self.picker.release_all(conn);
            if let Some(peer) = self.sessions.get_mut(&conn) {
                for range in peer.session.release_requests() {
                    peer.session.cancel(cx.now, range);
                }
            }
            self.dirty.insert(conn);
        }
    }
}

const fn mark_of(reason: PickReason) -> Mark {
    match reason {
        PickReason::Random => Mark::PickRandom,
        PickReason::Partial => Mark::PickPartial,
        PickReason::Rarest { .. } => Mark::PickRarest,
        PickReason::Common { .. } => Mark::PickCommon,
        PickReason::Endgame { .. } => Mark::PickEndgame,
        PickReason::AllowedFast => Mark::PickAllowedFast,
        PickReason::Suggested => Mark::PickSuggested,
        PickReason::Exclusive => Mark::PickExclusive,
        PickReason::Deadline => Mark::PickDeadline,
        PickReason::Preferred => Mark::PickPreferred,
        PickReason::Sequential => Mark::PickSequential,
    }
}

/// Whether the peer's rate is enough for a whole piece in [`WHOLE_PIECE_TIME`].
fn is_fast(session: &Session, now: Instant, piece_length: u32) -> bool {
    let (rate, _) = session.rates(now);
    rate * WHOLE_PIECE_TIME.as_secs() >= u64::from(piece_length)
}
