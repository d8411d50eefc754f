//! What is sent to HTTP trackers and what is believed of their answers.

use quickcheck::{Gen, QuickCheck};

use super::*;
use crate::tracker::{AnnounceEvent, RetryIn};

fn params(event: AnnounceEvent) -> AnnounceParams {
    AnnounceParams {
        info_hash: InfoHash(*b"\x124Vx\x9a\xbc\xde\xf1#Eg\x89\xab\xcd\xef\x12-._~"),
        peer_id: PeerId(*b"-sE0100-abc def&ghi+"),
        port: 6881,
        uploaded: 1,
        downloaded: 2,
        left: u64::MAX,
        event,
        key: 0xab,
        numwant: Some(200),
        tracker_id: Some(b"id&".to_vec()),
        encryption: crate::config::Encryption::Off,
    }
}

#[test]
fn the_users_query_stays_first_and_byte_exact() {
    let check = |url: &str, start: &str| {
        let target = announce_target(&TrackerUrl::parse(url).unwrap(), &params(AnnounceEvent::Started));
        assert!(target.starts_with(start), "{target}");
        assert_eq!(target.matches('?').count(), 1, "{target}");
    };
    check("http://t.example/announce", "/announce?info_hash=");
    check("http://t.example/a?pass=x'%41", "/a?pass=x'%41&info_hash=");
    check("http://t.example/a?", "/a?info_hash=");
    check("http://t.example/a?b&", "/a?b&info_hash=");
    check("http://t.example", "/?info_hash=");
}

#[test]
fn every_parameter_is_sent() {
    let url = TrackerUrl::parse("http://t.example/announce").unwrap();
    let wanted = "/announce?info_hash=%124Vx%9A%BC%DE%F1%23Eg%89%AB%CD%EF%12-._~\
        &peer_id=-sE0100-abc%20def%26ghi%2B&port=6881&uploaded=1&downloaded=2&left=18446744073709551615\
        &numwant=200&key=000000AB&compact=1&no_peer_id=1&supportcrypto=0&event=stopped&trackerid=id%26";
    assert_eq!(announce_target(&url, &params(AnnounceEvent::Stopped)), wanted);
    let regular = announce_target(&url, &params(AnnounceEvent::None));
    assert!(!regular.contains("event="), "{regular}");
    assert!(announce_target(&url, &params(AnnounceEvent::Paused)).contains("&event=paused"));
    let scrape = scrape_target(
        &url.scrape_url().unwrap(),
        &[InfoHash([b'a'; 20]), InfoHash([0; 20])],
    );
    let zeros = "%00".repeat(20);
    assert_eq!(
        scrape,
        format!("/scrape?info_hash=aaaaaaaaaaaaaaaaaaaa&info_hash={zeros}")
    );
}

fn addresses(reply: &AnnounceReply) -> Vec<String> {
    reply.peers.iter().map(|peer| peer.addr.to_string()).collect()
}

#[test]
fn compact_peers_of_both_families_and_lists() {
    let body = b"d8:completei5e10:downloadedi9e11:external ip4:\xc0\x00\x02\x0110:incompletei6e\
        8:intervali1800e12:min intervali60e5:peers12:\xc0\x00\x02\x01\x1a\xe1\xc0\x00\x02\x02\x00\x00\
        6:peers618:\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x1a\xe110:tracker id3:abce";
    let reply = parse_announce(body, 100).unwrap();
    assert_eq!(addresses(&reply), ["192.0.2.1:6881", "[2001:db8::1]:6881"]);
    assert_eq!(
        (reply.seeders, reply.leechers, reply.downloaded),
        (Some(5), Some(6), Some(9))
    );
    assert_eq!(reply.interval, Some(Duration::from_secs(1800)));
    assert_eq!(reply.min_interval, Some(Duration::from_secs(60)));
    assert_eq!(reply.tracker_id.as_deref(), Some(&b"abc"[..]));
    assert_eq!(reply.external_ip, Some(IpAddr::from([192, 0, 2, 1])));
    assert_eq!(reply.lints, [TrackerLint::UnusablePeer]);
}

