//! From a stream of bytes, cut anywhere, to messages (BEP 3: length prefix, id, payload).
//!
//! Invariants:
//! - what is yielded depends on the bytes alone, not on how they were cut;
//! - a length is held against the limits before a byte is allocated for it, a fixed-size message's length as soon
//!   as its id is there;
//! - the payload of `piece` is copied once, into a buffer of exactly its size; the buffer of any other message
//!   grows with the bytes that came and not with what the prefix promises;
//! - after an error every further call gives the same error and takes nothing.

use super::message::{Message, id, name};
use crate::geometry::{BlockRange, PIECE_COUNT_MAX};
use crate::id::PieceIndex;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// The longest of the fixed-size messages (`request`, `cancel`, `reject`) with its prefix: bytes that may have to
/// be kept when a read ends within the head of a message.
const HEAD_MAX: usize = 17;

/// How long messages may be. Longer ones are an error before anything is allocated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Largest length prefix (id byte and payload) of any message but `piece`. The torrent's bitfield must fit.
    pub message_max: u32,
    /// Longest payload of `piece`: the longest block that we ever ask for.
    pub block_max: u32,
}

impl Limits {
    /// Limits for a torrent: the bitfield of `pieces` fits, or the largest legal one while the number is unknown
    /// (a magnet link before its metadata), and so does an extended message of prefix `extended_max`.
    pub fn for_torrent(pieces: Option<u32>, extended_max: u32, block_max: u32) -> Self {
        let bitfield = pieces.unwrap_or(PIECE_COUNT_MAX).div_ceil(8);
        Self {
            message_max: extended_max.max(bitfield.saturating_add(1)),
            block_max,
        }
    }

    /// The largest prefix of a `piece` message.
    const fn piece_max(&self) -> u32 {
        self.block_max.saturating_add(9)
    }

    /// A prefix above this is wrong whatever the id.
    fn prefix_max(&self) -> u32 {
        self.message_max.max(self.piece_max()).max(13)
    }
}

/// Why bytes are not a message. The peer's fault, always.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum WireError {
    /// The length prefix is over the limit.
    TooLong {
        /// The message's id; none when the prefix is over every limit, so that the id does not matter.
        id: Option<u8>,
        /// The prefix.
        length: u32,
        /// The largest prefix allowed.
        limit: u32,
    },
    /// The length prefix does not fit the message, whose size the BEP fixes or bounds from below.
    WrongLength {
        /// The message's id.
        id: u8,
        /// The prefix.
        length: u32,
    },
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooLong { id, length, limit } => {
                write!(f, "{} of length {length}, allowed is {limit}", Named(id))
            }
            Self::WrongLength { id, length } => write!(f, "{} of wrong length {length}", Named(Some(id))),
        }
    }
}

/// A message as an error names it: by its word, by its number when it has none.
struct Named(Option<u8>);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.map(|id| (id, name(id))) {
            None => f.write_str("message"),
            Some((id, None)) => write!(f, "message {id}"),
            Some((_, Some(name))) => f.write_str(name),
        }
    }
}

impl core::error::Error for WireError {}

/// Takes a connection's bytes after the handshake and yields its messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Decoder {
    limits: Limits,
    state: State,
    /// Bytes taken since `begin_input`.
    taken: usize,
    spans: SmallVec<[Range<usize>; 4]>,
    /// Bytes taken that were no payload, not yet asked for.
    overhead: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum State {
    /// Between messages, or within the first bytes of one.
    Head { bytes: [u8; HEAD_MAX], filled: usize },
    /// Within a message of any length but `piece`.
    Body {
        kind: Kind,
        bytes: Vec<u8>,
        length: usize,
    },
    /// Within the payload of `piece`.
    Piece { range: BlockRange, data: Payload },
    /// Within a message that nobody knows.
    Skip { id: u8, length: u32, left: u32 },
    /// Over: the stream cannot be followed any more.
    Failed(WireError),
}

/// Messages of variable length other than `piece`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Kind {
    Bitfield,
    Extended(u8),
}

