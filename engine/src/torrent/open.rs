//! From nothing to active: what is on the disk, what of it may be trusted, what has to be hashed, making the files.
//!
//! A saved resume state is believed as far as it can be checked: after a clean stop every file must still have the
//! length and modification time of then. After a kill that holds only for files that were whole, since we write to
//! those no more; of a file that we were still writing, the synced pieces are believed while it has become neither
//! shorter nor older, for what others wrote to it cannot be told from what we did. Every other piece whose bytes are
//! there is hashed (`check`). So nothing verified is fetched twice and nothing doubtful is trusted.
//!
//! A download whose files were there and are all gone waits for them: the folder is then the place where a drive is
//! mounted when it is connected, and must not become an empty download.

use super::check::Checking;
use super::disk::DiskOp;
use super::{Context, Phase, Purpose, Torrent};
use crate::bitfield::Bitfield;
use crate::disk::{DiskError, DiskFault, DiskJob, FileStamp};
use crate::id::PieceIndex;
use crate::marks::Mark;
use crate::report::Report;
use crate::resume::Resume;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

impl Torrent {
    pub(super) fn open(&mut self, cx: &mut Context<'_>) {
        self.forget_everything();
        self.layout = super::select::first_layout(&self.metainfo, &self.geometry);
        let job = DiskJob::Open {
            root: self.add.root.clone(),
            layout: self.layout.clone(),
            geometry: self.geometry,
            info_hash: self.metainfo.info_hash,
        };
        self.disk(cx, DiskOp::Open, job);
        self.enter(cx, Phase::Opening);
    }

    /// The disk is about to be looked at: nothing that was believed of it counts any more. Blocks of pieces in work
    /// are asked for again, or bytes that somebody else changed would be blamed on the peers that sent them.
    fn forget_everything(&mut self) {
        // late answers find nothing; only the bytes of writes are still counted
        self.ops.retain(|_, op| matches!(op, DiskOp::Write(_)));
        self.stamps.clear();
        self.resume = super::resume::Saving::default();
        self.verifying.forget_pieces();
        self.blocks_are_forgotten();
        for piece in self.geometry.piece_indices() {
            self.forget_piece(piece);
            self.picker.piece_failed(piece);
            self.blame.forget(piece);
        }
    }

    /// Storage told what is there.
    pub(super) fn opened(
        &mut self,
        cx: &mut Context<'_>,
        files: Vec<Option<FileStamp>>,
        resume: Option<Vec<u8>>,
    ) {
        if !matches!(self.phase, Phase::Opening) {
            return;
        }
        self.stamps = files;
        let pieces = self.geometry.pieces();
        let resume = resume.filter(|_| self.add.trust_resume && self.add.purpose != Purpose::Check);
        let resume = resume.and_then(
            |bytes| match Resume::decode(&bytes, self.metainfo.info_hash, pieces) {
                Ok(resume) => Some(resume),
                Err(error) => {
                    self.marks.hit(Mark::ResumeUnused);
                    self.note(
                        cx,
                        format!("the saved state is not used, the files are hashed: {error}"),
                    );
                    None
                }
            },
        );
        if let Some(error) = self.missing(resume.as_ref()) {
            self.stamps.clear();
            return self.disk_failed(cx, error);
        }
        // what is there now may be another folder's, until a piece of it is right
        let was_used = self.was_used();
        self.ours |= resume.is_some();
        let foreign = !self.ours || was_used;
        if resume.is_some() {
            self.marks.hit(Mark::ResumeTrusted);
        }
        self.place_files(cx, resume.as_ref());
        let trusted = resume.map_or_else(|| Bitfield::new(pieces), |resume| self.trusted(&resume));
        for piece in trusted.iter() {
            self.mark_verified(piece);
        }
        self.resume.durable = Some(trusted.clone());
        self.check(cx, &trusted, foreign);
    }

    /// Whether the files of a download were in use in this run. Who asks for everything to be hashed again has seen
    /// what became of them.
    fn was_used(&self) -> bool {
        let used = self.ours && self.noted.active_since.is_some();
        used && self.add.trust_resume && self.add.purpose == Purpose::Download
    }

