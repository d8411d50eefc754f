//! Connections of a model peer: how they begin, what flows, how they end.

use super::behave::{Moment, Opening, Say, View, opening, pex};
use super::catalogue::Kind;
use super::check::SILENT;
use super::conn::{Conn, Past, Phase, REQQ};
use super::veil::Veil;
use super::{Later, ModelPeer, PAST_MAX, real};
use crate::actor::{Cx, Output};
use crate::sample::PORT;
use seedbed_engine::extension::handshake::ExtendedHandshake;
use seedbed_engine::id::ConnId;
use seedbed_engine::net::CloseCause;
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::wire::{Decoder, Handshake, HandshakePart, Limits, Message, Reserved};
use std::net::SocketAddr;

/// Bytes that may be read before budget is given back.
const WINDOW: u64 = 256 * 1024;

/// Between two looks at a connection's timers.
const CHECK: Duration = Duration::from_secs(50);

/// We say that we live after so much silence of ours.
const KEEP_ALIVE: Duration = Duration::from_secs(90);

/// An engine that is silent for longer breaks a rule; we end the connection.
const SILENCE_MAX: Duration = Duration::from_secs(130);

/// First wait before an engine is dialled again; it doubles.
const REDIAL: Duration = Duration::from_secs(15);

/// Doublings of that wait: whoever dials at all is back within half an hour.
const REDIAL_DOUBLINGS_MAX: u32 = 8;

/// A poisoner comes back sooner.
const RETURN: Duration = Duration::from_secs(1);

/// Longest extended message and block that a model reads.
const READ_MAX: u32 = 1024 * 1024;

impl ModelPeer {
    pub(super) fn start(&mut self, cx: &mut Cx<'_>) {
        if self.started {
            self.conns.clear();
            self.later.clear();
            self.active.clear();
        }
        self.started = true;
        self.begin_local(cx);
        if !self.spec.dials {
            return;
        }
        for to in self.engines.clone() {
            self.dial(cx, to);
            if let Some(one) = self.trait_of(Kind::ConnectFlood)
                && one.fires(cx.now, false, cx.marks)
            {
                for _ in 1..one.int("n", 100) {
                    self.dial(cx, to);
                }
            }
        }
    }

    pub(super) fn dial(&mut self, cx: &mut Cx<'_>, to: SocketAddr) {
        self.dialled += 1;
        let stream = ConnId::dialled(self.dialled);
        let conn = Conn::new(to, true, self.geometry.pieces(), cx.now);
        self.conns.insert(stream, conn);
        cx.out.push(Output::Connect { stream, to });
    }

    pub(super) fn accepted(&mut self, cx: &mut Cx<'_>, id: ConnId, from: SocketAddr) {
        let conn = Conn::new(from, false, self.geometry.pieces(), cx.now);
        self.conns.insert(id, conn);
        if let Some(one) = self.trait_of(Kind::CloseOnAccept)
            && one.fires(cx.now, false, cx.marks)
        {
            return self.end(cx, id, false);
        }
        self.begin(cx, id);
        let known = self.engines.iter().find(|engine| engine.ip() == from.ip());
        let back = known.copied().unwrap_or(SocketAddr::new(from.ip(), PORT));
        if let Some(one) = self.trait_of(Kind::SimultaneousConnect)
            && one.fires(cx.now, false, cx.marks)
        {
            self.dial(cx, back);
        }
    }

