//! What the cases of `peer_wire` begin with, for the engine in a small world and for the program over sockets.

use super::unhex;
use crate::world::Sample;
use seedbed_engine::id::{InfoHash, PeerId, PieceIndex};
use seedbed_engine::wire::{Decoder, Handshake, Limits, Message, Reserved};
use serde_json::Value;
use std::collections::BTreeSet;

/// Bytes of a piece.
pub const PIECE: usize = 32_768;

/// The peer id of the one who sends the bytes.
const PEER: &[u8; 20] = b"-XX0001-abcdefghijkl";

/// A yes or no of the case's context.
#[must_use]
pub fn flag(case: &Value, name: &str, default: bool) -> bool {
    case["context"][name].as_bool().unwrap_or(default)
}

/// The torrent of a case: 20 pieces, the last one shorter.
#[must_use]
pub fn sample(case: &Value) -> Sample {
    let length = 19 * PIECE + 10_000;
    if flag(case, "private", false) {
        Sample::private(length, PIECE as u32, &[])
    } else {
        Sample::single(length, PIECE as u32, &[])
    }
}

/// The pieces that we have, before it knows of the metadata.
///
/// # Panics
/// When the case names something else than indexes.
#[must_use]
pub fn have(case: &Value) -> BTreeSet<u32> {
    case["context"]["we_have"].as_array().map_or_else(
        || [0, 1, 2].into(),
        |pieces| {
            pieces
                .iter()
                .map(|piece| piece.as_u64().expect("an index") as u32)
                .collect()
        },
    )
}

/// The blocks that we are waiting for, as piece and begin.
#[must_use]
pub fn pending(case: &Value) -> Vec<Value> {
    case["context"]["pending_requests"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

/// What the peer says first: its handshake, what we need to have requests outstanding that the case names, and that it
/// is interested.
///
/// # Panics
/// When the case names something else than indexes.
#[must_use]
pub fn opening(case: &Value, info_hash: InfoHash) -> Vec<u8> {
    let mut reserved = Reserved::NONE;
    if flag(case, "fast", false) {
        reserved = reserved.with_fast();
    }
    if flag(case, "extended", true) {
        reserved = reserved.with_extended();
    }
    let handshake = Handshake {
        reserved,
        info_hash,
        peer_id: PeerId(*PEER),
    };
    let mut bytes = handshake.encode().to_vec();
    let pending = pending(case);
    for request in &pending {
        let piece = PieceIndex(request[0].as_u64().expect("an index") as u32);
        Message::Have(piece).encode(&mut bytes);
    }
    if !pending.is_empty() {
        Message::Unchoke.encode(&mut bytes);
    }
    if let Some(size) = case["context"]["metadata_size_announced"].as_u64() {
        let payload = format!("d1:md11:ut_metadatai1ee13:metadata_sizei{size}ee").into_bytes();
        Message::Extended { id: 0, payload }.encode(&mut bytes);
    }
    Message::Interested.encode(&mut bytes);
    bytes
}

/// The bytes of a case, with the torrent of ours in their handshake.
///
/// # Panics
/// When they are no hexadecimal digits.
#[must_use]
pub fn bytes(case: &Value, info_hash: InfoHash) -> Vec<u8> {
    if let Some(repeat) = case.get("repeat") {
        let times = repeat["times"].as_u64().expect("a count") as usize;
        return unhex(&repeat["hex"]).repeat(times);
    }
    let mut bytes = unhex(&case["hex"]);
    if let Some(named) = case["context"].get("info_hash") {
        let named = unhex(named);
        if let Some(at) = bytes.windows(20).position(|window| window == named) {
            bytes[at..at + 20].copy_from_slice(&info_hash.0);
        }
        // cut within the hash
        else if bytes.len() > 28 && named.starts_with(&bytes[28..]) {
            let length = bytes.len();
            bytes[28..].copy_from_slice(&info_hash.0[..length - 28]);
        }
    }
    bytes
}

/// The messages behind a handshake that we sent, as far as they are whole.
///
/// # Panics
/// When they break the protocol.
#[must_use]
pub fn messages(sent: &[u8]) -> Vec<Message> {
    let mut rest = sent.get(68..).unwrap_or_default();
    let mut decoder = Decoder::new(Limits {
        message_max: 1 << 20,
        block_max: 1 << 20,
    });
    let mut messages = Vec::new();
    while let Some(message) = decoder.next(&mut rest).expect("we speak correctly") {
        messages.push(message);
    }
    messages
}