#[test]
fn a_compact_string_of_the_wrong_length_holds_no_peers() {
    let body = b"d8:intervali9e5:peers7:\xc0\x00\x02\x01\x1a\xe1x6:peers619:\x20xxxxxxxxxxxxxxxxxxe";
    let reply = parse_announce(body, 100).unwrap();
    assert!(reply.peers.is_empty());
    assert_eq!(reply.lints, [TrackerLint::RaggedPeers]);
}

#[test]
fn the_list_form_knows_ids_and_host_names() {
    let peers = [
        "d2:ip9:192.0.2.17:peer id20:abcdefghijklmnopqrst4:porti6881ee",
        "d2:ip11:2001:db8::14:porti1ee",
        "d2:ip12:Peer.Example4:porti80ee",
        "d2:ip12:peer.example4:porti80ee",
        "d2:ip9:192.0.2.94:porti70000ee",
        "d2:ip7:127.0.14:porti1ee",
        "d2:ip10:21307064334:porti1ee",
        "d2:ip4:a b!4:porti1ee",
        "d4:porti1ee",
        "i5e",
    ]
    .concat();
    let reply = parse_announce(format!("d8:intervali9e5:peersl{peers}ee").as_bytes(), 100).unwrap();
    assert_eq!(addresses(&reply), ["192.0.2.1:6881", "[2001:db8::1]:1"]);
    assert_eq!(reply.peers[0].id, Some(PeerId(*b"abcdefghijklmnopqrst")));
    assert_eq!(reply.hosts, [("peer.example".into(), 80)]);
    assert_eq!(reply.lints, [TrackerLint::UnusablePeer]);
}

#[test]
fn addresses_that_are_no_peers_are_dropped() {
    let body = b"d5:peers30:\x00\x00\x00\x00\x1a\xe1\xe0\x00\x00\x01\x1a\xe1\xff\xff\xff\xff\x1a\xe1\
        \x7f\x00\x00\x01\x1a\xe1\xc0\x00\x02\x09\x00\x00e";
    // loopback peers are the caller's question: a loopback tracker may name them
    assert_eq!(addresses(&parse_announce(body, 9).unwrap()), ["127.0.0.1:6881"]);
    let body = b"d5:peers18:\xc0\x00\x02\x01\x1a\xe1\xc0\x00\x02\x01\x1a\xe1\xc0\x00\x02\x02\x1a\xe1e";
    assert_eq!(addresses(&parse_announce(body, 9).unwrap()).len(), 2);
    let reply = parse_announce(body, 1).unwrap();
    assert_eq!(addresses(&reply).len(), 1);
    assert!(reply.lints.contains(&TrackerLint::TooManyPeers));
}

#[test]
fn odd_intervals_count_as_absent() {
    for odd in ["i-1e", "i0e", "i-9223372036854775808e", "le", "3:abc", "2:-5"] {
        let reply = parse_announce(format!("d8:interval{odd}5:peers0:e").as_bytes(), 9).unwrap();
        assert_eq!(
            (reply.interval, reply.lints),
            (None, std::vec![TrackerLint::BadInterval]),
            "{odd}"
        );
    }
    let huge = parse_announce(b"d8:intervali9223372036854775807ee", 9).unwrap();
    assert_eq!(huge.interval, Some(Duration::from_secs(i64::MAX as u64)));
    assert_eq!(
        parse_announce(b"d8:interval4:1800e", 9).unwrap().interval,
        Some(Duration::from_secs(1800))
    );
}

