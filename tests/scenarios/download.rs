//! A download from beginning to end.

use seedbed_engine::time::Instant;
use seedbed_engine::{AddTorrent, Command, Purpose};
use tests::world::{Sample, Timeline, World, small_config};

fn add(world: &mut World, node: usize, add: AddTorrent) {
    world.command(node, Command::Add(Box::new(add)));
}

/// A seed and a leech that find each other through a tracker.
fn pair(sample: &Sample) -> (World, usize, usize) {
    let mut world = World::default();
    world
        .with_tracker("127.0.0.9:6969")
        .register(sample.metainfo.info_hash.0);
    let seed = world.node("seed", "127.0.0.2", small_config());
    let leech = world.node("eng", "127.0.0.3", small_config());
    world.nodes[seed].disk = sample.full_disk(64);
    world.nodes[leech].disk = sample.empty_disk(64);
    add(
        &mut world,
        seed,
        World::add_torrent(&sample.metainfo, Purpose::Seed),
    );
    (world, seed, leech)
}

#[test]
fn a_small_download_over_a_udp_tracker() {
    let sample = Sample::single(1_000, 256, &["udp://127.0.0.9:6969/announce"]);
    let (mut world, _, leech) = pair(&sample);
    assert!(!world.run_until(Instant::from_secs(2), |_| false));
    add(
        &mut world,
        leech,
        World::add_torrent(&sample.metainfo, Purpose::Download),
    );
    let done = world.run_until(Instant::from_secs(120), |world| world.is_complete(leech));
    let timeline = Timeline::of(&world, leech);
    println!("{timeline}");
    assert!(done);
    assert!(sample.is_on(&world.nodes[leech].disk));
    tests::snapshot_settings("scenarios").bind(|| insta::assert_snapshot!("small-download-udp", timeline));
}
