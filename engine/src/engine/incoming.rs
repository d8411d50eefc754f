//! Connections that others opened, until the first half of their handshake says which torrent they want. It may stand
//! behind an encrypted one (protocol.md §15): bytes that do not begin as a plain handshake does are read as a key.

use super::{ConnOwner, Engine};
use crate::action::{Action, CloseReason};
use crate::config::Encryption;
use crate::id::{ConnId, InfoHash};
use crate::marks::Mark;
use crate::mse::{Accepted, Fault, Modes, RESPONDER_READ_MAX, Responder, Secrets, SharedSecret};
use crate::net::CloseCause;
use crate::report::{PeerClosed, Report};
use crate::session::{Agreed, End, Violation};
use crate::time::Instant;
use crate::torrent::{IncomingHead, Torrent};
use crate::wire::{HANDSHAKE_LENGTH, HandshakeDecoder, HandshakePart, PROTOCOL, Reserved};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use serde::{Deserialize, Serialize};

/// Accepted connections at a time whose handshake is not whole: silent ones must not keep others out for long.
/// 256 [rqbit].
const INCOMING_MAX: usize = 256;

/// An accepted connection before its torrent is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Incoming {
    from: SocketAddr,
    stage: Stage,
    /// Bytes that came.
    received: u64,
    /// Bytes that it may send, those that came included.
    granted: u64,
    /// Bytes that were sent and that the system has not taken.
    unsent: u64,
    accepted: Instant,
    deadline: Instant,
}

/// How far it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Stage {
    /// The bytes so far may be the beginning of a plain handshake.
    Plain(HandshakeDecoder),
    /// They are not.
    Encrypted(Box<Responder>),
    /// The encrypted handshake is over, and named this torrent. The other one is coming behind it.
    Agreed(Box<Agreed>, InfoHash, HandshakeDecoder),
    /// It goes to its torrent, or ends.
    Over,
}

/// A handshake whose head is whole.
struct Shaken<'a> {
    decoder: HandshakeDecoder,
    reserved: Reserved,
    info_hash: InfoHash,
    agreed: Option<Agreed>,
    rest: Cow<'a, [u8]>,
}

impl Engine {
    pub(super) fn accepted(&mut self, conn: ConnId, from: SocketAddr) {
        if self.conns.contains_key(&conn) {
            return;
        }
        if self.is_ending() {
            self.refuse(conn, from, End::Shutdown);
            return;
        }
        while !self.has_room_for_who_dials() {
            if !self.silent_gives_way() {
                self.refuse(conn, from, End::Full);
                return;
            }
        }
        let deadline = self.now + self.config.session.handshake_timeout;
        self.incoming.insert(
            conn,
            Incoming {
                from,
                stage: Stage::Plain(HandshakeDecoder::new()),
                received: 0,
                granted: HANDSHAKE_LENGTH as u64,
                unsent: 0,
                accepted: self.now,
                deadline,
            },
        );
        self.conns.insert(conn, ConnOwner::Incoming);
        self.throttle.all.reads(self.now, HANDSHAKE_LENGTH as u64);
        // a handshake has no more bytes, and more are of no use before its torrent is known
        self.actions.push_back(Action::Read {
            conn,
            budget: HANDSHAKE_LENGTH as u32,
        });
    }

    /// Half of the places are for those whom we dial, and for those who have said what they want; an eighth of them (none
    /// if there are fewer than eight) for those whom we dial alone.
    fn has_room_for_who_dials(&self) -> bool {
        let max = self.config.connections_max;
        let accepted = self.conns.range(ConnId::accepted(0)..).count();
        self.incoming.len() < INCOMING_MAX.min(max.div_ceil(2))
            && accepted < max - max / 8
            && self.conns.len() < max
    }

    /// Closes the oldest connection that has said nothing, for a newcomer: whoever dials to say something does so at
    /// once, so that it has to be a flood that closes an honest one before its first bytes are here. False when there is
    /// none.
    fn silent_gives_way(&mut self) -> bool {
        let silent = self
            .incoming
            .iter()
            .filter(|(_, incoming)| incoming.received == 0);
        let oldest = silent.min_by_key(|(conn, incoming)| (incoming.accepted, **conn));
        let Some((conn, from)) = oldest.map(|(conn, incoming)| (*conn, incoming.from)) else {
            return false;
        };
        self.marks.hit(Mark::SilentGaveWay);
        self.refuse(conn, from, End::Full);
        true
    }

    fn refuse(&mut self, conn: ConnId, addr: SocketAddr, end: End) {
        self.incoming.remove(&conn);
        self.close(conn, CloseReason::Peer(end));
        self.report(Report::PeerClosed {
            torrent: None,
            conn,
            addr,
            why: PeerClosed::ByUs(end),
        });
    }

