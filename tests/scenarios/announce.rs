//! What a tracker sees of a run: each event once, with exact figures, whatever the network does to datagrams.

use crate::swarm::{TORRENT, TRACKER, at, leech, run_for, seed, seed_with, until_complete, world_of};
use seedbed_engine::{Command, Report};
use seedbed_sim::tracker::{Announce, AnnounceEvent};
use tests::world::{Sample, World};

const LENGTH: u64 = 1_000;

fn sample(scheme: &str) -> Sample {
    Sample::single(LENGTH as usize, 256, &[&format!("{scheme}://{TRACKER}/announce")])
}

/// What the tracker saw of a node.
fn seen(world: &World, ip: &str) -> Vec<Announce> {
    let (_, tracker) = world.tracker.as_ref().expect("there is one");
    let ip: std::net::IpAddr = ip.parse().expect("an address");
    tracker
        .announces()
        .iter()
        .filter(|announce| announce.from.ip() == ip)
        .cloned()
        .collect()
}

/// A whole life: started, a regular announce while nobody has anything, completed, stopped.
fn whole_life(scheme: &str, lose: &[bool]) -> World {
    let sample = sample(scheme);
    let mut world = world_of(&sample);
    world.lose = lose.to_vec();
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    run_for(&mut world, 2_000);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    until_complete(&mut world, node, 60);
    run_for(&mut world, 60);
    world.command(node, Command::Shutdown);
    run_for(&mut world, 10);
    assert!(world.reported(node, |report| *report == Report::ShutDown));
    world
}

fn check_life(world: &World) {
    let seen = seen(world, "127.0.0.3");
    let events: Vec<_> = seen.iter().map(|announce| announce.event).collect();
    let expected = [
        AnnounceEvent::Started,
        AnnounceEvent::None,
        AnnounceEvent::Completed,
        AnnounceEvent::Stopped,
    ];
    assert_eq!(events, expected);
    let figures: Vec<_> = seen
        .iter()
        .map(|announce| (announce.uploaded, announce.downloaded, announce.left))
        .collect();
    assert_eq!(
        figures,
        [(0, 0, LENGTH), (0, 0, LENGTH), (0, LENGTH, 0), (0, LENGTH, 0)]
    );
    for announce in &seen {
        assert_eq!(announce.port, 6881);
        assert_eq!(&announce.peer_id[..8], b"-sE0100-");
        assert_eq!(announce.key, seen[0].key);
        assert!(announce.accepted);
    }
    assert!(seen[0].key.is_some());
    assert_eq!(seen[0].num_want, Some(200));
    assert_eq!(seen[3].num_want, Some(0), "who leaves wants no peers");
}

#[test]
fn an_http_tracker_sees_each_event_once() {
    check_life(&whole_life("http", &[]));
}

#[test]
fn a_udp_tracker_sees_each_event_once() {
    check_life(&whole_life("udp", &[]));
}

#[test]
fn lost_datagrams_change_nothing_but_times() {
    // the first connect, the first announce
    check_life(&whole_life("udp", &[true]));
    check_life(&whole_life("udp", &[false, true]));
    check_life(&whole_life("udp", &[true, true, false, true]));
}

#[test]
fn with_three_datagrams_lost_the_send_times_follow_bep_15() {
    let sample = sample("udp");
    let mut world = world_of(&sample);
    world.lose = vec![true; 3];
    leech(&mut world, &sample, "eng", "127.0.0.3");
    run_for(&mut world, 200);
    let began = world.datagrams[0].0;
    let times: Vec<_> = world
        .datagrams
        .iter()
        .take(4)
        .map(|(at, _)| at.since(began).as_secs())
        .collect();
    assert_eq!(times, [0, 15, 15 + 30, 15 + 30 + 60]);
    assert_eq!(seen(&world, "127.0.0.3").len(), 1);
}

#[test]
fn completed_is_said_once_although_a_recheck_finds_a_bad_piece() {
    let sample = sample("udp");
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    until_complete(&mut world, node, 60);
    run_for(&mut world, 60);
    world.nodes[node].disk.tamper("sample", |bytes| bytes[0] ^= 1);
    world.command(node, Command::Recheck(TORRENT));
    run_for(&mut world, 1);
    until_complete(&mut world, node, 4_000);
    run_for(&mut world, 4_000);
    let announces = seen(&world, "127.0.0.3");
    let completed = announces
        .iter()
        .filter(|announce| announce.event == AnnounceEvent::Completed);
    assert_eq!(completed.count(), 1);
}

