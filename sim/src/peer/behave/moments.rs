//! What behaviours say on their own: at the opening, when they are unchoked, at a time.

use super::bytes::bitfield;
use super::{Say, Trait, View, lost, metadata, pex};
use crate::peer::catalogue::Kind;
use crate::peer::check::range;
use crate::peer::conn::Conn;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::PieceIndex;
use seedbed_engine::time::Duration;
use seedbed_engine::wire::{Handshake, Message, Reserved};

/// An occasion to say something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// Both handshakes and our greeting are done.
    Opened,
    /// The other has said which extensions it takes.
    Extended,
    /// The other has unchoked us.
    Unchoked,
    /// The other has said that it takes metadata messages.
    TakesMetadata,
}

/// When a behaviour of this kind speaks, if it speaks on its own.
pub fn moment(kind: Kind) -> Option<Moment> {
    use Kind as K;
    Some(match kind {
        K::HugeLength | K::KeepAlives | K::UnknownIds | K::WrongLength | K::HalfHeader | K::Garbage => {
            Moment::Opened
        }
        K::EmptyExtended | K::HandshakeTwice | K::BitfieldTwice | K::HaveOutOfRange | K::HaveTwice => {
            Moment::Opened
        }
        K::HaveAllNoFast | K::HaveAllPayload | K::HaveAllThenNone | K::HaveFlood => Moment::Opened,
        K::StrayRejects | K::ChangedIds | K::ExtNotDict | K::ExtHuge | K::BadRequests => Moment::Opened,
        K::RequestsChoked | K::RequestsUninterested | K::RequestsMissing | K::CancelUnknown => Moment::Opened,
        K::FlapsChoke => Moment::Opened,
        kind if is_metadata(kind) => Moment::TakesMetadata,
        K::RequestFlood | K::SameRequest | K::RequestCancel => Moment::Unchoked,
        kind if pex::speaks(kind) || lost::concerns(kind) => Moment::Extended,
        _ => return None,
    })
}

/// How long behind its moment it speaks, if it does not say.
pub fn timer(one: &Trait) -> Duration {
    one.time("wait", Duration::ZERO)
}

/// What it says, and after how long it speaks again.
pub fn due(one: &mut Trait, view: &mut View<'_>, conn: &Conn) -> (Vec<Say>, Option<Duration>) {
    let again = match one.entry.kind {
        Kind::FlapsChoke if one.fired < one.int("flaps", 60) => {
            Some(one.time("each", Duration::from_millis(100)))
        }
        // at first it is choked, and refused whatever it asks for
        Kind::RequestsMissing if one.fired < 2 => Some(Duration::from_secs(15)),
        // at last the door is open
        Kind::FlapsChoke => {
            let opens = conn.am_choking.then_some(Say::Message(Message::Unchoke));
            return (opens.into_iter().collect(), None);
        }
        _ => super::duration(&one.params, "each"),
    };
    if !is_possible(one.entry.kind, conn) || !one.fires(view.now, conn.is_endgame(), view.marks) {
        return (Vec::new(), again);
    }
    let says = match one.entry.kind {
        kind if is_framing(kind) => framing(one, view, conn),
        kind if is_request(kind) => requests(one, view, conn),
        kind if is_metadata(kind) => metadata::alone(one, view, conn),
        kind if pex::speaks(kind) => pex::says(one, view, conn),
        kind if lost::concerns(kind) => lost::says(one, view, conn),
        _ => state(one, view, conn),
    };
    (says, again)
}

/// Whether the connection's terms let it be said so that it means what its row says.
fn is_possible(kind: Kind, conn: &Conn) -> bool {
    match kind {
        Kind::StrayRejects | Kind::HaveAllThenNone | Kind::HaveAllPayload => conn.fast,
        Kind::EmptyExtended | Kind::ChangedIds | Kind::ExtNotDict | Kind::ExtHuge => conn.extended,
        kind if is_metadata(kind) => conn.extended && conn.metadata.their_id != 0,
        Kind::HaveAllNoFast => !conn.fast,
        // one that takes nothing of it is told nothing, but by one who does it anyway
        kind if pex::speaks(kind) && kind != Kind::PexAnyway => conn.their_pex.is_some(),
        Kind::PexAnyway => conn.extended,
        kind if lost::concerns(kind) => conn.their_dont_have.is_some(),
        Kind::RequestCancel | Kind::SameRequest | Kind::RequestFlood => !conn.theirs.is_empty(),
        _ => true,
    }
}

