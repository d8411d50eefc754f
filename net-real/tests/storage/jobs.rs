//! Each job, when all is well.

use crate::rig::{BLOCK, Rig, TORRENT};
use seedbed::Preallocate;
use seedbed::engine::block::Block;
use seedbed::engine::disk::{DiskDone, DiskJob};
use seedbed::engine::geometry::BlockRange;
use seedbed::engine::id::{InfoHash, OpId, PieceIndex};
use sha1::{Digest as _, Sha1};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

/// Pieces that lie in one file, in several, and end in the middle of a block; empty files; a folder in a folder.
const FILES: &[(&str, u64)] = &[
    ("t/a", 50_000),
    ("t/empty", 0),
    ("t/sub/deep/b", 3),
    ("t/sub/c", 40_000),
    ("t/zero", 0),
];

#[test]
fn a_download_ends_with_the_right_files() {
    let mut rig = Rig::new(FILES);
    rig.ready();
    rig.download();
    assert_eq!(rig.storage.bytes_held(), 0);
    rig.assert_files();
    assert_eq!(rig.ask(DiskJob::Close), Ok(DiskDone::Closed));
}

#[test]
fn opening_changes_nothing() {
    let mut rig = Rig::new(FILES);
    let (files, resume) = rig.open().unwrap();
    assert_eq!((files, resume), (vec![None; 5], None));
    assert_eq!(std::fs::read_dir(rig.folder.path()).unwrap().count(), 0);
}

#[test]
fn preparing_creates_what_is_missing_and_stamps_tell() {
    for (preallocate, length) in [
        (Preallocate::None, 0),
        (Preallocate::Sparse, 50_000),
        (Preallocate::Full, 50_000),
    ] {
        let mut rig = Rig::with(FILES, BLOCK, |options| options.preallocate = preallocate);
        rig.ready();
        let DiskDone::Synced { files } = rig.ask(DiskJob::Sync).unwrap() else {
            panic!()
        };
        let stamp = files[0].unwrap();
        assert_eq!(stamp.length, length, "{preallocate:?}");
        assert!(stamp.modified_ns > 1_600_000_000_000_000_000, "{stamp:?}");
        assert_eq!(files[1].unwrap().length, 0);
        let blocks = std::fs::metadata(rig.root.join("t/a")).unwrap().blocks();
        assert_eq!(
            blocks > 0,
            preallocate == Preallocate::Full,
            "{preallocate:?}: {blocks} blocks"
        );
    }
}

#[test]
fn preparing_never_makes_a_file_shorter() {
    for preallocate in [Preallocate::None, Preallocate::Sparse, Preallocate::Full] {
        let mut rig = Rig::with(FILES, BLOCK, |options| options.preallocate = preallocate);
        std::fs::create_dir_all(rig.root.join("t")).unwrap();
        std::fs::write(rig.root.join("t/a"), [9; 60_000]).unwrap();
        rig.ready();
        rig.write_piece(0);
        rig.hash(0).unwrap();
        assert_eq!(std::fs::metadata(rig.root.join("t/a")).unwrap().len(), 60_000);
    }
}

#[test]
fn a_piece_is_hashed_over_memory_and_disk() {
    let mut rig = Rig::new(FILES);
    rig.ready();
    let job = rig.write_job(rig.block(0, 0));
    rig.ask(job).unwrap();
    rig.ask(DiskJob::Sync).unwrap();
    rig.ask(DiskJob::Close).unwrap();
    rig.open().unwrap();
    assert_eq!(rig.storage.bytes_held(), 0, "the first block is only on the disk");
    let job = rig.write_job(rig.block(0, 1));
    rig.ask(job).unwrap();
    assert_eq!(rig.hash(0), Ok(rig.right(0)));
}