/// Part of a block. `Debug` prints only the length: payload is the user's.
#[derive(Clone, Serialize, Deserialize)]
struct Payload(#[serde(with = "crate::block::only_length")] Vec<u8>);

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

/// What the first bytes of a message say.
enum Head {
    /// Nothing before this many bytes are there.
    Needs(usize),
    /// The message is whole.
    Whole(Message),
    /// What follows is read in this state.
    Enters(State),
}

impl Decoder {
    /// A decoder at the start of a message.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::START,
            taken: 0,
            spans: SmallVec::new(),
            overhead: 0,
        }
    }

    /// Changes the limits from the next head on; a message that has begun is finished under the old ones.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Says that the bytes of the next calls are a new slice: [`Decoder::payload_spans`] starts over. To be called
    /// for every slice, or the spans add up. Bytes of the same read that went to the handshake are not counted.
    pub fn begin_input(&mut self) {
        self.taken = 0;
        self.spans.clear();
    }

    /// Which bytes of the slice that began with [`Decoder::begin_input`] were payload of `piece`: ascending, disjoint
    /// offsets, for a recorder that leaves payload out. Bytes that were not taken (behind an error) are not covered.
    pub fn payload_spans(&self) -> &[Range<usize>] {
        &self.spans
    }

    /// Bytes taken since the last call that were no payload of `piece`: heads of messages, and all other messages.
    pub const fn take_overhead(&mut self) -> u64 {
        core::mem::replace(&mut self.overhead, 0)
    }

    /// The next message. `input` is advanced behind what was taken; none says that all of it was.
    ///
    /// # Errors
    /// When the peer broke the framing. The connection cannot go on: every later call gives the same error.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Message>, WireError> {
        loop {
            if let State::Failed(error) = self.state {
                return Err(error);
            }
            match self.advance(input) {
                Ok(Step::Message(message)) => return Ok(Some(message)),
                Ok(Step::Again) => {}
                Ok(Step::Starved) => return Ok(None),
                Err(error) => self.state = State::Failed(error),
            }
        }
    }

    /// The block that is arriving: its range and how many bytes of it are here.
    pub fn partial_piece(&self) -> Option<(BlockRange, u32)> {
        match &self.state {
            // never above `range.length`, a u32
            State::Piece { range, data } => Some((*range, data.0.len() as u32)),
            _ => None,
        }
    }

    /// Bytes kept of a message that is not whole yet: at most the larger of `message_max` and `block_max`, or 17.
    pub fn stashed(&self) -> usize {
        match &self.state {
            State::Head { filled, .. } => *filled,
            State::Body { bytes, .. } => bytes.len(),
            State::Piece { data, .. } => data.0.len(),
            State::Skip { .. } | State::Failed(_) => 0,
        }
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Step, WireError> {
        let (step, next) = match &mut self.state {
            State::Head { bytes, filled } => {
                match head(bytes.get(..*filled).unwrap_or_default(), &self.limits)? {
                    Head::Needs(needed) => {
                        let got = take(input, needed - *filled, &mut self.taken);
                        for (slot, byte) in bytes.iter_mut().skip(*filled).zip(got) {
                            *slot = *byte;
                        }
                        *filled += got.len();
                        self.overhead += got.len() as u64;
                        return Ok(if *filled < needed {
                            Step::Starved
                        } else {
                            Step::Again
                        });
                    }
                    Head::Whole(message) => (Step::Message(message), State::START),
                    Head::Enters(state) => (Step::Again, state),
                }
            }
            State::Body { kind, bytes, length } => {
                let got = take(input, *length - bytes.len(), &mut self.taken);
                append(bytes, got, *length);
                self.overhead += got.len() as u64;
                if bytes.len() < *length {
                    return Ok(Step::Starved);
                }
                (Step::Message(kind.message(core::mem::take(bytes))), State::START)
            }
            State::Piece { range, data } => {
                let start = self.taken;
                let left = range.length as usize - data.0.len();
                let got = take(input, left, &mut self.taken);
                if !got.is_empty() {
                    self.spans.push(start..self.taken);
                }
                data.0.extend_from_slice(got);
                if got.len() < left {
                    return Ok(Step::Starved);
                }
                let (range, data) = (*range, core::mem::take(&mut data.0).into());
                (Step::Message(Message::Piece { range, data }), State::START)
            }
            State::Skip { id, length, left } => {
                let got = take(input, *left as usize, &mut self.taken);
                // never above `left`, a u32
                *left -= got.len() as u32;
                self.overhead += got.len() as u64;
                if *left > 0 {
                    return Ok(Step::Starved);
                }
                let (id, length) = (*id, *length);
                (Step::Message(Message::Unknown { id, length }), State::START)
            }
            State::Failed(error) => return Err(*error),
        };
        self.state = next;
        Ok(step)
    }
}

/// What one look at the input came to.
enum Step {
    Message(Message),
    Again,
    Starved,
}

impl State {
    const START: Self = Self::Head {
        bytes: [0; HEAD_MAX],
        filled: 0,
    };
}

impl Kind {
    fn message(self, bytes: Vec<u8>) -> Message {
        match self {
            Self::Bitfield => Message::Bitfield(bytes),
            Self::Extended(id) => Message::Extended { id, payload: bytes },
        }
    }
}

