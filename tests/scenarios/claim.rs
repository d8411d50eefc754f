//! Whose the files are that a process finds: those that another made, or was about to make when it died, are ours.

use crate::swarm::{BLOCK, TORRENT, run_for, seed, world_of};
use seedbed_engine::disk::DiskFault;
use seedbed_engine::priority::Priority::{self, Normal, Skip};
use seedbed_engine::{Command, Purpose, TorrentState};
use tests::world::{MemoryDisk, Sample, Timeline, World, small_config};

const TRACKER: &[&str] = &["udp://127.0.0.9:6969/announce"];

const FILE_2: &str = "sample/folder/file-2";
const NOT_2: [Priority; 4] = [Normal, Normal, Skip, Normal];
const ALL: [Priority; 4] = [Normal; 4];

/// The second file is empty; the third shares pieces with its neighbours.
fn sample() -> Sample {
    Sample::multi(&[4_000, 0, 3_000, 9_000], 512, TRACKER)
}

fn parts(sample: &Sample) -> String {
    format!("sample/.{}.parts", sample.metainfo.info_hash)
}

/// A world with a seed, in which a download of some of the files begins.
fn begin(sample: &Sample, disk: MemoryDisk, priorities: [Priority; 4]) -> (World, usize) {
    let mut world = world_of(sample);
    seed(&mut world, sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let node = world.node("eng", "127.0.0.3", small_config());
    world.nodes[node].disk = disk;
    world.nodes[node].disk.jobs.clear();
    let mut add = World::add_torrent(&sample.metainfo, Purpose::Download);
    add.priorities = priorities.to_vec();
    world.command(node, Command::Add(Box::new(add)));
    (world, node)
}

/// The same, after so many seconds.
fn download(sample: &Sample, disk: MemoryDisk, priorities: [Priority; 4], seconds: u64) -> (World, usize) {
    let (mut world, node) = begin(sample, disk, priorities);
    run_for(&mut world, seconds);
    (world, node)
}

/// What a process leaves behind that died while it made the files: the state that it began with, and those files.
fn died_making(
    sample: &Sample,
    mut disk: MemoryDisk,
    priorities: [Priority; 4],
    made: &[&str],
) -> MemoryDisk {
    disk.failing = Some(("prepare", DiskFault::Full));
    let (mut world, node) = begin(sample, disk, priorities);
    let limit = world.now + core::time::Duration::from_secs(5);
    assert!(world.run_until(limit, |world| world.nodes[node].disk.jobs.contains_key("save")));
    let mut disk = std::mem::take(&mut world.nodes[node].disk);
    disk.failing = None;
    for file in sample.metainfo.layout.files() {
        if made.iter().any(|name| file.path.ends_with(name)) {
            let length = usize::try_from(file.length).expect("small");
            disk.files.entry(file.path.clone()).or_default().resize(length, 0);
        }
    }
    if made.contains(&"parts") {
        disk.files.entry(parts(sample)).or_default();
    }
    disk
}

/// What a download without the third file leaves behind.
fn ended_without_2(sample: &Sample) -> MemoryDisk {
    let (mut world, node) = download(sample, sample.empty_disk(BLOCK), NOT_2, 30);
    world.command(node, Command::Shutdown);
    run_for(&mut world, 5);
    std::mem::take(&mut world.nodes[node].disk)
}

/// Expects the files of the sample, without some, and nothing else but parts.
fn check_files(sample: &Sample, world: &World, node: usize, without: &[&str], others: &[(&str, Vec<u8>)]) {
    let mut expected = sample.full_disk(BLOCK).files;
    expected.retain(|path, _| !without.contains(&path.as_str()));
    expected.extend(
        others
            .iter()
            .map(|(path, bytes)| ((*path).to_owned(), bytes.clone())),
    );
    let mut files = world.nodes[node].disk.files.clone();
    files.remove(&parts(sample));
    assert!(files == expected, "{}", Timeline::of(world, node));
}

fn is_refused(world: &World, node: usize) -> bool {
    let torrent = world.nodes[node].engine.torrent(TORRENT).expect("it is there");
    matches!(torrent.state(), TorrentState::Failed { text } if text.contains("--overwrite"))
}

#[test]
fn files_made_by_a_run_that_died_before_it_saved_what_it_had_are_ours() {
    let sample = sample();
    let all = ["file-0", "file-1", "file-3", "parts"];
    for made in [&all[..], &all[..2], &[]] {
        let disk = died_making(&sample, sample.empty_disk(BLOCK), NOT_2, made);
        let (world, node) = download(&sample, disk, NOT_2, 30);
        check_files(&sample, &world, node, &[FILE_2], &[]);
    }
}

#[test]
fn what_stands_in_the_place_of_a_file_that_was_not_to_be_made_is_not_ours() {
    let sample = sample();
    let theirs = vec![1; 3_000];
    for made in [&["file-0", "file-1", "file-3", "parts"][..], &["file-0"], &[]] {
        for before in [true, false] {
            let mut disk = sample.empty_disk(BLOCK);
            if before {
                disk.files.insert(FILE_2.into(), theirs.clone());
            }
            let mut disk = died_making(&sample, disk, NOT_2, made);
            disk.files.insert(FILE_2.into(), theirs.clone());
            let (world, node) = download(&sample, disk.clone(), NOT_2, 30);
            check_files(&sample, &world, node, &[], &[(FILE_2, theirs.clone())]);
            let (world, node) = download(&sample, disk, ALL, 30);
            assert!(is_refused(&world, node), "{made:?} {before}");
            assert_eq!(world.nodes[node].disk.files[FILE_2], theirs);
        }
    }
}

#[test]
fn a_file_that_is_wanted_later_is_ours_too_when_it_was_about_to_be_made() {
    let sample = sample();
    let before = ended_without_2(&sample);
    let made = died_making(&sample, before.clone(), ALL, &["file-2"]);
    // what its neighbours have of its first and last piece was not copied into it yet
    let mut half_made = made.clone();
    half_made.files.insert(FILE_2.into(), vec![0; 3_000]);
    half_made
        .files
        .insert(parts(&sample), before.files[&parts(&sample)].clone());
    for disk in [made, half_made] {
        let (world, node) = download(&sample, disk, ALL, 30);
        check_files(&sample, &world, node, &[], &[]);
    }
}

#[test]
fn nothing_is_believed_of_a_file_that_was_about_to_be_made_anew() {
    let sample = sample();
    let (mut world, node) = download(&sample, sample.empty_disk(BLOCK), ALL, 30);
    let mut disk = std::mem::take(&mut world.nodes[node].disk);
    // killed: the state is not clean. Then one file is deleted, and the next run dies when it has made it again
    disk.files.retain(|path, _| !path.ends_with("file-0"));
    let disk = died_making(&sample, disk, ALL, &["file-0"]);
    let (world, node) = download(&sample, disk, ALL, 30);
    check_files(&sample, &world, node, &[], &[]);
}

#[test]
fn what_a_deleted_file_shared_with_its_neighbours_is_not_believed() {
    let sample = sample();
    let file_3 = "sample/folder/file-3";
    let not_3 = [Normal, Normal, Normal, Skip];
    let (mut world, node) = download(&sample, sample.empty_disk(BLOCK), not_3, 30);
    world.command(node, Command::Shutdown);
    run_for(&mut world, 5);
    let mut disk = std::mem::take(&mut world.nodes[node].disk);
    assert!(disk.files.contains_key(&parts(&sample)));
    disk.files.remove(FILE_2);
    let (world, node) = download(&sample, disk, not_3, 30);
    check_files(&sample, &world, node, &[file_3], &[]);
}

#[test]
fn what_comes_to_light_before_our_files_are_made_is_not_ours() {
    let sample = Sample::single(1_000, 256, TRACKER);
    let theirs = vec![1; 1_000];
    // in the second world a file was there that is right in part; in the second run of each another process finds it
    for there in [None, Some(&sample.content[..300])] {
        for again in [false, true] {
            let mut disk = sample.empty_disk(64);
            disk.files
                .extend(there.map(|bytes| ("sample".into(), bytes.to_vec())));
            disk.failing = Some(("prepare", DiskFault::Missing));
            let (mut world, mut node) = download(&sample, disk, ALL, 5);
            // a drive was connected over the folder
            world.nodes[node].disk.failing = None;
            world.nodes[node]
                .disk
                .files
                .insert("sample".into(), theirs.clone());
            if again {
                let disk = std::mem::take(&mut world.nodes[node].disk);
                (world, node) = begin(&sample, disk, ALL);
            }
            run_for(&mut world, 60);
            assert!(is_refused(&world, node), "{}", Timeline::of(&world, node));
            assert_eq!(world.nodes[node].disk.files["sample"], theirs);
        }
    }
}

#[test]
fn what_comes_to_light_where_a_file_is_to_be_made_beside_ours_is_not_ours() {
    let sample = sample();
    let theirs = vec![1; 3_000];
    for job in ["arrange", "prepare"] {
        let mut disk = ended_without_2(&sample);
        disk.failing = Some((job, DiskFault::Missing));
        let (mut world, node) = download(&sample, disk, ALL, 5);
        world.nodes[node].disk.failing = None;
        world.nodes[node].disk.files.insert(FILE_2.into(), theirs.clone());
        run_for(&mut world, 60);
        assert!(is_refused(&world, node), "{}", Timeline::of(&world, node));
        assert_eq!(world.nodes[node].disk.files[FILE_2], theirs);
    }
}

#[test]
fn what_stands_in_the_place_of_a_file_that_went_away_while_it_was_used_is_not_ours() {
    let sample = sample();
    let theirs = vec![1; 4_000];
    let (mut world, node) = download(&sample, sample.empty_disk(BLOCK), NOT_2, 30);
    let path = sample.metainfo.layout.files()[0].path.clone();
    world.nodes[node].disk.files.remove(&path);
    world.command(node, Command::Shutdown);
    run_for(&mut world, 5);
    let mut disk = std::mem::take(&mut world.nodes[node].disk);
    disk.files.insert(path.clone(), theirs.clone());
    let (world, node) = download(&sample, disk, NOT_2, 30);
    assert!(is_refused(&world, node), "{}", Timeline::of(&world, node));
    assert_eq!(world.nodes[node].disk.files[&path], theirs);
}

#[test]
fn nothing_is_claimed_or_made_in_a_folder_where_everything_is_missing() {
    let sample = sample();
    let (mut world, node) = download(&sample, sample.empty_disk(BLOCK), NOT_2, 30);
    // another folder is there, in which one file has the name of one of ours
    let path = sample.metainfo.layout.files()[0].path.clone();
    let disk = &mut world.nodes[node].disk;
    disk.files.retain(|other, _| *other == path);
    disk.tamper(&path, |bytes| bytes.fill(1));
    disk.failing = Some(("sync", DiskFault::Missing));
    let (files, saved) = (disk.files.clone(), disk.resume.clone());
    world.command(node, Command::SetPriorities(TORRENT, NOT_2.to_vec()));
    run_for(&mut world, 20);
    world.nodes[node].disk.failing = None;
    run_for(&mut world, 35);
    world.command(node, Command::SetPriorities(TORRENT, ALL.to_vec()));
    run_for(&mut world, 5);
    let torrent = world.nodes[node].engine.torrent(TORRENT).expect("it is there");
    assert!(
        matches!(torrent.state(), TorrentState::DiskFailed { .. }),
        "{}",
        Timeline::of(&world, node)
    );
    let disk = &world.nodes[node].disk;
    assert!(
        disk.files == files && disk.resume == saved,
        "{}",
        Timeline::of(&world, node)
    );
}
