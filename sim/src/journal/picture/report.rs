//! What the engine reports, on its way into the picture.

use super::data::Totals;
use super::events::Rank;
use super::pieces::Pieces;
use super::{Picture, TEXT_MAX};
use crate::journal::Cast;
use crate::tell::{Names as _, Teller};
use seedbed_engine::id::TorrentId;
use seedbed_engine::net::printable;
use seedbed_engine::time::Instant;
use seedbed_engine::{Engine, Report, TorrentState};

/// How much an event matters, and its kind.
type Sort = (Rank, &'static str);

impl Picture {
    /// Takes note of a report, in whatever it changes and as an event.
    pub(super) fn report(&mut self, at: u64, now: Instant, cast: &Cast, engine: &Engine, report: &Report) {
        if let Report::Wire { conn, sent, text, .. } = report {
            return self.wire(at, cast, *conn, *sent, text);
        }
        let Some(line) = Teller(cast).line("", now, report) else {
            return;
        };
        let (mut who, mut text) = (line.other, line.text);
        let (rank, kind) = match report {
            Report::TrackerOk { .. }
            | Report::TrackerFailed { .. }
            | Report::Tracker { .. }
            | Report::Lsd { .. } => self.tracker(report, &who, line.arrow, &text),
            Report::PieceFailed { contributors, .. } => {
                let names: Vec<_> = contributors.iter().map(|ip| cast.ip(*ip)).collect();
                names.iter().for_each(|name| self.lanes.hash_failed(name));
                who = names.join(" ");
                self.torrent(at, engine, report)
            }
            Report::Banned { ip, .. } => {
                who = cast.ip(*ip);
                self.lanes.banned(&who);
                self.torrent(at, engine, report)
            }
            Report::PeerConnected {
                conn,
                client,
                encryption,
                ..
            } => {
                self.lanes.handshaken(at, *conn, client);
                let mode = encryption.map_or_else(String::new, |mode| format!(", {mode}"));
                text = format!("handshake, {client}{mode}");
                (Rank::Landmark, "conn")
            }
            Report::PeerClosed { conn, why, .. } => match self.lanes.closed(at, *conn, &why.to_string()) {
                true => (Rank::Landmark, "close"),
                false => (Rank::Detail, "dial"),
            },
            Report::Lint { conn, text: odd, .. } => {
                (who, text) = (cast.peer(*conn), (*odd).to_owned());
                (Rank::Detail, "lint")
            }
            Report::Choke { .. } => (Rank::Detail, "choke"),
            Report::DiskFailed { .. } => (Rank::Verdict, "disk"),
            Report::Note { .. } | Report::Rejected { .. } => (Rank::Verdict, "note"),
            Report::Added { name, .. } => {
                text = format!("added: {name}");
                self.torrent(at, engine, report)
            }
            _ => self.torrent(at, engine, report),
        };
        self.events.add(rank, at, kind, &who, &text);
    }

    /// What changes a torrent.
    fn torrent(&mut self, at: u64, engine: &Engine, report: &Report) -> Sort {
        match report {
            Report::Added { torrent, name, .. } => {
                let view = engine.torrent(*torrent);
                let pieces = view.map_or(0, |view| view.have().capacity());
                let pieces = Pieces::new(printable(name, TEXT_MAX), pieces);
                self.torrents.insert(*torrent, (pieces, Totals::default()));
            }
            // a link says nothing of pieces
            Report::Metadata {
                torrent,
                name,
                pieces,
                ..
            } => {
                let pieces = Pieces::new(printable(name, TEXT_MAX), *pieces);
                if let Some((known, _)) = self.torrents.get_mut(torrent) {
                    *known = pieces;
                }
            }
            Report::State { torrent, .. } | Report::Checked { torrent, .. } => self.agree(*torrent, engine),
            Report::PieceVerified { torrent, piece, .. } => {
                let state = engine.torrent(*torrent).map(|view| view.state());
                let found = matches!(state, Some(TorrentState::Opening | TorrentState::Checking));
                if let Some((pieces, _)) = self.torrents.get_mut(torrent) {
                    pieces.verified(at, *piece, !found);
                }
                return (Rank::Trifle, "piece");
            }
            Report::PieceFailed { torrent, piece, .. } => {
                if let Some((pieces, totals)) = self.torrents.get_mut(torrent) {
                    pieces.failed(at, *piece);
                    totals.hash_failures += 1;
                }
                return (Rank::Verdict, "hash");
            }
            Report::Banned { torrent, .. } => {
                if let Some((_, totals)) = self.torrents.get_mut(torrent) {
                    totals.bans += 1;
                }
                return (Rank::Verdict, "ban");
            }
            _ => {}
        }
        (Rank::Verdict, "state")
    }

    /// Holds the map against what the engine has. Not while it still learns what that is.
    fn agree(&mut self, torrent: TorrentId, engine: &Engine) {
        let Some(view) = engine.torrent(torrent) else {
            return;
        };
        if let Some((pieces, _)) = self.torrents.get_mut(&torrent)
            && !matches!(view.state(), TorrentState::Opening | TorrentState::Checking)
        {
            pieces.agree(view.have());
        }
    }
}
