//! Opens what lies below the output folder and never leaves it: no symlink is followed and no `..` is taken, whatever
//! somebody planted there, and also when it is swapped while we look.
//!
//! The paths of a torrent are made safe by the engine; this is the second wall.

use rustix::fs::{self, AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Flags of every open: no symlink, no controlling terminal, no waiting for the other end of a FIFO.
const SAFE: OFlags = OFlags::NOFOLLOW
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOCTTY)
    .union(OFlags::NONBLOCK);

/// A folder, as a place to start from.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(SAFE);

/// Opens the output folder itself. It is the user's path: symlinks in it are the user's.
pub(crate) fn open_root(root: &Path) -> Result<OwnedFd, Errno> {
    fs::open(
        root,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

/// Tells a folder from others, as long as it is there: its file system, and its number in it.
pub(crate) type FolderId = (u64, u64);

/// Which folder this is.
pub(crate) fn folder_id(folder: impl AsFd) -> Result<FolderId, Errno> {
    let stat = fs::fstat(folder)?;
    Ok((stat.st_dev, stat.st_ino))
}

/// Opens an ordinary file below `root`. Anything else there is an error: `LOOP`, `NOTDIR`, `ISDIR` or `NXIO`.
pub(crate) fn open_file(root: BorrowedFd<'_>, path: &str, access: OFlags) -> Result<OwnedFd, Errno> {
    check_path(path)?;
    let fd = match beneath(root, path, access | SAFE) {
        Some(result) => result?,
        None => {
            let (folder, name) = split(path);
            let parent = open_folder(root, folder)?;
            fs::openat(
                parent.as_ref().map_or(root, AsFd::as_fd),
                name,
                access | SAFE,
                Mode::empty(),
            )?
        }
    };
    ordinary(&fs::fstat(&fd)?)?;
    Ok(fd)
}

/// Whether this is an ordinary file.
pub(crate) fn ordinary(stat: &Stat) -> Result<(), Errno> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(Errno::ISDIR),
        FileType::Symlink => Err(Errno::LOOP),
        _ => Err(Errno::NXIO),
    }
}

/// The folder that was used last: the files of a torrent come folder by folder, so one is enough.
pub(crate) struct Parents<'a> {
    root: BorrowedFd<'a>,
    last: Option<(String, OwnedFd)>,
    /// A folder that was not there: neither are the other files in it.
    missing: Option<String>,
}

impl<'a> Parents<'a> {
    /// Starts at the output folder.
    pub(crate) fn new(root: BorrowedFd<'a>) -> Self {
        Self {
            root,
            last: None,
            missing: None,
        }
    }

    /// What lies at `path`, itself if it is a symlink; `None` when there is nothing.
    pub(crate) fn stat(&mut self, path: &str) -> Result<Option<Stat>, Errno> {
        check_path(path)?;
        let (folder, name) = split(path);
        if self.missing.as_deref() == Some(folder) {
            return Ok(None);
        }
        let parent = match self.folder(folder, false) {
            Err(Errno::NOENT) => {
                self.missing = Some(folder.to_owned());
                return Ok(None);
            }
            other => other?,
        };
        match fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Opens or creates an ordinary file, and the folders above it. Tells what it is like.
    pub(crate) fn create(&mut self, path: &str) -> Result<(OwnedFd, Stat), Errno> {
        check_path(path)?;
        let (folder, name) = split(path);
        let parent = self.folder(folder, true)?;
        let access = OFlags::RDWR | OFlags::CREATE | SAFE;
        let fd = fs::openat(parent, name, access, Mode::from_raw_mode(0o666))?;
        let stat = fs::fstat(&fd)?;
        ordinary(&stat)?;
        Ok((fd, stat))
    }

    fn folder(&mut self, folder: &str, make: bool) -> Result<BorrowedFd<'_>, Errno> {
        if folder.is_empty() {
            return Ok(self.root);
        }
        if make {
            self.missing = None;
        }
        if self.last.as_ref().is_none_or(|(name, _)| name != folder) {
            let fd = if make {
                make_folder(self.root, folder)?
            } else {
                open_folder(self.root, folder)?
            };
            self.last = fd.map(|fd| (folder.to_owned(), fd));
        }
        Ok(self.last.as_ref().map_or(self.root, |(_, fd)| fd.as_fd()))
    }
}

/// Opens a folder below `root`; `None` is `root` itself.
pub(crate) fn open_folder(root: BorrowedFd<'_>, folder: &str) -> Result<Option<OwnedFd>, Errno> {
    if folder.is_empty() {
        return Ok(None);
    }
    if let Some(result) = beneath(root, folder, FOLDER) {
        return result.map(Some);
    }
    descend(root, folder, |_, _| Ok(()))
}

fn make_folder(root: BorrowedFd<'_>, folder: &str) -> Result<Option<OwnedFd>, Errno> {
    descend(root, folder, |parent, name| {
        match fs::mkdirat(parent, name, Mode::from_raw_mode(0o777)) {
            Err(Errno::EXIST) | Ok(()) => Ok(()),
            Err(errno) => Err(errno),
        }
    })
}

/// Goes down one part at a time, calling `before` ahead of each step.
fn descend(
    root: BorrowedFd<'_>,
    folder: &str,
    before: impl Fn(BorrowedFd<'_>, &str) -> Result<(), Errno>,
) -> Result<Option<OwnedFd>, Errno> {
    let mut at: Option<OwnedFd> = None;
    for name in folder.split('/') {
        let parent = at.as_ref().map_or(root, AsFd::as_fd);
        before(parent, name)?;
        at = Some(fs::openat(parent, name, FOLDER, Mode::empty())?);
    }
    Ok(at)
}

/// One system call for a whole path, where there is one (Linux 5.6); `None` where not.
#[cfg(target_os = "linux")]
fn beneath(root: BorrowedFd<'_>, path: &str, flags: OFlags) -> Option<Result<OwnedFd, Errno>> {
    use rustix::fs::ResolveFlags;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match fs::openat2(root, path, flags, Mode::empty(), resolve) {
        // Not known, forbidden by a sandbox that does not know it, or disturbed by a rename elsewhere.
        Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN | Errno::INVAL) => None,
        result => Some(result),
    }
}

#[cfg(not(target_os = "linux"))]
fn beneath(_: BorrowedFd<'_>, _: &str, _: OFlags) -> Option<Result<OwnedFd, Errno>> {
    None
}

/// The folder, `""` for none, and the name in it.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A path that could lead out is refused, although the engine makes none.
fn check_path(path: &str) -> Result<(), Errno> {
    let bad = |part: &str| part.is_empty() || part == "." || part == ".." || part.contains('\0');
    if path.split('/').any(bad) {
        return Err(Errno::NOTDIR);
    }
    Ok(())
}

/// Makes the entries of a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Errno> {
    let fd = fs::openat(
        CWD,
        path,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    fs::fsync(fd)
}

/// The folder above a folder, `""` for the root.
pub(crate) fn split_folder(folder: &str) -> &str {
    split(folder).0
}
