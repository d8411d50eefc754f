//! Metadata on one connection, and what is said of pieces before their number is known.

use super::*;
use crate::extension::metadata::MetadataMessage;
use crate::geometry::PIECE_COUNT_MAX;

/// Rules before the metadata is here.
fn unknown() -> Arc<Rules> {
    let known = rules();
    Arc::new(Rules {
        geometry: Geometry::unknown(16_384),
        metadata: Metadata::Wanted,
        ..(*known).clone()
    })
}

fn opened(rules: Arc<Rules>, reserved: Reserved) -> Session {
    let mut session = Session::dial(Instant::START, rules, addr());
    session.handle_connected(Instant::START);
    feed(&mut session, Instant::START, &handshake(reserved));
    session.greet(Instant::START, &Bitfield::new(0), false);
    sent(&mut session);
    session
}

fn extended(id: u8, payload: &[u8]) -> Vec<u8> {
    let payload = payload.to_vec();
    bytes(&[Message::Extended { id, payload }])
}

/// A peer that has metadata of 40,000 bytes and takes the extension as 3.
fn source() -> Session {
    let mut session = opened(unknown(), FAST);
    let told = extended(0, b"d1:md11:ut_metadatai3ee13:metadata_sizei40000ee");
    assert_eq!(feed(&mut session, Instant::START, &told), [Output::Extended]);
    assert_eq!(session.metadata_size(), Some(40_000));
    session
}

fn data(piece: u32, total_size: Option<i64>, bytes: &[u8]) -> Vec<u8> {
    let message = MetadataMessage::Data {
        piece,
        total_size,
        bytes,
    };
    extended(2, &message.encode())
}

#[track_caller]
fn check_ends(session: &mut Session, said: &[u8], violation: Violation) {
    let said = feed(session, Instant::START, said);
    assert_eq!(said, [Output::Ended(End::Violation(violation))]);
}

#[test]
fn a_piece_that_was_asked_for_is_told_whatever_it_says_of_the_total() {
    for total in [Some(40_000), None] {
        let mut session = source();
        session.request_metadata(Instant::START, 2);
        let said = feed(&mut session, Instant::START, &data(2, total, &[7; 7_232]));
        let expected = Output::MetadataPiece {
            size: 40_000,
            piece: 2,
            bytes: vec![7; 7_232],
        };
        assert_eq!(said, [expected]);
    }
}

#[test]
fn metadata_that_breaks_a_rule_ends_the_session() {
    let asked = || {
        let mut session = source();
        session.request_metadata(Instant::START, 0);
        session
    };
    let piece = |length| data(0, Some(40_000), &vec![7; length]);
    check_ends(
        &mut source(),
        &piece(16_384),
        Violation::MetadataNotRequested { piece: 0 },
    );
    check_ends(
        &mut asked(),
        &data(0, Some(40_001), &[7; 16_384]),
        Violation::MetadataSize {
            claimed: 40_000,
            said: 40_001,
        },
    );
    check_ends(
        &mut asked(),
        &piece(16_383),
        Violation::MetadataLength {
            piece: 0,
            got: 16_383,
            expected: 16_384,
        },
    );
    let head = piece(0).len() - 6;
    check_ends(
        &mut asked(),
        &piece(17_409 - head),
        Violation::MetadataTooLong {
            length: 17_409,
            limit: 17_408,
        },
    );
    check_ends(&mut asked(), &extended(2, b"le"), Violation::BadMetadataMessage);
    // the same once more
    let mut session = asked();
    feed(&mut session, Instant::START, &piece(16_384));
    check_ends(
        &mut session,
        &piece(16_384),
        Violation::MetadataNotRequested { piece: 0 },
    );
}

#[test]
fn a_kind_that_nobody_knows_is_ignored_and_a_reject_is_told() {
    let mut session = source();
    let said = feed(
        &mut session,
        Instant::START,
        &extended(2, b"d8:msg_typei9e5:piecei0ee"),
    );
    assert!(matches!(said.as_slice(), [Output::Lint(_)]), "{said:?}");
    session.request_metadata(Instant::START, 1);
    let reject = extended(2, &MetadataMessage::Reject { piece: 1 }.encode());
    let said = feed(&mut session, Instant::START, &reject);
    assert_eq!(said, [Output::MetadataRejected(1)]);
}

/// The kinds and pieces of the metadata messages that a session sent.
fn metadata_sent(session: &mut Session) -> Vec<(u8, usize)> {
    let mut stream = vec![];
    for outgoing in session.take_outgoing() {
        stream.extend_from_slice(&outgoing.head);
    }
    let mut decoder = Decoder::new(crate::wire::Limits {
        message_max: 1 << 20,
        block_max: 1 << 20,
    });
    let mut rest = stream.as_slice();
    let mut found = vec![];
    while let Some(message) = decoder.next(&mut rest).unwrap() {
        if let Message::Extended { id: 3, payload } = message {
            found.push(match MetadataMessage::decode(&payload).unwrap() {
                MetadataMessage::Data { bytes, .. } => (1, bytes.len()),
                MetadataMessage::Reject { piece } => (2, piece as usize),
                MetadataMessage::Request { .. } | MetadataMessage::Unknown => (0, 0),
            });
        }
    }
    found
}

