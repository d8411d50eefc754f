//! Sessions: how they end, and what each of their outputs means to the torrent.

use super::disk::DiskOp;
use super::{Context, Output, PEERS_SEEN_MAX, Phase, Torrent};
use crate::bitfield::Bitfield;
use crate::block::Block;
use crate::candidates::Source;
use crate::disk::DiskJob;
use crate::geometry::BlockRange;
use crate::id::ConnId;
use crate::marks::Mark;
use crate::mse::Fault;
use crate::net::CloseCause;
use crate::picker::Receipt;
use crate::report::{PeerClosed, Report};
use crate::session::{End, Output as Said, Violation};
use crate::time::{Duration, Instant};
use alloc::vec::Vec;
use core::net::SocketAddr;

/// How long an address waits that could not be dialled for want of descriptors: long enough for some to be closed.
const LOCAL_WAIT: Duration = Duration::from_secs(5);

impl Torrent {
    /// The system took bytes of ours.
    pub fn handle_sent(&mut self, conn: ConnId, bytes: u64) {
        if let Some(peer) = self.sessions.get_mut(&conn) {
            peer.session.handle_sent(bytes);
            let waits = peer.session.uploads_queued() + peer.session.metadata_queued();
            if waits > 0 || peer.read_owed > 0 {
                self.dirty.insert(conn);
            }
        }
    }

    /// A connection ended, or did not come to be.
    pub fn handle_closed(&mut self, cx: &mut Context<'_>, conn: ConnId, cause: CloseCause) {
        let Some(peer) = self.sessions.get(&conn) else {
            return;
        };
        let (addr, connecting) = (peer.session.addr(), peer.session.is_connecting());
        let useful = peer.session.transferred() != (0, 0);
        self.note_closed(addr, useful, &cause);
        let mut why = PeerClosed::ByThem(cause.clone());
        match cause {
            CloseCause::Eof | CloseCause::Reset if self.falls_back(cx, conn) => why = PeerClosed::PlainNext,
            CloseCause::Local(_) if connecting => self.candidates.gave_up(cx.now, addr, LOCAL_WAIT),
            _ => self.candidate_closed(cx.now, conn),
        }
        self.forget_session(cx, conn, why);
    }

    fn candidate_closed(&mut self, now: Instant, conn: ConnId) {
        if let Some(peer) = self.sessions.get(&conn) {
            let useful = peer.session.transferred() != (0, 0);
            if peer.session.peer_id().is_some() {
                self.candidates.closed(now, peer.session.addr(), useful);
            } else {
                // accepted the connection and then said nothing sensible
                self.candidates.failed(now, peer.session.addr());
            }
        }
    }

    /// Ends a session from our side.
    pub(super) fn end_session(&mut self, cx: &mut Context<'_>, conn: ConnId, end: End) {
        let Some(peer) = self.sessions.get_mut(&conn) else {
            return;
        };
        let (addr, connecting) = (peer.session.addr(), peer.session.is_connecting());
        // what was said before the end still goes out
        for what in peer.session.take_outgoing() {
            self.give_out(cx, conn, what);
        }
        let plain = Violation::Encryption(Fault::SpeaksPlain);
        let may_fall_back = matches!(end, End::HandshakeTimeout) || end == End::Violation(plain);
        let falls_back = may_fall_back && self.falls_back(cx, conn);
        if let Some(peer) = self.sessions.get_mut(&conn) {
            peer.session.end();
        }
        self.note_end(addr, end);
        match end {
            _ if falls_back => {}
            End::ConnectTimeout | End::HandshakeTimeout | End::RefusesAll | End::Violation(_) => {
                self.candidates.failed(cx.now, addr);
            }
            End::BothSeeds | End::NothingWanted => self.candidates.not_needed(cx.now, addr),
            // it did nothing wrong
            End::Duplicate | End::Full => self.candidates.set_aside(cx.now, addr),
            _ if connecting => self.candidates.gave_up(cx.now, addr, Duration::ZERO),
            _ => self.candidate_closed(cx.now, conn),
        }
        cx.out.push(Output::Close { conn, end });
        let why = if falls_back {
            PeerClosed::PlainNext
        } else {
            PeerClosed::ByUs(end)
        };
        self.forget_session(cx, conn, why);
    }

