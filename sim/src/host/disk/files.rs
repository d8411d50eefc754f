//! Files as an operating system keeps them: what programs see (the page cache), and what survives a power loss.
//!
//! A write changes what is seen and is remembered as a range until it is synced. When the power goes, any subset of
//! the remembered ranges may have reached the medium, each perhaps only in part. So with the name of a file that was
//! never synced, which takes all of its bytes with it, with its time, and with its length, which may be there without
//! the bytes.

use seedbed_engine::disk::FileStamp;
use seedbed_engine::rng::Rng;
use std::collections::BTreeMap;

/// The wall clock at the beginning of a world, in nanoseconds since 1970.
const EPOCH_NS: i64 = 1_700_000_000_000_000_000;

/// One file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct File {
    /// What programs see.
    pub bytes: Vec<u8>,
    /// Modification time in nanoseconds since 1970.
    pub modified_ns: i64,
    /// What is on the medium; none if not even the name is.
    medium: Option<Vec<u8>>,
    /// The time that is there.
    medium_ns: i64,
    /// Written and not synced: offset and length, oldest first.
    unsynced: Vec<(usize, usize)>,
}

impl File {
    fn durable(bytes: Vec<u8>) -> Self {
        Self {
            medium: Some(bytes.clone()),
            bytes,
            modified_ns: EPOCH_NS,
            medium_ns: EPOCH_NS,
            unsynced: Vec::new(),
        }
    }

    /// Copies a range of what is seen to the medium.
    fn settle(&mut self, at: usize, length: usize) {
        let medium = self.medium.get_or_insert_default();
        let end = (at + length).min(self.bytes.len());
        let Some(bytes) = self.bytes.get(at..end) else {
            return;
        };
        if medium.len() < end {
            medium.resize(end, 0);
        }
        medium[at..end].copy_from_slice(bytes);
    }

    /// The power goes: what of it reached the medium is all that is left. False if not even its name is.
    fn lose(&mut self, loss: Loss, rng: &mut Rng, lost: &mut Losses) -> bool {
        let unsynced = core::mem::take(&mut self.unsynced);
        let named = self.medium.is_some();
        if !named && rng.chance(loss.lost, 1000) {
            lost.writes += unsynced.len() as u64;
            lost.names += 1;
            return false;
        }
        if named && unsynced.is_empty() {
            return true;
        }
        let mut medium_length = self.medium.get_or_insert_default().len();
        if loss.torn && medium_length < self.bytes.len() && rng.chance(1, 2) {
            medium_length = self.bytes.len();
        }
        for (at, length) in unsynced {
            if rng.chance(loss.lost, 1000) {
                lost.writes += 1;
            } else if loss.torn && length > SECTOR && rng.chance(1, 2) {
                lost.torn += 1;
                for sector in (at..at + length).step_by(SECTOR) {
                    if rng.chance(1, 2) {
                        self.settle(sector, SECTOR.min(at + length - sector));
                    }
                }
            } else {
                self.settle(at, length);
            }
        }
        let mut bytes = self.medium.clone().unwrap_or_default();
        bytes.resize(bytes.len().max(medium_length), 0);
        if rng.chance(1, 2) {
            self.modified_ns = self.medium_ns.max(EPOCH_NS);
        }
        self.medium_ns = self.modified_ns;
        self.medium = Some(bytes.clone());
        self.bytes = bytes;
        true
    }
}

/// What a power loss does to writes that were not synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Loss {
    /// How many of them are lost, in thousandths.
    pub lost: u32,
    /// Whether one may reach the medium in part: some sectors of it.
    pub torn: bool,
}

/// What power losses took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Losses {
    /// Writes of which nothing reached the medium.
    pub writes: u64,
    /// Writes that reached it in part.
    pub torn: u64,
    /// Names of files that did not.
    pub names: u64,
}

impl Losses {
    /// Adds what others took.
    pub const fn add(&mut self, other: Self) {
        self.writes += other.writes;
        self.torn += other.torn;
        self.names += other.names;
    }
}

/// Bytes of a sector in a small world: a part of a small block.
const SECTOR: usize = 32;

