//! Open files, the longest unused of which is closed when there are too many.
//!
//! A torrent of 100,000 files cannot keep them all open, and opening one for each piece costs more than writing it.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A file, or the output folder, of one opened torrent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Key {
    /// Which opening of which torrent; never used twice.
    pub(crate) owner: u64,
    /// Which file of its layout; `None` is the output folder.
    pub(crate) file: Option<usize>,
}

/// Open files, at most `max`, beside those in use by a job at this moment (one a thread).
#[derive(Debug)]
pub(crate) struct Descriptors {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    open: HashMap<Key, Entry>,
    max: usize,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    fd: Arc<OwnedFd>,
    writable: bool,
    used: u64,
}

impl Descriptors {
    /// Keeps up to `max` files open, at least one.
    pub(crate) fn new(max: usize) -> Self {
        let table = Table {
            max: max.max(1),
            ..Table::default()
        };
        Self {
            table: Mutex::new(table),
        }
    }

    /// The table is whole at every instant, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open file, or the result of `open`, which is kept. Two threads may open one file at once; one stays.
    pub(crate) fn get<E>(
        &self,
        key: Key,
        writable: bool,
        open: impl FnOnce() -> Result<OwnedFd, E>,
    ) -> Result<Arc<OwnedFd>, E> {
        if let Some(fd) = self.lock().find(key, writable) {
            return Ok(fd);
        }
        let fd = Arc::new(open()?);
        // Closing takes a system call: not under the lock.
        let closed = self.lock().insert(key, Arc::clone(&fd), writable);
        drop(closed);
        Ok(fd)
    }

    /// The open file, if it is open.
    pub(crate) fn peek(&self, key: Key) -> Option<Arc<OwnedFd>> {
        self.lock().find(key, false)
    }

    /// Closes all files of an owner.
    pub(crate) fn close(&self, owner: u64) {
        let closed: Vec<_> = self.lock().open.extract_if(|key, _| key.owner == owner).collect();
        drop(closed);
    }

    /// How many files are open.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().open.len()
    }
}

impl Table {
    fn find(&mut self, key: Key, writable: bool) -> Option<Arc<OwnedFd>> {
        self.uses += 1;
        let entry = self
            .open
            .get_mut(&key)
            .filter(|entry| entry.writable || !writable)?;
        entry.used = self.uses;
        Some(Arc::clone(&entry.fd))
    }

    /// Returns what is to be closed.
    fn insert(&mut self, key: Key, fd: Arc<OwnedFd>, writable: bool) -> [Option<Entry>; 2] {
        let used = self.uses;
        let replaced = self.open.insert(key, Entry { fd, writable, used });
        let mut evicted = None;
        if self.open.len() > self.max {
            // A walk over all of them, which are few, and only when a file is opened.
            let oldest = self
                .open
                .iter()
                .filter(|(other, _)| **other != key)
                .min_by_key(|(_, entry)| entry.used);
            let oldest = oldest.map(|(key, _)| *key);
            evicted = oldest.and_then(|key| self.open.remove(&key));
        }
        [replaced, evicted]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn open() -> io::Result<OwnedFd> {
        Ok(std::fs::File::open("/dev/null")?.into())
    }

    fn key(owner: u64, file: usize) -> Key {
        Key {
            owner,
            file: Some(file),
        }
    }

    #[test]
    fn the_longest_unused_file_is_closed() -> io::Result<()> {
        let files = Descriptors::new(2);
        let first = files.get(key(1, 0), false, open)?;
        files.get(key(1, 1), false, open)?;
        let again = files.get(key(1, 0), false, || -> io::Result<OwnedFd> {
            unreachable!("is open")
        })?;
        assert!(Arc::ptr_eq(&first, &again));
        files.get(key(1, 2), false, open)?;
        assert_eq!(files.len(), 2);
        files.get(key(1, 0), false, || -> io::Result<OwnedFd> {
            unreachable!("was used later than 1")
        })?;
        Ok(())
    }

    #[test]
    fn a_file_open_for_reading_is_opened_again_for_writing() -> io::Result<()> {
        let files = Descriptors::new(2);
        let read = files.get(key(1, 0), false, open)?;
        let write = files.get(key(1, 0), true, open)?;
        assert!(!Arc::ptr_eq(&read, &write));
        assert_eq!(files.len(), 1);
        Ok(())
    }

    #[test]
    fn closing_leaves_other_owners_alone() -> io::Result<()> {
        let files = Descriptors::new(9);
        files.get(key(1, 0), false, open)?;
        files.get(key(2, 0), false, open)?;
        files.close(1);
        assert_eq!(files.len(), 1);
        Ok(())
    }
}
