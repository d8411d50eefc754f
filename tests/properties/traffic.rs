//! Generators: messages, streams that are well-formed, nearly so or not at all, and ways to cut a stream.

use quickcheck::{Arbitrary, Gen};
use seedbed_engine::block::Block;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::PieceIndex;
use seedbed_engine::wire::{Limits, Message};

/// Small limits, so that generated messages often lie on either side of them.
pub(crate) const LIMITS: Limits = Limits {
    message_max: 100,
    block_max: 64,
};

/// Any message that can be sent and is within [`LIMITS`].
#[derive(Clone, Debug)]
pub(crate) struct AnyMessage(pub(crate) Message);

impl Arbitrary for AnyMessage {
    fn arbitrary(g: &mut Gen) -> Self {
        let piece = PieceIndex(u32::arbitrary(g));
        let range = BlockRange {
            piece,
            begin: u32::arbitrary(g),
            length: u32::arbitrary(g),
        };
        Self(match u8::arbitrary(g) % 17 {
            0 => Message::KeepAlive,
            1 => Message::Choke,
            2 => Message::Unchoke,
            3 => Message::Interested,
            4 => Message::NotInterested,
            5 => Message::Have(piece),
            6 => Message::Bitfield(bytes(g, LIMITS.message_max - 1)),
            7 => Message::Request(range),
            8 => Message::Cancel(range),
            9 => Message::Port(u16::arbitrary(g)),
            10 => Message::Suggest(piece),
            11 => Message::HaveAll,
            12 => Message::HaveNone,
            13 => Message::Reject(range),
            14 => Message::AllowedFast(piece),
            15 => Message::Extended {
                id: u8::arbitrary(g),
                payload: bytes(g, LIMITS.message_max - 2),
            },
            _ => {
                let data = bytes(g, LIMITS.block_max);
                let length = u32::try_from(data.len()).expect("at most block_max");
                Message::Piece {
                    range: BlockRange { length, ..range },
                    data: Block::from(data),
                }
            }
        })
    }
}

/// Up to `max` bytes, the longest and the shortest more often than by chance.
fn bytes(g: &mut Gen, max: u32) -> Vec<u8> {
    let length = match u8::arbitrary(g) % 4 {
        0 => 0,
        1 => max,
        _ => u32::arbitrary(g) % (max + 1),
    };
    (0..length).map(|_| u8::arbitrary(g)).collect()
}

/// What a peer may send after its handshake: good messages, messages with a wrong or lying length, noise.
#[derive(Clone, Debug)]
pub(crate) struct Stream(pub(crate) Vec<u8>);

impl Arbitrary for Stream {
    fn arbitrary(g: &mut Gen) -> Self {
        let mut out = Vec::new();
        for _ in 0..usize::arbitrary(g) % 12 {
            match u8::arbitrary(g) % 16 {
                0 => {
                    // a length near the edges of what is right, then any id
                    let length = [0, 1, 2, 3, 5, 9, 13, 73, 74, 100, 101, 1 << 20, u32::MAX];
                    out.extend_from_slice(&g.choose(&length).expect("not empty").to_be_bytes());
                    out.push(u8::arbitrary(g) % 24);
                }
                1 => out.extend(bytes(g, 20)),
                2..=3 => {
                    let payload = bytes(g, LIMITS.message_max - 1);
                    let length = u32::try_from(payload.len()).expect("at most message_max") + 1;
                    out.extend_from_slice(&length.to_be_bytes());
                    out.push(u8::arbitrary(g));
                    out.extend(payload);
                }
                _ => AnyMessage::arbitrary(g).0.encode(&mut out),
            }
        }
        Self(out)
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        Box::new(self.0.shrink().map(Self))
    }
}

/// Sizes of reads, used in turn. Empty reads are among them.
#[derive(Clone, Debug)]
pub(crate) struct Cuts(Vec<usize>);

impl Arbitrary for Cuts {
    fn arbitrary(g: &mut Gen) -> Self {
        let count = 1 + usize::arbitrary(g) % 8;
        Self((0..count).map(|_| usize::arbitrary(g) % 24).collect())
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        Box::new(self.0.shrink().map(Self))
    }
}

impl Cuts {
    /// The stream in reads of these sizes; in single bytes when all sizes are zero.
    pub(crate) fn cut<'a>(&self, mut stream: &'a [u8]) -> Vec<&'a [u8]> {
        let useful = self.0.iter().any(|size| *size > 0);
        let sizes = if useful { self.0.as_slice() } else { &[1] };
        let mut reads = Vec::new();
        for size in sizes.iter().cycle() {
            let (read, rest) = stream.split_at((*size).min(stream.len()));
            reads.push(read);
            stream = rest;
            if stream.is_empty() {
                break;
            }
        }
        reads
    }
}
