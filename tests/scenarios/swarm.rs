//! What the scenarios begin with.

use seedbed_engine::id::TorrentId;
use seedbed_engine::time::Instant;
use seedbed_engine::{Command, Config, Purpose};
use tests::world::{Sample, Timeline, World, small_config};

/// Block length of the small worlds.
pub(crate) const BLOCK: u32 = 64;

/// The torrent of every world: each has one.
pub(crate) const TORRENT: TorrentId = TorrentId(1);

/// Where the tracker is.
pub(crate) const TRACKER: &str = "127.0.0.9:6969";

/// A world with a tracker that knows the torrent.
pub(crate) fn world_of(sample: &Sample) -> World {
    let mut world = World::default();
    world.with_tracker(TRACKER).register(sample.metainfo.info_hash.0);
    world
}

/// Adds a node that has everything.
pub(crate) fn seed(world: &mut World, sample: &Sample, name: &'static str, ip: &str) -> usize {
    seed_with(world, sample, name, ip, small_config())
}

/// Adds a node that has everything, with a configuration of its own.
pub(crate) fn seed_with(
    world: &mut World,
    sample: &Sample,
    name: &'static str,
    ip: &str,
    config: Config,
) -> usize {
    let node = world.node(name, ip, config);
    world.nodes[node].disk = sample.full_disk(BLOCK);
    start(world, sample, node, Purpose::Seed);
    node
}

/// Adds a node that has nothing.
pub(crate) fn leech(world: &mut World, sample: &Sample, name: &'static str, ip: &str) -> usize {
    let node = world.node(name, ip, small_config());
    world.nodes[node].disk = sample.empty_disk(BLOCK);
    start(world, sample, node, Purpose::Download);
    node
}

/// Lets a node begin.
pub(crate) fn start(world: &mut World, sample: &Sample, node: usize, purpose: Purpose) {
    world.command(
        node,
        Command::Add(Box::new(World::add_torrent(&sample.metainfo, purpose))),
    );
}

/// Lets the world go on for so many seconds.
pub(crate) fn run_for(world: &mut World, seconds: u64) {
    let limit = world.now + core::time::Duration::from_secs(seconds);
    world.run_until(limit, |_| false);
}

/// Lets the world go on until the node is complete.
pub(crate) fn until_complete(world: &mut World, node: usize, seconds: u64) {
    let limit = world.now + core::time::Duration::from_secs(seconds);
    let done = world.run_until(limit, |world| world.is_complete(node));
    assert!(
        done,
        "not complete after {seconds} s:\n{}",
        Timeline::of(world, node)
    );
}

/// Compares a node's timeline with its snapshot.
pub(crate) fn check_timeline(world: &World, node: usize, name: &str) {
    let timeline = Timeline::of(world, node);
    tests::snapshot_settings("scenarios").bind(|| insta::assert_snapshot!(name, timeline));
}

/// Compares a node's timeline without the wire with its snapshot.
pub(crate) fn check_brief(world: &World, node: usize, name: &str) {
    let timeline = Timeline::brief(world, node);
    tests::snapshot_settings("scenarios").bind(|| insta::assert_snapshot!(name, timeline));
}

/// Seconds since the beginning, as an instant.
pub(crate) const fn at(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}
