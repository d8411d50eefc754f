//! Keeping the saved state: synced before it says "have", written at intervals and at the end.

use super::disk::DiskOp;
use super::{Context, Phase, Purpose, Torrent};
use crate::bitfield::Bitfield;
use crate::disk::{DiskError, DiskJob, FileStamp};
use crate::layout::Layout;
use crate::report::Report;
use crate::resume::{self, Resume};
use crate::time::Instant;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// How far saving is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Saving {
    /// What was verified when the sync under way was asked for. Later pieces wait for the next one.
    syncing: Option<Bitfield>,
    /// Pieces that a sync made durable, of which the stamps tell.
    pub(super) durable: Option<Bitfield>,
    /// A save is under way.
    saving: bool,
    /// Since when something is not saved.
    dirty_since: Option<Instant>,
    /// Another save was asked for while one was under way.
    again: bool,
    /// The last save failed, and the user was told.
    failed: bool,
}

impl Saving {
    /// Something changed that is worth saving.
    pub(super) fn dirty(&mut self, now: Instant) {
        self.dirty_since.get_or_insert(now);
    }

    fn busy(&self) -> bool {
        self.syncing.is_some() || self.saving
    }
}

impl Torrent {
    /// Makes what is verified durable, then saves that it is there.
    pub(super) fn save_resume(&mut self, cx: &mut Context<'_>) {
        if self.add.purpose == Purpose::Check || self.stamps.is_empty() {
            return;
        }
        if self.resume.busy() {
            self.resume.again = true;
            return;
        }
        self.resume.dirty_since = None;
        self.resume.syncing = Some(self.picker.have().clone());
        self.disk(cx, DiskOp::Sync, DiskJob::Sync);
    }

    /// Says that the files of a layout are ours before they are made: a process that dies behind that would take them for
    /// somebody else's in the next run. Storage keeps the order of its jobs, so nobody waits for it.
    pub(super) fn claim_files(&mut self, cx: &mut Context<'_>, layout: &Layout) {
        let lacks = |(n, _)| self.stamp(n).is_none();
        if layout.data_files().any(lacks) || !self.ours && !self.is_complete() {
            let mut state = self.resume_state(self.durable_have(), layout);
            self.promise(&mut state, layout);
            self.save_claim(cx, &state);
        }
    }

    /// The files were not made: what comes to stand in their place is somebody else's.
    pub(super) fn withdraw_claim(&mut self, cx: &mut Context<'_>) {
        let mut state = self.resume_state(self.durable_have(), &self.layout);
        if !self.ours {
            // it was somebody else's before, however much of it is right
            state.files.fill(None);
        }
        self.save_claim(cx, &state);
    }

    fn save_claim(&mut self, cx: &mut Context<'_>, state: &Resume) {
        let data = state.encode();
        self.disk(cx, DiskOp::Claim, DiskJob::SaveResume { data });
    }

    /// What is verified, of which a sync said that it is durable.
    fn durable_have(&self) -> Bitfield {
        let mut have = Bitfield::new(self.geometry.pieces());
        for piece in self.resume.durable.iter().flat_map(Bitfield::iter) {
            if self.picker.have().contains(piece) {
                have.insert(piece);
            }
        }
        have
    }

    /// The state to save, as after an end that was not orderly. What is there of a layout's files is ours.
    fn resume_state(&self, have: Bitfield, layout: &Layout) -> Resume {
        let mut files = alloc::vec![None; layout.files().len()];
        for (n, _) in layout.data_files() {
            files[n] = self.stamp(n);
        }
        Resume {
            info_hash: self.metainfo.info_hash,
            have,
            files,
            clean: false,
            uploaded: self.traffic.uploaded,
            downloaded: self.traffic.ledger.payload(),
        }
    }

    /// What is not there of a layout's files is being made, and ours when it comes.
    fn promise(&self, state: &mut Resume, layout: &Layout) {
        if self.add.purpose == Purpose::Download {
            for (n, _) in layout.data_files() {
                state.files[n].get_or_insert(resume::TO_BE_MADE);
            }
        }
    }

    /// The size and time of a file, if it was there when it was last looked at.
    pub(super) fn stamp(&self, file: usize) -> Option<FileStamp> {
        self.stamps.get(file).copied().flatten()
    }

    pub(super) fn synced(&mut self, cx: &mut Context<'_>, files: Vec<Option<FileStamp>>) {
        let Some(have) = self.resume.syncing.take() else {
            return;
        };
        self.stamps = files;
        // nothing is written any more: at the end of a run, or because nothing is missing
        let quiet = self.verifying.hashing.is_empty() && self.writing == 0;
        let clean = quiet && (matches!(self.phase, Phase::Stopping) || self.is_complete());
        self.resume.durable = Some(have.clone());
        let mut state = self.resume_state(have, &self.layout);
        let mut ops = self.ops.values();
        if ops.any(|op| matches!(op, DiskOp::Arrange | DiskOp::Prepare)) {
            self.promise(&mut state, &self.layout);
        }
        state.clean = clean;
        let data = state.encode();
        self.resume.saving = true;
        self.disk(cx, DiskOp::SaveResume, DiskJob::SaveResume { data });
    }

    pub(super) fn resume_saved(&mut self, cx: &mut Context<'_>) {
        self.resume.saving = false;
        self.resume.failed = false;
        // what is saved now is what was found, also by a check that was to believe nothing
        self.add.trust_resume = true;
        if core::mem::take(&mut self.resume.again) {
            self.save_resume(cx);
        } else if matches!(self.phase, Phase::Stopping) {
            self.close_storage(cx);
        }
    }

    /// A sync or a save failed. The next interval tries again.
    pub(super) fn resume_failed(&mut self) {
        self.resume = Saving {
            durable: self.resume.durable.take(),
            ..Saving::default()
        };
    }

    /// The state could not be saved: its folder may be full or read-only while the download's is not. The download
    /// goes on, the next interval tries again; the user is told once.
    pub(super) fn save_failed(&mut self, cx: &mut Context<'_>, error: DiskError) {
        let told = core::mem::replace(&mut self.resume.failed, true);
        self.resume_failed();
        self.resume.failed = true;
        self.resume.dirty(cx.now);
        if !told {
            let retry_at = Some(cx.now + self.resume_interval);
            self.report(
                cx,
                Report::DiskFailed {
                    torrent: self.id,
                    error,
                    retry_at,
                },
            );
        }
    }

    /// Whether a sync or a save is under way.
    pub(super) fn resume_busy(&self) -> bool {
        self.resume.busy()
    }

    pub(super) fn resume_deadline(&self) -> Option<Instant> {
        let active = matches!(self.phase, Phase::Active) && !self.resume.busy();
        if active {
            self.resume.dirty_since.map(|since| since + self.resume_interval)
        } else {
            None
        }
    }

    pub(super) fn resume_timeout(&mut self, cx: &mut Context<'_>) {
        if self.resume_deadline().is_some_and(|at| cx.now >= at) {
            self.save_resume(cx);
        }
    }
}
