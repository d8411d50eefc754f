//! `seedbed probe peer`: one connection, one piece.

use super::timeline;
use crate::cli::args::SocketArgs;
use crate::cli::client::{self, INTERRUPT};
use crate::cli::console::{Console, shown, shown_path};
use crate::cli::failure::{DONE, Failure, NETWORK};
use crate::cli::recording::RecordArgs;
use crate::cli::temp::TempDir;
use crate::cli::torrent_file::{Torrent, interrupted};
use crate::cli::{transfer, values};
use clap::Args;
use seedbed::{Client, Input, Observer, Preallocate};
use seedbed_engine::id::PieceIndex;
use seedbed_engine::metainfo::Metainfo;
use seedbed_engine::mse::Mode;
use seedbed_engine::time::Instant;
use seedbed_engine::{Action, AddTorrent, Command, Engine, Event, PeerClosed, Purpose, Report, TorrentState};
use serde::Serialize;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

const EXAMPLES: &str = "\
Example:
  seedbed probe peer 192.0.2.7:6881 album.torrent --piece 3 -o piece3.bin

Exit code 5 if no right piece came.";

/// Arguments of `probe peer`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PeerArgs {
    /// The peer, such as 192.0.2.7:6881
    #[arg(value_name = "ADDR")]
    addr: SocketAddr,
    /// The torrent to ask for; - is standard input
    torrent: PathBuf,
    /// Which piece to fetch, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    piece: u32,
    /// Write the verified piece to this file
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
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
struct Probed {
    address: String,
    ok: bool,
    client: Option<String>,
    /// `plain` (behind an encrypted handshake) or `rc4`; none if nothing was encrypted.
    encryption: Option<&'static str>,
    pieces: u32,
    verified: Option<bool>,
    failure: Option<String>,
    seconds: f64,
}

/// What is known of the peer by now.
struct Watch<'a> {
    args: &'a PeerArgs,
    console: &'a Console,
    began: Instant,
    client: Option<String>,
    encryption: Option<Mode>,
    /// Pieces that the peer has.
    pieces: Rc<Cell<u32>>,
    verified: Option<bool>,
}

/// Counts the peer's pieces after each event: it may be gone again before anything is reported.
struct PieceCounter {
    addr: SocketAddr,
    pieces: Rc<Cell<u32>>,
}

impl Observer for PieceCounter {
    fn event(&mut self, now: Instant, _event: &Event<'_>, engine: &Engine) {
        let view = engine.torrents().next().and_then(|id| engine.torrent(id));
        let peers = view.map(|view| view.peers(now)).unwrap_or_default();
        if let Some(peer) = peers.iter().find(|peer| peer.addr == self.addr) {
            self.pieces.set(peer.pieces);
        }
    }

    fn action(&mut self, _now: Instant, _action: &Action) {}
}

pub(crate) fn run(args: &PeerArgs, console: &Console) -> Result<u8, Failure> {
    let torrent = Torrent::read(&args.torrent)?;
    let pieces = torrent.metainfo.pieces();
    if args.piece >= pieces {
        return Err(Failure::usage(format_args!(
            "There is no piece {}: the last one is {}.",
            args.piece,
            pieces - 1
        )));
    }
    let temp = TempDir::new()?;
    let mut options = client::options(&args.sockets);
    options.listen = None;
    options.preallocate = Preallocate::None;
    options.state_dir = temp.path().join("state");
    options.config.trace = true;
    // nobody else is looked for
    options.config.pex.enabled = false;
    let mut client = client::start(options, args.sockets.port, console)?;
    args.recording.begin(&mut client, "probe peer")?;
    client::watch_signals(client.handle())?;
    let data = temp.path().join("data");
    client.command(Command::Add(Box::new(AddTorrent {
        only_pieces: Some(vec![PieceIndex(args.piece)]),
        peers: vec![args.addr],
        use_trackers: false,
        trust_resume: false,
        ..AddTorrent::new(
            torrent.metainfo.clone(),
            transfer::root(&data)?,
            Purpose::Download,
        )
    })));
    let mut watch = Watch {
        args,
        console,
        began: client.now(),
        client: None,
        encryption: None,
        pieces: Rc::default(),
        verified: None,
    };
    client.observe(Box::new(PieceCounter {
        addr: args.addr,
        pieces: watch.pieces.clone(),
    }));
    let ended = watch.run(&mut client);
    args.recording
        .end(&mut client, !matches!(ended, Ok(None)), console);
    let failure = ended?;
    if let (None, Some(out)) = (&failure, &args.out) {
        let piece = read_piece(&torrent.metainfo, &data, PieceIndex(args.piece));
        let written = piece.and_then(|bytes| std::fs::write(out, bytes));
        written.map_err(|error| {
            Failure::storage(format_args!("{} cannot be written: {error}.", shown_path(out)))
        })?;
    }
    let seconds = client.now().since(watch.began).as_secs_f64();
    watch.finish(failure, seconds)
}