#[test]
fn a_block_that_comes_again_replaces_the_first() {
    let mut rig = Rig::new(FILES);
    rig.ready();
    let range = rig.block(0, 0);
    let data = Block::from(vec![0xff; range.length as usize]);
    rig.ask(DiskJob::Write { range, data }).unwrap();
    rig.write_piece(0);
    assert_eq!(rig.hash(0), Ok(rig.right(0)));
}

#[test]
fn a_wrong_piece_is_told_block_by_block() {
    let mut rig = Rig::new(FILES);
    rig.ready();
    rig.write_piece(0);
    let range = rig.block(0, 1);
    let data = Block::from(vec![0xff; range.length as usize]);
    rig.ask(DiskJob::Write { range, data }).unwrap();
    assert_ne!(rig.hash(0), Ok(rig.right(0)));
    let piece = PieceIndex(0);
    let good = Sha1::digest(rig.bytes(rig.block(0, 0))).into();
    let bad = Sha1::digest(vec![0xff; range.length as usize]).into();
    assert_eq!(
        rig.ask(DiskJob::Digests { piece }),
        Ok(DiskDone::Digests(vec![good, bad]))
    );
    rig.write_piece(0);
    assert_eq!(rig.hash(0), Ok(rig.right(0)), "fetched again");
}

#[test]
fn the_last_block_may_be_short() {
    let mut rig = Rig::new(FILES);
    rig.ready();
    rig.download();
    let last = rig.geometry.pieces() - 1;
    let DiskDone::Digests(digests) = rig
        .ask(DiskJob::Digests {
            piece: PieceIndex(last),
        })
        .unwrap()
    else {
        panic!()
    };
    let count = rig.geometry.blocks_in(PieceIndex(last));
    assert_eq!(digests.len(), count as usize);
    let right: [u8; 20] = Sha1::digest(rig.bytes(rig.block(last, count - 1))).into();
    assert_eq!(digests.last(), Some(&right));
}

#[test]
fn reads_see_memory_then_the_disk() {
    let mut rig = Rig::new(FILES);
    rig.ready();
    let range = BlockRange {
        piece: PieceIndex(1),
        begin: 100,
        length: 20_000,
    };
    rig.write_piece(1);
    assert_eq!(
        rig.read(range).unwrap(),
        rig.bytes(range),
        "over two blocks in memory"
    );
    rig.hash(1).unwrap();
    assert_eq!(rig.read(range).unwrap(), rig.bytes(range), "from the disk");
    let op = rig.submit(DiskJob::Read { range });
    assert!(rig.answered(op), "from the window that is in memory");
    let range = rig.block(1, 0);
    let data = Block::from(vec![0xff; range.length as usize]);
    rig.ask(DiskJob::Write { range, data }).unwrap();
    assert_eq!(
        rig.read(range).unwrap(),
        vec![0xff; range.length as usize],
        "not from the old window"
    );
}

#[test]
fn a_read_behind_a_hash_sees_its_piece() {
    let mut rig = Rig::new(FILES);
    rig.ready();
    rig.write_piece(0);
    let piece = PieceIndex(0);
    rig.submit(DiskJob::Hash { piece });
    let range = rig.block(0, 1);
    assert_eq!(rig.read(range).unwrap(), rig.bytes(range));
}

#[test]
fn pad_files_are_zeros_whatever_was_sent() {
    let mut rig = Rig::with(&[("t/a", 20_000), ("", 12_768), ("t/b", 100)], 2 * BLOCK, |_| {});
    rig.ready();
    for number in 0..2 {
        let range = rig.block(0, number);
        let mut bytes = rig.bytes(range).to_vec();
        for (n, byte) in bytes.iter_mut().enumerate() {
            if range.begin as usize + n >= 20_000 {
                *byte = 0xaa;
            }
        }
        rig.ask(DiskJob::Write {
            range,
            data: bytes.into(),
        })
        .unwrap();
    }
    assert_eq!(rig.hash(0), Ok(rig.right(0)));
    rig.write_piece(1);
    rig.hash(1).unwrap();
    rig.assert_files();
    let range = rig.block(0, 1);
    assert_eq!(rig.read(range).unwrap(), rig.bytes(range));
}