    /// What to tell when the files of a download were there, in this run or when its state was saved, and are all gone.
    fn missing(&self, resume: Option<&Resume>) -> Option<DiskError> {
        let has_any = self.stamps.iter().any(Option::is_some);
        let saved = resume.filter(|resume| !self.add.overwrite && resume.had_files());
        let download = self.add.purpose == Purpose::Download;
        let gone = download && !has_any && (self.was_used() || saved.is_some());
        gone.then(|| self.is_missing(resume))
    }

    /// Nothing of what was there is where it was.
    fn is_missing(&self, resume: Option<&Resume>) -> DiskError {
        let name = crate::net::printable(&self.metainfo.name, super::NAME_SHOWN_MAX);
        let pieces = self.geometry.pieces();
        let had = resume.map_or_else(String::new, |resume| {
            format!(", of which {} of {pieces} pieces were", resume.have.count())
        });
        DiskError {
            fault: DiskFault::Missing,
            text: format!(
                "nothing of {name} is there{had}: is its drive not connected? To begin anew, pass --overwrite"
            ),
        }
    }

    /// The pieces of a saved state that are believed without hashing.
    fn trusted(&self, resume: &Resume) -> Bitfield {
        let believed = |file: usize| -> bool {
            let (Some(now), Some(then)) = (self.stamp(file), resume.stamp(file)) else {
                return false;
            };
            if resume.clean || self.is_whole(&resume.have, file) {
                now == then
            } else {
                now.length >= then.length && now.modified_ns >= then.modified_ns
            }
        };
        let mut trusted = Bitfield::new(self.geometry.pieces());
        for piece in resume.have.iter() {
            let layout = &self.layout;
            let whole = layout
                .spans(self.geometry.bytes_of(piece))
                .all(|span| layout.files()[span.file].pad || believed(span.file));
            if whole && self.is_present(piece) {
                trusted.insert(piece);
            }
        }
        // a file that was there and is not: what it shared lay in it, and its place among the parts is a hole
        let files = self.layout.files().iter().enumerate();
        for (_, gone) in files.filter(|(n, file)| file.skipped && resume.vouches(*n)) {
            for piece in self.geometry.pieces_of(gone.offset..gone.offset + gone.length) {
                trusted.remove(PieceIndex(piece));
            }
        }
        trusted
    }

    /// Whether a set of pieces covers a file.
    fn is_whole(&self, have: &Bitfield, file: usize) -> bool {
        if self.layout.parts_file() == Some(file) {
            // it is written to as long as anything is fetched
            return false;
        }
        let Some(file) = self.layout.files().get(file) else {
            return false;
        };
        let mut pieces = self.geometry.pieces_of(file.offset..file.offset + file.length);
        pieces.all(|piece| have.contains(PieceIndex(piece)))
    }

    /// Whether every byte of a piece lies within a file that is there.
    pub(super) fn is_present(&self, piece: PieceIndex) -> bool {
        let layout = &self.layout;
        layout.spans(self.geometry.bytes_of(piece)).all(|span| {
            let stamp = self.stamp(span.file);
            layout.files()[span.file].pad
                || stamp.is_some_and(|stamp| stamp.length >= span.offset + span.length)
        })
    }

    /// It is known what is there: what follows.
    pub(super) fn check_is_over(&mut self, cx: &mut Context<'_>, foreign: bool, have: u32) {
        match self.add.purpose {
            Purpose::Check | Purpose::Metadata => self.stop(cx, true),
            Purpose::Seed => self.activate(cx),
            Purpose::Download if foreign && self.was_used() && have == 0 => {
                let error = self.is_missing(None);
                self.disk_failed(cx, error);
            }
            Purpose::Download => match self.obstacle(foreign && !self.ours) {
                Some(text) => {
                    self.marks.hit(Mark::ForeignFile);
                    self.withdraw(cx, text);
                }
                None => self.prepare(cx),
            },
        }
    }

