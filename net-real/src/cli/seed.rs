//! `seedbed seed`: checks data that is there, then serves it.

use super::args::TransferArgs;
use super::console::Console;
use super::failure::Failure;
use super::select::SelectArgs;
use super::torrent_file::{Sought, Torrent};
use super::transfer::{Plan, Transfers};
use super::{client, recording};
use clap::Args;
use seedbed_engine::Purpose;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  seedbed seed album.torrent -d ~/Music
  seedbed seed album.torrent -d ~/Music --seed-ratio 2 --seed-time 12h
  seedbed seed new.torrent --super-seed

Serves until it is interrupted, or until a limit of ratio or time is reached.";

/// Arguments of `seed`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SeedArgs {
    /// The .torrent files; - is standard input
    #[arg(required = true, value_name = "TORRENT")]
    torrents: Vec<PathBuf>,
    /// Folder that holds the files
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Show each peer one piece at a time, so that a lone seed sends little more than one copy (BEP 16)
    #[arg(long)]
    super_seed: bool,
    #[command(flatten)]
    transfer: TransferArgs,
}

pub(crate) fn run(args: &SeedArgs, console: &Console) -> Result<u8, Failure> {
    let torrents = args
        .torrents
        .iter()
        .map(|path| Torrent::read(path).map(Sought::from))
        .collect::<Result<_, _>>()?;
    super::require_dir(&args.dir)?;
    let mut options = client::options(&args.transfer.sockets);
    client::limit(&mut options, &args.transfer);
    let mut client = client::start(options, args.transfer.sockets.port, console)?;
    args.transfer.recording.begin(&mut client, "seed")?;
    client::watch_signals(client.handle())?;
    let select = SelectArgs::default();
    let plan = Plan {
        args: &args.transfer,
        purpose: Purpose::Seed,
        metadata_out: None,
        dir: &args.dir,
        overwrite: false,
        super_seed: args.super_seed,
        select: &select,
    };
    let ended = Transfers::new(console, plan, torrents).run(&mut client);
    args.transfer
        .recording
        .end(&mut client, recording::failed(&ended), console);
    ended
}
