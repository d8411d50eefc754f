//! `seedbed demo`: a tracker, a seed and a download on this machine, over real sockets. No input is needed, and
//! nothing leaves the machine.

mod content;
mod tracker;

use super::client::{self, INTERRUPT};
use super::console::{Console, shown};
use super::create::{About, make, scan};
use super::failure::{DONE, Failure};
use super::progress::{Figures, Progress};
use super::temp::TempDir;
use super::torrent_file::interrupted;
use super::{transfer, units};
use clap::Args;
use seedbed::{Client, Handle, Input, Options};
use seedbed_engine::metainfo::Metainfo;
use seedbed_engine::{AddTorrent, Command, Purpose, Report, Status, TorrentState};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tracker::LocalTracker;

/// How long the seed may take to announce itself, and how long the download may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Arguments of `demo`.
#[derive(Args)]
#[command(after_help = "Example:\n  seedbed demo")]
pub(crate) struct DemoArgs {}

pub(crate) fn run(_args: &DemoArgs, console: &Console) -> Result<u8, Failure> {
    let temp = TempDir::new()?;
    let (originals, copies) = (temp.path().join("seed"), temp.path().join("download"));
    content::write(&originals)?;
    let tracker = LocalTracker::start()?;
    let source = scan(&originals.join(content::NAME), console)?;
    let about = About {
        piece_length: Some(content::PIECE_LENGTH),
        trackers: tracker.urls().map(|url| vec![url]).to_vec(),
        ..About::default()
    };
    let torrent = Arc::new(make(&source, about, console)?.metainfo);
    console.line(format!(
        "made {} in {}: {} of {}",
        units::bytes(torrent.total_length),
        units::count(content::COUNT, "file"),
        units::count(torrent.pieces() as usize, "piece"),
        units::bytes(torrent.piece_length.into())
    ))?;
    console.line(format!("tracker at {}", tracker.urls().join(" and ")))?;
    let info_hash = torrent.info_hash.0;
    let seed = Seed::start(torrent.clone(), &originals, options(&temp, "seed-state"))?;
    seed.wait_until(|| tracker.has_seeder(&info_hash))?;
    console.line("a seed has announced itself")?;
    let (status, elapsed) = download(torrent, &copies, options(&temp, "download-state"), console)?;
    seed.stop()?;
    content::compare(&originals, &copies)?;
    summary(&status, elapsed, tracker.announces(), console)?;
    Ok(DONE)
}

fn summary(status: &Status, elapsed: Duration, announces: usize, console: &Console) -> Result<(), Failure> {
    let seconds = elapsed.as_secs_f64();
    // a demo of no time at all is still some
    let rate = (status.verified as f64 / seconds.max(0.001)) as u64;
    console.value(&json!({
        "ok": true,
        "total_length": status.total_length,
        "files": content::COUNT,
        "pieces": status.pieces,
        "downloaded": status.downloaded,
        "wasted": status.wasted,
        "announces": announces,
        "seconds": seconds,
    }))?;
    console.line(format!(
        "downloaded {} in {seconds:.2} s ({}), {} wasted",
        units::bytes(status.downloaded),
        units::rate(rate),
        units::bytes(status.wasted)
    ))?;
    console.line(format!(
        "verified: all {} by SHA-1, all {} equal to the originals; {} taken by the tracker",
        units::count(status.pieces as usize, "piece"),
        units::count(content::COUNT, "file"),
        units::count(announces, "announce")
    ))
}

/// A client that touches this machine only.
fn options(temp: &TempDir, state: &str) -> Options {
    let mut options = Options {
        listen: Some(0),
        bind: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        state_dir: temp.path().join(state),
        ..Options::default()
    };
    options.config.allow_local_services = true;
    options
}

fn request(metainfo: Arc<Metainfo>, dir: &Path, purpose: Purpose) -> Result<Command, Failure> {
    Ok(Command::Add(Box::new(AddTorrent {
        trust_resume: false,
        ..AddTorrent::new(metainfo, transfer::root(dir)?, purpose)
    })))
}

