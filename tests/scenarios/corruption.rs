//! Bad data: found by the hash, blamed on who sent it and on nobody else.

use crate::swarm::{BLOCK, check_timeline, leech, run_for, seed, seed_with, until_complete, world_of};
use seedbed_engine::Report;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{ConnId, PieceIndex};
use seedbed_engine::throttle::RateLimit;
use std::collections::{BTreeMap, BTreeSet};
use tests::world::{Sample, Timeline, World, small_config};

const TRACKER: &[&str] = &["udp://127.0.0.9:6969/announce"];

fn banned(world: &World, node: usize) -> Vec<String> {
    let ban = |report: &Report| match report {
        Report::Banned { ip, .. } => Some(ip.to_string()),
        _ => None,
    };
    world.nodes[node]
        .reports
        .iter()
        .filter_map(|(_, report)| ban(report))
        .collect()
}

fn lie(piece: u32, block: u32) -> BlockRange {
    BlockRange {
        piece: PieceIndex(piece),
        begin: block * BLOCK,
        length: BLOCK,
    }
}

#[test]
fn a_sole_source_of_a_bad_piece_is_banned_at_once() {
    let sample = Sample::single(1_024, 256, TRACKER);
    let mut world = world_of(&sample);
    let liar = seed(&mut world, &sample, "liar", "127.0.0.4");
    world.nodes[liar].disk.lies = vec![lie(1, 2)];
    run_for(&mut world, 2);
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    run_for(&mut world, 20);
    assert_eq!(banned(&world, node), ["127.0.0.4"]);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    until_complete(&mut world, node, 120);
    assert!(sample.is_on(&world.nodes[node].disk));
    check_timeline(&world, node, "sole-source-banned");
}

#[test]
fn among_good_seeds_only_the_liar_is_banned() {
    let sample = Sample::single(64 * 1_024, 2_048, TRACKER);
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "good-1", "127.0.0.2");
    let liar = seed(&mut world, &sample, "liar", "127.0.0.4");
    seed(&mut world, &sample, "good-2", "127.0.0.5");
    world.nodes[liar].disk.lies = (0..32).map(|piece| lie(piece, piece % 7)).collect();
    run_for(&mut world, 2);
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    until_complete(&mut world, node, 300);
    run_for(&mut world, 5);
    assert!(sample.is_on(&world.nodes[node].disk));
    assert_eq!(banned(&world, node), ["127.0.0.4"]);
}

/// The piece of a request that we sent, and who was asked.
fn request(report: &Report) -> Option<(&str, ConnId)> {
    let Report::Wire {
        conn,
        sent: true,
        text,
        ..
    } = report
    else {
        return None;
    };
    let (piece, _) = text.strip_prefix("request ")?.split_once('+')?;
    Some((piece, *conn))
}

/// Whom each piece is asked of, of those that are begun after the first failure and before the first ban.
fn asked_meanwhile(world: &World, node: usize) -> BTreeMap<&str, BTreeSet<ConnId>> {
    let reports = world.nodes[node].reports.iter().map(|(_, report)| report);
    let is_failure = |report: &&Report| matches!(report, Report::PieceFailed { .. });
    let is_ban = |report: &&Report| matches!(report, Report::Banned { .. });
    let before = reports.clone().take_while(|report| !is_failure(report));
    let before: BTreeSet<_> = before.filter_map(request).map(|(piece, _)| piece).collect();
    let meanwhile = reports.skip_while(|report| !is_failure(report));
    let mut asked: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (piece, conn) in meanwhile.take_while(|report| !is_ban(report)).filter_map(request) {
        if !before.contains(piece) {
            asked.entry(piece).or_default().insert(conn);
        }
    }
    asked
}

#[test]
fn who_sent_a_part_of_a_bad_piece_fetches_whole_pieces_alone() {
    // too slow to be given whole pieces for their speed
    let sample = Sample::single(64 * 4_096, 4_096, TRACKER);
    let mut world = world_of(&sample);
    let mut slow = small_config();
    slow.rate_up = RateLimit::bytes(150);
    let names = ["good-1", "good-2", "good-3", "liar"];
    for (n, name) in names.into_iter().enumerate() {
        let ip = format!("127.0.0.{}", 20 + n);
        let node = seed_with(&mut world, &sample, name, &ip, slow.clone());
        if name == "liar" {
            let blocks = |piece| (0..4_096 / BLOCK).map(move |block| lie(piece, block));
            world.nodes[node].disk.lies = (0..64).flat_map(blocks).collect();
        }
    }
    run_for(&mut world, 2);
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    let limit = world.now + core::time::Duration::from_secs(600);
    let found = world.run_until(limit, |world| !banned(world, node).is_empty());
    assert!(found, "nobody is banned:\n{}", Timeline::brief(&world, node));
    assert_eq!(banned(&world, node), ["127.0.0.23"]);
    let asked = asked_meanwhile(&world, node);
    assert!(asked.len() >= names.len(), "{asked:?}");
    let shared: Vec<_> = asked.iter().filter(|(_, conns)| conns.len() > 1).collect();
    assert!(shared.is_empty(), "shared: {shared:?}");
}

#[test]
fn a_torrent_that_is_wrong_itself_costs_little() {
    // six honest peers, all with the same bad block: nobody could have the piece
    let sample = Sample::single(64 * 1_024, 1_024, TRACKER);
    let mut world = world_of(&sample);
    let names = ["a", "b", "c", "d", "e", "f"];
    for (n, name) in names.into_iter().enumerate() {
        let node = seed(&mut world, &sample, name, &format!("127.0.0.{}", 20 + n));
        world.nodes[node].disk.lies = vec![lie(7, 3)];
    }
    run_for(&mut world, 2);
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    run_for(&mut world, 4 * 3_600);
    let torrent = world.nodes[node]
        .engine
        .torrent(crate::swarm::TORRENT)
        .expect("it is there");
    assert_eq!(torrent.have().count(), 63);
    let status = torrent.status(world.now);
    // at full speed it would be fetched hundreds of thousands of times
    assert!(status.wasted < 64 * 1_024, "{} bytes", status.wasted);
}

#[test]
fn a_piece_without_a_good_source_is_never_had() {
    let sample = Sample::single(1_024, 256, TRACKER);
    let mut world = world_of(&sample);
    for (name, ip) in [("liar-1", "127.0.0.4"), ("liar-2", "127.0.0.5")] {
        let liar = seed(&mut world, &sample, name, ip);
        world.nodes[liar].disk.lies = vec![lie(1, 2)];
    }
    run_for(&mut world, 2);
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    run_for(&mut world, 600);
    let torrent = world.nodes[node]
        .engine
        .torrent(crate::swarm::TORRENT)
        .expect("it is there");
    assert!(!torrent.have().contains(PieceIndex(1)));
}
