//! When something is wrong with the files: the kind of the fault, the words for the user, and going on afterwards.

use crate::rig::{BLOCK, Rig};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use seedbed::Preallocate;
use seedbed::engine::disk::{DiskDone, DiskError, DiskFault, DiskJob};
use seedbed::engine::id::PieceIndex;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

fn rig() -> Rig {
    Rig::new(&[("t/sub/a", 60_000), ("t/b", 60_000)])
}

#[track_caller]
fn in_the_way<T: std::fmt::Debug>(result: Result<T, DiskError>, name: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.fault, DiskFault::InTheWay, "{error}");
    assert!(error.text.contains(name), "{error}");
}

#[test]
fn a_planted_symlink_is_never_followed() {
    // The file itself, and a folder on the way to it.
    for link in ["t/b", "t/sub", "t"] {
        let mut rig = rig();
        let outside = rig.folder.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::create_dir_all(rig.root.join(link).parent().unwrap()).unwrap();
        let target = if link == "t/b" {
            outside.join("victim")
        } else {
            outside.clone()
        };
        if link == "t/b" {
            std::fs::write(&target, b"precious").unwrap();
        }
        symlink(&target, rig.root.join(link)).unwrap();
        in_the_way(rig.open(), "/t/");
        in_the_way(rig.ask(DiskJob::Prepare), "/t/");
        for piece in 0..rig.geometry.pieces() {
            rig.write_piece(piece);
            let _ = rig.hash(piece);
        }
        let _ = rig.ask(DiskJob::Sync);
        let _ = rig.ask(DiskJob::Close);
        let there: Vec<_> = std::fs::read_dir(&outside)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        if link == "t/b" {
            assert_eq!(std::fs::read(target).unwrap(), b"precious");
        } else {
            assert!(there.is_empty(), "{link}: {there:?}");
        }
    }
}

#[test]
fn a_symlink_planted_later_is_not_followed_either() {
    let mut rig = rig();
    rig.ready();
    let victim = rig.folder.path().join("victim");
    std::fs::write(&victim, b"precious").unwrap();
    std::fs::remove_file(rig.root.join("t/b")).unwrap();
    symlink(&victim, rig.root.join("t/b")).unwrap();
    let last = rig.geometry.pieces() - 1;
    rig.write_piece(last);
    in_the_way(rig.hash(last), "t/b");
    assert_eq!(std::fs::read(victim).unwrap(), b"precious");
}

#[test]
fn a_folder_a_fifo_or_a_file_in_the_way_is_told() {
    let mut rig = rig();
    std::fs::create_dir_all(rig.root.join("t/b")).unwrap();
    in_the_way(rig.open(), "t/b");
    in_the_way(rig.ask(DiskJob::Prepare), "t/b");

    let mut rig = self::rig();
    std::fs::create_dir_all(rig.root.join("t")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        rig.root.join("t/b"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    in_the_way(rig.open(), "t/b");
    in_the_way(rig.ask(DiskJob::Prepare), "t/b");

    let mut rig = self::rig();
    std::fs::create_dir_all(&rig.root).unwrap();
    std::fs::write(rig.root.join("t"), b"").unwrap();
    in_the_way(rig.open(), "t/sub/a");
    in_the_way(rig.ask(DiskJob::Prepare), "t/sub/a");
}

#[test]
fn a_missing_or_short_file_is_missing() {
    let mut rig = rig();
    rig.open().unwrap();
    let piece = PieceIndex(0);
    assert_eq!(rig.hash(0).unwrap_err().fault, DiskFault::Missing);
    assert_eq!(
        rig.ask(DiskJob::Digests { piece }).unwrap_err().fault,
        DiskFault::Missing
    );
    rig.ask(DiskJob::Prepare).unwrap();
    let range = rig.block(0, 0);
    let error = rig.read(range).unwrap_err();
    assert_eq!(error.fault, DiskFault::Missing);
    assert!(error.text.contains("t/sub/a"), "{error}");
    assert_eq!(
        rig.read(range).unwrap_err().fault,
        DiskFault::Missing,
        "asked again"
    );
}

#[test]
fn a_file_removed_under_us_is_noticed() {
    let mut rig = rig();
    rig.ready();
    rig.write_piece(0);
    rig.hash(0).unwrap();
    std::fs::remove_file(rig.root.join("t/sub/a")).unwrap();
    assert_eq!(rig.ask(DiskJob::Sync).unwrap_err().fault, DiskFault::Missing);
    rig.write_piece(0);
    assert_eq!(
        rig.hash(0).unwrap_err().fault,
        DiskFault::Missing,
        "not made again behind the user's back"
    );
    rig.ask(DiskJob::Prepare).unwrap();
    assert_eq!(rig.hash(0), Ok(rig.right(0)), "the blocks were kept");
}

#[test]
fn a_state_folder_that_cannot_be_made_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("state"), b"a file").unwrap();
    let root = folder.path().join("out");
    let mut rig = Rig::at(folder, root, &[("a", 100)], BLOCK, |_| {});
    let error = rig.ask(DiskJob::SaveResume { data: vec![1] }).unwrap_err();
    assert!(error.text.contains("not open"), "{error}");
    in_the_way(rig.open(), "state");
}