    /// Ends all sessions.
    pub(super) fn end_all(&mut self, cx: &mut Context<'_>, end: End) {
        let conns: Vec<_> = self.sessions.keys().copied().collect();
        for conn in conns {
            self.end_session(cx, conn, end);
        }
    }

    fn forget_session(&mut self, cx: &mut Context<'_>, conn: ConnId, why: PeerClosed) {
        let Some(mut peer) = self.sessions.remove(&conn) else {
            return;
        };
        peer.session.end();
        self.traffic.ledger.merge(peer.session.take_received());
        self.marks.merge(peer.session.marks());
        if let Some(at) = peer.timer {
            self.timers.remove(&(at, conn));
        }
        self.dirty.remove(&conn);
        self.starved.remove(&conn);
        self.silent.remove(&conn);
        self.waits_no_more(cx, conn, peer.budget);
        self.picker.peer_left(conn);
        self.metadata_peer_left(conn);
        self.choker.peer_left(conn);
        self.pex_left(conn);
        if let Some(seed) = &mut self.super_seed {
            seed.left(conn);
        }
        let torrent = Some(self.id);
        self.report(
            cx,
            Report::PeerClosed {
                torrent,
                conn,
                addr: peer.session.addr(),
                why,
            },
        );
        // what it was asked for is free for others now
        self.dirty.extend(self.sessions.keys().copied());
    }

    /// Session deadlines that have come.
    pub(super) fn session_timeouts(&mut self, cx: &mut Context<'_>) {
        while let Some((at, conn)) = self.timers.first().copied() {
            if at > cx.now {
                return;
            }
            self.timers.remove(&(at, conn));
            let mut said = Vec::new();
            if let Some(peer) = self.sessions.get_mut(&conn) {
                peer.timer = None;
                peer.session.handle_timeout(cx.now, &mut said);
                self.dirty.insert(conn);
            }
            if self.rules.trace {
                self.tell_trace(cx, conn);
            }
            for said in said {
                self.said(cx, conn, said);
            }
        }
    }

    /// With tracing: the messages since the last call become reports.
    pub(super) fn tell_trace(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let Some(peer) = self.sessions.get_mut(&conn) else {
            return;
        };
        for (sent, text) in peer.session.take_trace() {
            let torrent = self.id;
            cx.out.push(Output::Report(Report::Wire {
                torrent,
                conn,
                sent,
                text,
            }));
        }
    }

