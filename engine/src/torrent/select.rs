//! Which files the user wants: the pieces that follow from it, and where storage keeps what comes of the others.
//!
//! A piece is wanted as much as the most wanted of its files. A file that is not wanted is not made; what its pieces
//! share with wanted files lies in a file of parts, hidden beside them, and is moved when the file is wanted later.
//! A file that is there and that we may write to stays in use when it is no longer wanted.
//!
//! Invariant: `Torrent::layout` is the one that storage was last told of.

use super::disk::DiskOp;
use super::{Context, Phase, Purpose, Torrent};
use crate::bitfield::Bitfield;
use crate::config::Config;
use crate::disk::DiskJob;
use crate::geometry::Geometry;
use crate::id::PieceIndex;
use crate::layout::Layout;
use crate::magnet::Magnet;
use crate::marks::Mark;
use crate::metainfo::Metainfo;
use crate::picker::Picker;
use crate::priority::Priority;
use crate::report::Report;
use crate::resume::Resume;
use crate::rng::Rng;
use crate::time::Duration;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::add::AddTorrent;

/// How much a file is wanted.
pub(super) fn priority_of(add: &AddTorrent, file: usize) -> Priority {
    if add.purpose == Purpose::Download {
        add.priorities.get(file).copied().unwrap_or_default()
    } else {
        Priority::Normal
    }
}

/// How much each piece is wanted: as much as the most wanted of its files.
pub(super) fn piece_priorities(add: &AddTorrent, layout: &Layout, geometry: &Geometry) -> Vec<Priority> {
    let mut pieces = vec![Priority::Skip; geometry.pieces() as usize];
    for (file, known) in layout.files().iter().enumerate() {
        if known.pad || layout.parts_file() == Some(file) {
            continue;
        }
        let priority = priority_of(add, file);
        for piece in layout.file_pieces(file, geometry) {
            if let Some(of_piece) = pieces.get_mut(piece as usize) {
                *of_piece = priority.max(*of_piece);
            }
        }
    }
    pieces
}

/// What a magnet link selects (BEP 53 `so`), once the files are known. All files, if it names none that is there.
pub(super) fn named_by_link(magnet: &Magnet, layout: &Layout) -> Vec<Priority> {
    let Some(ranges) = &magnet.select_only else {
        return Vec::new();
    };
    let named = |file: usize| {
        ranges
            .iter()
            .any(|range| u32::try_from(file).is_ok_and(|file| range.contains(&file)))
    };
    let files = layout.files().iter().enumerate();
    if !files.clone().any(|(file, known)| !known.pad && named(file)) {
        return Vec::new();
    }
    let priority = |file| {
        if named(file) {
            Priority::Normal
        } else {
            Priority::Skip
        }
    };
    files.map(|(file, _)| priority(file)).collect()
}

/// The pieces that are to be fetched.
pub(super) fn wanted(add: &AddTorrent, geometry: &Geometry) -> Bitfield {
    let pieces = geometry.pieces();
    match (add.purpose, &add.only_pieces) {
        (Purpose::Seed, _) => Bitfield::new(pieces),
        (Purpose::Download | Purpose::Metadata | Purpose::Check, None) => Bitfield::full(pieces),
        (Purpose::Download | Purpose::Metadata | Purpose::Check, Some(only)) => {
            let mut set = Bitfield::new(pieces);
            for piece in only {
                set.insert(*piece);
            }
            set
        }
    }
}

/// A picker that knows what the user wants from the beginning. For a link it begins anew when its files are known.
pub(super) fn picker(
    config: &Config,
    add: &AddTorrent,
    metainfo: &Metainfo,
    geometry: &Geometry,
    rng: Rng,
) -> Picker {
    let mut picker = Picker::new(*geometry, config.picker.clone(), rng);
    picker.set_wanted(&wanted(add, geometry));
    if add.purpose == Purpose::Download && add.only_pieces.is_none() && !add.priorities.is_empty() {
        picker.set_priorities(&piece_priorities(add, &metainfo.layout, geometry));
    }
    if add.sequential {
        picker.set_sequential(true);
    }
    picker
}

/// The layout that a torrent begins with: as its metainfo has it, with a place for parts.
pub(super) fn first_layout(metainfo: &Metainfo, geometry: &Geometry) -> Arc<Layout> {
    let layout = &metainfo.layout;
    let folder = layout.files().first().and_then(|file| file.path.split_once('/'));
    let parts = folder.and_then(|(folder, _)| {
        let path: String = format!("{folder}/.{}.parts", metainfo.info_hash);
        layout.with_parts(geometry, path)
    });
    parts.map_or_else(|| layout.clone(), Arc::new)
}

