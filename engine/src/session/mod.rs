//! One peer: handshake → extensions → choke and interest → request pipeline (BEP 3, 6, 10).
//!
//! A session knows its own connection and nothing else: no other session, no picker, no file. It checks everything
//! that can be checked from the messages alone and tells its owner the rest as [`Output`]s, one at a time, so that
//! the owner can end it between two messages of one read.
//!
//! Invariants: nothing is sent before our handshake and nothing after the end; the bitfield goes out before any
//! other message; a request is outstanding until it is answered, given up or dropped by a choke.

mod encrypted;
mod end;
mod figures;
mod held;
mod metadata;
mod receive;
mod refusals;
mod requests;
mod rules;
mod send;
#[cfg(test)]
mod tests;
mod timers;
mod uploads;
mod violation;

pub use encrypted::Agreed;
pub use end::End;
pub use metadata::Metadata;
pub use rules::Rules;
pub use violation::Violation;

use crate::bitfield::Bitfield;
use crate::block::{Block, Spans};
use crate::client_name::client_name;
use crate::extension::handshake::ExtendedHandshake;
use crate::extension::pex::PexMessage;
use crate::geometry::BlockRange;
use crate::id::{PeerId, PieceIndex};
use crate::ledger::Ledger;
use crate::marks::{Mark, Marks};
use crate::mse::Initiator;
use crate::time::Instant;
use crate::wire::{Decoder, HandshakeDecoder, Reserved};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use refusals::Refusals;
use requests::Requests;
use serde::{Deserialize, Serialize};
use uploads::Uploads;

/// What a session tells its owner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// The handshake is complete; the owner answers with [`Session::greet`] or [`Session::end`].
    Handshaken,
    /// The peer chokes us. Requests stay outstanding only with the Fast extension.
    Choked {
        /// Whether all outstanding requests were dropped.
        dropped: bool,
    },
    /// The peer serves us now.
    Unchoked,
    /// Whether the peer wants something of us changed.
    Interested(bool),
    /// The peer has this piece.
    Have(PieceIndex),
    /// The peer has a piece no more (BEP 54), and will not answer these requests for it.
    DontHave {
        /// The piece.
        piece: PieceIndex,
        /// The ranges, released.
        dropped: Vec<BlockRange>,
    },
    /// The peer has exactly these pieces.
    HaveSet(Bitfield),
    /// The peer has everything.
    HaveAll,
    /// The peer has nothing.
    HaveNone,
    /// A block that we asked for, now or earlier.
    Block {
        /// Where it belongs.
        range: BlockRange,
        /// The payload.
        data: Block,
        /// It was cancelled or given up before it came. If nobody needs it, that is why.
        late: bool,
    },
    /// A request will not be answered.
    Rejected(BlockRange),
    /// The peer wants this block, and may have it as far as the session can tell. The owner answers with
    /// [`Session::accept`] or [`Session::refuse`].
    Request(BlockRange),
    /// We may ask for this piece while choked.
    AllowedFast(PieceIndex),
    /// The peer hints at this piece.
    Suggested(PieceIndex),
    /// An extended handshake came; [`Session::peer_extensions`] holds the sum of all.
    Extended,
    /// A piece of metadata that we asked for, of the length that it must have.
    MetadataPiece {
        /// Bytes of the whole dictionary, as the peer claimed.
        size: u32,
        /// Which piece.
        piece: u32,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// The peer does not give this piece of metadata.
    MetadataRejected(u32),
    /// The peer names peers that it is connected to, and others no more (BEP 11).
    Pex(PexMessage),
    /// No block came for too long: the requests are better asked for elsewhere.
    Snubbed {
        /// The outstanding ranges, released.
        released: Vec<BlockRange>,
    },
    /// A request is given up.
    Expired(BlockRange),
    /// Something odd that is no violation.
    Lint(&'static str),
    /// The session is over.
    Ended(End),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Phase {
    /// Dialled, not established.
    Connecting,
    /// The encrypted handshake is not over.
    Encrypting(Box<Initiator>),
    /// Our handshake may be out, the peer's is not whole.
    Handshaking(HandshakeDecoder),
    /// Messages flow.
    Open(Decoder),
    /// Nothing goes out any more, nothing is read.
    Over,
}

/// A message or several, with the block that follows them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outgoing {
    /// Encoded messages.
    pub head: Vec<u8>,
    /// Payload that follows.
    pub body: Option<Block>,
}

/// Requests that BitComet takes, whatever it says; it drops the rest [libtorrent].
const BITCOMET_REQUESTS_MAX: u32 = 50;

/// One connection to one peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// The torrent's, and no part of a checkpoint: it gives them again.
    #[serde(skip, default = "Rules::of_nothing")]
    rules: Arc<Rules>,
    addr: SocketAddr,
    outgoing: bool,
    phase: Phase,
    peer_id: Option<PeerId>,
    reserved: Reserved,
    extensions: ExtendedHandshake,

    am_choking: bool,
    am_interested: bool,
    peer_choking: bool,
    /// When the peer last choked or unchoked us, else when the session began.
    choke_changed: Instant,
    peer_interested: bool,
    /// Pieces that the peer lets us have while it chokes us.
    allowed_to_us: Vec<PieceIndex>,
    /// Pieces that we let the peer have while we choke it.
    allowed_to_peer: Vec<PieceIndex>,

    encrypted: encrypted::Encrypted,
    /// Payload in the last lent slice, when the session ended within it.
    payload_at_end: Spans,
    /// What the peer said of pieces before their number was known.
    held_claims: held::Held,
    exchange: metadata::Exchange,
    requests: Requests,
    refusals: Refusals,
    uploads: Uploads,
    stray_rejects: u32,
    /// When the last messages of peer exchange came, at most as many as are allowed in a minute.
    pex_heard: VecDeque<Instant>,

    created: Instant,
    established: Instant,
    last_received: Instant,
    /// Since when nothing is read, as our disk is behind or a rate limit reached: whatever the peer owes is late for a
    /// reason of ours.
    held: Option<Instant>,
    last_sent: Instant,
    /// When either side last wanted something of the other, or stopped to.
    last_wanted: Instant,
    last_choke_change: Option<Instant>,
    unchoked_at: Option<Instant>,
    last_block: Option<Instant>,

    /// What became of the bytes that came, as far as it was decided here; the owner takes it over.
    received: Ledger,
    downloaded: u64,
    uploaded: u64,
    uploaded_this_unchoke: u64,

    /// Branches that were taken.
    marks: Marks,
    outbox: Vec<Outgoing>,
    trace: Vec<(bool, String)>,
}

