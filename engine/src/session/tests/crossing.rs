//! Messages that cross on the wire, and waits that are of our making: no fault of the peer's.

use super::*;

fn asked(session: &mut Session, pieces: core::ops::Range<u32>) {
    session.set_interested(Instant::START, true);
    feed(session, Instant::START, &bytes(&[Message::Unchoke]));
    for piece in pieces {
        session.request(Instant::START, range(piece, 0, 16_384));
    }
    sent(session);
}

#[test]
fn rejects_that_answer_our_cancels_are_no_fault() {
    let config = SessionConfig::default();
    let mut session = open(FAST);
    // 60 requests by block, more than the stray rejects that are borne
    session.set_interested(Instant::START, true);
    feed(&mut session, Instant::START, &bytes(&[Message::Unchoke]));
    let ranges: Vec<_> = (0..60).map(|n| range(n % 16, 100 * (n / 16), 100)).collect();
    assert!(ranges.len() > config.stray_rejects_max as usize);
    ranges
        .iter()
        .for_each(|wanted| assert!(session.request(Instant::START, *wanted)));
    sent(&mut session);
    let late = Instant::START + config.request_timeout;
    session.handle_timeout(late, &mut vec![]);
    assert_eq!(sent(&mut session).len(), ranges.len(), "each is cancelled");
    let rejects: Vec<_> = ranges.iter().map(|wanted| Message::Reject(*wanted)).collect();
    assert_eq!(feed(&mut session, late, &bytes(&rejects)), []);
    assert!(!session.is_over());
}

#[test]
fn a_block_after_the_reject_of_an_earlier_request_is_no_fault() {
    let config = SessionConfig::default();
    let mut session = open(FAST);
    asked(&mut session, 4..5);
    let wanted = range(4, 0, 16_384);
    let late = Instant::START + config.request_timeout;
    session.handle_timeout(late, &mut vec![]);
    session.request(late, wanted);
    let data = Block::from(vec![1; 16_384]);
    let answers = bytes(&[Message::Reject(wanted), Message::Piece { range: wanted, data }]);
    let said = feed(&mut session, late, &answers);
    assert!(matches!(said.as_slice(), [Output::Block { .. }]), "{said:?}");
}

#[test]
fn requests_on_their_way_when_we_choke_do_not_add_up() {
    let config = SessionConfig::default();
    let mut session = open(FAST);
    for _ in 0..10 {
        session.set_choking(Instant::START, false);
        session.set_choking(Instant::START, true);
        let on_their_way = vec![Message::Request(range(1, 0, 16_384)); 100];
        assert!(on_their_way.len() * 10 > config.bad_requests_max as usize);
        assert_eq!(feed(&mut session, Instant::START, &bytes(&on_their_way)), []);
        sent(&mut session);
    }
    assert!(!session.is_over());
}

#[test]
fn requests_for_what_we_lack_are_counted_too() {
    let config = SessionConfig::default();
    let mut session = open(FAST);
    session.set_choking(Instant::START, false);
    let wanted = range(1, 0, 16_384);
    for _ in 0..=config.bad_requests_max {
        let said = feed(&mut session, Instant::START, &bytes(&[Message::Request(wanted)]));
        assert_eq!(said, [Output::Request(wanted)]);
        session.refuse(Instant::START, wanted);
    }
    let said = feed(&mut session, Instant::START, &bytes(&[Message::Request(wanted)]));
    assert_eq!(
        said,
        [Output::Ended(End::Violation(Violation::TooManyBadRequests))]
    );
}

#[test]
fn a_peer_that_we_do_not_read_is_not_late() {
    let config = SessionConfig::default();
    let mut session = open(FAST);
    asked(&mut session, 4..6);
    session.hold_reading(Instant::START);
    let mut said = vec![];
    let later = Instant::START + config.idle_timeout * 2;
    session.handle_timeout(later, &mut said);
    assert_eq!(said, []);
    session.go_on_reading(later);
    assert_eq!(session.deadline(), Some(later + config.snub_timeout));
    session.handle_timeout(later + config.snub_timeout, &mut said);
    assert!(matches!(said.as_slice(), [Output::Snubbed { .. }]));
}

#[test]
fn bitcomet_is_asked_for_fifty_blocks_at_a_time() {
    for (id, wants) in [(b"-BC0190-bbbbbbbbbbbb", 50), (b"-XX0190-bbbbbbbbbbbb", 100)] {
        let mut session = open(FAST);
        session.peer_id = Some(PeerId(*id));
        session
            .requests
            .assume_depth(100, session.rules.geometry.block_length());
        asked(&mut session, 0..0);
        assert_eq!(session.wants(), wants);
    }
}

#[test]
fn the_time_of_a_handshake_begins_with_the_connection() {
    let config = SessionConfig::default();
    let whole = handshake(FAST);
    let mut decoder = HandshakeDecoder::new();
    let mut head = &whole[..48];
    decoder.next(&mut head).unwrap();
    let now = Instant::from_secs(9);
    let session = Session::accept_connection(now, rules(), addr(), Instant::START, decoder, FAST);
    assert_eq!(
        session.deadline(),
        Some(Instant::START + config.handshake_timeout)
    );
}
