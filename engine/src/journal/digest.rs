//! A digest of what an engine did in one step.

use crate::action::Action;
use crate::disk::DiskJob;
use crate::report::Report;
use crate::torrent::Digest;
use core::fmt::{Debug, Write as _};

/// Takes in the actions of one step. Everything of them counts but payload, of which only the length does, and the
/// lines of a trace, which are told or not as the user likes.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepDigest(Digest);

impl StepDigest {
    /// Takes an action.
    pub fn action(&mut self, action: &Action) {
        let digest = &mut self.0;
        match action {
            trace if trace.is_trace() => {}
            Action::Report(Report::PieceVerified {
                torrent,
                piece,
                have,
                pieces: _,
            }) => {
                digest.word(1 << 56 | u64::from(torrent.0));
                digest.word(u64::from(piece.0) << 32 | u64::from(*have));
            }
            Action::Send { conn, head, body } => {
                digest.word(2 << 56 ^ conn.as_u64());
                digest.bytes(head);
                digest.count(body.as_ref().map_or(0, crate::block::Block::len));
            }
            Action::Read { conn, budget } => {
                digest.word(3 << 56 ^ conn.as_u64());
                digest.word(u64::from(*budget));
            }
            Action::Disk { op, torrent, job } => {
                digest.word(4 << 56 ^ op.0);
                digest.word(u64::from(torrent.0));
                disk(digest, job);
            }
            other => debug(digest, other),
        }
    }

    /// The 32 bits that a journal keeps.
    pub const fn value(self) -> u32 {
        let whole = self.0.value();
        (whole >> 32) as u32 ^ whole as u32
    }
}

fn disk(digest: &mut Digest, job: &DiskJob) {
    match job {
        DiskJob::Write { range, data } => {
            digest.word(1 << 56 | u64::from(range.piece.0));
            digest.word(u64::from(range.begin) << 32 | data.len() as u64);
        }
        DiskJob::Read { range } => {
            digest.word(2 << 56 | u64::from(range.piece.0));
            digest.word(u64::from(range.begin) << 32 | u64::from(range.length));
        }
        DiskJob::Hash { piece } => digest.word(3 << 56 | u64::from(piece.0)),
        DiskJob::SaveResume { data } => {
            digest.word(4 << 56);
            digest.bytes(data);
        }
        DiskJob::Arrange { layout } => {
            digest.word(6 << 56);
            for (index, _) in layout.files().iter().enumerate().filter(|(_, file)| file.skipped) {
                digest.count(index);
            }
        }
        // the torrent and its folder are of the command that added it
        DiskJob::Open { info_hash, .. } => {
            digest.word(5 << 56);
            digest.bytes(&info_hash.0);
        }
        other => debug(digest, other),
    }
}

/// What is rare counts by what it prints.
fn debug(digest: &mut Digest, what: &impl Debug) {
    // writing into a digest cannot fail
    let _ = write!(digest, "{what:?}");
}
