//! The decoder fed with whole, torn and wrong messages.

use super::*;
use alloc::string::ToString;
use std::vec;

const LIMITS: Limits = Limits {
    message_max: 1000,
    block_max: 64,
};

/// Everything up to the first error, fed as one slice.
fn decode(mut input: &[u8]) -> (Vec<Message>, Option<WireError>, usize) {
    let fed = input.len();
    let mut decoder = Decoder::new(LIMITS);
    let mut messages = Vec::new();
    loop {
        match decoder.next(&mut input) {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => return (messages, None, fed - input.len()),
            Err(error) => return (messages, Some(error), fed - input.len()),
        }
    }
}

/// The bytes are refused with this error after `taken` of them, not sooner and not later.
#[track_caller]
fn check_error(bytes: &[u8], taken: usize, error: WireError) {
    assert_eq!(decode(bytes), (vec![], Some(error), taken));
    assert_eq!(decode(&bytes[..taken - 1]), (vec![], None, taken - 1));
}

fn range(piece: u32, begin: u32, length: u32) -> BlockRange {
    BlockRange {
        piece: PieceIndex(piece),
        begin,
        length,
    }
}

#[test]
fn a_wrong_length_is_known_at_the_fifth_byte() {
    let wrong = |id, length: u32| {
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.push(id);
        check_error(&bytes, 5, WireError::WrongLength { id, length });
        bytes.extend([0; 20]);
        check_error(&bytes, 5, WireError::WrongLength { id, length });
    };
    for (ids, lengths) in [
        (
            &[id::CHOKE, id::UNCHOKE, id::INTERESTED, id::NOT_INTERESTED][..],
            &[2, 1000][..],
        ),
        (&[id::HAVE_ALL, id::HAVE_NONE], &[2, 5]),
        (&[id::HAVE, id::SUGGEST, id::ALLOWED_FAST], &[1, 4, 6]),
        (&[id::REQUEST, id::CANCEL, id::REJECT], &[1, 12, 14]),
        (&[id::PORT], &[1, 2, 4]),
        (&[id::PIECE], &[1, 8]),
        (&[id::EXTENDED], &[1]),
    ] {
        for id in ids {
            lengths.iter().for_each(|length| wrong(*id, *length));
        }
    }
}

#[test]
fn a_prefix_over_every_limit_is_known_at_the_fourth_byte() {
    for length in [1001u32, 1 << 20, 0x7fff_ffff, u32::MAX] {
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend([5, 0, 0]);
        let (id, limit) = (None, 1000);
        check_error(&bytes, 4, WireError::TooLong { id, length, limit });
    }
}

#[test]
fn the_limit_is_that_of_the_message() {
    let too_long = |id, length, limit| WireError::TooLong {
        id: Some(id),
        length,
        limit,
    };
    check_error(b"\0\0\0\x4a\x07", 5, too_long(7, 74, 73));
    check_error(b"\0\0\x01\0\x07", 5, too_long(7, 256, 73));
    let small = Limits {
        message_max: 3,
        block_max: 64,
    };
    for (bytes, id) in [
        (b"\0\0\0\x04\x05", 5),
        (b"\0\0\0\x04\x14", 20),
        (b"\0\0\0\x04\x63", 99),
    ] {
        let mut decoder = Decoder::new(small);
        assert_eq!(decoder.next(&mut &bytes[..]), Err(too_long(id, 4, 3)));
    }
    // messages of one size need no limit
    let mut decoder = Decoder::new(Limits {
        message_max: 0,
        block_max: 0,
    });
    let request = b"\0\0\0\x0d\x06\0\0\0\x01\0\0\0\x02\0\0\0\x03";
    let expected = Message::Request(range(1, 2, 3));
    assert_eq!(decoder.next(&mut &request[..]), Ok(Some(expected)));
}

