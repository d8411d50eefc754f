//! What the user asks of the engine, and what the oracles expect from then on.

use super::watch::Watch;
use seedbed_engine::Command;
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::id::{ConnId, PieceIndex};
use seedbed_engine::priority::Priority;

impl Watch {
    pub(crate) fn command(&mut self, command: &Command) {
        self.note(command);
        self.owes_after(command);
    }

    fn note(&mut self, command: &Command) {
        match command {
            Command::Add(add) => {
                self.wants(&add.priorities);
                self.moment("started", None);
            }
            Command::Pause(_) => {
                self.paused = true;
                self.paused_have = Some(self.have.clone());
                self.announces.stopping();
            }
            Command::Resume(_) => {
                if std::mem::take(&mut self.paused) {
                    self.announces.begin_again();
                }
            }
            Command::Recheck(_) => self.may_shrink = true,
            Command::Reannounce(_) => self.announces.disturbed(),
            Command::Remove(_) | Command::Shutdown => {
                self.removed |= matches!(command, Command::Remove(_));
                self.announces.stopping();
                self.moment("stopping", None);
                if matches!(command, Command::Shutdown) {
                    self.story.shutdown_at = Some(self.now);
                }
            }
            Command::SetLimits(limits) => {
                self.slots = limits.slots.unwrap_or(self.slots).max(self.slots);
                self.rates_change(limits.rate_down, limits.rate_up);
            }
            Command::SetTorrentLimits(_, limits) => {
                self.slots = limits.slots.unwrap_or(self.slots).max(self.slots);
                self.rates_change(limits.rate_down, limits.rate_up);
            }
            Command::ProbeTracker(_) => self.announces.scraped(),
            Command::SetPriorities(_, priorities) => {
                // what came of a piece that is wanted no more is given up
                self.heard_doubted();
                self.wants(priorities);
            }
            Command::Fetch { .. } => self.fetches(),
            Command::AddPeer(_, addr) => self.name_is(&[addr.ip()]),
            Command::SetSequential(..) | Command::SetDeadlines(..) => {}
        }
    }

    /// Which files the user wants: a piece is wanted with any of its files.
    fn wants(&mut self, priorities: &[Priority]) {
        self.wanted = Bitfield::new(self.geometry.pieces());
        let length = u64::from(self.geometry.piece_length());
        let metainfo = self.setup.metainfo.clone();
        let files = metainfo.layout.files().iter().enumerate();
        for (n, file) in files.filter(|(_, file)| !file.pad && file.length > 0) {
            if priorities.get(n).copied().unwrap_or_default() == Priority::Skip {
                continue;
            }
            let (first, last) = (file.offset / length, (file.offset + file.length - 1) / length);
            for piece in first..=last {
                self.wanted.insert(PieceIndex(piece as u32));
            }
        }
        // what had come of a piece that is wanted no more may be forgotten
        for piece in self.geometry.piece_indices() {
            if !self.wanted.contains(piece) && !self.have.contains(piece) {
                self.blocks.doubt(piece);
            }
        }
        let ids: Vec<ConnId> = self.conns.keys().copied().collect();
        ids.into_iter().for_each(|id| self.touch(id));
    }
}