impl Session {
    /// A connection that we dial now.
    pub fn dial(now: Instant, rules: Arc<Rules>, addr: SocketAddr) -> Self {
        Self::new(now, rules, addr, true, Phase::Connecting, Reserved::NONE)
    }

    /// A connection whose other side dialled us at `accepted`; `decoder` has yielded the head of its handshake, with `reserved`.
    /// Our handshake goes out at once: a tracker that checks whether we are reachable stops after the head.
    pub fn accept_connection(
        now: Instant,
        rules: Arc<Rules>,
        addr: SocketAddr,
        accepted: Instant,
        decoder: HandshakeDecoder,
        reserved: Reserved,
    ) -> Self {
        let head = decoder.taken() as u64;
        let mut session = Self::new(now, rules, addr, false, Phase::Handshaking(decoder), reserved);
        session.received.protocol += head;
        session.established = accepted;
        session.send_handshake(now);
        session
    }

    fn new(
        now: Instant,
        rules: Arc<Rules>,
        addr: SocketAddr,
        outgoing: bool,
        phase: Phase,
        reserved: Reserved,
    ) -> Self {
        Self {
            rules,
            addr,
            outgoing,
            phase,
            peer_id: None,
            reserved,
            extensions: ExtendedHandshake::default(),
            am_choking: true,
            am_interested: false,
            peer_choking: true,
            choke_changed: now,
            peer_interested: false,
            allowed_to_us: Vec::new(),
            allowed_to_peer: Vec::new(),
            encrypted: encrypted::Encrypted::default(),
            payload_at_end: Spans::new(),
            held_claims: held::Held::default(),
            exchange: metadata::Exchange::default(),
            requests: Requests::default(),
            refusals: Refusals::default(),
            uploads: Uploads::default(),
            stray_rejects: 0,
            pex_heard: VecDeque::new(),
            created: now,
            established: now,
            last_received: now,
            held: None,
            last_sent: now,
            last_wanted: now,
            last_choke_change: None,
            unchoked_at: None,
            last_block: None,
            received: Ledger::default(),
            downloaded: 0,
            uploaded: 0,
            uploaded_this_unchoke: 0,
            marks: Marks::default(),
            outbox: Vec::new(),
            trace: Vec::new(),
        }
    }

