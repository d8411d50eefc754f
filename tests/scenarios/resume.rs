//! Going on after an end, clean or not: nothing verified is fetched again, nothing doubtful is trusted.

use crate::swarm::{BLOCK, TORRENT, leech, run_for, seed, start, until_complete, world_of};
use seedbed_engine::{Command, Purpose, Report};
use tests::world::{MemoryDisk, Sample, World, small_config};

const TRACKER: &[&str] = &["udp://127.0.0.9:6969/announce"];

fn sample() -> Sample {
    Sample::multi(&[4_000, 0, 3_000, 9_000], 512, TRACKER)
}

/// A leech that was stopped, or killed, when it had some of the pieces; its disk.
fn half_done(sample: &Sample, clean: bool) -> (MemoryDisk, u32) {
    let mut world = world_of(sample);
    seed(&mut world, sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let node = leech(&mut world, sample, "eng", "127.0.0.3");
    let some = world.run_until(crate::swarm::at(100), |world| {
        let torrent = world.nodes[node].engine.torrent(TORRENT).expect("it is there");
        torrent.have().count() >= 10
    });
    assert!(some);
    if clean {
        world.command(node, Command::Shutdown);
        run_for(&mut world, 10);
    }
    let have = world.nodes[node]
        .reports
        .iter()
        .rev()
        .find_map(|(_, report)| match report {
            Report::PieceVerified { have, .. } => Some(*have),
            _ => None,
        });
    (world.nodes[node].disk.clone(), have.expect("some were verified"))
}

/// A world in which a node goes on with this disk.
fn goes_on(sample: &Sample, mut disk: MemoryDisk) -> (World, usize) {
    let mut world = world_of(sample);
    seed(&mut world, sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let node = world.node("eng", "127.0.0.3", small_config());
    disk.jobs.clear();
    world.nodes[node].disk = disk;
    start(&mut world, sample, node, Purpose::Download);
    until_complete(&mut world, node, 200);
    assert!(sample.is_on(&world.nodes[node].disk));
    (world, node)
}

fn downloaded(world: &World, node: usize) -> u64 {
    world.nodes[node]
        .engine
        .torrent(TORRENT)
        .expect("it is there")
        .status(world.now)
        .downloaded
}

fn checked(world: &World, node: usize) -> (u32, usize, usize) {
    let found = world.nodes[node]
        .reports
        .iter()
        .find_map(|(_, report)| match report {
            Report::Checked {
                have, bad, missing, ..
            } => Some((*have, bad.len(), missing.len())),
            _ => None,
        });
    found.expect("it was checked")
}

#[test]
fn after_a_clean_end_nothing_is_fetched_twice() {
    let sample = sample();
    let (disk, have) = half_done(&sample, true);
    let (world, node) = goes_on(&sample, disk);
    assert_eq!(checked(&world, node).0, have);
    assert!(downloaded(&world, node) <= 16_000 - u64::from(have) * 512 + 512);
}

#[test]
fn after_a_kill_what_is_on_the_disk_is_found_by_hashing() {
    let sample = sample();
    let (disk, have) = half_done(&sample, false);
    let (world, node) = goes_on(&sample, disk);
    assert!(checked(&world, node).0 >= have);
    assert!(downloaded(&world, node) <= 16_000 - u64::from(have) * 512 + 512);
}

#[test]
fn a_file_that_changed_after_a_clean_end_is_hashed() {
    let sample = sample();
    let (mut disk, _) = half_done(&sample, true);
    let path = sample.metainfo.layout.files()[3].path.clone();
    let file = disk.files.get_mut(&path).expect("it is there");
    // one byte more changes the length, so the stamp; and one byte is wrong
    file.push(0);
    file.truncate(9_000);
    let _ = file.pop();
    if let Some(byte) = file.get_mut(100) {
        *byte ^= 1;
    }
    let (world, node) = goes_on(&sample, disk);
    assert!(world.nodes[node].disk.jobs["hash"] > 0);
}

#[test]
fn a_whole_file_that_others_changed_after_a_kill_is_hashed() {
    let sample = sample();
    let mut world = world_of(&sample);
    let node = world.node("eng", "127.0.0.3", small_config());
    let paths: Vec<_> = sample
        .metainfo
        .layout
        .files()
        .iter()
        .map(|file| file.path.clone())
        .collect();
    // the first file is missing and the last one whole; the state is saved while it runs, then the program is killed
    let mut disk = sample.full_disk(BLOCK);
    disk.files.remove(&paths[0]);
    world.nodes[node].disk = disk;
    start(&mut world, &sample, node, Purpose::Download);
    run_for(&mut world, 5);
    let mut disk = world.nodes[node].disk.clone();
    disk.tamper(&paths[3], |bytes| bytes[5_000] ^= 1);
    goes_on(&sample, disk);
}

#[test]
fn a_file_that_is_older_than_when_it_was_saved_is_hashed() {
    let sample = sample();
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    let some = |world: &World| {
        let torrent = world.nodes[node].engine.torrent(TORRENT).expect("it is there");
        torrent.have().count() >= 25
    };
    assert!(world.run_until(crate::swarm::at(100), some) && !world.is_complete(node));
    // a pause saves the state; then the program is killed, and somebody puts an old copy in the place of a file
    world.command(node, Command::Pause(TORRENT));
    run_for(&mut world, 2);
    let mut disk = world.nodes[node].disk.clone();
    let path = sample.metainfo.layout.files()[3].path.clone();
    disk.put_back(&path, vec![0; 9_000]);
    goes_on(&sample, disk);
}

#[test]
fn a_complete_torrent_is_not_hashed_again() {
    let sample = sample();
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    until_complete(&mut world, node, 200);
    world.command(node, Command::Shutdown);
    run_for(&mut world, 10);
    let disk = world.nodes[node].disk.clone();
    let (world, node) = goes_on(&sample, disk);
    assert_eq!(world.nodes[node].disk.jobs.get("hash"), None);
    assert_eq!(downloaded(&world, node), 0);
}

#[test]
fn a_saved_state_that_cannot_be_read_is_not_trusted() {
    let sample = sample();
    let (mut disk, have) = half_done(&sample, true);
    disk.resume = Some(b"garbage".to_vec());
    let (world, node) = goes_on(&sample, disk);
    assert_eq!(checked(&world, node).0, have);
    assert!(world.nodes[node].disk.jobs["hash"] >= have);
    assert!(world.reported(node, |report| matches!(report, Report::Note { .. })));
}

#[test]
fn a_recheck_finds_what_went_bad() {
    let sample = sample();
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    until_complete(&mut world, node, 200);
    let path = sample.metainfo.layout.files()[0].path.clone();
    world.nodes[node].disk.files.get_mut(&path).expect("it is there")[0] ^= 1;
    world.command(node, Command::Recheck(TORRENT));
    run_for(&mut world, 1);
    until_complete(&mut world, node, 200);
    assert!(sample.is_on(&world.nodes[node].disk));
    assert_eq!(BLOCK, 64);
}
