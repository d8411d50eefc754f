//! The files of one opened torrent: reading and writing ranges, creating, looking, making durable.
//!
//! Shared by the threads of the pool. Nothing here is ordered; [`queue`](super::queue) sees to that.

use super::descriptors::{Descriptors, Key};
use super::fault;
use super::instant::Instant;
use super::walk::{self, FolderId, Parents};
use crate::options::Preallocate;
use rustix::fs::{self, OFlags, Stat};
use rustix::io::Errno;
use seedbed_engine::block::Block;
use seedbed_engine::disk::{DiskError, DiskFault, FileStamp};
use seedbed_engine::geometry::{BlockRange, Geometry};
use seedbed_engine::layout::{Layout, LayoutFile, Span};
use std::collections::BTreeSet;
use std::io::IoSlice;
use std::mem;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// From so many changed files on, one `syncfs` is asked instead of an `fsync` each: every `fsync` is a commit of the
/// file system's journal, and 5,000 of them take longer than a shutdown may.
#[cfg(target_os = "linux")]
const SYNCFS_FROM: usize = 64;

/// An opened torrent's files.
#[derive(Debug)]
pub(crate) struct Files {
    owner: u64,
    root: PathBuf,
    layout: Arc<Layout>,
    geometry: Geometry,
    open: Arc<Descriptors>,
    /// The output folder that was found or made. Its path may lead to another one later: a drive was unmounted, somebody
    /// moved the folder or put a link in its place. That one is not ours.
    home: Mutex<Option<FolderId>>,
    unsynced: Mutex<Unsynced>,
    instant: Instant,
}

/// What was changed since it was last made durable.
#[derive(Debug, Default)]
struct Unsynced {
    files: BTreeSet<usize>,
    /// Folders below the root that got new entries; `""` is the root.
    folders: BTreeSet<String>,
}

impl Files {
    pub(crate) fn new(
        owner: u64,
        root: PathBuf,
        layout: Arc<Layout>,
        geometry: Geometry,
        open: Arc<Descriptors>,
    ) -> Self {
        Self {
            owner,
            root,
            layout,
            geometry,
            open,
            home: Mutex::default(),
            unsynced: Mutex::default(),
            instant: Instant::default(),
        }
    }

    /// The same files laid out otherwise. What was changed is not forgotten.
    pub(super) fn laid_out(&self, layout: Arc<Layout>) -> Self {
        let open = Arc::clone(&self.open);
        let files = Self::new(self.owner, self.root.clone(), layout, self.geometry, open);
        {
            let (old, mut new) = (self.unsynced(), files.unsynced());
            new.files.clone_from(&old.files);
            new.folders.clone_from(&old.folders);
        }
        *files.home() = *self.home();
        files
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Whether the user does not want a file.
    pub(super) fn is_skipped(&self, file: usize) -> bool {
        self.layout.files().get(file).is_some_and(|file| file.skipped)
    }

    /// Whether a file can be read.
    pub(super) fn is_there(&self, file: usize) -> bool {
        self.file(file, false).is_ok()
    }

    pub(crate) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    pub(crate) fn is_pad(&self, file: usize) -> bool {
        self.layout.files().get(file).is_none_or(|file| file.pad)
    }

    /// The parts of files that hold `length` bytes from `begin` of a piece.
    pub(crate) fn spans(&self, piece: u32, begin: u32, length: u32) -> impl Iterator<Item = Span> + '_ {
        let bytes = self.geometry.bytes_of(seedbed_engine::id::PieceIndex(piece));
        let start = bytes.start.saturating_add(begin.into()).min(bytes.end);
        let end = start.saturating_add(length.into()).min(bytes.end);
        self.layout.spans(start..end)
    }

    fn unsynced(&self) -> MutexGuard<'_, Unsynced> {
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn home(&self) -> MutexGuard<'_, Option<FolderId>> {
        self.home.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn root_fd(&self) -> Result<Arc<OwnedFd>, DiskError> {
        let key = Key {
            owner: self.owner,
            file: None,
        };
        self.open.get(key, false, || self.open_home())
    }

    /// Opens the output folder, as long as its path leads to the one that was found or made.
    pub(super) fn open_home(&self) -> Result<OwnedFd, DiskError> {
        let failed = |errno| fault::error("open the folder", &self.root, errno);
        let fd = walk::open_root(&self.root).map_err(failed)?;
        let found = walk::folder_id(&fd).map_err(failed)?;
        let home = *self.home().get_or_insert(found);
        if home == found {
            return Ok(fd);
        }
        let words = "another folder is there now: its drive was disconnected, or it was moved";
        Err(fault::with_words(
            DiskFault::Missing,
            "use the folder",
            &self.root,
            words,
        ))
    }

    /// Looks for the output folder anew, whatever was there before. What is there now is ours.
    pub(super) fn look(&self) -> Result<Vec<Option<FileStamp>>, DiskError> {
        self.close();
        *self.home() = None;
        match self.stamps() {
            // nobody was here yet
            Err(error) if error.fault == DiskFault::Missing => Ok(vec![None; self.layout.files().len()]),
            stamps => stamps,
        }
    }

