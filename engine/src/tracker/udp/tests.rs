//! BEP 15 in virtual time: the standard's own timelines, and what loss, duplicates and forgery do to them.

mod replies;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use quickcheck::{Gen, QuickCheck};

use super::*;
use crate::config::TrackerConfig;
use crate::id::PeerId;
use crate::net::DatagramFault;
use crate::rng::Rng;
use crate::time::Instant;
use crate::tracker::{RequestId, RequestKind, Stage, TrackerReply};

const TRACKER: &str = "198.51.100.1:6969";

fn params() -> AnnounceParams {
    AnnounceParams {
        info_hash: InfoHash([7; 20]),
        peer_id: PeerId(*b"-sE0100-abcdefghijkl"),
        port: 6881,
        uploaded: 3,
        downloaded: 1,
        left: 2,
        event: AnnounceEvent::Started,
        key: 0xdead_beef,
        numwant: None,
        tracker_id: None,
        encryption: crate::config::Encryption::Off,
    }
}

/// The exchanges with a log of what they sent.
struct World {
    now: Instant,
    udp: UdpExchanges,
    /// Second, and `c` or `a` with the transaction id.
    sent: Vec<(u64, char, u32)>,
    done: Vec<(RequestId, Result<TrackerReply, AnnounceError>)>,
}

impl World {
    fn new() -> Self {
        Self {
            now: Instant::START,
            udp: UdpExchanges::new(TrackerConfig::default(), Rng::from_seed([5; 32])),
            sent: Vec::new(),
            done: Vec::new(),
        }
    }

    fn start(&mut self, id: u64, addresses: &[&str], hurry: Option<Hurry>) -> UdpKey {
        let key = UdpKey {
            request: RequestId(id),
            v6: addresses[0].starts_with('['),
        };
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        self.udp.start(
            self.now,
            key,
            addresses,
            RequestKind::Announce(params()),
            "",
            hurry,
        );
        self.drain();
        key
    }

    fn drain(&mut self) {
        while let Some(output) = self.udp.poll_output() {
            match output {
                UdpOutput::Datagram { data, .. } => {
                    let kind = if data.len() == 16 { 'c' } else { 'a' };
                    let transaction = u32::from_be_bytes(data[12..16].try_into().unwrap());
                    self.sent
                        .push((self.now.as_micros() / 1_000_000, kind, transaction));
                }
                UdpOutput::Done { key, result, .. } => self.done.push((key.request, result)),
                UdpOutput::Asked { .. } | UdpOutput::Trace { .. } => {}
            }
        }
    }

    /// Lets time pass up to second `until`.
    fn run_to(&mut self, until: u64) {
        let until = Instant::from_secs(until);
        while let Some(due) = self.udp.deadline().filter(|due| *due <= until) {
            assert!(due >= self.now);
            self.now = due;
            self.udp.handle_timeout(due);
            assert!(self.udp.deadline().is_none_or(|next| next > due));
            self.drain();
        }
        self.now = until;
    }

    fn receive(&mut self, from: &str, data: &[u8]) -> bool {
        let ours = self.udp.handle_datagram(self.now, from.parse().unwrap(), data);
        self.drain();
        ours
    }

    fn transaction(&self, nth: usize) -> u32 {
        self.sent[nth].2
    }

    fn times(&self) -> Vec<String> {
        self.sent
            .iter()
            .map(|(second, kind, _)| format!("{second}{kind}"))
            .collect()
    }
}

fn reply(action: u32, transaction: u32, rest: &[u8]) -> Vec<u8> {
    [&action.to_be_bytes(), &transaction.to_be_bytes(), rest].concat()
}

fn connect_reply(transaction: u32) -> Vec<u8> {
    reply(0, transaction, &[9; 8])
}

fn announce_reply_packet(transaction: u32) -> Vec<u8> {
    let rest = [0, 0, 7, 8, 0, 0, 0, 5, 0, 0, 0, 7, 192, 0, 2, 1, 0x1a, 0xe1];
    reply(1, transaction, &rest)
}

#[test]
fn lost_connects_are_sent_at_the_times_of_the_standard() {
    let mut world = World::new();
    world.start(1, &[TRACKER], None);
    world.run_to(20_000);
    let wanted = [
        "0c", "15c", "45c", "105c", "225c", "465c", "945c", "1905c", "3825c",
    ];
    assert_eq!(world.times(), wanted);
    let timeout = AnnounceError::Timeout {
        stage: Stage::Connect,
    };
    assert_eq!(world.done, [(RequestId(1), Err(timeout))]);
    // every retransmission had a transaction id of its own
    let mut ids: Vec<u32> = world.sent.iter().map(|sent| sent.2).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 9);
}

