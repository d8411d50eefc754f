//! What is said instead of bitfields, unchokes, extended handshakes and requests.

use super::{Say, Trait, View};
use crate::peer::catalogue::Kind;
use crate::peer::conn::Conn;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::PieceIndex;
use seedbed_engine::time::Duration;
use seedbed_engine::wire::Message;

/// How long a late bitfield is late.
const BITFIELD_LATE: Duration = Duration::from_secs(1);

/// Pieces that hints are given for.
const HINTS: u32 = 4;

/// A bitfield as bytes, whatever its length.
pub(super) fn bitfield(bytes: &[u8]) -> Say {
    let mut out = (bytes.len() as u32 + 1).to_be_bytes().to_vec();
    out.push(5);
    out.extend_from_slice(bytes);
    Say::Raw(out)
}

/// The bytes of a full set of so many pieces.
pub(super) fn full(pieces: u32) -> Vec<u8> {
    seedbed_engine::bitfield::Bitfield::full(pieces)
        .as_wire()
        .to_vec()
}

/// The bits of what a message says.
fn bits(message: &Message, pieces: u32) -> Vec<u8> {
    match message {
        Message::Bitfield(bytes) => bytes.clone(),
        Message::HaveAll => full(pieces),
        _ => vec![0; (pieces as usize).div_ceil(8)],
    }
}

pub(super) fn instead(
    one: &mut Trait,
    view: &mut View<'_>,
    conn: &Conn,
    message: Message,
    next: &mut Vec<Say>,
) {
    let pieces = view.torrent.pieces();
    match one.entry.kind {
        Kind::NeverUnchokes | Kind::NeverRequests | Kind::NeverSpeaks | Kind::NoBitfield => {}
        Kind::BitfieldLength => {
            let mut bytes = bits(&message, pieces);
            if one.int("shorter", 0) == 1 && bytes.len() > 1 {
                bytes.pop();
            } else {
                bytes.push(0);
            }
            next.push(bitfield(&bytes));
        }
        Kind::SpareBits => {
            let mut bytes = bits(&message, pieces);
            if let Some(last) = bytes.last_mut()
                && !pieces.is_multiple_of(8)
            {
                *last |= 0xff >> (pieces % 8);
            }
            next.push(bitfield(&bytes));
            next.push(Say::Later(Duration::ZERO, Box::new(Say::Message(message))));
        }
        Kind::BitfieldLate => next.push(Say::Later(
            one.time("late", BITFIELD_LATE),
            Box::new(Say::Message(Message::Bitfield(bits(&message, pieces)))),
        )),
        Kind::HintsOnly if conn.fast => {
            next.push(Say::Message(Message::HaveNone));
            for piece in (0..pieces.min(HINTS)).map(PieceIndex) {
                next.push(Say::Message(Message::Suggest(piece)));
                next.push(Say::Message(Message::AllowedFast(piece)));
            }
        }
        Kind::ClaimsAll if conn.fast => next.push(Say::Message(Message::HaveAll)),
        Kind::ClaimsAll => next.push(Say::Message(Message::Bitfield(full(pieces)))),
        Kind::UploadOnly => extended(next, b"d11:upload_onlyi1ee".to_vec()),
        Kind::OddReqq => {
            let text = format!("d4:reqqi{}ee", one.params.int("reqq", 1));
            extended(next, text.into_bytes());
        }
        Kind::ExtLies => {
            let lies = b"d4:ipv44:\x7f\0\0\x014:ipv616:\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\x011:pi1e6:yourip4:\xe0\0\0\x01e";
            extended(next, lies.to_vec());
        }
        Kind::Unaligned => unaligned(view, message, next),
        _ => next.push(Say::Message(message)),
    }
}

fn extended(next: &mut Vec<Say>, payload: Vec<u8>) {
    next.push(Say::Message(Message::Extended { id: 0, payload }));
}

/// Before the block that is wanted, one that begins in its middle.
fn unaligned(view: &View<'_>, message: Message, next: &mut Vec<Say>) {
    if let Message::Request(range) = message {
        let begin = range.begin + range.length / 2;
        let odd = BlockRange { begin, ..range };
        let fits = view
            .torrent
            .block_bytes(odd.piece, odd.begin, odd.length)
            .is_some();
        if range.length > 1 && fits {
            next.push(Say::Message(Message::Request(odd)));
        }
    }
    next.push(Say::Message(message));
}
