//! The parts of a torrent held against each other: what each of them counts for itself has to agree.
//!
//! A request that one part forgot and another still waits for is how downloads come to stand still at 99 %. Nothing
//! here is on a path of the engine's own; tests ask after every step.

use super::disk::DiskOp;
use super::{Peer, Torrent};
use crate::id::ConnId;
use crate::picker::IdleReason;
use crate::throttle::Way;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

impl Torrent {
    /// The first contradiction between the parts, as a sentence. Walks everything: for tests. It holds only after the
    /// torrent has planned, so after `Engine::handle`.
    ///
    /// # Errors
    /// Says what does not agree.
    pub fn audit(&self) -> Result<(), String> {
        check(self.dirty.is_empty(), || format!("not planned: {:?}", self.dirty))?;
        self.audit_links()?;
        self.audit_availability()?;
        self.audit_requests()?;
        self.audit_bytes()?;
        self.sessions
            .iter()
            .try_for_each(|(conn, peer)| self.audit_peer(*conn, peer))?;
        self.audit_idle()
    }

    fn audit_links(&self) -> Result<(), String> {
        let links = self.candidates.connected_count() + self.candidates.connecting_count();
        let sessions = self.sessions.len();
        check(links == sessions, || {
            format!("{links} links, {sessions} sessions")
        })?;
        let lost = self.starved.iter().find(|conn| !self.sessions.contains_key(conn));
        check(lost.is_none(), || format!("{lost:?} is starved and gone"))?;
        let lost = self
            .timers
            .iter()
            .find(|(_, conn)| !self.sessions.contains_key(conn));
        check(lost.is_none(), || format!("{lost:?} has a timer and is gone"))
    }

    /// Whether the picker counts each piece as often as there are peers that have it. Walks everything: for tests.
    ///
    /// # Errors
    /// Says of which piece it does not.
    pub fn audit_availability(&self) -> Result<(), String> {
        self.geometry.piece_indices().try_for_each(|piece| {
            let (here, counted) = (
                self.picker.availability_recount(piece),
                self.picker.availability(piece),
            );
            check(here == counted, || {
                format!("{here} peers have {piece}, {counted} are counted")
            })
        })
    }

    /// Whether sessions and picker wait for the same requests. Walks everything: for tests.
    ///
    /// # Errors
    /// Says of which peer they do not.
    pub fn audit_requests(&self) -> Result<(), String> {
        self.sessions.iter().try_for_each(|(conn, peer)| {
            let of_session: BTreeSet<_> = peer.session.unreleased().collect();
            let of_picker: BTreeSet<_> = self.picker.requested_by(*conn).collect();
            check(of_session == of_picker, || {
                format!("{conn} owes {of_session:?}, the picker waits for {of_picker:?}")
            })
        })
    }

    fn audit_bytes(&self) -> Result<(), String> {
        let lengths = self
            .have()
            .iter()
            .map(|piece| u64::from(self.geometry.length_of(piece)));
        let verified: u64 = lengths.sum();
        check(verified == self.verified, || {
            format!("{verified} bytes are had, {} are counted", self.verified)
        })?;
        let (useful, counted) = self.useful_recount();
        check(useful == counted, || {
            format!("{useful} bytes were useful, {counted} are counted")
        })?;
        let writes = self.ops.values().map(|op| match op {
            DiskOp::Write(range) => u64::from(range.length),
            _ => 0,
        });
        let writing: u64 = writes.sum();
        check(writing == self.writing, || {
            format!("{writing} bytes are being written, {} are counted", self.writing)
        })
    }

    fn audit_peer(&self, conn: ConnId, peer: &Peer) -> Result<(), String> {
        let session = &peer.session;
        let timer = peer.timer;
        let due = session.deadline();
        let late = due.is_some_and(|due| timer.is_none_or(|timer| timer > due));
        check(!late, || {
            format!("{conn} is due at {due:?}, registered for {timer:?}")
        })?;
        let starved = self.starved.contains(&conn);
        // under a limit it may have a part of what it may send, and waits for its turn otherwise
        let waits = peer.budget > 0 || self.limits.waits(conn);
        let served = peer.read_owed == 0 || self.limits.least(Way::Down).is_some() && waits;
        check(served || starved || session.unsent() > 0, || {
            format!("{conn} waits for {} bytes of budget", peer.read_owed)
        })?;
        if !session.is_open() {
            return Ok(());
        }
        let interesting = self.may_fetch() && self.picker.interesting(conn);
        check(interesting == session.am_interested(), || {
            format!(
                "{conn}: interesting {interesting}, told {}",
                session.am_interested()
            )
        })?;
        check(self.picker.peer_set(conn).is_some(), || {
            format!("the picker does not know {conn}")
        })
    }

    /// Whether nobody could be asked for more who is not. A limit of rates keeps requests back, so nothing can be said of a
    /// torrent under one.
    fn audit_idle(&self) -> Result<(), String> {
        let limited = self.limits.least(Way::Down).is_some();
        let may = self.may_fetch() && !limited;
        self.sessions
            .iter()
            .filter(|(_, peer)| may && peer.session.is_open() && peer.session.wants() > 0)
            .try_for_each(|(conn, peer)| {
                let session = &peer.session;
                let plain = !session.peer_choking()
                    && !session.snubbed()
                    && !self.blame.is_suspect(session.addr().ip());
                let asked = !plain || self.picker.why_idle(*conn) != IdleReason::Requestable;
                check(asked, || {
                    format!(
                        "{conn} has room for {} requests and is not asked",
                        session.wants()
                    )
                })
            })
    }
}

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