    pub(super) fn incoming_received(&mut self, conn: ConnId, data: &[u8]) {
        let Some(mut incoming) = self.incoming.remove(&conn) else {
            return;
        };
        incoming.received += data.len() as u64;
        let from = incoming.from;
        match self.incoming_shakes(conn, &mut incoming, data) {
            Ok(Some(shaken)) => self.incoming_is_shaken(conn, &incoming, data.len(), shaken),
            Ok(None) => {
                self.incoming.insert(conn, incoming);
            }
            Err(violation) => self.refuse(conn, from, End::Violation(violation)),
        }
    }

    /// Takes bytes until the head of the handshake is whole: the plain one, or the one behind an encrypted one.
    fn incoming_shakes<'a>(
        &mut self,
        conn: ConnId,
        incoming: &mut Incoming,
        data: &'a [u8],
    ) -> Result<Option<Shaken<'a>>, Violation> {
        let mut rest = data;
        if let Stage::Plain(decoder) = &mut incoming.stage {
            let taken = decoder.taken();
            let part = decoder.next(&mut rest);
            let plain = decoder.taken() >= PROTOCOL.len();
            match (part, self.config.encryption) {
                (Ok(_), Encryption::Require) if plain => return Err(Violation::NotEncrypted),
                (Ok(part), _) => return Ok(shaken(part, &mut incoming.stage, rest.into())),
                (Err(_), Encryption::Off) => return Err(Violation::NotBitTorrent),
                (Err(_), Encryption::Prefer | Encryption::Require) => {}
            }
            // what was taken of earlier reads was as in the protocol's name, and is the beginning of a key
            incoming.stage = self.begin_responding(conn, PROTOCOL.get(..taken).unwrap_or_default())?;
            incoming.granted += u64::from(RESPONDER_READ_MAX);
            rest = data;
        }
        if matches!(incoming.stage, Stage::Encrypted(_)) {
            let Some(initial) = self.respond(conn, incoming, &mut rest)? else {
                return Ok(None);
            };
            let Stage::Agreed(agreed, ..) = &mut incoming.stage else {
                return Ok(None);
            };
            let clear = [initial, agreed.decrypt(rest)].concat();
            return self.shakes_behind(incoming, clear);
        }
        let Stage::Agreed(agreed, ..) = &mut incoming.stage else {
            return Ok(None);
        };
        let clear = agreed.decrypt(rest);
        self.shakes_behind(incoming, clear)
    }

    /// Its bytes are no plain handshake: they are read as an encrypted one.
    fn begin_responding(&mut self, conn: ConnId, taken: &[u8]) -> Result<Stage, Violation> {
        if !self.torrents.values().any(Torrent::takes_peers) {
            // a paused torrent says nothing to anybody, not even a key
            return Err(Violation::Encryption(Fault::UnknownTorrent));
        }
        let takes = match self.config.encryption {
            Encryption::Require => Modes::Rc4Only,
            Encryption::Off | Encryption::Prefer => Modes::Both,
        };
        let mut responder = Responder::new(takes, Secrets::draw(&mut self.secrets));
        self.throttle.all.reads(self.now, RESPONDER_READ_MAX.into());
        self.actions.push_back(Action::Read {
            conn,
            budget: RESPONDER_READ_MAX,
        });
        let mut taken = taken;
        // less than a key, so there is nothing to say yet
        let said = responder.receive(&mut taken, &mut core::iter::empty());
        said.map_err(Violation::Encryption)?;
        Ok(Stage::Encrypted(Box::new(responder)))
    }

    /// Goes on with an encrypted handshake. At its end, the first bytes of what is behind it.
    fn respond(
        &mut self,
        conn: ConnId,
        incoming: &mut Incoming,
        rest: &mut &[u8],
    ) -> Result<Option<Vec<u8>>, Violation> {
        loop {
            let Stage::Encrypted(responder) = &mut incoming.stage else {
                return Ok(None);
            };
            let there = self.torrents.values().filter(|torrent| torrent.takes_peers());
            let mut torrents = there.map(Torrent::info_hash);
            let said = responder.receive(rest, &mut torrents);
            let secret = responder.secret().cloned();
            let (send, done) = match said.map_err(Violation::Encryption)? {
                None => return Ok(None),
                Some(Accepted::Send(send)) => (send, None),
                Some(Accepted::Done {
                    send,
                    torrent,
                    mode,
                    ciphers,
                    initial,
                }) => {
                    let agreed = Agreed {
                        mode,
                        ciphers,
                        secret,
                    };
                    (send, Some((agreed, torrent, initial)))
                }
            };
            incoming.unsent += send.len() as u64;
            self.actions.push_back(Action::Send {
                conn,
                head: send,
                body: None,
            });
            if let Some((agreed, torrent, initial)) = done {
                incoming.stage = Stage::Agreed(Box::new(agreed), torrent, HandshakeDecoder::new());
                return Ok(Some(initial));
            }
        }
    }

    /// Bytes in clear behind an encrypted handshake, which has to be about the same torrent.
    fn shakes_behind<'a>(
        &self,
        incoming: &mut Incoming,
        clear: Vec<u8>,
    ) -> Result<Option<Shaken<'a>>, Violation> {
        let Stage::Agreed(_, torrent, decoder) = &mut incoming.stage else {
            return Ok(None);
        };
        let torrent = *torrent;
        let mut rest = &clear[..];
        let part = decoder.next(&mut rest).map_err(|_| Violation::NotBitTorrent)?;
        let shaken = shaken(part, &mut incoming.stage, rest.to_vec().into());
        if shaken.as_ref().is_some_and(|shaken| shaken.info_hash != torrent) {
            return Err(Violation::WrongTorrent);
        }
        Ok(shaken)
    }

    /// The head of its handshake is whole: its torrent takes it, or it is refused.
    fn incoming_is_shaken(&mut self, conn: ConnId, incoming: &Incoming, length: usize, shaken: Shaken<'_>) {
        let from = incoming.from;
        let Some(id) = self.by_hash.get(&shaken.info_hash).copied() else {
            self.refuse(conn, from, End::Violation(Violation::UnknownTorrent));
            return;
        };
        // from now on it is the torrent's, so that an end that it decides on at once is told by the torrent
        self.conns.insert(conn, ConnOwner::Torrent(id));
        let rest = shaken.rest;
        let head = IncomingHead {
            decoder: shaken.decoder,
            accepted: incoming.accepted,
            reserved: shaken.reserved,
            rest: &rest,
            received: incoming.received,
            granted: incoming.granted,
            unsent: incoming.unsent,
            agreed: shaken.agreed,
        };
        let taken = self.with_torrent(id, |torrent, cx| torrent.handle_incoming(cx, conn, from, head));
        // the rest is the end of what was lent, and before it the end of an encrypted payload, never of a block
        let place = |at: usize| (length + at).saturating_sub(rest.len());
        for span in &mut self.unread {
            *span = place(span.start)..place(span.end);
        }
        if let Some(Err(end)) = taken {
            self.refuse(conn, from, end);
        }
    }

    /// The system took bytes that were sent before the torrent was known.
    pub(super) fn incoming_sent(&mut self, conn: ConnId, bytes: u64) {
        if let Some(incoming) = self.incoming.get_mut(&conn) {
            incoming.unsent = incoming.unsent.saturating_sub(bytes);
        }
    }

    /// The secret of an encrypted handshake under way.
    pub(super) fn incoming_secret(&self, conn: ConnId) -> Option<&SharedSecret> {
        match &self.incoming.get(&conn)?.stage {
            Stage::Encrypted(responder) => responder.secret(),
            Stage::Agreed(agreed, ..) => agreed.secret.as_ref(),
            Stage::Plain(_) | Stage::Over => None,
        }
    }

    pub(super) fn incoming_closed(&mut self, conn: ConnId, cause: CloseCause) {
        if let Some(incoming) = self.incoming.remove(&conn) {
            let why = PeerClosed::ByThem(cause);
            self.report(Report::PeerClosed {
                torrent: None,
                conn,
                addr: incoming.from,
                why,
            });
        }
    }

    pub(super) fn incoming_deadline(&self) -> Option<Instant> {
        self.incoming.values().map(|incoming| incoming.deadline).min()
    }

    pub(super) fn incoming_timeouts(&mut self) {
        let late = self
            .incoming
            .iter()
            .filter(|(_, incoming)| incoming.deadline <= self.now);
        let late: alloc::vec::Vec<_> = late.map(|(conn, incoming)| (*conn, incoming.from)).collect();
        for (conn, from) in late {
            self.refuse(conn, from, End::HandshakeTimeout);
        }
    }
}

/// The head of a handshake, if it is whole: then everything that was kept goes with it.
fn shaken<'a>(part: Option<HandshakePart>, stage: &mut Stage, rest: Cow<'a, [u8]>) -> Option<Shaken<'a>> {
    let (reserved, info_hash) = match part {
        Some(HandshakePart::Head { reserved, info_hash }) => (reserved, info_hash),
        Some(HandshakePart::PeerId(_)) | None => return None,
    };
    let (decoder, agreed) = match core::mem::replace(stage, Stage::Over) {
        Stage::Plain(decoder) => (decoder, None),
        Stage::Agreed(agreed, _, decoder) => (decoder, Some(*agreed)),
        Stage::Encrypted(_) | Stage::Over => return None,
    };
    Some(Shaken {
        decoder,
        reserved,
        info_hash,
        agreed,
        rest,
    })
}
