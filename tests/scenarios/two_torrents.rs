//! M8: two torrents of one engine influence each other by what they share, limits and the queue, and by nothing else.

use crate::swarm::{BLOCK, TRACKER, run_for, seed};
use seedbed_engine::id::TorrentId;
use seedbed_engine::throttle::RateLimit;
use seedbed_engine::time::Instant;
use seedbed_engine::{Command, Config, Limits, Purpose, Report};
use tests::world::{Sample, World, small_config};

const FIRST: TorrentId = TorrentId(1);
const SECOND: TorrentId = TorrentId(2);

/// Content of each, so that they can be told apart.
const LENGTHS: [usize; 2] = [20_000, 21_000];

/// Bytes a second of the tests of rate limits.
const RATE: u64 = 4_000;

fn samples() -> [Sample; 2] {
    LENGTHS.map(|length| Sample::single(length, 1024, &[&format!("udp://{TRACKER}/announce")]))
}

/// A tracker that knows both torrents, and a seed of each; the second one gives wrong bytes if it `lies`.
fn world_of(samples: &[Sample; 2], lies: bool) -> World {
    let mut world = World::default();
    let tracker = world.with_tracker(TRACKER);
    for sample in samples {
        tracker.register(sample.metainfo.info_hash.0);
    }
    seed(&mut world, &samples[0], "seed-1", "127.0.0.2");
    let second = seed(&mut world, &samples[1], "seed-2", "127.0.0.3");
    run_for(&mut world, 2);
    if lies {
        let path = samples[1].metainfo.layout.files()[0].path.clone();
        world.nodes[second].disk.tamper(&path, |bytes| {
            bytes.iter_mut().for_each(|byte| *byte ^= 1);
        });
    }
    world
}

/// An engine that downloads the torrents that are named, in their order.
fn downloader(world: &mut World, samples: &[Sample; 2], which: &[usize], config: Config) -> usize {
    let node = world.node("eng", "127.0.0.5", config);
    for (n, which) in which.iter().enumerate() {
        let disk = samples[*which].empty_disk(BLOCK);
        let id = TorrentId(n as u32 + 1);
        world.nodes[node].disks.insert(id, disk);
        let add = World::add_torrent(&samples[*which].metainfo, Purpose::Download);
        world.command(node, Command::Add(Box::new(add)));
    }
    node
}

fn has(world: &World, node: usize, torrent: TorrentId) -> u32 {
    let view = world.nodes[node].engine.torrent(torrent);
    view.map_or(0, |view| view.have().count())
}

fn is_complete(world: &World, node: usize, torrent: TorrentId) -> bool {
    let view = world.nodes[node].engine.torrent(torrent);
    view.is_some_and(|view| view.have().is_full())
}

/// When each piece of a torrent was verified, since the torrent's first connection.
fn verified(world: &World, node: usize, of: TorrentId) -> Vec<(Instant, u32)> {
    let reports = world.nodes[node].reports.iter();
    let pieces = reports.filter_map(|(at, report)| match report {
        Report::PieceVerified { torrent, piece, .. } if *torrent == of => Some((*at, piece.0)),
        _ => None,
    });
    pieces.collect()
}

#[test]
fn what_happens_to_one_torrent_changes_nothing_for_the_other() {
    let samples = samples();
    let run = |which: &[usize], lies| {
        let mut world = world_of(&samples, lies);
        let node = downloader(&mut world, &samples, which, small_config());
        run_for(&mut world, 60);
        (world, node)
    };
    let (alone, node) = run(&[0], false);
    let expected = verified(&alone, node, FIRST);
    assert!(is_complete(&alone, node, FIRST) && !expected.is_empty());
    for lies in [false, true] {
        let (world, node) = run(&[0, 1], lies);
        assert!(is_complete(&world, node, FIRST));
        assert_eq!(is_complete(&world, node, SECOND), !lies);
        assert!(samples[0].is_on(&world.nodes[node].disks[&FIRST]));
        assert_eq!(samples[1].is_on(&world.nodes[node].disks[&SECOND]), !lies);
        let pieces = |of: &[(Instant, u32)]| of.iter().map(|(_, piece)| *piece).collect::<Vec<_>>();
        let both = verified(&world, node, FIRST);
        assert_eq!(
            pieces(&both),
            pieces(&expected),
            "the same pieces in the same order"
        );
        let late = |of: &[(Instant, u32)]| of.last().map(|(at, _)| *at);
        assert_eq!(late(&both), late(&expected), "and as fast");
        let banned = |(_, report): &(Instant, Report)| matches!(report, Report::Banned { .. });
        assert_eq!(world.nodes[node].reports.iter().any(banned), lies);
    }
}

#[test]
fn the_second_waits_in_the_queue_until_the_first_is_complete() {
    let samples = samples();
    let mut world = world_of(&samples, false);
    let config = Config {
        active_max: Some(1),
        rate_down: RateLimit::bytes(RATE),
        ..small_config()
    };
    let node = downloader(&mut world, &samples, &[0, 1], config);
    let limit = world.now + core::time::Duration::from_secs(60);
    let mut early = 0;
    let done = world.run_until(limit, |world| {
        early = early.max(has(world, node, SECOND));
        is_complete(world, node, FIRST)
    });
    assert!(done);
    assert_eq!(early, 0, "nothing of the second while the first is fetched");
    run_for(&mut world, 60);
    assert!(is_complete(&world, node, SECOND));
}

#[test]
fn both_share_one_rate_limit_and_neither_starves() {
    let samples = samples();
    let mut world = world_of(&samples, false);
    let node = downloader(&mut world, &samples, &[0, 1], small_config());
    // also when it is set while both are at work
    world.command(
        node,
        Command::SetLimits(Limits {
            rate_down: Some(RateLimit::bytes(RATE)),
            ..Limits::default()
        }),
    );
    let began = world.now;
    for _ in 0..4 {
        run_for(&mut world, 1);
        let got = |torrent| u64::from(has(&world, node, torrent)) * 1024;
        let seconds = world.now.since(began).as_secs();
        let (first, second) = (got(FIRST), got(SECOND));
        // a piece is counted when it is whole, so a little before the end of its time
        assert!(
            first + second <= RATE * seconds + RATE / 2,
            "{first} and {second} in {seconds} s"
        );
        assert!(
            seconds < 3 || first.min(second) * 3 >= first.max(second),
            "{first}, {second}"
        );
    }
    run_for(&mut world, 20);
    assert!(is_complete(&world, node, FIRST) && is_complete(&world, node, SECOND));
}
