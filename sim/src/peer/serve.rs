//! Serving: what the model gives, to whom, in which order.

use super::behave::lost::{OUR_DONT_HAVE, piece_of};
use super::behave::{Moment, Say};
use super::catalogue::Kind;
use super::check::{self, Rules};
use super::conn::Conn;
use super::{Later, ModelPeer, check::broken};
use crate::actor::Cx;
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::block::Block;
use seedbed_engine::extension::handshake::ExtendedHandshake;
use seedbed_engine::geometry::{BlockRange, Geometry};
use seedbed_engine::id::ConnId;
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::wire::{Message, encode_piece_head};

/// Engines that are served at a time.
const SLOTS: usize = 4;

/// Blocks that may wait in the network before further requests wait with us, where a cancel can reach them.
const BLOCKS_UNSENT: u64 = 8;

/// Between two blocks of a drip feeder: just below a request's time.
const DRIP: Duration = Duration::from_secs(59);

/// Requests of ours that were taken back and are remembered.
const TAKEN_BACK_MAX: usize = 20_000;

/// What goes out changes what is owed and what was promised, whoever says it.
pub(super) fn track(conn: &mut Conn, now: Instant, message: &Message, geometry: &Geometry) {
    let pieces = geometry.pieces();
    match message {
        Message::Choke => {
            conn.am_choking = true;
            conn.choked_at = Some(now);
            if !conn.fast {
                conn.queue.clear();
                conn.owed.clear();
            }
        }
        Message::Unchoke => {
            conn.am_choking = false;
            conn.ever_unchoked = true;
        }
        Message::Have(piece) => {
            conn.claimed.insert(*piece);
        }
        Message::HaveAll => conn.claimed = Bitfield::full(pieces),
        Message::Bitfield(bytes) => {
            if let Ok((set, _)) = Bitfield::from_wire(bytes, pieces) {
                set.iter().for_each(|piece| {
                    conn.claimed.insert(piece);
                });
            }
        }
        Message::AllowedFast(piece) => conn.granted.push(*piece),
        Message::Extended { id: 0, payload } => {
            let words = ExtendedHandshake::decode(payload).unwrap_or_default();
            conn.reqq = words.reqq.map_or(conn.reqq, |reqq| reqq as usize);
            // ids add up (BEP 10), and one that was given out may still be used by what is on its way
            conn.our_pex |= words.m.contains_key("ut_pex");
            conn.our_dont_have |= words.m.contains_key("lt_donthave");
        }
        Message::Extended { id, payload } if conn.their_dont_have == Some(*id) => {
            if let Some(piece) = piece_of(payload) {
                conn.queue.retain(|range| range.piece != piece);
                if !conn.fast {
                    conn.owed.retain(|range| range.piece != piece);
                }
            }
        }
        Message::Extended { payload, .. } => super::metadata::answered(conn, payload),
        Message::Piece { range, data } => {
            conn.counters.served += data.len() as u64;
            answered(conn, *range);
        }
        Message::Reject(range) => answered(conn, *range),
        Message::Request(range) if conn.asking == Some(*range) => conn.asking = None,
        Message::Request(range) if conn.taken_back.len() < TAKEN_BACK_MAX => conn.taken_back.push(*range),
        _ => {}
    }
}

fn answered(conn: &mut Conn, range: BlockRange) {
    if let Some(at) = conn.owed.iter().position(|owed| *owed == range) {
        conn.owed.remove(at);
    }
}

