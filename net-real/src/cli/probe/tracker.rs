//! `seedbed probe tracker`: one announce and its `stopped`, or one scrape.

use super::timeline;
use crate::cli::args::SocketArgs;
use crate::cli::client::{self, INTERRUPT};
use crate::cli::console::{Console, shown};
use crate::cli::failure::{DONE, Failure, NETWORK};
use crate::cli::recording::RecordArgs;
use crate::cli::torrent_file::{Torrent, interrupted};
use crate::cli::values;
use clap::Args;
use seedbed::{Client, Input};
use seedbed_engine::tracker::url::TrackerUrl;
use seedbed_engine::{Command, ProbeTracker, Report, TrackerProbe};
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  seedbed probe tracker udp://tracker.example:80/announce album.torrent
  seedbed probe tracker https://tracker.example/announce album.torrent --scrape

Prints the timeline, then the peers, a line each, then what the tracker said.
Exit code 5 if it failed.";

/// Arguments of `probe tracker`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrackerArgs {
    /// The announce address: http, https or udp
    #[arg(value_name = "URL", value_parser = values::tracker_url)]
    url: String,
    /// The torrent to ask about; - is standard input
    torrent: PathBuf,
    /// Scrape instead of announcing
    #[arg(long)]
    scrape: bool,
    /// How long it may take in all
    #[arg(long, value_name = "T", default_value = "60s", value_parser = values::duration_positive)]
    timeout: Duration,
    #[command(flatten)]
    sockets: SocketArgs,
    #[command(flatten)]
    recording: RecordArgs,
}

/// The result with `--json`. Its fields may be added to, never renamed.
#[derive(Serialize)]
struct Probed<'a> {
    url: String,
    ok: bool,
    seeders: Option<u32>,
    leechers: Option<u32>,
    completed: Option<u32>,
    interval: Option<u64>,
    min_interval: Option<u64>,
    warning: Option<&'a str>,
    failure: Option<&'a str>,
    peers: Vec<String>,
    attempts: u32,
    seconds: f64,
}

pub(crate) fn run(args: &TrackerArgs, console: &Console) -> Result<u8, Failure> {
    let url = TrackerUrl::parse(&args.url)
        .map_err(|error| Failure::usage(format_args!("That is no tracker address: {error}.")))?;
    let torrent = Torrent::read(&args.torrent)?;
    let mut options = client::options(&args.sockets);
    // nobody is to be served: the port is only told
    options.listen = None;
    options.config.trace = true;
    let mut client = client::start(options, args.sockets.port, console)?;
    args.recording.begin(&mut client, "probe tracker")?;
    client::watch_signals(client.handle())?;
    let began = client.now();
    client.command(Command::ProbeTracker(Box::new(ProbeTracker {
        url: args.url.clone(),
        metainfo: torrent.metainfo.clone(),
        scrape: args.scrape,
        timeout: args.timeout,
    })));
    let answered = answer(&mut client, console);
    let failed = !answered.as_ref().is_ok_and(|probe| probe.ok);
    args.recording.end(&mut client, failed, console);
    let probe = answered?;
    let seconds = client.now().since(began).as_secs_f64();
    // without its passkey: this may end up in a bug report
    let shown_url = url.to_string();
    let peers: Vec<String> = probe.peers.iter().map(ToString::to_string).collect();
    console.value(&Probed {
        url: shown_url,
        ok: probe.ok,
        seeders: probe.seeders,
        leechers: probe.leechers,
        completed: probe.completed,
        interval: probe.interval,
        min_interval: probe.min_interval,
        warning: probe.warning.as_deref(),
        failure: probe.failure.as_deref(),
        peers,
        attempts: probe.attempts,
        seconds,
    })?;
    for line in lines(&probe) {
        console.line(line)?;
    }
    Ok(if probe.ok { DONE } else { NETWORK })
}

fn answer(client: &mut Client, console: &Console) -> Result<TrackerProbe, Failure> {
    let began = client.now();
    let answer = client.run(|client, input| match input {
        Input::Report(Report::TrackerProbed { result }) => ControlFlow::Break(Ok(result)),
        Input::Report(Report::Rejected { why, .. }) => ControlFlow::Break(Err(Failure::usage(shown(why)))),
        Input::Report(report) => {
            match timeline(began, client.now(), &report).map(|line| console.line(line)) {
                Some(Err(failure)) => ControlFlow::Break(Err(failure)),
                _ => ControlFlow::Continue(()),
            }
        }
        Input::Notified(INTERRUPT) => ControlFlow::Break(Err(interrupted())),
        _ => ControlFlow::Continue(()),
    });
    answer.unwrap_or_else(|| Err(interrupted()))
}

/// What the tracker said, for people: peers first, a line each.
fn lines(probe: &TrackerProbe) -> Vec<String> {
    let mut lines: Vec<String> = probe.peers.iter().map(ToString::to_string).collect();
    let known = |count: Option<u32>| count.map_or_else(|| "unknown".to_owned(), |count| count.to_string());
    if probe.ok {
        lines.push(format!(
            "seeders {}, leechers {}",
            known(probe.seeders),
            known(probe.leechers)
        ));
    }
    if let Some(completed) = probe.completed {
        lines.push(format!("completed {completed}"));
    }
    if let Some(interval) = probe.interval {
        let minimum = probe
            .min_interval
            .map(|min| format!(", at least {min} s"))
            .unwrap_or_default();
        lines.push(format!("interval {interval} s{minimum}"));
    }
    if let Some(text) = &probe.warning {
        lines.push(format!("warning: {}", shown(text)));
    }
    if let Some(text) = &probe.failure {
        lines.push(format!("failure: {}", shown(text)));
    }
    lines
}
