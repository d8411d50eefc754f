//! What can be typed: the subcommands, the flags that all of them know, and the flags of those that use the
//! network.

use super::values;
use super::{
    completions, create, demo, download, info, journal, magnet, man, probe, recording, replay, seed, sim,
    verify,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use seedbed_engine::throttle::RateLimit;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  seedbed download ubuntu.torrent -d ~/Downloads
  seedbed seed ubuntu.torrent -d ~/Downloads
  seedbed create album/ -a https://tracker.example/announce
  seedbed demo

Exit codes:
  0 done   1 anything else   2 usage   3 invalid input   4 storage   5 network
  6 data does not match   130 interrupted, state saved";

/// Heading of the flags that every subcommand takes.
const GLOBAL: &str = "Everywhere";

/// A BitTorrent client for the command line
#[derive(Parser)]
#[command(name = "seedbed", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every subcommand takes, before or after its name.
#[derive(Args)]
pub(crate) struct Global {
    /// Print every result as one JSON value on one line
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,
    /// Results and errors only: no progress, no notes
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(crate) quiet: bool,
    /// Log to standard error: -v what happens, -vv more, -vvv everything
    #[arg(short, long, global = true, help_heading = GLOBAL, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// The subcommands.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Download torrents, then exit; the same command again resumes
    Download(download::DownloadArgs),
    /// Check data that is there, then serve it until interrupted
    Seed(seed::SeedArgs),
    /// Make a .torrent file of a file or a folder
    Create(create::CreateArgs),
    /// Show everything in a .torrent file, and what is odd about it
    Info(info::InfoArgs),
    /// Check data against its torrent; name bad and missing pieces and files
    Verify(verify::VerifyArgs),
    /// Print the magnet link of a .torrent file
    Magnet(magnet::MagnetArgs),
    /// Look at one tracker or one peer, message by message
    #[command(subcommand, after_help = probe::EXAMPLES)]
    Probe(probe::ProbeCommand),
    /// Show that everything works: tracker, seed and download on this machine
    Demo(demo::DemoArgs),
    /// Play a recorded run again, and look into it
    Replay(replay::ReplayArgs),
    /// Work on recorded runs: what is in them, a copy to share, the part that matters
    #[command(subcommand, after_help = journal::EXAMPLES)]
    Journal(journal::JournalCommand),
    /// Run simulated worlds: one, many, or none but printed
    #[command(subcommand, after_help = sim::EXAMPLES)]
    Sim(sim::SimCommand),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual page
    Man(man::ManArgs),
}

/// How sockets are made, and what they may reach.
#[derive(Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct SocketArgs {
    /// TCP port for incoming peers; 0 takes a free one [default: 6881, or a free one if it is taken]
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,
    /// Local address of every socket
    #[arg(long, value_name = "IP")]
    pub(crate) bind: Option<IpAddr>,
    /// Network interface of every socket; nothing is sent without it
    #[arg(long, value_name = "NAME")]
    pub(crate) interface: Option<String>,
    /// PEM file with a certificate authority that is trusted beside the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Vec<PathBuf>,
    /// Hide the protocol from who looks on (RC4): prefer takes plain connections too, require refuses them
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Encryption::Prefer)]
    pub(crate) encryption: Encryption,
    /// Let torrents, trackers and redirects name services on this machine and the local network
    #[arg(long)]
    pub(crate) allow_local_services: bool,
    /// Fixed randomness, for tests only: others can foresee every choice
    #[arg(long, value_name = "HEX", value_parser = values::seed)]
    pub(crate) seed_rng: Option<[u8; 32]>,
}

/// How torrents are transferred, and when that ends.
#[derive(Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct TransferArgs {
    #[command(flatten)]
    pub(crate) sockets: SocketArgs,
    /// Dial this peer too, such as 192.0.2.7:6881; may be given again
    #[arg(long, value_name = "ADDR")]
    pub(crate) peer: Vec<SocketAddr>,
    /// Connections of one torrent at the most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) max_peers: Option<u16>,
    /// Peers served at a time, of all torrents together
    #[arg(long, value_name = "N")]
    pub(crate) upload_slots: Option<u32>,
    /// Read no more than this a second from all peers, such as 500k, 2M or 1.5MiB/s
    #[arg(long, value_name = "R", value_parser = values::rate)]
    pub(crate) limit_down: Option<RateLimit>,
    /// Send no more than this a second to all peers, such as 500k, 2M or 1.5MiB/s
    #[arg(long, value_name = "R", value_parser = values::rate)]
    pub(crate) limit_up: Option<RateLimit>,
    /// Do not announce to trackers
    #[arg(long)]
    pub(crate) no_trackers: bool,
    /// Do not exchange addresses of peers with peers (BEP 11); private torrents never do
    #[arg(long)]
    pub(crate) no_pex: bool,
    /// Do not tell the local network what is shared, nor listen to it (BEP 14); private torrents are never told
    #[arg(long)]
    pub(crate) no_lsd: bool,
    /// Serve until so many times the content was uploaded, such as 1.5
    #[arg(long, value_name = "R", value_parser = values::ratio)]
    pub(crate) seed_ratio: Option<values::Ratio>,
    /// Serve for so long, such as 90s, 30m or 2h; with --seed-ratio, until the first of the two
    #[arg(long, value_name = "T", value_parser = values::duration)]
    pub(crate) seed_time: Option<Duration>,
    /// Give up after so long without progress, such as 90s or 10m
    #[arg(long, value_name = "T", value_parser = values::duration_positive)]
    pub(crate) stop_timeout: Option<Duration>,
    /// Tell why nothing moves, or less than a quarter of before: ranked causes, each with a next step;
    /// whenever the first one changes, at most every 10s, and at an end that comes too early
    #[arg(long)]
    pub(crate) why: bool,
    #[command(flatten)]
    pub(crate) recording: recording::RecordArgs,
}

/// Whether connections to peers are encrypted.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encryption {
    // encrypted connections are refused
    Off,
    // we dial encrypted first, then plain; who dials us chooses
    Prefer,
    // nothing else
    Require,
}

impl From<Encryption> for seedbed_engine::config::Encryption {
    fn from(how: Encryption) -> Self {
        match how {
            Encryption::Off => Self::Off,
            Encryption::Prefer => Self::Prefer,
            Encryption::Require => Self::Require,
        }
    }
}

/// How space for files is set aside.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preallocate {
    // files start empty and grow
    None,
    // whole length at once, without taking space
    Sparse,
    // whole space at once, so that a full disk shows before the download
    Full,
}

impl From<Preallocate> for seedbed::Preallocate {
    fn from(how: Preallocate) -> Self {
        match how {
            Preallocate::None => Self::None,
            Preallocate::Sparse => Self::Sparse,
            Preallocate::Full => Self::Full,
        }
    }
}