#[test]
fn messages_of_the_least_length() {
    let (messages, error, _) =
        decode(b"\0\0\0\x01\x05\0\0\0\x02\x14\x07\0\0\0\x09\x07\0\0\0\x01\0\0\0\x02\0\0\0\x01\x15");
    let piece = Message::Piece {
        range: range(1, 2, 0),
        data: Vec::new().into(),
    };
    let extended = Message::Extended {
        id: 7,
        payload: vec![],
    };
    let unknown = Message::Unknown { id: 21, length: 1 };
    assert_eq!(messages, [Message::Bitfield(vec![]), extended, piece, unknown]);
    assert_eq!(error, None);
}

#[test]
fn an_error_stays_and_takes_nothing() {
    let mut decoder = Decoder::new(LIMITS);
    let mut input: &[u8] = b"\0\0\0\x01\x01\0\0\0\x02\0\0\0\0\x01\x01";
    assert_eq!(decoder.next(&mut input), Ok(Some(Message::Unchoke)));
    let error = WireError::WrongLength { id: 0, length: 2 };
    assert_eq!(decoder.next(&mut input), Err(error));
    let rest = input;
    assert_eq!(decoder.next(&mut input), Err(error));
    assert_eq!((input, decoder.stashed()), (rest, 0));
    assert_eq!(decoder.next(&mut &b"\0\0\0\0"[..]), Err(error));
}

/// A peer that promises 256 KiB and sends little must not cost 256 KiB.
#[test]
fn a_lying_prefix_costs_what_was_sent() {
    let limits = Limits::for_torrent(None, 256 * 1024, 16 * 1024);
    for head in [&b"\0\x04\0\0\x05"[..], b"\0\x04\0\0\x14\x01"] {
        let mut decoder = Decoder::new(limits);
        assert_eq!(decoder.next(&mut &head[..]), Ok(None));
        for sent in 1..5000 {
            assert_eq!(decoder.next(&mut &[0xff][..]), Ok(None));
            let State::Body { bytes, .. } = &decoder.state else {
                panic!("within the message");
            };
            assert_eq!(decoder.stashed(), sent);
            assert!(bytes.capacity() <= 2 * sent, "{} for {sent}", bytes.capacity());
        }
    }
}

#[test]
fn a_body_in_pieces_never_gets_more_than_its_size() {
    let mut decoder = Decoder::new(LIMITS);
    assert_eq!(decoder.next(&mut &b"\0\0\x03\xe8\x05"[..]), Ok(None));
    for _ in 0..998 {
        assert_eq!(decoder.next(&mut &[0xff][..]), Ok(None));
    }
    let Ok(Some(Message::Bitfield(bits))) = decoder.next(&mut &[0xff][..]) else {
        panic!("the last byte completes it");
    };
    assert_eq!((bits.len(), bits.capacity()), (999, 999));
}

#[test]
fn a_body_that_is_there_at_once_gets_exactly_its_size() {
    let mut bytes = b"\0\0\x01\x01\x05".to_vec();
    bytes.extend([0xff; 256]);
    let (messages, _, _) = decode(&bytes);
    let [Message::Bitfield(bits)] = messages.as_slice() else {
        panic!("{messages:?}");
    };
    assert_eq!(bits.capacity(), 256);
}

/// The buffer is made once, in the block's size, and becomes the block itself.
#[test]
fn a_payload_is_copied_once_across_any_number_of_reads() {
    let mut decoder = Decoder::new(LIMITS);
    assert_eq!(
        decoder.next(&mut &b"\0\0\0\x49\x07\0\0\0\x01\0\0\0\x40"[..]),
        Ok(None)
    );
    let State::Piece { data, .. } = &decoder.state else {
        panic!("within the payload");
    };
    assert_eq!(data.0.capacity(), 64);
    let buffer = data.0.as_ptr();
    for n in 0..63 {
        assert_eq!(decoder.partial_piece(), Some((range(1, 64, 64), n)));
        assert_eq!(decoder.next(&mut &[0][..]), Ok(None));
    }
    let Ok(Some(Message::Piece { data, .. })) = decoder.next(&mut &[0][..]) else {
        panic!("the last byte completes it");
    };
    assert_eq!((data.len(), data.as_bytes().as_ptr()), (64, buffer));
    assert_eq!((decoder.partial_piece(), decoder.stashed()), (None, 0));
}