impl Torrent {
    /// Storage told which files are there: those that are not, and that nobody wants or whose parts lie elsewhere, are
    /// skipped. So is one that is there, is not wanted and was not made by us.
    pub(super) fn place_files(&mut self, cx: &mut Context<'_>, resume: Option<&Resume>) {
        let there = |file: usize| self.stamps.get(file).is_some_and(Option::is_some);
        let ours = |file: usize| resume.is_some_and(|resume| resume.vouches(file));
        let parts = self.layout.parts_file().is_some_and(there);
        let by_others = |file: &usize| there(*file) && !ours(*file);
        let known = parts || resume.is_some();
        self.made_by_others = (0..self.layout.files().len())
            .filter(|file| known && by_others(file))
            .collect();
        if self.add.purpose == Purpose::Check || self.layout.parts_file().is_none() {
            return;
        }
        let skipped: BTreeSet<usize> = (0..self.layout.files().len())
            .filter(|file| {
                let wanted = priority_of(&self.add, *file) != Priority::Skip;
                if wanted {
                    parts && !there(*file)
                } else {
                    !there(*file) || !ours(*file)
                }
            })
            .collect();
        let layout = self.layout.skipping(|file| skipped.contains(&file));
        self.arrange(cx, layout);
    }

    /// Every file that is wanted now is to be made, and nothing of it lies elsewhere any more.
    pub(super) fn wanted_layout(&self) -> Layout {
        let skipped = |file: usize| {
            let was = self.layout.files().get(file).is_some_and(|file| file.skipped);
            was && priority_of(&self.add, file) == Priority::Skip
        };
        self.layout.skipping(skipped)
    }

    /// Tells storage where bytes lie from now on, if that changes.
    pub(super) fn arrange(&mut self, cx: &mut Context<'_>, layout: Layout) {
        if *self.layout != layout || self.misplaced {
            self.marks.hit(if layout.skips() {
                Mark::FilesSkipped
            } else {
                Mark::PartsMoved
            });
            self.layout = Arc::new(layout);
            self.misplaced = false;
            let layout = self.layout.clone();
            self.disk(cx, DiskOp::Arrange, DiskJob::Arrange { layout });
        }
    }

    /// Changes how much each file is wanted.
    pub fn set_priorities(&mut self, cx: &mut Context<'_>, priorities: Vec<Priority>) {
        if self.add.purpose != Purpose::Download {
            return;
        }
        self.add.priorities = priorities;
        self.add.waits_for_choice = false;
        if matches!(self.phase, Phase::Choosing) {
            // from here on it is as if the files had been named with it
            self.open(cx);
            return self.want_pieces(cx);
        }
        let was_complete = self.is_complete();
        self.want_pieces(cx);
        // before its files are made they are placed anyway
        let placed = match self.phase {
            Phase::Preparing | Phase::Active => true,
            // what is there may be another folder
            Phase::DiskFailed { .. } => !self.stamps.is_empty(),
            Phase::Queued(_)
            | Phase::Metadata(_)
            | Phase::Choosing
            | Phase::Opening
            | Phase::Checking(_)
            | Phase::Failed { .. }
            | Phase::Stopping
            | Phase::Gone => false,
        };
        if placed {
            let layout = self.wanted_layout();
            let grows = layout != *self.layout;
            if grows {
                self.claim_files(cx, &layout);
            }
            self.arrange(cx, layout);
            if grows {
                self.disk(cx, DiskOp::Prepare, DiskJob::Prepare);
            }
        }
        self.follow_completeness(cx, was_complete);
        self.resume.dirty(cx.now);
        self.dirty.extend(self.sessions.keys().copied());
        self.tell_state(cx);
    }

    /// A piece that was on its way when it ceased to be wanted was wrong, and is not fetched again.
    pub(super) fn want_fewer(&mut self, cx: &mut Context<'_>) {
        let was_complete = self.is_complete();
        self.want_pieces(cx);
        self.follow_completeness(cx, was_complete);
    }