impl ModelPeer {
    /// A message of an engine: read strictly, then acted upon.
    pub(super) fn message(&mut self, cx: &mut Cx<'_>, id: ConnId, message: Message) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let rules = Rules {
            geometry: self.geometry,
            now: cx.now,
        };
        let broken = broken(conn, rules, &message);
        conn.counters.messages += 1;
        if let Some(text) = broken {
            self.violation(cx.now, text);
        }
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        match message {
            Message::Interested => {
                conn.they_interested = true;
                self.fill_slots(cx);
            }
            Message::NotInterested => {
                conn.they_interested = false;
                self.choke(cx, id);
                self.fill_slots(cx);
            }
            Message::Request(range) => self.requested(cx, id, range),
            Message::Cancel(range) => self.cancelled(cx, id, range),
            Message::Choke => self.choked(id),
            Message::Unchoke => {
                conn.they_choke = false;
                conn.counters.unchokes += 1;
                self.moment(cx, id, Moment::Unchoked);
            }
            Message::Have(piece) => {
                conn.theirs.insert(piece);
                self.follow_interest(cx, id);
            }
            Message::Bitfield(bytes) => {
                if let Ok((set, _)) = Bitfield::from_wire(&bytes, self.geometry.pieces()) {
                    conn.theirs = set;
                }
                self.follow_interest(cx, id);
            }
            Message::HaveAll => {
                conn.theirs = Bitfield::full(self.geometry.pieces());
                self.follow_interest(cx, id);
            }
            Message::AllowedFast(piece) => conn.granted_to_us.push(piece),
            Message::Piece { range, data } => self.block(cx, id, range, &data),
            Message::Reject(range) => self.rejected(id, range),
            Message::Extended { id: sub, payload } => {
                self.metadata_message(cx, id, sub, &payload);
                self.extended(cx, id, sub, &payload);
            }
            Message::HaveNone
            | Message::KeepAlive
            | Message::Port(_)
            | Message::Suggest(_)
            | Message::Unknown { .. } => {}
        }
    }

    /// What an engine takes of extensions, and a piece that it lost.
    fn extended(&mut self, cx: &mut Cx<'_>, id: ConnId, sub: u8, payload: &[u8]) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        if sub == OUR_DONT_HAVE {
            if let Some(piece) = piece_of(payload) {
                conn.theirs.remove(piece);
            }
            return self.follow_interest(cx, id);
        }
        if sub != 0 {
            return;
        }
        let words = ExtendedHandshake::decode(payload).unwrap_or_default();
        let given = |name: &str, before: Option<u8>| match words.m.get(name) {
            None => before,
            Some(id) => Some(*id).filter(|id| *id != 0),
        };
        conn.their_pex = given("ut_pex", conn.their_pex);
        conn.their_dont_have = given("lt_donthave", conn.their_dont_have);
        if !std::mem::replace(&mut conn.their_words, true) {
            self.moment(cx, id, Moment::Extended);
        }
    }

    /// Whoever is interested is unchoked, first come first served, while slots are free.
    fn fill_slots(&mut self, cx: &mut Cx<'_>) {
        let open = |conn: &&Conn| conn.is_open() && !conn.am_choking;
        let mut free = SLOTS.saturating_sub(self.conns.values().filter(open).count());
        let waiting: Vec<ConnId> = self
            .conns
            .iter()
            .filter(|(_, conn)| conn.is_open() && conn.am_choking && conn.they_interested)
            .map(|(id, _)| *id)
            .collect();
        for id in waiting {
            if free == 0 {
                return;
            }
            free -= 1;
            self.say(cx, id, Message::Unchoke);
        }
    }

    fn choke(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id).filter(|conn| !conn.am_choking) else {
            return;
        };
        let (fast, granted) = (conn.fast, conn.granted.clone());
        let dropped: Vec<BlockRange> = conn.queue.iter().copied().collect();
        conn.queue.retain(|range| fast && granted.contains(&range.piece));
        self.say(cx, id, Message::Choke);
        for range in dropped
            .into_iter()
            .filter(|range| fast && !granted.contains(&range.piece))
        {
            self.say(cx, id, Message::Reject(range));
        }
    }

    fn requested(&mut self, cx: &mut Cx<'_>, id: ConnId, range: BlockRange) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        conn.counters.requests += 1;
        let granted = conn.fast && conn.granted.contains(&range.piece);
        let served = (!conn.am_choking || granted)
            && self.geometry.is_within(range)
            && self.have.contains(range.piece);
        if served || conn.fast {
            conn.owed.push(range);
        }
        if served {
            conn.queue.push_back(range);
        } else if conn.fast {
            self.say(cx, id, Message::Reject(range));
        }
    }

    fn cancelled(&mut self, cx: &mut Cx<'_>, id: ConnId, range: BlockRange) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        answered(conn, range);
        if let Some(at) = conn.queue.iter().position(|queued| *queued == range) {
            conn.queue.remove(at);
            if conn.fast {
                self.say(cx, id, Message::Reject(range));
            }
        }
    }

    /// Gives blocks while the network takes them.
    pub(super) fn serve(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let plain = !self.traits.iter().any(|one| one.entry.kind.is_about_blocks());
        let limit = BLOCKS_UNSENT * u64::from(self.geometry.block_length());
        while let Some(conn) = self.conns.get_mut(&id) {
            let room = conn.unsent + conn.out.len() as u64 <= limit;
            let next = conn.queue.front().copied();
            let Some(range) = next.filter(|_| room && conn.is_open() && !conn.muted) else {
                return;
            };
            // a behaviour may have choked: with the Fast extension what is queued waits for the unchoke
            if conn.am_choking && !conn.granted.contains(&range.piece) {
                return;
            }
            if self.drips(cx, id) {
                return;
            }
            let Some(conn) = self.conns.get_mut(&id) else {
                return;
            };
            conn.queue.pop_front();
            let Some(bytes) = self.torrent.block_bytes(range.piece, range.begin, range.length) else {
                continue;
            };
            if plain && !self.tells_messages {
                encode_piece_head(range, &mut conn.out);
                conn.out.extend_from_slice(bytes);
                conn.counters.served += u64::from(range.length);
                answered(conn, range);
                self.dirty.push(id);
            } else {
                let data = Block::from(bytes.to_vec());
                self.say(cx, id, Message::Piece { range, data });
            }
        }
    }

    /// Whether a drip feeder has to wait before its next block.
    fn drips(&mut self, cx: &mut Cx<'_>, id: ConnId) -> bool {
        let endgame = self.conns.get(&id).is_some_and(Conn::is_endgame);
        let Some(one) = self.trait_of(Kind::Drips) else {
            return false;
        };
        let gap = one.time("gap", DRIP);
        if one.next_at > cx.now {
            let wait = one.next_at.since(cx.now);
            self.at(cx.now, wait, Later::Serve(id));
            return true;
        }
        if one.fires(cx.now, endgame, cx.marks) {
            one.next_at = cx.now + gap;
        }
        false
    }

    /// A piece is complete: everybody is told, and asked about interest again.
    pub(super) fn announce(&mut self, cx: &mut Cx<'_>, piece: seedbed_engine::id::PieceIndex) {
        let ids: Vec<ConnId> = self.conns.keys().copied().collect();
        for id in ids {
            self.say(cx, id, Message::Have(piece));
            self.follow_interest(cx, id);
        }
    }

    /// For tests and tools: says a message as the reference peer would.
    pub fn say_now(&mut self, cx: &mut Cx<'_>, id: ConnId, message: Message) {
        self.emit(cx, id, Say::Message(message));
    }

    /// Rule breaks that neither a held link nor a failing disk can excuse.
    pub fn certain_violations(&self) -> impl Iterator<Item = (Instant, &'static str)> + '_ {
        let excused =
            |text: &&str| check::NETWORK_DEPENDENT.contains(text) || check::DISK_DEPENDENT.contains(text);
        self.violations
            .iter()
            .copied()
            .filter(move |(_, text)| !excused(text))
    }
}
