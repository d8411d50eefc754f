//! Storage that fails or holds something else.

use crate::swarm::{TORRENT, check_timeline, leech, run_for, seed, start, until_complete, world_of};
use seedbed_engine::disk::DiskFault;
use seedbed_engine::id::TorrentId;
use seedbed_engine::priority::Priority;
use seedbed_engine::{Command, Purpose, Report, TorrentState};
use tests::world::{MemoryDisk, Sample, World, small_config};

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

/// A leech that was killed when it had some pieces, and its disk.
fn half_done(sample: &Sample) -> MemoryDisk {
    let mut world = world_of(sample);
    seed(&mut world, sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let node = leech(&mut world, sample, "eng", "127.0.0.3");
    world.run_until(crate::swarm::at(100), |world| have(world, node) >= 8);
    world.command(node, Command::Pause(TorrentId(1)));
    run_for(&mut world, 2);
    assert!(have(&world, node) < sample.metainfo.pieces() && world.nodes[node].disk.resume.is_some());
    world.nodes[node].disk.clone()
}

fn have(world: &World, node: usize) -> u32 {
    let torrent = world.nodes[node].engine.torrent(TorrentId(1));
    torrent.map_or(0, |torrent| torrent.have().count())
}

fn is_missing(world: &World, node: usize) -> bool {
    matches!(state(world, node), TorrentState::DiskFailed { error, .. } if error.fault == DiskFault::Missing)
}

/// An unmounted drive: the folder is there and empty.
#[test]
fn a_download_whose_files_are_gone_at_the_start_waits_for_them() {
    let sample = Sample::multi(&[4_000, 4_000], 512, TRACKER);
    let mut disk = half_done(&sample);
    let files = std::mem::take(&mut disk.files);
    disk.jobs.clear();
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let node = world.node("eng", "127.0.0.3", small_config());
    world.nodes[node].disk = disk;
    start(&mut world, &sample, node, Purpose::Download);
    run_for(&mut world, 100);
    assert!(is_missing(&world, node), "{:?}", state(&world, node));
    assert_eq!(world.nodes[node].disk.jobs.get("prepare"), None);
    assert_eq!(
        world.nodes[node].disk.jobs.get("save"),
        None,
        "what was saved stays"
    );
    assert!(world.nodes[node].disk.jobs["open"] > 1, "it is looked for");
    check_timeline(&world, node, "storage-missing");

    world.nodes[node].disk.files = files;
    until_complete(&mut world, node, 100);
    assert!(sample.is_on(&world.nodes[node].disk));
    let downloaded = world.nodes[node]
        .engine
        .torrent(TorrentId(1))
        .map(|torrent| torrent.status(world.now).downloaded);
    assert!(
        downloaded <= Some(8_000 - 8 * 512),
        "{downloaded:?} bytes of 8,000 were fetched"
    );
}

#[test]
fn a_download_whose_files_are_gone_begins_anew_when_told_so() {
    let sample = Sample::multi(&[4_000, 4_000], 512, TRACKER);
    let mut disk = half_done(&sample);
    disk.files.clear();
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let node = world.node("eng", "127.0.0.3", small_config());
    world.nodes[node].disk = disk;
    let mut add = World::add_torrent(&sample.metainfo, Purpose::Download);
    add.overwrite = true;
    world.command(node, Command::Add(Box::new(add)));
    until_complete(&mut world, node, 100);
    assert!(sample.is_on(&world.nodes[node].disk));
}

#[test]
fn storage_that_goes_away_in_the_middle_is_not_made_anew() {
    let sample = Sample::multi(&[4_000, 4_000], 512, TRACKER);
    for comes_back in [true, false] {
        let mut world = world_of(&sample);
        seed(&mut world, &sample, "seed", "127.0.0.2");
        run_for(&mut world, 2);
        let node = leech(&mut world, &sample, "eng", "127.0.0.3");
        world.run_until(crate::swarm::at(100), |world| have(world, node) >= 8);
        let prepared = world.nodes[node].disk.jobs["prepare"];
        world.nodes[node].disk.take_away();
        run_for(&mut world, 150);
        assert!(is_missing(&world, node), "{:?}", state(&world, node));
        assert_eq!(have(&world, node), 0, "nothing is offered that is not there");
        if comes_back {
            world.nodes[node].disk.give_back();
            until_complete(&mut world, node, 100);
            assert!(sample.is_on(&world.nodes[node].disk));
        } else {
            assert_eq!(world.nodes[node].disk.jobs["prepare"], prepared);
        }
    }
}

/// Somebody puts a link to another folder in the place of ours, in which files have the same names.
#[test]
fn a_folder_of_others_in_the_place_of_ours_is_left_as_it_is() {
    let sample = Sample::multi(&[4_000, 4_000], 512, TRACKER);
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    world.run_until(crate::swarm::at(100), |world| have(world, node) >= 8);
    let prepared = world.nodes[node].disk.jobs["prepare"];
    let disk = &mut world.nodes[node].disk;
    disk.take_away();
    let path = sample.metainfo.layout.files()[0].path.clone();
    disk.files.insert(path, vec![1; 8]);
    run_for(&mut world, 150);
    assert!(is_missing(&world, node), "{:?}", state(&world, node));
    assert_eq!(
        world.nodes[node].disk.jobs["prepare"], prepared,
        "nothing is made in it"
    );
    world.nodes[node].disk.give_back();
    until_complete(&mut world, node, 100);
    assert!(sample.is_on(&world.nodes[node].disk));
}

/// The user wants one file, and all of them again a moment later: after whichever step that is, every file is whole when the
/// download is.
#[test]
fn what_is_wanted_again_at_any_moment_gets_all_of_its_bytes() {
    let sample = Sample::multi(&[700, 700, 700, 700], 256, TRACKER);
    let one = [Priority::Skip, Priority::Normal, Priority::Skip, Priority::Skip];
    for steps in 0..40 {
        let mut world = world_of(&sample);
        seed(&mut world, &sample, "seed", "127.0.0.2");
        let node = leech(&mut world, &sample, "leech", "127.0.0.3");
        world.command(node, Command::SetPriorities(TORRENT, one.to_vec()));
        for _ in 0..steps {
            world.step();
        }
        world.command(node, Command::SetPriorities(TORRENT, vec![Priority::Normal; 4]));
        until_complete(&mut world, node, 60);
        for (path, bytes) in &sample.full_disk(256).files {
            let there = world.nodes[node].disk.files.get(path);
            assert!(
                there == Some(bytes),
                "wanted again after {steps} steps, {path} is not whole"
            );
        }
    }
}