/// All files by path.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Files {
    files: BTreeMap<String, File>,
    /// Bytes that fit, if that is bounded.
    pub capacity: Option<u64>,
    /// The wall clock stands so much beside the world's time.
    pub clock_offset_ns: i64,
}

/// No byte fits any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

impl Files {
    /// A file that was there before the world began.
    pub fn put(&mut self, path: &str, bytes: Vec<u8>) {
        self.files.insert(path.into(), File::durable(bytes));
    }

    /// What programs see of a file.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(|file| file.bytes.as_slice())
    }

    /// A part of a file, if all of it is there.
    pub fn read(&self, path: &str, at: usize, length: usize) -> Option<&[u8]> {
        self.get(path)?.get(at..at.checked_add(length)?)
    }

    /// The files by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// What a file looks like.
    pub fn stamp(&self, path: &str) -> Option<FileStamp> {
        self.files.get(path).map(|file| FileStamp {
            length: file.bytes.len() as u64,
            modified_ns: file.modified_ns,
        })
    }

    /// Bytes that all files take.
    pub fn used(&self) -> u64 {
        self.files.values().map(|file| file.bytes.len() as u64).sum()
    }

    /// Creates an empty file where there is none.
    pub fn create(&mut self, path: &str, now_us: u64) {
        let modified_ns = self.clock(now_us);
        self.files.entry(path.into()).or_insert_with(|| File {
            modified_ns,
            ..File::default()
        });
    }

    /// Writes a range; the file becomes longer as needed.
    ///
    /// # Errors
    /// When it does not fit; then nothing was written.
    pub fn write(&mut self, path: &str, at: usize, bytes: &[u8], now_us: u64) -> Result<(), Full> {
        let modified_ns = self.clock(now_us);
        let end = at + bytes.len();
        if let Some(capacity) = self.capacity {
            let length = self.get(path).map_or(0, <[u8]>::len);
            let more = end.saturating_sub(length) as u64;
            if more > 0 && self.used() + more > capacity {
                return Err(Full);
            }
        }
        if !self.files.contains_key(path) {
            self.files.insert(path.into(), File::default());
        }
        if let Some(file) = self.files.get_mut(path) {
            if file.bytes.len() < end {
                file.bytes.resize(end, 0);
            }
            file.bytes[at..end].copy_from_slice(bytes);
            file.modified_ns = modified_ns;
            file.unsynced.push((at, bytes.len()));
        }
        Ok(())
    }

    /// Makes everything durable.
    pub fn sync(&mut self) {
        for file in self.files.values_mut() {
            if file.medium.is_none() {
                file.medium = Some(Vec::new());
            }
            for (at, length) in core::mem::take(&mut file.unsynced) {
                file.settle(at, length);
            }
            file.medium_ns = file.modified_ns;
        }
    }

    /// Whether anything would be lost by a power loss.
    pub fn is_dirty(&self) -> bool {
        let dirty = |file: &File| file.medium.is_none() || !file.unsynced.is_empty();
        self.files.values().any(dirty)
    }

    /// The power goes. Returns what was lost.
    pub fn lose(&mut self, loss: Loss, rng: &mut Rng) -> Losses {
        let mut lost = Losses::default();
        self.files.retain(|_, file| file.lose(loss, rng, &mut lost));
        lost
    }

    /// Somebody else changes a file, and it is durable at once. `None` deletes it. With `quiet` its time stays.
    pub fn meddle(&mut self, path: &str, bytes: Option<Vec<u8>>, quiet: bool, now_us: u64) {
        let modified_ns = self.clock(now_us);
        match bytes {
            None => {
                self.files.remove(path);
            }
            Some(bytes) => {
                let time = self.files.get(path).map(|file| file.modified_ns);
                let mut file = File::durable(bytes);
                file.modified_ns = time.filter(|_| quiet).unwrap_or(modified_ns);
                file.medium_ns = file.modified_ns;
                self.files.insert(path.into(), file);
            }
        }
    }

    fn clock(&self, now_us: u64) -> i64 {
        let now = i64::try_from(now_us).unwrap_or(i64::MAX).saturating_mul(1000);
        EPOCH_NS.saturating_add(now).saturating_add(self.clock_offset_ns)
    }
}
