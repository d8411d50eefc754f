//! Files that become wanted: what of them lay in the file of parts is copied into them.
//!
//! Whatever is copied is durable before the file of parts goes, so whoever dies in between finds it in one place at
//! least; what a file holds that is in both is the same.

use super::fault;
use super::files::Files;
use super::walk;
use rustix::fs::{self, AtFlags};
use rustix::io::Errno;
use seedbed_engine::disk::{DiskError, DiskFault};
use seedbed_engine::layout::{Layout, Span};
use std::collections::BTreeSet;
use std::io::IoSlice;
use std::os::fd::AsFd as _;
use std::sync::Arc;

/// Bytes that are copied at a time.
const PORTION: u64 = 1024 * 1024;

/// The same files laid out otherwise.
pub(super) fn arrange(old: &Files, layout: Arc<Layout>) -> Result<Files, DiskError> {
    let new = old.laid_out(Arc::clone(&layout));
    let wanted: BTreeSet<usize> = (0..layout.files().len())
        .filter(|file| old.is_skipped(*file) && !new.is_skipped(*file))
        .collect();
    if wanted.is_empty() {
        return Ok(new);
    }
    let has_parts = layout.parts_file().is_some_and(|parts| old.is_there(parts));
    if has_parts {
        new.make(|file| wanted.contains(&file), crate::options::Preallocate::None)?;
        for file in &wanted {
            for (offset, bytes) in layout.shared_bytes(*file) {
                copy(old, &new, *file, offset, old.layout().spans(bytes))?;
            }
        }
    }
    if has_parts && !layout.skips() {
        new.sync()?;
        remove_parts(&new, &layout)?;
    }
    Ok(new)
}

/// Copies bytes to a place of a file, as far as they are there.
fn copy(
    old: &Files,
    new: &Files,
    to: usize,
    mut offset: u64,
    from: impl Iterator<Item = Span>,
) -> Result<(), DiskError> {
    for span in from {
        let mut done = 0;
        while done < span.length {
            let length = (span.length - done).min(PORTION);
            let read = old.read_block(
                span.file,
                span.offset + done,
                usize::try_from(length).unwrap_or(0),
            );
            match read {
                Ok(bytes) => new.write_all(to, offset + done, &mut [IoSlice::new(&bytes)])?,
                // it never came
                Err(error) if error.fault == DiskFault::Missing => {}
                Err(error) => return Err(error),
            }
            done += length;
        }
        offset += span.length;
    }
    Ok(())
}

fn remove_parts(files: &Files, layout: &Layout) -> Result<(), DiskError> {
    let Some(parts) = layout.parts_file().and_then(|parts| layout.files().get(parts)) else {
        return Ok(());
    };
    files.close();
    let root = files.open_home()?;
    let removed = || {
        let (folder, name) = walk::split(&parts.path);
        match walk::open_folder(root.as_fd(), folder)? {
            Some(folder) => fs::unlinkat(&folder, name, AtFlags::empty()),
            None => fs::unlinkat(&root, name, AtFlags::empty()),
        }
    };
    match removed() {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(fault::error("remove", &files.root().join(&parts.path), errno)),
    }
}
