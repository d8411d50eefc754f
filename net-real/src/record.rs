//! Writes the journal of a run to a file while it goes on.
//!
//! What cannot be written ends the recording and nothing else: a full disk must not end a download. The file is the
//! user's alone, since it holds addresses, names and the seeds of the run.

use seedbed_engine::journal::{Header, Writer};
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::{Action, Config, Engine, Event};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Bytes that are collected before they are written: recording should cost few system calls.
const WRITE_SIZE: usize = 64 * 1024;

/// How long bytes wait at the most: what a killed run has not written is lost.
const WRITE_AFTER: Duration = Duration::from_secs(1);

/// The commit that this program was built of, `unknown` if nobody could say.
pub const COMMIT: &str = env!("SEEDBED_COMMIT");

/// A recording under way.
#[derive(Debug)]
pub(crate) struct Recorder {
    writer: Writer,
    file: File,
    written_at: Instant,
    bytes: u64,
    failed: Option<io::Error>,
}

/// What a recording came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Steps in it.
    pub steps: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// The header of a run that begins now.
pub(crate) fn header(config: &Config, engine: &Engine, what: &str) -> Header {
    Header::new(config.clone(), engine.seeds(), COMMIT, what)
}

impl Recorder {
    /// Begins a recording in a new file, or in place of an old one.
    pub(crate) fn create(path: &Path, header: &Header) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        // a file that was there before keeps its mode otherwise
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let mut recorder = Self {
            writer: Writer::new(header),
            file,
            written_at: Instant::START,
            bytes: 0,
            failed: None,
        };
        recorder.write();
        recorder.failed.take().map_or(Ok(recorder), Err)
    }

    /// The engine has handled `event`.
    pub(crate) fn event(&mut self, now: Instant, event: &Event<'_>, engine: &Engine) {
        if self.failed.is_some() {
            return;
        }
        self.writer.event(now, event, engine);
        let waiting = self.writer.ready().len();
        if waiting >= WRITE_SIZE || now.since(self.written_at) >= WRITE_AFTER {
            self.written_at = now;
            self.write();
        }
    }

    /// The engine asked for `action`.
    pub(crate) fn action(&mut self, action: &Action) {
        self.writer.action(action);
    }

    /// The run is over.
    pub(crate) fn finish(mut self, engine: &Engine) -> io::Result<Recorded> {
        if self.failed.is_none() {
            self.writer.finish(engine);
            self.write();
        }
        match self.failed {
            Some(error) => Err(error),
            None => Ok(Recorded {
                steps: self.writer.steps(),
                bytes: self.bytes,
            }),
        }
    }

    fn write(&mut self) {
        match self.file.write_all(self.writer.ready()) {
            Ok(()) => self.bytes += self.writer.ready().len() as u64,
            Err(error) => {
                tracing::warn!(%error, "the recording ends here");
                self.failed = Some(error);
            }
        }
        self.writer.carried();
    }
}