#[test]
fn a_seed_of_a_part_says_that_it_wants_no_more() {
    // BEP 21: it lacks pieces, and wants none of them
    let sample = sample("http");
    let mut world = world_of(&sample);
    let node = world.node("eng", "127.0.0.3", tests::world::small_config());
    world.nodes[node].disk = sample.full_disk(64);
    world.nodes[node].disk.tamper("sample", |bytes| bytes[0] ^= 1);
    crate::swarm::start(&mut world, &sample, node, seedbed_engine::Purpose::Seed);
    run_for(&mut world, 2_000);
    let paused: Vec<bool> = world
        .requests
        .iter()
        .map(|request| request.contains("event=paused"))
        .collect();
    assert_eq!(paused, [false, true], "a real event wins");
}

#[test]
fn a_private_torrent_deals_with_nobody_of_its_last_tracker() {
    let other = "127.0.0.8:6969";
    let urls = [
        format!("udp://{TRACKER}/announce"),
        format!("udp://{other}/announce"),
    ];
    let sample = Sample::private(LENGTH as usize, 256, &[&urls[0], &urls[1]]);
    let mut world = world_of(&sample);
    let mut config = tests::world::small_config();
    config.choker.slots = 0;
    seed_with(&mut world, &sample, "seed", "127.0.0.2", config);
    run_for(&mut world, 2);
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    run_for(&mut world, 5);
    assert!(world.reported(node, |report| matches!(report, Report::PeerConnected { .. })));
    run_for(&mut world, 65);
    // the first tracker goes away, and the seed is known to no other
    world.command(0, Command::Shutdown);
    world.with_tracker(other).register(sample.metainfo.info_hash.0);
    world.command(node, Command::Reannounce(TORRENT));
    run_for(&mut world, 5);
    assert_eq!(seen(&world, "127.0.0.3").len(), 1, "the second tracker is asked");
    world.nodes[node].reports.clear();
    run_for(&mut world, 3_600);
    assert!(!world.reported(node, |report| matches!(report, Report::PeerClosed { .. })));
}

#[test]
fn a_seed_never_says_completed() {
    let sample = sample("udp");
    let mut world = world_of(&sample);
    let node = seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 4_000);
    world.command(node, Command::Recheck(TORRENT));
    run_for(&mut world, 4_000);
    world.command(node, Command::Shutdown);
    run_for(&mut world, 10);
    let events: Vec<_> = seen(&world, "127.0.0.2")
        .iter()
        .map(|announce| announce.event)
        .collect();
    assert_eq!(events.first(), Some(&AnnounceEvent::Started));
    assert_eq!(events.last(), Some(&AnnounceEvent::Stopped));
    assert!(!events.contains(&AnnounceEvent::Completed), "{events:?}");
    assert_eq!(
        events
            .iter()
            .filter(|event| **event == AnnounceEvent::Started)
            .count(),
        1
    );
}

#[test]
fn a_dead_tracker_is_named_with_the_time_of_the_next_try() {
    let sample = Sample::single(LENGTH as usize, 256, &["udp://127.0.0.77:1/announce"]);
    let mut world = world_of(&sample);
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    run_for(&mut world, 5);
    let failed = world.nodes[node]
        .reports
        .iter()
        .find_map(|(_, report)| match report {
            Report::TrackerFailed {
                url, text, retry_at, ..
            } => Some((url.clone(), text.clone(), *retry_at)),
            _ => None,
        });
    let (url, text, retry_at) = failed.expect("the failure is reported");
    assert!(url.contains("127.0.0.77:1"), "{url}");
    assert!(text.contains("refused"), "{text}");
    assert!(retry_at.is_some_and(|retry| retry > at(0)));
}

#[test]
fn pausing_says_stopped_and_going_on_says_started() {
    let sample = sample("http");
    let mut world = world_of(&sample);
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    run_for(&mut world, 5);
    world.command(node, Command::Pause(TORRENT));
    run_for(&mut world, 5);
    world.command(node, Command::Resume(TORRENT));
    run_for(&mut world, 5);
    let events: Vec<_> = seen(&world, "127.0.0.3")
        .iter()
        .map(|announce| announce.event)
        .collect();
    assert_eq!(
        events,
        [
            AnnounceEvent::Started,
            AnnounceEvent::Stopped,
            AnnounceEvent::Started
        ]
    );
}
