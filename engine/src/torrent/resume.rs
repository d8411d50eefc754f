//! Keeping the saved state: synced before it says "have", written at intervals and at the end.

use super::disk::DiskOp;
use super::{Context, Phase, Purpose, Torrent};
use crate::bitfield::Bitfield;
use crate::disk::{DiskError, DiskJob, FileStamp};
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

    /// Saves which files are about to be made, with nothing verified. Storage keeps the order of its jobs, so nobody waits
    /// for it, and a failure is one of saving.
    pub(super) fn claim_files(&mut self, cx: &mut Context<'_>) {
        if self.resume.busy() {
            return;
        }
        let files = self.layout.files().iter().enumerate();
        let claimed = files.map(|(n, file)| {
            let there = self.stamps.get(n).copied().flatten();
            (!file.pad && !file.skipped).then(|| there.unwrap_or(resume::TO_BE_MADE))
        });
        let files = claimed.collect();
        let nothing = Bitfield::new(self.geometry.pieces());
        self.save(cx, nothing, files, false);
    }

    fn save(&mut self, cx: &mut Context<'_>, have: Bitfield, files: Vec<Option<FileStamp>>, clean: bool) {
        let state = Resume {
            info_hash: self.metainfo.info_hash,
            have,
            files,
            clean,
            uploaded: self.traffic.uploaded,
            downloaded: self.traffic.ledger.payload(),
        };
        self.resume.saving = true;
        let data = state.encode();
        self.disk(cx, DiskOp::SaveResume, DiskJob::SaveResume { data });
    }

    pub(super) fn synced(&mut self, cx: &mut Context<'_>, files: Vec<Option<FileStamp>>) {
        let Some(have) = self.resume.syncing.take() else {
            return;
        };
        self.stamps = files;
        // nothing is written any more: at the end of a run, or because nothing is missing
        let quiet = self.verifying.hashing.is_empty() && self.writing == 0;
        let clean = quiet && (matches!(self.phase, Phase::Stopping) || self.is_complete());
        self.save(cx, have, self.stamps.clone(), clean);
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
        self.resume = Saving::default();
    }

    /// The state could not be saved: its folder may be full or read-only while the download's is not. The download
    /// goes on, the next interval tries again; the user is told once.
    pub(super) fn save_failed(&mut self, cx: &mut Context<'_>, error: DiskError) {
        if matches!(self.phase, Phase::Preparing) {
            // the next save follows at once, and is told about
            return self.resume_failed();
        }
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
