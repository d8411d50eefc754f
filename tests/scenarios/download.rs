//! A download from beginning to end.

use crate::swarm::{check_timeline, leech, run_for, seed, until_complete, world_of};
use tests::world::Sample;

fn check(sample: &Sample, name: &str) {
    let mut world = world_of(sample);
    seed(&mut world, sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let leech = leech(&mut world, sample, "eng", "127.0.0.3");
    until_complete(&mut world, leech, 120);
    assert!(sample.is_on(&world.nodes[leech].disk));
    check_timeline(&world, leech, name);
}

#[test]
fn a_small_download_over_a_udp_tracker() {
    check(
        &Sample::single(1_000, 256, &["udp://127.0.0.9:6969/announce"]),
        "small-download-udp",
    );
}

#[test]
fn a_small_download_over_an_http_tracker() {
    let lengths = [300, 0, 1, 499, 0, 700];
    check(
        &Sample::multi(&lengths, 256, &["http://127.0.0.9:6969/announce"]),
        "small-download-http",
    );
}

#[test]
fn many_leeches_complete_each_other() {
    let sample = Sample::single(200_000, 512, &["udp://127.0.0.9:6969/announce"]);
    let mut world = world_of(&sample);
    let seed = seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let names = ["a", "b", "c", "d", "e"];
    let leeches: Vec<_> = (0..names.len())
        .map(|n| leech(&mut world, &sample, names[n], &format!("127.0.0.{}", 10 + n)))
        .collect();
    for leech in &leeches {
        until_complete(&mut world, *leech, 300);
        assert!(sample.is_on(&world.nodes[*leech].disk));
    }
    let uploaded = |node: usize| {
        let torrent = world.nodes[node]
            .engine
            .torrent(crate::swarm::TORRENT)
            .expect("it is there");
        torrent.status(world.now).uploaded
    };
    assert!(uploaded(seed) < 5 * 200_000, "the leeches served each other");
    let all: u64 = uploaded(seed) + leeches.iter().map(|leech| uploaded(*leech)).sum::<u64>();
    assert!(all >= 5 * 200_000);
}
