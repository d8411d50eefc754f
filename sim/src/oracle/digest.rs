//! A 64-bit digest of all that goes in and out of an engine.

use seedbed_engine::disk::{DiskDone, DiskJob};
use seedbed_engine::time::Instant;
use seedbed_engine::{Action, Command, Event, Report};
use std::fmt::{Debug, Write};

/// Words mixed by multiplication and rotation: fast and well spread, not meant against an enemy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    /// The digest so far.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// Adds a number.
    pub const fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29);
    }

    /// Adds bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last));
    }

    /// Adds anything, by what it prints: for what is rare.
    pub fn debug(&mut self, what: &impl Debug) {
        // writing to a digest cannot fail
        let _ = write!(self, "{what:?}");
    }

    pub(crate) fn event(&mut self, now: Instant, event: &Event<'_>) {
        self.word(now.as_micros());
        match event {
            Event::Tick => self.word(1),
            // all of the torrent in words would cost more than the rest of a small run
            Event::Command(Command::Add(add)) => {
                self.word(6);
                self.bytes(&add.source.info_hash().0);
            }
            Event::Received { conn, data } => {
                self.word(2 ^ conn.as_u64());
                self.bytes(data);
            }
            Event::Sent { conn, bytes } => {
                self.word(3 ^ conn.as_u64());
                self.word(*bytes);
            }
            Event::DiskDone { op, result } => {
                self.word(4 ^ (op.0 << 8));
                match result {
                    Ok(DiskDone::Read(block)) => self.bytes(block.as_bytes()),
                    Ok(DiskDone::Hash(digest)) => self.bytes(digest),
                    Ok(DiskDone::Written) => self.word(5),
                    other => self.debug(other),
                }
            }
            other => self.debug(other),
        }
    }

    /// A run is the same run whether it is told or not, so what is only told does not count.
    pub(crate) fn action(&mut self, action: &Action) {
        match action {
            trace if trace.is_trace() => {}
            Action::Report(Report::PieceVerified {
                torrent,
                piece,
                have,
                pieces: _,
            }) => {
                self.word(16 ^ (u64::from(torrent.0) << 8));
                self.word(u64::from(piece.0) << 32 | u64::from(*have));
            }
            Action::Send { conn, head, body } => {
                self.word(11 ^ conn.as_u64());
                self.bytes(head);
                if let Some(body) = body {
                    self.bytes(body.as_bytes());
                }
            }
            Action::Read { conn, budget } => {
                self.word(12 ^ conn.as_u64());
                self.word(u64::from(*budget));
            }
            Action::Disk { op, torrent: _, job } => {
                self.word(13 ^ (op.0 << 8));
                match job {
                    DiskJob::Write { range, data } => {
                        self.word(u64::from(range.piece.0) << 32 | u64::from(range.begin));
                        self.bytes(data.as_bytes());
                    }
                    DiskJob::Read { range } => {
                        self.word(u64::from(range.piece.0) << 32 | u64::from(range.begin));
                        self.word(u64::from(range.length));
                    }
                    DiskJob::Hash { piece } => self.word(14 ^ (u64::from(piece.0) << 8)),
                    DiskJob::Open { .. } => self.word(15),
                    DiskJob::Arrange { layout } => {
                        let skipped = layout.files().iter().map(|file| file.skipped);
                        skipped.for_each(|skipped| self.word(skipped.into()));
                    }
                    other => self.debug(other),
                }
            }
            other => self.debug(other),
        }
    }
}

impl Write for Digest {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.bytes(text.as_bytes());
        Ok(())
    }
}
