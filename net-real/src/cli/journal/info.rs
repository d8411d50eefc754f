//! `seedbed journal info`: what a recording says of itself, without playing it.

use crate::cli::console::{Console, shown};
use crate::cli::failure::{DONE, Failure};
use crate::cli::replay::Recording;
use crate::cli::units;
use clap::Args;
use seedbed_engine::TorrentSource;
use seedbed_engine::journal::Journal;
use seedbed_engine::time::Instant;
use seedbed_engine::{Command, Event};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  seedbed journal info run.journal";

/// Arguments of `journal info`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InfoArgs {
    /// A file that --record wrote; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What a walk over the steps finds.
#[derive(Default)]
struct Contents {
    /// How often each kind of event comes.
    events: BTreeMap<&'static str, u64>,
    torrents: Vec<(String, String)>,
}

pub(crate) fn run(args: &InfoArgs, console: &Console) -> Result<u8, Failure> {
    let recording = Recording::read(&args.file)?;
    let journal = recording.journal()?;
    let contents = Contents::of(&journal);
    let header = journal.header();
    let end = if journal.is_whole() {
        "whole"
    } else {
        "the end is missing"
    };
    console.value(&json!({
        "what": header.what, "engine": header.engine, "commit": header.commit, "redacted": header.redacted,
        "steps": journal.steps_count(), "seconds": journal.duration().as_micros() as f64 / 1e6,
        "whole": journal.is_whole(), "resumed": journal.is_resumed(), "bytes": recording.length(), "events": contents.events,
        "torrents": contents.torrents.iter().map(|(name, hash)| json!({"name": name, "info_hash_v1": hash}))
            .collect::<Vec<_>>(),
    }))?;
    let took = units::duration(journal.duration().since(Instant::START));
    let lines = [
        format!("what      {}", shown(&header.what)),
        format!(
            "recorded  by seedbed {}, commit {}{}",
            shown(&header.engine),
            shown(&header.commit),
            if header.redacted { ", redacted" } else { "" }
        ),
        format!(
            "length    {} steps in {took}, {}, {end}",
            journal.steps_count(),
            units::bytes(recording.length() as u64)
        ),
    ];
    for line in lines {
        console.line(line)?;
    }
    if journal.is_resumed() {
        console.line("begins    in the middle of its run, with the state of the client (--record-last)")?;
    }
    for (name, hash) in &contents.torrents {
        console.line(format!("torrent   {} {hash}", shown(name)))?;
    }
    for (event, count) in &contents.events {
        console.line(format!("events    {count:>8} {event}"))?;
    }
    Ok(DONE)
}

impl Contents {
    fn of(journal: &Journal<'_>) -> Self {
        let mut contents = Self::default();
        let engine = journal.engine(false);
        for view in engine.torrents().filter_map(|id| engine.torrent(id)) {
            contents
                .torrents
                .push((view.name(), view.info_hash().to_string()));
        }
        let mut steps = journal.steps();
        while let Some(step) = steps.next() {
            *contents.events.entry(kind(&step.event)).or_default() += 1;
            if let Event::Command(Command::Add(add)) = &step.event {
                let hash = add.source.info_hash().to_string();
                let name = match &add.source {
                    TorrentSource::Metainfo(metainfo) => metainfo.name.clone(),
                    TorrentSource::Magnet(magnet) => magnet.name.clone().unwrap_or_else(|| hash.clone()),
                };
                contents.torrents.push((name, hash));
            }
        }
        contents
    }
}

/// The kind of an event, in a word.
fn kind(event: &Event<'_>) -> &'static str {
    match event {
        Event::Tick => "tick",
        Event::Command(_) => "command",
        Event::Accepted { .. } => "accepted",
        Event::Connected { .. } => "connected",
        Event::Received { .. } => "received",
        Event::Sent { .. } => "sent",
        Event::Closed { .. } => "closed",
        Event::Datagram { .. } => "datagram",
        Event::Multicast { .. } => "multicast",
        Event::DatagramError { .. } => "datagram-error",
        Event::Resolved { .. } => "resolved",
        Event::DiskDone { .. } => "disk-done",
        Event::NetworkChanged => "network-changed",
    }
}
