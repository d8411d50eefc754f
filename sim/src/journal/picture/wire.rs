//! Messages, trackers and figures of a run, on their way into its picture.

use super::data::{Totals, Tracker};
use super::events::Rank;
use super::lanes::{Count, Phase};
use super::{Picture, TEXT_MAX, millis};
use crate::journal::Cast;
use crate::tell::Names as _;
use crate::timeline::Arrow;
use seedbed_engine::id::ConnId;
use seedbed_engine::net::printable;
use seedbed_engine::time::Instant;
use seedbed_engine::torrent::Status;
use seedbed_engine::{Engine, Report};

impl Picture {
    /// A message of a peer, or to one.
    pub(super) fn wire(&mut self, at: u64, cast: &Cast, conn: ConnId, sent: bool, text: &str) {
        let bucket = ((at / self.data.bucket) as usize).min(self.data.down.len() - 1);
        let word = text.split(' ').next().unwrap_or_default();
        match (word, sent) {
            ("piece", _) => {
                let bytes = payload(text);
                let (rates, count) = match sent {
                    true => (&mut self.data.up, Count::BlockOut),
                    false => (&mut self.data.down, Count::BlockIn),
                };
                rates[bucket] += bytes;
                self.lanes.count(bucket as u32, conn, count, bytes);
            }
            ("request", true) => self.lanes.count(bucket as u32, conn, Count::RequestOut, 0),
            ("request", false) => self.lanes.count(bucket as u32, conn, Count::RequestIn, 0),
            ("choke" | "unchoke", _) => {
                let phase = if sent {
                    Phase::UnchokedIt
                } else {
                    Phase::UnchokedUs
                };
                self.lanes.phase(at, conn, phase, word == "unchoke");
                // of our own ones the choker tells, with its reason
                if !sent {
                    self.message(Rank::Detail, at, &cast.peer(conn), sent, text);
                }
            }
            ("interested" | "not", _) => {
                let phase = if sent { Phase::Want } else { Phase::Wanted };
                self.lanes.phase(at, conn, phase, word == "interested");
                self.message(Rank::Trifle, at, &cast.peer(conn), sent, text);
            }
            ("have" | "keep-alive" | "handshake" | "allowed", _) if text != "have all" => {}
            _ => self.message(Rank::Trifle, at, &cast.peer(conn), sent, text),
        }
    }

    fn message(&mut self, rank: Rank, at: u64, who: &str, sent: bool, text: &str) {
        let way = if sent { "we say" } else { "it says" };
        self.events.add(rank, at, "wire", who, &format!("{way}: {text}"));
    }

    /// What a tracker was asked or said: how much it matters, and its kind.
    pub(super) fn tracker(
        &mut self,
        report: &Report,
        who: &str,
        arrow: Arrow,
        text: &str,
    ) -> (Rank, &'static str) {
        let tracker = self.trackers.entry(who.to_owned()).or_insert_with(|| Tracker {
            name: printable(who, TEXT_MAX),
            ..Tracker::default()
        });
        match report {
            Report::TrackerOk { .. } => {
                tracker.answered += 1;
                (Rank::Landmark, "ok")
            }
            Report::TrackerFailed { .. } => {
                tracker.failed += 1;
                (Rank::Landmark, "fail")
            }
            _ if arrow == Arrow::Out && (text.starts_with("announce") || text.starts_with("GET")) => {
                tracker.sent += 1;
                (Rank::Detail, "sent")
            }
            _ => (Rank::Trifle, "said"),
        }
    }

    /// Gives the trackers their hosts.
    pub(super) fn name_trackers(&mut self, cast: &Cast) {
        for (name, host) in cast.legend() {
            if let Some(tracker) = self.trackers.get_mut(&name) {
                tracker.host = printable(&host, TEXT_MAX);
            }
        }
    }

    /// Takes the figures of all torrents.
    pub(super) fn sample(&mut self, now: Instant, engine: &Engine) {
        for id in engine.torrents() {
            let Some(view) = engine.torrent(id) else { continue };
            if let Some((_, totals)) = self.torrents.get_mut(&id) {
                totals.take(&view.status(now));
            }
        }
        self.sample_at = millis(now) + self.data.bucket;
    }
}

impl Totals {
    /// The figures of a torrent as they are now.
    const fn take(&mut self, status: &Status) {
        self.received = status.received;
        self.uploaded = status.uploaded;
        self.length = status.total_length;
    }

    /// Those of another torrent, too.
    pub(super) const fn add(&mut self, other: &Self) {
        self.received.merge(other.received);
        self.uploaded += other.uploaded;
        self.length += other.length;
        self.hash_failures += other.hash_failures;
        self.bans += other.bans;
    }
}

/// Bytes of a block, which stand last in its words.
fn payload(text: &str) -> u64 {
    text.rsplit(':')
        .next()
        .and_then(|bytes| bytes.parse().ok())
        .unwrap_or(0)
}
