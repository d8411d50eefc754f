//! One connection of a model peer: what each side said, what is owed, what was counted.
//!
//! The names are the peer's: `am_` is the model, `they_` is the engine.

use super::metadata::Exchange;
use super::veil::Veil;
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{PeerId, PieceIndex};
use seedbed_engine::net::CloseCause;
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::wire::{Decoder, HandshakeDecoder, Reserved};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Requests that a model takes, as it says, and as others assume of one who is silent about it.
pub const REQQ: usize = 250;

/// How far a connection is.
#[derive(Clone, Debug)]
pub enum Phase {
    /// Dialled, not established.
    Connecting,
    /// Waits for the other's handshake.
    Handshaking(HandshakeDecoder),
    /// Messages flow.
    Open(Decoder),
    /// Nothing that comes is read as a message any more.
    Over,
}

/// What went over a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Payload bytes given.
    pub served: u64,
    /// Payload bytes got.
    pub received: u64,
    /// Blocks got that are the torrent's.
    pub blocks_right: u64,
    /// Blocks got that are not.
    pub blocks_wrong: u64,
    /// Requests got.
    pub requests: u64,
    /// Rejects got.
    pub rejects: u64,
    /// Unchokes got.
    pub unchokes: u64,
    /// Messages got.
    pub messages: u64,
}

/// A connection that is no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Past {
    /// The other end.
    pub other: SocketAddr,
    /// When it ended.
    pub at: Instant,
    /// How; none if the model ended it.
    pub cause: Option<CloseCause>,
    /// Whether messages flowed.
    pub was_open: bool,
    /// What went over it.
    pub counters: Counters,
}

/// A connection.
#[derive(Clone, Debug)]
pub struct Conn {
    /// The other end.
    pub other: SocketAddr,
    /// Whether the model dialled.
    pub dialled: bool,
    /// How far it is.
    pub phase: Phase,
    /// How it is hidden.
    pub veil: Veil,
    /// Whether our handshake is out.
    pub handshaken: bool,
    /// Who the other is.
    pub their_id: Option<PeerId>,
    /// What we say to understand.
    pub our_bits: Reserved,
    /// What they say to understand.
    pub their_bits: Reserved,
    /// Both speak the Fast extension (BEP 6).
    pub fast: bool,
    /// Both speak the extension protocol (BEP 10).
    pub extended: bool,
    /// Whether we said that we take lost pieces (BEP 54).
    pub our_dont_have: bool,
    /// Whether we said that we take peer exchange (BEP 11).
    pub our_pex: bool,
    /// Whether they have said which extensions they take.
    pub their_words: bool,
    /// The id under which they take lost pieces (BEP 54).
    pub their_dont_have: Option<u8>,
    /// The id under which they take peer exchange (BEP 11).
    pub their_pex: Option<u8>,
    /// We choke.
    pub am_choking: bool,
    /// We said that we are interested.
    pub am_interested: bool,
    /// They choke.
    pub they_choke: bool,
    /// They said that they are interested.
    pub they_interested: bool,
    /// When we last choked.
    pub choked_at: Option<Instant>,
    /// Whether we have ever unchoked.
    pub ever_unchoked: bool,
    /// Pieces that we have ever said to have.
    pub claimed: Bitfield,
    /// Pieces that they said to have.
    pub theirs: Bitfield,
    /// Pieces that we granted while choked (BEP 6).
    pub granted: Vec<PieceIndex>,
    /// Pieces that they granted.
    pub granted_to_us: Vec<PieceIndex>,
    /// Requests that they may have outstanding: what was told last, or what clients assume.
    pub reqq: usize,
    /// Requests to be served.
    pub queue: VecDeque<BlockRange>,
    /// Requests that they may count as outstanding.
    pub owed: Vec<BlockRange>,
    /// Requests of ours that are not answered.
    pub asked: Vec<BlockRange>,
    /// Requests of ours that we took back; a block may still come.
    pub taken_back: Vec<BlockRange>,
    /// The request that the reference peer is just making; any other is a behaviour's.
    pub asking: Option<BlockRange>,
    /// Blocks of the piece that is fetched here, to be asked for.
    pub wanted: VecDeque<BlockRange>,
    /// Bytes to be sent at the end of this turn.
    pub out: Vec<u8>,
    /// Bytes that are sent little by little.
    pub paced: VecDeque<u8>,
    /// Whether a turn of the pacing is due.
    pub pacing: bool,
    /// Bytes that the network has not taken yet.
    pub unsent: u64,
    /// Bytes read and not yet given back as budget.
    pub owed_budget: u64,
    /// Bytes handed to the network.
    pub sent: u64,
    /// When we last sent.
    pub last_sent: Instant,
    /// When they last sent.
    pub last_received: Instant,
    /// How many bytes are sent at a time, and the wait between.
    pub pace: Option<(usize, Duration)>,
    /// Whether the peer id is still to be said.
    pub echoes_id: bool,
    /// How long our messages wait for the end of our handshake.
    pub delay: Duration,
    /// Whether the greeting went out with the handshake.
    pub greeted: bool,
    /// When the last block came, or requests were taken back.
    pub last_block: Instant,
    /// Nothing more is sent.
    pub muted: bool,
    /// Nothing more is read.
    pub deaf: bool,
    /// Metadata (BEP 9).
    pub metadata: Exchange,
    /// What went over it.
    pub counters: Counters,
}

impl Conn {
    /// A new connection.
    pub fn new(other: SocketAddr, dialled: bool, pieces: u32, now: Instant) -> Self {
        Self {
            other,
            dialled,
            phase: if dialled {
                Phase::Connecting
            } else {
                Phase::Handshaking(HandshakeDecoder::new())
            },
            veil: if dialled {
                Veil::Plain
            } else {
                Veil::Undecided(Vec::new())
            },
            handshaken: false,
            their_id: None,
            our_bits: Reserved::NONE,
            their_bits: Reserved::NONE,
            fast: false,
            extended: false,
            our_dont_have: false,
            our_pex: false,
            their_words: false,
            their_dont_have: None,
            their_pex: None,
            am_choking: true,
            am_interested: false,
            they_choke: true,
            they_interested: false,
            choked_at: None,
            ever_unchoked: false,
            claimed: Bitfield::new(pieces),
            theirs: Bitfield::new(pieces),
            granted: Vec::new(),
            granted_to_us: Vec::new(),
            reqq: REQQ,
            queue: VecDeque::new(),
            owed: Vec::new(),
            asked: Vec::new(),
            taken_back: Vec::new(),
            asking: None,
            wanted: VecDeque::new(),
            out: Vec::new(),
            paced: VecDeque::new(),
            pacing: false,
            unsent: 0,
            owed_budget: 0,
            sent: 0,
            last_sent: now,
            last_received: now,
            pace: None,
            echoes_id: false,
            delay: Duration::ZERO,
            greeted: false,
            last_block: now,
            muted: false,
            deaf: false,
            metadata: Exchange::default(),
            counters: Counters::default(),
        }
    }

    /// Whether messages flow.
    pub const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// A request that was taken back is answered.
    pub fn forget(&mut self, range: BlockRange) {
        if let Some(at) = self.taken_back.iter().position(|known| *known == range) {
            self.taken_back.swap_remove(at);
        }
    }

    /// Whether few pieces are left to the other: its end-game.
    pub fn is_endgame(&self) -> bool {
        let pieces = self.theirs.capacity();
        self.theirs.count() + (pieces / 8).max(2) >= pieces
    }
}
