//! The model tracker against bytes written out by hand from BEP 15 and BEP 3.

use super::{AnnounceEvent, Limits, Peer, Tracker, Transport, head_length};
use seedbed_engine::time::{Duration, Instant};
use std::net::SocketAddr;

const HASH: [u8; 20] = *b"aaaaaaaaaaaaaaaaaaaa";
const CLIENT: &str = "127.0.0.1:4000";

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address of this test")
}

fn tracker() -> Tracker {
    Tracker::new(Limits::default(), [1; 32])
}

fn peer(text: &str, left: u64) -> Peer {
    Peer {
        addr: addr(text),
        peer_id: [b'p'; 20],
        left,
        uploaded: 0,
        downloaded: 0,
        seen: Instant::START,
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn connect(tracker: &mut Tracker, now: Instant, from: &str) -> Vec<u8> {
    let request = hex("0000041727101980 00000000 00000007");
    tracker
        .datagram(now, addr(from), &request)
        .expect("an answer to connect")
}

/// The 98 bytes of BEP 15's announce request.
fn announce(connection: &[u8], event: u8, left: u8, num_want: i32, port: u16) -> Vec<u8> {
    let mut bytes = connection.to_vec();
    bytes.extend(hex("00000001 00000009"));
    bytes.extend(HASH);
    bytes.extend(*b"-XX0001-abcdefghijkl");
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 5]); // downloaded
    bytes.extend([0, 0, 0, 0, 0, 0, 0, left]);
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 6]); // uploaded
    bytes.extend([0, 0, 0, event]);
    bytes.extend([9, 9, 9, 9]); // an address that must not be believed
    bytes.extend([0xde, 0xad, 0xbe, 0xef]);
    bytes.extend(num_want.to_be_bytes());
    bytes.extend(port.to_be_bytes());
    assert_eq!(bytes.len(), 98);
    bytes
}

fn announced(tracker: &mut Tracker, now: Instant, from: &str, request: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let reply = connect(tracker, now, from);
    tracker
        .datagram(now, addr(from), &request(&reply[8..16]))
        .expect("an answer to announce")
}

#[test]
fn connect_gives_16_bytes_and_a_new_id_each_time() {
    let mut tracker = tracker();
    let first = connect(&mut tracker, Instant::START, CLIENT);
    let second = connect(&mut tracker, Instant::START, CLIENT);
    assert_eq!((first.len(), &first[..8]), (16, &hex("00000000 00000007")[..]));
    assert_ne!(first[8..], second[8..]);
}

#[test]
fn an_announce_is_answered_byte_for_byte() {
    let mut tracker = tracker();
    let swarm = tracker.register(HASH);
    swarm.insert(peer("10.0.0.1:6881", 0));
    swarm.insert(peer("10.0.0.2:6882", 3));
    swarm.insert(peer("[2001:db8::1]:6883", 3));
    let reply = announced(&mut tracker, Instant::START, CLIENT, |id| {
        announce(id, 2, 7, -1, 5000)
    });
    // action, transaction, interval 1800, 3 leechers (the asker too), 1 seeder, two IPv4 peers
    let golden = hex("00000001 00000009 00000708 00000003 00000001 0a000001 1ae1 0a000002 1ae2");
    assert_eq!(reply, golden);
}

#[test]
fn an_ipv6_client_gets_addresses_of_18_bytes() {
    let mut tracker = tracker();
    let swarm = tracker.register(HASH);
    swarm.insert(peer("10.0.0.1:6881", 0));
    swarm.insert(peer("[2001:db8::1]:6883", 3));
    let reply = announced(&mut tracker, Instant::START, "[2001:db8::9]:1", |id| {
        announce(id, 2, 7, -1, 5000)
    });
    assert_eq!(reply[20..], hex("20010db8000000000000000000000001 1ae3"));
}

#[test]
fn every_announce_is_kept_as_a_value() {
    let mut tracker = tracker();
    let at = Instant::from_secs(3);
    announced(&mut tracker, at, CLIENT, |id| announce(id, 1, 0, 80, 5000));
    let [kept] = tracker.announces() else {
        panic!("one announce")
    };
    assert_eq!(
        (kept.at, kept.from, kept.transport),
        (at, addr(CLIENT), Transport::Udp)
    );
    assert_eq!(
        (kept.downloaded, kept.left, kept.uploaded, kept.event),
        (5, 0, 6, AnnounceEvent::Completed)
    );
    assert_eq!(
        (kept.key, kept.num_want, kept.port, kept.accepted),
        (Some(0xdead_beef), Some(80), 5000, true)
    );
    let swarm = tracker.swarm(&HASH).expect("the swarm");
    let addrs: Vec<SocketAddr> = swarm.peers().map(|peer| peer.addr).collect();
    assert_eq!(
        addrs,
        [addr("127.0.0.1:5000")],
        "the sender's address, not the stated one"
    );
    assert_eq!((swarm.seeders(), swarm.completed()), (1, 1));
}

