//! The handshake of BEP 3 with the reserved bits of BEP 5, BEP 6, BEP 10 and BEP 52.

use seedbed_engine::id::{InfoHash, PeerId};
use seedbed_engine::wire::{Handshake, HandshakeDecoder, HandshakePart, Reserved};

/// BEP 3: "character ninteen (decimal) followed by the string 'BitTorrent protocol'", eight reserved bytes, the
/// 20-byte hash, the 20-byte peer id.
#[track_caller]
fn check(reserved: Reserved, reserved_bytes: &[u8; 8]) {
    let handshake = Handshake {
        reserved,
        info_hash: InfoHash(
            *b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13",
        ),
        peer_id: PeerId(*b"-XX0001-abcdefghijkl"),
    };
    let mut bytes = b"\x13BitTorrent protocol".to_vec();
    bytes.extend_from_slice(reserved_bytes);
    bytes.extend_from_slice(
        b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13-XX0001-abcdefghijkl",
    );
    assert_eq!(bytes.len(), 68);
    assert_eq!(handshake.encode()[..], bytes);

    let mut decoder = HandshakeDecoder::new();
    let mut input = bytes.as_slice();
    let head = HandshakePart::Head {
        reserved,
        info_hash: handshake.info_hash,
    };
    assert_eq!(decoder.next(&mut input), Ok(Some(head)));
    assert_eq!(
        decoder.next(&mut input),
        Ok(Some(HandshakePart::PeerId(handshake.peer_id)))
    );
    assert_eq!(input, [0; 0]);
}

#[test]
fn bep_3_no_extension() {
    check(Reserved::NONE, &[0; 8]);
}

/// BEP 10: "(reserved_byte[5] & 0x10)".
#[test]
fn bep_10_extended() {
    check(Reserved::NONE.with_extended(), &[0, 0, 0, 0, 0, 0x10, 0, 0]);
}

/// BEP 5: "the last bit of the 8-byte reserved flags".
#[test]
fn bep_5_dht() {
    check(Reserved::NONE.with_dht(), &[0, 0, 0, 0, 0, 0, 0, 0x01]);
}

/// BEP 6: "reserved[7] |= 0x04".
#[test]
fn bep_6_fast() {
    check(Reserved::NONE.with_fast(), &[0, 0, 0, 0, 0, 0, 0, 0x04]);
}

/// BEP 52, "Upgrade Path": "the 4th most significant bit in the last byte of the reserved bitfield".
#[test]
fn bep_52_upgrade() {
    check(Reserved::NONE.with_v2(), &[0, 0, 0, 0, 0, 0, 0, 0x10]);
}

#[test]
fn all_together_and_bits_that_nobody_named() {
    let all = Reserved::NONE.with_extended().with_fast().with_dht().with_v2();
    check(all, &[0, 0, 0, 0, 0, 0x10, 0, 0x15]);
    assert!(all.extended() && all.fast() && all.dht() && all.v2());
    // BitComet sets the first two bytes
    check(
        Reserved([0x65, 0x78, 0, 0, 0, 0, 0, 0]),
        &[0x65, 0x78, 0, 0, 0, 0, 0, 0],
    );
    let none = Reserved([0xff, 0xff, 0xff, 0xff, 0xff, 0xef, 0xff, 0xea]);
    assert!(!none.extended() && !none.fast() && !none.dht() && !none.v2());
}
