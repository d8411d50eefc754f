//! `seedbed verify`: checks data against its torrent, by the engine's own hashing.

use super::client::{self, INTERRUPT};
use super::console::{Console, shown};
use super::failure::{DONE, Failure, MISMATCH};
use super::progress::{Figures, Meter, Progress};
use super::torrent_file::{Torrent, interrupted};
use super::transfer;
use super::units;
use clap::Args;
use seedbed::{Client, Input, Options};
use seedbed_engine::id::PieceIndex;
use seedbed_engine::{AddTorrent, Command, Purpose, Report, TorrentState};
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Example:
  seedbed verify album.torrent -d ~/Music

Exit code 0 means that everything is there and right, 6 that it is not.";

/// Ranges of pieces that are printed at the most; `--json` has all pieces.
const RANGES_SHOWN: usize = 40;
/// The geometry is only asked about pieces here; blocks are the engine's.
const BLOCK_LENGTH: u32 = 16 * 1024;

/// Arguments of `verify`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// The .torrent file; - is standard input
    torrent: PathBuf,
    /// Folder that holds the files
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

/// The result with `--json`. Its fields may be added to, never renamed.
#[derive(Serialize)]
struct Verified {
    complete: bool,
    pieces_ok: u32,
    pieces_bad: Vec<u32>,
    pieces_missing: Vec<u32>,
    /// Bytes that were there and were hashed.
    bytes: u64,
    seconds: f64,
    files_bad: Vec<String>,
    files_missing: Vec<String>,
}

pub(crate) fn run(args: &VerifyArgs, console: &Console) -> Result<u8, Failure> {
    let torrent = Torrent::read(&args.torrent)?;
    super::require_dir(&args.dir)?;
    let mut client = client::start(
        Options {
            listen: None,
            ..Options::default()
        },
        None,
        console,
    )?;
    client::watch_signals(client.handle())?;
    let began = client.now();
    let checked = check(&mut client, &torrent, args, console)?;
    let seconds = client.now().since(began).as_secs_f64();
    let result = judge(&torrent, &args.dir, checked, seconds)?;
    console.value(&result)?;
    print(&torrent, &result, console)?;
    Ok(if result.complete { DONE } else { MISMATCH })
}

/// What hashing found: pieces that are right, wrong, not there.
struct Checked {
    have: u32,
    bad: Vec<PieceIndex>,
    missing: Vec<PieceIndex>,
}

fn check(
    client: &mut Client,
    torrent: &Torrent,
    args: &VerifyArgs,
    console: &Console,
) -> Result<Checked, Failure> {
    client.command(Command::Add(Box::new(AddTorrent {
        use_trackers: false,
        trust_resume: false,
        ..AddTorrent::new(
            torrent.metainfo.clone(),
            transfer::root(&args.dir)?,
            Purpose::Check,
        )
    })));
    let mut progress = Progress::start(console);
    let mut meter = Meter::start();
    let checked = client.run(|client, input| match input {
        Input::Report(Report::Checked {
            have, bad, missing, ..
        }) => ControlFlow::Break(Ok(Checked { have, bad, missing })),
        Input::Report(Report::Rejected { why, .. }) => ControlFlow::Break(Err(Failure::other(shown(why)))),
        Input::Report(Report::State { state, .. }) => match state {
            TorrentState::Failed { text } => ControlFlow::Break(Err(Failure::storage(shown(text)))),
            TorrentState::DiskFailed { error, .. } => ControlFlow::Break(Err(Failure::storage(
                format_args!("Storage failed: {}.", shown(error.to_string())),
            ))),
            _ => ControlFlow::Continue(()),
        },
        Input::Wake => {
            progress.update(&figures(client, &mut meter));
            ControlFlow::Continue(())
        }
        Input::Notified(INTERRUPT) => ControlFlow::Break(Err(interrupted())),
        _ => ControlFlow::Continue(()),
    });
    checked.unwrap_or_else(|| Err(interrupted()))
}