#[test]
fn a_partial_block_prints_no_payload() {
    let mut decoder = Decoder::new(LIMITS);
    assert_eq!(
        decoder.next(&mut &b"\0\0\0\x49\x07\0\0\0\x01\0\0\0\x40zzzz"[..]),
        Ok(None)
    );
    let printed = std::format!("{decoder:?}");
    assert!(
        printed.contains("Payload(4 bytes)") && !printed.contains("122"),
        "{printed}"
    );
}

#[test]
fn payload_spans_are_offsets_in_what_was_lent() {
    let mut stream = b"\0\0\0\x01\x01".to_vec();
    for _ in 0..2 {
        stream.extend(b"\0\0\0\x0d\x07\0\0\0\x01\0\0\0\x02data");
    }
    stream.extend(b"\0\0\0\x06\x14\x01meta");
    let mut decoder = Decoder::new(LIMITS);
    let mut lend = |bytes: &[u8]| {
        decoder.begin_input();
        let mut input = bytes;
        while decoder.next(&mut input).unwrap().is_some() {}
        decoder.payload_spans().to_vec()
    };
    assert_eq!(lend(&stream), [18..22, 35..39]);
    assert_eq!(lend(&stream[..20]).as_slice(), core::slice::from_ref(&(18..20)));
    assert_eq!(lend(&stream[20..]), [0..2, 15..19]);
    assert_eq!(lend(&stream[39..]), []);
}

#[test]
fn new_limits_hold_from_the_next_message_on() {
    let mut decoder = Decoder::new(LIMITS);
    assert_eq!(decoder.next(&mut &b"\0\0\0\x05\x05\xff"[..]), Ok(None));
    decoder.set_limits(Limits {
        message_max: 2,
        block_max: 64,
    });
    let mut input: &[u8] = b"\xff\xff\xff\0\0\0\x03\x05";
    assert_eq!(
        decoder.next(&mut input),
        Ok(Some(Message::Bitfield(vec![0xff; 4])))
    );
    let (id, length, limit) = (Some(5), 3, 2);
    assert_eq!(
        decoder.next(&mut input),
        Err(WireError::TooLong { id, length, limit })
    );
}

#[test]
fn limits_let_the_bitfield_through() {
    let message_max = |pieces, extended_max| Limits::for_torrent(pieces, extended_max, 16_384).message_max;
    assert_eq!(message_max(Some(20), 1000), 1000);
    assert_eq!(message_max(Some(8000), 1000), 1001);
    assert_eq!(message_max(Some(8001), 1000), 1002);
    assert_eq!(message_max(None, 1000), 256 * 1024 + 1);
    let widest = Limits {
        message_max: u32::MAX,
        block_max: u32::MAX,
    };
    assert_eq!(widest.prefix_max(), u32::MAX);
}

#[test]
fn errors_name_the_message() {
    let text = |error: WireError| error.to_string();
    let (length, limit) = (5000, 1000);
    assert_eq!(
        text(WireError::TooLong {
            id: None,
            length,
            limit
        }),
        "message of length 5000, allowed is 1000"
    );
    assert_eq!(
        text(WireError::TooLong {
            id: Some(5),
            length,
            limit
        }),
        "bitfield of length 5000, allowed is 1000"
    );
    assert_eq!(
        text(WireError::WrongLength { id: 6, length: 12 }),
        "request of wrong length 12"
    );
    assert_eq!(
        text(WireError::TooLong {
            id: Some(99),
            length,
            limit
        }),
        "message 99 of length 5000, allowed is 1000"
    );
}

/// Whatever a stranger claims, an unknown message keeps nothing.
#[test]
fn a_skipped_message_is_not_kept() {
    let mut decoder = Decoder::new(LIMITS);
    assert_eq!(decoder.next(&mut &b"\0\0\x03\xe8\x63"[..]), Ok(None));
    for _ in 0..998 {
        assert_eq!(decoder.next(&mut &[7][..]), Ok(None));
        assert_eq!(decoder.stashed(), 0);
    }
    let unknown = Message::Unknown { id: 99, length: 1000 };
    assert_eq!(decoder.next(&mut &[7, 0, 0][..]), Ok(Some(unknown)));
}