    fn path(&self, file: usize) -> PathBuf {
        match self.layout.files().get(file) {
            Some(file) => self.root.join(&file.path),
            None => self.root.clone(),
        }
    }

    fn file(&self, index: usize, writable: bool) -> Result<Arc<OwnedFd>, DiskError> {
        let Some(file) = self.layout.files().get(index) else {
            return Err(fault::error("open", &self.root, Errno::NOENT));
        };
        let key = Key {
            owner: self.owner,
            file: Some(index),
        };
        let access = if writable { OFlags::RDWR } else { OFlags::RDONLY };
        self.open.get(key, writable, || {
            let root = self.root_fd()?;
            walk::open_file(root.as_fd(), &file.path, access)
                .map_err(|errno| fault::error("open", &self.path(index), errno))
        })
    }

    /// Reads a range that lies in one open file, if its bytes are in memory: without ever waiting for a disk.
    pub(crate) fn read_instantly(&self, range: BlockRange) -> Option<Block> {
        let mut spans = self.spans(range.piece.0, range.begin, range.length);
        let (Some(span), None) = (spans.next(), spans.next()) else {
            return None;
        };
        if self.is_pad(span.file) {
            return None;
        }
        let key = Key {
            owner: self.owner,
            file: Some(span.file),
        };
        let fd = self.open.peek(key)?;
        self.instant.read(fd.as_fd(), span.offset, range.length as usize)
    }

    /// Fills `buffer` from a file.
    ///
    /// # Errors
    /// `Missing` also when the file ends before.
    pub(crate) fn read_exact(
        &self,
        file: usize,
        mut offset: u64,
        mut buffer: &mut [u8],
    ) -> Result<(), DiskError> {
        let fd = self.file(file, false)?;
        while !buffer.is_empty() {
            match rustix::io::pread(&fd, &mut *buffer, offset) {
                Ok(0) => {
                    let words = "the file is shorter than the torrent says";
                    return Err(fault::with_words(
                        DiskFault::Missing,
                        "read",
                        &self.path(file),
                        words,
                    ));
                }
                Ok(n) => {
                    offset += n as u64;
                    buffer = &mut buffer[n..];
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.broken("read", file, errno)),
            }
        }
        Ok(())
    }

