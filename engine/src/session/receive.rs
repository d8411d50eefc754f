//! What the peer says to us.

use super::requests::{Arrival, Rejected};
use super::{End, Output, Phase, Session, Violation};
use crate::bitfield::{Bitfield, BitfieldError};
use crate::block::Block;
use crate::extension::handshake::{ExtendedHandshake, ExtensionError};
use crate::extension::pex::PexMessage;
use crate::extension::{LT_DONTHAVE, UT_METADATA, UT_PEX, dont_have};
use crate::geometry::BlockRange;
use crate::id::PieceIndex;
use crate::marks::Mark;
use crate::time::Instant;
use crate::wire::{Decoder, HandshakePart, Limits, Message, Reserved, WireError};
use alloc::string::ToString;
use alloc::vec::Vec;
use core::ops::Range;

/// Allowed-fast pieces that are remembered of one peer. BEP 6 grants 10; a set is never validated.
const ALLOWED_FAST_MAX: usize = 100;

impl From<WireError> for Violation {
    fn from(error: WireError) -> Self {
        match error {
            WireError::TooLong { length, limit, .. } => Self::MessageTooLong { length, limit },
            WireError::WrongLength { id, length } => Self::WrongLength { id, length },
        }
    }
}

/// What a message means to the owner: an output, nothing, or the end.
type Meaning = Result<Option<Output>, Violation>;

impl Session {
    /// Begins with the next lent slice, so that the spans of payload are counted from it.
    pub fn begin_input(&mut self) {
        self.payload_at_end.clear();
        if let Phase::Open(decoder) = &mut self.phase {
            decoder.begin_input();
        }
    }

    /// Which bytes since [`Session::begin_input`] were payload of blocks; counted from the first byte behind the
    /// handshake if that ended among them.
    pub fn payload_spans(&self) -> &[Range<usize>] {
        match &self.phase {
            Phase::Open(decoder) => decoder.payload_spans(),
            Phase::Connecting | Phase::Encrypting(_) | Phase::Handshaking(_) | Phase::Over => {
                &self.payload_at_end
            }
        }
    }

    /// Takes bytes of the peer until something is worth telling; `input` is advanced behind what was taken.
    /// None says that all of it was taken.
    pub fn next(&mut self, now: Instant, input: &mut &[u8]) -> Option<Output> {
        if !input.is_empty() {
            self.last_received = now;
        }
        loop {
            let meaning = match &mut self.phase {
                // an encrypted handshake has taken its bytes before
                Phase::Connecting | Phase::Encrypting(_) | Phase::Over => {
                    self.received.protocol += input.len() as u64;
                    *input = &[];
                    return None;
                }
                Phase::Handshaking(decoder) => {
                    let before = decoder.taken();
                    let part = decoder.next(input);
                    self.received.protocol += (decoder.taken() - before) as u64;
                    match part {
                        Ok(None) => return None,
                        Ok(Some(part)) => self.handshake_part(part),
                        Err(_) => Err(Violation::NotBitTorrent),
                    }
                }
                Phase::Open(decoder) => {
                    let message = decoder.next(input);
                    self.received.protocol += decoder.take_overhead();
                    match message {
                        Ok(None) => return None,
                        Ok(Some(message)) => {
                            if self.rules.trace {
                                self.trace.push((false, message.to_string()));
                            }
                            self.message(now, message)
                        }
                        Err(error) => Err(error.into()),
                    }
                }
            };
            match meaning {
                Ok(None) => {}
                Ok(output) => return output,
                Err(violation) => {
                    self.end();
                    return Some(Output::Ended(End::Violation(violation)));
                }
            }
        }
    }

    fn handshake_part(&mut self, part: HandshakePart) -> Meaning {
        match part {
            HandshakePart::Head { reserved, info_hash } => {
                if info_hash != self.rules.info_hash {
                    return Err(Violation::WrongTorrent);
                }
                self.reserved = reserved;
                Ok(None)
            }
            HandshakePart::PeerId(peer_id) => {
                self.peer_id = Some(peer_id);
                if self.rules.trace {
                    self.trace
                        .push((false, alloc::format!("handshake {}", peer_id.client())));
                }
                let config = &self.rules.config;
                let geometry = self.rules.geometry;
                let pieces = geometry.is_known().then_some(geometry.pieces());
                let block = self.rules.geometry.block_length();
                let limits = Limits::for_torrent(pieces, config.extended_message_max, block);
                self.phase = Phase::Open(Decoder::new(limits));
                Ok(Some(Output::Handshaken))
            }
        }
    }