    /// A file that a download would damage: longer than the torrent's, or not ours and matching in no piece.
    fn obstacle(&self, foreign: bool) -> Option<String> {
        if self.is_complete() {
            return None;
        }
        let layout = &self.layout;
        for (n, file) in layout.data_files() {
            if layout.parts_file() == Some(n) {
                continue;
            }
            let foreign = foreign || self.made_by_others.contains(&n);
            let Some(stamp) = self.stamp(n) else {
                continue;
            };
            let path = crate::net::printable(&file.path, super::NAME_SHOWN_MAX);
            if stamp.length > file.length {
                return Some(format!(
                    "{path} has {} bytes, the torrent's file {}: it is another file, or a longer version. It was \
                     left as it is; move it away, or choose another folder with -d",
                    stamp.length, file.length
                ));
            }
            let pieces = self.geometry.pieces_of(file.offset..file.offset + file.length);
            let matches = pieces
                .map(PieceIndex)
                .any(|piece| self.picker.have().contains(piece));
            if foreign && stamp.length > 0 && !matches && !self.add.overwrite {
                return Some(format!(
                    "{path} exists, is of no download known here, and matches the torrent in no piece. It was left \
                     as it is; move it away, choose another folder with -d, or pass --overwrite to write over it"
                ));
            }
        }
        None
    }

    /// Makes the files.
    pub(super) fn prepare(&mut self, cx: &mut Context<'_>) {
        let layout = self.wanted_layout();
        self.claim_files(cx, &layout);
        self.arrange(cx, layout);
        self.disk(cx, DiskOp::Prepare, DiskJob::Prepare);
        self.enter(cx, Phase::Preparing);
    }

    /// The files are there.
    pub(super) fn prepared(&mut self, cx: &mut Context<'_>) {
        if matches!(self.phase, Phase::Preparing) {
            self.ours = true;
            self.activate(cx);
        }
    }

    /// From now on the torrent takes part in its swarm, unless it is paused.
    pub(super) fn activate(&mut self, cx: &mut Context<'_>) {
        self.enter(cx, Phase::Active);
        self.noted.active_since.get_or_insert(cx.now);
        self.save_resume(cx);
        for piece in core::mem::take(&mut self.verifying.unhashed) {
            self.hash(cx, piece);
        }
        self.hash_doubtful(cx);
        self.dirty.extend(self.sessions.keys().copied());
        self.completed.counted |= self.have().is_full();
        self.inform_sessions(cx);
        // what a seed wants is what it found; it is complete only if that is everything
        let found = self.add.purpose != Purpose::Seed || self.have().is_full();
        if self.is_complete() && found && !self.completed.told {
            self.completed.told = true;
            self.report(cx, Report::Completed { torrent: self.id });
        }
        if !self.paused {
            self.announce_start(cx);
        }
    }

    /// Counts a piece whose bytes are known to be right.
    pub(super) fn mark_verified(&mut self, piece: PieceIndex) {
        if !self.picker.have().contains(piece) {
            // blocks of it that came while it was not known to be here
            self.blocks_are_lost(piece);
            self.picker.mark_have(piece);
            self.verified += u64::from(self.geometry.length_of(piece));
        }
    }

    /// Hashes everything again.
    pub fn recheck(&mut self, cx: &mut Context<'_>) {
        let under_way = |checking: &Checking| checking.waits_for().is_none();
        if matches!(
            self.phase,
            Phase::Queued(_)
                | Phase::Metadata(_)
                | Phase::Choosing
                | Phase::Opening
                | Phase::Stopping
                | Phase::Gone
        ) || matches!(&self.phase, Phase::Checking(checking) if under_way(checking))
            || !self.knows_metadata()
        {
            return;
        }
        self.end_all(cx, crate::session::End::TorrentStopped);
        self.add.trust_resume = false;
        self.open(cx);
    }

    /// A piece is no longer known to be right.
    pub(super) fn forget_piece(&mut self, piece: PieceIndex) {
        if self.picker.have().contains(piece) {
            self.picker.clear_have(piece);
            self.verified = self
                .verified
                .saturating_sub(u64::from(self.geometry.length_of(piece)));
        }
    }
}
