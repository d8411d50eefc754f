//! I36: a ledger that leaves a byte out, counts one twice or puts one into the wrong class is found out.

use super::*;
use seedbed_engine::ledger::Ledger;
use seedbed_engine::session::{End, Violation};

/// What [`Story::connect`] hears: handshake, have all, unchoke.
const GREETING: u64 = 68 + 5 + 5;
/// A block's message without its payload, and the payload.
const HEAD: u64 = 13;
const BLOCK: u64 = 64;

fn piece(range: BlockRange) -> Vec<u8> {
    let data = Block::from(vec![0; range.length as usize]);
    let mut bytes = Vec::new();
    Message::Piece { range, data }.encode(&mut bytes);
    bytes
}

/// A block that was asked for comes and is written.
fn fetch(story: &mut Story, conn: ConnId, range: BlockRange) {
    story.say(conn, &Message::Request(range));
    story.hear(conn, &piece(range));
    story.write(range);
}

fn fetched() -> (Story, ConnId) {
    let mut story = Story::new();
    let conn = story.connect(1);
    fetch(&mut story, conn, block(0, 0));
    (story, conn)
}

/// What [`fetched`] amounts to.
const FETCHED: Ledger = Ledger {
    useful: BLOCK,
    duplicate: 0,
    failed_hash: 0,
    unrequested: 0,
    late: 0,
    protocol: GREETING + HEAD,
};

#[track_caller]
fn check((mut story, _): (Story, ConnId), told: Ledger, holds: bool) {
    story.watch.ledger(&told);
    let breaches = &story.watch.verdicts.breaches;
    assert!(
        breaches.iter().all(|breach| breach.oracle == Oracle::I36),
        "{breaches:?}"
    );
    assert_eq!(breaches.is_empty(), holds, "{told:?}: {breaches:?}");
    assert!(story.watch.verdicts.held(Oracle::I36) > 0);
}

#[test]
fn the_sum_is_all_that_came() {
    check(fetched(), FETCHED, true);
    let protocol = FETCHED.protocol;
    for wrong in [protocol - 1, protocol + 1, 0] {
        check(
            fetched(),
            Ledger {
                protocol: wrong,
                ..FETCHED
            },
            false,
        );
    }
}

#[test]
fn blocks_are_blocks_and_stored_ones_were_stored() {
    let protocol = FETCHED.protocol + BLOCK;
    check(
        fetched(),
        Ledger {
            useful: 0,
            protocol,
            ..FETCHED
        },
        false,
    );
    let moved = Ledger { useful: 0, ..FETCHED };
    check(
        fetched(),
        Ledger {
            duplicate: BLOCK,
            ..moved
        },
        false,
    );
    check(fetched(), Ledger { late: BLOCK, ..moved }, false);
    check(
        fetched(),
        Ledger {
            failed_hash: BLOCK,
            ..moved
        },
        false,
    );
    check(
        fetched(),
        Ledger {
            unrequested: BLOCK,
            ..moved
        },
        false,
    );
}

#[test]
fn a_second_copy_that_is_not_stored_is_not_useful() {
    let again = || {
        let (mut story, conn) = fetched();
        story.hear(conn, &piece(block(0, 0)));
        (story, conn)
    };
    let protocol = FETCHED.protocol + HEAD;
    check(
        again(),
        Ledger {
            duplicate: BLOCK,
            protocol,
            ..FETCHED
        },
        true,
    );
    check(
        again(),
        Ledger {
            late: BLOCK,
            protocol,
            ..FETCHED
        },
        true,
    );
    check(
        again(),
        Ledger {
            useful: 2 * BLOCK,
            protocol,
            ..FETCHED
        },
        false,
    );
}

#[test]
fn what_storage_lost_is_no_longer_useful_and_nothing_else_is_lost() {
    let doubted = || {
        let (mut story, conn) = fetched();
        story.report(Report::State {
            torrent: TORRENT,
            state: TorrentState::Checking,
        });
        (story, conn)
    };
    let lost = Ledger {
        useful: 0,
        duplicate: BLOCK,
        ..FETCHED
    };
    check(doubted(), lost, true);
    check(doubted(), FETCHED, true);
    check(fetched(), lost, false);
}

#[test]
fn a_failed_piece_is_told_in_full() {
    let failed = || {
        let (mut story, conn) = fetched();
        fetch(&mut story, conn, block(0, 1));
        story.report(Report::PieceFailed {
            torrent: TORRENT,
            piece: PieceIndex(0),
            contributors: vec![],
            failures: 1,
        });
        (story, conn)
    };
    let protocol = FETCHED.protocol + HEAD;
    check(
        failed(),
        Ledger {
            useful: 0,
            failed_hash: 2 * BLOCK,
            protocol,
            ..FETCHED
        },
        true,
    );
    check(
        failed(),
        Ledger {
            failed_hash: BLOCK,
            protocol,
            ..FETCHED
        },
        false,
    );
    check(
        failed(),
        Ledger {
            useful: 2 * BLOCK,
            protocol,
            ..FETCHED
        },
        false,
    );
}

#[test]
fn a_block_that_nobody_asked_for_ends_its_connection() {
    let unrequested = |closed: bool| {
        let (mut story, conn) = fetched();
        // the engine need not look at what stands behind the end
        story.hear(conn, &[piece(block(1, 0)), piece(block(1, 1))].concat());
        let range = block(1, 0);
        let reason = CloseReason::Peer(End::Violation(Violation::BlockNotRequested { range }));
        if closed {
            story.action(Action::Close { conn, reason });
        }
        (story, conn)
    };
    let protocol = FETCHED.protocol + 2 * HEAD + BLOCK;
    let told = Ledger {
        unrequested: BLOCK,
        protocol,
        ..FETCHED
    };
    check(unrequested(true), told, true);
    check(
        unrequested(true),
        Ledger {
            unrequested: 0,
            late: BLOCK,
            ..told
        },
        false,
    );
    check(
        unrequested(true),
        Ledger {
            unrequested: 0,
            protocol: protocol + BLOCK,
            ..told
        },
        false,
    );
    check(unrequested(false), told, false);
}

#[test]
fn a_block_that_is_not_whole_is_in_no_class_while_its_connection_lives() {
    let torn = |closed: bool| {
        let (mut story, conn) = fetched();
        story.hear(conn, &piece(block(0, 1))[..HEAD as usize + 10]);
        if closed {
            let cause = CloseCause::Eof;
            story.event(&Event::Closed { conn, cause });
        }
        (story, conn)
    };
    let protocol = FETCHED.protocol + HEAD;
    check(torn(false), Ledger { protocol, ..FETCHED }, true);
    check(
        torn(false),
        Ledger {
            protocol: protocol + 10,
            ..FETCHED
        },
        false,
    );
    check(
        torn(true),
        Ledger {
            protocol: protocol + 10,
            ..FETCHED
        },
        true,
    );
    check(torn(true), Ledger { protocol, ..FETCHED }, false);
}

#[test]
fn who_dials_us_counts_from_our_answer_on() {
    let accepted = |answered: bool| {
        let (mut story, _) = fetched();
        let conn = ConnId::accepted(1);
        story.event(&Event::Accepted { conn, from: peer(2) });
        story.hear(conn, &handshake(2)[..48]);
        if answered {
            story.send(conn, &handshake(102));
        }
        (story, conn)
    };
    let protocol = FETCHED.protocol + 48;
    check(accepted(true), Ledger { protocol, ..FETCHED }, true);
    check(accepted(true), FETCHED, false);
    check(accepted(false), FETCHED, true);
    check(accepted(false), Ledger { protocol, ..FETCHED }, false);
}