#[test]
fn closing_writes_blocks_of_incomplete_pieces() {
    let mut rig = Rig::new(FILES);
    rig.ready();
    let range = rig.block(0, 1);
    let job = rig.write_job(range);
    rig.ask(job).unwrap();
    assert_eq!(rig.ask(DiskJob::Close), Ok(DiskDone::Closed));
    let there = std::fs::read(rig.root.join("t/a")).unwrap();
    assert!(there[range.begin as usize..] == *rig.bytes(range));
    assert_eq!(rig.storage.bytes_held(), 0);
}

#[test]
fn a_saved_state_comes_back_and_only_the_user_reads_it() {
    let mut rig = Rig::new(FILES);
    rig.open().unwrap();
    for state in [b"first".to_vec(), b"second".to_vec()] {
        assert_eq!(rig.ask(DiskJob::SaveResume { data: state }), Ok(DiskDone::Saved));
    }
    rig.ask(DiskJob::Close).unwrap();
    assert_eq!(rig.open().unwrap().1, Some(b"second".to_vec()));
    let folder = rig.folder.path().join("state");
    let files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .collect();
    assert_eq!(files.len(), 1, "no temporary file is left: {files:?}");
    let name = files[0].file_name().into_string().unwrap();
    assert!(
        name.starts_with(&"07".repeat(20)) && name.ends_with(".resume"),
        "{name}"
    );
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn many_small_files_need_few_descriptors() {
    let names: Vec<String> = (0..300).map(|n| format!("t/{}/{n}", n % 7)).collect();
    let files: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 500)).collect();
    let mut rig = Rig::new(&files);
    rig.ready();
    rig.download();
    assert!(matches!(rig.ask(DiskJob::Sync), Ok(DiskDone::Synced { .. })));
    rig.assert_files();
    let open = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(Result::ok);
    let below = |link: std::path::PathBuf| link.starts_with(&rig.root);
    let open = open
        .filter(|fd| std::fs::read_link(fd.path()).is_ok_and(below))
        .count();
    assert!(open <= 4, "{open} files are open");
}

#[test]
fn a_job_for_an_unknown_torrent_is_answered() {
    let mut rig = Rig::new(FILES);
    for (n, job) in [
        DiskJob::Prepare,
        DiskJob::Sync,
        DiskJob::Close,
        rig.write_job(rig.block(0, 0)),
    ]
    .into_iter()
    .enumerate()
    {
        let op = OpId(1000 + n as u64);
        rig.storage.submit(op, TORRENT, job);
        assert!(rig.wait(op).is_err());
    }
    rig.open().unwrap();
    let range = BlockRange {
        piece: PieceIndex(99),
        begin: 0,
        length: 1,
    };
    assert!(rig.read(range).is_err());
    assert!(rig.hash(99).is_err());
}

/// It is of no torrent that is open, so it comes before `Open`, and is there for the next run.
#[test]
fn metadata_is_kept_beside_the_states() {
    let mut rig = Rig::new(FILES);
    let info_hash = InfoHash([9; 20]);
    let load = DiskJob::LoadMetadata { info_hash };
    assert_eq!(rig.ask(load.clone()), Ok(DiskDone::Metadata(None)));
    let data = b"d4:name1:xe".as_slice().into();
    assert_eq!(
        rig.ask(DiskJob::SaveMetadata { info_hash, data }),
        Ok(DiskDone::Saved)
    );
    assert_eq!(
        rig.ask(load),
        Ok(DiskDone::Metadata(Some(b"d4:name1:xe".to_vec())))
    );
    let other = DiskJob::LoadMetadata {
        info_hash: InfoHash([8; 20]),
    };
    assert_eq!(rig.ask(other), Ok(DiskDone::Metadata(None)));
}