fn figures(client: &Client, meter: &mut Meter) -> Figures {
    let engine = client.engine();
    let view = engine.torrents().next().and_then(|id| engine.torrent(id));
    let Some(status) = view.map(|view| view.status(client.now())) else {
        return Figures::default();
    };
    let part = u128::from(status.total_length) * u128::from(status.pieces_checked);
    let done = u64::try_from(part / u128::from(status.pieces.max(1))).unwrap_or(u64::MAX);
    Figures {
        what: "checking".into(),
        done,
        total: status.total_length,
        rate: meter.rate(done),
        ..Figures::default()
    }
}

/// Puts pieces and files together. A piece that is wrong makes every file in it suspect.
fn judge(torrent: &Torrent, dir: &Path, checked: Checked, seconds: f64) -> Result<Verified, Failure> {
    let metainfo = &torrent.metainfo;
    let geometry = metainfo.geometry(BLOCK_LENGTH).map_err(Failure::input)?;
    let numbers = |pieces: &[PieceIndex]| {
        let mut numbers: Vec<u32> = pieces.iter().map(|piece| piece.0).collect();
        numbers.sort_unstable();
        numbers
    };
    let (bad, missing) = (numbers(&checked.bad), numbers(&checked.missing));
    let absent = checked
        .missing
        .iter()
        .map(|piece| u64::from(geometry.length_of(*piece)));
    let absent: u64 = absent.sum();
    let (mut files_bad, mut files_missing) = (Vec::new(), Vec::new());
    for (index, file) in metainfo.layout.data_files() {
        let pieces = metainfo.layout.file_pieces(index, &geometry);
        let from = bad.partition_point(|piece| *piece < pieces.start);
        let there = std::fs::symlink_metadata(dir.join(&file.path));
        let there = there.ok().filter(std::fs::Metadata::is_file);
        if there.is_none_or(|there| there.len() < file.length) {
            files_missing.push(file.path.clone());
        } else if bad.get(from).is_some_and(|piece| *piece < pieces.end) {
            files_bad.push(file.path.clone());
        }
    }
    Ok(Verified {
        complete: bad.is_empty() && missing.is_empty() && files_missing.is_empty(),
        pieces_ok: checked.have,
        pieces_bad: bad,
        pieces_missing: missing,
        bytes: metainfo.total_length.saturating_sub(absent),
        seconds,
        files_bad,
        files_missing,
    })
}

fn print(torrent: &Torrent, result: &Verified, console: &Console) -> Result<(), Failure> {
    let pieces = torrent.metainfo.pieces();
    let time = format!("{} hashed in {:.1} s", units::bytes(result.bytes), result.seconds);
    if result.complete {
        let right = units::count(pieces as usize, "piece");
        return console.line(format!("{}: complete, {right} right; {time}", torrent.name()));
    }
    console.line(format!(
        "{}: not complete, {} of {} right; {time}",
        torrent.name(),
        result.pieces_ok,
        units::count(pieces as usize, "piece")
    ))?;
    for (what, pieces) in [("bad", &result.pieces_bad), ("missing", &result.pieces_missing)] {
        if !pieces.is_empty() {
            console.line(format!("{what} pieces ({}): {}", pieces.len(), ranges(pieces)))?;
        }
    }
    let lists = [
        ("bad, or beside bad data", &result.files_bad),
        ("missing or too short", &result.files_missing),
    ];
    for (what, files) in lists {
        for file in files {
            console.line(format!("{what}: {}", shown(file)))?;
        }
    }
    Ok(())
}

/// Sorted numbers as ranges, `1-3, 7`, cut after a line's worth.
fn ranges(numbers: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let mut parts: Vec<String> = ranges
        .iter()
        .take(RANGES_SHOWN)
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    if ranges.len() > RANGES_SHOWN {
        parts.push("…".into());
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_ranges() {
        assert_eq!(ranges(&[]), "");
        assert_eq!(ranges(&[0, 1, 2, 7, 9, 10]), "0-2, 7, 9-10");
        let many: Vec<u32> = (0..200).map(|n| n * 2).collect();
        assert!(ranges(&many).ends_with("78, …"));
    }
}
