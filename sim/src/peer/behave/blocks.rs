//! What becomes of blocks on their way out: the rows on piece data, and those on serving or not.

use super::{Say, Trait, View};
use crate::peer::catalogue::Kind;
use crate::peer::conn::Conn;
use seedbed_engine::block::Block;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::PieceIndex;
use seedbed_engine::time::Duration;
use seedbed_engine::wire::{Message, encode_piece_head};

/// A late answer comes when the request is long given up.
const LATE: Duration = Duration::from_secs(65);
/// Blocks that are held back come at the latest after this.
const HOLD: Duration = Duration::from_millis(700);
/// How long a choke in the middle lasts.
const CHOKE: Duration = Duration::from_secs(2);
/// A block longer than any that is asked for.
const HUGE: u32 = 200_000;

impl Trait {
    /// What this behaviour sends instead of a block.
    pub(super) fn replace_block(
        &mut self,
        view: &mut View<'_>,
        conn: &Conn,
        message: Message,
        next: &mut Vec<Say>,
    ) {
        let Message::Piece { range, data } = &message else {
            return;
        };
        let (range, data) = (*range, data.clone());
        if !self.concerns(view, range) || !self.fires(view.now, conn.is_endgame(), view.marks) {
            next.push(Say::Message(message));
            return;
        }
        match self.entry.kind {
            Kind::Corrupts | Kind::Reconnects => {
                next.push(bad(range, &data, self.int("bit", 0) == 1, view.rng.next_u32()));
            }
            Kind::Colludes | Kind::BadBlock | Kind::BadLast => next.push(bad(range, &data, false, 0)),
            Kind::WrongOffset => next.push(Say::Message(Message::Piece {
                range,
                data: elsewhere(view, range, &data),
            })),
            Kind::Duplicates => next.extend([Say::Message(message.clone()), Say::Message(message)]),
            Kind::LateBlocks => {
                let late = self.time("late", LATE);
                next.push(Say::Later(late, Box::new(Say::Message(message))));
            }
            Kind::Snubs => {}
            Kind::FallsSilent => next.push(Say::Mute),
            Kind::RejectsAll | Kind::ClaimsAll if conn.fast => {
                next.push(Say::Message(Message::Reject(range)));
            }
            Kind::RejectsAll | Kind::ClaimsAll => {}
            Kind::RejectUnchoke => {
                next.push(Say::Message(if conn.fast {
                    Message::Reject(range)
                } else {
                    Message::Choke
                }));
                next.push(Say::Message(Message::Unchoke));
            }
            Kind::ChokesMidFlight => {
                next.extend([Say::Message(Message::Choke), Say::Message(message)]);
                let unchoke = Box::new(Say::Message(Message::Unchoke));
                next.push(Say::Later(self.time("lasts", CHOKE), unchoke));
            }
            Kind::Bursts | Kind::Shuffles => self.hold(view, message, next),
            Kind::CutMessage => next.extend([half(range, &data), Say::Close]),
            Kind::HalfBlock => next.extend([half(range, &data), Say::Mute]),
            kind => wrong_form(kind, view, range, &data, next),
        }
    }

    /// Whether it is about this block at all.
    fn concerns(&self, view: &View<'_>, range: BlockRange) -> bool {
        let block = range.begin / view.torrent.spec.block.max(1);
        let last = view.torrent.piece_bytes(range.piece).len() as u32 <= range.begin + range.length;
        match self.entry.kind {
            Kind::Corrupts => {
                let piece = self.params.int("piece", -1);
                piece < 0 || piece == i64::from(range.piece.0)
            }
            Kind::Colludes => block % 2 == self.int("part", 0) % 2,
            Kind::BadBlock => block == self.int("block", 0),
            Kind::BadLast | Kind::OverlongBlock => last,
            // a lonely block of one byte cannot be shorter
            Kind::ShortBlock => range.length > 1,
            Kind::NeverSpeaks => true,
            kind => kind.is_about_blocks(),
        }
    }

    /// Keeps blocks until enough are there; a timer brings the rest.
    fn hold(&mut self, view: &mut View<'_>, message: Message, next: &mut Vec<Say>) {
        self.held.push((view.id, message));
        let here = self.held.iter().filter(|(of, _)| *of == view.id).count();
        if here < self.int("blocks", 4) as usize {
            self.next_at = view.now + HOLD;
            return;
        }
        if self.entry.kind == Kind::Shuffles {
            view.rng.shuffle(&mut self.held);
        }
        let (mine, others) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|(of, _)| *of == view.id);
        self.held = others;
        let mine: Vec<_> = mine;
        next.extend(mine.into_iter().map(|(_, message)| Say::Message(message)));
    }
}

/// The block with one bit or all bytes changed.
fn bad(range: BlockRange, data: &Block, one_bit: bool, draw: u32) -> Say {
    let mut bytes = data.as_bytes().to_vec();
    if one_bit {
        let at = draw as usize % (bytes.len() * 8).max(1);
        if let Some(byte) = bytes.get_mut(at / 8) {
            *byte ^= 1 << (at % 8);
        }
    } else {
        for byte in &mut bytes {
            *byte = !*byte;
        }
    }
    Say::Message(Message::Piece {
        range,
        data: Block::from(bytes),
    })
}

/// Right bytes of another place in the torrent, of the same length.
fn elsewhere(view: &View<'_>, range: BlockRange, data: &Block) -> Block {
    let content = &view.torrent.content;
    let here = view.torrent.range_of(range.piece).start + range.begin as usize;
    let length = data.len();
    let there = if here + 2 * length <= content.len() {
        here + length
    } else {
        0
    };
    Block::from(
        content
            .get(there..there + length)
            .map_or_else(|| vec![0; length], <[u8]>::to_vec),
    )
}

/// The first half of a block's message.
fn half(range: BlockRange, data: &Block) -> Say {
    let mut bytes = Vec::new();
    encode_piece_head(range, &mut bytes);
    bytes.extend_from_slice(&data.as_bytes()[..data.len() / 2]);
    Say::Raw(bytes)
}

/// A block that is not what was asked for: its range, its length, its place.
fn wrong_form(kind: Kind, view: &View<'_>, range: BlockRange, data: &Block, next: &mut Vec<Say>) {
    let piece = |range: BlockRange, bytes: Vec<u8>| {
        Say::Message(Message::Piece {
            range: BlockRange {
                length: bytes.len() as u32,
                ..range
            },
            data: Block::from(bytes),
        })
    };
    let bytes = data.as_bytes().to_vec();
    match kind {
        Kind::ShortBlock => next.push(piece(range, bytes[..bytes.len() - 1].to_vec())),
        Kind::OverlongBlock => {
            let begin = range.begin + 1;
            next.push(piece(BlockRange { begin, ..range }, bytes));
        }
        Kind::HugeBlock => next.push(piece(range, vec![0; HUGE as usize])),
        Kind::EmptyBlock => next.push(piece(range, Vec::new())),
        Kind::OutOfRangeBlock => {
            let pieces = PieceIndex(view.torrent.pieces());
            next.push(piece(
                BlockRange {
                    piece: pieces,
                    ..range
                },
                bytes,
            ));
        }
        Kind::UnrequestedBlock => {
            // the same bytes under a range that nobody asks for
            let begin = range.begin + 1;
            let bytes = bytes[..bytes.len().saturating_sub(1)].to_vec();
            next.push(piece(BlockRange { begin, ..range }, bytes));
        }
        _ => {}
    }
}
