//! Reports of the engine as the user sees them: a note for people, a line of JSON for programs.

use super::{PROGRESS_INTERVAL, Transfers, metadata};
use crate::cli::console::shown;
use crate::cli::failure::Failure;
use crate::cli::progress::Figures;
use crate::cli::units;
use seedbed_engine::id::TorrentId;
use seedbed_engine::mse::Mode;
use seedbed_engine::time::Instant;
use seedbed_engine::{Report, TorrentState};
use serde_json::{Value, json};

/// A state in a word, for programs and for the progress line.
pub(super) fn state_word(state: &TorrentState) -> &'static str {
    match state {
        TorrentState::Metadata => "fetching metadata",
        TorrentState::Choosing => "choosing files",
        TorrentState::Queued => "queued",
        TorrentState::Opening => "opening",
        TorrentState::Checking => "checking",
        TorrentState::Downloading => "downloading",
        TorrentState::Seeding => "seeding",
        TorrentState::Paused => "paused",
        TorrentState::DiskFailed { .. } => "storage failed",
        TorrentState::Failed { .. } => "failed",
        TorrentState::Stopping => "stopping",
    }
}

impl Transfers<'_> {
    /// Shows one report, in the form that was asked for.
    pub(super) fn show(&self, now: Instant, report: &Report) -> Result<(), Failure> {
        self.tell(now, report);
        self.log(now, report);
        if !self.console.is_json() {
            return Ok(());
        }
        match self.event(now, report) {
            Some(event) => self.console.value(&event),
            None => Ok(()),
        }
    }

    /// A line of progress with `--json`, every second.
    pub(super) fn progress_line(&mut self, now: Instant, figures: &Figures) -> Result<(), Failure> {
        if !self.console.is_json() || now < self.line_due {
            return Ok(());
        }
        self.line_due = now + PROGRESS_INTERVAL;
        self.console.value(&json!({
            "event": "progress",
            "state": figures.what,
            "done": figures.done,
            "total": figures.total,
            "rate_down": figures.rate,
            "rate_up": figures.rate_up,
            "peers": figures.peers,
            "stalled": figures.stalled,
        }))
    }

    /// A note for people on standard error, where a report is worth one.
    fn tell(&self, now: Instant, report: &Report) {
        let console = self.console;
        match report {
            Report::Rejected { command, why } => {
                console.warn(format!("{command} was refused: {}", shown(why)));
            }
            Report::TrackerOk {
                url,
                warning: Some(text),
                ..
            } => console.warn(format!("Tracker {} warns: {}", shown(url), shown(text))),
            Report::TrackerFailed {
                url, text, retry_at, ..
            } => console.warn(format!(
                "Tracker {}: {}; tried again {}.",
                shown(url),
                shown(text),
                again(now, *retry_at)
            )),
            Report::Checked {
                torrent,
                have,
                bad,
                missing,
            } if *have > 0 || !bad.is_empty() => console.note(format!(
                "{}: {} right on the disk, {} wrong, {} missing",
                self.name(*torrent),
                units::count(*have as usize, "piece"),
                bad.len(),
                missing.len()
            )),
            Report::Metadata { .. } | Report::MetadataFailed { .. } => metadata::tell(console, report),
            Report::PieceFailed {
                piece,
                failures,
                contributors,
                ..
            } => console.note(format!(
                "Piece {} failed its hash ({}, from {}); it is fetched again.",
                piece.0,
                units::count(*failures as usize, "failure"),
                units::count(contributors.len(), "peer")
            )),
            Report::Banned { ip, why, .. } => console.note(format!("Peer {ip} is banned: it {why}.")),
            Report::DiskFailed {
                error,
                retry_at: Some(at),
                ..
            } => console.warn(format!(
                "Storage failed: {}; what was verified is kept, and it is tried again {}.",
                shown(error.to_string()),
                again(now, Some(*at))
            )),
            Report::Note { text, .. } => console.note(shown(text)),
            _ => {}
        }
    }

    /// What is only worth a line in the log.
    fn log(&self, now: Instant, report: &Report) {
        match report {
            Report::State { torrent, state } => tracing::info!("{}: {state}", self.name(*torrent)),
            Report::TrackerOk { url, peers, next, .. } => tracing::info!(
                "tracker {} named {}, asked again {}",
                shown(url),
                units::count(*peers, "peer"),
                again(now, Some(*next))
            ),
            Report::PeerConnected {
                addr,
                client,
                encryption,
                ..
            } => {
                let mode = encryption.map_or_else(String::new, |mode| format!(", {mode}"));
                tracing::info!("peer {addr} connected: {}{mode}", shown(client));
            }
            Report::PeerClosed { addr, why, .. } => {
                tracing::info!("peer {addr} gone: {}", shown(why.to_string()));
            }
            Report::PieceVerified {
                piece, have, pieces, ..
            } => {
                tracing::debug!("piece {} is right: {have} of {pieces}", piece.0);
            }
            Report::Choke {
                conn, unchoked, why, ..
            } => tracing::debug!("{conn} {}: {why}", if *unchoked { "unchoked" } else { "choked" }),
            Report::Lsd { text } => tracing::trace!("local network: {text}"),
            Report::Tracker { text, .. } => tracing::trace!("tracker: {}", shown(text)),
            Report::Wire { conn, sent, text, .. } => {
                tracing::trace!("{conn} {} {}", if *sent { "sent" } else { "got" }, shown(text));
            }
            _ => {}
        }
    }

    /// A report as a line of JSON, where a program may want it.
    fn event(&self, now: Instant, report: &Report) -> Option<Value> {
        let event = match report {
            Report::Added { torrent, .. } => json!({"event": "added", "total_length": self.length(*torrent)}),
            Report::Rejected { command, why } => {
                json!({"event": "rejected", "command": command, "text": why})
            }
            Report::State { state, .. } => {
                json!({"event": "state", "state": state_word(state), "text": state.to_string()})
            }
            Report::TrackerOk {
                url,
                seeders,
                leechers,
                peers,
                next,
                warning,
                ..
            } => json!({
                "event": "tracker", "url": url, "seeders": seeders, "leechers": leechers, "peers": peers,
                "next_seconds": next.since(now).as_secs(), "warning": warning,
            }),
            Report::TrackerFailed {
                url, text, retry_at, ..
            } => json!({
                "event": "tracker_failed", "url": url, "text": text,
                "retry_seconds": retry_at.map(|at| at.since(now).as_secs()),
            }),
            Report::PeerConnected {
                addr,
                client,
                encryption,
                ..
            } => {
                let encryption = encryption.map(Mode::word);
                json!({
                    "event": "peer_connected", "address": addr.to_string(), "client": client,
                    "encryption": encryption,
                })
            }
            Report::PeerClosed { addr, why, .. } => {
                json!({"event": "peer_closed", "address": addr.to_string(), "text": why.to_string()})
            }
            Report::Metadata { .. } | Report::MetadataFailed { .. } => metadata::event(report)?,
            Report::Checked {
                have, bad, missing, ..
            } => json!({
                "event": "checked", "pieces_ok": have, "pieces_bad": bad.len(), "pieces_missing": missing.len(),
            }),
            Report::PieceFailed {
                piece,
                failures,
                contributors,
                ..
            } => json!({
                "event": "piece_failed", "piece": piece.0, "failures": failures,
                "peers": contributors.iter().map(ToString::to_string).collect::<Vec<_>>(),
            }),
            Report::Banned { ip, why, .. } => {
                json!({"event": "banned", "address": ip.to_string(), "text": why.to_string()})
            }
            Report::DiskFailed { error, retry_at, .. } => json!({
                "event": "storage_failed", "text": error.to_string(),
                "retry_seconds": retry_at.map(|at| at.since(now).as_secs()),
            }),
            Report::Completed { .. } => json!({"event": "completed"}),
            Report::Note { text, .. } => json!({"event": "note", "text": text}),
            _ => return None,
        };
        Some(self.identified(event, torrent(report)))
    }

    /// Adds which torrent an event is about.
    pub(super) fn identified(&self, mut event: Value, id: Option<TorrentId>) -> Value {
        let transfer = self
            .torrents
            .iter()
            .find(|transfer| id.is_some() && transfer.id == id);
        if let (Some(transfer), Some(fields)) = (transfer, event.as_object_mut()) {
            let torrent = &transfer.torrent;
            fields.insert("info_hash_v1".into(), torrent.info_hash().to_string().into());
            fields.insert("name".into(), torrent.raw_name().into());
        }
        event
    }

    fn name(&self, id: TorrentId) -> String {
        let transfer = self.torrents.iter().find(|transfer| transfer.id == Some(id));
        transfer.map_or_else(|| id.to_string(), |transfer| transfer.torrent.name())
    }

    fn length(&self, id: TorrentId) -> Option<u64> {
        let transfer = self.torrents.iter().find(|transfer| transfer.id == Some(id))?;
        Some(transfer.torrent.metainfo.as_ref()?.total_length)
    }
}

