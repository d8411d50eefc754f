//! The journal of a whole run, written while it goes on.

use super::{Recorded, private_file};
use seedbed_engine::journal::{Header, Writer};
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::{Action, Engine, Event};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// Bytes that are collected before they are written: recording should cost few system calls.
const WRITE_SIZE: usize = 64 * 1024;

/// How long bytes wait at the most: what a killed run has not written is lost.
const WRITE_AFTER: Duration = Duration::from_secs(1);

/// A recording of all that happens.
#[derive(Debug)]
pub(crate) struct Stream {
    writer: Writer,
    file: File,
    written_at: Instant,
    bytes: u64,
    failed: Option<io::Error>,
}

impl Stream {
    pub(super) fn create(path: &Path, header: &Header) -> io::Result<Self> {
        let mut stream = Self {
            writer: Writer::new(header),
            file: private_file(path)?,
            written_at: Instant::START,
            bytes: 0,
            failed: None,
        };
        stream.write();
        stream.failed.take().map_or(Ok(stream), Err)
    }

    pub(super) fn event(&mut self, now: Instant, event: &Event<'_>, engine: &Engine) {
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

    pub(super) fn action(&mut self, action: &Action) {
        self.writer.action(action);
    }

    pub(super) fn finish(mut self, engine: &Engine) -> io::Result<Recorded> {
        if self.failed.is_none() {
            self.writer.finish(engine);
            self.write();
        }
        match self.failed {
            Some(error) => Err(error),
            None => Ok(Recorded {
                steps: self.writer.steps(),
                bytes: self.bytes,
                reaches_back: None,
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
