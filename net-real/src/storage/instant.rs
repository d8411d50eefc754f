//! Reads that never wait: bytes that the operating system has in memory are fetched on the spot, which is cheaper
//! than asking another thread for them. Anything else is left to the threads.

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use seedbed_engine::block::Block;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU8, Ordering};

/// How a file system does it. Found out with the first read; a torrent lies on one file system as a rule, and where it
/// does not, the answer is only about speed.
#[derive(Debug, Default)]
pub(crate) struct Instant(AtomicU8);

/// Not known yet, or a flag of the read sees to it (`RWF_NOWAIT`).
const BY_FLAG: u8 = 0;
/// The file system is nothing but memory.
const ALWAYS: u8 = 1;
const NEVER: u8 = 2;

impl Instant {
    /// Exactly `length` bytes, or nothing.
    pub(crate) fn read(&self, fd: BorrowedFd<'_>, offset: u64, length: usize) -> Option<Block> {
        let mut bytes = Vec::with_capacity(length);
        let read = match self.0.load(Ordering::Relaxed) {
            BY_FLAG => read_by_flag(fd, offset, length),
            ALWAYS => rustix::io::pread(fd, spare_capacity(&mut bytes), offset).map(|_| bytes),
            _ => return None,
        };
        match read {
            Ok(mut bytes) if bytes.len() >= length => {
                bytes.truncate(length);
                Some(bytes.into())
            }
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
                let mode = if is_memory(fd) { ALWAYS } else { NEVER };
                self.0.store(mode, Ordering::Relaxed);
                None
            }
            _ => None,
        }
    }
}

#[cfg(target_os = "linux")]
fn read_by_flag(fd: BorrowedFd<'_>, offset: u64, length: usize) -> Result<Vec<u8>, Errno> {
    use rustix::io::ReadWriteFlags;
    use std::io::IoSliceMut;
    let mut bytes = vec![0; length];
    let read = rustix::io::preadv2(
        fd,
        &mut [IoSliceMut::new(&mut bytes)],
        offset,
        ReadWriteFlags::NOWAIT,
    )?;
    bytes.truncate(read);
    Ok(bytes)
}

#[cfg(not(target_os = "linux"))]
fn read_by_flag(_: BorrowedFd<'_>, _: u64, _: usize) -> Result<Vec<u8>, Errno> {
    Err(Errno::NOSYS)
}

/// Whether it is a tmpfs (its magic number is in statfs(2)).
#[cfg(target_os = "linux")]
fn is_memory(fd: BorrowedFd<'_>) -> bool {
    rustix::fs::fstatfs(fd).is_ok_and(|stat| stat.f_type == 0x0102_1994)
}

#[cfg(not(target_os = "linux"))]
fn is_memory(_: BorrowedFd<'_>) -> bool {
    false
}