const fn is_framing(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::HugeLength
            | Kind::KeepAlives
            | Kind::UnknownIds
            | Kind::WrongLength
            | Kind::HalfHeader
            | Kind::Garbage
            | Kind::EmptyExtended
            | Kind::HandshakeTwice
            | Kind::HaveAllNoFast
            | Kind::HaveAllPayload
            | Kind::ExtHuge
    )
}

const fn is_metadata(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::MetadataUnrequested
            | Kind::MetadataUnknown
            | Kind::MetadataBadRequests
            | Kind::MetadataResized
            | Kind::MetadataFlood
    )
}

const fn is_request(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::BadRequests
            | Kind::RequestsChoked
            | Kind::RequestsUninterested
            | Kind::RequestsMissing
            | Kind::CancelUnknown
            | Kind::RequestFlood
            | Kind::SameRequest
            | Kind::RequestCancel
    )
}

/// A message of these bytes behind a right length.
fn framed(id: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32 + 1).to_be_bytes().to_vec();
    bytes.push(id);
    bytes.extend_from_slice(payload);
    bytes
}

/// Fixed messages with a length that is not theirs: id and payload bytes.
const WRONG_LENGTHS: [(u8, usize); 9] = [
    (0, 1),
    (1, 4),
    (2, 1),
    (3, 2),
    (4, 3),
    (6, 11),
    (8, 13),
    (7, 4),
    (9, 1),
];

fn framing(one: &Trait, view: &mut View<'_>, conn: &Conn) -> Vec<Say> {
    let bytes = match one.entry.kind {
        Kind::HugeLength => {
            let length = one.params.int("length", 1 << 31);
            let mut bytes = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes().to_vec();
            bytes.push(20);
            bytes
        }
        Kind::KeepAlives => vec![0; 4 * one.int("n", 2000) as usize],
        Kind::UnknownIds => {
            let ids = [10, 11, 12, 18, 19, 21, 22, 23, 24, 99, 255];
            let n = one.int("n", 11) as usize;
            ids.iter()
                .cycle()
                .take(n)
                .flat_map(|id| framed(*id, b"unknown"))
                .collect()
        }
        Kind::WrongLength => {
            let n = one.int("which", view.rng.below(9)) as usize % WRONG_LENGTHS.len();
            let (id, length) = WRONG_LENGTHS[n];
            framed(id, &vec![0; length])
        }
        Kind::HalfHeader => return vec![Say::Raw(vec![0, 0, 0, 13, 6]), Say::Mute],
        Kind::Garbage => {
            let mut bytes = vec![0; one.int("n", 512) as usize];
            view.rng.fill(&mut bytes);
            if let Some(first) = bytes.first_mut() {
                *first |= 0x40;
            }
            bytes
        }
        Kind::EmptyExtended => vec![0, 0, 0, 1, 20],
        Kind::HandshakeTwice => Handshake {
            reserved: Reserved::NONE,
            info_hash: view.torrent.info_hash(),
            peer_id: conn.their_id.unwrap_or(seedbed_engine::id::PeerId([7; 20])),
        }
        .encode()
        .to_vec(),
        Kind::HaveAllNoFast => framed(14, &[]),
        Kind::HaveAllPayload => framed(14, &[0]),
        Kind::ExtHuge => {
            let length = one.int("n", 300_000);
            let mut payload = format!("\0d1:v{length}:").into_bytes();
            payload.resize(payload.len() + length as usize, b'v');
            payload.push(b'e');
            framed(20, &payload)
        }
        _ => Vec::new(),
    };
    vec![Say::Raw(bytes)]
}