/// When something is tried again, from now.
fn again(now: Instant, at: Option<Instant>) -> String {
    match at {
        Some(at) => format!("in {}", units::duration(at.since(now))),
        None => "only when you ask for it".into(),
    }
}

/// Which torrent a report is about.
fn torrent(report: &Report) -> Option<TorrentId> {
    match report {
        Report::Added { torrent, .. }
        | Report::State { torrent, .. }
        | Report::TrackerOk { torrent, .. }
        | Report::TrackerFailed { torrent, .. }
        | Report::Metadata { torrent, .. }
        | Report::MetadataFailed { torrent, .. }
        | Report::PeerConnected { torrent, .. }
        | Report::PieceVerified { torrent, .. }
        | Report::PieceFailed { torrent, .. }
        | Report::Banned { torrent, .. }
        | Report::Checked { torrent, .. }
        | Report::Completed { torrent }
        | Report::DiskFailed { torrent, .. }
        | Report::Choke { torrent, .. }
        | Report::Wire { torrent, .. }
        | Report::Note { torrent, .. }
        | Report::Lint { torrent, .. }
        | Report::Removed { torrent } => Some(*torrent),
        Report::PeerClosed { torrent, .. } | Report::Tracker { torrent, .. } => *torrent,
        Report::Rejected { .. }
        | Report::Lsd { .. }
        | Report::Fetched { .. }
        | Report::TrackerProbed { .. }
        | Report::ShutDown => None,
    }
}
