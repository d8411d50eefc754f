//! Whom a peer is told of, how often, and how much of what it says is kept.

use super::*;

use alloc::vec;
use std::string::{String, ToString};

fn at(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

fn conn(n: u64) -> ConnId {
    ConnId::dialled(n)
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn contact(n: u64, text: &str) -> Contact {
    Contact {
        conn: conn(n),
        addr: addr(text),
        flags: Flags::default(),
    }
}

/// A torrent with one listening peer, connection 1 at `own`.
fn listening(own: &str) -> Pex {
    let mut pex = Pex::new(PexConfig::default());
    pex.listens(at(0), conn(1), addr(own), true);
    pex
}

fn told(message: Option<PexMessage>) -> (Vec<String>, Vec<String>) {
    let message = message.unwrap_or_default();
    let added = message.added.iter().map(|(addr, _)| addr.to_string()).collect();
    (added, message.dropped.iter().map(ToString::to_string).collect())
}

fn many(count: u32, from: u32) -> Vec<Contact> {
    let one = |n: u32| {
        let ip = core::net::Ipv4Addr::from_bits(0x0100_0000 + n);
        Contact {
            conn: conn(u64::from(n) + 10),
            addr: SocketAddr::new(ip.into(), 6881),
            flags: Flags::default(),
        }
    };
    (from..from + count).map(one).collect()
}

/// Tells what is due at each second; the times at which something was told, and what.
fn run(pex: &mut Pex, contacts: &[Contact], seconds: core::ops::Range<u64>) -> Vec<(u64, usize, usize)> {
    let mut said = vec![];
    for second in seconds {
        while let Some(due) = pex.next_due(at(second)) {
            let message = pex.message(at(second), due, contacts);
            said.extend(message.map(|message| (second, message.added.len(), message.dropped.len())));
        }
        assert!(
            pex.deadline().is_none_or(|due| due > at(second)),
            "the deadline moves on"
        );
    }
    said
}

#[test]
fn a_first_message_then_one_a_minute_and_none_without_news() {
    let mut pex = listening("198.51.100.1:1");
    let contacts = many(3, 0);
    assert_eq!(run(&mut pex, &contacts, 0..30), [(2, 3, 0)]);
    pex.contacts_changed();
    let more = many(5, 0);
    assert_eq!(run(&mut pex, &more, 30..200), [(62, 2, 0)]);
    // a contact that comes late is told at once, when the last message is long ago
    pex.contacts_changed();
    assert_eq!(run(&mut pex, &many(6, 0), 200..400), [(200, 1, 0)]);
}

#[test]
fn at_most_fifty_of_each_but_in_the_first_message() {
    let mut pex = listening("198.51.100.1:1");
    assert_eq!(
        run(&mut pex, &many(260, 0), 0..200),
        [(2, 200, 0), (62, 50, 0), (122, 10, 0)]
    );
    pex.contacts_changed();
    let other = many(60, 1_000);
    let said = run(&mut pex, &other, 200..600);
    assert_eq!(
        said,
        [
            (200, 50, 50),
            (260, 10, 50),
            (320, 0, 50),
            (380, 0, 50),
            (440, 0, 50),
            (500, 0, 10)
        ]
    );
}

#[test]
fn every_end_of_a_contact_is_told_and_no_contact_twice_in_a_message() {
    let mut pex = listening("198.51.100.1:1");
    let (one, two) = (contact(2, "192.0.2.1:1"), contact(3, "192.0.2.2:2"));
    let message = pex.message(at(2), conn(1), &[one, two]);
    assert_eq!(
        told(message),
        (vec!["192.0.2.1:1".into(), "192.0.2.2:2".into()], vec![])
    );
    let message = pex.message(at(62), conn(1), &[two]);
    assert_eq!(told(message), (vec![], vec!["192.0.2.1:1".into()]));
    // gone and back again within a minute
    assert_eq!(pex.message(at(122), conn(1), &[contact(9, "192.0.2.2:2")]), None);
    // two connections to one address are one contact
    let message = pex.message(at(182), conn(1), &[two, one, contact(4, "192.0.2.1:1")]);
    assert_eq!(told(message), (vec!["192.0.2.1:1".into()], vec![]));
}

#[test]
fn a_peer_is_not_told_of_itself_nor_of_what_it_cannot_reach() {
    let contacts = [
        contact(1, "203.0.113.9:7"),
        contact(2, "127.0.0.2:1"),
        contact(3, "10.0.0.3:1"),
        contact(4, "[fe80::4]:1"),
        contact(5, "192.0.2.5:1"),
        contact(6, "[2001:db8::6]:1"),
        contact(7, "192.0.2.5:0"),
        contact(8, "198.51.100.1:1"),
    ];
    let hears = |own: &str| told(listening(own).message(at(2), conn(1), &contacts)).0;
    assert_eq!(hears("198.51.100.1:1"), ["192.0.2.5:1", "[2001:db8::6]:1"]);
    let private = hears("10.0.0.9:1");
    assert_eq!(
        private,
        ["10.0.0.3:1", "192.0.2.5:1", "[2001:db8::6]:1", "198.51.100.1:1"]
    );
    assert_eq!(hears("127.0.0.1:1").len(), 6, "all but itself and a port of 0");
}

#[test]
fn one_that_does_not_listen_is_told_nothing_and_may_begin_to() {
    let mut pex = Pex::new(PexConfig::default());
    pex.listens(at(0), conn(1), addr("198.51.100.1:1"), false);
    assert_eq!(run(&mut pex, &many(3, 0), 0..100), []);
    pex.listens(at(100), conn(1), addr("198.51.100.1:1"), true);
    assert_eq!(run(&mut pex, &many(3, 0), 100..101), [(100, 3, 0)]);
    // off and on does not make the minute shorter
    pex.listens(at(101), conn(1), addr("198.51.100.1:1"), false);
    pex.listens(at(102), conn(1), addr("198.51.100.1:1"), true);
    assert_eq!(run(&mut pex, &many(9, 0), 101..200), [(160, 6, 0)]);
    pex.left(conn(1));
    assert_eq!(pex.deadline(), None);
}

#[test]
fn at_most_fifty_contacts_of_a_peer_are_believed() {
    let own = addr("198.51.100.1:1");
    let mut pex = listening("198.51.100.1:1");
    let message = |from: u32, count: u32| PexMessage {
        added: many(count, from)
            .iter()
            .map(|contact| (contact.addr, contact.flags))
            .collect(),
        dropped: vec![],
    };
    assert_eq!(pex.heard(conn(1), own, &message(0, 40)).len(), 40);
    assert_eq!(pex.heard(conn(1), own, &message(0, 40)).len(), 0, "known");
    assert_eq!(pex.heard(conn(1), own, &message(100, 40)).len(), 10);
    let gone = PexMessage {
        added: vec![],
        dropped: many(5, 0)
            .iter()
            .map(|contact| contact.addr)
            .chain([addr("9.9.9.9:9")])
            .collect(),
    };
    assert!(pex.heard(conn(1), own, &gone).is_empty());
    assert_eq!(pex.heard(conn(1), own, &message(200, 40)).len(), 5);
    assert!(
        pex.heard(conn(2), own, &message(0, 1)).is_empty(),
        "nobody we know"
    );
}

#[test]
fn a_peer_may_name_what_reaches_no_less_than_itself() {
    let local = |own: &str, named: &str| {
        let mut pex = listening(own);
        let message = PexMessage {
            added: vec![(addr(named), Flags::SEED)],
            dropped: vec![],
        };
        let tried = pex.heard(conn(1), addr(own), &message);
        assert_eq!((tried[0].addr, tried[0].flags), (addr(named), Flags::SEED));
        tried[0].local_ok
    };
    assert!(local("127.0.0.2:1", "127.0.0.3:1") && local("10.0.0.1:1", "10.0.0.2:1"));
    assert!(!local("10.0.0.1:1", "127.0.0.1:1") && !local("8.8.8.8:1", "10.0.0.1:1"));
}

#[test]
fn contacts_of_both_families_are_told_to_a_peer_of_either() {
    for own in ["192.0.2.1:1", "[2001:db8::1]:1"] {
        let mut pex = listening(own);
        let contacts = [contact(2, "192.0.2.9:6881"), contact(3, "[2001:db8::7]:5")];
        let due = pex.deadline().unwrap();
        let message = pex.message(due, conn(1), &contacts).unwrap().encode();
        let v4 = b"d5:added6:\xc0\0\x02\x09\x1a\xe17:added.f1:\0";
        let v6 = b"6:added618:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\0\x058:added6.f1:\0e";
        assert_eq!(message, [&v4[..], &v6[..]].concat(), "to {own}");
    }
}
