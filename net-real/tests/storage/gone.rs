//! When the output folder goes away or becomes another one: nothing is made in its place, and it may come back.

use crate::rig::Rig;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use seedbed::engine::disk::{DiskDone, DiskError, DiskFault, DiskJob};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

fn rig() -> Rig {
    Rig::new(&[("t/sub/a", 60_000), ("t/b", 60_000)])
}

#[track_caller]
fn missing<T: std::fmt::Debug>(result: Result<T, DiskError>) {
    let error = result.unwrap_err();
    assert_eq!(error.fault, DiskFault::Missing, "{error}");
    assert!(error.text.contains("/out"), "{error}");
}

/// What lies in a folder: names, lengths, and a few bytes.
fn listing(folder: &Path) -> Vec<(String, usize, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            for (inner, length, bytes) in listing(&entry.path()) {
                found.push((format!("{name}/{inner}"), length, bytes));
            }
            found.push((name, 0, Vec::new()));
        } else {
            let mut bytes = std::fs::read(entry.path()).unwrap();
            let length = bytes.len();
            bytes.truncate(8);
            found.push((name, length, bytes));
        }
    }
    found.sort();
    found
}

#[test]
fn a_folder_that_was_removed_is_not_made_again() {
    let mut rig = rig();
    rig.ready();
    rig.write_piece(0);
    rig.hash(0).unwrap();
    std::fs::remove_dir_all(&rig.root).unwrap();
    missing(rig.ask(DiskJob::Sync));
    missing(rig.ask(DiskJob::Prepare));
    rig.write_piece(1);
    missing(rig.hash(1));
    assert!(!rig.root.exists());
}

#[test]
fn a_link_in_its_place_is_not_followed() {
    let mut rig = rig();
    rig.ready();
    rig.write_piece(0);
    rig.hash(0).unwrap();
    let (elsewhere, canary) = (
        rig.folder.path().join("elsewhere"),
        rig.folder.path().join("canary"),
    );
    std::fs::create_dir_all(canary.join("t/sub")).unwrap();
    std::fs::write(canary.join("t/b"), b"precious").unwrap();
    let before = listing(&canary);
    std::fs::rename(&rig.root, &elsewhere).unwrap();
    symlink(&canary, &rig.root).unwrap();
    missing(rig.ask(DiskJob::Sync));
    missing(rig.ask(DiskJob::Prepare));
    for piece in 1..rig.geometry.pieces() {
        rig.write_piece(piece);
        missing(rig.hash(piece));
    }
    assert_eq!(listing(&canary), before);

    // it comes back: the blocks that nobody could write are still here
    std::fs::remove_file(&rig.root).unwrap();
    std::fs::rename(&elsewhere, &rig.root).unwrap();
    for piece in 1..rig.geometry.pieces() {
        assert_eq!(rig.hash(piece), Ok(rig.right(piece)), "piece {piece}");
    }
    assert!(matches!(rig.ask(DiskJob::Sync), Ok(DiskDone::Synced { .. })));
    rig.assert_files();
}

#[test]
fn who_opens_again_takes_what_is_there_now() {
    let mut rig = rig();
    rig.ready();
    // a block that only memory has, and that is forgotten with the folder
    let job = rig.write_job(rig.block(0, 0));
    rig.ask(job).unwrap();
    assert!(rig.storage.bytes_held() > 0);
    let elsewhere = rig.folder.path().join("elsewhere");
    std::fs::rename(&rig.root, &elsewhere).unwrap();
    missing(rig.ask(DiskJob::Sync));
    let (files, _) = rig.open().unwrap();
    assert_eq!(files, [None, None]);
    assert_eq!(rig.storage.bytes_held(), 0);
    assert!(!rig.root.exists(), "looking changes nothing");

    std::fs::create_dir(&rig.root).unwrap();
    rig.open().unwrap();
    assert_eq!(rig.ask(DiskJob::Prepare), Ok(DiskDone::Prepared));
    rig.download();
    rig.assert_files();
}

#[test]
fn an_open_that_failed_may_be_asked_again() {
    let mut rig = rig();
    std::fs::write(&rig.root, b"").unwrap();
    assert_eq!(rig.open().unwrap_err().fault, DiskFault::InTheWay);
    std::fs::remove_file(&rig.root).unwrap();
    rig.ready();
    rig.download();
    rig.assert_files();
}

/// Somebody swaps folders for links, and back, as fast as they can while files are made and written.
#[test]
fn a_race_of_swaps_leads_nobody_out() {
    let files: Vec<(String, u64)> = (0..24)
        .map(|n| (format!("t/sub{}/f{n}", n % 3), 40_000))
        .collect();
    let files: Vec<(&str, u64)> = files
        .iter()
        .map(|(path, length)| (path.as_str(), *length))
        .collect();
    let mut rig = Rig::new(&files);
    let canary = rig.folder.path().join("canary");
    std::fs::create_dir(&canary).unwrap();
    for n in 0..24 {
        std::fs::write(canary.join(format!("f{n}")), b"precious").unwrap();
    }
    let before = listing(&canary);
    rig.ready();
    let (root, over) = (rig.root.clone(), AtomicBool::new(false));
    let (mut written, mut refused) = (0, 0);
    let exchange = |a: &Path, b: &Path| renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE).unwrap();
    for n in 0..3 {
        symlink(&canary, root.join(format!("link{n}"))).unwrap();
    }
    let swaps = std::thread::scope(|scope| {
        let swapper = scope.spawn(|| {
            let mut swaps = 0;
            while !over.load(Ordering::Relaxed) {
                for n in 0..3 {
                    let (folder, link) = (root.join(format!("t/sub{n}")), root.join(format!("link{n}")));
                    exchange(&folder, &link);
                    std::thread::yield_now();
                    exchange(&folder, &link);
                    swaps += 1;
                }
            }
            swaps
        });
        for _ in 0..20 {
            for piece in 0..rig.geometry.pieces() {
                rig.write_piece(piece);
                match rig.hash(piece) {
                    Ok(_) => written += 1,
                    Err(_) => refused += 1,
                }
            }
            let _ = rig.ask(DiskJob::Prepare);
        }
        over.store(true, Ordering::Relaxed);
        swapper.join().unwrap()
    });
    assert_eq!(listing(&canary), before);
    assert!(
        written > 0 && refused > 0,
        "{written} written, {refused} refused, {swaps} swaps"
    );
}
