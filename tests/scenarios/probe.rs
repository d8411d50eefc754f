//! What `probe` shows: every datagram and message of one look at a tracker or a peer.

use crate::swarm::{check_timeline, run_for, seed, world_of};
use core::time::Duration;
use seedbed_engine::id::PieceIndex;
use seedbed_engine::{Command, ProbeTracker, Purpose, Report};
use tests::world::{Sample, World, small_config};

fn probe(url: &str, scrape: bool, name: &str) -> Report {
    let sample = Sample::single(1_000, 256, &["udp://127.0.0.9:6969/announce"]);
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let node = world.node("eng", "127.0.0.3", small_config());
    let timeout = Duration::from_secs(60);
    let probe = ProbeTracker {
        url: url.into(),
        metainfo: sample.metainfo.clone(),
        scrape,
        timeout,
    };
    world.command(node, Command::ProbeTracker(Box::new(probe)));
    run_for(&mut world, 60);
    check_timeline(&world, node, name);
    let answer = world.nodes[node]
        .reports
        .iter()
        .find(|(_, report)| matches!(report, Report::TrackerProbed { .. }));
    answer.expect("the probe is answered").1.clone()
}

#[test]
fn a_probed_tracker_is_announced_to_and_then_left() {
    for (url, name) in [
        ("udp://127.0.0.9:6969/announce", "probe-tracker-udp"),
        ("http://127.0.0.9:6969/SECRET/announce", "probe-tracker-http"),
    ] {
        let Report::TrackerProbed { result } = probe(url, false, name) else {
            panic!()
        };
        assert!(result.ok, "{result:?}");
        assert_eq!((result.seeders, result.peers.len()), (Some(1), 1));
    }
}

#[test]
fn a_scrape_asks_for_figures_only() {
    let Report::TrackerProbed { result } = probe("udp://127.0.0.9:6969/announce", true, "probe-scrape")
    else {
        panic!()
    };
    assert_eq!(
        (result.ok, result.seeders, result.leechers),
        (true, Some(1), Some(0))
    );
}

#[test]
fn a_tracker_that_is_not_there_is_told_so() {
    let Report::TrackerProbed { result } = probe("udp://127.0.0.8:1/announce", false, "probe-nobody") else {
        panic!()
    };
    assert!(!result.ok);
    assert!(result.failure.expect("a sentence").contains("refused"));
}

#[test]
fn a_probed_peer_gives_one_piece() {
    let sample = Sample::single(1_000, 256, &[]);
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let node = world.node("eng", "127.0.0.3", small_config());
    world.nodes[node].disk = sample.empty_disk(64);
    let mut add = World::add_torrent(&sample.metainfo, Purpose::Download);
    add.only_pieces = Some(vec![PieceIndex(2)]);
    add.peers = vec!["127.0.0.2:6881".parse().expect("an address")];
    world.command(node, Command::Add(Box::new(add)));
    run_for(&mut world, 5);
    check_timeline(&world, node, "probe-peer");
    assert!(world.reported(node, |report| matches!(report, Report::Completed { .. })));
}
