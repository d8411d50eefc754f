//! `seedbed download`: fetches torrents until all are complete; the same command again resumes.

use super::args::{Preallocate, TransferArgs};
use super::client;
use super::console::Console;
use super::failure::Failure;
use super::select::SelectArgs;
use super::torrent_file::Torrent;
use super::transfer::{Plan, Transfers};
use clap::Args;
use seedbed_engine::Purpose;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  seedbed download ubuntu.torrent -d ~/Downloads
  seedbed download https://example.org/album.torrent --seed-ratio 1
  seedbed download album.torrent --select 1,3-5
  curl -s https://example.org/album.torrent | seedbed download -

Run the same command again to resume. Exit code 0 means that every piece passed its hash.";

/// Arguments of `download`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DownloadArgs {
    /// A .torrent file, the http(s) address of one, or - for standard input
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,
    /// Folder for the files
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Write over files that exist and match in no piece
    #[arg(long)]
    overwrite: bool,
    /// Space for files: none lets them grow, sparse gives them their length, full takes it at once
    #[arg(long, value_name = "HOW", value_enum, default_value = "sparse")]
    preallocate: Preallocate,
    /// Download so many at a time; the others wait in their order [default: all at once]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    max_active: Option<u16>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    transfer: TransferArgs,
}

pub(crate) fn run(args: &DownloadArgs, console: &Console) -> Result<u8, Failure> {
    refuse_magnets(&args.sources)?;
    let mut options = client::options(&args.transfer.sockets);
    options.preallocate = args.preallocate.into();
    client::limit(&mut options, &args.transfer);
    options.config.active_max = args.max_active.map(usize::from);
    // a file that cannot be read should be told before a port is taken
    let local = |source: &String| (!is_address(source)).then(|| Torrent::read(Path::new(source)));
    let read: Vec<Option<Torrent>> = args
        .sources
        .iter()
        .map(|source| local(source).transpose())
        .collect::<Result<_, _>>()?;
    let mut client = client::start(options, args.transfer.sockets.port, console)?;
    args.transfer.recording.begin(&mut client, "download")?;
    client::watch_signals(client.handle())?;
    let mut torrents: Vec<Torrent> = Vec::new();
    for (source, torrent) in args.sources.iter().zip(read) {
        let torrent = match torrent {
            Some(torrent) => torrent,
            None => Torrent::fetch(&mut client, source)?,
        };
        let info_hash = torrent.metainfo.info_hash;
        if torrents.iter().any(|other| other.metainfo.info_hash == info_hash) {
            console.warn(format!("{} was named twice.", torrent.name()));
        } else {
            // a choice that chooses nothing should be told before anything is written
            args.select.priorities(&torrent)?;
            torrents.push(torrent);
        }
    }
    let plan = Plan {
        args: &args.transfer,
        purpose: Purpose::Download,
        dir: &args.dir,
        overwrite: args.overwrite,
        select: &args.select,
    };
    let ended = Transfers::new(console, plan, torrents).run(&mut client);
    args.transfer.recording.end(&mut client, console);
    ended
}

/// Whether a source is fetched from a web server.
fn is_address(source: &str) -> bool {
    let scheme = source
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

fn refuse_magnets(sources: &[String]) -> Result<(), Failure> {
    let is_magnet = |source: &&String| {
        source
            .get(..7)
            .is_some_and(|start| start.eq_ignore_ascii_case("magnet:"))
    };
    match sources.iter().find(is_magnet) {
        Some(_) => Err(Failure::usage(
            "Magnet links cannot be downloaded yet: name the .torrent file or its address instead.",
        )),
        None => Ok(()),
    }
}
