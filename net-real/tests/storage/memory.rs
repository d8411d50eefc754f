//! The ceiling on blocks in memory: writes wait, pieces are written early, and nothing is lost.

use crate::rig::{BLOCK, Rig};
use seedbed::engine::disk::{DiskDone, DiskJob};
use seedbed::engine::id::PieceIndex;

const PIECES: u32 = 8;
const PIECE: u32 = 16 * BLOCK;
/// A quarter of the content.
const CEILING: u64 = 2 * PIECE as u64;

fn rig() -> Rig {
    let mut rig = Rig::with(&[("a", u64::from(PIECES * PIECE))], PIECE, |options| {
        options.memory_ceiling = CEILING;
    });
    rig.ready();
    rig
}

#[test]
fn a_write_under_the_ceiling_is_answered_at_once() {
    let mut rig = rig();
    let job = rig.write_job(rig.block(0, 0));
    let op = rig.submit(job);
    assert!(rig.answered(op));
}

#[test]
fn over_the_ceiling_pieces_are_written_early_and_hashed_all_the_same() {
    let mut rig = rig();
    let mut highest = 0;
    // Block by block across all pieces: none is complete until nearly everything has arrived.
    for number in 0..PIECE / BLOCK {
        for piece in 0..PIECES {
            let job = rig.write_job(rig.block(piece, number));
            assert_eq!(rig.ask(job), Ok(DiskDone::Written));
            highest = highest.max(rig.storage.bytes_held());
        }
    }
    assert!(highest <= CEILING + u64::from(BLOCK), "{highest} bytes were held");
    for piece in 0..PIECES {
        assert_eq!(rig.hash(piece), Ok(rig.right(piece)));
    }
    assert_eq!(rig.storage.bytes_held(), 0);
    rig.assert_files();
}

#[test]
fn a_write_that_waited_is_answered_when_there_is_room() {
    let mut rig = rig();
    let mut ops = Vec::new();
    for piece in 0..PIECES {
        for number in 0..PIECE / BLOCK {
            let job = rig.write_job(rig.block(piece, number));
            ops.push(rig.submit(job));
        }
    }
    let at_once = ops.iter().filter(|op| rig.polled(**op)).count();
    assert!(at_once < ops.len(), "nothing had to wait");
    for op in ops {
        assert_eq!(rig.wait(op), Ok(DiskDone::Written));
    }
    for piece in 0..PIECES {
        assert_eq!(rig.hash(piece), Ok(rig.right(piece)));
    }
}

#[test]
fn what_a_sync_wrote_stays_in_memory_until_it_is_hashed() {
    let mut rig = rig();
    rig.write_piece(0);
    assert!(matches!(rig.ask(DiskJob::Sync), Ok(DiskDone::Synced { .. })));
    assert_eq!(rig.storage.bytes_held(), u64::from(PIECE));
    assert_eq!(
        std::fs::metadata(rig.root.join("a")).unwrap().len(),
        u64::from(PIECE)
    );
    assert_eq!(rig.hash(0), Ok(rig.right(0)));
    assert_eq!(rig.storage.bytes_held(), 0);
}

#[test]
fn many_hashes_at_a_time_are_all_answered() {
    let mut rig = rig();
    let mut ops = Vec::new();
    for piece in 0..PIECES {
        rig.write_piece(piece);
        let piece = PieceIndex(piece);
        ops.push((rig.submit(DiskJob::Hash { piece }), piece.0));
    }
    let sync = rig.submit(DiskJob::Sync);
    for (op, piece) in ops {
        assert_eq!(rig.wait(op), Ok(DiskDone::Hash(rig.right(piece))));
    }
    assert!(rig.wait(sync).is_ok());
    rig.assert_files();
}