    /// Other pieces are wanted: by that a torrent may be complete, or no longer so.
    fn follow_completeness(&mut self, cx: &mut Context<'_>, was_complete: bool) {
        match (was_complete, self.is_complete()) {
            (true, false) => {
                self.completed.told = false;
                // seeds were sent away, and are of use again
                self.candidates.retry_now(true);
                self.tell_upload_only(cx, false);
            }
            (false, true) if matches!(self.phase, Phase::Active) && !self.paused => {
                self.completed.told = true;
                self.report(cx, Report::Completed { torrent: self.id });
                self.tell_upload_only(cx, true);
            }
            (true, true) | (false, false | true) => {}
        }
    }

    /// Tells the picker which pieces are wanted. Requests that are void by that are taken back.
    fn want_pieces(&mut self, cx: &mut Context<'_>) {
        let mut priorities = piece_priorities(&self.add, &self.layout, &self.geometry);
        self.verifying.unwanted.clear();
        for (piece, priority) in self.geometry.piece_indices().zip(&mut priorities) {
            let in_work = self.verifying.hashing.contains(&piece) || self.verifying.unhashed.contains(&piece);
            if *priority != Priority::Skip {
                continue;
            }
            if in_work {
                // all its blocks are there: it is about to be had
                *priority = Priority::Low;
                self.verifying.unwanted.insert(piece);
            } else if !self.picker.have().contains(piece) {
                // what came of it is given up
                self.blocks_are_lost(piece);
                self.blame.forget(piece);
            }
        }
        for (conn, range) in self.picker.set_priorities(&priorities) {
            if let Some(peer) = self.sessions.get_mut(&conn) {
                peer.session.cancel(cx.now, range);
            }
        }
    }

    /// Pieces are fetched in their order, or not.
    pub fn set_sequential(&mut self, sequential: bool) {
        self.add.sequential = sequential;
        self.picker.set_sequential(sequential);
        self.dirty.extend(self.sessions.keys().copied());
    }

    /// Pieces are needed in so long, or at no certain time. What is had, or is not wanted, has no deadline.
    pub fn set_deadlines(&mut self, cx: &mut Context<'_>, deadlines: &[(PieceIndex, Option<Duration>)]) {
        for (piece, within) in deadlines {
            self.picker
                .set_deadline(*piece, within.map(|within| cx.now + within));
        }
        self.dirty.extend(self.sessions.keys().copied());
    }

    pub(super) fn tell_upload_only(&mut self, cx: &mut Context<'_>, upload_only: bool) {
        for peer in self.sessions.values_mut() {
            peer.session.send_upload_only(cx.now, upload_only);
        }
    }

    /// Bytes of the wanted pieces.
    pub(super) fn wanted_bytes(&self) -> u64 {
        match self.add.purpose {
            Purpose::Seed => self.geometry.total(),
            Purpose::Download | Purpose::Metadata | Purpose::Check => self.bytes_of(self.picker.wanted()),
        }
    }

    /// Bytes of the verified pieces among the wanted ones.
    pub(super) fn wanted_verified(&self) -> u64 {
        match self.add.purpose {
            Purpose::Seed => self.verified,
            Purpose::Download | Purpose::Metadata | Purpose::Check => self
                .wanted_bytes()
                .saturating_sub(self.bytes_of(self.picker.missing())),
        }
    }

    /// Bytes of a set of pieces; only the last one may be shorter.
    fn bytes_of(&self, set: &Bitfield) -> u64 {
        let last = PieceIndex(self.geometry.pieces().saturating_sub(1));
        let whole = u64::from(set.count()) * u64::from(self.geometry.piece_length());
        let short = self.geometry.piece_length() - self.geometry.length_of(last);
        whole - if set.contains(last) { u64::from(short) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::LayoutFile;

    #[test]
    fn a_link_selects_files_by_their_numbers() {
        let file = |n: u64| LayoutFile::data(format!("folder/{n}"), n + 1);
        let layout = Layout::new((0..4).map(file).collect()).unwrap();
        let named = |so: &str| {
            let link = format!("magnet:?xt=urn:btih:{}{so}", "ab".repeat(20));
            named_by_link(&Magnet::parse(&link).unwrap(), &layout)
        };
        use Priority::{Normal, Skip};
        assert_eq!(named("&so=0,2-3"), [Normal, Skip, Normal, Normal]);
        assert_eq!(named("&so=1"), [Skip, Normal, Skip, Skip]);
        assert_eq!(named(""), [], "all files");
        assert_eq!(named("&so=9"), [], "none of them is there, so all");
    }
}
