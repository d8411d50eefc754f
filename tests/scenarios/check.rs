//! A check that cannot read everything: it waits for storage, and does not take for wrong what it could not read.

use crate::swarm::{BLOCK, TORRENT, leech, run_for, seed, start, until_complete, world_of};
use seedbed_engine::disk::DiskFault;
use seedbed_engine::id::PieceIndex;
use seedbed_engine::priority::Priority;
use seedbed_engine::{Cause, Command, Purpose, Report, TorrentState};
use tests::world::{MemoryDisk, Sample, World, small_config};

const TRACKER: &[&str] = &["udp://127.0.0.9:6969/announce"];

const PIECES: u32 = 16;

fn sample() -> Sample {
    Sample::single(PIECES as usize * 512, 512, TRACKER)
}

/// An engine that begins with this disk.
fn begun(world: &mut World, sample: &Sample, disk: MemoryDisk, purpose: Purpose) -> usize {
    let node = world.node("eng", "127.0.0.3", small_config());
    world.nodes[node].disk = disk;
    start(world, sample, node, purpose);
    node
}

fn state(world: &World, node: usize) -> TorrentState {
    let torrent = world.nodes[node].engine.torrent(TORRENT).expect("it is there");
    torrent.state()
}

fn downloaded(world: &World, node: usize) -> u64 {
    let torrent = world.nodes[node].engine.torrent(TORRENT).expect("it is there");
    torrent.status(world.now).downloaded
}

/// Right, wrong and missing pieces of the last check.
fn checked(world: &World, node: usize) -> Option<(u32, usize, usize)> {
    let mut reports = world.nodes[node].reports.iter().rev();
    reports.find_map(|(_, report)| match report {
        Report::Checked {
            have, bad, missing, ..
        } => Some((*have, bad.len(), missing.len())),
        _ => None,
    })
}

/// How often its user was told that storage failed.
fn told(world: &World, node: usize) -> usize {
    let reports = world.nodes[node].reports.iter();
    reports
        .filter(|(_, report)| matches!(report, Report::DiskFailed { .. }))
        .count()
}

#[test]
fn a_check_waits_until_storage_can_be_read() {
    for purpose in [Purpose::Download, Purpose::Seed] {
        let sample = sample();
        let mut world = world_of(&sample);
        seed(&mut world, &sample, "seed", "127.0.0.2");
        run_for(&mut world, 2);
        let mut disk = sample.full_disk(BLOCK);
        disk.failing = Some(("hash", DiskFault::Io));
        let node = begun(&mut world, &sample, disk, purpose);
        // nothing at all can be read: longer than for a dead place
        run_for(&mut world, 600);
        let TorrentState::DiskFailed {
            retry_at: Some(at), ..
        } = state(&world, node)
        else {
            panic!("{:?}", state(&world, node));
        };
        assert!(at > world.now);
        let torrent = world.nodes[node].engine.torrent(TORRENT).expect("it is there");
        let waits = |cause: &Cause| {
            matches!(
                cause,
                Cause::Disk {
                    fault: DiskFault::Io,
                    retry_in: Some(_),
                    ..
                }
            )
        };
        assert!(torrent.why(world.now).iter().any(waits));
        assert_eq!(checked(&world, node), None);
        world.nodes[node].disk.failing = None;
        until_complete(&mut world, node, 35);
        assert_eq!(checked(&world, node), Some((PIECES, 0, 0)));
        assert_eq!(downloaded(&world, node), 0);
    }
}

#[test]
fn a_dead_place_of_the_medium_is_fetched_again() {
    let sample = sample();
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let mut disk = sample.full_disk(BLOCK);
    disk.dead = [3, 7, 11].map(PieceIndex).into();
    let node = begun(&mut world, &sample, disk, Purpose::Download);
    until_complete(&mut world, node, 4 * 30 + 10);
    assert_eq!(checked(&world, node), Some((PIECES - 3, 3, 0)));
    assert_eq!(downloaded(&world, node), 3 * 512);
    // once for each time that it waits, however many pieces there are
    assert_eq!(told(&world, node), 4);
    assert!(sample.is_on(&world.nodes[node].disk));
}

#[test]
fn a_paused_check_does_not_try_again_and_goes_on_at_once_when_it_is_told_to() {
    let sample = sample();
    let mut world = world_of(&sample);
    let mut disk = sample.full_disk(BLOCK);
    disk.dead = [PieceIndex(3)].into();
    let node = begun(&mut world, &sample, disk, Purpose::Seed);
    run_for(&mut world, 1);
    world.command(node, Command::Pause(TORRENT));
    world.nodes[node].disk.dead.clear();
    run_for(&mut world, 300);
    assert_eq!(checked(&world, node), None);
    world.command(node, Command::Resume(TORRENT));
    run_for(&mut world, 1);
    assert_eq!(checked(&world, node), Some((PIECES, 0, 0)));
}

