//! `--metadata-only`: the metadata of a magnet link as a .torrent file.

use crate::cli::console::shown_path;
use crate::cli::failure::Failure;
use seedbed_engine::metainfo::Metainfo;
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
