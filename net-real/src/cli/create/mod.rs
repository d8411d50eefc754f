//! `seedbed create`: makes a .torrent file of a file or a folder.

mod hash;
mod scan;

use super::console::{Console, shown, shown_path};
use super::failure::{DONE, Failure};
use super::progress::{Figures, Meter, Progress};
use super::{units, values};
use clap::Args;
use seedbed_engine::metainfo::{Created, Metainfo, NewContent, NewFile, NewTorrent, pick_piece_length};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use scan::{Source, scan};

const EXAMPLES: &str = "\
Examples:
  seedbed create album/ -a https://tracker.example/announce
  seedbed create film.mkv --tier udp://a.example:80,udp://b.example:80 -o film.torrent";

/// Arguments of `create`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CreateArgs {
    /// The file or folder to share
    path: PathBuf,
    /// A tracker, in a tier of its own; may be given again
    #[arg(short, long = "announce", value_name = "URL", value_parser = values::tracker_url)]
    announce: Vec<String>,
    /// A tier of trackers, tried in any order before the next tier; may be given again
    #[arg(long, value_name = "URL,URL", value_parser = values::tier)]
    tier: Vec<values::Tier>,
    /// Where to write; - is standard output [default: NAME.torrent in the working folder]
    #[arg(short, long, value_name = "OUT")]
    out: Option<PathBuf>,
    /// Replace OUT if it exists
    #[arg(short, long)]
    force: bool,
    /// Bytes of a piece, a power of two such as 256KiB or 1MiB [default: by size]
    #[arg(long, value_name = "N", value_parser = values::piece_length)]
    piece_length: Option<u32>,
    /// Only the trackers may name peers (BEP 27)
    #[arg(long)]
    private: bool,
    /// A comment for whoever reads the file
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Where it was published first: makes the torrent a different one for each source
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// An http or https address that has the same data (BEP 19); may be given again
    #[arg(long, value_name = "URL", value_parser = values::web_url)]
    web_seed: Vec<String>,
    /// Leave the date of creation out, so that the same input gives the same bytes
    #[arg(long)]
    no_date: bool,
}

/// What a new torrent says beside its content.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct About {
    pub(crate) piece_length: Option<u32>,
    pub(crate) trackers: Vec<Vec<String>>,
    pub(crate) web_seeds: Vec<String>,
    pub(crate) private: bool,
    pub(crate) comment: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) creation_date: Option<i64>,
}

pub(crate) fn run(args: &CreateArgs, console: &Console) -> Result<u8, Failure> {
    let source = scan(&args.path, console)?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.torrent", source.name)));
    let to_stdout = out.as_os_str() == "-";
    if to_stdout && console.is_json() {
        return Err(Failure::usage(
            "-o - and --json both want standard output: drop one of them.",
        ));
    }
    if !to_stdout && !args.force && out.symlink_metadata().is_ok() {
        return Err(exists(&out));
    }
    let created = make(&source, args.about(), console)?;
    if to_stdout {
        console.bytes(&created.bytes)?;
        return Ok(DONE);
    }
    write(&out, &created.bytes, args.force)?;
    told(&created.metainfo, &out, console)?;
    Ok(DONE)
}

impl CreateArgs {
    fn about(&self) -> About {
        let single = self.announce.iter().map(|url| vec![url.clone()]);
        let tiers = self.tier.iter().map(|tier| tier.0.clone());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok();
        About {
            piece_length: self.piece_length,
            trackers: single.chain(tiers).collect(),
            web_seeds: self.web_seed.clone(),
            private: self.private,
            comment: self.comment.clone(),
            source: self.source.clone(),
            creation_date: now
                .filter(|_| !self.no_date)
                .and_then(|now| i64::try_from(now.as_secs()).ok()),
        }
    }
}

/// Hashes a source and writes a torrent of it, in memory.
pub(crate) fn make(source: &Source, about: About, console: &Console) -> Result<Created, Failure> {
    let total = source.length();
    if total == 0 {
        return Err(Failure::input(format_args!(
            "{} has no bytes: a torrent needs at least one.",
            shown(&source.name)
        )));
    }
    let piece_length = about.piece_length.unwrap_or_else(|| pick_piece_length(total));
    let mut progress = Progress::start(console);
    let mut meter = Meter::start();
    let pieces = hash::hash_pieces(source, piece_length, |done| {
        progress.update(&Figures {
            what: "hashing".into(),
            done,
            total,
            rate: meter.rate(done),
            ..Figures::default()
        });
        Ok(())
    })?;
    drop(progress);
    let torrent = NewTorrent {
        name: source.name.clone(),
        content: content(source),
        piece_length,
        pieces,
        trackers: about.trackers,
        web_seeds: about.web_seeds,
        private: about.private,
        comment: about.comment,
        created_by: Some(concat!("seedbed/", env!("CARGO_PKG_VERSION")).into()),
        creation_date: about.creation_date,
        source: about.source,
    };
    torrent.create().map_err(|error| {
        Failure::input(format_args!(
            "No torrent can be made: {}.",
            shown(error.to_string())
        ))
    })
}

fn content(source: &Source) -> NewContent {
    match source.files.as_slice() {
        [file] if source.single => NewContent::Single { length: file.length },
        files => NewContent::Multi(
            files
                .iter()
                .map(|file| NewFile {
                    path: file.parts.clone(),
                    length: file.length,
                })
                .collect(),
        ),
    }
}

/// Writes a file that did not exist; with `force`, another one that then takes the place of the old.
fn write(out: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
    let mut partial = out.as_os_str().to_owned();
    partial.push(format!(".{}.part", std::process::id()));
    let target = if force {
        PathBuf::from(partial)
    } else {
        out.to_owned()
    };
    let opened = OpenOptions::new().write(true).create_new(true).open(&target);
    let written = opened.and_then(|mut file| {
        let written = file
            .write_all(bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| {
                if force {
                    std::fs::rename(&target, out)
                } else {
                    Ok(())
                }
            });
        written.inspect_err(|_| {
            // the first error is the one to tell
            let _ = std::fs::remove_file(&target);
        })
    });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists if !force => exists(out),
        _ => Failure::storage(format_args!("{} cannot be written: {error}.", shown_path(out))),
    })
}

fn exists(out: &Path) -> Failure {
    Failure::storage(format_args!(
        "{} exists: replace it with -f, or name another file with -o.",
        shown_path(out)
    ))
}

fn told(metainfo: &Metainfo, out: &Path, console: &Console) -> Result<(), Failure> {
    console.value(&json!({
        "path": out.to_string_lossy(),
        "info_hash_v1": metainfo.info_hash.to_string(),
        "name": metainfo.name,
        "piece_length": metainfo.piece_length,
        "piece_count": metainfo.pieces(),
        "total_length": metainfo.total_length,
        "lints": metainfo.lints.iter().map(|lint| json!({"code": lint.code, "text": lint.text})).collect::<Vec<_>>(),
    }))?;
    for lint in &metainfo.lints {
        console.warn(format!("{}: {}", lint.code, shown(&lint.text)));
    }
    console.line(format!(
        "{}: {} in {} of {}, info hash {}",
        shown_path(out),
        units::bytes(metainfo.total_length),
        units::count(metainfo.pieces() as usize, "piece"),
        units::bytes(metainfo.piece_length.into()),
        metainfo.info_hash
    ))
}
