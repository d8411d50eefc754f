//! Whom a seed serves.

use crate::swarm::{check_brief, leech, run_for, seed_with, world_of};
use seedbed_engine::id::TorrentId;
use seedbed_engine::throttle::RateLimit;
use seedbed_engine::{Command, Limits, TorrentLimits};
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

#[test]
fn slots_of_all_torrents_and_of_one_can_be_changed_while_running() {
    let sample = Sample::single(400_000, 2_048, &["udp://127.0.0.9:6969/announce"]);
    let mut world = world_of(&sample);
    let mut config = small_config();
    // so that everybody wants something for all of the time
    config.rate_up = RateLimit::bytes(4_000);
    let seed = seed_with(&mut world, &sample, "seed", "127.0.0.2", config);
    run_for(&mut world, 2);
    for (n, name) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        leech(&mut world, &sample, name, &format!("127.0.0.{}", 10 + n));
    }
    let in_all = |slots| {
        Command::SetLimits(Limits {
            slots_in_all: Some(slots),
            ..Limits::default()
        })
    };
    let own = |slots| {
        let limits = TorrentLimits {
            slots: Some(slots),
            ..TorrentLimits::default()
        };
        Command::SetTorrentLimits(TorrentId(1), limits)
    };
    // the narrowest of the limits counts; nobody is choked in the first ten seconds after an unchoke
    for (command, slots) in [
        (in_all(1), 1),
        (in_all(4), 4),
        (own(2), 2),
        (own(5), 4),
        (in_all(3), 3),
    ] {
        world.command(seed, command);
        run_for(&mut world, 25);
        assert_eq!(unchoked(&world, seed), slots);
    }
}