#[test]
fn the_first_n_lost_datagrams_only_cost_their_time() {
    for lost in 0..6 {
        let mut world = World::new();
        world.start(1, &[TRACKER], None);
        let due = 15 * ((1 << lost) - 1);
        world.run_to(due);
        assert_eq!(world.sent.len(), lost + 1);
        world.receive(TRACKER, &connect_reply(world.transaction(lost)));
        world.receive(TRACKER, &announce_reply_packet(world.transaction(lost + 1)));
        assert!(
            matches!(world.done[..], [(RequestId(1), Ok(_))]),
            "{lost} lost: {:?}",
            world.done
        );
    }
}

#[test]
fn the_timeline_of_the_standard_with_an_expiring_connection_id() {
    let mut world = World::new();
    world.start(1, &[TRACKER], None);
    // the standard's client waits a second after the connect's answer; ours announces at once
    world.run_to(2);
    world.receive(TRACKER, &connect_reply(world.transaction(0)));
    world.run_to(500);
    assert_eq!(world.times(), ["0c", "2a", "17a", "47a", "107c", "227c", "467c"]);
    // the schedule goes on where it was when the new id comes
    world.receive(TRACKER, &connect_reply(world.transaction(6)));
    world.run_to(979);
    assert_eq!(world.times()[7..], ["500a"]);
    world.run_to(980);
    assert_eq!(
        world.times()[8..],
        ["980c"],
        "15·2^5 s later, with the id long expired"
    );
}

#[test]
fn a_late_answer_to_an_earlier_transmission_counts() {
    let mut world = World::new();
    world.start(1, &[TRACKER], None);
    world.run_to(44);
    world.receive(TRACKER, &connect_reply(world.transaction(0)));
    assert_eq!(world.times(), ["0c", "15c", "44a"]);
    world.run_to(60);
    assert_eq!(
        world.times()[3..],
        ["59a"],
        "the schedule of the announce is its own"
    );
    world.receive(TRACKER, &announce_reply_packet(world.transaction(2)));
    assert!(matches!(world.done[..], [(_, Ok(_))]));
    // duplicates and answers to the other transmissions change nothing
    let (a, b) = (world.transaction(2), world.transaction(3));
    assert!(!world.receive(TRACKER, &announce_reply_packet(a)));
    assert!(!world.receive(TRACKER, &announce_reply_packet(b)));
    assert_eq!((world.done.len(), world.udp.deadline()), (1, None));
}

#[test]
fn a_connection_id_is_used_for_a_minute_and_a_duplicate_does_not_extend_it() {
    let mut world = World::new();
    world.start(1, &[TRACKER], None);
    let first = world.transaction(0);
    world.receive(TRACKER, &connect_reply(first));
    world.receive(TRACKER, &announce_reply_packet(world.transaction(1)));
    world.run_to(30);
    assert!(!world.receive(TRACKER, &connect_reply(first)));
    world.run_to(59);
    world.start(2, &[TRACKER], None);
    world.receive(TRACKER, &announce_reply_packet(world.transaction(2)));
    world.run_to(60);
    world.start(3, &[TRACKER], None);
    assert_eq!(world.times(), ["0c", "0a", "59a", "60c"]);
}

#[test]
fn concurrent_requests_share_a_connect_and_its_id() {
    let mut world = World::new();
    for id in 1..=4 {
        world.start(id, &[TRACKER], None);
    }
    // another port of the same host is another tracker
    world.start(5, &["198.51.100.1:7000"], None);
    assert_eq!(world.times(), ["0c", "0c"]);
    world.run_to(15);
    assert_eq!(world.times(), ["0c", "0c", "15c", "15c"]);
    world.receive(TRACKER, &connect_reply(world.transaction(0)));
    assert_eq!(world.times()[4..], ["15a", "15a", "15a", "15a"]);
}

