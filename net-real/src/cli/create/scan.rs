//! Which files a torrent is made of, in an order that does not depend on the file system.

use crate::cli::console::{Console, shown_path};
use crate::cli::failure::Failure;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folders within folders that are followed at the most; a deeper tree is a mistake or a loop.
const DEPTH_MAX: usize = 200;
/// Files of one torrent at the most: more do not fit a metadata file that others accept.
const FILES_MAX: usize = 1_000_000;

/// One file to hash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SourceFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The parts of its path within the torrent; none for the only file of a torrent of one file.
    pub(crate) parts: Vec<String>,
    /// Its length in bytes.
    pub(crate) length: u64,
}

/// What a torrent is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Source {
    /// The name of the file or the folder.
    pub(crate) name: String,
    /// Whether it is one file and no folder.
    pub(crate) single: bool,
    /// The files, sorted by the bytes of their path's parts.
    pub(crate) files: Vec<SourceFile>,
}

impl Source {
    /// Bytes in all.
    pub(crate) fn length(&self) -> u64 {
        self.files.iter().map(|file| file.length).sum()
    }
}

/// Looks at a file or a folder. Symbolic links below it and what is neither file nor folder are left out with a
/// note: another machine could not follow them.
pub(crate) fn scan(path: &Path, console: &Console) -> Result<Source, Failure> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    let name = name(path)?;
    if metadata.is_file() {
        let file = SourceFile {
            path: path.to_owned(),
            parts: Vec::new(),
            length: metadata.len(),
        };
        return Ok(Source {
            name,
            single: true,
            files: vec![file],
        });
    }
    if !metadata.is_dir() {
        return Err(Failure::input(format_args!(
            "{} is neither a file nor a folder.",
            shown_path(path)
        )));
    }
    let mut files = Vec::new();
    let mut folders = vec![(path.to_owned(), Vec::new())];
    while let Some((folder, parts)) = folders.pop() {
        scan_folder(&folder, &parts, &mut files, &mut folders, console)?;
    }
    files.sort_by(|a, b| a.parts.cmp(&b.parts));
    Ok(Source {
        name,
        single: false,
        files,
    })
}

fn scan_folder(
    folder: &Path,
    parts: &[String],
    files: &mut Vec<SourceFile>,
    folders: &mut Vec<(PathBuf, Vec<String>)>,
    console: &Console,
) -> Result<(), Failure> {
    if parts.len() >= DEPTH_MAX {
        return Err(Failure::input(format_args!(
            "{} lies too deep.",
            shown_path(folder)
        )));
    }
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let entry = entry.map_err(|error| unreadable(folder, &error))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
        let mut inner = parts.to_vec();
        inner.push(part(&path)?);
        if kind.is_dir() {
            folders.push((path, inner));
        } else if kind.is_file() {
            let length = entry.metadata().map_err(|error| unreadable(&path, &error))?.len();
            files.push(SourceFile {
                path,
                parts: inner,
                length,
            });
        } else {
            console.warn(format!(
                "{} is left out: it is a link or a special file.",
                shown_path(&path)
            ));
        }
        if files.len() > FILES_MAX {
            return Err(Failure::input(format_args!(
                "More than {FILES_MAX} files do not make a torrent."
            )));
        }
    }
    Ok(())
}

/// The name of the torrent: that of the file or folder, even for `.` or `a/..`.
fn name(path: &Path) -> Result<String, Failure> {
    if path.file_name().is_some() {
        return part(path);
    }
    let whole = fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
    if whole.file_name().is_none() {
        return Err(Failure::input(
            "The root folder has no name that a torrent could have.",
        ));
    }
    part(&whole)
}

/// The last part of a path as text: torrents hold UTF-8.
fn part(path: &Path) -> Result<String, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| {
        Failure::input(format_args!(
            "The name of {} is not UTF-8: rename it first.",
            shown_path(path)
        ))
    })
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::input(format_args!("{} cannot be read: {error}.", shown_path(path)))
}