    fn message(&mut self, now: Instant, message: Message) -> Meaning {
        let Some(message) = self.hold(message)? else {
            return Ok(None);
        };
        match message {
            Message::KeepAlive => Ok(None),
            Message::Choke => Ok(self.choked(now, true)),
            Message::Unchoke => Ok(self.choked(now, false)),
            Message::Interested => Ok(self.interested(now, true)),
            Message::NotInterested => Ok(self.interested(now, false)),
            Message::Have(piece) => self.existing(4, piece).map(|piece| Some(Output::Have(piece))),
            Message::Bitfield(bytes) => self.bitfield(&bytes),
            Message::Request(range) => self.requested(now, range),
            Message::Piece { range, data } => self.block(now, range, data),
            Message::Cancel(range) => {
                if self.uploads.cancel(range) {
                    self.marks.hit(Mark::UploadCancelled);
                    if self.fast() {
                        self.send(now, &Message::Reject(range));
                    }
                }
                Ok(None)
            }
            Message::Port(_) => Ok(None),
            Message::Suggest(piece) => {
                self.needs_fast(13)?;
                self.existing(13, piece)
                    .map(|piece| Some(Output::Suggested(piece)))
            }
            Message::HaveAll => self.needs_fast(14).map(|()| Some(Output::HaveAll)),
            Message::HaveNone => self.needs_fast(15).map(|()| Some(Output::HaveNone)),
            Message::Reject(range) => {
                self.needs_fast(16)?;
                self.rejected(now, range)
            }
            Message::AllowedFast(piece) => {
                self.needs_fast(17)?;
                let piece = self.existing(17, piece)?;
                Ok(self.allow_to_us(piece).then_some(Output::AllowedFast(piece)))
            }
            Message::Extended { id, payload } => self.extended(now, id, &payload),
            Message::Unknown { .. } => Ok(Some(Output::Lint("message of an unknown kind"))),
        }
    }

    /// Remembers a piece that the peer lets us have while it chokes us. False when it is known, or one too many.
    pub(super) fn allow_to_us(&mut self, piece: PieceIndex) -> bool {
        let takes = self.allowed_to_us.len() < ALLOWED_FAST_MAX && !self.allowed_to_us.contains(&piece);
        if takes {
            self.allowed_to_us.push(piece);
        }
        takes
    }

    pub(super) fn needs_fast(&self, id: u8) -> Result<(), Violation> {
        if self.fast() {
            Ok(())
        } else {
            Err(Violation::FastNotNegotiated { id })
        }
    }

    pub(super) fn existing(&self, id: u8, piece: PieceIndex) -> Result<PieceIndex, Violation> {
        let exists = self.rules.geometry.contains(piece);
        if exists {
            Ok(piece)
        } else {
            Err(Violation::PieceOutOfRange { id, piece })
        }
    }

    fn choked(&mut self, now: Instant, choking: bool) -> Option<Output> {
        if core::mem::replace(&mut self.peer_choking, choking) == choking {
            return None;
        }
        self.choke_changed = now;
        if !choking {
            return Some(Output::Unchoked);
        }
        let dropped = !self.fast();
        if dropped {
            self.requests.drop_all();
        }
        Some(Output::Choked { dropped })
    }

    fn interested(&mut self, now: Instant, interested: bool) -> Option<Output> {
        if core::mem::replace(&mut self.peer_interested, interested) == interested {
            return None;
        }
        self.last_wanted = now;
        Some(Output::Interested(interested))
    }

    fn bitfield(&mut self, bytes: &[u8]) -> Meaning {
        match Bitfield::from_wire(bytes, self.rules.geometry.pieces()) {
            Ok((set, _)) => Ok(Some(Output::HaveSet(set))),
            Err(BitfieldError::Length { got, expected }) => Err(Violation::BitfieldLength { got, expected }),
        }
    }

    /// A request is passed on when it is legal, granted, not a repetition, and fits the queue that we advertised.
    fn requested(&mut self, now: Instant, range: BlockRange) -> Meaning {
        let config = &self.rules.config;
        let (queue_max, bad_max) = (config.reqq_ours as usize, config.bad_requests_max);
        if self.uploads.bad > bad_max {
            // the last ones named pieces that we do not have
            return Err(Violation::TooManyBadRequests);
        }
        let legal = self.rules.geometry.is_within(range) && range.length <= config.serve_block_max;
        let granted = !self.am_choking || self.granted_fast(range.piece);
        if legal && granted && self.uploads.contains(range) {
            return Ok(Some(Output::Lint("request repeated")));
        }
        if legal && granted && self.uploads.len() < queue_max {
            return Ok(Some(Output::Request(range)));
        }
        self.refuse(now, range);
        if self.uploads.bad > bad_max {
            let full = legal && granted;
            return Err(if full {
                Violation::RequestFlood
            } else {
                Violation::TooManyBadRequests
            });
        }
        Ok(None)
    }

    fn granted_fast(&mut self, piece: PieceIndex) -> bool {
        let blocks = self.rules.geometry.blocks_in(piece);
        let serves = self.allowed_to_peer.contains(&piece) && self.uploads.serve_fast(piece, blocks);
        if serves {
            self.marks.hit(Mark::FastServed);
        }
        serves
    }

