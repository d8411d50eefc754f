//! `seedbed magnet`: the magnet link of a .torrent file.

use super::console::Console;
use super::failure::{DONE, Failure};
use super::torrent_file::Torrent;
use clap::Args;
use seedbed_engine::magnet::Magnet;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `magnet`.
#[derive(Args)]
#[command(after_help = "Example:\n  seedbed magnet album.torrent")]
pub(crate) struct MagnetArgs {
    /// The .torrent file; - is standard input
    torrent: PathBuf,
}

pub(crate) fn run(args: &MagnetArgs, console: &Console) -> Result<u8, Failure> {
    let torrent = Torrent::read(&args.torrent)?;
    let link = Magnet::of(&torrent.metainfo).to_string();
    console.value(&json!({"magnet": link}))?;
    // everything but plain characters is percent-encoded in it
    console.line(&link)?;
    Ok(DONE)
}
