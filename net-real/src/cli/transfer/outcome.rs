//! How it ended: the exit code, and a last line for each torrent.

use super::received;
use super::{Transfer, Transfers};
use crate::cli::console::{Console, shown_path};
use crate::cli::failure::{DONE, Failure, INTERRUPTED};
use crate::cli::units;
use seedbed_engine::TorrentState;
use seedbed_engine::ledger::Ledger;
use seedbed_engine::time::Duration;
use serde::Serialize;

/// Why the end began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// Nothing is left to do.
    Done,
    /// The user stopped it.
    Interrupted,
    /// `--stop-timeout` passed without progress.
    GaveUp,
}

/// The last line of a torrent with `--json`. Its fields may be added to, never renamed.
#[derive(Serialize)]
struct Finished<'a> {
    event: &'static str,
    status: &'static str,
    info_hash_v1: String,
    name: &'a str,
    total_length: u64,
    downloaded: u64,
    uploaded: u64,
    wasted: u64,
    seconds: f64,
    peers_seen: usize,
    received: Ledger,
}

impl Transfers<'_> {
    /// Prints the failure, if there is one, then a line for each torrent.
    pub(super) fn report_end(&self, elapsed: Duration) -> Result<u8, Failure> {
        let ending = self.ending.unwrap_or(Ending::Done);
        self.explain_end()?;
        let failures = self.failures(ending);
        failures.iter().for_each(|failure| self.console.failure(failure));
        for transfer in &self.torrents {
            transfer.print_finished(self.console, ending, elapsed)?;
        }
        // the worst of all: codes grow with what is at stake
        let worst = failures.iter().map(|failure| failure.exit).max();
        Ok(match (worst, ending) {
            (Some(exit), _) => exit,
            (None, Ending::Interrupted) => INTERRUPTED,
            (None, _) => DONE,
        })
    }

    /// What went wrong: with single torrents, else in all.
    fn failures(&self, ending: Ending) -> Vec<Failure> {
        let single = self
            .torrents
            .iter()
            .filter_map(|transfer| transfer.failure.clone());
        let mut failures: Vec<Failure> = single.collect();
        if failures.is_empty() || ending == Ending::GaveUp {
            failures.extend(self.failure_of_all(ending));
        }
        failures
    }

    /// What went wrong in all, if anything did. An interrupt is no failure, unless storage was failing then.
    fn failure_of_all(&self, ending: Ending) -> Option<Failure> {
        if ending == Ending::Done {
            return None;
        }
        if let Some(error) = self.torrents.iter().find_map(Transfer::disk_error) {
            return Some(Failure::storage(format_args!(
                "Storage failed and did not recover: {error}. What was verified is kept; the same command goes on."
            )));
        }
        let limit = self.plan.args.stop_timeout.filter(|_| ending == Ending::GaveUp)?;
        Some(Failure::network(format_args!(
            "No progress for {}{}. What was verified is kept; the same command goes on.",
            units::duration(limit),
            self.cause
                .as_ref()
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default()
        )))
    }
}

impl Transfer {
    /// The storage error that keeps it from going on, if one does.
    fn disk_error(&self) -> Option<String> {
        match self.state.as_ref()? {
            TorrentState::DiskFailed { error, .. } => Some(error.to_string()),
            _ => None,
        }
    }

    fn status_word(&self, ending: Ending) -> &'static str {
        if self.failure.is_some() {
            "failed"
        } else if self.written.is_some() || self.complete_at.is_some() && self.is_whole() {
            "complete"
        } else if ending == Ending::Interrupted && self.disk_error().is_none() {
            "stopped"
        } else {
            "failed"
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.status
            .as_ref()
            .is_some_and(|status| status.verified >= status.wanted)
    }

    fn print_finished(&self, console: &Console, ending: Ending, elapsed: Duration) -> Result<(), Failure> {
        let status = self.status.as_ref();
        let word = self.status_word(ending);
        let downloaded = status.map_or(0, |status| status.downloaded);
        let uploaded = status.map_or(0, |status| status.uploaded);
        let wasted = status.map_or(0, |status| status.wasted);
        console.value(&Finished {
            event: "finished",
            status: word,
            info_hash_v1: self.torrent.info_hash().to_string(),
            name: &self.torrent.raw_name(),
            total_length: self.torrent.total_length(),
            downloaded,
            uploaded,
            wasted,
            seconds: elapsed.as_secs_f64(),
            peers_seen: status.map_or(0, |status| status.peers_seen),
            received: status.map(|status| status.received).unwrap_or_default(),
        })?;
        if let Some(written) = &self.written {
            let (name, path) = (self.torrent.name(), shown_path(written));
            return console.line(format!("{name}: its metadata is in {path}"));
        }
        console.line(format!(
            "{}: {word}, {} of {}; {} received, {} sent, {} wasted, in {}",
            self.torrent.name(),
            units::bytes(status.map_or(0, |status| status.verified)),
            units::bytes(status.map_or(0, |status| status.wanted)),
            units::bytes(downloaded),
            units::bytes(uploaded),
            units::bytes(wasted),
            units::duration(elapsed),
        ))?;
        match status.and_then(|status| received::line(&status.received)) {
            Some(line) => console.line(format!("{}: {line}", self.torrent.name())),
            None => Ok(()),
        }
    }
}