    pub(super) fn connected(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.phase = Phase::Handshaking(Default::default());
            conn.last_received = cx.now;
            self.begin(cx, id);
            self.veil_dialled(cx, id);
            self.shake(cx, id);
        }
    }

    /// A stream is there: bytes may come.
    fn begin(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        cx.out.push(Output::Read {
            stream: id,
            budget: WINDOW.min(self.read_max()),
        });
        self.at(cx.now, CHECK, Later::Check(id));
    }

    /// Our handshake.
    fn shake(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(conn) = self.conns.get(&id).filter(|conn| !conn.handshaken) else {
            return;
        };
        let good = Handshake {
            reserved: Reserved::NONE.with_extended().with_fast(),
            info_hash: self.torrent.info_hash(),
            peer_id: self.peer_id,
        };
        let mut view = View {
            now: cx.now,
            id,
            torrent: &self.torrent,
            others: &self.others,
            rng: &mut self.rng,
            marks: cx.marks,
        };
        let Opening {
            says,
            reserved,
            echoes_id,
            delay,
            pace,
            greets,
        } = opening(&mut self.traits, &mut view, conn, good);
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.handshaken = true;
            conn.our_bits = reserved;
            conn.echoes_id = echoes_id;
            conn.delay = delay;
            conn.pace = pace;
        }
        for say in says {
            self.emit(cx, id, say);
        }
        if greets && self.conns.get(&id).is_some_and(|conn| conn.dialled) {
            // the other's abilities are not known yet: BEP 3 is what everybody can
            let bits = self.have.as_wire().to_vec();
            let mut bytes = Vec::new();
            Message::Bitfield(bits).encode(&mut bytes);
            for piece in self.have.iter().take(50) {
                Message::Have(piece).encode(&mut bytes);
            }
            self.emit(cx, id, Say::Raw(bytes));
            if let Some(conn) = self.conns.get_mut(&id) {
                conn.claimed = self.have.clone();
                conn.greeted = true;
            }
        }
    }

    pub(super) fn received(&mut self, cx: &mut Cx<'_>, id: ConnId, data: &[u8]) {
        let deaf = self.stops_reading(cx, id, data.len() as u64);
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        conn.last_received = cx.now;
        conn.owed_budget += data.len() as u64;
        if conn.owed_budget >= WINDOW / 2 && !deaf {
            let budget = std::mem::take(&mut conn.owed_budget);
            cx.out.push(Output::Read { stream: id, budget });
        }
        let clear;
        let mut input = data;
        if !matches!(conn.veil, Veil::Plain) {
            let Some(bytes) = self.unveil(cx, id, data) else {
                return;
            };
            clear = bytes;
            input = &clear;
        }
        while let Some(conn) = self.conns.get_mut(&id) {
            match &mut conn.phase {
                Phase::Connecting | Phase::Over => return,
                Phase::Handshaking(decoder) => match decoder.next(&mut input) {
                    Ok(None) => return,
                    Ok(Some(part)) => self.handshake_part(cx, id, part),
                    Err(_) => {
                        self.violation(cx.now, "does not begin with a handshake");
                        return self.end(cx, id, false);
                    }
                },
                Phase::Open(decoder) => match decoder.next(&mut input) {
                    Ok(None) => break,
                    Ok(Some(message)) => {
                        if self.tells_messages {
                            cx.lines.push(real::heard(&self.name, cx.now, id, &message));
                        }
                        self.message(cx, id, message);
                    }
                    Err(_) => {
                        self.violation(cx.now, "message that cannot be read");
                        return self.end(cx, id, false);
                    }
                },
            }
        }
        self.fill(cx, id);
        self.serve(cx, id);
    }

    /// Whether it reads no more: it has taken what it ever will.
    fn stops_reading(&mut self, cx: &mut Cx<'_>, id: ConnId, arrived: u64) -> bool {
        let limit = self.read_max();
        let Some(conn) = self.conns.get_mut(&id) else {
            return false;
        };
        if conn.owed_budget + arrived >= limit && !std::mem::replace(&mut conn.deaf, true) {
            let endgame = conn.is_endgame();
            if let Some(one) = self.trait_of(Kind::NeverReads) {
                one.fires(cx.now, endgame, cx.marks);
            }
        }
        self.conns.get(&id).is_some_and(|conn| conn.deaf)
    }

    /// Bytes that it reads before it stops for ever.
    fn read_max(&self) -> u64 {
        let one = self.traits.iter().find(|one| one.entry.kind == Kind::NeverReads);
        one.map_or(u64::MAX, |one| u64::from(one.int("bytes", 600)))
    }

    fn handshake_part(&mut self, cx: &mut Cx<'_>, id: ConnId, part: HandshakePart) {
        match part {
            HandshakePart::Head { reserved, info_hash } => {
                if info_hash != self.torrent.info_hash() {
                    self.violation(cx.now, "handshake for another torrent");
                    return self.end(cx, id, false);
                }
                if let Some(conn) = self.conns.get_mut(&id) {
                    conn.their_bits = reserved;
                }
            }
            HandshakePart::PeerId(peer_id) => {
                if self.tells_messages {
                    cx.lines.push(real::shaken(&self.name, cx.now, id, peer_id));
                }
                if let Some(conn) = self.conns.get_mut(&id) {
                    conn.their_id = Some(peer_id);
                }
                self.shake(cx, id);
                match self.conns.get(&id).map(|conn| conn.delay) {
                    Some(delay) if !delay.is_zero() => self.at(cx.now, delay, Later::Open(id)),
                    _ => self.opened(cx, id),
                }
            }
        }
    }

    /// Both handshakes are there.
    pub(super) fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        if std::mem::take(&mut conn.echoes_id)
            && let Some(their_id) = conn.their_id
        {
            conn.out.extend_from_slice(&their_id.0);
            self.dirty.push(id);
        }
        conn.fast = conn.our_bits.fast() && conn.their_bits.fast();
        conn.extended = conn.our_bits.extended() && conn.their_bits.extended();
        conn.phase = Phase::Open(Decoder::new(Limits::for_torrent(
            Some(self.geometry.pieces()),
            READ_MAX,
            READ_MAX,
        )));
        self.failures = 0;
        let (fast, extended, greeted) = (conn.fast, conn.extended, conn.greeted);
        if !greeted {
            if fast && self.have.is_full() {
                self.say(cx, id, Message::HaveAll);
            } else if fast && self.have.is_empty() {
                self.say(cx, id, Message::HaveNone);
            } else if !self.have.is_empty() || self.has_kind(Kind::ClaimsAll) {
                self.say(cx, id, Message::Bitfield(self.have.as_wire().to_vec()));
            }
        }
        if extended {
            let your_ip = self.says_your_ip(cx, id);
            let mut words = ExtendedHandshake {
                your_ip,
                client: Some("model".into()),
                listen_port: Some(self.port),
                reqq: Some(REQQ as u32),
                m: pex::offered(&self.traits),
                ..ExtendedHandshake::default()
            };
            self.offer_metadata(id, &mut words);
            let payload = words.encode();
            self.say(cx, id, Message::Extended { id: 0, payload });
        }
        let other = self.conns.get(&id).map(|conn| (conn.other, conn.dialled));
        if let (Some((other, true)), Some(one)) = (other, self.trait_of(Kind::SameIdTwice))
            && one.fired == 0
            && one.fires(cx.now, false, cx.marks)
        {
            self.dial(cx, other);
        }
        self.moment(cx, id, Moment::Opened);
    }

    /// The other's address, if it is told.
    fn says_your_ip(&mut self, cx: &mut Cx<'_>, id: ConnId) -> Option<std::net::IpAddr> {
        let other = self.conns.get(&id)?.other.ip();
        let one = self.trait_of(Kind::YourIp)?;
        one.fires(cx.now, false, cx.marks).then_some(other)
    }

    /// Sends what a connection has to send, as far as its behaviours let it.
    pub(super) fn flush(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let mut bytes = std::mem::take(&mut conn.out);
        if bytes.is_empty() || conn.muted {
            return;
        }
        if let Some(one) = self.traits.iter_mut().find(|one| one.entry.kind == Kind::Chunked)
            && conn.pace.is_none()
            && one.fires(cx.now, conn.is_endgame(), cx.marks)
        {
            conn.pace = Some((
                one.int("bytes", 7).max(1) as usize,
                one.time("gap", Duration::from_millis(5)),
            ));
        }
        if conn.pace.is_some() {
            conn.paced.extend(bytes);
            if !std::mem::replace(&mut conn.pacing, true) {
                self.pace(cx, id);
            }
            return;
        }
        if let Some(one) = self.traits.iter_mut().find(|one| one.entry.kind == Kind::ResetAt) {
            let offset = u64::from(one.int("bytes", 300));
            let crosses = conn.sent <= offset && offset < conn.sent + bytes.len() as u64;
            if crosses && one.fired < one.int("times", 1) && one.fires(cx.now, false, cx.marks) {
                bytes.truncate((offset - conn.sent) as usize);
                self.hand_over(cx, id, bytes);
                return self.end(cx, id, true);
            }
        }
        self.hand_over(cx, id, bytes);
    }

    /// The next few bytes.
    pub(super) fn pace(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id).filter(|conn| !conn.muted) else {
            return;
        };
        let Some((chunk, gap)) = conn.pace else { return };
        let count = chunk.min(conn.paced.len());
        let bytes: Vec<u8> = conn.paced.drain(..count).collect();
        if conn.paced.is_empty() {
            conn.pacing = false;
            if chunk == 1 {
                // the handshake is out
                conn.pace = None;
            }
        } else {
            self.at(cx.now, gap.max(Duration::from_micros(1)), Later::Pace(id));
        }
        self.hand_over(cx, id, bytes);
    }

    /// Keep-alives, silence, requests that are not answered.
    pub(super) fn look_after(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(conn) = self.conns.get(&id) else { return };
        if cx.now.since(conn.last_received) >= SILENCE_MAX && !conn.deaf {
            if conn.is_open() {
                self.violation(cx.now, SILENT);
            }
            return self.end(cx, id, false);
        }
        if cx.now.since(conn.last_sent) >= KEEP_ALIVE - CHECK {
            self.say(cx, id, Message::KeepAlive);
        }
        self.give_up_requests(cx, id);
        self.at(cx.now, CHECK, Later::Check(id));
    }

    /// We end a connection.
    pub(super) fn end(&mut self, cx: &mut Cx<'_>, id: ConnId, reset: bool) {
        if !reset {
            self.flush(cx, id);
        }
        if self.conns.contains_key(&id) {
            cx.out.push(if reset {
                Output::Reset { stream: id }
            } else {
                Output::Close { stream: id }
            });
            self.closed(cx, id, None);
        }
    }

    /// A connection is no more.
    pub(super) fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, cause: Option<CloseCause>) {
        let Some(conn) = self.conns.remove(&id) else {
            return;
        };
        self.active.retain(|_, of| *of != id);
        for one in &mut self.traits {
            one.held.retain(|(of, _)| *of != id);
        }
        if cause.is_some() {
            self.veil_closed(&conn);
        }
        let both_seeds = self.have.is_full() && conn.theirs.is_full();
        if self.past.len() < PAST_MAX {
            self.past.push(Past {
                other: conn.other,
                at: cx.now,
                cause,
                was_open: conn.is_open(),
                counters: conn.counters,
            });
        }
        let connected = self
            .conns
            .values()
            .any(|other| other.other.ip() == conn.other.ip());
        let returns = self.has_kind(Kind::Reconnects);
        if let Some(to) = self.redial(&conn).filter(|_| !connected && !both_seeds) {
            self.failures += 1;
            let wait = if returns { RETURN } else { REDIAL };
            let wait = wait * (1 << self.failures.min(REDIAL_DOUBLINGS_MAX)) / 2;
            let jitter = self.rng.jitter(Duration::from_secs(1));
            self.at(cx.now, wait + jitter, Later::Dial(to));
        }
        if returns {
            self.rng.fill(&mut self.peer_id.0[8..]);
        }
    }

    /// Which engine is dialled again when a connection has ended, also when it was the one that the engine dialled and
    /// ours had been closed as the second.
    fn redial(&self, conn: &Conn) -> Option<SocketAddr> {
        let ip = conn.other.ip();
        let engine = self.engines.iter().find(|engine| engine.ip() == ip).copied();
        let waits = |later: &Later| matches!(later, Later::Dial(to) if to.ip() == ip);
        match (self.spec.dials, conn.dialled) {
            (false, _) => None,
            (true, true) => Some(conn.other),
            (true, false) => engine.filter(|_| !self.later.values().any(waits)),
        }
    }

    /// When an ended connection was the last of its kind.
    pub fn last_ended(&self) -> Option<Instant> {
        self.past.last().map(|past| past.at)
    }
}
