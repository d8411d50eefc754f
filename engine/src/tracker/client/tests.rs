//! Requests over both transports, one announce an address family, pacing, and what never leaves the client.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::ToString as _;
use alloc::vec;

use super::*;
use crate::id::{InfoHash, PeerId};
use crate::net::ServerName;
use crate::time::Duration;
use crate::tracker::{AnnounceEvent, AnnounceParams, AnnounceReply, RequestIds};

mod families;

fn params() -> AnnounceParams {
    AnnounceParams {
        info_hash: InfoHash([7; 20]),
        peer_id: PeerId([1; 20]),
        port: 6881,
        uploaded: 0,
        downloaded: 0,
        left: 1,
        event: AnnounceEvent::Started,
        key: 5,
        numwant: Some(50),
        tracker_id: None,
        encryption: crate::config::Encryption::Off,
    }
}

struct World {
    now: Instant,
    client: TrackerClient,
    ids: RequestIds,
    /// How often a request was told to be on the wire.
    asked: u32,
}

impl World {
    fn new() -> Self {
        let (config, http) = (TrackerConfig::default(), HttpConfig::default());
        Self {
            now: Instant::START,
            client: TrackerClient::new(config, http, true, true, "test/1", Rng::from_seed([3; 32])),
            ids: RequestIds::new(1),
            asked: 0,
        }
    }

    fn start_with(&mut self, url: &str, kind: RequestKind, options: RequestOptions) -> RequestId {
        let id = self.ids.next_id();
        self.client
            .start(self.now, id, &TrackerUrl::parse(url).unwrap(), kind, options);
        id
    }

    fn start(&mut self, url: &str) -> RequestId {
        self.start_with(url, RequestKind::Announce(params()), RequestOptions::default())
    }

    /// Everything but trace lines, which must hold no secret, and the word that a request is on the wire.
    fn outputs(&mut self) -> Vec<ClientOutput> {
        let mut outputs = Vec::new();
        while let Some(output) = self.client.poll_output() {
            match output {
                ClientOutput::Trace { text, .. } => assert!(!text.contains("SECRET"), "{text}"),
                ClientOutput::Asked { .. } => self.asked += 1,
                output => outputs.push(output),
            }
        }
        outputs
    }

    /// Answers the one lookup that was asked for.
    fn resolve(&mut self, addresses: &[&str]) -> Vec<ClientOutput> {
        let outputs = self.outputs();
        let [ClientOutput::Resolve { lookup, .. }] = outputs[..] else {
            panic!("{outputs:?}");
        };
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        self.client.handle_resolved(self.now, lookup, Ok(addresses));
        self.outputs()
    }

    /// Lets time pass up to millisecond `until`, collecting outputs.
    fn run_to(&mut self, until: u64) -> Vec<ClientOutput> {
        let until = Instant::from_millis(until);
        let mut outputs = self.outputs();
        while let Some(due) = self.client.deadline().filter(|due| *due <= until) {
            self.now = due.max(self.now);
            self.client.handle_timeout(self.now);
            assert!(self.client.deadline().is_none_or(|next| next > self.now));
            outputs.extend(self.outputs());
        }
        self.now = until;
        outputs
    }

    fn answer_http(&mut self, stream: StreamKey, body: &str) -> Vec<ClientOutput> {
        self.client.handle_connected(self.now, stream);
        let raw = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.client.handle_received(self.now, stream, raw.as_bytes());
        self.outputs()
    }

    /// Answers a datagram of ours as a tracker would, naming `peers`.
    fn answer_udp(&mut self, to: SocketAddr, data: &[u8], peers: &[u8]) -> Vec<ClientOutput> {
        let mut answer = data[8..16].to_vec();
        if data.len() == 16 {
            answer.extend_from_slice(&[4; 8]);
        } else {
            answer.extend_from_slice(&[0, 0, 7, 8, 0, 0, 0, 1, 0, 0, 0, 2]);
            answer.extend_from_slice(peers);
        }
        assert!(self.client.handle_datagram(self.now, to, &answer));
        self.outputs()
    }
}

fn reply(outputs: &[ClientOutput]) -> AnnounceReply {
    match outputs {
        [
            ..,
            ClientOutput::Done {
                result: Ok(TrackerReply::Announce(reply)),
                ..
            },
        ] => reply.clone(),
        other => panic!("{other:?}"),
    }
}

fn failure(outputs: &[ClientOutput]) -> AnnounceError {
    match outputs {
        [
            ..,
            ClientOutput::Done {
                result: Err(error), ..
            },
        ] => error.clone(),
        other => panic!("{other:?}"),
    }
}

