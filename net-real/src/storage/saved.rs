//! Saved resume states: one small file a torrent and output folder, replaced as a whole; and the info dictionaries that
//! came from peers, one file each.
//!
//! After a crash at any instant the file holds the old state or the new one.

use super::fault;
use rustix::fs::{self, CWD, Mode, OFlags};
use seedbed_engine::disk::{DiskError, DiskFault};
use seedbed_engine::id::InfoHash;
use sha1::{Digest as _, Sha1};
use std::fmt::Write as _;
use std::fs::{DirBuilder, File};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// A state is read into memory: far above the largest one (a 256 KiB bitfield and stamps of 100,000s of files).
const STATE_MAX: u64 = 64 * 1024 * 1024;

/// The state file of a torrent in an output folder: the same torrent may lie in two of them.
pub(crate) fn path(state_dir: &Path, info_hash: InfoHash, root: &Path) -> PathBuf {
    let digest = Sha1::digest(root.as_os_str().as_bytes());
    let mut name = format!("{info_hash}-");
    for byte in &digest[..4] {
        let _ = write!(name, "{byte:02x}");
    }
    state_dir.join(name + ".resume")
}

/// The file of an info dictionary that came from peers. It is the same wherever the content lies.
pub(crate) fn metadata_path(state_dir: &Path, info_hash: InfoHash) -> PathBuf {
    state_dir.join(format!("{info_hash}.metadata"))
}

/// What was saved last, if anything.
pub(crate) fn load(path: &Path) -> Result<Option<Vec<u8>>, DiskError> {
    let failed = |error: &std::io::Error| fault::io_error("read", path, error);
    let file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|error| failed(&error))?,
    };
    let mut data = Vec::new();
    file.take(STATE_MAX + 1)
        .read_to_end(&mut data)
        .map_err(|error| failed(&error))?;
    if data.len() as u64 > STATE_MAX {
        return Err(fault::with_words(
            DiskFault::Io,
            "read",
            path,
            "too long for a resume state",
        ));
    }
    Ok(Some(data))
}

/// Replaces what was saved. Only the user may read it: it tells what is downloaded.
pub(crate) fn save(path: &Path, data: &[u8]) -> Result<(), DiskError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| fault::io_error("make the folder", folder, &error))?;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    let written = write(&temporary, data)
        .map_err(|error| fault::io_error("write", &temporary, &error))
        .and_then(|()| {
            std::fs::rename(&temporary, path).map_err(|error| fault::io_error("replace", path, &error))
        });
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
        return written;
    }
    super::walk::sync_folder(folder).map_err(|errno| fault::error("sync the folder", folder, errno))
}

fn write(path: &Path, data: &[u8]) -> std::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = fs::openat(CWD, path, flags, Mode::RUSR | Mode::WUSR)?;
    let mut file = File::from(fd);
    file.write_all(data)?;
    file.sync_all()
}
