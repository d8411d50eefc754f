//! What is said instead of pieces of metadata, and beside them (rows PE4 and PE5).

use super::{Say, Trait, View};
use crate::peer::catalogue::Kind;
use crate::peer::conn::Conn;
use crate::peer::metadata::{message, number};
use seedbed_engine::wire::Message;

/// Pieces asked for by a flood.
const FLOOD: u32 = 3_000;

/// Whether a message is an answer to a request for metadata, or the handshake for those that lie in it.
pub(super) fn concerns(kind: Kind, said: &Message) -> bool {
    let Message::Extended { id, payload } = said else {
        return false;
    };
    match kind {
        Kind::MetadataSize => *id == 0,
        Kind::MetadataWrong
        | Kind::MetadataRejects
        | Kind::MetadataSilent
        | Kind::MetadataTotal
        | Kind::MetadataShort
        | Kind::MetadataHuge
        | Kind::MetadataNonsense => *id != 0 && number(payload, "msg_type") == Some(1),
        _ => false,
    }
}

/// What is said instead.
pub(super) fn instead(one: &Trait, view: &View<'_>, said: Message, next: &mut Vec<Say>) {
    let Message::Extended { id, payload } = said else {
        return;
    };
    let piece = number(&payload, "piece").and_then(|piece| usize::try_from(piece).ok());
    let piece = piece.unwrap_or(0);
    let total = view.torrent.info.len();
    let data = payload.strip_prefix(message(1, piece, Some(total), b"").as_slice());
    let data = data.unwrap_or_default();
    let payload = match one.entry.kind {
        Kind::MetadataSize => {
            let size = one.params.int("n", 1 << 40);
            format!("d1:md11:ut_metadatai3ee13:metadata_sizei{size}ee").into_bytes()
        }
        Kind::MetadataWrong => {
            let mut data = data.to_vec();
            data.iter_mut().for_each(|byte| *byte ^= 0x20);
            message(1, piece, Some(total), &data)
        }
        Kind::MetadataRejects => message(2, piece, None, b""),
        Kind::MetadataTotal => message(1, piece, Some(total + 1), data),
        Kind::MetadataShort => message(
            1,
            piece,
            Some(total),
            data.split_last().map_or(data, |(_, rest)| rest),
        ),
        Kind::MetadataHuge => {
            let huge = vec![b'x'; one.int("n", 18 * 1024) as usize];
            message(1, piece, Some(total), &huge)
        }
        Kind::MetadataNonsense => b"le".to_vec(),
        // said nothing at all
        _ => return,
    };
    next.push(Say::Message(Message::Extended { id, payload }));
}

/// What is said on its own.
pub(super) fn alone(one: &Trait, view: &View<'_>, conn: &Conn) -> Vec<Say> {
    let total = view.torrent.info.len();
    let extended = |id: u8, payload: Vec<u8>| Say::Message(Message::Extended { id, payload });
    let theirs = conn.metadata.their_id;
    match one.entry.kind {
        Kind::MetadataUnrequested => {
            let piece = one.int("piece", 9_999) as usize;
            vec![extended(theirs, message(1, piece, Some(total), b"unasked"))]
        }
        Kind::MetadataUnknown => vec![extended(theirs, message(7, 0, None, b"later"))],
        Kind::MetadataBadRequests => [0, 5_000, 4_000_000_000]
            .map(|piece| extended(theirs, message(0, piece, None, b"")))
            .to_vec(),
        Kind::MetadataFlood => {
            let handshake = extended(0, b"d1:md11:ut_metadatai3eee".to_vec());
            let request = || extended(theirs, message(0, 0, None, b""));
            let requests = (0..one.int("n", FLOOD)).map(|_| request());
            std::iter::once(handshake).chain(requests).collect()
        }
        Kind::MetadataResized => {
            let size = one.int("n", 77);
            // id 0 turns the extension off
            let id = one.int("which", 3);
            let payload = format!("d1:md11:ut_metadatai{id}ee13:metadata_sizei{size}ee");
            vec![extended(0, payload.into_bytes())]
        }
        _ => Vec::new(),
    }
}