#[test]
fn what_is_not_an_answer_moves_no_timer() {
    let mut world = World::new();
    world.start(1, &[TRACKER], None);
    world.run_to(3);
    let id = world.transaction(0);
    let noise = [
        connect_reply(id ^ 1),
        connect_reply(id)[..15].to_vec(),
        announce_reply_packet(id),
        reply(77, id, &[0; 20]),
        reply(3, id ^ 1, b"no"),
        Vec::new(),
    ];
    for packet in &noise {
        assert!(!world.receive(TRACKER, packet), "{packet:?}");
    }
    assert!(!world.receive("198.51.100.1:6970", &connect_reply(id)));
    assert!(!world.receive("198.51.100.2:6969", &connect_reply(id)));
    assert_eq!(
        (world.times(), world.udp.deadline()),
        (std::vec![String::from("0c")], Some(Instant::from_secs(15)))
    );
    assert!(world.receive(TRACKER, &connect_reply(id)));
    let id = world.transaction(1);
    for packet in [
        &announce_reply_packet(id)[..19],
        &connect_reply(id),
        &reply(2, id, &[0; 12]),
    ] {
        assert!(!world.receive(TRACKER, packet));
    }
    assert!(world.receive(TRACKER, &announce_reply_packet(id)));
}

#[test]
fn a_flood_of_forged_packets_does_not_disturb() {
    let mut world = World::new();
    world.start(1, &[TRACKER], None);
    let mut forger = Rng::from_seed([8; 32]);
    for second in 1..12 {
        world.run_to(second);
        for _ in 0..1_000 {
            let mut packet = [0; 40];
            forger.fill(&mut packet);
            packet[..3].fill(0);
            packet[3] &= 3;
            assert!(!world.receive(TRACKER, &packet));
        }
    }
    world.receive(TRACKER, &connect_reply(world.transaction(0)));
    world.receive(TRACKER, &announce_reply_packet(world.transaction(1)));
    assert!(matches!(world.done[..], [(_, Ok(_))]));
}

#[test]
fn a_refusal_ends_the_request_and_drops_the_id() {
    let mut world = World::new();
    world.start(1, &[TRACKER], None);
    world.receive(TRACKER, &connect_reply(world.transaction(0)));
    world.receive(
        TRACKER,
        &reply(3, world.transaction(1), b"bad \x1b[2Jrequest\xff"),
    );
    let [(_, Err(AnnounceError::Failure { text, .. }))] = &world.done[..] else {
        panic!("{:?}", world.done);
    };
    assert_eq!(text, "bad \\u{1b}[2Jrequest\u{fffd}");
    world.start(2, &[TRACKER], None);
    assert_eq!(world.times(), ["0c", "0a", "0c"]);
    // a refused connect ends everyone who waits for it
    world.start(3, &[TRACKER], None);
    let bencoded = b"d14:failure reason4:full8:retry in5:nevere";
    world.receive(TRACKER, &reply(3, world.transaction(2), bencoded));
    assert_eq!(world.done.len(), 3);
    assert!(format!("{}", world.done[2].1.as_ref().unwrap_err()).contains("never"));
}

#[test]
fn an_icmp_refusal_fails_at_once_or_leads_to_the_next_address() {
    let mut world = World::new();
    world.start(1, &[TRACKER, "198.51.100.2:6969"], None);
    world.start(2, &[TRACKER], None);
    world
        .udp
        .handle_datagram_error(world.now, TRACKER.parse().unwrap(), DatagramFault::Refused);
    world.drain();
    assert_eq!(
        world.done,
        [(RequestId(2), Err(AnnounceError::Datagram(DatagramFault::Refused)))]
    );
    assert!(world.receive("198.51.100.2:6969", &connect_reply(world.transaction(1))));
    assert_eq!(world.times(), ["0c", "0c", "0a"]);
    // nobody asks there any more
    world
        .udp
        .handle_datagram_error(world.now, TRACKER.parse().unwrap(), DatagramFault::Refused);
    world.drain();
    assert_eq!(world.done.len(), 1);
}

#[test]
fn a_silent_address_gives_way_to_the_next_of_the_same_tracker() {
    let mut world = World::new();
    world.start(1, &[TRACKER, "198.51.100.2:6969"], None);
    world.run_to(15);
    assert!(world.receive("198.51.100.2:6969", &connect_reply(world.transaction(1))));
    assert_eq!(world.times(), ["0c", "15c", "15a"]);
    // the first address's answer is late but valid, and no longer needed
    assert!(world.receive(TRACKER, &connect_reply(world.transaction(0))));
    assert_eq!(world.sent.len(), 3);
}

#[test]
fn a_hurried_request_sends_each_packet_at_most_so_often() {
    let hurry = Hurry {
        sends_max: 2,
        period: Duration::from_millis(2_500),
    };
    let mut world = World::new();
    world.start(1, &[TRACKER], Some(hurry));
    world.run_to(60);
    assert_eq!(world.times(), ["0c", "2c"]);
    assert!(matches!(
        world.done[..],
        [(_, Err(AnnounceError::Timeout { .. }))]
    ));
}