    fn block(&mut self, now: Instant, range: BlockRange, data: Block) -> Meaning {
        let length = data.len() as u64;
        if self.rules.geometry.is_known() && !self.rules.geometry.is_within(range) {
            self.received.unrequested += length;
            return Err(Violation::BlockOutOfRange { range });
        }
        let arrival = self.requests.arrived(now, range, &data);
        match arrival {
            Arrival::Requested | Arrival::Late | Arrival::Repeated => {
                self.refusals.served();
                self.downloaded += length;
                self.last_block = Some(now);
                let late = arrival == Arrival::Late;
                Ok(Some(Output::Block { range, data, late }))
            }
            Arrival::TooManyRepeated => {
                self.received.duplicate += length;
                Err(Violation::TooManyDuplicates)
            }
            Arrival::Unknown => {
                self.received.unrequested += length;
                Err(Violation::BlockNotRequested { range })
            }
        }
    }

    fn rejected(&mut self, now: Instant, range: BlockRange) -> Meaning {
        match self.requests.rejected(range) {
            Rejected::Requested => {
                // a granted piece that is refused was no grant (BEP 6: it says nothing about having it)
                self.allowed_to_us.retain(|piece| *piece != range.piece);
                // behind a choke every request is refused (BEP 6)
                let over = !self.peer_choking && self.refusals.refused(now);
                if self.refusals.is_pausing() {
                    self.marks.hit(Mark::RefusalPause);
                }
                if over {
                    self.end();
                    return Ok(Some(Output::Ended(End::RefusesAll)));
                }
                Ok(Some(Output::Rejected(range)))
            }
            Rejected::Late => Ok(None),
            Rejected::Unknown => self.stray_reject(),
        }
    }

    /// A reject of something that we never asked for.
    pub(super) fn stray_reject(&mut self) -> Meaning {
        self.stray_rejects += 1;
        if self.stray_rejects > self.rules.config.stray_rejects_max {
            return Err(Violation::TooManyStrayRejects);
        }
        Ok(Some(Output::Lint("reject of a request that was not outstanding")))
    }

    fn extended(&mut self, now: Instant, id: u8, payload: &[u8]) -> Meaning {
        if !self.reserved.extended() {
            return Err(Violation::ExtendedNotNegotiated);
        }
        match id {
            0 => self.extended_handshake(payload),
            UT_METADATA => self.metadata_message(now, payload),
            UT_PEX if self.rules.pex.is_some() => self.pex(now, payload),
            LT_DONTHAVE if self.rules.config.dont_have => self.dont_have(payload),
            // also one that we would give out, but not for a private torrent (BEP 27)
            _ => Ok(Some(Output::Lint(
                "extended message of an id that we did not give out",
            ))),
        }
    }

    /// BEP 54: a peer lost a piece. Without the Fast extension that answers its requests, too.
    fn dont_have(&mut self, payload: &[u8]) -> Meaning {
        let length = payload.len();
        let piece = dont_have::decode(payload).ok_or(Violation::BadDontHave { length })?;
        let piece = self.existing(20, piece)?;
        self.allowed_to_us.retain(|allowed| *allowed != piece);
        let dropped = if self.fast() {
            Vec::new()
        } else {
            self.requests.drop_piece(piece)
        };
        self.name_traced(&alloc::format!("lt_donthave {piece}"));
        Ok(Some(Output::DontHave { piece, dropped }))
    }

    /// BEP 11: peers are exchanged once a minute.
    fn pex(&mut self, now: Instant, payload: &[u8]) -> Meaning {
        let Some(limits) = &self.rules.pex else {
            return Ok(None);
        };
        while let Some(first) = self.pex_heard.front()
            && *first + limits.interval <= now
        {
            self.pex_heard.pop_front();
        }
        if self.pex_heard.len() >= limits.heard_max {
            return Err(Violation::TooFrequentPex);
        }
        self.pex_heard.push_back(now);
        match PexMessage::decode(payload) {
            Ok(message) => {
                self.name_traced(&message);
                Ok(Some(Output::Pex(message)))
            }
            Err(_) => Err(Violation::BadPex),
        }
    }

    fn extended_handshake(&mut self, payload: &[u8]) -> Meaning {
        match ExtendedHandshake::decode(payload) {
            Ok(handshake) => {
                self.extensions.merge(handshake);
                Ok(Some(Output::Extended))
            }
            Err(ExtensionError::NotDictionary) => Err(Violation::BadExtendedHandshake),
            // a number out of our range, say: the rest of the connection can do without
            Err(ExtensionError::Bencode(_)) => {
                Ok(Some(Output::Lint("extended handshake that cannot be read")))
            }
        }
    }
}

impl Session {
    /// What the peer understands, as its handshake says.
    pub const fn reserved(&self) -> Reserved {
        self.reserved
    }
}
