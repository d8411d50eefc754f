//! The metadata of a magnet link: what is told of it, and with `--metadata-only` as a .torrent file.

use crate::cli::console::{Console, shown, shown_path};
use crate::cli::failure::Failure;
use crate::cli::units;
use seedbed_engine::Report;
use seedbed_engine::metainfo::Metainfo;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Writes the file, and says where it is. Nothing is written over.
pub(super) fn write(metainfo: &Metainfo, out: Option<&Path>, dir: &Path) -> Result<PathBuf, Failure> {
    // the name is safe as a path element
    let path = out.map_or_else(|| dir.join(format!("{}.torrent", metainfo.name)), Path::to_owned);
    let created = OpenOptions::new().write(true).create_new(true).open(&path);
    let written = created.and_then(|mut file| {
        file.write_all(&metainfo.to_file())?;
        file.sync_all()
    });
    match written {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Failure::storage(format_args!(
            "{} exists: move it away, or name another file with -o.",
            shown_path(&path)
        ))),
        Err(error) => Err(Failure::storage(format_args!(
            "{} cannot be written: {error}.",
            shown_path(&path)
        ))),
    }
}

/// A note for people.
pub(super) fn tell(console: &Console, report: &Report) {
    match report {
        Report::Metadata {
            name,
            total_length,
            pieces,
            ..
        } => console.note(format!(
            "The metadata is here: {}, {}, {}",
            shown(name),
            units::bytes(*total_length),
            units::count(*pieces as usize, "piece")
        )),
        Report::MetadataFailed {
            contributors,
            failures,
            ..
        } => console.note(format!(
            "The metadata failed its hash ({}, from {}); it is fetched again.",
            units::count(*failures as usize, "failure"),
            units::count(contributors.len(), "peer")
        )),
        _ => {}
    }
}

/// A line for programs.
pub(super) fn event(report: &Report) -> Option<Value> {
    Some(match report {
        Report::Metadata {
            total_length,
            pieces,
            private,
            ..
        } => json!({
            "event": "metadata", "total_length": total_length, "piece_count": pieces, "private": private,
        }),
        Report::MetadataFailed {
            contributors,
            failures,
            ..
        } => json!({
            "event": "metadata_failed", "failures": failures,
            "peers": contributors.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        _ => return None,
    })
}
