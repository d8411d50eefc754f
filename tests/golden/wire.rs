//! Every message of BEP 3 (with `port` of BEP 5), BEP 6 and BEP 10.

use seedbed_engine::block::Block;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::PieceIndex;
use seedbed_engine::wire::{Decoder, Limits, Message, encode_piece_head};

const LIMITS: Limits = Limits {
    message_max: 1024,
    block_max: 16 * 1024,
};

fn range(piece: u32, begin: u32, length: u32) -> BlockRange {
    BlockRange {
        piece: PieceIndex(piece),
        begin,
        length,
    }
}

#[track_caller]
fn check(message: &Message, bytes: &[u8], line: &str) {
    let mut encoded = Vec::new();
    message.encode(&mut encoded);
    assert_eq!(encoded, bytes, "encoding of {message}");

    let mut decoder = Decoder::new(LIMITS);
    let mut input = bytes;
    assert_eq!(decoder.next(&mut input), Ok(Some(message.clone())));
    assert_eq!(input, [0; 0], "all of {message} is taken");
    assert_eq!(decoder.next(&mut input), Ok(None));
    assert_eq!(message.to_string(), line);
}

/// BEP 3, "peer protocol": "Messages of length zero are keepalives".
#[test]
fn bep_3_keep_alive() {
    check(&Message::KeepAlive, b"\0\0\0\0", "keep-alive");
}

/// BEP 3, "peer messages": "'choke', 'unchoke', 'interested', and 'not interested' have no payload."
#[test]
fn bep_3_messages_without_payload() {
    check(&Message::Choke, b"\0\0\0\x01\0", "choke");
    check(&Message::Unchoke, b"\0\0\0\x01\x01", "unchoke");
    check(&Message::Interested, b"\0\0\0\x01\x02", "interested");
    check(&Message::NotInterested, b"\0\0\0\x01\x03", "not interested");
}

/// BEP 3: "The 'have' message's payload is a single number".
#[test]
fn bep_3_have() {
    check(
        &Message::Have(PieceIndex(0x0102_0304)),
        b"\0\0\0\x05\x04\x01\x02\x03\x04",
        "have p16909060",
    );
}

/// BEP 3: "The first byte of the bitfield corresponds to indices 0 - 7 from high bit to low bit". Pieces 0, 9 and 19
/// of 20.
#[test]
fn bep_3_bitfield() {
    check(
        &Message::Bitfield(vec![0x80, 0x40, 0x10]),
        b"\0\0\0\x04\x05\x80\x40\x10",
        "bitfield 3 bytes, 3 set",
    );
}

/// BEP 3: "'request' messages contain an index, begin, and length"; "'cancel' messages have the same payload".
#[test]
fn bep_3_request_and_cancel() {
    check(
        &Message::Request(range(3, 16_384, 16_384)),
        b"\0\0\0\x0d\x06\0\0\0\x03\0\0\x40\0\0\0\x40\0",
        "request p3+16384:16384",
    );
    check(
        &Message::Request(range(1, 32_668, 100)),
        b"\0\0\0\x0d\x06\0\0\0\x01\0\0\x7f\x9c\0\0\0\x64",
        "request p1+32668:100",
    );
    check(
        &Message::Cancel(range(0xffff_fffe, 0xffff_fff0, 0x2000)),
        b"\0\0\0\x0d\x08\xff\xff\xff\xfe\xff\xff\xff\xf0\0\0\x20\0",
        "cancel p4294967294+4294967280:8192",
    );
}

/// BEP 3: "'piece' messages contain an index, begin, and piece."
#[test]
fn bep_3_piece() {
    let payload = b"seed\0";
    let message = Message::Piece {
        range: range(7, 0x4000, 5),
        data: Block::from(payload.to_vec()),
    };
    let bytes = b"\0\0\0\x0e\x07\0\0\0\x07\0\0\x40\0seed\0";
    check(&message, bytes, "piece p7+16384:5");

    let mut head = Vec::new();
    encode_piece_head(range(7, 0x4000, 5), &mut head);
    assert_eq!(head, bytes[..13], "the head alone");
}

/// A whole block has the length prefix 0x4009: 16 KiB and nine bytes.
#[test]
fn bep_3_piece_of_16_kib() {
    let mut bytes = b"\0\0\x40\x09\x07\0\0\0\x04\0\0\0\0".to_vec();
    bytes.resize(13 + 16_384, b'z');
    let message = Message::Piece {
        range: range(4, 0, 16_384),
        data: Block::from(vec![b'z'; 16_384]),
    };
    check(&message, &bytes, "piece p4+0:16384");
}

/// BEP 5, "BitTorrent Protocol Extension": "a PORT message": id 0x09, a two byte payload in network order.
#[test]
fn bep_5_port() {
    check(&Message::Port(6881), b"\0\0\0\x03\x09\x1a\xe1", "port 6881");
}

/// BEP 6: "Have All: <len=0x0001> <op=0x0E>", "Have None: <len=0x0001><op=0x0F>",
/// "Suggest Piece: <len=0x0005><op=0x0D><index>", "Reject Request: <len=0x000D><op=0x10><index><begin><length>",
/// "Allowed Fast: <len=0x0005><op=0x11><index>".
#[test]
fn bep_6_messages() {
    check(&Message::HaveAll, b"\0\0\0\x01\x0e", "have all");
    check(&Message::HaveNone, b"\0\0\0\x01\x0f", "have none");
    check(
        &Message::Suggest(PieceIndex(3)),
        b"\0\0\0\x05\x0d\0\0\0\x03",
        "suggest p3",
    );
    check(
        &Message::Reject(range(4, 0, 16_384)),
        b"\0\0\0\x0d\x10\0\0\0\x04\0\0\0\0\0\0\x40\0",
        "reject p4+0:16384",
    );
    check(
        &Message::AllowedFast(PieceIndex(1059)),
        b"\0\0\0\x05\x11\0\0\x04\x23",
        "allowed fast p1059",
    );
}

/// BEP 10: "uint32_t length prefix, uint8_t bittorrent message ID = 20, uint8_t extended message ID".
#[test]
fn bep_10_extended() {
    check(
        &Message::Extended {
            id: 0,
            payload: b"d1:mdee".to_vec(),
        },
        b"\0\0\0\x09\x14\0d1:mdee",
        "extended handshake, 7 bytes",
    );
    check(
        &Message::Extended {
            id: 3,
            payload: b"d8:msg_typei0e5:piecei0ee".to_vec(),
        },
        b"\0\0\0\x1b\x14\x03d8:msg_typei0e5:piecei0ee",
        "extended 3, 25 bytes",
    );
    check(
        &Message::Extended {
            id: 1,
            payload: Vec::new(),
        },
        b"\0\0\0\x02\x14\x01",
        "extended 1, 0 bytes",
    );
}

/// No BEP that the engine knows names id 99: the message is skipped, and what follows is read.
#[test]
fn an_unknown_message_is_skipped() {
    let mut decoder = Decoder::new(LIMITS);
    let mut input: &[u8] = b"\0\0\0\x04cabc\0\0\0\x01\x01";
    let unknown = Message::Unknown { id: 99, length: 4 };
    assert_eq!(unknown.to_string(), "unknown 99, length 4");
    assert_eq!(decoder.next(&mut input), Ok(Some(unknown)));
    assert_eq!(decoder.next(&mut input), Ok(Some(Message::Unchoke)));
}