/// A file system of a few hundred kilobytes, where the test may mount one.
struct Tiny(PathBuf);

impl Tiny {
    fn mount(at: PathBuf) -> Option<Self> {
        std::fs::create_dir(&at).unwrap();
        match mount("tmpfs", &at, "tmpfs", MountFlags::empty(), Some(c"size=256k")) {
            Ok(()) => Some(Self(at)),
            Err(errno) => {
                println!("skipped: no file system can be mounted here: {errno}");
                None
            }
        }
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

#[test]
fn a_full_disk_loses_nothing_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let Some(tiny) = Tiny::mount(folder.path().join("tiny")) else {
        return;
    };
    let hog = tiny.0.join("hog");
    std::fs::write(&hog, vec![1; 100 * 1024]).unwrap();
    let files = &[("a", 6 * u64::from(BLOCK) + 5), ("b", 6 * u64::from(BLOCK))];
    let mut rig = Rig::at(folder, tiny.0.join("out"), files, 2 * BLOCK, |_| {});
    rig.ready();
    let mut failed = Vec::new();
    for piece in 0..rig.geometry.pieces() {
        rig.write_piece(piece);
        if let Err(error) = rig.hash(piece) {
            assert_eq!(error.fault, DiskFault::Full, "{error}");
            assert!(error.text.ends_with("No space left on device"), "{error}");
            failed.push(piece);
        }
    }
    assert!(!failed.is_empty());
    assert_eq!(rig.ask(DiskJob::Sync).unwrap_err().fault, DiskFault::Full);
    std::fs::remove_file(hog).unwrap();
    rig.ask(DiskJob::Prepare).unwrap();
    for piece in failed {
        assert_eq!(
            rig.hash(piece),
            Ok(rig.right(piece)),
            "without a block being sent again"
        );
    }
    assert!(matches!(rig.ask(DiskJob::Sync), Ok(DiskDone::Synced { .. })));
    rig.assert_files();
}

#[test]
fn blocks_that_cannot_be_written_are_bounded_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let Some(tiny) = Tiny::mount(folder.path().join("tiny")) else {
        return;
    };
    let ceiling = 8 * u64::from(BLOCK);
    let files = &[("a", 64 * u64::from(BLOCK))];
    let mut rig = Rig::at(folder, tiny.0.join("out"), files, 4 * BLOCK, |options| {
        options.memory_ceiling = ceiling;
    });
    rig.ready();
    let mut failures = 0;
    for piece in 0..rig.geometry.pieces() {
        for number in 0..4 {
            let job = rig.write_job(rig.block(piece, number));
            match rig.ask(job) {
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error.fault, DiskFault::Full, "{error}");
                    failures += 1;
                }
            }
            assert!(rig.storage.bytes_held() <= ceiling + u64::from(BLOCK));
        }
    }
    assert!(failures > 0);
    assert!(rig.ask(DiskJob::Close).is_err(), "what is lost is told");
    assert_eq!(rig.storage.bytes_held(), 0);
}

#[test]
fn setting_space_aside_tells_a_full_disk_before_the_download() {
    let folder = tempfile::tempdir().unwrap();
    let Some(tiny) = Tiny::mount(folder.path().join("tiny")) else {
        return;
    };
    let full = |preallocate| {
        let folder = tempfile::tempdir().unwrap();
        let root = tiny.0.join(format!("{preallocate:?}"));
        let mut rig = Rig::at(folder, root, &[("a", 1 << 20)], BLOCK, |options| {
            options.preallocate = preallocate;
        });
        rig.open().unwrap();
        rig.ask(DiskJob::Prepare)
    };
    assert_eq!(full(Preallocate::Sparse), Ok(DiskDone::Prepared));
    assert_eq!(full(Preallocate::Full).unwrap_err().fault, DiskFault::Full);
}

#[test]
fn a_read_only_file_that_is_whole_can_be_seeded() {
    let folder = tempfile::tempdir().unwrap();
    let Some(tiny) = Tiny::mount(folder.path().join("tiny")) else {
        return;
    };
    let mut rig = Rig::at(folder, tiny.0.join("out"), &[("t/a", 60_000)], 2 * BLOCK, |_| {});
    rig.ready();
    rig.download();
    rig.ask(DiskJob::Close).unwrap();
    rustix::mount::mount_remount(&tiny.0, MountFlags::RDONLY, c"").unwrap();
    rig.open().unwrap();
    assert_eq!(rig.ask(DiskJob::Prepare), Ok(DiskDone::Prepared));
    assert_eq!(rig.hash(0), Ok(rig.right(0)));
    rig.write_piece(0);
    assert_eq!(rig.hash(0).unwrap_err().fault, DiskFault::Denied);
}
