//! Reports of an engine as lines of a timeline: names instead of numbers and addresses.

use crate::timeline::{Arrow, Line};
use seedbed_engine::Report;
use seedbed_engine::id::ConnId;
use seedbed_engine::time::Instant;
use std::net::{IpAddr, SocketAddr};

/// Arrow, the other, what, whether it folds.
type Words = (Arrow, String, String, bool);

/// Who is called what. A `?` stands for whom nobody knows.
pub trait Names {
    /// The peer at the other end of a connection.
    fn peer(&self, conn: ConnId) -> String;
    /// Whoever is at this address.
    fn address(&self, addr: SocketAddr) -> String;
    /// Whoever is at this address, whatever the port.
    fn ip(&self, ip: IpAddr) -> String;
    /// A tracker, by its URL without secrets.
    fn tracker(&self, url: &str) -> String;
}

/// Tells what an engine reports.
#[derive(Clone, Copy, Debug)]
pub struct Teller<'a, N>(pub &'a N);

impl<N: Names> Teller<'_, N> {
    /// A report of `who` as a line, if it is worth one.
    pub fn line(&self, who: &str, at: Instant, report: &Report) -> Option<Line> {
        let (arrow, other, text, folds) = self.words(report)?;
        Some(Line {
            at,
            who: who.into(),
            arrow,
            other,
            text,
            folds,
        })
    }

    fn words(&self, report: &Report) -> Option<Words> {
        let (arrow, other, text, folds) = match report {
            Report::TrackerOk { .. }
            | Report::TrackerFailed { .. }
            | Report::Tracker { .. }
            | Report::Lsd { .. } => {
                return self.tracker_words(report);
            }
            Report::PeerConnected { conn, encryption, .. } => {
                let mode = encryption.map_or_else(String::new, |mode| format!(", {mode}"));
                (Arrow::Both, self.0.peer(*conn), format!("handshake{mode}"), false)
            }
            Report::PeerClosed { addr, why, .. } => (
                Arrow::Both,
                self.0.address(*addr),
                format!("closed: {why}"),
                false,
            ),
            Report::Choke {
                conn, unchoked, why, ..
            } => {
                let word = if *unchoked { "unchoke" } else { "choke" };
                (Arrow::Out, self.0.peer(*conn), format!("{word}: {why}"), false)
            }
            Report::Wire { conn, sent, text, .. } => {
                let arrow = if *sent { Arrow::Out } else { Arrow::In };
                // its length follows the program's version
                let long = text.strip_prefix("extended handshake, ");
                let text = long.map_or(text.as_str(), |_| "extended handshake");
                (arrow, self.0.peer(*conn), text.to_owned(), true)
            }
            _ => {
                let folds = matches!(report, Report::PieceVerified { .. });
                (Arrow::Within, String::new(), self.own_words(report)?, folds)
            }
        };
        Some((arrow, other, text, folds))
    }

    fn tracker_words(&self, report: &Report) -> Option<Words> {
        let (other, text) = match report {
            Report::TrackerOk {
                url,
                peers,
                next,
                warning,
                ..
            } => {
                let warns = warning
                    .as_ref()
                    .map_or(String::new(), |text| format!(", warns: {text}"));
                (
                    self.0.tracker(url),
                    format!("{peers} peers, next at {next}{warns}"),
                )
            }
            Report::TrackerFailed {
                url, text, retry_at, ..
            } => {
                let when = retry_at.map_or("never again".into(), |at| format!("again at {at}"));
                (self.0.tracker(url), format!("{text}; {when}"))
            }
            Report::Tracker { text, .. } | Report::Lsd { text } => return Some(self.traced(text)),
            _ => return None,
        };
        Some((Arrow::In, other, text, false))
    }

    /// What was sent to a tracker or came from it: its name instead of its address, and no transaction id.
    fn traced(&self, text: &str) -> Words {
        let text = text.split(", transaction ").next().unwrap_or(text);
        // a group is no side of anything
        let is_one = |addr: SocketAddr| !addr.ip().is_multicast();
        let is_addr = |word: &&str| word.parse().is_ok_and(is_one);
        let addr = text.split(' ').find(is_addr).unwrap_or_default();
        let other = addr
            .parse()
            .map_or_else(|_| String::new(), |addr| self.0.address(addr));
        let arrow = match text.split(' ').next() {
            Some("->" | "GET") => Arrow::Out,
            Some("<-" | "HTTP") => Arrow::In,
            _ => Arrow::Within,
        };
        let without = text.replace(&format!(" from {addr}"), "");
        let spare = |word: &&str| !matches!(*word, "->" | "<-" | "--") && *word != addr;
        let words: Vec<_> = without.split(' ').filter(spare).collect();
        let words = words.join(" ").replace(&format!("http://{addr}/"), "/");
        (arrow, other, words, false)
    }

    /// What has no other side.
    fn own_words(&self, report: &Report) -> Option<String> {
        let name = |ip: &IpAddr| self.0.ip(*ip);
        Some(match report {
            Report::Added { .. } => "added".into(),
            Report::Rejected { command, why } => format!("{command} rejected: {why}"),
            Report::State { state, .. } => state.to_string(),
            Report::PieceVerified {
                piece, have, pieces, ..
            } => format!("p{} verified, {have}/{pieces}", piece.0),
            Report::PieceFailed {
                piece,
                contributors,
                failures,
                ..
            } => {
                let names: Vec<_> = contributors.iter().map(name).collect();
                format!("p{} hash fails ({failures}), from {}", piece.0, names.join(" "))
            }
            Report::Banned { ip, why, .. } => format!("ban {}: {why}", name(ip)),
            Report::Checked {
                have, bad, missing, ..
            } => {
                format!(
                    "checked: {have} right, {} wrong, {} missing",
                    bad.len(),
                    missing.len()
                )
            }
            Report::Metadata { pieces, private, .. } => {
                let private = if *private { ", private" } else { "" };
                format!("metadata is here: {pieces} pieces{private}")
            }
            Report::MetadataFailed {
                contributors,
                failures,
                ..
            } => {
                let names: Vec<_> = contributors.iter().map(name).collect();
                format!("metadata fails its hash ({failures}), from {}", names.join(" "))
            }
            Report::Completed { .. } => "completed".into(),
            Report::DiskFailed { error, retry_at, .. } => {
                let when = retry_at.map_or(String::new(), |at| format!("; again at {at}"));
                format!("storage: {error}{when}")
            }
            Report::Note { text, .. } => text.clone(),
            Report::Lint { conn, text, .. } => format!("{conn}: {text}"),
            Report::Removed { .. } => "removed".into(),
            Report::ShutDown => "shut down".into(),
            _ => return None,
        })
    }
}
