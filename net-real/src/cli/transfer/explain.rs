//! `--why`: when the causes of a torrent are printed.
//!
//! While nothing moves, or little of what moved before, and the first cause is another than the last one that was
//! printed; at most every [`AGAIN`]; and once more when the run is given up or interrupted before it is complete.

use super::{Transfer, Transfers};
use crate::cli::failure::Failure;
use crate::cli::why;
use seedbed::Client;
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::torrent::why::headline;
use seedbed_engine::{Cause, Purpose, Status, TorrentState};
use serde_json::json;

/// Between two explanations of a torrent; also before the first one, for everything begins with nothing moving.
const AGAIN: Duration = Duration::from_secs(10);

/// A rate counts as little below this part of the best one.
const LITTLE: u64 = 4;

/// The best rate is forgotten by half in this time, so that a line that has become slow for good is no news for ever.
const HALF: Duration = Duration::from_secs(60);

/// What was explained of one torrent.
#[derive(Debug, Default)]
pub(super) struct Explained {
    /// The word of the first cause that was printed last, while it lasts.
    code: Option<&'static str>,
    /// When something was printed last, or when the run began.
    at: Option<Instant>,
    /// The best rate, in bytes a second, and since when it is that.
    best: (u64, Instant),
}

impl Explained {
    /// Takes the rate of now. Whether it is little.
    fn is_little(&mut self, rate: u64, now: Instant) -> bool {
        if rate >= self.best.0 {
            self.best = (rate, now);
        } else if now.since(self.best.1) >= HALF {
            self.best = (self.best.0 / 2, now);
        }
        rate <= self.best.0 / LITTLE
    }

    /// Whether something may be printed again.
    fn is_due(&mut self, now: Instant) -> bool {
        now.since(*self.at.get_or_insert(now)) >= AGAIN
    }
}

impl Transfer {
    /// The causes to print now, if any are news.
    fn news(&mut self, client: &Client, purpose: Purpose) -> Option<Vec<Cause>> {
        let now = client.now();
        let status = self.status.as_ref()?;
        let (due, rate) = (self.explained.is_due(now), rate(status, purpose));
        if !self.explained.is_little(rate, now) || is_busy(&status.state) {
            self.explained.code = None;
            return None;
        }
        if self.done || !due {
            return None;
        }
        let causes = self.causes(client);
        let code = causes.first().map(Cause::code);
        if code == self.explained.code {
            return None;
        }
        (self.explained.code, self.explained.at) = (code, Some(now));
        Some(causes)
    }

    fn causes(&self, client: &Client) -> Vec<Cause> {
        let engine = client.engine();
        let view = self.id.and_then(|id| engine.torrent(id));
        view.map_or_else(Vec::new, |view| view.why(client.now()))
    }
}

impl Transfers<'_> {
    /// Prints the causes of those torrents that have come to a standstill.
    pub(super) fn explain(&mut self, client: &Client) -> Result<(), Failure> {
        if !self.plan.args.why || self.ending.is_some() {
            return Ok(());
        }
        let purpose = self.plan.purpose;
        let news = self
            .torrents
            .iter_mut()
            .enumerate()
            .map(|(n, one)| (n, one.news(client, purpose)));
        let news: Vec<_> = news.collect();
        for (n, causes) in news {
            if let Some(causes) = causes {
                self.print_why(n, &causes)?;
            }
        }
        Ok(())
    }

    /// Keeps the causes of what is not done when the end begins: once it stops, there are none any more.
    pub(super) fn keep_causes(&mut self, client: &Client) {
        for transfer in &mut self.torrents {
            if !transfer.done {
                transfer.last_causes = transfer.causes(client);
            }
        }
        let first = self.torrents.iter().find(|transfer| !transfer.done);
        let why = first.and_then(|transfer| headline(&transfer.last_causes));
        self.cause = why.map(crate::cli::console::shown);
    }

    /// At the end: the causes of every torrent that did not get what it wanted.
    pub(super) fn explain_end(&self) -> Result<(), Failure> {
        for (n, transfer) in self.torrents.iter().enumerate() {
            if self.plan.args.why && !transfer.is_whole() && !transfer.last_causes.is_empty() {
                self.print_why(n, &transfer.last_causes)?;
            }
        }
        Ok(())
    }

    fn print_why(&self, n: usize, causes: &[Cause]) -> Result<(), Failure> {
        let Some(transfer) = self.torrents.get(n) else {
            return Ok(());
        };
        self.console.note(format!("Why {}:", transfer.torrent.name()));
        why::lines(causes).iter().for_each(|line| self.console.note(line));
        let event = json!({"event": "why", "causes": why::json(causes)});
        self.console.value(&self.identified(event, transfer.id))
    }
}

/// The rate that counts: what comes, and what goes of what is only served.
fn rate(status: &Status, purpose: Purpose) -> u64 {
    match purpose {
        Purpose::Seed => status.rate_up,
        Purpose::Download | Purpose::Metadata | Purpose::Check => status.rate_down,
    }
}

/// Whether it gets on without moving bytes.
fn is_busy(state: &TorrentState) -> bool {
    match state {
        TorrentState::Queued | TorrentState::Opening | TorrentState::Checking | TorrentState::Stopping => {
            true
        }
        TorrentState::Metadata
        | TorrentState::Choosing
        | TorrentState::Downloading
        | TorrentState::Seeding
        | TorrentState::Paused
        | TorrentState::DiskFailed { .. }
        | TorrentState::Failed { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_little_beside_what_it_was_lately() {
        let mut explained = Explained::default();
        let at = Instant::from_secs;
        let cases = [
            (0, 0, true),
            (1, 800, false),
            (2, 300, false),
            (3, 200, true),
            (62, 150, false),
            (63, 90, true),
            (125, 60, false),
        ];
        for (secs, rate, little) in cases {
            assert_eq!(explained.is_little(rate, at(secs)), little, "after {secs} s");
        }
    }

    #[test]
    fn the_first_explanation_waits_as_long_as_the_next_one() {
        let mut explained = Explained::default();
        assert!(!explained.is_due(Instant::from_secs(5)));
        assert!(!explained.is_due(Instant::from_secs(14)));
        assert!(explained.is_due(Instant::from_secs(15)));
    }
}
