//! Whom a seed serves.

use crate::swarm::{check_brief, leech, run_for, seed_with, world_of};
use seedbed_engine::id::TorrentId;
use tests::world::{Sample, World, small_config};

fn unchoked(world: &World, node: usize) -> usize {
    let torrent = world.nodes[node]
        .engine
        .torrent(TorrentId(1))
        .expect("it is there");
    torrent
        .peers(world.now)
        .iter()
        .filter(|peer| !peer.choked_by_us)
        .count()
}

#[test]
fn a_seed_keeps_to_its_slots_and_serves_everybody_in_time() {
    let sample = Sample::single(40_000, 2_048, &["udp://127.0.0.9:6969/announce"]);
    let mut world = world_of(&sample);
    let mut config = small_config();
    config.choker.slots = 2;
    let seed = seed_with(&mut world, &sample, "seed", "127.0.0.2", config);
    run_for(&mut world, 2);
    let names = ["a", "b", "c", "d", "e"];
    for (n, name) in names.iter().enumerate() {
        leech(&mut world, &sample, name, &format!("127.0.0.{}", 10 + n));
    }
    let limit = world.now + core::time::Duration::from_secs(600);
    let done = world.run_until(limit, |world| {
        assert!(
            unchoked(world, seed) <= 2,
            "{} slots at {}",
            unchoked(world, seed),
            world.now
        );
        (1..=names.len()).all(|node| world.is_complete(node))
    });
    assert!(done, "everybody is complete");
    check_brief(&world, seed, "two-slots-five-leeches");
}
