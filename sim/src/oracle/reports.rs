//! The engine's reports: their order, what they claim, and the branches that they show.

use super::decisions::Decision;
use super::table::Oracle;
use super::watch::Watch;
use seedbed_engine::id::PieceIndex;
use seedbed_engine::time::Instant;
use seedbed_engine::{Report, TorrentState};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Pieces that one address may spoil after the first before it has to be banned: with parole and block digests, each
/// failure either names it or shrinks what it shares with others.
const SPOILED_MAX: u32 = 12;

/// What was told so far in this life.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    pub(crate) added: bool,
    pub(crate) completed: u32,
    pub(crate) shutdown_at: Option<Instant>,
    pub(crate) shut_down: bool,
    /// A pause has been carried out.
    pub(crate) quiet: bool,
    pub(crate) checked: bool,
    /// Nothing was being written when a check began.
    check_alone: bool,
    pub(crate) have: u32,
    /// Who sent all of a piece that has just failed.
    sole: Vec<IpAddr>,
    /// When an address first had a share in a wrong piece, and in how many that were asked for later.
    spoiled: BTreeMap<IpAddr, (Instant, u32)>,
    pub(crate) banned: Vec<IpAddr>,
}

/// What an engine came to, over all of its lives.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// When it first had everything.
    pub complete_at: Option<Instant>,
    /// Announces that it sent, repeated ones too.
    pub announces: u64,
    /// Whom it banned, in that order.
    pub banned: Vec<IpAddr>,
    /// Payload that came in vain, in bytes.
    pub wasted: u64,
    /// Pieces that failed their hash before the first ban.
    pub failed_before_ban: Option<u64>,
}

/// What is told to be left before the metadata is here: anything but 0, and what libtorrent says.
const LEFT_UNKNOWN: u64 = 16 * 1024;

impl Watch {
    pub(crate) fn report(&mut self, report: &Report) {
        self.mark_report(report);
        let added = self.story.added;
        let of_torrent = !matches!(
            report,
            Report::Added { .. }
                | Report::Rejected { .. }
                | Report::ShutDown
                | Report::PeerClosed { .. }
                | Report::Tracker { .. }
                | Report::Lsd { .. }
                | Report::Fetched { .. }
                | Report::TrackerProbed { .. }
        );
        self.verdicts.check(Oracle::I35, !of_torrent || added, || {
            format!("before the torrent was added: {report:?}")
        });
        match report {
            Report::Fetched { result } => self.fetched(result.as_deref()),
            Report::Added { .. } => self.story.added = true,
            Report::Removed { .. } => self.story.added = false,
            Report::State { torrent: _, state } => {
                self.is_link |= matches!(state, TorrentState::Metadata);
                self.enters(state);
            }
            Report::PieceVerified {
                piece, have, pieces, ..
            } => self.verified(*piece, *have, *pieces),
            Report::PieceFailed {
                piece, contributors, ..
            } => self.failed(*piece, contributors),
            Report::Banned { ip, why, .. } => {
                let honest = self.is_honest(*ip) && self.sound_disk;
                self.verdicts.check(Oracle::I12, !honest, || {
                    format!("an honest peer is banned: {why:?}")
                });
                self.decisions.add(self.now, *ip, Decision::Ban);
                self.bans(*ip);
                self.story.banned.push(*ip);
                self.summary.banned.push(*ip);
                let failed = self.traffic.hash_failures;
                self.summary.failed_before_ban.get_or_insert(failed);
            }
            Report::Metadata { .. } => self.believes_metadata(report),
            Report::TrackerOk { url, .. } => self.announces.told_ok(url, &mut self.verdicts),
            Report::Checked {
                have, bad, missing, ..
            } => self.checked(*have, bad, missing),
            Report::Completed { .. } => {
                self.story.completed += 1;
                // `completed` does not wait for an announce that is under way
                self.announces.forgive();
                let full = self.wanted.count_without(&self.proven) == 0;
                self.verdicts.check(Oracle::I35, full, || {
                    "completed is told before every wanted piece is verified".into()
                });
                self.moment("completed", None);
            }
            Report::DiskFailed { .. } => {
                self.may_shrink = true;
                self.moment("disk-failed", None);
            }
            Report::ShutDown => self.shut_down(),
            _ => {}
        }
    }

    /// What a check found, and what it did not: the latter is looked for on a disk that nothing else was done to.
    fn checked(&mut self, have: u32, bad: &[PieceIndex], missing: &[PieceIndex]) {
        self.story.checked = true;
        if self.sound_disk && !self.disk_errors && self.story.check_alone {
            self.not_found.extend(bad.iter().chain(missing));
        }
        self.story.have = have;
    }

