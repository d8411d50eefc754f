//! A session fed with bytes, its outputs and what it says.

mod crossing;
mod lost;
mod metadata;
mod received;

use super::*;
use crate::config::{MetadataConfig, PexConfig, SessionConfig};
use crate::geometry::Geometry;
use crate::id::InfoHash;
use crate::time::Duration;
use crate::wire::{Handshake, HandshakePart, Message};
use alloc::string::ToString;
use alloc::vec;

const PIECES: u32 = 20;

/// An info dictionary, as far as a session cares: 40,000 bytes, three pieces.
const INFO: &[u8] = &[b'i'; 40_000];

fn rules() -> Arc<Rules> {
    Arc::new(Rules {
        config: SessionConfig::default(),
        metadata_config: MetadataConfig::default(),
        metadata: Metadata::Served(INFO.into()),
        geometry: Geometry::new(u64::from(PIECES - 1) * 32_768 + 10_000, 32_768, 16_384).unwrap(),
        info_hash: InfoHash([7; 20]),
        peer_id: PeerId(*b"-sE0100-aaaaaaaaaaaa"),
        listen_port: 6881,
        client_name: "seedbed/test".into(),
        pex: Some(PexConfig::default()),
        trace: false,
    })
}

fn range(piece: u32, begin: u32, length: u32) -> BlockRange {
    BlockRange {
        piece: PieceIndex(piece),
        begin,
        length,
    }
}

fn addr() -> SocketAddr {
    "192.0.2.7:6881".parse().unwrap()
}

fn handshake(reserved: Reserved) -> Vec<u8> {
    let peer_id = PeerId(*b"-XX0001-bbbbbbbbbbbb");
    Handshake {
        reserved,
        info_hash: InfoHash([7; 20]),
        peer_id,
    }
    .encode()
    .to_vec()
}

fn feed(session: &mut Session, now: Instant, bytes: &[u8]) -> Vec<Output> {
    let mut input = bytes;
    let mut said = vec![];
    while let Some(output) = session.next(now, &mut input) {
        said.push(output);
    }
    assert!(input.is_empty());
    said
}

fn bytes(messages: &[Message]) -> Vec<u8> {
    let mut out = vec![];
    messages.iter().for_each(|message| message.encode(&mut out));
    out
}

/// The messages that the session wants to send, a line each.
fn sent(session: &mut Session) -> Vec<String> {
    let mut stream = vec![];
    for outgoing in session.take_outgoing() {
        stream.extend_from_slice(&outgoing.head);
        stream.extend_from_slice(outgoing.body.as_ref().map_or(&[], Block::as_bytes));
    }
    let mut rest = stream.as_slice();
    let mut lines = vec![];
    if rest.starts_with(b"\x13BitTorrent protocol") {
        rest = &rest[68..];
        lines.push("handshake".to_string());
    }
    let mut decoder = Decoder::new(crate::wire::Limits {
        message_max: 1 << 20,
        block_max: 1 << 20,
    });
    while let Some(message) = decoder.next(&mut rest).unwrap() {
        lines.push(match message {
            Message::Extended { .. } => "extended".to_string(),
            message => message.to_string(),
        });
    }
    lines
}

/// A session past its greeting, its first messages taken.
fn open(reserved: Reserved) -> Session {
    let mut session = Session::dial(Instant::START, rules(), addr());
    session.handle_connected(Instant::START);
    assert_eq!(
        feed(&mut session, Instant::START, &handshake(reserved)),
        [Output::Handshaken]
    );
    session.greet(Instant::START, &Bitfield::new(PIECES), false);
    sent(&mut session);
    session
}

const FAST: Reserved = Reserved::NONE.with_fast().with_extended();

fn check_violation(reserved: Reserved, message: &[u8], violation: Violation) {
    let mut session = open(reserved);
    let said = feed(&mut session, Instant::START, message);
    assert_eq!(said, [Output::Ended(End::Violation(violation))]);
    assert!(session.is_over());
    session.send_have(Instant::START, PieceIndex(1));
    assert!(!session.has_outgoing(), "nothing goes out after the end");
}

