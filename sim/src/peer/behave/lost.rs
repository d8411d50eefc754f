//! `lt_donthave` (BEP 54) as models do it, written anew: pieces that are there no more.

use super::{Say, Trait, View};
use crate::peer::catalogue::Kind;
use crate::peer::conn::Conn;
use seedbed_engine::id::PieceIndex;
use seedbed_engine::wire::Message;

/// The id under which models take messages.
pub(in crate::peer) const OUR_DONT_HAVE: u8 = 6;

/// Whether this kind has to do with it.
pub(in crate::peer) const fn concerns(kind: Kind) -> bool {
    matches!(kind, Kind::DontHave | Kind::DontHaveOdd | Kind::TakesDontHave)
}

/// The piece that a message names.
pub(in crate::peer) fn piece_of(payload: &[u8]) -> Option<PieceIndex> {
    let [a, b, c, d] = payload else { return None };
    Some(PieceIndex(u32::from_be_bytes([*a, *b, *c, *d])))
}

/// What is said: that a piece is lost; with the Fast extension each request for it is refused.
pub(super) fn says(one: &Trait, view: &View<'_>, conn: &Conn) -> Vec<Say> {
    let Some(id) = conn.their_dont_have else {
        return Vec::new();
    };
    let message = |payload: Vec<u8>| Say::Message(Message::Extended { id, payload });
    match one.entry.kind {
        Kind::DontHaveOdd if one.int("shorter", 0) == 1 => vec![message(vec![0, 0, 1])],
        Kind::DontHaveOdd => vec![message(view.torrent.pieces().to_be_bytes().to_vec())],
        Kind::DontHave => {
            let piece = PieceIndex(one.int("piece", 0) % view.torrent.pieces().max(1));
            let queued = conn
                .queue
                .iter()
                .filter(|range| range.piece == piece && conn.fast);
            let rejects = queued.map(|range| Say::Message(Message::Reject(*range)));
            std::iter::once(message(piece.0.to_be_bytes().to_vec()))
                .chain(rejects)
                .collect()
        }
        _ => Vec::new(),
    }
}
