//! The reader finds what a wrong engine would say.

use super::check::{self, Rules};
use super::conn::Conn;
use crate::sample::{PORT, engine_ip};
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::geometry::{BlockRange, Geometry};
use seedbed_engine::id::PieceIndex;
use seedbed_engine::time::Instant;
use seedbed_engine::wire::Message;
use std::net::SocketAddr;

/// Fourteen pieces of four blocks, the last one short.
fn geometry() -> Geometry {
    Geometry::new(14 * 256 - 30, 256, 64).unwrap()
}

fn block(piece: u32, n: u32) -> BlockRange {
    geometry().block(PieceIndex(piece), n).unwrap()
}

/// On a connection in mid-transfer, changed like this, the message breaks this rule.
#[track_caller]
fn check(change: impl Fn(&mut Conn), message: Message, expected: Option<&str>) {
    let rules = Rules {
        geometry: geometry(),
        now: Instant::from_secs(100),
    };
    let addr = SocketAddr::new(engine_ip(0), PORT);
    let mut conn = Conn::new(addr, true, 14, Instant::START);
    conn.counters.messages = 1;
    (conn.fast, conn.extended) = (true, true);
    conn.claimed = Bitfield::full(14);
    (conn.they_interested, conn.am_choking, conn.ever_unchoked) = (true, false, true);
    change(&mut conn);
    assert_eq!(check::broken(&conn, rules, &message), expected, "{message}");
}

const fn nothing(_: &mut Conn) {}

#[test]
fn requests_are_held_against_every_rule() {
    let ask = || Message::Request(block(3, 1));
    check(nothing, ask(), None);
    check(
        |c: &mut Conn| c.claimed = Bitfield::new(14),
        ask(),
        Some("request for a piece that was never offered"),
    );
    check(
        |c: &mut Conn| c.theirs = Bitfield::full(14),
        ask(),
        Some("request for a piece that it has told"),
    );
    check(
        |c: &mut Conn| c.they_interested = false,
        ask(),
        Some("request without interest"),
    );
    check(
        |c: &mut Conn| c.owed.push(block(3, 1)),
        ask(),
        Some(check::REPEATED),
    );
    check(|c: &mut Conn| c.am_choking = true, ask(), Some(check::CHOKED));
    check(
        |c: &mut Conn| (c.am_choking, c.ever_unchoked) = (true, false),
        ask(),
        Some("request before it was ever unchoked"),
    );
    check(
        |c: &mut Conn| {
            c.am_choking = true;
            c.granted.push(PieceIndex(3));
        },
        ask(),
        None,
    );
    check(
        |c: &mut Conn| c.reqq = 0,
        ask(),
        Some("more requests outstanding than reqq"),
    );
    let odd = |begin, length| Message::Request(check::range(3, begin, length));
    check(nothing, odd(1, 64), Some("request that is not a block"));
    check(nothing, odd(0, 1000), Some("request out of range"));
}

#[test]
fn what_it_says_of_pieces_and_blocks_is_too() {
    let full = || Message::Bitfield(vec![0xff, 0xfc]);
    let late = "bitfield, have all or have none that is not the first message";
    check(nothing, full(), Some(late));
    check(|c: &mut Conn| c.counters.messages = 0, full(), None);
    let first = "first message is not bitfield, have all or have none";
    check(
        |c: &mut Conn| c.counters.messages = 0,
        Message::Interested,
        Some(first),
    );
    check(
        nothing,
        Message::Have(PieceIndex(14)),
        Some("have of a piece that does not exist"),
    );
    let told = |c: &mut Conn| c.theirs = Bitfield::full(14);
    check(
        told,
        Message::Have(PieceIndex(1)),
        Some("have of a piece that it has told"),
    );
    let data = || Message::Piece {
        range: block(1, 0),
        data: vec![0; 64].into(),
    };
    check(nothing, data(), Some("block that was not requested"));
    check(|c: &mut Conn| c.taken_back.push(block(1, 0)), data(), None);
    let behind = |c: &mut Conn| {
        c.fast = false;
        c.asked.push(block(1, 0));
    };
    check(behind, data(), Some("block behind a choke"));
    let reject = || Message::Reject(block(1, 0));
    check(
        nothing,
        reject(),
        Some("reject of a request that is not outstanding"),
    );
    let refused = |c: &mut Conn| {
        (c.they_choke, c.theirs) = (false, Bitfield::full(14));
        c.asked.push(block(1, 0));
    };
    check(refused, reject(), Some(check::REFUSED));
    check(|c: &mut Conn| c.fast = false, Message::HaveAll, Some(late));
    check(nothing, Message::Choke, Some("choke twice"));
}
