//! A shorter run that still shows the same: first cut behind the place where it shows, then without every event that is
//! not needed for it. What is left is recorded anew, so it replays like any journal.

use super::owned::OwnedEvent;
use crate::shrink::ddmin;
use seedbed_engine::journal::{Header, Journal, Replay, Writer};
use seedbed_engine::time::Instant;
use seedbed_engine::{Action, Engine, Report, TorrentState};

/// Runs that are tried at the most: a few seconds for a journal of some thousand events.
const RUNS_MAX: usize = 4_000;

/// Before this nothing can have moved.
const STALL_LEAST: Instant = Instant::from_secs(10);

/// What a shorter run has to show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// The engine does something else than it did: the run is only cut, since every other change is a mismatch too.
    Mismatch,
    /// Somebody is banned.
    Ban,
    /// A piece fails its hash.
    HashFailure,
    /// Storage fails.
    DiskFailure,
    /// A download stands still.
    Stall,
}

impl Until {
    /// The names by which they are asked for.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("mismatch", Self::Mismatch),
        ("ban", Self::Ban),
        ("hash-failure", Self::HashFailure),
        ("disk-failure", Self::DiskFailure),
        ("stall", Self::Stall),
    ];

    /// Whether an engine shows it after a step.
    fn shows(self, at: Instant, engine: &Engine, actions: &[Action]) -> bool {
        let reported = |wanted: fn(&Report) -> bool| {
            let mut reports = actions.iter().filter_map(|action| match action {
                Action::Report(report) => Some(report),
                _ => None,
            });
            reports.any(wanted)
        };
        match self {
            Self::Mismatch => false,
            Self::Ban => reported(|report| matches!(report, Report::Banned { .. })),
            Self::HashFailure => reported(|report| matches!(report, Report::PieceFailed { .. })),
            Self::DiskFailure => reported(|report| matches!(report, Report::DiskFailed { .. })),
            Self::Stall => {
                let mut views = engine.torrents().filter_map(|id| engine.torrent(id));
                views.any(|view| {
                    let status = view.status(at);
                    let stands = status.state == TorrentState::Downloading && status.stalled.is_some();
                    stands && at >= STALL_LEAST
                })
            }
        }
    }
}

/// What a shorter journal came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shrunk {
    /// The journal.
    pub bytes: Vec<u8>,
    /// Steps of the original up to where it shows.
    pub cut_at: u64,
    /// Steps that are left.
    pub steps: u64,
}

/// Shrinks a journal. None if it never shows what is looked for.
pub fn shrink(journal: &Journal<'_>, until: Until) -> Option<Shrunk> {
    let mut events = Vec::new();
    let mut replay = Replay::new(journal, false);
    let mut shown = false;
    while let Some(played) = replay.step() {
        events.push((played.step.at, OwnedEvent::of(&played.step.event)));
        shown = match until {
            Until::Mismatch => played.mismatch.is_some(),
            _ => until.shows(played.step.at, played.engine, played.actions),
        };
        if shown {
            break;
        }
    }
    if !shown {
        return None;
    }
    let cut_at = events.len() as u64;
    if until != Until::Mismatch {
        events = ddmin(events, RUNS_MAX, |fewer| still_shows(journal, until, fewer));
    }
    Some(Shrunk {
        bytes: record(journal, &events),
        cut_at,
        steps: events.len() as u64,
    })
}

fn engine(journal: &Journal<'_>) -> Engine {
    journal.engine(false)
}

fn still_shows(journal: &Journal<'_>, until: Until, events: &[(Instant, OwnedEvent)]) -> bool {
    let mut engine = engine(journal);
    let mut actions = Vec::new();
    for (at, event) in events {
        engine.handle(*at, event.lent());
        actions.clear();
        actions.extend(std::iter::from_fn(|| engine.poll_action()));
        if until.shows(*at, &engine, &actions) {
            return true;
        }
    }
    false
}

/// The journal of these events with the engine of now.
fn record(journal: &Journal<'_>, events: &[(Instant, OwnedEvent)]) -> Vec<u8> {
    let mut engine = engine(journal);
    let old = journal.header();
    let mut header = Header::new(old.config.clone(), journal.seeds(), &old.commit, &old.what);
    header.redacted = old.redacted;
    let mut writer = if journal.is_resumed() {
        Writer::resumed(&header, &engine)
    } else {
        Writer::new(&header)
    };
    for (at, event) in events {
        writer.step(&mut engine, *at, event.lent());
    }
    writer.finish(&engine);
    writer.ready().to_vec()
}
