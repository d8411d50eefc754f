//! Answers as values, and requests that are none.

use super::*;

fn parsed(bytes: &[u8]) -> Packet<'_> {
    Packet::parse(bytes).unwrap()
}

#[test]
fn a_connection_id_has_64_bits() {
    let packet = reply(0, 5, &[1, 2, 3, 4, 5, 6, 7, 8]);
    let packet = parsed(&packet);
    assert_eq!(packet.transaction, 5);
    assert!(matches!(packet.body, Body::Connect(0x0102_0304_0506_0708)));
}

#[test]
fn an_announce_is_answered_with_an_interval_counts_and_peers() {
    let packet = announce_reply_packet(5);
    let answer = announce_reply(&parsed(&packet).body, false, 10).unwrap();
    assert_eq!(answer.interval, Some(Duration::from_secs(1_800)));
    assert_eq!((answer.leechers, answer.seeders), (Some(5), Some(7)));
    assert_eq!(answer.peers.len(), 1);
    assert_eq!(answer.lints, []);

    let packet = reply(1, 5, &[0; 12]);
    let answer = announce_reply(&parsed(&packet).body, false, 10).unwrap();
    assert_eq!(answer.interval, None);
    assert_eq!(answer.lints, [TrackerLint::BadInterval]);
}

#[test]
fn a_scrape_covers_the_first_torrents() {
    let hashes = [InfoHash([1; 20]), InfoHash([2; 20])];
    let entry = [0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5];
    let whole = reply(2, 5, &[entry, entry].concat());
    let answer = scrape_reply(&parsed(&whole).body, &hashes).unwrap();
    let counts = |entry: &ScrapeEntry| (entry.info_hash, entry.seeders, entry.completed, entry.leechers);
    assert_eq!(
        answer.files.iter().map(counts).collect::<Vec<_>>(),
        hashes.map(|info_hash| (info_hash, 3, 4, 5))
    );
    assert_eq!(answer.lints, []);

    let short = reply(2, 5, &entry);
    let answer = scrape_reply(&parsed(&short).body, &hashes).unwrap();
    assert_eq!(answer.files.len(), 1);
    assert_eq!(answer.lints, [TrackerLint::ShortScrape]);

    // no more than a packet asks for can be missing
    let many: Vec<InfoHash> = (0..80).map(|n| InfoHash([n; 20])).collect();
    let full = reply(2, 5, &entry.repeat(SCRAPE_MAX));
    let answer = scrape_reply(&parsed(&full).body, &many).unwrap();
    assert_eq!((answer.files.len(), answer.lints), (SCRAPE_MAX, Vec::new()));
}

#[test]
fn a_request_without_an_address_or_with_a_key_in_use_is_none() {
    let mut world = World::new();
    let key = world.start(1, &[TRACKER], None);
    world.start(1, &["198.51.100.2:6969"], None);
    assert_eq!(world.times(), ["0c"]);
    world.udp.cancel(key);
    let kind = RequestKind::Announce(params());
    world.udp.start(world.now, key, Vec::new(), kind, "", None);
    world.drain();
    assert_eq!((world.times().len(), world.udp.deadline()), (1, None));
}

#[test]
fn a_connection_id_outlives_many_other_trackers() {
    let mut world = World::new();
    let key = world.start(0, &[TRACKER], None);
    world.receive(TRACKER, &connect_reply(world.transaction(0)));
    world.udp.cancel(key);
    for n in 1..=200 {
        let key = world.start(n, &[&format!("198.51.101.{n}:6969")], None);
        world.udp.cancel(key);
    }
    let before = world.sent.len();
    world.start(201, &[TRACKER], None);
    assert_eq!(world.times()[before..], ["0a"]);
}