#[test]
fn a_dialled_session_greets_with_handshake_then_bitfield_then_extensions() {
    let mut session = Session::dial(Instant::START, rules(), addr());
    assert!(!session.has_outgoing(), "nothing before the connection");
    session.handle_connected(Instant::START);
    assert_eq!(sent(&mut session), ["handshake"]);
    feed(
        &mut session,
        Instant::START,
        &handshake(Reserved::NONE.with_extended()),
    );
    let mut have = Bitfield::new(PIECES);
    have.insert(PieceIndex(3));
    session.greet(Instant::START, &have, false);
    let lines = sent(&mut session);
    assert!(lines[0].starts_with("bitfield"), "{lines:?}");
    assert_eq!(lines[1..], ["extended"]);
}

#[test]
fn with_the_fast_extension_exactly_one_statement_of_pieces_is_made() {
    for (have, expected) in [
        (Bitfield::new(PIECES), "have none"),
        (Bitfield::full(PIECES), "have all"),
    ] {
        let mut session = Session::dial(Instant::START, rules(), addr());
        session.handle_connected(Instant::START);
        feed(&mut session, Instant::START, &handshake(FAST));
        session.greet(Instant::START, &have, false);
        let lines = sent(&mut session);
        assert_eq!(lines[1], expected, "{lines:?}");
        assert_eq!(lines.iter().filter(|line| line.starts_with("have ")).count(), 1);
    }
}

#[test]
fn an_accepted_session_answers_before_the_peer_id_is_there() {
    let bytes = handshake(FAST);
    let mut decoder = HandshakeDecoder::new();
    let mut head = &bytes[..48];
    let Ok(Some(HandshakePart::Head { reserved, .. })) = decoder.next(&mut head) else {
        panic!()
    };
    let now = Instant::START;
    let mut session = Session::accept_connection(now, rules(), addr(), now, decoder, reserved);
    assert_eq!(sent(&mut session), ["handshake"]);
    assert_eq!(feed(&mut session, Instant::START, &bytes[48..60]), []);
    assert_eq!(
        feed(&mut session, Instant::START, &bytes[60..]),
        [Output::Handshaken]
    );
}

#[test]
fn the_answer_for_another_torrent_ends_it() {
    let mut session = Session::dial(Instant::START, rules(), addr());
    session.handle_connected(Instant::START);
    let other = Handshake {
        reserved: FAST,
        info_hash: InfoHash([8; 20]),
        peer_id: PeerId([1; 20]),
    };
    let said = feed(&mut session, Instant::START, &other.encode());
    assert_eq!(said, [Output::Ended(End::Violation(Violation::WrongTorrent))]);
}

#[test]
fn naming_what_does_not_exist_ends_the_session() {
    let piece = PieceIndex(PIECES);
    check_violation(
        Reserved::NONE,
        &bytes(&[Message::Have(piece)]),
        Violation::PieceOutOfRange { id: 4, piece },
    );
    check_violation(
        FAST,
        &bytes(&[Message::Suggest(piece)]),
        Violation::PieceOutOfRange { id: 13, piece },
    );
    check_violation(
        FAST,
        &bytes(&[Message::AllowedFast(piece)]),
        Violation::PieceOutOfRange { id: 17, piece },
    );
    check_violation(
        Reserved::NONE,
        &bytes(&[Message::Bitfield(vec![0; 2])]),
        Violation::BitfieldLength { got: 2, expected: 3 },
    );
}

#[test]
fn what_was_not_negotiated_ends_the_session() {
    for (id, message) in [
        (13, Message::Suggest(PieceIndex(1))),
        (14, Message::HaveAll),
        (15, Message::HaveNone),
        (16, Message::Reject(range(1, 0, 16_384))),
        (17, Message::AllowedFast(PieceIndex(1))),
    ] {
        check_violation(
            Reserved::NONE,
            &bytes(&[message]),
            Violation::FastNotNegotiated { id },
        );
    }
    let extended = Message::Extended {
        id: 0,
        payload: b"de".to_vec(),
    };
    check_violation(
        Reserved::NONE,
        &bytes(&[extended]),
        Violation::ExtendedNotNegotiated,
    );
    let extended = Message::Extended {
        id: 0,
        payload: b"le".to_vec(),
    };
    check_violation(FAST, &bytes(&[extended]), Violation::BadExtendedHandshake);
}

