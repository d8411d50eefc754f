//! A check: the pieces that are on the disk and are not believed are hashed, some at a time, and then it is decided what
//! follows.
//!
//! A piece that cannot be read is not known to be wrong. It is set aside, and when all others are done the check waits and
//! tries again. While nothing at all can be read it does so for as long as it takes, since a drive may be away. If others
//! could be read it gives up after some time: then it is a dead place of the medium, which is fetched anew.

use super::disk::DiskOp;
use super::{Context, Phase, Purpose, Torrent};
use crate::bitfield::Bitfield;
use crate::disk::{DiskError, DiskFault, DiskJob};
use crate::id::PieceIndex;
use crate::marks::Mark;
use crate::report::Report;
use crate::time::Instant;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// How often a check that has something waits for the rest, without being able to read any of it: two minutes, with
/// the usual time between tries. Beyond that it is hardly an outage.
const WAITS_MAX: u32 = 4;

/// What a check found of a piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Found {
    Right,
    Bad,
    Missing,
}

/// A check under way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Checking {
    todo: VecDeque<PieceIndex>,
    in_flight: usize,
    pub(super) done: u32,
    bad: Vec<PieceIndex>,
    missing: Vec<PieceIndex>,
    /// They could not be read, and are tried again.
    unread: Vec<PieceIndex>,
    /// Why the last of them could not.
    error: Option<DiskError>,
    /// Whether any piece could be read, or is believed: then storage is there.
    read: bool,
    /// How often it waited since one was.
    waits: u32,
    /// When what is unread is tried again, while it waits for that.
    retry_at: Option<Instant>,
    /// Nothing of an earlier run of ours vouches for these files.
    foreign: bool,
}

impl Checking {
    /// What storage said and when it is tried again, while the check waits for it.
    pub(super) fn waits_for(&self) -> Option<(&DiskError, Instant)> {
        self.error.as_ref().zip(self.retry_at)
    }
}

impl Torrent {
    /// Hashes what is there and not believed.
    pub(super) fn check(&mut self, cx: &mut Context<'_>, believed: &Bitfield, foreign: bool) {
        let mut checking = Checking {
            foreign,
            // storage gave its state, and the times of its files are right
            read: believed.count() > 0,
            ..Checking::default()
        };
        let doubted = |piece: &PieceIndex| !believed.contains(*piece);
        for piece in self.geometry.piece_indices().filter(doubted) {
            if self.is_present(piece) {
                checking.todo.push_back(piece);
            } else {
                checking.missing.push(piece);
            }
        }
        self.enter(cx, Phase::Checking(checking));
        self.check_on(cx);
    }

    /// Keeps some hash jobs under way, or ends the check.
    fn check_on(&mut self, cx: &mut Context<'_>) {
        let max = cx.config.hash_jobs_max.max(1);
        loop {
            let Phase::Checking(checking) = &mut self.phase else {
                return;
            };
            if checking.in_flight >= max {
                return;
            }
            let Some(piece) = checking.todo.pop_front() else {
                break;
            };
            checking.in_flight += 1;
            self.disk(cx, DiskOp::Check(piece), DiskJob::Hash { piece });
        }
        if matches!(&self.phase, Phase::Checking(checking) if checking.in_flight == 0)
            && !self.check_waits(cx)
        {
            self.check_over(cx);
        }
    }

    /// A piece was hashed for a check.
    pub(super) fn check_read(&mut self, cx: &mut Context<'_>, piece: PieceIndex, right: bool) {
        if let Phase::Checking(checking) = &mut self.phase {
            checking.read = true;
            checking.waits = 0;
        }
        self.checked(cx, piece, if right { Found::Right } else { Found::Bad });
    }

    /// It is known what there is of a piece.
    fn checked(&mut self, cx: &mut Context<'_>, piece: PieceIndex, found: Found) {
        let Phase::Checking(checking) = &mut self.phase else {
            return;
        };
        checking.in_flight = checking.in_flight.saturating_sub(1);
        checking.done += 1;
        match found {
            Found::Right => self.mark_verified(piece),
            Found::Bad => checking.bad.push(piece),
            Found::Missing => checking.missing.push(piece),
        }
        self.check_on(cx);
    }

    /// A piece could not be hashed for a check.
    pub(super) fn check_failed(&mut self, cx: &mut Context<'_>, piece: PieceIndex, error: DiskError) {
        match error.fault {
            DiskFault::Missing => return self.checked(cx, piece, Found::Missing),
            // waiting takes nothing out of the way
            DiskFault::InTheWay => return self.checked(cx, piece, Found::Bad),
            DiskFault::Full | DiskFault::Denied | DiskFault::Io => {}
        }
        let Phase::Checking(checking) = &mut self.phase else {
            return;
        };
        checking.in_flight = checking.in_flight.saturating_sub(1);
        checking.unread.push(piece);
        checking.error = Some(error);
        self.check_on(cx);
    }

    /// Waits for the pieces that could not be read. False when there is no use in that, or nobody would wait for it.
    fn check_waits(&mut self, cx: &mut Context<'_>) -> bool {
        let stays = match self.add.purpose {
            Purpose::Download | Purpose::Seed => true,
            Purpose::Check | Purpose::Metadata => false,
        };
        let Phase::Checking(checking) = &mut self.phase else {
            return false;
        };
        if !stays || (checking.read && checking.waits >= WAITS_MAX) {
            checking.done += checking.unread.len() as u32;
            checking.bad.append(&mut checking.unread);
            return false;
        }
        let Some(error) = checking.error.clone().filter(|_| !checking.unread.is_empty()) else {
            return false;
        };
        self.marks.hit(Mark::CheckWaits);
        checking.waits += 1;
        checking.retry_at = Some(cx.now + cx.config.disk_retry);
        let report = Report::DiskFailed {
            torrent: self.id,
            error,
            retry_at: checking.retry_at,
        };
        self.report(cx, report);
        self.tell_state(cx);
        true
    }

    /// The user says that storage works: what could not be read is tried again, and as often as at first.
    pub(super) fn check_resumed(&mut self, cx: &mut Context<'_>) {
        if let Phase::Checking(checking) = &mut self.phase {
            checking.waits = 0;
        }
        self.check_again(cx);
    }

    /// Tries again what could not be read, if the check waits for that.
    pub(super) fn check_again(&mut self, cx: &mut Context<'_>) {
        let Phase::Checking(checking) = &mut self.phase else {
            return;
        };
        if checking.retry_at.take().is_none() {
            return;
        }
        checking.todo = core::mem::take(&mut checking.unread).into();
        self.tell_state(cx);
        self.check_on(cx);
    }

    /// Everything that could be read was.
    fn check_over(&mut self, cx: &mut Context<'_>) {
        let Phase::Checking(checking) = &mut self.phase else {
            return;
        };
        let mut checking = core::mem::take(checking);
        checking.bad.sort_unstable();
        checking.missing.sort_unstable();
        self.check_decides();
        let have = self.picker.have().count();
        // peers that had nothing to give may have now, and seeds are of use again if anything lacks. Who broke a rule
        // that only the metadata showed is not dialled again for it
        if !core::mem::take(&mut self.just_learned) && self.sessions.is_empty() {
            self.candidates.retry_now(!self.picker.have().is_full());
        }
        let foreign = checking.foreign;
        let (bad, missing) = (checking.bad, checking.missing);
        self.report(
            cx,
            Report::Checked {
                torrent: self.id,
                have,
                bad,
                missing,
            },
        );
        self.check_is_over(cx, foreign, have);
    }
}
