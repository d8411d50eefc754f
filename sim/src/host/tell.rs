//! Reports as lines of a timeline: names instead of numbers and addresses.

use super::EngineHost;
use crate::actor::Cx;
use crate::timeline::{Arrow, Line};
use seedbed_engine::Report;
use seedbed_engine::id::ConnId;
use seedbed_engine::time::Instant;
use std::net::{IpAddr, SocketAddr};

/// Arrow, the other, what, whether it folds.
type Words = (Arrow, String, String, bool);

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Level {
    /// Nothing, for speed.
    #[default]
    Nothing,
    /// States, pieces, bans, announces, storage, connections.
    Brief,
    /// Every message.
    Full,
}

impl EngineHost {
    /// Tells something of the host itself.
    pub(super) fn say(&self, cx: &mut Cx<'_>, text: &str) {
        if self.level != Level::Nothing {
            cx.lines.push(Line {
                at: cx.now,
                who: self.name.clone(),
                arrow: Arrow::Within,
                other: String::new(),
                text: text.into(),
                folds: false,
            });
        }
    }

    fn peer(&self, conn: ConnId) -> String {
        let addr = self.streams.get(&conn);
        addr.map_or("?", |addr| self.name_of(*addr)).into()
    }

    fn tracker(&self, url: &str) -> String {
        let found = self.known.trackers.iter().find(|(_, addr, full)| {
            let authority = full.split('/').nth(2);
            authority.is_some_and(|authority| url.contains(authority)) || url.contains(&addr.to_string())
        });
        found.map_or("?", |(name, ..)| name).into()
    }

    /// A report as a line, if it is worth one at this level.
    pub(super) fn line(&self, at: Instant, report: &Report) -> Option<Line> {
        let (arrow, other, text, folds) = self.words(report)?;
        Some(Line {
            at,
            who: self.name.clone(),
            arrow,
            other,
            text,
            folds,
        })
    }

    fn words(&self, report: &Report) -> Option<Words> {
        let (arrow, other, text, folds) = match report {
            Report::TrackerOk { .. } | Report::TrackerFailed { .. } | Report::Tracker { .. } => {
                return self.tracker_words(report);
            }
            Report::PeerConnected { conn, .. } => {
                (Arrow::Both, self.peer(*conn), "handshake".to_owned(), false)
            }
            Report::PeerClosed { addr, why, .. } => (
                Arrow::Both,
                self.name_of(*addr).to_owned(),
                format!("closed: {why}"),
                false,
            ),
            Report::Choke {
                conn, unchoked, why, ..
            } => {
                let word = if *unchoked { "unchoke" } else { "choke" };
                (Arrow::Out, self.peer(*conn), format!("{word}: {why}"), false)
            }
            Report::Wire { conn, sent, text, .. } => {
                let arrow = if *sent { Arrow::Out } else { Arrow::In };
                // its length follows the program's version
                let long = text.strip_prefix("extended handshake, ");
                let text = long.map_or(text.as_str(), |_| "extended handshake");
                (arrow, self.peer(*conn), text.to_owned(), true)
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
                (self.tracker(url), format!("{peers} peers, next at {next}{warns}"))
            }
            Report::TrackerFailed {
                url, text, retry_at, ..
            } => {
                let when = retry_at.map_or("never again".into(), |at| format!("again at {at}"));
                (self.tracker(url), format!("{text}; {when}"))
            }
            Report::Tracker { text, .. } => return Some(self.traced(text)),
            _ => return None,
        };
        Some((Arrow::In, other, text, false))
    }

    /// What was sent to a tracker or came from it: its name instead of its address, and no transaction id.
    fn traced(&self, text: &str) -> Words {
        let text = text.split(", transaction ").next().unwrap_or(text);
        let is_addr = |word: &&str| word.parse::<SocketAddr>().is_ok();
        let addr = text.split(' ').find(is_addr).unwrap_or_default();
        let other = addr.parse().map_or("", |addr| self.name_of(addr));
        let arrow = match text.split(' ').next() {
            Some("->" | "GET") => Arrow::Out,
            Some("<-" | "HTTP") => Arrow::In,
            _ => Arrow::Within,
        };
        let without = text.replace(&format!(" from {addr}"), "");
        let spare = |word: &&str| !matches!(*word, "->" | "<-" | "--") && *word != addr;
        let words: Vec<_> = without.split(' ').filter(spare).collect();
        let words = words.join(" ").replace(&format!("http://{addr}/"), "/");
        (arrow, other.to_owned(), words, false)
    }

    /// What has no other side.
    fn own_words(&self, report: &Report) -> Option<String> {
        let name = |ip: &IpAddr| self.known.name_of(*ip).unwrap_or("?").to_owned();
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
            Report::Completed { .. } => "completed".into(),
            Report::DiskFailed { error, retry_at, .. } => {
                let when = retry_at.map_or(String::new(), |at| format!("; again at {at}"));
                format!("storage: {error}{when}")
            }
            Report::Note { text, .. } => text.clone(),
            Report::Removed { .. } => "removed".into(),
            Report::ShutDown => "shut down".into(),
            _ => return None,
        })
    }
}