#[test]
fn a_request_under_way_can_be_hurried() {
    let mut world = World::new();
    let key = world.start(1, &[TRACKER], None);
    world.run_to(1);
    assert!(world.receive(TRACKER, &connect_reply(world.transaction(0))));
    world.run_to(10);
    let hurry = Hurry {
        sends_max: 2,
        period: Duration::from_millis(1_250),
    };
    world.udp.hurry(world.now, key, hurry);
    world.run_to(60);
    assert_eq!(
        world.times(),
        ["0c", "1a", "11a"],
        "the announce that waits counts as one"
    );
    assert_eq!(world.done.len(), 1);
}

#[test]
fn the_family_of_the_endpoint_decides_the_size_of_a_peer() {
    let mut world = World::new();
    let tracker = "[2001:db8::1]:6969";
    world.start(1, &[tracker], None);
    world.receive(tracker, &connect_reply(world.transaction(0)));
    let mut packet = announce_reply_packet(world.transaction(1));
    packet.extend_from_slice(&[1; 12]);
    packet.push(1);
    world.receive(tracker, &packet);
    let Some((_, Ok(TrackerReply::Announce(reply)))) = world.done.pop() else {
        panic!("no reply");
    };
    assert_eq!(reply.peers.len(), 1);
    assert!(reply.peers[0].addr.is_ipv6());
    assert_eq!(reply.lints, [TrackerLint::RaggedPeers]);
}

#[test]
fn mapped_source_addresses_are_the_same_endpoint() {
    let mut world = World::new();
    world.start(1, &[TRACKER], None);
    assert!(world.receive("[::ffff:198.51.100.1]:6969", &connect_reply(world.transaction(0))));
}

#[test]
fn endpoints_without_requests_are_forgotten() {
    let mut world = World::new();
    for n in 0..1_000u32 {
        let address = format!("198.51.{}.{}:6969", n / 250, n % 250 + 1);
        let key = world.start(u64::from(n), &[&address], None);
        world.udp.cancel(key);
        world.run_to(u64::from(n) * 70);
    }
    let shown = format!("{:?}", world.udp);
    assert!(shown.matches("connect_sent").count() < 200);
}

#[test]
fn any_packet_is_read_without_harm() {
    fn property(data: Vec<u8>) -> bool {
        if let Some(packet) = Packet::parse(&data) {
            let reply = announce_reply(&packet.body, data.len().is_multiple_of(2), 10);
            let scrape = scrape_reply(&packet.body, &[InfoHash([1; 20])]);
            if let Body::Error(message) = packet.body {
                let _ = format!("{}", refusal(message));
            }
            return !(reply.is_some() && scrape.is_some());
        }
        true
    }
    let mut check = QuickCheck::new().tests(5_000).rng(Gen::from_size_and_seed(80, 2));
    check.quickcheck(property as fn(Vec<u8>) -> bool);
}

#[test]
fn url_data_is_cut_into_options_of_255_bytes() {
    let long = String::from("/") + &"x".repeat(299);
    let packet = encode_announce(1, 2, &params(), &long);
    assert_eq!(packet.len(), 98 + 2 + 255 + 2 + 45 + 1);
    assert_eq!(
        (packet[98], packet[99], packet[355], packet[356]),
        (2, 255, 2, 45)
    );
    assert_eq!(packet.last(), Some(&0));
    assert_eq!(encode_announce(1, 2, &params(), "").len(), 98);
    let many: Vec<InfoHash> = (0..100).map(|n| InfoHash([n; 20])).collect();
    assert_eq!(encode_scrape(1, 2, &many).len(), 16 + 74 * 20);
}

#[test]
fn a_paused_announce_has_no_event_on_the_wire() {
    let paused = AnnounceParams {
        event: AnnounceEvent::Paused,
        ..params()
    };
    assert_eq!(encode_announce(1, 2, &paused, "")[80..84], [0; 4]);
}

#[test]
fn transaction_ids_of_an_endpoint_never_collide() {
    let mut world = World::new();
    for id in 0..500 {
        world.start(id, &[TRACKER], None);
    }
    world.receive(TRACKER, &connect_reply(world.transaction(0)));
    let mut ids: Vec<u32> = world.sent.iter().map(|sent| sent.2).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((count, ids.len()), (501, 501));
    let address: SocketAddr = TRACKER.parse().unwrap();
    for nth in 1..501 {
        world
            .udp
            .handle_datagram(world.now, address, &announce_reply_packet(world.transaction(nth)));
    }
    world.drain();
    assert_eq!(world.done.len(), 500);
}