/// Reads the head of a message. Called again with more bytes, it says the same of those it had.
fn head(bytes: &[u8], limits: &Limits) -> Result<Head, WireError> {
    let Some((prefix, rest)) = bytes.split_first_chunk::<4>() else {
        return Ok(Head::Needs(4));
    };
    let length = u32::from_be_bytes(*prefix);
    if length == 0 {
        return Ok(Head::Whole(Message::KeepAlive));
    }
    let limit = limits.prefix_max();
    if length > limit {
        return Err(WireError::TooLong {
            id: None,
            length,
            limit,
        });
    }
    let Some((&id, body)) = rest.split_first() else {
        return Ok(Head::Needs(5));
    };
    check_length(id, length, limits)?;
    Ok(match id {
        id::BITFIELD => Head::Enters(State::Body {
            kind: Kind::Bitfield,
            bytes: Vec::new(),
            length: length as usize - 1,
        }),
        id::EXTENDED => match body.first() {
            None => Head::Needs(6),
            Some(extension) => Head::Enters(State::Body {
                kind: Kind::Extended(*extension),
                bytes: Vec::new(),
                length: length as usize - 2,
            }),
        },
        id::PIECE if body.len() < 8 => Head::Needs(13),
        id::PIECE => {
            let length = length - 9;
            let range = BlockRange {
                piece: PieceIndex(word(body, 0)),
                begin: word(body, 1),
                length,
            };
            let data = Payload(Vec::with_capacity(length as usize));
            Head::Enters(State::Piece { range, data })
        }
        _ if fixed_length(id).is_none() => Head::Enters(State::Skip {
            id,
            length,
            left: length - 1,
        }),
        _ if body.len() < length as usize - 1 => Head::Needs(4 + length as usize),
        _ => Head::Whole(fixed(id, length, body)),
    })
}

/// The length prefix of the messages that have one size only.
const fn fixed_length(id: u8) -> Option<u32> {
    match id {
        id::CHOKE | id::UNCHOKE | id::INTERESTED | id::NOT_INTERESTED | id::HAVE_ALL | id::HAVE_NONE => {
            Some(1)
        }
        id::PORT => Some(3),
        id::HAVE | id::SUGGEST | id::ALLOWED_FAST => Some(5),
        id::REQUEST | id::CANCEL | id::REJECT => Some(13),
        _ => None,
    }
}

fn check_length(id: u8, length: u32, limits: &Limits) -> Result<(), WireError> {
    let (least, limit) = match (id, fixed_length(id)) {
        (_, Some(expected)) if length == expected => return Ok(()),
        (_, Some(_)) => return Err(WireError::WrongLength { id, length }),
        (id::PIECE, None) => (9, limits.piece_max()),
        (id::EXTENDED, None) => (2, limits.message_max),
        (_, None) => (1, limits.message_max),
    };
    if length < least {
        return Err(WireError::WrongLength { id, length });
    }
    if length > limit {
        return Err(WireError::TooLong {
            id: Some(id),
            length,
            limit,
        });
    }
    Ok(())
}

/// A message of fixed size from its whole payload.
fn fixed(id: u8, length: u32, body: &[u8]) -> Message {
    let piece = PieceIndex(word(body, 0));
    let range = BlockRange {
        piece,
        begin: word(body, 1),
        length: word(body, 2),
    };
    match id {
        id::CHOKE => Message::Choke,
        id::UNCHOKE => Message::Unchoke,
        id::INTERESTED => Message::Interested,
        id::NOT_INTERESTED => Message::NotInterested,
        id::HAVE => Message::Have(piece),
        id::REQUEST => Message::Request(range),
        id::CANCEL => Message::Cancel(range),
        id::PORT => Message::Port(body.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes))),
        id::SUGGEST => Message::Suggest(piece),
        id::HAVE_ALL => Message::HaveAll,
        id::HAVE_NONE => Message::HaveNone,
        id::REJECT => Message::Reject(range),
        id::ALLOWED_FAST => Message::AllowedFast(piece),
        _ => Message::Unknown { id, length },
    }
}

/// The `n`-th big-endian integer; 0 where the payload ends before it.
fn word(body: &[u8], n: usize) -> u32 {
    body.get(n * 4..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// Splits up to `count` bytes off the front of the input.
fn take<'a>(input: &mut &'a [u8], count: usize, taken: &mut usize) -> &'a [u8] {
    let (front, rest) = input.split_at(count.min(input.len()));
    *input = rest;
    *taken += front.len();
    front
}

/// Appends to a buffer that will hold `length` bytes: the allocation stays below twice what has come.
fn append(bytes: &mut Vec<u8>, got: &[u8], length: usize) {
    let needed = bytes.len() + got.len();
    if needed > bytes.capacity() {
        let size = needed.max((bytes.capacity() * 2).min(length));
        bytes.reserve_exact(size - bytes.len());
    }
    bytes.extend_from_slice(got);
}

#[cfg(test)]
mod tests;
