//! What peers say to the engine.

use super::conn::Kind;
use super::shape::pieces_of;
use super::stream::Said;
use super::table::Oracle;
use super::watch::Watch;
use seedbed_engine::Engine;
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{ConnId, PeerId, PieceIndex};

/// Requests of one peer that are remembered; it may flood.
const WANTED_MAX: usize = 4096;

/// Bytes of an HTTP answer that are looked at.
const ANSWER_MAX: usize = 64 * 1024;

impl Watch {
    pub(crate) fn received(&mut self, id: ConnId, data: &[u8]) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        match conn.kind {
            Kind::Http => {
                let room = ANSWER_MAX.saturating_sub(conn.answer.len());
                conn.answer.extend_from_slice(&data[..data.len().min(room)]);
                self.announces.http_answer(self.now, conn.addr, &conn.answer);
                self.tracker_says(data);
            }
            Kind::Unknown => {}
            Kind::Peer => {
                let dialled = conn.dialled;
                let clear = conn.tap.received(data, dialled, &self.setup.metainfo.info_hash.0);
                self.hear(id, &clear, data.len() as u64);
                self.touch(id);
            }
        }
    }

    /// Bytes in clear, of so many that came.
    fn hear(&mut self, id: ConnId, clear: &[u8], came: u64) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let arriving = conn.received.arriving();
        let mut stream = std::mem::take(&mut conn.received);
        stream.feed(clear, |said| self.heard(id, said));
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.received = stream;
        }
        self.heard_bytes(id, came, arriving);
    }

    /// The engine has taken an event: secrets that it has learned are read from its log.
    pub(crate) fn keys(&mut self, engine: &Engine) {
        let torrent = self.setup.metainfo.info_hash.0;
        let waiting = self.conns.iter().filter(|(_, conn)| conn.tap.waits());
        let waiting: Vec<ConnId> = waiting.map(|(id, _)| *id).collect();
        for id in waiting {
            if let (Some(conn), Some(secret)) = (self.conns.get_mut(&id), engine.shared_secret(id)) {
                let clear = conn.tap.secret(secret.as_bytes(), &torrent);
                self.hear(id, &clear, 0);
            }
        }
    }

    fn heard(&mut self, id: ConnId, said: Said<'_>) {
        let pieces = self.geometry.pieces();
        let now = self.now;
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let with = Some(conn.addr.ip());
        match said {
            Said::Handshake(bytes) => {
                conn.theirs = bytes[20..28].first_chunk().copied();
                conn.peer_id = bytes[48..].first_chunk().copied().map(PeerId);
                self.moment("handshake", with);
            }
            Said::Choke => {
                conn.choking_us = true;
                if !conn.fast() {
                    self.drop_asked(id);
                }
            }
            Said::Unchoke => {
                conn.choking_us = false;
                self.moment("unchoke", with);
            }
            Said::Interested => {
                if !conn.interested && conn.choked {
                    conn.waits_since = Some(now);
                }
                if !conn.interested && !conn.choked {
                    conn.interested_late = Some(now);
                }
                conn.interested = true;
            }
            Said::NotInterested => {
                conn.interested = false;
                conn.interested_late = None;
                conn.waits_since = None;
            }
            Said::Have(piece) => {
                conn.has.insert(piece);
            }
            Said::Bitfield(bytes) => {
                if let Some(has) = pieces_of(bytes, pieces) {
                    conn.has = has;
                }
            }
            Said::HaveAll if conn.fast() => conn.has = Bitfield::full(pieces),
            Said::HaveNone if conn.fast() => conn.has = Bitfield::new(pieces),
            Said::Request(range) => {
                conn.repeats |= conn.wanted.contains(&range)
                    || conn.unwanted.contains(&range)
                    || conn.wanted.len() == WANTED_MAX;
                if conn.wanted.len() < WANTED_MAX {
                    conn.wanted.push(range);
                }
            }
            Said::Cancel(range) => {
                if take(&mut conn.wanted, range) && (conn.fast() || conn.unwanted.len() < WANTED_MAX) {
                    conn.unwanted.push(range);
                }
            }
            Said::Piece(piece, begin, data) => self.block(id, piece, begin, data),
            Said::Reject(range) => self.rejected(id, range),
            Said::AllowedFast(piece) => conn.allowed_to_us.push(piece),
            Said::Extended(body) if body.first() == Some(&0) => conn.extensions(body),
            Said::TooLong(_) => conn.over_long = true,
            Said::KeepAlive | Said::Suggest(_) | Said::Other(_) | Said::HaveAll | Said::HaveNone => {}
            Said::Extended(body) => self.heard_extended(id, body),
        }
        self.verdicts.check(Oracle::I19, true, String::new);
    }

    /// An extended message that is no handshake.
    fn heard_extended(&mut self, id: ConnId, body: &[u8]) {
        if let [7, piece @ ..] = body
            && let Some(piece) = piece.first_chunk::<4>()
            && self.setup.config.session.dont_have
        {
            self.lost(id, PieceIndex(u32::from_be_bytes(*piece)));
        }
    }

    /// The peer has a piece no more (BEP 54): without the Fast extension that answers what it was asked of it.
    fn lost(&mut self, id: ConnId, piece: PieceIndex) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        conn.has.remove(piece);
        if conn.fast() {
            return;
        }
        let asked = std::mem::take(&mut conn.asked);
        let (gone, kept) = asked.into_iter().partition(|asked| asked.range.piece == piece);
        conn.asked = kept;
        let gone: Vec<super::conn::Asked> = gone;
        for asked in gone {
            if !asked.cancelled && !asked.released {
                self.blocks.unasked(asked.range);
            }
            self.traffic.lost += 1;
        }
    }

    /// All that was asked of a peer goes unanswered.
    fn drop_asked(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        for asked in std::mem::take(&mut conn.asked) {
            if !asked.cancelled && !asked.released {
                self.blocks.unasked(asked.range);
            }
            self.traffic.lost += 1;
        }
    }

    fn rejected(&mut self, id: ConnId, range: BlockRange) {
        let Some(conn) = self.conns.get_mut(&id).filter(|conn| conn.fast()) else {
            return;
        };
        if conn.holds(range) {
            self.blocks.unasked(range);
        }
        if conn.answered(range) {
            conn.refused += u32::from(!conn.choking_us);
            self.traffic.lost += 1;
        }
    }

    fn block(&mut self, id: ConnId, piece: PieceIndex, begin: u32, data: &[u8]) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let range = BlockRange {
            piece,
            begin,
            length: data.len() as u32,
        };
        let with = Some(conn.addr.ip());
        self.traffic.received += data.len() as u64;
        if conn.holds(range) {
            self.blocks.unasked(range);
        }
        conn.progress = self.now;
        conn.snubbed = false;
        conn.refused = 0;
        if conn.answered(range) {
            self.traffic.answers += data.len() as u64;
            self.traffic.just_now += data.len() as u64;
        }
        self.heard_block(data.len() as u64);
        self.moment("block", with);
    }
}

/// Takes one of several equal ranges out of a list; false when there is none.
pub(crate) fn take(list: &mut Vec<BlockRange>, range: BlockRange) -> bool {
    let at = list.iter().position(|listed| *listed == range);
    at.map(|at| list.remove(at)).is_some()
}
