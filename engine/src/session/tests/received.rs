//! What became of the bytes of a connection, as far as its session decides it.

use super::*;
use crate::ledger::Ledger;

fn protocol(bytes: usize) -> Ledger {
    Ledger {
        protocol: bytes as u64,
        ..Ledger::default()
    }
}

#[test]
fn whatever_is_no_payload_is_protocol_however_it_is_cut() {
    let mut told = vec![];
    for cut in [1, 7, 1000] {
        let mut session = open(FAST);
        assert_eq!(session.take_received(), protocol(68));
        session.set_interested(Instant::START, true);
        feed(&mut session, Instant::START, &bytes(&[Message::Unchoke]));
        session.request(Instant::START, range(1, 0, 16_384));
        let data = Block::from(vec![1; 16_384]);
        let mut stream = bytes(&[
            Message::KeepAlive,
            Message::HaveAll,
            Message::Bitfield(vec![0; 3]),
            Message::Extended {
                id: 0,
                payload: b"de".to_vec(),
            },
            Message::Piece {
                range: range(1, 0, 16_384),
                data,
            },
        ]);
        // a message that nobody knows, and the beginning of one
        stream.extend_from_slice(&[0, 0, 0, 3, 99, 1, 2, 0, 0]);
        let payload = 16_384;
        told.clear();
        for part in stream.chunks(cut) {
            told.extend(feed(&mut session, Instant::START, part));
        }
        assert_eq!(session.take_received(), protocol(5 + stream.len() - payload));
        assert_eq!(session.take_received(), Ledger::default());
        assert!(told.iter().any(|said| matches!(said, Output::Block { .. })));
    }
}

#[test]
fn a_block_that_its_connection_does_not_finish_is_protocol() {
    let mut session = open(FAST);
    session.take_received();
    session.request(Instant::START, range(1, 0, 16_384));
    let mut stream = vec![0, 0, 0x40, 9, 7, 0, 0, 0, 1, 0, 0, 0, 0];
    stream.extend_from_slice(&[1; 500]);
    feed(&mut session, Instant::START, &stream);
    assert_eq!(session.take_received(), protocol(13));
    session.end();
    session.end();
    assert_eq!(session.take_received(), protocol(500));
}

#[test]
fn bytes_that_nobody_reads_are_protocol() {
    let mut session = Session::dial(Instant::START, rules(), addr());
    feed(&mut session, Instant::START, &[1; 30]);
    assert_eq!(session.take_received(), protocol(30), "before the connection");
    session.handle_connected(Instant::START);
    feed(&mut session, Instant::START, &handshake(FAST)[..50]);
    assert_eq!(session.take_received(), protocol(50), "half a handshake");
    session.end();
    feed(&mut session, Instant::START, &[1; 40]);
    assert_eq!(session.take_received(), protocol(40), "behind the end");
}

#[test]
fn the_head_that_was_read_before_the_torrent_was_known_counts() {
    let bytes = handshake(FAST);
    let (mut decoder, mut rest) = (crate::wire::HandshakeDecoder::new(), bytes.as_slice());
    let head = decoder.next(&mut rest);
    assert!(matches!(head, Ok(Some(HandshakePart::Head { .. }))));
    let mut session =
        Session::accept_connection(Instant::START, rules(), addr(), Instant::START, decoder, FAST);
    assert_eq!(session.take_received(), protocol(48));
    feed(&mut session, Instant::START, rest);
    assert_eq!(session.take_received(), protocol(20));
}
