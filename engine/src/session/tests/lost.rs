//! A peer that lost a piece, and one that exchanges peers (BEP 54, BEP 11).

use super::*;
use crate::extension::{LT_DONTHAVE, UT_PEX};

const fn at(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

fn message(id: u8, payload: &[u8]) -> Vec<u8> {
    let payload = payload.to_vec();
    bytes(&[Message::Extended { id, payload }])
}

#[test]
fn what_was_asked_of_a_lost_piece_is_free_only_without_fast() {
    for (reserved, dropped) in [
        (Reserved::NONE.with_extended(), vec![range(3, 0, 16_384)]),
        (FAST, vec![]),
    ] {
        let mut session = open(reserved);
        feed(&mut session, at(1), &bytes(&[Message::Unchoke]));
        session.set_interested(at(1), true);
        session.request(at(1), range(3, 0, 16_384));
        session.request(at(1), range(4, 0, 16_384));
        let left = 2 - dropped.len();
        let said = feed(&mut session, at(2), &message(LT_DONTHAVE, &[0, 0, 0, 3]));
        let piece = PieceIndex(3);
        assert_eq!(said, [Output::DontHave { piece, dropped }]);
        assert_eq!(session.outstanding(), left);
    }
}

#[test]
fn a_lost_piece_has_to_exist_and_to_be_a_number() {
    check_violation(
        FAST,
        &message(LT_DONTHAVE, &[0, 0, 0, 200]),
        Violation::PieceOutOfRange {
            id: 20,
            piece: PieceIndex(200),
        },
    );
    check_violation(
        FAST,
        &message(LT_DONTHAVE, &[1, 2, 3]),
        Violation::BadDontHave { length: 3 },
    );
}

#[test]
fn peer_exchange_is_a_dictionary_and_not_too_frequent() {
    check_violation(FAST, &message(UT_PEX, b"le"), Violation::BadPex);
    check_violation(FAST, &message(UT_PEX, b"d"), Violation::BadPex);
    let mut session = open(FAST);
    let said = feed(&mut session, at(0), &message(UT_PEX, b"de").repeat(7));
    let ended = Output::Ended(End::Violation(Violation::TooFrequentPex));
    assert_eq!((said.len(), said.last()), (7, Some(&ended)));
    // a new minute, a new allowance
    let mut session = open(FAST);
    for minute in 0..4 {
        let said = feed(&mut session, at(60 * minute), &message(UT_PEX, b"de").repeat(6));
        assert_eq!(said.len(), 6, "minute {minute}");
    }
}