#[test]
fn stopped_removes_the_peer_and_names_nobody() {
    let mut tracker = tracker();
    tracker.register(HASH).insert(peer("10.0.0.1:6881", 0));
    announced(&mut tracker, Instant::START, CLIENT, |id| {
        announce(id, 2, 7, -1, 5000)
    });
    let reply = announced(&mut tracker, Instant::START, CLIENT, |id| {
        announce(id, 3, 7, -1, 5000)
    });
    assert_eq!(reply.len(), 20);
    assert_eq!(tracker.swarm(&HASH).expect("the swarm").leechers(), 0);
}

#[test]
fn a_connection_id_is_for_its_owner_and_for_two_minutes() {
    let text = |reply: Vec<u8>| String::from_utf8_lossy(&reply[8..]).into_owned();
    let cases = [
        (CLIENT, 119, true),
        (CLIENT, 120, false),
        ("127.0.0.1:4001", 0, false),
    ];
    for (from, secs, good) in cases {
        let mut tracker = tracker();
        let id = connect(&mut tracker, Instant::START, CLIENT)[8..].to_vec();
        let request = announce(&id, 0, 7, -1, 5000);
        let reply = tracker.datagram(Instant::from_secs(secs), addr(from), &request);
        let reply = reply.expect("an answer");
        assert_eq!(reply[..8] == hex("00000001 00000009"), good, "{from} at {secs} s");
        if !good {
            assert_eq!(reply[..8], hex("00000003 00000009"));
            assert_eq!(text(reply), "connection id unknown or expired");
        }
    }
}

#[test]
fn what_is_no_request_is_not_answered() {
    let mut tracker = tracker();
    let connect_with_wrong_magic = hex("0000041727101981 00000000 00000007");
    assert_eq!(
        tracker.datagram(Instant::START, addr(CLIENT), &connect_with_wrong_magic),
        None
    );
    let id = connect(&mut tracker, Instant::START, CLIENT)[8..].to_vec();
    let whole = announce(&id, 0, 7, -1, 5000);
    for length in (0..98).filter(|length| *length < 8 || *length >= 16) {
        let reply = tracker.datagram(Instant::START, addr(CLIENT), &whole[..length]);
        assert_eq!(reply, None, "cut at {length}");
    }
    assert!(tracker.announces().is_empty());
}

#[test]
fn scrape_counts_seeders_completed_leechers() {
    let mut tracker = tracker();
    announced(&mut tracker, Instant::START, "127.0.0.1:1", |id| {
        announce(id, 1, 0, 0, 1)
    });
    announced(&mut tracker, Instant::START, "127.0.0.1:2", |id| {
        announce(id, 2, 7, 0, 2)
    });
    let id = connect(&mut tracker, Instant::START, CLIENT)[8..].to_vec();
    let mut request = id;
    request.extend(hex("00000002 00000004"));
    request.extend(HASH);
    request.extend([0; 20]);
    let reply = tracker.datagram(Instant::START, addr(CLIENT), &request);
    let golden = hex("00000002 00000004 00000001 00000001 00000001 00000000 00000000 00000000");
    assert_eq!(reply, Some(golden));
}

#[test]
fn a_closed_tracker_refuses_foreign_torrents() {
    let mut tracker = tracker();
    tracker.close();
    let reply = announced(&mut tracker, Instant::START, CLIENT, |id| {
        announce(id, 2, 7, -1, 5000)
    });
    assert_eq!(
        reply,
        [hex("00000003 00000009"), b"unregistered torrent".to_vec()].concat()
    );
    assert!(!tracker.announces()[0].accepted);
    assert!(tracker.swarm(&HASH).is_none());
}

#[test]
fn answers_name_as_many_peers_as_wanted_and_are_seeded() {
    let reply = |seed: u8, num_want: i32| {
        let mut tracker = Tracker::new(Limits::default(), [seed; 32]);
        for n in 1..=250u16 {
            tracker.register(HASH).insert(peer(&format!("10.0.0.1:{n}"), 0));
        }
        announced(&mut tracker, Instant::START, CLIENT, |id| {
            announce(id, 0, 7, num_want, 5000)
        })
    };
    assert_eq!(reply(1, -1).len(), 20 + 50 * 6);
    assert_eq!(reply(1, 3).len(), 20 + 3 * 6);
    assert_eq!(reply(1, 0).len(), 20);
    assert_eq!(reply(1, 1_000_000).len(), 20 + 200 * 6);
    assert_eq!(reply(1, 3), reply(1, 3));
    assert_ne!(reply(1, 50), reply(2, 50));
}