    fn enters(&mut self, state: &TorrentState) {
        self.story.quiet = matches!(state, TorrentState::Paused) && self.paused;
        if matches!(state, TorrentState::Metadata) {
            // nobody knows what is left, and 0 would be a lie
            self.announces.left_is(LEFT_UNKNOWN);
        }
        if matches!(state, TorrentState::Checking | TorrentState::Opening) {
            self.may_shrink = true;
            self.story.check_alone = self.writing == 0;
            self.heard_doubted();
            self.geometry
                .piece_indices()
                .for_each(|piece| self.blocks.forget(piece));
        }
        if matches!(state, TorrentState::Failed { .. }) {
            self.gives_metadata_up();
        }
        self.asks_now = true;
        if matches!(state, TorrentState::Downloading) {
            // while it waited, such as for storage, nobody was owed a turn
            self.turn_begins();
        }
        let before = self.state.replace(state.clone());
        self.owes_in_state(before.as_ref());
    }

    /// I1: the engine counts a piece.
    fn verified(&mut self, piece: PieceIndex, have: u32, pieces: u32) {
        let proven = self.is_proven(piece);
        self.verdicts.check(Oracle::I1, proven, || {
            format!("{piece} is told to be verified, its hash was never right")
        });
        let follows = have == self.story.have + 1 || self.may_shrink;
        let before = self.story.have;
        self.verdicts.check(Oracle::I35, follows, || {
            format!("{have} pieces are told after {before}")
        });
        self.story.have = have;
        self.to_compare.push(piece);
        self.moment("piece", None);
        if have * 2 >= pieces && (have - 1) * 2 < pieces {
            self.moment("half-done", None);
        }
        if have + 1 == pieces {
            self.moment("one-piece-left", None);
        }
    }

    /// I13: somebody sent wrong data.
    fn failed(&mut self, piece: PieceIndex, contributors: &[IpAddr]) {
        self.traffic.hash_failures += 1;
        self.heard_failed(piece);
        self.moment("hash-failed", None);
        if let [sole] = contributors
            && self
                .blocks
                .senders(piece)
                .is_some_and(|senders| senders == [*sole])
        {
            self.story.sole.push(*sole);
        }
        for ip in contributors {
            if self.is_honest(*ip) {
                self.verdicts.check(Oracle::I12, true, String::new);
                continue;
            }
            let (first, spoiled) = self.story.spoiled.entry(*ip).or_insert((self.now, 0));
            // what had come or was on its way when the first failed may fail, too
            let first = *first;
            let before = self.blocks.asked_before(piece, first) || self.blocks.came_before(piece, *ip, first);
            *spoiled += u32::from(!before);
            let spoiled = *spoiled;
            let banned = self.story.banned.contains(ip);
            self.verdicts
                .check(Oracle::I13, banned || spoiled <= SPOILED_MAX, || {
                    format!("{spoiled} pieces failed with the same contributor, who is not banned")
                });
        }
    }

    /// Who sent all of a failed piece is banned at once.
    pub(crate) fn sole_senders(&mut self) {
        for ip in std::mem::take(&mut self.story.sole) {
            let banned = self.story.banned.contains(&ip);
            self.verdicts.check(Oracle::I13, banned || !self.sound_disk, || {
                "the only sender of a failed piece is not banned".into()
            });
        }
    }

    fn shut_down(&mut self) {
        let now = self.now;
        let open = self.conns.len();
        self.verdicts.check(Oracle::I34, open == 0, || {
            format!("{open} connections are open after the shutdown")
        });
        let timely = self
            .story
            .shutdown_at
            .is_some_and(|at| now <= at + self.setup.config.shutdown_timeout);
        self.verdicts
            .check(Oracle::I34, timely, || "the shutdown took too long".into());
        self.story.shut_down = true;
    }

    /// Whether the torrent is complete, in the engine's last words.
    pub fn is_complete(&self) -> bool {
        self.have.is_full()
    }

    /// Whether it got as far as it can: a seed whose disk lost pieces serves the rest.
    pub fn is_done(&self) -> bool {
        let seeds = matches!(self.state, Some(TorrentState::Seeding));
        self.removed || self.is_complete() || seeds && (self.disk_errors || !self.sound_disk)
    }

    /// Whether the shutdown that was commanded is over.
    pub const fn is_shut_down(&self) -> bool {
        self.story.shut_down
    }

    /// Who was banned in this life.
    pub fn banned(&self) -> &[IpAddr] {
        &self.story.banned
    }
}

impl Watch {
    /// Events so far.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// A digest of what the engine decided, without sizes and figures.
    pub fn decisions(&self) -> u64 {
        self.decisions.value()
    }

    /// What it came to so far.
    pub fn summary(&self) -> Summary {
        Summary {
            wasted: self.traffic.received.saturating_sub(self.traffic.written),
            ..self.summary.clone()
        }
    }

    /// Bytes that were asked for and came in vain, and those that are explained: each race of the end-game, and each
    /// request that was cancelled or given up for a while and answered all the same.
    pub fn waste(&self) -> (u64, u64) {
        let block = u64::from(self.geometry.block_length());
        let explained = (self.traffic.raced + self.traffic.lost) * block;
        (
            self.traffic.answers.saturating_sub(self.traffic.written),
            explained,
        )
    }
}
