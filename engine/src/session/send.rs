//! What we say to the peer.

use super::{Outgoing, Phase, Session};
use crate::bitfield::Bitfield;
use crate::block::Block;
use crate::extension::fast::allowed_fast_set;
use crate::extension::handshake::ExtendedHandshake;
use crate::extension::pex::{self, PexMessage};
use crate::extension::{LT_DONTHAVE, UT_PEX, dont_have};
use crate::geometry::BlockRange;
use crate::id::PieceIndex;
use crate::marks::Mark;
use crate::time::Instant;
use crate::wire::{HANDSHAKE_LENGTH, Handshake, Message, Reserved, encode_piece_head};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

impl Session {
    /// The head of the outbox that further messages may be appended to.
    fn head(&mut self) -> &mut Vec<u8> {
        if self.outbox.last().is_none_or(|last| last.body.is_some()) {
            self.outbox.push(Outgoing {
                head: Vec::new(),
                body: None,
            });
        }
        let last = self.outbox.len() - 1;
        &mut self.outbox[last].head
    }

    /// Our handshake (BEP 3).
    pub(super) fn handshake(&self) -> [u8; HANDSHAKE_LENGTH] {
        Handshake {
            reserved: Reserved::NONE.with_extended().with_fast(),
            info_hash: self.rules.info_hash,
            peer_id: self.rules.peer_id,
        }
        .encode()
    }

    pub(super) fn send_handshake(&mut self, now: Instant) {
        let bytes = self.handshake();
        self.head().extend_from_slice(&bytes);
        self.uploads.unsent += bytes.len() as u64;
        self.last_sent = now;
        self.trace_handshake();
    }

    pub(super) fn trace_handshake(&mut self) {
        if self.rules.trace {
            self.trace.push((true, "handshake".into()));
        }
    }

    pub(super) fn send(&mut self, now: Instant, message: &Message) {
        if !matches!(self.phase, Phase::Open(_)) {
            return;
        }
        let head = self.head();
        let before = head.len();
        message.encode(head);
        let bytes = head.len() - before;
        self.uploads.unsent += bytes as u64;
        self.last_sent = now;
        if self.rules.trace {
            self.trace.push((true, message.to_string()));
        }
    }

    /// Says what we have, then what we can do: the messages right after the handshake, in the order that every
    /// client understands (the bitfield first).
    pub fn greet(&mut self, now: Instant, have: &Bitfield, upload_only: bool) {
        // before the metadata is here there is no piece, so that all of them would be had
        if self.reserved.fast() && have.is_empty() {
            self.send(now, &Message::HaveNone);
        } else if self.reserved.fast() && have.is_full() {
            self.send(now, &Message::HaveAll);
        } else if !have.is_empty() {
            self.send(now, &Message::Bitfield(have.as_wire().to_vec()));
        }
        if self.reserved.extended() {
            let mut extended = ExtendedHandshake {
                client: Some(self.rules.client_name.clone().into_owned()),
                listen_port: (self.rules.listen_port != 0).then_some(self.rules.listen_port),
                your_ip: Some(self.addr.ip()),
                reqq: Some(self.rules.config.reqq_ours),
                upload_only: upload_only.then_some(true),
                m: self.offered(),
                ..ExtendedHandshake::default()
            };
            self.offer_metadata(&mut extended);
            self.send(
                now,
                &Message::Extended {
                    id: 0,
                    payload: extended.encode(),
                },
            );
        }
        self.grant_allowed_fast(now, have);
    }

    /// The extensions that we take, and under which ids.
    pub(super) fn offered(&self) -> BTreeMap<String, u8> {
        let pex = self.rules.pex.is_some().then(|| (pex::NAME.into(), UT_PEX));
        let gone = self.rules.config.dont_have;
        let gone = gone.then(|| (dont_have::NAME.into(), LT_DONTHAVE));
        pex.into_iter().chain(gone).collect()
    }

    /// Tells the peer of our other peers, if it takes that.
    pub fn send_pex(&mut self, now: Instant, message: &PexMessage) {
        if let Some(id) = self.extensions.extension(pex::NAME) {
            let payload = message.encode();
            self.send(now, &Message::Extended { id, payload });
            self.name_traced(message);
        }
    }

    /// The message that was traced last is one whose name says more than its id.
    pub(super) fn name_traced(&mut self, name: &impl ToString) {
        if let Some((_, text)) = self.trace.last_mut() {
            *text = name.to_string();
        }
    }

    /// Grants the allowed-fast set of BEP 6, as far as we have its pieces: a fresh peer can begin with them.
    fn grant_allowed_fast(&mut self, now: Instant, have: &Bitfield) {
        let IpAddr::V4(ip) = self.addr.ip() else { return };
        if !self.reserved.fast() || have.is_empty() {
            return;
        }
        let count = self.rules.config.allowed_fast_count as usize;
        let pieces = self.rules.geometry.pieces();
        // in a torrent of so few pieces the set would be a second, unchoked seed
        if (pieces as usize) <= count {
            return;
        }
        let info_hash = self.rules.info_hash;
        let mut given = self.rules.config.allowed_fast_given.iter();
        let given = given.find(|set| set.ip == ip && set.info_hash == info_hash.0);
        let set = match given {
            Some(given) => given.pieces.clone(),
            None => allowed_fast_set(ip, info_hash, pieces, count),
        };
        for piece in set.into_iter().filter(|piece| have.contains(*piece)) {
            self.allowed_to_peer.push(piece);
            self.send(now, &Message::AllowedFast(piece));
        }
    }