    /// What a session said.
    pub(super) fn said(&mut self, cx: &mut Context<'_>, conn: ConnId, said: Said) {
        let tells = matches!(
            said,
            Said::Have(_) | Said::HaveSet(_) | Said::HaveAll | Said::HaveNone | Said::Interested(true)
        );
        match said {
            Said::Handshaken => self.handshaken(cx, conn),
            Said::Choked { dropped: true } => {
                self.picker.release_all(conn);
            }
            Said::Choked { dropped: false } | Said::Unchoked | Said::AllowedFast(_) => {}
            Said::Extended => {
                self.metadata_claimed(cx, conn);
                self.introduced(cx, conn);
            }
            Said::MetadataPiece { size, piece, bytes } => self.metadata_piece(cx, conn, size, piece, &bytes),
            Said::MetadataRejected(piece) => self.metadata_rejected(cx, conn, piece),
            Said::Pex(message) => self.pex_heard(cx.now, conn, &message),
            Said::Interested(true) => self.choker.peer_became_interested(cx.now, conn),
            Said::Interested(false) => {}
            Said::Have(piece) => self.picker.peer_has(conn, piece),
            Said::DontHave { piece, dropped } => {
                self.picker.peer_lost(conn, piece);
                for range in dropped {
                    self.picker.release(conn, range);
                }
                self.marks.hit(Mark::PeerLostPiece);
            }
            Said::HaveSet(set) => self.picker.peer_has_set(conn, set),
            Said::HaveAll => self.picker.peer_has_all(conn),
            Said::HaveNone => self.picker.peer_has_none(conn),
            Said::Suggested(piece) => self.picker.peer_suggests(conn, piece),
            Said::Block { range, data, late } => {
                if !self.block(cx, conn, range, data) {
                    self.in_vain(range, late);
                }
            }
            Said::Rejected(range) | Said::Expired(range) => {
                if matches!(said, Said::Expired(_)) {
                    self.marks.hit(Mark::RequestExpired);
                }
                self.picker.release(conn, range);
            }
            Said::Snubbed { released } => {
                self.silent.insert(conn);
                self.marks.hit(Mark::Snubbed);
                for range in released {
                    self.picker.release(conn, range);
                }
            }
            Said::Request(range) => self.requested(cx, conn, range),
            Said::Lint(text) => self.lint(cx, conn, text),
            Said::Ended(end) => self.end_session(cx, conn, end),
        }
        if tells {
            self.offers_after(conn);
        }
        self.end_if_both_seeds(cx, conn);
        self.dirty.insert(conn);
    }

    pub(super) fn lint(&self, cx: &mut Context<'_>, conn: ConnId, text: &'static str) {
        if self.rules.trace {
            let torrent = self.id;
            self.report(cx, Report::Lint { torrent, conn, text });
        }
    }

    /// A handshake is whole: ourselves, a double, or a peer.
    fn handshaken(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let Some(peer) = self.sessions.get(&conn) else {
            return;
        };
        let Some(peer_id) = peer.session.peer_id() else {
            return;
        };
        let (addr, outgoing) = (peer.session.addr(), peer.session.is_outgoing());
        if peer_id == self.rules.peer_id {
            if outgoing {
                self.candidates.mark_own(addr);
            }
            self.end_session(cx, conn, End::Ourselves);
            return;
        }
        let double = self
            .sessions
            .iter()
            .find(|(other, peer)| **other != conn && peer.session.peer_id() == Some(peer_id))
            .map(|(other, peer)| (*other, peer.session.is_outgoing()));
        if let Some((other, other_outgoing)) = double {
            // the peer with the greater id is the one that may have initiated [libtorrent]; among two of the same
            // direction the older one stays
            let keep_outgoing = self.rules.peer_id > peer_id;
            let goes = if outgoing == other_outgoing || other_outgoing == keep_outgoing {
                conn
            } else {
                other
            };
            self.end_session(cx, goes, End::Duplicate);
            if goes == conn {
                return;
            }
        }
        self.noted.handshaken(outgoing);
        self.candidates.note(addr, None);
        if outgoing {
            // not before: while two peers dial each other, neither may refuse the other's connection
            self.candidates.connected(cx.now, addr);
        }
        if self.peers_seen.len() < PEERS_SEEN_MAX {
            self.peers_seen.insert(peer_id);
        }
        self.picker.peer_joined(conn);
        self.greet(cx, conn);
    }

    /// The first messages to a peer.
    fn greet(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let looked = !matches!(
            self.phase,
            Phase::Metadata(_) | Phase::Choosing | Phase::Opening | Phase::Checking(_)
        );
        let none = Bitfield::new(self.geometry.pieces());
        let (have, upload_only) = match &mut self.super_seed {
            None if looked => (self.picker.have(), self.is_complete()),
            None => (&none, self.is_complete()),
            Some(seed) => {
                seed.joined(conn);
                (&none, false)
            }
        };
        let uninformed = !looked && self.super_seed.is_none();
        if let Some(peer) = self.sessions.get_mut(&conn) {
            // what is found on the disk meanwhile, it hears when all is looked through
            peer.uninformed = uninformed;
            peer.session.greet(cx.now, have, upload_only);
            let (addr, client) = (peer.session.addr(), peer.session.client());
            let encryption = peer.session.encryption();
            self.report(
                cx,
                Report::PeerConnected {
                    torrent: self.id,
                    conn,
                    addr,
                    client,
                    encryption,
                },
            );
        }
    }