#[test]
fn a_block_that_was_never_requested_ends_the_session() {
    let block = Block::from(vec![0; 16_384]);
    let unasked = range(5, 0, 16_384);
    check_violation(
        Reserved::NONE,
        &bytes(&[Message::Piece {
            range: unasked,
            data: block.clone(),
        }]),
        Violation::BlockNotRequested { range: unasked },
    );
    let outside = range(PIECES, 0, 16_384);
    check_violation(
        FAST,
        &bytes(&[Message::Piece {
            range: outside,
            data: block,
        }]),
        Violation::BlockOutOfRange { range: outside },
    );
    check_violation(
        Reserved::NONE,
        &[0, 0, 0, 4, 4, 0, 0, 0],
        Violation::WrongLength { id: 4, length: 4 },
    );
}

#[test]
fn too_much_of_what_cannot_be_answered_ends_the_session() {
    let config = SessionConfig::default();
    let rejects = vec![Message::Reject(range(1, 0, 16_384)); config.stray_rejects_max as usize + 1];
    let mut session = open(FAST);
    let said = feed(&mut session, Instant::START, &bytes(&rejects));
    assert_eq!(
        said.last(),
        Some(&Output::Ended(End::Violation(Violation::TooManyStrayRejects)))
    );
    let requests = vec![Message::Request(range(1, 0, 16_384)); config.bad_requests_max as usize + 1];
    let mut session = open(FAST);
    let said = feed(&mut session, Instant::START, &bytes(&requests));
    assert_eq!(
        said,
        [Output::Ended(End::Violation(Violation::TooManyBadRequests))]
    );
}

#[test]
fn a_block_must_have_been_requested_and_may_come_twice() {
    let mut session = open(Reserved::NONE);
    let wanted = range(4, 0, 16_384);
    session.set_interested(Instant::START, true);
    session.request(Instant::START, wanted);
    let piece = bytes(&[Message::Piece {
        range: wanted,
        data: Block::from(vec![1; 16_384]),
    }]);
    for _ in 0..2 {
        let said = feed(&mut session, Instant::START, &piece);
        assert!(matches!(said.as_slice(), [Output::Block { range, .. }] if *range == wanted));
    }
    assert_eq!(session.transferred().0, 32_768);
}

#[test]
fn a_choke_drops_requests_only_without_the_fast_extension() {
    for (reserved, dropped) in [(Reserved::NONE, true), (FAST, false)] {
        let mut session = open(reserved);
        session.set_interested(Instant::START, true);
        feed(&mut session, Instant::START, &bytes(&[Message::Unchoke]));
        session.request(Instant::START, range(4, 0, 16_384));
        let said = feed(&mut session, Instant::START, &bytes(&[Message::Choke]));
        assert_eq!(said, [Output::Choked { dropped }]);
        assert_eq!(session.outstanding(), usize::from(!dropped));
        assert_eq!(session.wants(), 0, "nothing is asked for while choked");
    }
}

#[test]
fn every_request_of_a_fast_peer_is_answered_once() {
    let mut session = open(FAST);
    session.set_choking(Instant::START, false);
    let wanted = range(1, 0, 16_384);
    assert_eq!(
        feed(&mut session, Instant::START, &bytes(&[Message::Request(wanted)])),
        [Output::Request(wanted)]
    );
    session.accept(wanted);
    sent(&mut session);
    session.set_choking(Instant::START, true);
    assert_eq!(
        sent(&mut session),
        ["choke".to_string(), format_reject(wanted)],
        "choke first, then the rejects"
    );
    // while choked, and out of range
    for refused in [
        wanted,
        range(PIECES, 0, 16_384),
        range(1, u32::MAX, 2),
        range(1, 0, 131_073),
    ] {
        assert_eq!(
            feed(&mut session, Instant::START, &bytes(&[Message::Request(refused)])),
            []
        );
        assert_eq!(sent(&mut session), [format_reject(refused)]);
    }
}

fn format_reject(range: BlockRange) -> String {
    Message::Reject(range).to_string()
}

#[test]
fn a_cancelled_upload_is_rejected_for_a_fast_peer() {
    let mut session = open(FAST);
    session.set_choking(Instant::START, false);
    let wanted = range(1, 0, 16_384);
    feed(&mut session, Instant::START, &bytes(&[Message::Request(wanted)]));
    session.accept(wanted);
    sent(&mut session);
    feed(
        &mut session,
        Instant::START,
        &bytes(&[Message::Cancel(wanted), Message::Cancel(wanted)]),
    );
    assert_eq!(sent(&mut session), [format_reject(wanted)]);
    assert_eq!(session.next_upload(u64::MAX), None);
}

