//! Folders for the time of a run, removed at its end.

use super::failure::Failure;
use std::fs::DirBuilder;
use std::path::{Path, PathBuf};

/// A folder that nobody else can read, removed with all that is in it when dropped.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Result<Self, Failure> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(Failure::other)?;
        let path = std::env::temp_dir().join(format!("seedbed-{:016x}", u64::from_ne_bytes(random)));
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|error| {
            Failure::storage(format_args!(
                "No temporary folder can be made at {}: {error}. TMPDIR can name another place.",
                path.display()
            ))
        })?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // what is left lies where the system cleans up
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
