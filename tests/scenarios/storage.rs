//! Storage that fails or holds something else.

use crate::swarm::{check_timeline, leech, run_for, seed, start, until_complete, world_of};
use seedbed_engine::disk::DiskFault;
use seedbed_engine::id::TorrentId;
use seedbed_engine::{Command, Purpose, Report, TorrentState};
use tests::world::{Sample, World, small_config};

const TRACKER: &[&str] = &["udp://127.0.0.9:6969/announce"];

fn state(world: &World, node: usize) -> TorrentState {
    world.nodes[node]
        .engine
        .torrent(TorrentId(1))
        .expect("it is there")
        .state()
}

#[test]
fn a_full_disk_stops_the_download_and_space_lets_it_go_on() {
    let sample = Sample::single(8_000, 512, TRACKER);
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    world.run_until(crate::swarm::at(10), |world| {
        world.reported(node, |report| matches!(report, Report::PieceVerified { .. }))
    });
    world.nodes[node].disk.fault = Some(DiskFault::Full);
    run_for(&mut world, 100);
    assert!(
        matches!(state(&world, node), TorrentState::DiskFailed { .. }),
        "{:?}",
        state(&world, node)
    );
    world.nodes[node].disk.fault = None;
    until_complete(&mut world, node, 60);
    assert!(sample.is_on(&world.nodes[node].disk));
    check_timeline(&world, node, "full-disk");
}

#[test]
fn a_longer_file_of_the_same_name_is_left_as_it_is() {
    let sample = Sample::single(1_000, 256, TRACKER);
    let mut world = world_of(&sample);
    let node = world.node("eng", "127.0.0.3", small_config());
    world.nodes[node].disk = sample.empty_disk(64);
    world.nodes[node]
        .disk
        .files
        .insert("sample".into(), vec![1; 1_001]);
    start(&mut world, &sample, node, Purpose::Download);
    run_for(&mut world, 5);
    assert!(matches!(state(&world, node), TorrentState::Failed { .. }));
    assert_eq!(world.nodes[node].disk.files["sample"], vec![1; 1_001]);
    assert_eq!(world.nodes[node].disk.jobs.get("prepare"), None);
}

#[test]
fn a_foreign_file_is_written_over_only_when_told_so() {
    let sample = Sample::single(1_000, 256, TRACKER);
    for overwrite in [false, true] {
        let mut world = world_of(&sample);
        seed(&mut world, &sample, "seed", "127.0.0.2");
        run_for(&mut world, 2);
        let node = world.node("eng", "127.0.0.3", small_config());
        world.nodes[node].disk = sample.empty_disk(64);
        world.nodes[node]
            .disk
            .files
            .insert("sample".into(), vec![1; 1_000]);
        let mut add = World::add_torrent(&sample.metainfo, Purpose::Download);
        add.overwrite = overwrite;
        world.command(node, Command::Add(Box::new(add)));
        run_for(&mut world, 30);
        assert_eq!(sample.is_on(&world.nodes[node].disk), overwrite);
        if !overwrite {
            let TorrentState::Failed { text } = state(&world, node) else {
                panic!()
            };
            assert!(text.contains("--overwrite"), "{text}");
            assert_eq!(world.nodes[node].disk.files["sample"], vec![1; 1_000]);
        }
    }
}

#[test]
fn a_file_that_goes_away_under_a_seed_is_not_served() {
    let sample = Sample::single(1_000, 256, TRACKER);
    let mut world = world_of(&sample);
    let seed = seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    world.nodes[seed].disk.files.clear();
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    run_for(&mut world, 300);
    assert!(!world.is_complete(node));
    assert!(world.reported(seed, |report| matches!(report, Report::DiskFailed { .. })));
}

#[test]
fn a_check_tells_good_bad_and_missing_pieces_and_contacts_nobody() {
    let sample = Sample::multi(&[512, 512, 512], 256, TRACKER);
    let mut world = world_of(&sample);
    let node = world.node("eng", "127.0.0.3", small_config());
    let mut disk = sample.full_disk(64);
    let paths: Vec<_> = sample
        .metainfo
        .layout
        .files()
        .iter()
        .map(|file| file.path.clone())
        .collect();
    disk.files.get_mut(&paths[0]).expect("it is there")[0] ^= 1;
    disk.files.remove(&paths[2]);
    world.nodes[node].disk = disk;
    start(&mut world, &sample, node, Purpose::Check);
    run_for(&mut world, 5);
    let found = world.nodes[node]
        .reports
        .iter()
        .find_map(|(_, report)| match report {
            Report::Checked {
                have, bad, missing, ..
            } => Some((
                *have,
                bad.iter().map(|p| p.0).collect::<Vec<_>>(),
                missing.iter().map(|p| p.0).collect(),
            )),
            _ => None,
        });
    assert_eq!(found, Some((3, vec![0], vec![4, 5])));
    assert!(world.datagrams.is_empty());
    assert!(
        world.nodes[node].engine.torrent(TorrentId(1)).is_none(),
        "it is gone when it is done"
    );
}
