//! A connection of an engine as its two byte streams show it.

use super::stream::Stream;
use super::tap::Tap;
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{PeerId, PieceIndex};
use seedbed_engine::time::{Duration, Instant};
use std::net::SocketAddr;

/// What speaks on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Nothing was sent yet.
    Unknown,
    Peer,
    Http,
}

/// A request of ours that no answer has come for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    pub(crate) range: BlockRange,
    pub(crate) at: Instant,
    /// We said that we do not want it any more; with the Fast extension an answer still comes (BEP 6).
    pub(crate) cancelled: bool,
    /// The peer was silent for so long that others may be asked.
    pub(crate) released: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Conn {
    pub(crate) addr: SocketAddr,
    pub(crate) dialled: bool,
    pub(crate) connected: bool,
    pub(crate) kind: Kind,
    pub(crate) tap: Tap,
    /// The torrent answers for its bytes: whoever dialled us is nobody's before the first word of ours in clear.
    pub(crate) owned: bool,
    pub(crate) received: Stream,
    pub(crate) sent: Stream,
    /// What came back from an HTTP server.
    pub(crate) answer: Vec<u8>,
    /// The reserved bits that we sent, and those of the peer.
    pub(crate) ours: Option<[u8; 8]>,
    pub(crate) theirs: Option<[u8; 8]>,
    pub(crate) peer_id: Option<PeerId>,
    /// The size of the info dictionary as the peer says it, and the id under which it takes messages on it.
    pub(crate) metadata: Option<(u32, u8)>,
    /// What went over it of peer exchange.
    pub(crate) pex: super::pex::Exchanged,
    /// Messages sent behind the handshake.
    pub(crate) messages: u64,
    /// When it last heard of us.
    pub(crate) said_at: Instant,
    pub(crate) over_long: bool,
    pub(crate) has: Bitfield,
    pub(crate) choking_us: bool,
    pub(crate) choked: bool,
    pub(crate) interesting: bool,
    pub(crate) interested: bool,
    /// Since when it is interested without being unchoked.
    pub(crate) waits_since: Option<Instant>,
    /// When it became interested, having been unchoked before: it may have the slot until the next round.
    pub(crate) interested_late: Option<Instant>,
    pub(crate) allowed_to_us: Vec<PieceIndex>,
    pub(crate) allowed_to_peer: Vec<PieceIndex>,
    pub(crate) reqq: Option<u32>,
    pub(crate) asked: Vec<Asked>,
    /// Cancelled requests whose answer is not waited for any more; the engine may wait longer.
    pub(crate) let_go: usize,
    /// Requests that it refused since its last block, while it let us ask.
    pub(crate) refused: u32,
    /// Since when it is idle in end-game and could be asked for what others owe.
    pub(crate) could_race: Option<Instant>,
    /// When the last block came, or the first request went to a peer that owed nothing.
    pub(crate) progress: Instant,
    pub(crate) snubbed: bool,
    /// Requests of the peer that were neither answered nor cancelled.
    pub(crate) wanted: Vec<BlockRange>,
    /// Requests that the peer cancelled. With the Fast extension each of them still gets an answer (BEP 6); without it
    /// the block may have been on its way from the disk.
    pub(crate) unwanted: Vec<BlockRange>,
    /// It has asked for a block that it waited for already, or whose cancel was not answered: nobody answers that twice.
    pub(crate) repeats: bool,
    /// Bytes of a peer that dialled us, before we said a word.
    pub(crate) early: u64,
    /// Bytes that came.
    pub(crate) came: u64,
    /// Bytes given to the network, and bytes that it took.
    pub(crate) given: u64,
    pub(crate) taken: u64,
    /// Bytes beside blocks that were given since nothing waited: other messages do not wait for room.
    pub(crate) control: u64,
    /// Bytes that it may still send.
    pub(crate) budget: u64,
    /// Something happened to it since it was last looked at.
    pub(crate) dirty: bool,
}