impl Watch<'_> {
    /// Runs until the piece is there. The answer is why it is not, if it is not.
    fn run(&mut self, client: &mut Client) -> Result<Option<String>, Failure> {
        let deadline = self.began + self.args.timeout;
        let ended = client.run(|client, input| match input {
            Input::Report(report) => self.report(client.now(), &report),
            Input::Notified(INTERRUPT) => ControlFlow::Break(Err(interrupted())),
            _ if client.now() >= deadline => ControlFlow::Break(Ok(Some(timed_out(client)))),
            _ => ControlFlow::Continue(()),
        });
        ended.unwrap_or_else(|| Err(interrupted()))
    }

    fn report(&mut self, now: Instant, report: &Report) -> ControlFlow<Result<Option<String>, Failure>> {
        if let Some(line) = timeline(self.began, now, report)
            && let Err(failure) = self.console.line(line)
        {
            return ControlFlow::Break(Err(failure));
        }
        match report {
            Report::PeerConnected {
                client, encryption, ..
            } => {
                (self.client, self.encryption) = (Some(client.clone()), *encryption);
            }
            Report::PieceVerified { .. } => self.verified = Some(true),
            Report::PieceFailed { .. } => {
                self.verified = Some(false);
                return failed(format_args!("piece {} failed its hash", self.args.piece));
            }
            Report::Completed { .. } => return ControlFlow::Break(Ok(None)),
            Report::PeerClosed {
                why: PeerClosed::PlainNext,
                ..
            } => {}
            Report::PeerClosed { why, .. } if self.verified.is_none() => return failed(why),
            Report::Rejected { why, .. } => return ControlFlow::Break(Err(Failure::other(shown(why)))),
            Report::State {
                state: TorrentState::Failed { text },
                ..
            } => return ControlFlow::Break(Err(Failure::storage(shown(text)))),
            Report::DiskFailed { error, .. } => {
                let text = shown(error.to_string());
                return ControlFlow::Break(Err(Failure::storage(format_args!("Storage failed: {text}."))));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn finish(self, failure: Option<String>, seconds: f64) -> Result<u8, Failure> {
        let ok = failure.is_none();
        self.console.line(match &failure {
            None => format!("piece {} verified in {seconds:.1} s", self.args.piece),
            Some(text) => format!("failure: {}", shown(text)),
        })?;
        self.console.value(&Probed {
            address: self.args.addr.to_string(),
            ok,
            client: self.client,
            encryption: self.encryption.map(Mode::word),
            pieces: self.pieces.get(),
            verified: self.verified,
            failure,
            seconds,
        })?;
        Ok(if ok { DONE } else { NETWORK })
    }
}

fn failed(why: impl std::fmt::Display) -> ControlFlow<Result<Option<String>, Failure>> {
    ControlFlow::Break(Ok(Some(why.to_string())))
}

/// What the engine was waiting for when the time was over.
fn timed_out(client: &Client) -> String {
    let engine = client.engine();
    let view = engine.torrents().next().and_then(|id| engine.torrent(id));
    let cause = view.and_then(|view| view.status(client.now()).stalled);
    cause.map_or_else(|| "timed out".into(), |cause| format!("timed out: {cause}"))
}

/// The bytes of a piece, out of the files that it was written to.
fn read_piece(metainfo: &Metainfo, dir: &Path, piece: PieceIndex) -> io::Result<Vec<u8>> {
    let start = u64::from(piece.0) * u64::from(metainfo.piece_length);
    let end = metainfo
        .total_length
        .min(start + u64::from(metainfo.piece_length));
    let mut bytes = Vec::new();
    for span in metainfo.layout.spans(start..end) {
        let file = &metainfo.layout.files()[span.file];
        if file.pad {
            bytes.resize(bytes.len() + span.length as usize, 0);
            continue;
        }
        let mut open = File::open(dir.join(&file.path))?;
        open.seek(SeekFrom::Start(span.offset))?;
        let read = open.take(span.length).read_to_end(&mut bytes)?;
        if (read as u64) < span.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(bytes)
}
