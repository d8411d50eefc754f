//! `seedbed sim`: seeded worlds around the engine, run, swept, printed and listed.

mod bisect;
mod expand;
mod guarded;
mod guided;
mod list;
mod material;
mod merge;
mod peer;
mod range;
mod report;
mod run;
mod shrink;
mod source;
mod stage;
mod sweep;
mod total;
mod tracker;
mod watching;

use super::console::Console;
use super::failure::Failure;
use clap::Subcommand;

pub(crate) const EXAMPLES: &str = "\
Examples:
  seedbed sim run 4711 --timeline
  seedbed sim sweep --seeds 0..10000
  seedbed sim expand 4711 > world.kdl
  seedbed sim shrink 4711 -o small.kdl
  seedbed sim bisect small.kdl
  seedbed sim list behaviours
  seedbed sim peer --behaviour corrupts --dial 127.0.0.1:6881";

/// What to do with simulated worlds.
#[derive(Subcommand)]
pub(crate) enum SimCommand {
    /// Run one world: a scenario file, or the one that a seed stands for
    Run(run::RunArgs),
    /// Run the worlds of many seeds on all cores, and stop at nothing
    Sweep(sweep::SweepArgs),
    /// Add up the results of a sweep's parts, of as many machines as there are
    Merge(merge::MergeArgs),
    /// Make a world that fails small, as long as it fails in the same way
    Shrink(shrink::ShrinkArgs),
    /// Find the moment after which a failing run could no longer end well
    Bisect(bisect::BisectArgs),
    /// Print the scenario that a seed stands for
    Expand(expand::ExpandArgs),
    /// List what worlds are made of and held against
    List(list::ListArgs),
    /// A peer that misbehaves, on real sockets of this machine
    Peer(peer::PeerArgs),
    /// A tracker that misbehaves, on real sockets of this machine
    Tracker(tracker::TrackerArgs),
}

pub(crate) fn run(command: &SimCommand, console: &Console) -> Result<u8, Failure> {
    match command {
        SimCommand::Run(args) => run::run(args, console),
        SimCommand::Sweep(args) => sweep::run(args, console),
        SimCommand::Merge(args) => merge::run(args, console),
        SimCommand::Shrink(args) => shrink::run(args, console),
        SimCommand::Bisect(args) => bisect::run(args, console),
        SimCommand::Expand(args) => expand::run(args, console),
        SimCommand::List(args) => list::run(args, console),
        SimCommand::Peer(args) => peer::run(args, console),
        SimCommand::Tracker(args) => tracker::run(args, console),
    }
}
