//! The journal of the last part of a run, kept in memory and written when it is asked for.
//!
//! A journal cannot lose its beginning, since a replay needs the state that its first step meets. So two are written
//! at a time, and each begins with the state of the engine: when the younger one is as old as was asked for, the older
//! one is dropped and a third begins. What is written is the one that reaches back far enough, mostly the older one.

use super::{Recorded, private_file};
use seedbed_engine::journal::{Header, Writer};
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::{Action, Engine, Event};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Bytes of each of the two journals at the most, about 60 GiB of traffic: a fast run reaches back less far than it
/// was asked to, and says so.
const BYTES_MAX: usize = 64 << 20;

/// A recording of what happened last.
#[derive(Debug)]
pub(crate) struct Ring {
    path: PathBuf,
    header: Header,
    last: Duration,
    older: Part,
    younger: Option<Part>,
}

/// One of the two journals.
#[derive(Debug)]
struct Part {
    began: Instant,
    from_the_start: bool,
    writer: Writer,
}

impl Part {
    /// Whether the next one has to begin.
    fn is_full(&self, now: Instant, last: Duration) -> bool {
        now.since(self.began) >= last || self.writer.ready().len() >= BYTES_MAX
    }
}

impl Ring {
    /// A ring that reaches back to the beginning of the run, for now. That its file can be written is tried at once:
    /// an error is of use before the run, not after it.
    pub(super) fn new(path: &Path, header: Header, last: Duration) -> io::Result<Self> {
        let trial = beside(path);
        private_file(&trial)?;
        fs::remove_file(&trial)?;
        let older = Part {
            began: Instant::START,
            from_the_start: true,
            writer: Writer::new(&header),
        };
        Ok(Self {
            path: path.to_owned(),
            header,
            last,
            older,
            younger: None,
        })
    }

    pub(super) fn before(&mut self, now: Instant, engine: &Engine) {
        let youngest = self.younger.as_ref().unwrap_or(&self.older);
        if !youngest.is_full(now, self.last) {
            return;
        }
        let next = Part {
            began: now,
            from_the_start: false,
            writer: Writer::resumed(&self.header, engine),
        };
        if let Some(younger) = self.younger.replace(next) {
            self.older = younger;
        }
    }

    pub(super) fn event(&mut self, now: Instant, event: &Event<'_>, engine: &Engine) {
        self.older.writer.event(now, event, engine);
        if let Some(younger) = &mut self.younger {
            younger.writer.event(now, event, engine);
        }
    }

    pub(super) fn action(&mut self, action: &Action) {
        self.older.writer.action(action);
        if let Some(younger) = &mut self.younger {
            younger.writer.action(action);
        }
    }

    /// Writes the file, whole or not at all: one that was written before stays until then.
    pub(super) fn write(&self, now: Instant, engine: &Engine) -> io::Result<Recorded> {
        let part = self.reaching_back(now);
        let mut writer = part.writer.clone();
        writer.finish(engine);
        self.put(writer.ready())?;
        Ok(Recorded {
            steps: writer.steps(),
            bytes: writer.ready().len() as u64,
            reaches_back: (!part.from_the_start).then(|| now.since(part.began)),
        })
    }

    /// The younger part when nothing happened for so long that it is enough.
    fn reaching_back(&self, now: Instant) -> &Part {
        let enough = |part: &&Part| now.since(part.began) >= self.last;
        self.younger.as_ref().filter(enough).unwrap_or(&self.older)
    }

    fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let new = beside(&self.path);
        private_file(&new)?.write_all(bytes)?;
        fs::rename(&new, &self.path)
    }
}

/// A panic is an error too, and the one that a recording is wanted for most. Its journal has no end.
impl Drop for Ring {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // there is nobody left to tell that it failed
            let _ = self.put(self.older.writer.ready());
        }
    }
}

/// The file that becomes the one at `path`.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(".new");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use seedbed_engine::Config;
    use seedbed_engine::journal::{Journal, Replay};

    const SEED: [u8; 32] = [5; 32];

    /// A ring of ten seconds, the engine that it records, and what is written of it after so many seconds.
    fn recorded(path: &Path, seconds: u64) -> (Ring, Engine, Recorded) {
        let mut engine = Engine::new(Config::default(), SEED);
        let header = super::super::header(&Config::default(), &engine, "test");
        let mut ring = Ring::new(path, header, Duration::from_secs(10)).expect("a ring");
        for second in 1..=seconds {
            let now = Instant::from_secs(second);
            ring.before(now, &engine);
            engine.handle(now, Event::NetworkChanged);
            ring.event(now, &Event::NetworkChanged, &engine);
            while let Some(action) = engine.poll_action() {
                ring.action(&action);
            }
        }
        let written = ring.write(Instant::from_secs(seconds), &engine).expect("a file");
        (ring, engine, written)
    }

    #[test]
    fn it_reaches_back_as_far_as_was_asked_for_and_not_much_further() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("last.journal");
        for seconds in [3, 12, 25, 47, 60] {
            let (_, _, written) = recorded(&path, seconds);
            let bytes = fs::read(&path).expect("a file");
            let journal = Journal::read(&bytes).expect("a journal");
            assert!(journal.is_whole());
            assert_eq!(Replay::new(&journal, true).run(), Ok(()), "after {seconds} s");
            let least = seconds.min(10);
            assert!(
                (least..=20).contains(&written.steps),
                "{written:?} after {seconds} s"
            );
            assert_eq!(journal.is_resumed(), seconds >= 20, "after {seconds} s");
            assert_eq!(written.reaches_back.is_some(), journal.is_resumed());
            assert_eq!(journal.duration(), Instant::from_secs(seconds));
        }
        let left = fs::read_dir(folder.path()).expect("a listing").count();
        assert_eq!(left, 1, "nothing but the journal is left");
    }

    #[test]
    fn a_panic_leaves_the_journal_of_what_led_to_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("last.journal");
        let theirs = path.clone();
        let ended = std::thread::spawn(move || {
            let (_ring, _, _) = recorded(&theirs, 25);
            fs::remove_file(&theirs).expect("it was there");
            panic!("on purpose");
        });
        assert!(ended.join().is_err());
        let bytes = fs::read(&path).expect("a file");
        let journal = Journal::read(&bytes).expect("a journal");
        assert!(!journal.is_whole() && journal.steps_count() >= 10);
        assert_eq!(Replay::new(&journal, false).run(), Ok(()));
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told_before_the_run() {
        let engine = Engine::new(Config::default(), SEED);
        let header = super::super::header(&Config::default(), &engine, "test");
        let path = Path::new("/nonexistent/last.journal");
        assert!(Ring::new(path, header, Duration::from_secs(1)).is_err());
    }
}