/// Sends a request and returns the body of its answer.
fn get(tracker: &mut Tracker, target: &str) -> String {
    let request = format!("GET {target} HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_eq!(head_length(request.as_bytes()), Some(request.len()));
    let reply = tracker.request(Instant::START, addr(CLIENT), request.as_bytes());
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let (head, body) = reply.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    body.to_owned()
}

const QUERY: &str =
    "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=%2DXX0001-abcdefghijkl&port=5000&uploaded=6&downloaded=5&left=7";

#[test]
fn http_announces_are_answered_compact_or_as_a_list() {
    let mut tracker = tracker();
    tracker.register(HASH).insert(peer("97.98.99.100:25958", 0));
    let body = get(
        &mut tracker,
        &format!("/x/announce?{QUERY}&event=started&compact=1&key=1F"),
    );
    assert_eq!(
        body,
        "d8:completei1e10:incompletei1e8:intervali1800e5:peers6:abcdefe"
    );
    let kept = &tracker.announces()[0];
    assert_eq!(
        (kept.event, kept.key, kept.left),
        (AnnounceEvent::Started, Some(0x1f), 7)
    );
    assert_eq!(kept.peer_id, *b"-XX0001-abcdefghijkl");
    let body = get(&mut tracker, &format!("/announce?{QUERY}&compact=0&no_peer_id=1"));
    assert_eq!(
        body,
        "d8:completei1e10:incompletei1e8:intervali1800e5:peersld2:ip12:97.98.99.1004:porti25958eeee"
    );
}

#[test]
fn http_answers_carry_warnings_minimum_intervals_and_ipv6_peers() {
    let mut tracker = Tracker::new(
        Limits {
            interval_min: Some(Duration::from_secs(60)),
            ..Limits::default()
        },
        [1; 32],
    );
    tracker.warn_with(Some("slow down".into()));
    tracker
        .register(HASH)
        .insert(peer("[6162:6364:6566:6768:6162:6364:6566:6768]:26729", 0));
    let body = get(&mut tracker, &format!("/announce?{QUERY}"));
    assert_eq!(
        body,
        "d8:completei1e10:incompletei1e8:intervali1800e12:min intervali60e5:peers0:\
         6:peers618:abcdefghabcdefghhi15:warning message9:slow downe"
    );
}

#[test]
fn http_failures_say_why() {
    let failure = |text: &str| format!("d14:failure reason{}:{text}e", text.len());
    let cases = [
        ("/announce", "port is missing"),
        ("/announce?port=70000", "port is no port"),
        ("/announce?port=1&info_hash=abc", "info_hash is not 20 bytes"),
        ("/announce?port=1&event=gone", "event is unknown"),
    ];
    for (target, text) in cases {
        assert_eq!(get(&mut tracker(), target), failure(text), "{target}");
    }
    let mut failing = tracker();
    failing.fail_with(Some("go away".into()));
    assert_eq!(
        get(&mut failing, &format!("/announce?{QUERY}")),
        failure("go away")
    );
    assert_eq!(
        get(&mut failing, "/scrape?info_hash=aaaaaaaaaaaaaaaaaaaa"),
        failure("go away")
    );
}

#[test]
fn http_scrape_names_the_torrents_it_knows() {
    let mut tracker = tracker();
    get(&mut tracker, &format!("/announce?{QUERY}&event=completed"));
    let body = get(
        &mut tracker,
        "/scrape?info_hash=aaaaaaaaaaaaaaaaaaaa&info_hash=bbbbbbbbbbbbbbbbbbbb",
    );
    assert_eq!(
        body,
        "d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei0e10:downloadedi1e10:incompletei1eeee"
    );
}

#[test]
fn what_is_no_tracker_request_gets_an_http_error() {
    let cases: [(&[u8], &str); 4] = [
        (b"POST /announce HTTP/1.1\r\n\r\n", "HTTP/1.1 400"),
        (b"GET /announce\r\n\r\n", "HTTP/1.1 400"),
        (b"\r\n\r\n", "HTTP/1.1 400"),
        (b"GET /index.html HTTP/1.1\r\n\r\n", "HTTP/1.1 404"),
    ];
    for (request, status) in cases {
        let reply = tracker().request(Instant::START, addr(CLIENT), request);
        assert!(reply.starts_with(status.as_bytes()), "{request:?}");
    }
    let endless = vec![b'a'; 20_000];
    assert_eq!(head_length(&endless), Some(20_000));
    assert_eq!(head_length(&endless[..100]), None);
    assert!(
        tracker()
            .request(Instant::START, addr(CLIENT), &endless)
            .starts_with(b"HTTP/1.1 400")
    );
}
