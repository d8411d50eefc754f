//! Writes the journal of a run: all of it while it goes on, or the last minutes of it when they are asked for.
//!
//! What cannot be written ends the recording and nothing else: a full disk must not end a download. The file is the
//! user's alone, since it holds addresses, names and the seeds of the run.

mod ring;
mod stream;

use ring::Ring;
use seedbed_engine::journal::Header;
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::{Action, Config, Engine, Event};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use stream::Stream;

/// The commit that this program was built of, `unknown` if nobody could say.
pub const COMMIT: &str = env!("SEEDBED_COMMIT");

/// A recording under way.
#[derive(Debug)]
pub(crate) enum Recorder {
    /// Of the whole run.
    Stream(Stream),
    /// Of the last part of it.
    Ring(Box<Ring>),
}

/// What a recording came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Steps in it.
    pub steps: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// How far it reaches back, if it does not begin with the run.
    pub reaches_back: Option<Duration>,
}

/// The header of a run that begins now.
pub(crate) fn header(config: &Config, engine: &Engine, what: &str) -> Header {
    Header::new(config.clone(), engine.seeds(), COMMIT, what)
}

impl Recorder {
    /// Begins a recording in a new file, or in place of an old one. With `last`, it is kept in memory, and the file is
    /// written when it is asked for.
    pub(crate) fn create(path: &Path, header: Header, last: Option<Duration>) -> io::Result<Self> {
        match last {
            None => Stream::create(path, &header).map(Self::Stream),
            Some(last) => Ring::new(path, header, last).map(Box::new).map(Self::Ring),
        }
    }

    /// An event is about to be handled; what came of the one before is done.
    pub(crate) fn before(&mut self, now: Instant, engine: &Engine) {
        if let Self::Ring(ring) = self {
            ring.before(now, engine);
        }
    }

    /// The engine has handled `event`.
    pub(crate) fn event(&mut self, now: Instant, event: &Event<'_>, engine: &Engine) {
        match self {
            Self::Stream(stream) => stream.event(now, event, engine),
            Self::Ring(ring) => ring.event(now, event, engine),
        }
    }

    /// The engine asked for `action`.
    pub(crate) fn action(&mut self, action: &Action) {
        match self {
            Self::Stream(stream) => stream.action(action),
            Self::Ring(ring) => ring.action(action),
        }
    }

    /// Writes what a ring holds by now, between two events. A whole recording needs no asking.
    pub(crate) fn write_last(&self, now: Instant, engine: &Engine) -> io::Result<Option<Recorded>> {
        match self {
            Self::Stream(_) => Ok(None),
            Self::Ring(ring) => ring.write(now, engine).map(Some),
        }
    }

    /// The run is over. A ring that nobody asked for is gone.
    pub(crate) fn finish(self, engine: &Engine) -> io::Result<Option<Recorded>> {
        match self {
            Self::Stream(stream) => stream.finish(engine).map(Some),
            Self::Ring(_) => Ok(None),
        }
    }
}

/// A new file that only its user may read, or an old one that becomes so.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // a file that was there before keeps its mode otherwise
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}
