//! Super-seeding (BEP 16): how much a lone seed has to send until everybody has everything.

use crate::swarm::{BLOCK, TORRENT, TRACKER, leech, run_for, world_of};
use seedbed_engine::{Command, Purpose};
use tests::world::{Sample, Timeline, World, small_config};

const LENGTH: usize = 60_000;
const LEECHES: usize = 6;

/// A seed and six leechers that come together; when all are complete, bytes that the seed sent.
fn sent_by_the_seed(super_seed: bool) -> (World, u64) {
    let sample = Sample::single(LENGTH, 1024, &[&format!("udp://{TRACKER}/announce")]);
    let mut world = world_of(&sample);
    let node = world.node("seed", "127.0.0.2", small_config());
    world.nodes[node].disk = sample.full_disk(BLOCK);
    let mut add = World::add_torrent(&sample.metainfo, Purpose::Seed);
    add.super_seed = super_seed;
    world.command(node, Command::Add(Box::new(add)));
    run_for(&mut world, 2);
    let leeches: Vec<_> = (0..LEECHES)
        .map(|n| leech(&mut world, &sample, "leech", &format!("127.0.1.{}", 1 + n)))
        .collect();
    let limit = world.now + core::time::Duration::from_secs(3_600);
    let all = |world: &World| leeches.iter().all(|leech| world.is_complete(*leech));
    let done = world.run_until(limit, all);
    assert!(done, "not complete:\n{}", Timeline::of(&world, node));
    let torrent = world.nodes[node].engine.torrent(TORRENT).expect("it is there");
    let sent = torrent.status(world.now).uploaded;
    (world, sent)
}

#[test]
fn a_lone_super_seed_sends_little_more_than_one_copy() {
    let (_, normal) = sent_by_the_seed(false);
    let (_, shown) = sent_by_the_seed(true);
    println!("content {LENGTH}, sent by a normal seed {normal}, by a super-seed {shown}");
    assert!(shown >= LENGTH as u64, "everything came from it once");
    assert!(shown * 10 <= LENGTH as u64 * 13, "{shown} of {LENGTH}");
    assert!(
        normal > shown * 3 / 2,
        "a normal seed sent {normal}, a super-seed {shown}"
    );
}

#[test]
fn a_single_leecher_gets_everything_from_a_super_seed() {
    let sample = Sample::single(5_000, 1024, &[&format!("udp://{TRACKER}/announce")]);
    let mut world = world_of(&sample);
    let node = world.node("seed", "127.0.0.2", small_config());
    world.nodes[node].disk = sample.full_disk(BLOCK);
    let mut add = World::add_torrent(&sample.metainfo, Purpose::Seed);
    add.super_seed = true;
    world.command(node, Command::Add(Box::new(add)));
    run_for(&mut world, 2);
    let leech = leech(&mut world, &sample, "leech", "127.0.0.3");
    crate::swarm::until_complete(&mut world, leech, 300);
    crate::swarm::check_timeline(&world, node, "super-seed-one-leech");
}