#[test]
fn a_dead_place_among_pieces_that_are_believed_is_fetched_again() {
    let sample = Sample::multi(&[2_048, 2_048], 512, TRACKER);
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let first = leech(&mut world, &sample, "first", "127.0.0.4");
    until_complete(&mut world, first, 60);
    world.command(first, Command::Shutdown);
    run_for(&mut world, 5);
    let mut disk = world.nodes[first].disk.clone();
    let last = disk.files.keys().last().expect("two files").clone();
    // somebody touched it, so that all of it is doubted, and none of it can be read
    disk.tamper(&last, |_| {});
    disk.dead = [4, 5, 6, 7].map(PieceIndex).into();
    let node = begun(&mut world, &sample, disk, Purpose::Download);
    until_complete(&mut world, node, 4 * 30 + 10);
    assert_eq!(checked(&world, node), Some((4, 4, 0)));
}

#[test]
fn tries_that_the_user_asks_for_do_not_count() {
    let sample = sample();
    let mut world = world_of(&sample);
    let mut disk = sample.full_disk(BLOCK);
    disk.dead = [PieceIndex(3)].into();
    let node = begun(&mut world, &sample, disk, Purpose::Seed);
    for _ in 0..20 {
        run_for(&mut world, 1);
        world.command(node, Command::Resume(TORRENT));
    }
    assert_eq!(checked(&world, node), None);
    world.nodes[node].disk.dead.clear();
    run_for(&mut world, 35);
    assert_eq!(checked(&world, node), Some((PIECES, 0, 0)));
}

#[test]
fn a_check_that_waits_begins_anew_when_the_user_wants_that() {
    let sample = sample();
    let mut world = world_of(&sample);
    let mut disk = sample.full_disk(BLOCK);
    disk.dead = [PieceIndex(3)].into();
    let node = begun(&mut world, &sample, disk, Purpose::Seed);
    run_for(&mut world, 5);
    let hashed = world.nodes[node].disk.jobs["hash"];
    world.nodes[node].disk.dead.clear();
    world.command(node, Command::Recheck(TORRENT));
    run_for(&mut world, 1);
    assert_eq!(checked(&world, node), Some((PIECES, 0, 0)));
    assert_eq!(world.nodes[node].disk.jobs["hash"], hashed + PIECES);
}

#[test]
fn a_peer_that_came_before_storage_could_be_opened_is_served() {
    let sample = sample();
    let mut world = world_of(&sample);
    let mut disk = sample.full_disk(BLOCK);
    disk.failing = Some(("open", DiskFault::Io));
    let node = begun(&mut world, &sample, disk, Purpose::Seed);
    run_for(&mut world, 2);
    let leech = leech(&mut world, &sample, "leech", "127.0.0.4");
    run_for(&mut world, 10);
    world.nodes[node].disk.failing = None;
    until_complete(&mut world, leech, 60);
}

#[test]
fn who_asks_only_for_a_check_is_told_at_once() {
    let sample = sample();
    let mut world = world_of(&sample);
    let mut disk = sample.full_disk(BLOCK);
    disk.dead = [PieceIndex(3)].into();
    let node = begun(&mut world, &sample, disk, Purpose::Check);
    run_for(&mut world, 1);
    assert_eq!(checked(&world, node), Some((PIECES - 1, 1, 0)));
}

#[test]
fn a_torrent_that_stops_while_its_check_waits_leaves_its_saved_state_alone() {
    let sample = sample();
    let mut world = world_of(&sample);
    let mut disk = sample.full_disk(BLOCK);
    disk.dead = [PieceIndex(3)].into();
    disk.resume = Some(b"of another version".to_vec());
    let node = begun(&mut world, &sample, disk.clone(), Purpose::Seed);
    run_for(&mut world, 5);
    world.command(node, Command::Shutdown);
    run_for(&mut world, 5);
    assert!(world.nodes[node].engine.torrent(TORRENT).is_none());
    assert_eq!(world.nodes[node].disk.resume, disk.resume);
}

#[test]
fn files_that_could_not_be_placed_are_looked_at_again() {
    let sample = Sample::multi(&[1_000, 1_000, 1_000], 256, TRACKER);
    let priorities = vec![Priority::Skip, Priority::Normal, Priority::Skip];
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let first = leech(&mut world, &sample, "first", "127.0.0.4");
    world.command(first, Command::SetPriorities(TORRENT, priorities.clone()));
    until_wanted(&mut world, first);
    let mut disk = world.nodes[first].disk.clone();
    assert!(disk.files.keys().any(|path| path.ends_with(".parts")));
    // a kill: nothing was saved. And the parts cannot be opened at first
    disk.resume = None;
    disk.failing = Some(("arrange", DiskFault::Io));
    let node = world.node("eng", "127.0.0.3", small_config());
    world.nodes[node].disk = disk;
    let mut add = World::add_torrent(&sample.metainfo, Purpose::Download);
    add.priorities = priorities;
    world.command(node, Command::Add(Box::new(add)));
    run_for(&mut world, 10);
    assert!(matches!(state(&world, node), TorrentState::DiskFailed { .. }));
    world.nodes[node].disk.failing = None;
    until_wanted(&mut world, node);
    assert_eq!(downloaded(&world, node), 0);
}

/// Until everything that is wanted is here.
fn until_wanted(world: &mut World, node: usize) {
    let limit = world.now + core::time::Duration::from_secs(60);
    let completed = |report: &Report| matches!(report, Report::Completed { .. });
    let done = world.run_until(limit, |world| world.reported(node, completed));
    assert!(done, "{:?}", state(world, node));
}