    /// Reads a part of a file into memory of its own.
    pub(crate) fn read_block(&self, file: usize, offset: u64, length: usize) -> Result<Vec<u8>, DiskError> {
        let mut bytes = vec![0; length];
        self.read_exact(file, offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Writes all of `slices` in a row.
    pub(crate) fn write_all(
        &self,
        file: usize,
        mut offset: u64,
        mut slices: &mut [IoSlice<'_>],
    ) -> Result<(), DiskError> {
        let fd = self.file(file, true)?;
        let mut left: usize = slices.iter().map(|slice| slice.len()).sum();
        while left > 0 {
            match rustix::io::pwritev(&fd, slices, offset) {
                Ok(0) => return Err(fault::error("write", &self.path(file), Errno::IO)),
                Ok(n) => {
                    offset += n as u64;
                    left = left.saturating_sub(n);
                    IoSlice::advance_slices(&mut slices, n);
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.broken("write", file, errno)),
            }
        }
        self.unsynced().files.insert(file);
        Ok(())
    }

    /// A failure of an open file. It is opened anew the next time: a network file system may have come back.
    fn broken(&self, doing: &str, file: usize, errno: Errno) -> DiskError {
        self.open.close(self.owner);
        fault::error(doing, &self.path(file), errno)
    }

    /// What every file looks like now. Changes nothing.
    ///
    /// # Errors
    /// `InTheWay` when something is there that is no ordinary file, `Missing` when the folder is gone.
    pub(crate) fn stamps(&self) -> Result<Vec<Option<FileStamp>>, DiskError> {
        let files = self.layout.files();
        let root = self.open_home()?;
        let mut parents = Parents::new(root.as_fd());
        files
            .iter()
            .map(|file| {
                if file.pad || file.skipped {
                    return Ok(None);
                }
                let stat = parents.stat(&file.path).and_then(|stat| {
                    stat.as_ref().map_or(Ok(()), walk::ordinary)?;
                    Ok(stat)
                });
                match stat {
                    Ok(stat) => Ok(stat.as_ref().map(stamp)),
                    Err(errno) => Err(fault::error("use", &self.root.join(&file.path), errno)),
                }
            })
            .collect()
    }

    /// Creates folders and files that are missing and sets space aside. Never makes a file shorter.
    pub(crate) fn prepare(&self, preallocate: Preallocate) -> Result<(), DiskError> {
        self.make(|_| true, preallocate)
    }

    /// The same for some of the files.
    pub(super) fn make(
        &self,
        some: impl Fn(usize) -> bool,
        preallocate: Preallocate,
    ) -> Result<(), DiskError> {
        // a folder that was there is not made a second time: it went away with what was in it
        if self.home().is_none() {
            std::fs::create_dir_all(&self.root)
                .map_err(|error| fault::io_error("make the folder", &self.root, &error))?;
        }
        let root = self.open_home()?;
        let mut parents = Parents::new(root.as_fd());
        let mut folders = BTreeSet::new();
        for (index, file) in self.layout.data_files().filter(|(index, _)| some(*index)) {
            // the file of parts is nearly all holes
            let preallocate = if self.layout.parts_file() == Some(index) {
                Preallocate::None
            } else {
                preallocate
            };
            let grown = prepare_file(&mut parents, file, preallocate)
                .map_err(|(doing, errno)| fault::error(doing, &self.path(index), errno))?;
            let mut folder = walk::split(&file.path).0;
            // Also the folders above, which may be new; those that are in the set have theirs in it.
            while folders.insert(folder.to_owned()) && !folder.is_empty() {
                folder = walk::split_folder(folder);
            }
            if grown {
                self.unsynced().files.insert(index);
            }
        }
        self.unsynced().folders.append(&mut folders);
        Ok(())
    }

    /// Makes everything durable that was written before the call.
    ///
    /// # Errors
    /// `Missing` also when files or their folder are no longer where they were opened: what is written to them is lost to
    /// the user.
    pub(crate) fn sync(&self) -> Result<(), DiskError> {
        let work = mem::take(&mut *self.unsynced());
        let result = self.sync_all(&work).and_then(|()| self.open_home().map(drop));
        if result.is_err() {
            self.close();
            let mut unsynced = self.unsynced();
            unsynced.files.extend(work.files);
            unsynced.folders.extend(work.folders);
        }
        result
    }

    fn sync_all(&self, work: &Unsynced) -> Result<(), DiskError> {
        let root = self.root.as_path();
        #[cfg(target_os = "linux")]
        if work.files.len() + work.folders.len() >= SYNCFS_FROM {
            let fd = self.root_fd()?;
            return fs::syncfs(fd.as_fd()).map_err(|errno| fault::error("sync", root, errno));
        }
        for index in &work.files {
            self.sync_file(*index)?;
        }
        if work.folders.is_empty() {
            return Ok(());
        }
        let root_fd = self.root_fd()?;
        for folder in &work.folders {
            let synced = match walk::open_folder(root_fd.as_fd(), folder) {
                Ok(Some(fd)) => fs::fsync(fd),
                Ok(None) => fs::fsync(&*root_fd),
                Err(Errno::NOENT) => Ok(()),
                Err(errno) => Err(errno),
            };
            synced.map_err(|errno| fault::error("sync the folder", &root.join(folder), errno))?;
        }
        Ok(())
    }

    fn sync_file(&self, index: usize) -> Result<(), DiskError> {
        let fd = self.file(index, false)?;
        let stat = fs::fsync(&*fd).and_then(|()| fs::fstat(&*fd));
        let stat = stat.map_err(|errno| self.broken("sync", index, errno))?;
        if stat.st_nlink == 0 {
            // Somebody removed it; what we wrote went nowhere.
            return Err(self.broken("sync", index, Errno::NOENT));
        }
        Ok(())
    }

    /// Closes the files.
    pub(crate) fn close(&self) {
        self.open.close(self.owner);
    }

    /// The output folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

/// Whether the file was made longer; else what could not be done to it.
fn prepare_file(
    parents: &mut Parents<'_>,
    file: &LayoutFile,
    preallocate: Preallocate,
) -> Result<bool, (&'static str, Errno)> {
    let (fd, have) = match parents.create(&file.path) {
        // Nothing has to be written into a file that is whole; whether that is so, hashing told.
        Err(errno @ (Errno::ACCESS | Errno::ROFS | Errno::PERM)) => {
            let whole = parents
                .stat(&file.path)
                .ok()
                .flatten()
                .is_some_and(|stat| length(&stat) >= file.length);
            return if whole { Ok(false) } else { Err(("create", errno)) };
        }
        created => created.map_err(|errno| ("create", errno))?,
    };
    if length(&have) >= file.length && preallocate != Preallocate::Full {
        return Ok(false);
    }
    match preallocate {
        Preallocate::None => return Ok(false),
        Preallocate::Sparse => grow(&fd, file.length),
        Preallocate::Full => allocate(&fd, &have, file.length),
    }
    .map_err(|errno| ("set space aside for", errno))?;
    Ok(true)
}

fn grow(fd: &OwnedFd, to: u64) -> Result<(), Errno> {
    fs::ftruncate(fd, to)
}

/// Takes the space of the whole file; where the file system cannot, only its length.
fn allocate(fd: &OwnedFd, have: &Stat, to: u64) -> Result<(), Errno> {
    if to == 0 {
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    match fs::fallocate(fd, fs::FallocateFlags::empty(), 0, to) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
        result => return result,
    }
    if length(have) >= to { Ok(()) } else { grow(fd, to) }
}

fn length(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

fn stamp(stat: &Stat) -> FileStamp {
    let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
    FileStamp {
        length: length(stat),
        modified_ns: stat
            .st_mtime
            .saturating_mul(1_000_000_000)
            .saturating_add(nanoseconds),
    }
}