    /// Tells the peer whether nothing more is fetched by us (BEP 21).
    pub fn send_upload_only(&mut self, now: Instant, upload_only: bool) {
        if self.reserved.extended() && self.is_open() {
            let extended = ExtendedHandshake {
                upload_only: Some(upload_only),
                ..ExtendedHandshake::default()
            };
            let payload = extended.encode();
            self.send(now, &Message::Extended { id: 0, payload });
        }
    }

    /// Tells the peer of a piece that we lost, if it takes that (BEP 54).
    pub fn send_dont_have(&mut self, now: Instant, piece: PieceIndex) {
        let id = self.extensions.extension(dont_have::NAME);
        if let Some(id) = id.filter(|_| self.rules.config.dont_have) {
            let payload = dont_have::encode(piece);
            self.send(now, &Message::Extended { id, payload });
            self.name_traced(&alloc::format!("lt_donthave {piece}"));
        }
    }

    /// Tells the peer of a verified piece.
    pub fn send_have(&mut self, now: Instant, piece: PieceIndex) {
        self.send(now, &Message::Have(piece));
    }

    /// Tells the peer whether we want something of it, when that changed.
    pub fn set_interested(&mut self, now: Instant, interested: bool) {
        if self.am_interested == interested || !self.is_open() {
            return;
        }
        self.am_interested = interested;
        self.last_wanted = now;
        self.send(
            now,
            &if interested {
                Message::Interested
            } else {
                Message::NotInterested
            },
        );
    }

    /// Chokes or unchokes the peer. A choke drops its requests; with the Fast extension each is rejected, after
    /// the choke, except those of granted pieces (BEP 6).
    pub fn set_choking(&mut self, now: Instant, choking: bool) {
        if self.am_choking == choking || !self.is_open() {
            return;
        }
        self.am_choking = choking;
        self.last_choke_change = Some(now);
        self.unchoked_at = (!choking).then_some(now);
        self.uploaded_this_unchoke = 0;
        // requests that were on their way when we choked are no fault of the peer's
        self.uploads.bad = 0;
        if !choking {
            self.send(now, &Message::Unchoke);
            return;
        }
        self.send(now, &Message::Choke);
        let kept = if self.reserved.fast() {
            self.allowed_to_peer.clone()
        } else {
            Vec::new()
        };
        for range in self.uploads.drop_except(&kept) {
            if self.reserved.fast() {
                self.send(now, &Message::Reject(range));
            }
        }
    }

    /// Asks for a block, unless the peer still owes an answer to the same request. Whether it was asked.
    pub fn request(&mut self, now: Instant, range: BlockRange) -> bool {
        let asked = self.requests.asks(now, range);
        if asked {
            self.send(now, &Message::Request(range));
        } else {
            self.marks.hit(Mark::RequestOwed);
        }
        asked
    }

    /// Withdraws a request.
    pub fn cancel(&mut self, now: Instant, range: BlockRange) {
        if self.requests.cancelled(range, self.reserved.fast()) {
            self.send(now, &Message::Cancel(range));
        }
    }

    /// The requests that others may be asked for now: all that are outstanding.
    pub fn release_requests(&mut self) -> Vec<BlockRange> {
        self.requests.release_all()
    }

    /// Takes a request of the peer: answers [`Output::Request`](super::Output::Request).
    pub fn accept(&mut self, range: BlockRange) {
        self.uploads.push(range);
    }

    /// Does not answer a request of the peer: with the Fast extension it is rejected, else counted.
    pub fn refuse(&mut self, now: Instant, range: BlockRange) {
        self.uploads.bad += 1;
        if self.reserved.fast() {
            self.send(now, &Message::Reject(range));
        }
    }

    /// The next request of the peer that should be read, while fewer than `bytes_max` are on their way to it.
    pub fn next_upload(&mut self, bytes_max: u64) -> Option<BlockRange> {
        if self.is_open() {
            self.uploads.next(bytes_max)
        } else {
            None
        }
    }

    /// A block was read for the peer. It is sent unless the peer was choked meanwhile. True when it was sent.
    pub fn send_block(&mut self, now: Instant, range: BlockRange, data: Block) -> bool {
        let sent = self.is_open() && self.uploads.read(range);
        if sent {
            self.put_block(now, range, data);
        }
        sent
    }

    /// A block was read for the peer, and waits until [`Session::send_ready`].
    pub fn block_read(&mut self, range: BlockRange, data: Block) {
        if self.is_open() && self.uploads.read(range) {
            self.uploads.keep(range, data);
        }
    }

    /// The length of the next block that waits.
    pub fn next_ready(&self) -> Option<u32> {
        if self.is_open() {
            self.uploads.next_ready()
        } else {
            None
        }
    }

    /// Sends the next block that waits. Tells which.
    pub fn send_ready(&mut self, now: Instant) -> Option<BlockRange> {
        self.next_ready()?;
        let (range, data) = self.uploads.take_ready()?;
        self.put_block(now, range, data);
        Some(range)
    }

    fn put_block(&mut self, now: Instant, range: BlockRange, data: Block) {
        let length = data.len() as u64;
        let head = self.head();
        let before = head.len();
        encode_piece_head(range, head);
        let head_bytes = head.len() - before;
        if let Some(last) = self.outbox.last_mut() {
            last.body = Some(data);
        }
        self.uploads.unsent += head_bytes as u64 + length;
        self.uploads.rate.add(now, length);
        self.uploaded += length;
        self.uploaded_this_unchoke += length;
        self.last_sent = now;
        if self.rules.trace {
            self.trace.push((true, alloc::format!("piece {range}")));
        }
    }

    /// A block could not be read for the peer.
    pub fn drop_upload(&mut self, now: Instant, range: BlockRange) {
        if self.uploads.read(range) {
            self.refuse(now, range);
        }
    }
}
