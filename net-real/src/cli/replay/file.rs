//! The file of a journal, and a guard for what it may do to the engine.

use crate::cli::console::shown_path;
use crate::cli::failure::{Failure, MISMATCH};
use seedbed_engine::journal::Journal;
use std::fs::File;
use std::io::{self, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// The longest file that is read: it is held in memory, and a journal of a hundred gigabytes of traffic is far below.
const FILE_MAX: u64 = 1 << 30;

/// A file that should be a journal.
pub(crate) struct Recording {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Recording {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let mut bytes = Vec::new();
        let read = if path.as_os_str() == "-" {
            io::stdin().lock().take(FILE_MAX).read_to_end(&mut bytes)
        } else {
            File::open(path).and_then(|file| file.take(FILE_MAX).read_to_end(&mut bytes))
        };
        read.map_err(|error| {
            Failure::input(format_args!(
                "The journal {} cannot be read: {error}.",
                shown_path(path)
            ))
        })?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
        })
    }

    /// The journal in it.
    pub(crate) fn journal(&self) -> Result<Journal<'_>, Failure> {
        Journal::read(&self.bytes).map_err(|error| Failure::input(format_args!("{}: {error}.", self.name())))
    }

    /// The file as it was named, fit for a terminal.
    pub(crate) fn name(&self) -> String {
        if self.path.as_os_str() == "-" {
            return "standard input".into();
        }
        shown_path(&self.path)
    }

    /// The bytes of the file.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Length of the file in bytes.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }
}

/// Runs a replay. An assertion of the engine that fails in it is what the replay came to, and no end of this program.
pub(crate) fn guarded<T>(recording: &Recording, replay: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(replay)).map_err(|_| Failure {
        exit: MISMATCH,
        text: format!(
            "The engine stops with a failed assertion in the replay of {}: a bug of seedbed, or a journal that was made \
             by hand.",
            recording.name()
        ),
    })
}
