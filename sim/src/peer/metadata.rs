//! `ut_metadata` of the reference peer (BEP 9), written from the BEP and not from the engine: it reads and writes the
//! messages as bytes, gives the torrent's dictionary, and fetches an engine's if a behaviour wants it to.

use super::ModelPeer;
use super::behave::Moment;
use super::catalogue::Kind;
use super::conn::Conn;
use crate::actor::Cx;
use crate::scenario::MagnetSpec;
use seedbed_engine::extension::handshake::ExtendedHandshake;
use seedbed_engine::id::ConnId;
use seedbed_engine::wire::Message;
use std::collections::{BTreeMap, BTreeSet};

/// The id under which a model takes the extension.
pub const OUR_ID: u8 = 3;

/// Bytes of a piece of metadata, but in worlds that say otherwise.
const PIECE: usize = 16 * 1024;

/// What was agreed on and is owed on one connection.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// Whether we said that we take it.
    pub offered: bool,
    /// The other's id of it; 0 if it does not take it.
    pub their_id: u8,
    /// Requests of the other that were not answered.
    owed: BTreeSet<usize>,
    /// Pieces that we asked for.
    asked: BTreeSet<usize>,
    /// Pieces that came.
    got: BTreeMap<usize, Vec<u8>>,
    /// The size that the other claims.
    their_size: Option<usize>,
}

/// The number behind a key of a dictionary, found without a parser: keys are written one way only.
pub(super) fn number(dictionary: &[u8], key: &str) -> Option<i64> {
    let key = format!("{}:{key}i", key.len());
    let at = dictionary
        .windows(key.len())
        .position(|window| window == key.as_bytes())?;
    let digits = dictionary.get(at + key.len()..)?;
    let digits = &digits[..digits.iter().position(|byte| *byte == b'e')?];
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A message as it is written.
pub(super) fn message(kind: u8, piece: usize, total: Option<usize>, data: &[u8]) -> Vec<u8> {
    let total = total.map_or_else(String::new, |total| format!("10:total_sizei{total}e"));
    let mut bytes = format!("d8:msg_typei{kind}e5:piecei{piece}e{total}e").into_bytes();
    bytes.extend_from_slice(data);
    bytes
}

impl ModelPeer {
    fn metadata_piece(&self) -> usize {
        let of = |magnet: MagnetSpec| magnet.piece as usize;
        self.torrent.spec.magnet.map_or(PIECE, of).max(1)
    }

    fn metadata_pieces(&self, size: usize) -> usize {
        size.div_ceil(self.metadata_piece())
    }

    /// What the extended handshake says of it. In worlds that know no links, only who fetches says anything.
    pub(super) fn offer_metadata(&mut self, id: ConnId, words: &mut ExtendedHandshake) {
        let is_about_it = self.torrent.spec.magnet.is_some();
        let asks = self.has_kind(Kind::FetchesMetadata) || self.has_kind(Kind::MetadataFlood);
        if !is_about_it && !asks {
            return;
        }
        words.m.insert("ut_metadata".into(), OUR_ID);
        if is_about_it {
            words.metadata_size = u32::try_from(self.torrent.info.len()).ok();
        }
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.metadata.offered = true;
        }
    }

    /// An extended message of an engine, as far as it is about metadata.
    pub(super) fn metadata_message(&mut self, cx: &mut Cx<'_>, id: ConnId, message_id: u8, payload: &[u8]) {
        match message_id {
            0 => self.metadata_told(cx, id, payload),
            OUR_ID => self.metadata_said(cx, id, payload),
            _ => {}
        }
    }

    fn metadata_told(&mut self, cx: &mut Cx<'_>, id: ConnId, payload: &[u8]) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let before = conn.metadata.their_id;
        if let Some(theirs) = number(payload, "ut_metadata") {
            conn.metadata.their_id = u8::try_from(theirs).unwrap_or(0);
        }
        if let Some(size) = number(payload, "metadata_size") {
            conn.metadata.their_size = usize::try_from(size).ok();
        }
        let (their_id, size) = (conn.metadata.their_id, conn.metadata.their_size);
        if before == 0 && their_id != 0 {
            self.moment(cx, id, Moment::TakesMetadata);
        }
        if !self.has_kind(Kind::FetchesMetadata) || their_id == 0 {
            return;
        }
        let Some(size) = size else { return };
        for piece in 0..self.metadata_pieces(size) {
            let new = self
                .conns
                .get_mut(&id)
                .is_some_and(|conn| conn.metadata.asked.insert(piece));
            if new {
                let payload = message(0, piece, None, b"");
                self.say(
                    cx,
                    id,
                    Message::Extended {
                        id: their_id,
                        payload,
                    },
                );
            }
        }
    }

    fn metadata_said(&mut self, cx: &mut Cx<'_>, id: ConnId, payload: &[u8]) {
        let (Some(kind), Some(piece)) = (number(payload, "msg_type"), number(payload, "piece")) else {
            return self.violation(cx.now, "metadata message that says nothing");
        };
        let Ok(piece) = usize::try_from(piece) else {
            return self.violation(cx.now, "metadata message with a negative piece");
        };
        match kind {
            0 => self.metadata_wanted(cx, id, piece),
            1 => self.metadata_came(cx, id, piece, payload),
            2 => {
                if let Some(conn) = self.conns.get_mut(&id) {
                    conn.metadata.asked.remove(&piece);
                }
            }
            _ => self.violation(cx.now, "metadata message of an unknown kind"),
        }
    }

    /// The engine asks for a piece.
    fn metadata_wanted(&mut self, cx: &mut Cx<'_>, id: ConnId, piece: usize) {
        let length = self.metadata_piece();
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let their_id = conn.metadata.their_id;
        if !conn.metadata.owed.insert(piece) {
            self.violation(cx.now, "metadata request repeated while it is outstanding");
        }
        let info = self.torrent.info.clone();
        let answer = match info.chunks(length).nth(piece) {
            Some(data) => message(1, piece, Some(info.len()), data),
            // a claim of another size may have made it ask
            None => message(2, piece, None, b""),
        };
        self.say(
            cx,
            id,
            Message::Extended {
                id: their_id,
                payload: answer,
            },
        );
    }

    /// A piece came, which must be right.
    fn metadata_came(&mut self, cx: &mut Cx<'_>, id: ConnId, piece: usize, payload: &[u8]) {
        let length = self.metadata_piece();
        let info = self.torrent.info.clone();
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let head = message(1, piece, Some(info.len()), b"");
        let wanted = conn.metadata.asked.contains(&piece);
        let data = payload.strip_prefix(head.as_slice());
        let right = data.is_some() && data == info.chunks(length).nth(piece);
        conn.metadata.got.insert(piece, data.unwrap_or_default().to_vec());
        let pieces = info.chunks(length).count();
        let whole = conn.metadata.got.len() == pieces;
        // what a flood of a behaviour asked for is of no number
        if !wanted && !self.has_kind(Kind::MetadataFlood) {
            self.violation(cx.now, "piece of metadata that was not requested");
        }
        if !right {
            self.violation(cx.now, "piece of metadata with wrong content");
        }
        if whole && let Some(one) = self.trait_of(Kind::FetchesMetadata) {
            one.fires(cx.now, false, cx.marks);
        }
    }
}

/// An answer went out, whoever said it.
pub(super) fn answered(conn: &mut Conn, payload: &[u8]) {
    if let (Some(1 | 2), Some(piece)) = (number(payload, "msg_type"), number(payload, "piece"))
        && let Ok(piece) = usize::try_from(piece)
    {
        conn.metadata.owed.remove(&piece);
    }
}
