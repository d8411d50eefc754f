//! `seedbed probe`: one tracker or one peer, looked at message by message.

mod peer;
mod tracker;

use super::console::{Console, shown};
use super::failure::Failure;
use clap::Subcommand;
use seedbed_engine::Report;
use seedbed_engine::time::Instant;

pub(crate) const EXAMPLES: &str = "\
Examples:
  seedbed probe tracker udp://tracker.example:80/announce album.torrent
  seedbed probe peer 192.0.2.7:6881 album.torrent --piece 3";

/// What to probe.
#[derive(Subcommand)]
pub(crate) enum ProbeCommand {
    /// Announce once to a tracker, then tell it that we stopped; show every datagram or header
    Tracker(tracker::TrackerArgs),
    /// Connect to a peer, show every message, fetch one piece and verify it
    Peer(peer::PeerArgs),
}

pub(crate) fn run(command: &ProbeCommand, console: &Console) -> Result<u8, Failure> {
    match command {
        ProbeCommand::Tracker(args) => tracker::run(args, console),
        ProbeCommand::Peer(args) => peer::run(args, console),
    }
}

/// One line of the timeline: seconds since the start, direction, what it was.
fn timeline(began: Instant, now: Instant, report: &Report) -> Option<String> {
    let (mark, text) = match report {
        Report::Wire { sent, text, .. } => (if *sent { '>' } else { '<' }, text.clone()),
        Report::Tracker { text, .. } => (' ', text.clone()),
        Report::PeerConnected {
            client, encryption, ..
        } => {
            let mode = encryption.map_or_else(String::new, |mode| format!(", {mode}"));
            ('=', format!("connected to {client}{mode}"))
        }
        Report::PeerClosed { why, .. } => ('=', format!("connection over: {why}")),
        Report::PieceVerified { piece, .. } => ('=', format!("piece {} is right", piece.0)),
        Report::PieceFailed { piece, .. } => ('=', format!("piece {} failed its hash", piece.0)),
        Report::Note { text, .. } => ('=', text.clone()),
        Report::Lint { text, .. } => ('=', (*text).to_owned()),
        _ => return None,
    };
    let micros = now.since(began).as_micros();
    let (secs, millis) = (micros / 1_000_000, micros / 1_000 % 1_000);
    Some(format!("{secs:>5}.{millis:03} {mark} {}", shown(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use seedbed_engine::id::{ConnId, TorrentId};

    #[test]
    fn a_line_has_time_direction_and_safe_text() {
        let report = Report::Wire {
            torrent: TorrentId(1),
            conn: ConnId::dialled(1),
            sent: false,
            text: "error \u{1b}[2J".into(),
        };
        let line = timeline(Instant::from_secs(1), Instant::from_millis(16_061), &report);
        assert_eq!(line.as_deref(), Some("   15.061 < error \\u{1b}[2J"));
    }
}
