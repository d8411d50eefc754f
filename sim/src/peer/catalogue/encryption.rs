//! The encrypted handshake (MSE): rows ME.

use super::{Entry, Kind, Reaction, Scene, Trust, entry};
use crate::scenario::Area;

/// The rows.
pub(super) const ENTRIES: &[Entry] = &[
    entry(
        Area::Encryption,
        (
            "plain-only",
            "ME1",
            "Knows nothing of encryption: ends a connection that begins with it.",
            "Dials it in plain at once, and counts no failure.",
        ),
        Kind::PlainOnly,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
    entry(
        Area::Encryption,
        (
            "encrypted-only",
            "ME2",
            "Ends a connection that begins in plain, dials encrypted, and offers RC4 alone.",
            "Speaks RC4 with it.",
        ),
        Kind::EncryptedOnly,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
    entry(
        Area::Encryption,
        (
            "dials-encrypted",
            "ME3",
            "Dials with an encrypted handshake, and offers both modes.",
            "Selects RC4.",
        ),
        Kind::DialsEncrypted,
        Reaction::Kept,
        Scene::DialsAndServes,
        Trust::Serves,
    ),
    entry(
        Area::Encryption,
        (
            "degenerate-key",
            "ME4",
            "Sends a public key that makes no secret: 0, 1, p − 1, p or more.",
            "Closes.",
        ),
        Kind::DegenerateKey,
        Reaction::Closed("makes no secret"),
        Scene::Serves,
        Trust::Fails,
    ),
    entry(
        Area::Encryption,
        (
            "long-pads",
            "ME5",
            "Pads by 512 bytes wherever it may.",
            "Finds what is behind.",
        ),
        Kind::LongPads,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
    entry(
        Area::Encryption,
        (
            "pad-too-long",
            "ME6",
            "Announces an inner padding of more than 512 bytes.",
            "Closes.",
        ),
        Kind::PadTooLong,
        Reaction::Closed("512 are allowed"),
        Scene::Serves,
        Trust::Fails,
    ),
    entry(
        Area::Encryption,
        (
            "wrong-vc",
            "ME7",
            "Sends a verification constant that is not zero.",
            "Closes.",
        ),
        Kind::WrongVc,
        Reaction::Closed("verification constant"),
        Scene::DialsAndServes,
        Trust::Fails,
    ),
    entry(
        Area::Encryption,
        (
            "bad-select",
            "ME8",
            "Selects what was not offered, and offers what nobody knows.",
            "Closes.",
        ),
        Kind::BadSelect,
        Reaction::Closed("was not offered"),
        Scene::Serves,
        Trust::Fails,
    ),
    entry(
        Area::Encryption,
        (
            "first-payload",
            "ME9",
            "Sends no first payload, or a part of its handshake as one.",
            "Waits for the handshake behind it.",
        ),
        Kind::FirstPayload,
        Reaction::Kept,
        Scene::DialsAndServes,
        Trust::Serves,
    ),
    entry(
        Area::Encryption,
        (
            "late-key",
            "ME10",
            "Takes seconds for its key.",
            "Waits for it, within the handshake's time.",
        ),
        Kind::LateKey,
        Reaction::Kept,
        Scene::Serves,
        Trust::Serves,
    ),
    entry(
        Area::Encryption,
        (
            "cut-encryption",
            "ME11",
            "Ends the connection behind its key.",
            "Dials it in plain at once.",
        ),
        Kind::CutEncryption,
        Reaction::Completes,
        Scene::Serves,
        Trust::Fails,
    ),
];
