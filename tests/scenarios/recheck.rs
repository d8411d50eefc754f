//! Looking at the disk again: on the user's word, after a problem that the user solved, after storage that was away.

use crate::swarm::{BLOCK, TORRENT, leech, run_for, seed, start, until_complete, world_of};
use core::net::SocketAddr;
use seedbed_engine::disk::DiskFault;
use seedbed_engine::{Command, Purpose, Report, TorrentState};
use tests::world::{Sample, World, small_config};

const TRACKER: &[&str] = &["udp://127.0.0.9:6969/announce"];

fn have(world: &World, node: usize) -> u32 {
    let torrent = world.nodes[node].engine.torrent(TORRENT).expect("it is there");
    torrent.have().count()
}

fn downloaded(world: &World, node: usize) -> u64 {
    let torrent = world.nodes[node].engine.torrent(TORRENT).expect("it is there");
    torrent.status(world.now).downloaded
}

fn banned(world: &World, node: usize) -> bool {
    world.reported(node, |report| matches!(report, Report::Banned { .. }))
}

/// A seed and a leech that has some pieces and some halves.
fn half_way(sample: &Sample) -> (World, usize, usize) {
    let mut world = world_of(sample);
    let seed = seed(&mut world, sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let node = leech(&mut world, sample, "eng", "127.0.0.3");
    let some = world.run_until(crate::swarm::at(60), |world| downloaded(world, node) > 3_000);
    assert!(some && !world.is_complete(node));
    (world, seed, node)
}

#[test]
fn files_that_are_gone_at_a_recheck_are_blamed_on_nobody() {
    let sample = Sample::single(20_000, 2_048, TRACKER);
    let (mut world, _, node) = half_way(&sample);
    world.nodes[node].disk.files.clear();
    world.command(node, Command::Recheck(TORRENT));
    run_for(&mut world, 1);
    until_complete(&mut world, node, 300);
    assert!(sample.is_on(&world.nodes[node].disk));
    assert!(!banned(&world, node));
    assert!(!world.reported(node, |report| matches!(report, Report::PieceFailed { .. })));
}

#[test]
fn a_recheck_does_not_write_over_a_file_that_was_refused() {
    let sample = Sample::single(1_000, 256, TRACKER);
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let node = world.node("eng", "127.0.0.3", small_config());
    world.nodes[node].disk = sample.empty_disk(BLOCK);
    let theirs = vec![1; 1_000];
    world.nodes[node]
        .disk
        .files
        .insert("sample".into(), theirs.clone());
    start(&mut world, &sample, node, Purpose::Download);
    run_for(&mut world, 5);
    world.command(node, Command::Recheck(TORRENT));
    run_for(&mut world, 60);
    assert_eq!(world.nodes[node].disk.files["sample"], theirs);
}

#[test]
fn a_recheck_may_write_over_files_of_our_own() {
    let sample = Sample::single(1_000, 256, TRACKER);
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    until_complete(&mut world, node, 60);
    world.nodes[node].disk.tamper("sample", |bytes| bytes.fill(0));
    world.command(node, Command::Recheck(TORRENT));
    run_for(&mut world, 1);
    until_complete(&mut world, node, 300);
    assert!(sample.is_on(&world.nodes[node].disk));
}

#[test]
fn a_recheck_that_cannot_open_the_files_fetches_nothing_again() {
    let sample = Sample::single(8_000, 256, TRACKER);
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    until_complete(&mut world, node, 60);
    world.nodes[node].disk.failing = Some(("open", DiskFault::Io));
    world.command(node, Command::Recheck(TORRENT));
    run_for(&mut world, 100);
    world.nodes[node].disk.failing = None;
    until_complete(&mut world, node, 100);
    assert_eq!(downloaded(&world, node), 8_000);
}

#[test]
fn what_is_gone_when_the_user_says_go_on_is_not_had() {
    let sample = Sample::multi(&[1_024, 1_024], 256, TRACKER);
    let mut world = world_of(&sample);
    let node = world.node("eng", "127.0.0.3", small_config());
    world.nodes[node].disk = sample.full_disk(BLOCK);
    let paths: Vec<_> = world.nodes[node].disk.files.keys().cloned().collect();
    world.nodes[node].disk.tamper(&paths[1], |bytes| {
        bytes[0] ^= 1;
        bytes.push(0);
    });
    start(&mut world, &sample, node, Purpose::Download);
    run_for(&mut world, 2);
    let torrent = world.nodes[node].engine.torrent(TORRENT).expect("it is there");
    assert!(matches!(torrent.state(), TorrentState::Failed { .. }));
    assert!(torrent.have().count() >= 4);
    // the user moves everything away
    world.nodes[node].disk.files.clear();
    world.command(node, Command::Resume(TORRENT));
    run_for(&mut world, 5);
    assert_eq!(have(&world, node), 0);
}

#[test]
fn storage_that_is_away_for_a_while_loses_nothing() {
    let sample = Sample::single(20_000, 512, TRACKER);
    let (mut world, seed, node) = half_way(&sample);
    world.nodes[seed].disk.fault = Some(DiskFault::Io);
    run_for(&mut world, 100);
    assert!(!world.is_complete(node));
    world.nodes[seed].disk.fault = None;
    until_complete(&mut world, node, 300);
    assert_eq!(have(&world, seed), 40, "nothing was forgotten");
}

#[test]
fn a_piece_that_can_no_longer_be_read_is_fetched_again() {
    let sample = Sample::single(4_000, 512, TRACKER);
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    until_complete(&mut world, node, 60);
    world.nodes[node].disk.files.clear();
    // a third one asks for what is not there any more
    let third = leech(&mut world, &sample, "third", "127.0.0.4");
    until_complete(&mut world, third, 2_000);
    assert!(world.reported(node, |report| matches!(report, Report::DiskFailed { .. })));
}

#[test]
fn a_state_that_cannot_be_saved_does_not_stop_the_download() {
    let sample = Sample::single(20_000, 512, TRACKER);
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let node = world.node("eng", "127.0.0.3", small_config());
    world.nodes[node].disk = sample.empty_disk(BLOCK);
    world.nodes[node].disk.failing = Some(("save", DiskFault::Denied));
    start(&mut world, &sample, node, Purpose::Download);
    until_complete(&mut world, node, 20);
    run_for(&mut world, 60);
    let told = world.nodes[node].reports.iter();
    let told = told.filter(|(_, report)| matches!(report, Report::DiskFailed { .. }));
    assert_eq!(told.count(), 1, "the user is told once");
    world.nodes[node].disk.failing = None;
    run_for(&mut world, 20);
    assert!(world.nodes[node].disk.resume.is_some());
}

#[test]
fn two_seeds_do_not_dial_each_other_again_and_again() {
    let sample = Sample::single(4_000, 512, TRACKER);
    let mut world = world_of(&sample);
    let first = seed(&mut world, &sample, "seed", "127.0.0.2");
    let other = seed(&mut world, &sample, "other", "127.0.0.4");
    let there: SocketAddr = "127.0.0.4:6881".parse().expect("an address");
    world.command(first, Command::AddPeer(TORRENT, there));
    run_for(&mut world, 1_500);
    let met = world.nodes[other].reports.iter();
    let met = met.filter(|(_, report)| matches!(report, Report::PeerConnected { .. }));
    assert!(met.count() <= 2);
}