impl Conn {
    pub(crate) fn new(addr: SocketAddr, dialled: bool, pieces: u32) -> Self {
        Self {
            addr,
            dialled,
            connected: !dialled,
            kind: if dialled { Kind::Unknown } else { Kind::Peer },
            tap: Tap::new(),
            owned: false,
            received: Stream::default(),
            sent: Stream::default(),
            answer: Vec::new(),
            ours: None,
            theirs: None,
            peer_id: None,
            metadata: None,
            pex: super::pex::Exchanged::default(),
            messages: 0,
            said_at: Instant::START,
            over_long: false,
            has: Bitfield::new(pieces),
            choking_us: true,
            choked: true,
            interesting: false,
            interested: false,
            waits_since: None,
            interested_late: None,
            allowed_to_us: Vec::new(),
            allowed_to_peer: Vec::new(),
            reqq: None,
            asked: Vec::new(),
            let_go: 0,
            refused: 0,
            could_race: None,
            progress: Instant::START,
            snubbed: false,
            wanted: Vec::new(),
            unwanted: Vec::new(),
            repeats: false,
            early: 0,
            came: 0,
            given: 0,
            taken: 0,
            control: 0,
            budget: 0,
            dirty: false,
        }
    }

    /// Whether messages flow: both handshakes are whole.
    pub(crate) const fn is_open(&self) -> bool {
        self.ours.is_some() && self.peer_id.is_some()
    }

    /// Whether both sides speak the Fast extension (BEP 6: bit 3 of the last byte).
    pub(crate) fn fast(&self) -> bool {
        let has = |bits: Option<[u8; 8]>| bits.is_some_and(|bits| bits[7] & 4 != 0);
        has(self.ours) && has(self.theirs)
    }

    /// The peer's extended handshake.
    pub(crate) fn extensions(&mut self, body: &[u8]) {
        self.reqq = reqq(body).or(self.reqq);
        self.pex.theirs = super::pex::number_of(body, "ut_pex").unwrap_or(self.pex.theirs);
        let size = super::pex::number_of(body, "metadata_size");
        let id = super::pex::number_of(body, "ut_metadata").filter(|id| *id != 0);
        self.metadata = size.zip(id).or(self.metadata);
    }

    /// The peer's words about how many requests it queues, as far as they can be believed.
    pub(crate) fn requests_max(&self, default: u32, pipeline_max: u32) -> usize {
        self.reqq.unwrap_or(default).clamp(1, pipeline_max) as usize
    }

    /// Notes that the peer has become silent, if it has: what it was asked for is free for others, each told once.
    pub(crate) fn silent(&mut self, now: Instant, snub: Duration) -> Vec<BlockRange> {
        if self.asked.is_empty() || self.snubbed || now < self.progress + snub {
            return Vec::new();
        }
        self.snubbed = true;
        let open = self.asked.iter_mut().filter(|asked| !asked.released);
        open.filter_map(|asked| {
            asked.released = true;
            (!asked.cancelled).then_some(asked.range)
        })
        .collect()
    }

    /// Whether this block is outstanding and nobody else may be asked but in end-game.
    pub(crate) fn holds(&self, range: BlockRange) -> bool {
        let same = |asked: &&Asked| asked.range == range && !asked.cancelled && !asked.released;
        self.asked.iter().any(|asked| same(&asked))
    }

    /// An answer to a request; false when it was not outstanding.
    pub(crate) fn answered(&mut self, range: BlockRange) -> bool {
        let at = self.asked.iter().position(|asked| asked.range == range);
        at.map(|at| self.asked.remove(at)).is_some()
    }
}

/// `reqq` of an extended handshake (BEP 10), found without a parser: keys of a dictionary are written one way only.
fn reqq(dictionary: &[u8]) -> Option<u32> {
    let key = b"4:reqqi";
    let at = dictionary.windows(key.len()).position(|window| window == key)? + key.len();
    let digits = dictionary.get(at..)?;
    let digits = &digits[..digits.iter().position(|byte| *byte == b'e')?];
    std::str::from_utf8(digits).ok()?.parse().ok()
}
