//! The reports of a node as a timeline that a person can read: `time  node  arrow  what` (docs/simulation.md).

use super::World;
use seedbed_engine::Report;
use seedbed_engine::id::{ConnId, TorrentId};
use seedbed_engine::time::Instant;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Lines of a timeline. Runs of the same kind of message on one connection are folded.
#[derive(Debug, Default)]
pub struct Timeline {
    lines: Vec<Line>,
    names: BTreeMap<ConnId, String>,
}

#[derive(Debug)]
struct Line {
    at: Instant,
    text: String,
    /// What folds with it: the text without numbers.
    kind: String,
    count: u32,
}

impl Line {
    /// Whether it is about one block or piece among many.
    fn folds(&self) -> bool {
        [" p+:", " allowed fast p", " have p"]
            .iter()
            .any(|part| self.kind.contains(part))
    }
}

/// A count that a tracker may not have told.
fn count(count: Option<u32>) -> String {
    count.map_or_else(|| "?".into(), |count| count.to_string())
}

impl Timeline {
    /// The timeline of a node without the messages on the wire.
    #[must_use]
    pub fn brief(world: &World, node: usize) -> String {
        let mut timeline = Self::default();
        for (at, report) in &world.nodes[node].reports {
            if !matches!(
                report,
                Report::Wire { .. } | Report::Tracker { .. } | Report::Lsd { .. }
            ) {
                timeline.report(world, *at, report);
            }
        }
        timeline.render(world.nodes[node].name)
    }

    /// The timeline of a node, with its summary.
    #[must_use]
    pub fn of(world: &World, node: usize) -> String {
        let mut timeline = Self::default();
        for (at, report) in &world.nodes[node].reports {
            timeline.report(world, *at, report);
        }
        let mut text = timeline.render(world.nodes[node].name);
        if let Some(torrent) = world.nodes[node].engine.torrent(TorrentId(1)) {
            let status = torrent.status(world.now);
            let _ = writeln!(
                text,
                "----- at {}  pieces {}/{}  downloaded {}  uploaded {}  wasted {}",
                world.now,
                status.pieces_have,
                status.pieces,
                status.downloaded,
                status.uploaded,
                status.wasted
            );
        }
        text
    }

    /// Adds a line. Blocks and requests for blocks come in great numbers: those of one kind are folded into their
    /// first, as long as nothing else happens in between.
    fn push(&mut self, at: Instant, text: String) {
        let kind: String = text.chars().filter(|c| !c.is_ascii_digit()).collect();
        let run = self.lines.iter_mut().rev().take_while(|line| line.folds());
        let same = run.into_iter().find(|line| line.kind == kind);
        match same {
            Some(line) => line.count += 1,
            None => self.lines.push(Line {
                at,
                text,
                kind,
                count: 1,
            }),
        }
    }

    fn name(&mut self, world: &World, conn: ConnId, addr: Option<core::net::SocketAddr>) -> String {
        if let Some(addr) = addr {
            let known = world.nodes.iter().find(|node| node.ip == addr.ip());
            let name = known.map_or_else(|| conn.to_string(), |node| node.name.to_string());
            self.names.insert(conn, name);
        }
        self.names.get(&conn).cloned().unwrap_or_else(|| conn.to_string())
    }

    fn report(&mut self, world: &World, at: Instant, report: &Report) {
        let text = match report {
            Report::Wire { conn, sent, text, .. } => {
                let arrow = if *sent { "->" } else { "<-" };
                let name = self.name(world, *conn, None);
                format!("{arrow} {name:<5} {text}")
            }
            Report::PeerConnected { conn, addr, .. } => {
                format!("<> {:<5} connected", self.name(world, *conn, Some(*addr)))
            }
            Report::PeerClosed { conn, addr, why, .. } => {
                format!("x  {:<5} {why}", self.name(world, *conn, Some(*addr)))
            }
            Report::Tracker { text, .. } => format!("-- tracker {text}"),
            Report::Lsd { text } => format!("-- local {text}"),
            Report::TrackerOk {
                seeders,
                leechers,
                peers,
                ..
            } => {
                let (seeders, leechers) = (count(*seeders), count(*leechers));
                format!("!  tracker: {peers} peers, {seeders} seeders, {leechers} leechers")
            }
            Report::TrackerFailed { text, .. } => format!("!  tracker failed: {text}"),
            Report::State { state, .. } => format!("!  {state}"),
            Report::PieceVerified {
                piece, have, pieces, ..
            } => {
                format!("!  {piece} verified ({have} of {pieces})")
            }
            Report::PieceFailed {
                piece, contributors, ..
            } => {
                format!("!  {piece} FAILED its hash, contributors: {}", contributors.len())
            }
            Report::Banned { ip, why, .. } => {
                let known = world.nodes.iter().find(|node| node.ip == *ip);
                format!("!  banned {}: {why}", known.map_or("?", |node| node.name))
            }
            Report::Checked {
                have, bad, missing, ..
            } => {
                format!(
                    "!  checked: {have} right, {} bad, {} missing",
                    bad.len(),
                    missing.len()
                )
            }
            Report::Completed { .. } => "!  complete".into(),
            Report::Choke {
                conn, unchoked, why, ..
            } => {
                let name = self.name(world, *conn, None);
                format!("!  {} {name}: {why}", if *unchoked { "unchoke" } else { "choke" })
            }
            // the state says it with the time of the next try
            Report::DiskFailed {
                retry_at: Some(_), ..
            } => return,
            Report::DiskFailed { error, .. } => format!("!  storage failed: {error}"),
            Report::Rejected { command, why } => format!("!  {command} rejected: {why}"),
            Report::Note { text, .. } => format!("!  note: {text}"),
            _ => return,
        };
        self.push(at, text);
    }

    fn render(&self, node: &str) -> String {
        let mut text = String::new();
        for line in &self.lines {
            let times = if line.count > 1 {
                format!(" ×{}", line.count)
            } else {
                String::new()
            };
            let _ = writeln!(text, "{:>9} {node:<4} {}{times}", line.at, line.text);
        }
        text
    }
}