    /// The dialled connection is established: our handshake goes out.
    pub fn handle_connected(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Connecting) {
            self.established = now;
            self.last_received = now;
            if !self.begin_encryption(now) {
                self.phase = Phase::Handshaking(HandshakeDecoder::new());
                self.send_handshake(now);
            }
        }
    }

    /// The system took bytes of ours.
    pub fn handle_sent(&mut self, bytes: u64) {
        self.uploads.unsent = self.uploads.unsent.saturating_sub(bytes);
    }

    /// Bytes given out and not yet taken by the system.
    pub const fn unsent(&self) -> u64 {
        self.uploads.unsent
    }

    /// Nothing is read from the peer until [`Session::go_on_reading`].
    pub fn hold_reading(&mut self, now: Instant) {
        self.marks.hit(Mark::ReadingHeld);
        self.held.get_or_insert(now);
    }

    /// The peer is read from again. The time of what it owes begins now, and it may have become interested meanwhile.
    pub fn go_on_reading(&mut self, now: Instant) {
        if let Some(since) = self.held.take() {
            self.last_received = now;
            self.last_wanted = self.last_wanted + now.since(since.max(self.last_wanted));
            self.requests.restart(now);
        }
    }

    /// Nothing was read for a while because we did not run. The time of what the peer owes begins now.
    pub fn overslept(&mut self, now: Instant) {
        match self.phase {
            Phase::Connecting => self.created = now,
            Phase::Encrypting(_) | Phase::Handshaking(_) => self.established = now,
            Phase::Open(_) | Phase::Over => {}
        }
        self.last_received = now;
        self.requests.restart(now);
    }

    /// Ends the session; what was given out for sending still goes.
    pub fn end(&mut self) {
        self.encrypted.unfinished |= self.is_encrypting();
        if let Phase::Open(decoder) = &self.phase {
            self.payload_at_end = decoder.payload_spans().into();
            // a block that will never be whole
            let bytes = decoder.partial_piece().map_or(0, |(_, bytes)| bytes);
            self.received.protocol += u64::from(bytes);
        }
        self.phase = Phase::Over;
    }

    /// Address of the peer.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Whether we dialled.
    pub const fn is_outgoing(&self) -> bool {
        self.outgoing
    }

    /// Whether the TCP connection is not established yet.
    pub const fn is_connecting(&self) -> bool {
        matches!(self.phase, Phase::Connecting)
    }

    /// Whether messages flow.
    pub const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Whether the session is over.
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// The peer's id, once it is known.
    pub const fn peer_id(&self) -> Option<PeerId> {
        self.peer_id
    }

    /// The sum of the peer's extended handshakes (BEP 10).
    pub const fn peer_extensions(&self) -> &ExtendedHandshake {
        &self.extensions
    }

    /// The peer's client, fit for a terminal: the extended handshake's `v`, else what the peer id tells.
    pub fn client(&self) -> String {
        let by_id = || {
            self.peer_id
                .map_or_else(|| "unknown".into(), |id| client_name(&id))
        };
        self.extensions.client.clone().unwrap_or_else(by_id)
    }

    /// Whether both sides speak the Fast extension (BEP 6).
    pub const fn fast(&self) -> bool {
        self.reserved.fast()
    }

    /// Whether we choke the peer.
    pub const fn am_choking(&self) -> bool {
        self.am_choking
    }

    /// Whether we told the peer that we want something of it.
    pub const fn am_interested(&self) -> bool {
        self.am_interested
    }

    /// Whether the peer chokes us.
    pub const fn peer_choking(&self) -> bool {
        self.peer_choking
    }

    /// Whether the peer wants something of us.
    pub const fn peer_interested(&self) -> bool {
        self.peer_interested
    }

    /// Whether the peer keeps us waiting.
    pub const fn snubbed(&self) -> bool {
        self.requests.snubbed
    }

    /// Pieces that we may ask for although choked (BEP 6).
    pub fn allowed_fast(&self) -> &[PieceIndex] {
        &self.allowed_to_us
    }

    /// Requests outstanding.
    pub fn outstanding(&self) -> usize {
        self.requests.outstanding()
    }

    /// The outstanding requests that only this peer was asked for, as far as it knows.
    pub fn unreleased(&self) -> impl Iterator<Item = BlockRange> + '_ {
        self.requests.unreleased()
    }

    /// Requests of the peer that wait or are being read.
    pub fn uploads_queued(&self) -> usize {
        self.uploads.len()
    }

    /// How many more requests belong into the pipeline now.
    pub fn wants(&self) -> usize {
        let may = self.is_open() && self.am_interested && !self.refusals.is_pausing();
        if !may || (self.peer_choking && self.allowed_to_us.is_empty()) {
            return 0;
        }
        let reqq = self
            .extensions
            .reqq
            .unwrap_or(self.rules.config.reqq_default)
            .max(1);
        let reqq = match self.peer_id {
            Some(id) if id.0.starts_with(b"-BC") => reqq.min(BITCOMET_REQUESTS_MAX),
            _ => reqq,
        };
        let block_length = self.rules.geometry.block_length();
        let depth = self.requests.depth(&self.rules.config, block_length).min(reqq) as usize;
        depth.saturating_sub(self.requests.outstanding())
    }

    /// Blocks that the line to the peer holds.
    pub fn races(&self) -> usize {
        self.requests.on_the_way(self.rules.geometry.block_length())
    }

    /// Branches that were taken.
    pub const fn marks(&self) -> Marks {
        self.marks
    }

    /// Whether the peer said that it wants nothing more (BEP 21).
    pub fn is_upload_only(&self) -> bool {
        self.extensions.upload_only == Some(true)
    }

    /// Takes the rules of its torrent, after it was read from a checkpoint.
    pub fn set_rules(&mut self, rules: Arc<Rules>) {
        self.rules = rules;
    }

    /// With [`Rules::trace`]: the messages since the last call, and whether we sent them.
    pub fn take_trace(&mut self) -> Vec<(bool, String)> {
        core::mem::take(&mut self.trace)
    }
}