#[test]
fn refusals() {
    let check = |extra: &str, interval: Option<u64>, wanted: Option<RetryIn>| {
        let body = format!("d14:failure reason4:full{extra}e");
        let Err(AnnounceError::Failure {
            text,
            interval: named,
            retry_in,
            ..
        }) = parse_announce(body.as_bytes(), 9)
        else {
            panic!("{body}");
        };
        assert_eq!(
            (text.as_str(), named, retry_in),
            ("full", interval.map(Duration::from_secs), wanted)
        );
    };
    let minutes = |n: u64| Some(RetryIn::After(Duration::from_secs(n * 60)));
    check("", None, None);
    check("8:intervali900e", Some(900), None);
    check("8:retry ini5e", None, minutes(5));
    check("8:retry in1:5", None, minutes(5));
    check("8:retry in5:never", None, Some(RetryIn::Never));
    check("8:retry in5:Never", None, Some(RetryIn::Never));
    check("8:retry ini0e", None, None);
    check("8:retry ini-3e", None, None);
    check("8:retry in4:soon", None, None);
    let escaped = parse_announce(b"d14:failure reason5:\x1b[2Jxe", 9).unwrap_err();
    assert!(!escaped.to_string().contains('\u{1b}'));
}

#[test]
fn what_is_no_answer() {
    for body in [
        &b""[..],
        b"le",
        b"i5e",
        b"<html>",
        b"d5:peers",
        b"d14:failure reason119:short",
    ] {
        assert!(
            matches!(parse_announce(body, 9), Err(AnnounceError::Malformed(_))),
            "{body:?}"
        );
    }
    let deep = [b"d5:peers".to_vec(), b"l".repeat(100_000)].concat();
    assert!(matches!(
        parse_announce(&deep, 9),
        Err(AnnounceError::Malformed(_))
    ));
    let trailing = parse_announce(b"d8:intervali9eeTRAIL", 9).unwrap();
    assert_eq!(trailing.lints, [TrackerLint::TrailingBytes]);
}

#[test]
fn scrapes() {
    let (a, b) = (InfoHash([b'a'; 20]), InfoHash([b'b'; 20]));
    let body = "d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei11e10:downloadedi13772e11:downloadersi2e10:incompletei19eeee";
    let reply = parse_scrape(body.as_bytes(), &[a]).unwrap();
    let entry = reply.files[0];
    assert_eq!(
        (entry.seeders, entry.completed, entry.leechers, entry.downloaders),
        (11, 13772, 19, Some(2))
    );
    let short = parse_scrape(body.as_bytes(), &[a, b]).unwrap();
    assert_eq!(
        (short.files.len(), short.lints.contains(&TrackerLint::ShortScrape)),
        (1, true)
    );
    assert_eq!(
        parse_scrape(body.as_bytes(), &[b]),
        Err(AnnounceError::Malformed("it is about another torrent".into()))
    );
    assert!(parse_scrape(b"d5:filesdee", &[a]).unwrap().files.is_empty());
    assert!(parse_scrape(b"de", &[a]).is_err());
    assert!(matches!(
        parse_scrape(b"d14:failure reason1:xe", &[a]),
        Err(AnnounceError::Failure { .. })
    ));
}

#[test]
fn any_body_is_read_without_harm() {
    fn property(choice: u8, mut bytes: Vec<u8>) -> bool {
        let starts: [&[u8]; 4] = [
            b"",
            b"d5:peersl",
            b"d14:failure reason",
            b"d5:filesd20:aaaaaaaaaaaaaaaaaaaa",
        ];
        let mut body = starts[usize::from(choice) % starts.len()].to_vec();
        body.append(&mut bytes);
        let _ = parse_announce(&body, 5).map(|reply| assert!(reply.peers.len() <= 5));
        let _ = parse_scrape(&body, &[InfoHash([b'a'; 20])]);
        true
    }
    let mut check = QuickCheck::new().tests(5_000).rng(Gen::from_size_and_seed(60, 3));
    check.quickcheck(property as fn(u8, Vec<u8>) -> bool);
}