#[test]
fn granted_pieces_are_served_while_choked() {
    let mut session = Session::dial(Instant::START, rules(), addr());
    session.handle_connected(Instant::START);
    feed(&mut session, Instant::START, &handshake(FAST));
    session.greet(Instant::START, &Bitfield::full(PIECES), false);
    let granted = session.allowed_to_peer.clone();
    assert_eq!(granted.len(), 10);
    let wanted = BlockRange {
        piece: granted[0],
        begin: 0,
        length: 1_000,
    };
    assert_eq!(
        feed(&mut session, Instant::START, &bytes(&[Message::Request(wanted)])),
        [Output::Request(wanted)]
    );
}

#[test]
fn keep_alives_go_out_and_silence_ends() {
    let config = SessionConfig::default();
    let mut session = open(FAST);
    session.set_interested(Instant::START, true);
    sent(&mut session);
    let mut said = vec![];
    let at = Instant::START + config.keepalive_after;
    assert_eq!(session.deadline(), Some(at));
    session.handle_timeout(at, &mut said);
    assert_eq!(
        (sent(&mut session), said.as_slice()),
        (vec!["keep-alive".to_string()], [].as_slice())
    );
    session.handle_timeout(Instant::START + config.idle_timeout, &mut said);
    assert_eq!(said, [Output::Ended(End::Silent)]);
}

#[test]
fn keep_alives_do_not_keep_a_useless_connection() {
    let config = SessionConfig::default();
    let mut session = open(FAST);
    let mut said = vec![];
    let mut now = Instant::START;
    while said.is_empty() {
        assert!(now < Instant::START + config.useless_timeout + Duration::from_secs(1));
        now += Duration::from_secs(30);
        feed(&mut session, now, &[0, 0, 0, 0]);
        session.handle_timeout(now, &mut said);
    }
    assert_eq!(said, [Output::Ended(End::Useless)]);
}

#[test]
fn the_connection_and_the_handshake_have_their_time() {
    let config = SessionConfig::default();
    let mut session = Session::dial(Instant::START, rules(), addr());
    let at = Instant::START + config.connect_timeout;
    assert_eq!(session.deadline(), Some(at));
    let mut said = vec![];
    session.clone().handle_timeout(at, &mut said);
    assert_eq!(said, [Output::Ended(End::ConnectTimeout)]);
    session.handle_connected(at);
    // 47 bytes and silence
    feed(&mut session, at, &handshake(FAST)[..47]);
    assert_eq!(session.deadline(), Some(at + config.handshake_timeout));
    said.clear();
    session.handle_timeout(at + config.handshake_timeout, &mut said);
    assert_eq!(said, [Output::Ended(End::HandshakeTimeout)]);
}

#[test]
fn the_pipeline_keeps_to_what_the_peer_takes() {
    let mut session = open(FAST);
    session.set_interested(Instant::START, true);
    feed(&mut session, Instant::START, &bytes(&[Message::Unchoke]));
    assert_eq!(session.wants(), 16);
    for (reqq, wants) in [("i5e", 5), ("i0e", 1), ("i9223372036854775807e", 16)] {
        let payload = alloc::format!("d4:reqq{reqq}e").into_bytes();
        let said = feed(
            &mut session,
            Instant::START,
            &bytes(&[Message::Extended { id: 0, payload }]),
        );
        assert_eq!(said, [Output::Extended]);
        assert_eq!(session.wants(), wants, "reqq {reqq}");
    }
}

#[test]
fn a_snubbing_peer_gives_its_requests_back_and_may_still_answer() {
    let config = SessionConfig::default();
    let mut session = open(FAST);
    session.set_interested(Instant::START, true);
    feed(&mut session, Instant::START, &bytes(&[Message::Unchoke]));
    let wanted = range(4, 0, 16_384);
    session.request(Instant::START, wanted);
    let mut said = vec![];
    session.handle_timeout(Instant::START + config.snub_timeout, &mut said);
    assert_eq!(
        said,
        [Output::Snubbed {
            released: vec![wanted]
        }]
    );
    assert!(session.snubbed() && session.wants() == 0);
    let piece = bytes(&[Message::Piece {
        range: wanted,
        data: Block::from(vec![1; 16_384]),
    }]);
    let said = feed(&mut session, Instant::START + config.snub_timeout, &piece);
    assert!(matches!(said.as_slice(), [Output::Block { .. }]));
    assert!(!session.snubbed());
}
