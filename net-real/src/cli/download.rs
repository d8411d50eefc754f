//! `seedbed download`: fetches torrents until all are complete; the same command again resumes.

use super::args::{Preallocate, TransferArgs};
use super::console::Console;
use super::failure::Failure;
use super::select::SelectArgs;
use super::torrent_file::{Sought, Torrent};
use super::transfer::{Plan, Transfers};
use super::{client, recording};
use clap::Args;
use seedbed::Client;
use seedbed_engine::Purpose;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  seedbed download ubuntu.torrent -d ~/Downloads
  seedbed download https://example.org/album.torrent --seed-ratio 1
  seedbed download album.torrent --select 1,3-5
  curl -s https://example.org/album.torrent | seedbed download -
  seedbed download 'magnet:?xt=urn:btih:…&tr=udp://tracker.example:6969'
  seedbed download 'magnet:?xt=urn:btih:…' --select-re 'flac$'
  seedbed download 'magnet:?xt=urn:btih:…' --metadata-only -o album.torrent

Run the same command again to resume. Exit code 0 means that every piece passed its hash.";

/// Arguments of `download`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DownloadArgs {
    /// A .torrent file, the http(s) address of one, a magnet link, or - for standard input
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,
    /// Folder for the files
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Fetch the metadata of a magnet link, write it as a .torrent file, and end
    #[arg(long, conflicts_with_all = ["select", "select_re"])]
    metadata_only: bool,
    /// With --metadata-only: the file to write; NAME.torrent in the folder if not given
    #[arg(short, long, value_name = "FILE", requires = "metadata_only")]
    output: Option<PathBuf>,
    /// Write over files that exist and match in no piece, and begin anew where those of an earlier run are gone
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
    check_metadata_only(args)?;
    let mut options = client::options(&args.transfer.sockets);
    options.preallocate = args.preallocate.into();
    client::limit(&mut options, &args.transfer);
    options.config.active_max = args.max_active.map(usize::from);
    // a file that cannot be read should be told before a port is taken
    let read: Vec<Option<Sought>> = args
        .sources
        .iter()
        .map(|source| read_local(source).transpose())
        .collect::<Result<_, _>>()?;
    let mut client = client::start(options, args.transfer.sockets.port, console)?;
    args.transfer.recording.begin(&mut client, "download")?;
    client::watch_signals(client.handle())?;
    let ended = transfer(args, read, &mut client, console);
    args.transfer
        .recording
        .end(&mut client, recording::failed(&ended), console);
    ended
}

/// Fetches what has to be fetched, then downloads all of it.
fn transfer(
    args: &DownloadArgs,
    read: Vec<Option<Sought>>,
    client: &mut Client,
    console: &Console,
) -> Result<u8, Failure> {
    let mut torrents: Vec<Sought> = Vec::new();
    for (source, torrent) in args.sources.iter().zip(read) {
        let torrent = match torrent {
            Some(torrent) => torrent,
            None => Torrent::fetch(client, source)?.into(),
        };
        let info_hash = torrent.info_hash();
        if torrents.iter().any(|other| other.info_hash() == info_hash) {
            console.warn(format!("{} was named twice.", torrent.name()));
        } else {
            // a choice that chooses nothing should be told before anything is written
            args.select.priorities(&torrent)?;
            torrents.push(torrent);
        }
    }
    let plan = Plan {
        args: &args.transfer,
        purpose: if args.metadata_only {
            Purpose::Metadata
        } else {
            Purpose::Download
        },
        metadata_out: args.output.as_deref(),
        dir: &args.dir,
        overwrite: args.overwrite,
        super_seed: false,
        select: &args.select,
    };
    Transfers::new(console, plan, torrents).run(client)
}

/// Whether a source is fetched from a web server.
fn is_address(source: &str) -> bool {
    let scheme = source
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

/// Whether a source is a magnet link.
fn is_magnet(source: &str) -> bool {
    let scheme = source.get(..7);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("magnet:"))
}

/// What can be read without the network: a file or a link.
fn read_local(source: &str) -> Option<Result<Sought, Failure>> {
    if is_magnet(source) {
        Some(Sought::link(source))
    } else if is_address(source) {
        None
    } else {
        Some(Torrent::read(Path::new(source)).map(Sought::from))
    }
}

/// `--metadata-only` needs one link: everything else has its metadata.
fn check_metadata_only(args: &DownloadArgs) -> Result<(), Failure> {
    match args.sources.as_slice() {
        [source] if !args.metadata_only || is_magnet(source) => Ok(()),
        _ if !args.metadata_only => Ok(()),
        _ => Err(Failure::usage(
            "--metadata-only takes one magnet link: a .torrent file has its metadata.",
        )),
    }
}
