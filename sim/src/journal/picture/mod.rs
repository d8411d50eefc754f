//! A recorded run as one page: rates, trackers, a lane a peer, pieces. It needs nothing but a browser.
//!
//! Everything is collected while the journal is played, then bounded: a page has so many buckets, lanes, cells and
//! events at the most, so that it stays below 3 MiB whatever the run was. What found no room is counted and said.

mod data;
mod events;
mod html;
mod lanes;
mod pieces;
mod report;
#[cfg(test)]
mod tests;
mod wire;

use super::Player;
use super::player::Seen;
use crate::tell::Names as _;
use data::{Data, Totals, Tracker};
use events::{Events, Rank};
use lanes::Lanes;
use pieces::Pieces;
use seedbed_engine::id::TorrentId;
use seedbed_engine::journal::{Journal, JournalError};
use seedbed_engine::net::printable;
use seedbed_engine::time::Instant;
use seedbed_engine::{Action, Event, Report};
use std::collections::BTreeMap;

/// Buckets of the rates at the most.
const BUCKETS_MAX: u64 = 600;
/// The narrowest bucket, in milliseconds.
const BUCKET_MIN: u64 = 10;
/// Cells of all piece maps together.
const CELLS_MAX: usize = 8_192;
/// Piece maps and trackers.
const TORRENTS_MAX: usize = 16;
const TRACKERS_MAX: usize = 32;
const TEXT_MAX: usize = 200;

/// The page of a journal.
///
/// # Errors
/// When the bytes are no journal, or a damaged one.
pub fn draw(bytes: &[u8]) -> Result<String, JournalError> {
    let journal = Journal::read(bytes)?;
    Ok(collect(&journal).into_page())
}

/// Plays a journal to its end.
fn collect(journal: &Journal<'_>) -> Picture {
    let mut picture = Picture::new(journal);
    let mut player = Player::new(journal);
    while let Some(seen) = player.step() {
        picture.step(&seen);
    }
    picture
}

/// What is drawn, collected while a journal is played.
#[derive(Clone, Debug)]
pub struct Picture {
    data: Data,
    events: Events,
    lanes: Lanes,
    torrents: BTreeMap<TorrentId, (Pieces, Totals)>,
    trackers: BTreeMap<String, Tracker>,
    /// When the figures are taken next.
    sample_at: u64,
}

impl Picture {
    /// Nothing was played yet.
    pub fn new(journal: &Journal<'_>) -> Self {
        let header = journal.header();
        let duration = millis(journal.duration());
        let bucket = bucket(duration);
        let buckets = (duration / bucket + 1) as usize;
        Self {
            data: Data {
                what: printable(&header.what, TEXT_MAX),
                version: printable(&format!("{}, commit {}", header.engine, header.commit), TEXT_MAX),
                duration,
                whole: journal.is_whole(),
                bucket,
                down: vec![0; buckets],
                up: vec![0; buckets],
                ..Data::default()
            },
            events: Events::default(),
            lanes: Lanes::default(),
            torrents: BTreeMap::new(),
            trackers: BTreeMap::new(),
            sample_at: 0,
        }
    }

    /// Takes note of a step.
    pub fn step(&mut self, seen: &Seen<'_>) {
        let (played, cast) = (&seen.played, seen.cast);
        let at = millis(played.step.at);
        self.data.steps += 1;
        if let Event::Accepted { conn, from } = &played.step.event {
            self.lanes.begin(at, *conn, *from, cast.address(*from), false);
        }
        let mut telling = false;
        for action in played.actions {
            match action {
                Action::Connect { conn, to, .. } if !played.engine.is_http(*conn) => {
                    self.lanes.begin(at, *conn, *to, cast.address(*to), true);
                }
                Action::Report(report) => {
                    telling |= matches!(report, Report::State { .. } | Report::PeerClosed { .. });
                    self.report(at, played.step.at, cast, played.engine, report);
                }
                _ => {}
            }
        }
        if telling || at >= self.sample_at {
            self.sample(played.step.at, played.engine);
            self.name_trackers(cast);
        }
        if let Some(mismatch) = &played.mismatch {
            let text = format!("from here on the engine does something else than it did: {mismatch:?}");
            self.events.add(Rank::Verdict, at, "note", "", &text);
        }
    }

    /// The page of what was played.
    pub fn into_page(self) -> String {
        html::page(&self.into_data())
    }

    fn into_data(self) -> Data {
        let mut data = self.data;
        let (peers, left_out, reasons, merge) = self.lanes.end(data.duration, data.down.len());
        (data.peers, data.peers_left_out, data.reasons) = (peers, left_out, reasons);
        data.lane_bucket = data.bucket * u64::from(merge);
        (data.events, data.events_left_out) = self.events.end();
        let cells = CELLS_MAX / self.torrents.len().clamp(1, TORRENTS_MAX);
        for (pieces, totals) in self.torrents.values() {
            if data.torrents.len() < TORRENTS_MAX {
                data.torrents.push(pieces.end(cells));
            }
            data.totals.add(totals);
        }
        data.trackers = self.trackers.into_values().take(TRACKERS_MAX).collect();
        data
    }
}

/// The width of a bucket: 1, 2 or 5 times a power of ten, so that there are few enough.
fn bucket(duration: u64) -> u64 {
    let mut width = BUCKET_MIN;
    loop {
        for bucket in [1, 2, 5].map(|factor| width.saturating_mul(factor)) {
            if duration / bucket < BUCKETS_MAX {
                return bucket;
            }
        }
        width = width.saturating_mul(10);
    }
}

const fn millis(at: Instant) -> u64 {
    at.as_micros() / 1_000
}