#[test]
fn every_request_for_metadata_is_answered_and_few_wait() {
    let request = |piece| extended(2, &MetadataMessage::Request { piece }.encode());
    let told = extended(0, b"d1:md11:ut_metadatai3eee");
    let mut session = opened(rules(), FAST);
    feed(&mut session, Instant::START, &told);
    for piece in [0, 2, 3, u32::MAX] {
        feed(&mut session, Instant::START, &request(piece));
    }
    session.serve_metadata(Instant::START, 1 << 20);
    assert_eq!(
        metadata_sent(&mut session),
        [(2, 3), (2, u32::MAX as usize), (1, 16_384), (1, 7_232)]
    );
    for _ in 0..1_030 {
        feed(&mut session, Instant::START, &request(0));
    }
    assert_eq!(session.metadata_queued(), 1_024);
    assert_eq!(metadata_sent(&mut session), [(2, 0); 6]);
    // before it is here, everything is refused
    let mut session = opened(unknown(), FAST);
    feed(&mut session, Instant::START, &told);
    feed(&mut session, Instant::START, &request(0));
    assert_eq!(metadata_sent(&mut session), [(2, 0)]);
}

/// What is held of `said` and judged when the torrent's 20 pieces are known.
#[track_caller]
fn check_held(said: &[Message], judged: Result<Vec<Output>, Violation>) {
    let mut session = opened(unknown(), FAST);
    assert_eq!(feed(&mut session, Instant::START, &bytes(said)), []);
    assert_eq!(session.learn(Instant::START, rules()), judged);
}

#[test]
fn claims_are_held_and_judged_later() {
    let have = |piece| Message::Have(PieceIndex(piece));
    let set = Bitfield::from_wire(&[0x80, 0, 0], PIECES).unwrap().0;
    check_held(&[], Ok(vec![]));
    check_held(&[Message::HaveAll], Ok(vec![Output::HaveAll]));
    check_held(
        &[Message::Bitfield(vec![0x80, 0, 0]), have(7), have(7)],
        Ok(vec![Output::HaveSet(set), Output::Have(PieceIndex(7))]),
    );
    check_held(&[have(7), Message::HaveNone], Ok(vec![Output::HaveNone]));
    check_held(
        &[Message::AllowedFast(PieceIndex(3))],
        Ok(vec![Output::AllowedFast(PieceIndex(3))]),
    );
    for (length, got) in [(2, 2), (4, 4), (262_144, 262_144)] {
        check_held(
            &[Message::Bitfield(vec![0; length])],
            Err(Violation::BitfieldLength { got, expected: 3 }),
        );
    }
    let piece = PieceIndex(PIECES);
    check_held(&[have(PIECES)], Err(Violation::PieceOutOfRange { id: 4, piece }));
    check_held(
        &[Message::AllowedFast(piece)],
        Err(Violation::PieceOutOfRange { id: 17, piece }),
    );
}

#[test]
fn what_no_torrent_can_have_ends_the_session_before() {
    let piece = PieceIndex(PIECE_COUNT_MAX);
    let mut session = opened(unknown(), FAST);
    check_ends(
        &mut session,
        &bytes(&[Message::Have(piece)]),
        Violation::PieceOutOfRange { id: 4, piece },
    );
    let mut session = opened(unknown(), Reserved::NONE);
    check_ends(
        &mut session,
        &bytes(&[Message::HaveAll]),
        Violation::FastNotNegotiated { id: 14 },
    );
    let block = range(0, 0, 16_384);
    let message = Message::Piece {
        range: block,
        data: Block::from(vec![0; 16_384]),
    };
    let mut session = opened(unknown(), FAST);
    check_ends(
        &mut session,
        &bytes(&[message]),
        Violation::BlockNotRequested { range: block },
    );
}

#[test]
fn a_flood_of_haves_is_bounded() {
    let mut session = opened(unknown(), FAST);
    for first in (0..70_000).step_by(1_000) {
        let some: Vec<Message> = (first..first + 1_000)
            .map(|n| Message::Have(PieceIndex(n)))
            .collect();
        assert_eq!(feed(&mut session, Instant::START, &bytes(&some)), []);
    }
    let large = Geometry::new(100_000 * 16_384, 16_384, 16_384).unwrap();
    let rules = Arc::new(Rules {
        geometry: large,
        ..(*rules()).clone()
    });
    assert_eq!(session.learn(Instant::START, rules).unwrap().len(), 65_536);
}
