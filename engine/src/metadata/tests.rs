//! The machine alone, with peers by number.

use super::*;
use crate::time::Duration;
use std::vec;

const SIZE: u32 = 250;

fn info() -> Vec<u8> {
    (0..SIZE).map(|n| n as u8).collect()
}

fn fetch() -> Fetch {
    let identity = Identity {
        v1: Some(InfoHash(Sha1::digest(info()).into())),
        v2: None,
    };
    let config = MetadataConfig {
        piece_length: 100,
        size_max: 1000,
        sizes_max: 3,
        requests_max: 2,
        ..MetadataConfig::default()
    };
    Fetch::new(identity, config)
}

fn peer(n: u8) -> (ConnId, IpAddr) {
    (ConnId::dialled(n.into()), IpAddr::from([10, 0, 0, n]))
}

fn at(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

impl Fetch {
    fn joins(&mut self, n: u8, size: u32) -> ConnId {
        let (conn, ip) = peer(n);
        self.claims(at(0), conn, ip, Some(size));
        conn
    }

    fn gives(&mut self, now: u64, conn: ConnId, piece: u32, bytes: &[u8]) -> Received {
        let start = piece as usize * 100;
        let end = bytes.len().min(start + 100);
        self.received(at(now), conn, bytes.len() as u32, piece, &bytes[start..end])
    }
}

#[test]
fn one_peer_gives_all() {
    let mut fetch = fetch();
    let one = fetch.joins(1, SIZE);
    assert_eq!(fetch.ask(at(0), one), [0, 1]);
    assert_eq!(fetch.ask(at(0), one), [], "two at a time");
    assert_eq!(fetch.gives(0, one, 1, &info()), Received::Kept);
    assert_eq!(fetch.ask(at(0), one), [2]);
    assert_eq!(fetch.gives(0, one, 0, &info()), Received::Kept);
    assert_eq!(fetch.progress(), (200, SIZE));
    assert_eq!(fetch.gives(0, one, 2, &info()), Received::Whole(info()));
}

#[test]
fn two_peers_are_asked_at_once_and_a_piece_only_every_three_seconds() {
    let mut fetch = fetch();
    let (one, two) = (fetch.joins(1, SIZE), fetch.joins(2, SIZE));
    assert_eq!(fetch.ask(at(0), one), [0, 1]);
    assert_eq!(fetch.ask(at(0), two), [2]);
    assert_eq!(fetch.ask(at(2), two), []);
    assert_eq!(fetch.deadline(), Some(at(3)));
    fetch.handle_timeout(at(3));
    assert_eq!(fetch.ask(at(3), two), [0]);
    // whoever has not answered is not asked the same again
    assert_eq!(fetch.ask(at(30), one), []);
    assert_eq!(fetch.ask(at(30), two), [], "two at a time");
}

#[test]
fn what_was_asked_of_who_left_is_free_at_once() {
    let mut fetch = fetch();
    let (one, two) = (fetch.joins(1, SIZE), fetch.joins(2, SIZE));
    assert_eq!(fetch.ask(at(0), one), [0, 1]);
    fetch.left(one);
    assert_eq!(fetch.ask(at(0), two), [2, 0], "those asked for least first");
}

#[test]
fn what_another_one_is_asked_for_is_not_free_when_somebody_leaves() {
    let mut fetch = fetch();
    let (one, two) = (fetch.joins(1, SIZE), fetch.joins(2, SIZE));
    assert_eq!(fetch.ask(at(0), one), [0, 1]);
    fetch.handle_timeout(at(3));
    assert_eq!(fetch.ask(at(3), two), [2, 0]);
    let three = fetch.joins(3, SIZE);
    fetch.left(one);
    assert_eq!(fetch.ask(at(3), three), [1]);
}

#[test]
fn who_refuses_is_left_alone_for_a_minute() {
    let mut fetch = fetch();
    let (one, two) = (fetch.joins(1, SIZE), fetch.joins(2, SIZE));
    assert_eq!(fetch.ask(at(0), one), [0, 1]);
    fetch.rejected(at(1), one, 0);
    fetch.rejected(at(1), one, 1);
    assert_eq!(fetch.ask(at(1), one), []);
    assert_eq!(
        fetch.ask(at(1), two),
        [0, 1].map(|n| [2, 0][n]),
        "what was refused is free at once"
    );
    assert_eq!(fetch.ask(at(60), one), []);
    fetch.handle_timeout(at(60));
    assert_eq!(fetch.deadline(), Some(at(61)));
    assert!(!fetch.ask(at(61), one).is_empty());
}

#[test]
fn a_wrong_hash_of_one_peer_names_it() {
    let mut fetch = fetch();
    let one = fetch.joins(1, SIZE);
    let mut wrong = info();
    wrong[7] ^= 1;
    fetch.ask(at(0), one);
    fetch.gives(0, one, 0, &wrong);
    fetch.gives(0, one, 1, &wrong);
    let contributors = vec![peer(1).1];
    assert_eq!(fetch.gives(0, one, 2, &wrong), Received::Wrong { contributors });
    assert_eq!((fetch.failures(), fetch.bytes()), (1, 0));
}

#[test]
fn after_a_mixed_failure_one_peer_gives_all_and_the_liar_is_found() {
    let mut fetch = fetch();
    let (honest, liar) = (fetch.joins(1, SIZE), fetch.joins(2, SIZE));
    let wrong = vec![0; SIZE as usize];
    fetch.ask(at(0), liar);
    fetch.ask(at(0), honest);
    fetch.gives(0, liar, 0, &wrong);
    fetch.gives(0, liar, 1, &wrong);
    let contributors = vec![peer(1).1, peer(2).1];
    assert_eq!(
        fetch.gives(0, honest, 2, &info()),
        Received::Wrong { contributors }
    );
    assert_eq!(fetch.ask(at(19), honest), [], "a penalty of 20 s");
    fetch.handle_timeout(at(20));
    assert_eq!(fetch.ask(at(20), liar), [0, 1]);
    assert_eq!(fetch.ask(at(20), honest), [], "alone");
    fetch.gives(20, liar, 0, &wrong);
    fetch.gives(20, liar, 1, &wrong);
    fetch.ask(at(20), liar);
    let contributors = vec![peer(2).1];
    assert_eq!(fetch.gives(20, liar, 2, &wrong), Received::Wrong { contributors });
    fetch.left(liar);
    assert_eq!(fetch.ask(at(21), honest), [0, 1]);
    let third = fetch.joins(3, SIZE);
    assert_eq!(
        fetch.ask(at(21), third),
        [],
        "alone still: it may be the next liar"
    );
    fetch.gives(21, honest, 0, &info());
    fetch.gives(21, honest, 1, &info());
    assert_eq!(fetch.ask(at(21), honest), [2]);
    assert_eq!(fetch.gives(21, honest, 2, &info()), Received::Whole(info()));
}

#[test]
fn who_is_asked_alone_and_says_nothing_gives_way() {
    let mut fetch = fetch();
    let (one, two) = (fetch.joins(1, SIZE), fetch.joins(2, SIZE));
    fetch.ask(at(0), one);
    fetch.ask(at(0), two);
    let wrong = vec![0; SIZE as usize];
    fetch.gives(0, one, 0, &wrong);
    fetch.gives(0, one, 1, &wrong);
    fetch.gives(0, two, 2, &wrong);
    assert_eq!(fetch.ask(at(20), one), [0, 1]);
    fetch.handle_timeout(at(20));
    assert_eq!(fetch.deadline(), Some(at(23)));
    fetch.handle_timeout(at(23));
    assert_eq!(fetch.deadline(), Some(at(40)));
    assert_eq!(fetch.ask(at(39), two), []);
    fetch.handle_timeout(at(40));
    assert_eq!(fetch.ask(at(40), two), [0, 1]);
    assert_eq!(fetch.gives(41, one, 0, &info()), Received::Unneeded);
}

#[test]
fn sizes_are_kept_apart_and_bounded() {
    let mut fetch = fetch();
    let honest = fetch.joins(1, SIZE);
    let (conn, ip) = peer(2);
    assert!(!fetch.claims(at(0), conn, ip, Some(1001)), "over the limit");
    assert!(fetch.claims(at(0), conn, ip, None));
    assert_eq!(fetch.ask(at(0), conn), []);
    for n in 2..20 {
        let liar = fetch.joins(n, 980 + u32::from(n));
        for piece in fetch.ask(at(0), liar) {
            assert_ne!(
                fetch.gives(0, liar, piece, &vec![0; 980 + usize::from(n)]),
                Received::Whole(Vec::new())
            );
            assert!(fetch.bytes() <= 1000 && fetch.buffers.len() <= 3);
        }
    }
    for pieces in [[0, 1].as_slice(), &[2]] {
        assert_eq!(fetch.ask(at(9), honest), pieces);
        for piece in pieces {
            let done = if *piece == 2 {
                Received::Whole(info())
            } else {
                Received::Kept
            };
            assert_eq!(fetch.gives(9, honest, *piece, &info()), done);
        }
    }
}

#[test]
fn both_hashes_must_fit_and_none_fits_nothing() {
    let identity = |v1, v2| Identity { v1, v2 };
    let (v1, v2) = (InfoHash(Sha1::digest(b"de").into()), Sha256::digest(b"de").into());
    assert!(identity(Some(v1), None).fits(b"de"));
    assert!(identity(None, Some(v2)).fits(b"de"));
    assert!(identity(Some(v1), Some(v2)).fits(b"de"));
    assert!(!identity(Some(v1), Some([0; 32])).fits(b"de"));
    assert!(!identity(Some(InfoHash([0; 20])), Some(v2)).fits(b"de"));
    assert!(!identity(None, None).fits(b"de"));
    assert_eq!(identity(None, Some(v2)).on_the_wire().0, v2[..20]);
    assert_eq!(identity(Some(v1), Some(v2)).on_the_wire(), v1);
}

#[test]
fn the_deadline_moves() {
    let mut fetch = fetch();
    let one = fetch.joins(1, SIZE);
    fetch.ask(at(0), one);
    let mut now = Instant::START;
    for _ in 0..100 {
        let Some(due) = fetch.deadline() else { return };
        assert!(due > now || now == Instant::START);
        now = due + Duration::from_micros(0);
        fetch.handle_timeout(now);
        assert!(fetch.deadline().is_none_or(|next| next > now));
        fetch.ask(now, one);
    }
    unreachable!("it never rests");
}
