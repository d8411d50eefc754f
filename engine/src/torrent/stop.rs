//! Pausing and ending: connections closed, trackers told, state saved, files closed.

use super::disk::DiskOp;
use super::{Context, Output, Phase, Purpose, Torrent, TorrentSource};
use crate::disk::DiskJob;
use crate::rng::Rng;
use crate::session::End;
use serde::{Deserialize, Serialize};

/// What of the end has already happened.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Stop {
    closing: bool,
    disk_closed: bool,
    /// The announcer has said all that it had to say.
    pub(super) trackers_told: bool,
    /// The user wants it gone, not the program.
    pub(super) removed: bool,
}

impl Torrent {
    /// Closes its connections and tells its trackers; its state stays.
    pub fn pause(&mut self, cx: &mut Context<'_>) {
        if self.paused || matches!(self.phase, Phase::Stopping | Phase::Gone) {
            return;
        }
        self.paused = true;
        self.end_all(cx, End::TorrentStopped);
        self.announce_stop(cx);
        if self.knows_its_disk() {
            self.save_resume(cx);
        }
        self.tell_state(cx);
    }

    /// Whether it takes one of the places of downloads.
    pub fn needs_place(&self) -> bool {
        let works = match &self.phase {
            Phase::Metadata(_) | Phase::Opening | Phase::Checking(_) | Phase::Preparing => true,
            // whoever chooses does so at once, and would find the place taken
            Phase::Choosing => true,
            Phase::Active => !self.is_complete(),
            Phase::DiskFailed { retry_at, .. } => retry_at.is_some(),
            Phase::Queued(_) | Phase::Failed { .. } | Phase::Stopping | Phase::Gone => false,
        };
        works && !self.paused && self.add.purpose == Purpose::Download
    }

    /// Whether it has not begun because no place was free.
    pub const fn waits_for_place(&self) -> bool {
        matches!(self.phase, Phase::Queued(_)) && !self.paused
    }

    /// Begins, unless there is a limit on downloads: then the engine says when.
    pub(super) fn begin_or_wait(&mut self, cx: &mut Context<'_>) {
        if self.add.purpose == Purpose::Download && cx.config.active_max.is_some() {
            self.tell_state(cx);
        } else {
            self.begin(cx);
        }
    }

    /// A place is free.
    pub fn begin(&mut self, cx: &mut Context<'_>) {
        let Phase::Queued(rng) = &self.phase else {
            return;
        };
        match &self.add.source {
            TorrentSource::Metainfo(_) => self.open(cx),
            TorrentSource::Magnet(magnet) => {
                let (magnet, rng) = (magnet.clone(), Rng::clone(rng));
                self.begin_metadata(cx, &magnet, rng);
            }
        }
    }

    /// Goes on after a pause, a storage failure, or a problem that the user solved.
    pub fn resume(&mut self, cx: &mut Context<'_>) {
        self.paused = false;
        match &self.phase {
            Phase::DiskFailed { .. } => self.retry_disk(cx),
            Phase::Checking(_) => self.check_resumed(cx),
            // the user may have moved the file that was in the way
            Phase::Failed { .. } if self.knows_metadata() => self.open(cx),
            Phase::Active => {
                self.candidates.retry_now(!self.is_complete());
                self.announce_start(cx);
            }
            Phase::Metadata(fetching) if !fetching.is_loading() => {
                self.candidates.retry_now(true);
                self.announce_start(cx);
            }
            Phase::Choosing => self.announce_start(cx),
            // metadata that cannot be used never can be: a hash has one meaning
            Phase::Metadata(_)
            | Phase::Queued(_)
            | Phase::Failed { .. }
            | Phase::Opening
            | Phase::Preparing
            | Phase::Stopping
            | Phase::Gone => {}
        }
        self.tell_state(cx);
    }

    /// Ends the torrent.
    pub fn stop(&mut self, cx: &mut Context<'_>, removed: bool) {
        if matches!(self.phase, Phase::Stopping | Phase::Gone) {
            return;
        }
        self.stop.removed = removed;
        if matches!(self.phase, Phase::Queued(_) | Phase::Choosing) {
            // its storage was never opened
            (self.stop.closing, self.stop.disk_closed) = (true, true);
        }
        let known = self.knows_its_disk();
        self.end_all(
            cx,
            if removed {
                End::TorrentStopped
            } else {
                End::Shutdown
            },
        );
        self.enter(cx, Phase::Stopping);
        self.announce_stop(cx);
        if known {
            self.save_resume(cx);
        }
        // also when it is not open yet: jobs are done in order, so that it is closed behind its opening
        if !self.resume_busy() {
            self.close_storage(cx);
        }
        self.gone_if_all_is_done(cx);
    }

    /// Whether what is verified is all that there is. During a check it is not: the saved state stays as it was.
    const fn knows_its_disk(&self) -> bool {
        matches!(
            self.phase,
            Phase::Active | Phase::DiskFailed { .. } | Phase::Preparing
        )
    }

    pub(super) fn close_storage(&mut self, cx: &mut Context<'_>) {
        if core::mem::replace(&mut self.stop.closing, true) {
            return;
        }
        if self.knows_metadata() && self.add.purpose != Purpose::Metadata {
            self.disk(cx, DiskOp::Close, DiskJob::Close);
        } else {
            // nothing was ever opened
            self.stop.disk_closed = true;
        }
    }

    pub(super) fn disk_closed(&mut self, cx: &mut Context<'_>) {
        self.stop.disk_closed = true;
        self.gone_if_all_is_done(cx);
    }

    /// Whether the user wanted it gone.
    pub const fn is_removed(&self) -> bool {
        self.stop.removed
    }

    pub(super) fn gone_if_all_is_done(&mut self, cx: &mut Context<'_>) {
        if matches!(self.phase, Phase::Stopping) && self.stop.disk_closed && self.announce_is_over() {
            self.phase = Phase::Gone;
            cx.out.push(Output::Gone);
        }
    }
}