    /// A block came that this peer was asked for, now or earlier. False when it is of no use.
    fn block(&mut self, cx: &mut Context<'_>, conn: ConnId, range: BlockRange, data: Block) -> bool {
        let length = u64::from(range.length);
        self.traffic.rate_down.add(cx.now, length);
        self.silent.remove(&conn);
        match self.picker.received(conn, range) {
            Receipt::New {
                piece_complete,
                cancel,
            } => {
                self.traffic.ledger.useful += length;
                if !cancel.is_empty() {
                    self.marks.hit(Mark::CancelElsewhere);
                }
                if !self.silent.is_empty() {
                    self.marks.hit(Mark::CancelSilent);
                }
                // silent peers owe blocks too, which others were asked for meanwhile
                for other in cancel.into_iter().chain(self.silent.iter().copied()) {
                    if let Some(peer) = self.sessions.get_mut(&other) {
                        peer.session.cancel(cx.now, range);
                        self.dirty.insert(other);
                    }
                }
                let from = self.sessions.get(&conn).map(|peer| peer.session.addr().ip());
                if let (Some(block), Some(from)) = (self.geometry.block_number(range), from) {
                    self.blame.contributed(range.piece, block, from);
                }
                self.writing += length;
                self.disk(cx, DiskOp::Write(range), DiskJob::Write { range, data });
                if piece_complete {
                    self.hash(cx, range.piece);
                }
                true
            }
            Receipt::Duplicate | Receipt::NotRequested => false,
        }
    }

    /// A block came that nobody needs any more: it had been given up, or it is there already.
    fn in_vain(&mut self, range: BlockRange, late: bool) {
        self.marks.hit(Mark::DuplicateBlock);
        let ledger = &mut self.traffic.ledger;
        let class = if late {
            &mut ledger.late
        } else {
            &mut ledger.duplicate
        };
        *class += u64::from(range.length);
    }

    /// The peer wants a block: it gets it if we have the piece.
    fn requested(&mut self, cx: &mut Context<'_>, conn: ConnId, range: BlockRange) {
        let have = self.picker.have().contains(range.piece)
            && self.shows(conn, range.piece)
            && !matches!(self.phase, Phase::Stopping);
        if let Some(peer) = self.sessions.get_mut(&conn) {
            if have {
                peer.session.accept(range);
            } else {
                peer.session.refuse(cx.now, range);
            }
        }
    }

    /// A block for a peer was read.
    pub(super) fn upload_read(&mut self, cx: &mut Context<'_>, conn: ConnId, range: BlockRange, data: Block) {
        let limited = self.limits_up(cx);
        let Some(peer) = self.sessions.get_mut(&conn) else {
            return;
        };
        if data.len() != range.length as usize {
            peer.session.drop_upload(cx.now, range);
        } else if limited {
            peer.session.block_read(range, data);
        } else if peer.session.send_block(cx.now, range, data) {
            self.block_sent(cx.now, conn, range);
        }
        self.dirty.insert(conn);
    }

    /// A block was given to the network for a peer.
    pub(super) fn block_sent(&mut self, now: Instant, conn: ConnId, range: BlockRange) {
        self.traffic.uploaded += u64::from(range.length);
        self.traffic.rate_up.add(now, u64::from(range.length));
        if let Some(seed) = &mut self.super_seed {
            seed.sent(conn, range.piece, range.length);
        }
    }

    /// A peer that a tracker named.
    pub(super) fn add_peer(&mut self, now: Instant, addr: SocketAddr, source: Source, local_ok: bool) {
        self.candidates.add(now, addr, source, local_ok);
    }
}