/// What ends a client early, whoever it is.
fn broken(report: &Report) -> Option<Failure> {
    match report {
        Report::Rejected { why, .. } => Some(Failure::other(shown(why))),
        Report::State {
            state: TorrentState::Failed { text },
            ..
        } => Some(Failure::storage(shown(text))),
        Report::DiskFailed { error, .. } => {
            let text = shown(error.to_string());
            Some(Failure::storage(format_args!("Storage failed: {text}.")))
        }
        Report::TrackerFailed { text, .. } => Some(Failure::network(format_args!(
            "The tracker failed: {}.",
            shown(text)
        ))),
        _ => None,
    }
}

/// A second client, in a thread of its own.
struct Seed {
    handle: Handle,
    thread: JoinHandle<Result<(), Failure>>,
}

impl Seed {
    fn start(metainfo: Arc<Metainfo>, dir: &Path, options: Options) -> Result<Self, Failure> {
        let add = request(metainfo, dir, Purpose::Seed)?;
        let (send, started) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut client = Client::new(options).map_err(|error| Failure::network(error.to_string()))?;
            client.command(add);
            // the other end waits for it
            let _ = send.send(client.handle());
            let ended = client.run(|_, input| match input {
                Input::Report(report) => {
                    broken(&report).map_or(ControlFlow::Continue(()), ControlFlow::Break)
                }
                _ => ControlFlow::Continue(()),
            });
            ended.map_or(Ok(()), Err)
        });
        match started.recv() {
            Ok(handle) => Ok(Self { handle, thread }),
            Err(_) => Err(ended(thread)),
        }
    }

    /// Waits for something that the seed brings about.
    fn wait_until(&self, met: impl Fn() -> bool) -> Result<(), Failure> {
        let deadline = Instant::now() + TIMEOUT;
        while !met() {
            if self.thread.is_finished() || Instant::now() >= deadline {
                return Err(Failure::network(
                    "The seed did not reach the tracker on this machine.",
                ));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn stop(self) -> Result<(), Failure> {
        self.handle.command(Command::Shutdown);
        match self.thread.join() {
            Ok(result) => result,
            Err(_) => Err(Failure::other("The seed panicked: please report this.")),
        }
    }
}

/// Why a seed ended that should have gone on.
fn ended(thread: JoinHandle<Result<(), Failure>>) -> Failure {
    match thread.join() {
        Ok(Err(failure)) => failure,
        _ => Failure::other("The seed ended early: please report this."),
    }
}

/// Downloads, then says goodbye. The answer is the last figures, and how long the download took.
fn download(
    metainfo: Arc<Metainfo>,
    dir: &Path,
    options: Options,
    console: &Console,
) -> Result<(Status, Duration), Failure> {
    let mut client = client::start(options, None, console)?;
    client::watch_signals(client.handle())?;
    client.command(request(metainfo, dir, Purpose::Download)?);
    let began = client.now();
    let mut progress = Progress::start(console);
    let mut last = None;
    let ended = client.run(|client, input| {
        let elapsed = client.now().since(began);
        match input {
            Input::Report(Report::Completed { .. }) => {
                last = status(client).map(|status| (status, elapsed));
                client.command(Command::Shutdown);
            }
            Input::Report(report) if last.is_none() => {
                if let Some(failure) = broken(&report) {
                    return ControlFlow::Break(failure);
                }
            }
            Input::Notified(INTERRUPT) => return ControlFlow::Break(interrupted()),
            _ => {}
        }
        if elapsed > TIMEOUT && last.is_none() {
            let cause = status(client).and_then(|status| status.stalled);
            let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
            return ControlFlow::Break(Failure::network(format_args!(
                "The download on this machine did not end{cause}."
            )));
        }
        if let Some(status) = status(client) {
            progress.update(&figures(&status));
        }
        ControlFlow::Continue(())
    });
    match (ended, last) {
        (Some(failure), _) => Err(failure),
        (None, Some(last)) => Ok(last),
        (None, None) => Err(interrupted()),
    }
}

fn status(client: &Client) -> Option<Status> {
    let engine = client.engine();
    let view = engine.torrents().next().and_then(|id| engine.torrent(id))?;
    Some(view.status(client.now()))
}

fn figures(status: &Status) -> Figures {
    Figures {
        what: "downloading".into(),
        done: status.verified,
        total: status.wanted,
        rate: status.rate_down,
        peers: Some(status.peers),
        stalled: status.stalled.as_deref().map(shown),
        ..Figures::default()
    }
}