fn stream(output: &ClientOutput) -> StreamKey {
    match output {
        ClientOutput::Connect { stream, .. } => *stream,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_http_announce() {
    let mut world = World::new();
    let id = world.start("https://u:SECRET@t.example/SECRET/announce?k=SECRET");
    let connect = world.resolve(&["198.51.100.1"]);
    let tls = Some(ServerName("t.example".into()));
    let to = "198.51.100.1:443".parse().unwrap();
    let key = stream(&connect[0]);
    assert_eq!(connect, [ClientOutput::Connect { stream: key, to, tls }]);
    let outputs = world.answer_http(key, "d8:intervali1800e5:peers0:e");
    assert!(matches!(outputs[0], ClientOutput::Send { .. }));
    assert_eq!(outputs[1], ClientOutput::Close { stream: key });
    assert!(matches!(outputs[2], ClientOutput::Done { request, .. } if request == id));
    assert_eq!((world.client.requests.len(), world.client.deadline()), (0, None));
}

#[test]
fn both_families_of_an_http_tracker_are_announced_to() {
    let mut world = World::new();
    world.start("http://t.example/announce");
    let connects = world.resolve(&["198.51.100.1", "2001:db8::1", "198.51.100.2"]);
    assert_eq!(connects.len(), 2);
    let first = world.answer_http(
        stream(&connects[0]),
        "d8:intervali1800e5:peers6:\x01\x01\x01\x01\x01\x01e",
    );
    assert_eq!(first.len(), 2, "the other family is waited for: {first:?}");
    let second = world.answer_http(
        stream(&connects[1]),
        "d8:intervali900e5:peers12:\x01\x01\x01\x01\x01\x01\x02\x02\x02\x02\x02\x02e",
    );
    let reply = reply(&second);
    assert_eq!(reply.peers.len(), 2);
    assert_eq!(reply.interval, Some(Duration::from_secs(1800)), "the longer one");
}

#[test]
fn both_families_of_a_udp_tracker_are_announced_to_with_one_key() {
    let mut world = World::new();
    world.start("udp://t.example:6969/announce");
    let mut queue: VecDeque<ClientOutput> = world.resolve(&["198.51.100.1", "2001:db8::1"]).into();
    let mut keys = Vec::new();
    let mut done = Vec::new();
    while let Some(output) = queue.pop_front() {
        match output {
            ClientOutput::Datagram { to, data } => {
                if data.len() > 16 {
                    keys.push(data[88..92].to_vec());
                }
                let peers: &[u8] = if to.is_ipv6() { &[0x20; 18] } else { &[9; 6] };
                queue.extend(world.answer_udp(to, &data, peers));
            }
            output => done.push(output),
        }
    }
    assert_eq!(keys, [[0, 0, 0, 5], [0, 0, 0, 5]]);
    assert_eq!((done.len(), reply(&done).peers.len()), (1, 2));
}

#[test]
fn urls_that_are_not_contacted() {
    let forbidden = |url: &str, address: Option<&str>| {
        let mut world = World::new();
        world.start(url);
        let outputs = match address {
            Some(address) => world.resolve(&[address]),
            None => world.outputs(),
        };
        assert!(matches!(failure(&outputs), AnnounceError::Forbidden(_)), "{url}");
    };
    forbidden("http://t.example/announce?info_hash=x", None);
    forbidden("http://127.0.0.1:9/announce?passkey=x", None);
    forbidden("http://localhost:9/api", Some("127.0.0.1"));
    forbidden("http://localhost:9/api", Some("::1"));
    forbidden("udp://t.example:9/announce", Some("169.254.169.254"));
    forbidden("udp://t.example:9/announce", Some("224.0.0.1"));
    let mut world = World::new();
    let typed = RequestOptions {
        typed_by_user: true,
        ..RequestOptions::default()
    };
    world.start_with(
        "http://127.0.0.1:9/x?passkey=x",
        RequestKind::Announce(params()),
        typed,
    );
    assert!(matches!(world.outputs()[..], [ClientOutput::Connect { .. }]));
    // of a mixed answer only the permitted addresses are used
    let mut world = World::new();
    world.start("udp://t.example:9/x");
    assert_eq!(world.resolve(&["127.0.0.1", "198.51.100.1"]).len(), 1);
}

#[test]
fn an_answer_from_this_machine_is_marked() {
    let mut world = World::new();
    world.start("http://127.0.0.1:9/announce");
    let connect = world.outputs();
    assert!(reply(&world.answer_http(stream(&connect[0]), "de")).from_loopback);
    world.start("http://198.51.100.1:9/announce");
    let connect = world.outputs();
    assert!(!reply(&world.answer_http(stream(&connect[0]), "de")).from_loopback);
}

#[test]
fn a_redirect_to_another_name_is_looked_up() {
    for url in ["http://t.example/announce", "http://198.51.100.1/announce"] {
        let mut world = World::new();
        world.start(url);
        let connect = if url.contains("example") {
            world.resolve(&["198.51.100.1"])
        } else {
            world.outputs()
        };
        let key = stream(&connect[0]);
        world.client.handle_connected(world.now, key);
        world.outputs();
        let raw = b"HTTP/1.1 301 Moved\r\nLocation: http://u.example/x\r\nContent-Length: 0\r\n\r\n";
        world.client.handle_received(world.now, key, raw);
        let outputs = world.outputs();
        assert_eq!(outputs[0], ClientOutput::Close { stream: key });
        let ClientOutput::Resolve { lookup, host } = &outputs[1] else {
            panic!("{outputs:?}");
        };
        assert_eq!(host, "u.example");
        world
            .client
            .handle_resolved(world.now, *lookup, Ok(["198.51.100.9".parse().unwrap()].into()));
        let connect = world.outputs();
        assert_ne!(stream(&connect[0]), key, "a stream key is never reused");
        // late events of the first stream are ignored
        world.client.handle_closed(world.now, key, CloseCause::Eof);
        reply(&world.answer_http(stream(&connect[0]), "de"));
    }
}

#[test]
fn other_statuses_are_failures_unless_the_body_says_why() {
    let run = |head: &str, body: &str| {
        let mut world = World::new();
        world.start("http://198.51.100.1/announce");
        let key = stream(&world.outputs()[0]);
        world.client.handle_connected(world.now, key);
        let raw = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        world.client.handle_received(world.now, key, raw.as_bytes());
        failure(&world.outputs())
    };
    assert_eq!(run("404 Not Found", "<html>"), AnnounceError::Status(404));
    assert_eq!(
        run("404 Not Found", "d8:intervali9ee"),
        AnnounceError::Status(404)
    );
    assert!(
        run("403 Forbidden", "d14:failure reason4:fulle")
            .to_string()
            .contains("full")
    );
}

#[test]
fn the_first_timeout_of_a_udp_tracker_is_told_once() {
    let mut world = World::new();
    let id = world.start("udp://198.51.100.1:9");
    let outputs = world.run_to(14_999);
    assert!(!outputs.contains(&ClientOutput::FirstTimeout { request: id }));
    let outputs = world.run_to(100_000);
    let told = outputs
        .iter()
        .filter(|output| **output == ClientOutput::FirstTimeout { request: id });
    assert_eq!(told.count(), 1);
    world.client.cancel(world.now, id);
    assert_eq!((world.outputs().len(), world.client.deadline()), (0, None));
}

#[test]
fn a_deadline_ends_a_request_at_any_stage() {
    let options = RequestOptions {
        deadline: Some(Instant::from_secs(5)),
        sends_max: Some(2),
        ..RequestOptions::default()
    };
    for (url, stage) in [
        ("http://t.example/announce", Stage::Lookup),
        ("http://198.51.100.1/announce", Stage::Answer),
        ("udp://198.51.100.1:9", Stage::Connect),
    ] {
        let mut world = World::new();
        world.start_with(url, RequestKind::Announce(params()), options);
        let outputs = world.run_to(5_000);
        assert_eq!(failure(&outputs), AnnounceError::Timeout { stage }, "{url}");
        let sent = outputs
            .iter()
            .filter(|output| matches!(output, ClientOutput::Datagram { .. }));
        assert!(sent.count() <= 2);
        assert_eq!(world.client.deadline(), None);
    }
}

#[test]
fn a_cancelled_request_says_nothing_more() {
    let mut world = World::new();
    let id = world.start("http://198.51.100.1/announce");
    let key = stream(&world.outputs()[0]);
    world.client.cancel(world.now, id);
    assert_eq!(world.outputs(), [ClientOutput::Close { stream: key }]);
    world.client.handle_connected(world.now, key);
    world.client.handle_received(world.now, key, b"x");
    world.client.handle_closed(world.now, key, CloseCause::Eof);
    assert_eq!((world.outputs().len(), world.client.deadline()), (0, None));
}

#[test]
fn starts_are_paced_and_http_requests_are_few_at_a_time() {
    let mut world = World::new();
    for n in 0..100 {
        world.start(&format!("udp://198.51.100.{}:9", n + 1));
    }
    assert_eq!(world.outputs().len(), 20);
    assert_eq!(world.run_to(499).len(), 0);
    assert_eq!(world.run_to(500).len(), 20);
    assert_eq!(world.run_to(2_000).len(), 60);
    let mut world = World::new();
    let ids: Vec<RequestId> = (0..60)
        .map(|n| world.start(&format!("http://198.51.100.{}/a", n + 1)))
        .collect();
    assert_eq!(world.run_to(5_000).len(), 50);
    world.client.cancel(world.now, ids[0]);
    assert_eq!(world.outputs().len(), 2, "one closes, the next one connects");
    // a hurried one does not wait
    let hurry = RequestOptions {
        sends_max: Some(1),
        deadline: Some(Instant::from_secs(9)),
        ..RequestOptions::default()
    };
    world.start_with("http://198.51.100.99/a", RequestKind::Announce(params()), hurry);
    assert_eq!(world.outputs().len(), 1);
}

#[test]
fn scrapes() {
    let hashes = || RequestKind::Scrape([InfoHash([b'a'; 20])].into());
    let mut world = World::new();
    world.start_with("http://198.51.100.1/x", hashes(), RequestOptions::default());
    assert_eq!(failure(&world.outputs()), AnnounceError::NoScrape);
    world.start_with(
        "http://198.51.100.1/announce",
        hashes(),
        RequestOptions::default(),
    );
    let key = stream(&world.outputs()[0]);
    let end = world.answer_http(key, "d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei1eeee");
    assert!(
        matches!(&end[..], [.., ClientOutput::Done { result: Ok(TrackerReply::Scrape(reply)), .. }]
        if reply.files[0].seeders == 1)
    );
    let ClientOutput::Send { data, .. } = &end[0] else {
        panic!("{end:?}")
    };
    assert!(data.starts_with(b"GET /scrape?info_hash=aaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n"));
}

#[test]
fn a_hurried_request_goes_where_the_name_led_last() {
    let mut world = World::new();
    world.start("http://t.example/announce");
    world.resolve(&["198.51.100.1"]);
    assert_eq!(world.asked, 0, "a connect is no request");
    let options = RequestOptions {
        sends_max: Some(2),
        deadline: Some(world.now + Duration::from_secs(5)),
        ..RequestOptions::default()
    };
    world.start_with(
        "http://t.example/announce",
        RequestKind::Announce(params()),
        options,
    );
    let outputs = world.outputs();
    assert!(
        matches!(outputs[..], [ClientOutput::Connect { .. }]),
        "{outputs:?}"
    );
}

#[test]
fn lookups_at_the_same_time_are_told_apart() {
    let mut world = World::new();
    world.start("udp://a.example:1/announce");
    world.start("udp://b.example:2/announce");
    let lookups = world.outputs();
    for (n, lookup) in lookups.iter().enumerate().rev() {
        let ClientOutput::Resolve { lookup, .. } = lookup else {
            panic!("{lookup:?}");
        };
        let address = format!("198.51.100.{}", n + 1).parse().unwrap();
        world
            .client
            .handle_resolved(world.now, *lookup, Ok(vec![address]));
        let to = SocketAddr::new(address, n as u16 + 1);
        let sent = world.outputs();
        assert!(matches!(&sent[..], [ClientOutput::Datagram { to: sent, .. }] if *sent == to));
    }
}

#[test]
fn a_refused_datagram_ends_the_request_at_once() {
    let mut world = World::new();
    world.start("udp://198.51.100.1:9");
    world.outputs();
    let to = "198.51.100.1:9".parse().unwrap();
    world
        .client
        .handle_datagram_error(world.now, to, DatagramFault::Refused);
    assert!(matches!(
        failure(&world.outputs()),
        AnnounceError::Datagram(DatagramFault::Refused)
    ));
}

#[test]
fn a_connection_id_of_another_network_is_not_used() {
    let mut world = World::new();
    let lengths = |outputs: &[ClientOutput]| match outputs {
        [ClientOutput::Datagram { data, .. }] => data.len(),
        other => panic!("{other:?}"),
    };
    let id = world.start("udp://198.51.100.1:9");
    let connect = world.outputs();
    let [ClientOutput::Datagram { to, data }] = &connect[..] else {
        panic!("{connect:?}");
    };
    assert_eq!(lengths(&world.answer_udp(*to, data, &[])), 98);
    world.client.cancel(world.now, id);
    let id = world.start("udp://198.51.100.1:9");
    assert_eq!(lengths(&world.outputs()), 98, "an announce, without a connect");
    world.client.cancel(world.now, id);
    world.client.network_changed();
    world.start("udp://198.51.100.1:9");
    assert_eq!(lengths(&world.outputs()), 16, "a connect");
}