fn state(one: &Trait, view: &View<'_>, conn: &Conn) -> Vec<Say> {
    let claimed = || conn.claimed.iter().map(Message::Have);
    let extended = |payload: &[u8]| {
        Say::Message(Message::Extended {
            id: 0,
            payload: payload.to_vec(),
        })
    };
    match one.entry.kind {
        Kind::BitfieldTwice => vec![bitfield(conn.claimed.as_wire())],
        Kind::HaveOutOfRange => {
            let piece = view.torrent.pieces().saturating_add(one.int("beyond", 0));
            vec![Say::Message(Message::Have(PieceIndex(piece)))]
        }
        Kind::HaveTwice => claimed().map(Say::Message).collect(),
        Kind::HaveFlood => {
            let n = one.int("n", 20) as usize;
            (0..n).flat_map(|_| claimed()).map(Say::Message).collect()
        }
        Kind::HaveAllThenNone => [Message::HaveAll, Message::HaveNone].map(Say::Message).to_vec(),
        Kind::FlapsChoke if conn.am_choking => vec![Say::Message(Message::Unchoke)],
        Kind::FlapsChoke => vec![Say::Message(Message::Choke)],
        Kind::StrayRejects => {
            let n = one.int(
                "n",
                if one.entry.behaviour.name == "stray-reject-flood" {
                    200
                } else {
                    10
                },
            );
            let reject =
                |n: u32| Say::Message(Message::Reject(range(n % view.torrent.pieces().max(1), 0, 1)));
            (0..n).map(reject).collect()
        }
        Kind::ChangedIds => vec![
            extended(b"d1:md6:ut_pexi1eee"),
            extended(b"d1:md6:ut_pexi9e11:ut_metadatai3eee"),
            extended(b"d1:md6:ut_pexi0eee"),
        ],
        Kind::ExtNotDict => vec![extended(b"li1ei2ee")],
        _ => Vec::new(),
    }
}

fn requests(one: &Trait, view: &View<'_>, conn: &Conn) -> Vec<Say> {
    let pieces = view.torrent.pieces();
    let block = view.torrent.spec.block.max(1);
    let ask = |range: BlockRange| Say::Message(Message::Request(range));
    let n = |default: u32| one.int("n", default);
    let theirs = conn.theirs.iter().next().map_or(0, |piece| piece.0);
    match one.entry.kind {
        Kind::BadRequests => {
            let length = view.torrent.piece_length();
            let bad = [
                range(pieces, 0, block),
                range(0, u32::MAX - 5, 10),
                range(0, 0, 0),
                range(0, 0, 128 * 1024 + 1),
                range(0, length, block),
                range(u32::MAX, u32::MAX, u32::MAX),
            ];
            let default = if one.entry.behaviour.name == "bad-request-flood" {
                400
            } else {
                20
            };
            bad.iter()
                .cycle()
                .take(n(default) as usize)
                .map(|range| ask(*range))
                .collect()
        }
        Kind::RequestsChoked | Kind::RequestsUninterested => {
            let length = view.torrent.piece_bytes(PieceIndex(theirs)).len() as u32;
            (0..n(10))
                .map(|_| ask(range(theirs, 0, block.min(length))))
                .collect()
        }
        Kind::RequestsMissing => {
            let missing = (0..pieces).rfind(|piece| !conn.theirs.contains(PieceIndex(*piece)));
            let piece = missing.unwrap_or(pieces);
            (0..n(10)).map(|_| ask(range(piece, 0, 1))).collect()
        }
        Kind::CancelUnknown => {
            let cancel = |n: u32| Say::Message(Message::Cancel(range(n % pieces.max(1), 0, block)));
            (0..n(10)).map(cancel).collect()
        }
        Kind::RequestFlood => flood(view, conn, n(3000)).into_iter().map(ask).collect(),
        Kind::SameRequest => {
            let length = view.torrent.piece_bytes(PieceIndex(theirs)).len() as u32;
            (0..n(50))
                .map(|_| ask(range(theirs, 0, block.min(length))))
                .collect()
        }
        Kind::RequestCancel => {
            let length = view.torrent.piece_bytes(PieceIndex(theirs)).len() as u32;
            let wanted = range(theirs, 0, block.min(length));
            (0..n(50))
                .flat_map(|_| [ask(wanted), Say::Message(Message::Cancel(wanted))])
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Ranges that all differ and all exist: short ones at every place of the other's pieces.
fn flood(view: &View<'_>, conn: &Conn, n: u32) -> Vec<BlockRange> {
    let of_piece = |piece: PieceIndex| {
        let length = view.torrent.piece_bytes(piece).len() as u32;
        (1..=length).flat_map(move |long| (0..=length - long).map(move |begin| range(piece.0, begin, long)))
    };
    conn.theirs.iter().flat_map(of_piece).take(n as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::behave::bytes::full;

    #[test]
    fn the_bits_of_a_full_set() {
        assert_eq!(full(9), [0xff, 0x80]);
        assert_eq!(framed(14, &[0]), [0, 0, 0, 2, 14, 0]);
    }
}
