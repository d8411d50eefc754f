//! Reads a journal: first the whole of it, to know that it is sound, then step by step.

use super::bytes::{Broken, Cursor};
use super::event::{Codec, Scratch};
use super::header::StreamSeed;
use super::{Header, JournalError, MAGIC, VERSION, kind};
use crate::engine::Engine;
use crate::event::Event;
use crate::rng::Seeds;
use crate::time::{Duration, Instant};
use crate::torrent::Digest;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

/// A journal that was read once from end to end.
#[derive(Clone, Debug)]
pub struct Journal<'a> {
    bytes: &'a [u8],
    /// Where the steps begin.
    begin: usize,
    /// Where the last whole record ends.
    end: usize,
    header: Header,
    /// The engine as it was at the beginning, if that is not the beginning of the run.
    state: Option<&'a [u8]>,
    seeds: Seeds,
    steps: u64,
    duration: Instant,
    /// Whether the end is there, and the engine as it was then.
    at_end: Option<u64>,
}

/// One step, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// When it happened.
    pub at: Instant,
    /// What happened. Zeros stand where payload was.
    pub event: Event<'a>,
    /// Of a `Received`: what nobody had looked at.
    pub unread: &'a [Range<usize>],
    /// 32 bits over the actions that came of it.
    pub actions: u32,
    /// 64 bits over the engine right after the event, before its actions were taken; at some steps.
    pub engine: Option<u64>,
}

/// What stands between steps.
enum Between<'a> {
    State(&'a [u8]),
    Seeds(Vec<StreamSeed>),
    Check(Check),
}

struct Check {
    steps: u64,
    engine: u64,
    /// Over every byte before it.
    chain: u64,
    /// Where it stands.
    chain_at: usize,
    is_end: bool,
}

impl<'a> Journal<'a> {
    /// Reads a journal to its end. One whose end is missing is taken as far as it goes; see [`Journal::is_whole`].
    ///
    /// # Errors
    /// When it is no journal, of another format, or damaged.
    pub fn read(bytes: &'a [u8]) -> Result<Self, JournalError> {
        let (header, begin) = header(bytes)?;
        let seeds = by_stream(&header.seeds);
        let mut journal = Self {
            bytes,
            begin,
            end: begin,
            header,
            state: None,
            seeds: Seeds::Root([0; 32]),
            steps: 0,
            duration: Instant::START,
            at_end: None,
        };
        journal.verify(seeds)?;
        Ok(journal)
    }

    /// Goes through all records, and holds the chain against the bytes.
    fn verify(&mut self, mut seeds: BTreeMap<(u64, u64), [u8; 32]>) -> Result<(), JournalError> {
        let mut cursor = Cursor::new(self.bytes, self.begin);
        let (mut codec, mut scratch) = (Codec::default(), Scratch::default());
        let mut chain = Chain::default();
        // the last step that a check vouches for; none before the header's
        let mut vouched = None;
        while !cursor.is_at_end() {
            let damaged = JournalError::Damaged {
                after: vouched.unwrap_or(0),
                before: self.steps + 1,
            };
            match record(&mut cursor, &mut codec, &mut scratch) {
                Ok(None) => {
                    self.steps += 1;
                    self.duration = codec.at();
                }
                Ok(Some(Between::State(state))) if vouched.is_none() => self.state = Some(state),
                Ok(Some(Between::State(_))) => return Err(damaged),
                Ok(Some(Between::Seeds(more))) => seeds.extend(by_stream(&more)),
                Ok(Some(Between::Check(check))) => {
                    let sound = chain.at(self.bytes, check.chain_at) == check.chain;
                    if !sound || check.steps != self.steps {
                        return Err(vouched.map_or(JournalError::Header, |_| damaged));
                    }
                    vouched = Some(self.steps);
                    if check.is_end {
                        self.at_end = Some(check.engine);
                        self.end = cursor.at();
                        break;
                    }
                }
                // it ends within a record: the run was killed, or the file was cut
                Err(Broken::Short) => break,
                Err(Broken::Nonsense) => return Err(damaged),
            }
            self.end = cursor.at();
        }
        if vouched.is_none() {
            return Err(JournalError::NoHeader);
        }
        if self
            .state
            .is_some_and(|state| Engine::from_checkpoint(state, false).is_none())
        {
            return Err(JournalError::Header);
        }
        let trailing = self.bytes.len() - self.end;
        if self.is_whole() && trailing > 0 {
            return Err(JournalError::Trailing(trailing));
        }
        self.seeds = Seeds::Streams(seeds);
        Ok(())
    }

    /// What it says of itself.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Where the random streams of its run begin.
    pub const fn seeds(&self) -> &Seeds {
        &self.seeds
    }

    /// Whether it begins in the middle of its run, with the state of the engine.
    pub const fn is_resumed(&self) -> bool {
        self.state.is_some()
    }

    /// The engine before the first step. With `trace` it tells every message, as for a timeline.
    pub fn engine(&self, trace: bool) -> Engine {
        let resumed = self.state.and_then(|state| Engine::from_checkpoint(state, trace));
        resumed.unwrap_or_else(|| {
            let mut config = self.header.config.clone();
            config.trace |= trace;
            Engine::with_seeds(config, self.seeds.clone())
        })
    }

    /// Number of steps.
    pub const fn steps_count(&self) -> u64 {
        self.steps
    }

    /// Time of the last step.
    pub const fn duration(&self) -> Instant {
        self.duration
    }

    /// Whether its end is there. Without it the run was killed, or the file was cut.
    pub const fn is_whole(&self) -> bool {
        self.at_end.is_some()
    }

    /// 64 bits over the engine after the actions of the last step, if the end is there.
    pub const fn engine_at_end(&self) -> Option<u64> {
        self.at_end
    }

    /// The steps from the first one.
    pub fn steps(&self) -> Steps<'a> {
        Steps {
            cursor: Cursor::new(self.bytes.get(..self.end).unwrap_or_default(), self.begin),
            codec: Codec::default(),
            scratch: Scratch::default(),
            number: 0,
        }
    }
}

/// Walks over the steps of a journal.
#[derive(Clone, Debug)]
pub struct Steps<'a> {
    cursor: Cursor<'a>,
    codec: Codec,
    scratch: Scratch,
    number: u64,
}

impl Steps<'_> {
    /// When the next step happened; none at the end.
    pub fn next_at(&self) -> Option<Instant> {
        let mut cursor = self.cursor;
        while cursor.peek().is_some_and(is_between) {
            between(&mut cursor).ok()?;
        }
        cursor.byte().ok()?;
        let elapsed = cursor.number().ok()?;
        Some(self.codec.at() + Duration::from_micros(elapsed))
    }

    /// The next step; none at the end.
    #[expect(
        clippy::should_implement_trait,
        reason = "a step borrows what the next one overwrites"
    )]
    pub fn next(&mut self) -> Option<Step<'_>> {
        while self.cursor.peek().is_some_and(is_between) {
            between(&mut self.cursor).ok()?;
        }
        // the journal was read once, so nothing is broken
        let told = self.codec.get(&mut self.cursor, &mut self.scratch).ok()?;
        let actions = self.cursor.array().map(u32::from_le_bytes).ok()?;
        self.number += 1;
        let engine = match self.cursor.peek() {
            Some(kind::CHECK) => match between(&mut self.cursor) {
                Ok(Between::Check(check)) => Some(check.engine),
                _ => None,
            },
            _ => None,
        };
        Some(Step {
            number: self.number,
            at: told.at,
            event: told.event,
            unread: told.unread,
            actions,
            engine,
        })
    }
}

fn header(bytes: &[u8]) -> Result<(Header, usize), JournalError> {
    let mut cursor = Cursor::new(bytes, 0);
    if cursor.array() != Ok(MAGIC) {
        return Err(JournalError::NotAJournal);
    }
    let version = cursor.array().map_err(|_| JournalError::NoHeader)?;
    match u16::from_le_bytes(version) {
        VERSION => {}
        other => return Err(JournalError::Version(other)),
    }
    match cursor.value() {
        Ok(header) => Ok((header, cursor.at())),
        Err(Broken::Short) => Err(JournalError::NoHeader),
        Err(Broken::Nonsense) => Err(JournalError::Header),
    }
}

const fn is_between(kind: u8) -> bool {
    matches!(kind, kind::END | kind::CHECK | kind::SEEDS | kind::STATE)
}

/// The next record; none if it is a step.
fn record<'a>(
    cursor: &mut Cursor<'a>,
    codec: &mut Codec,
    scratch: &mut Scratch,
) -> Result<Option<Between<'a>>, Broken> {
    if cursor.peek().is_some_and(is_between) {
        return between(cursor).map(Some);
    }
    codec.get(cursor, scratch)?;
    cursor.array::<4>()?;
    Ok(None)
}

fn between<'a>(cursor: &mut Cursor<'a>) -> Result<Between<'a>, Broken> {
    let kind = cursor.byte()?;
    if kind == kind::STATE {
        return cursor.sized().map(Between::State);
    }
    if kind == kind::SEEDS {
        return cursor.value().map(Between::Seeds);
    }
    let steps = cursor.number()?;
    let engine = cursor.array().map(u64::from_le_bytes)?;
    let chain_at = cursor.at();
    let chain = cursor.array().map(u64::from_le_bytes)?;
    Ok(Between::Check(Check {
        steps,
        engine,
        chain,
        chain_at,
        is_end: kind == kind::END,
    }))
}

fn by_stream(seeds: &[StreamSeed]) -> BTreeMap<(u64, u64), [u8; 32]> {
    let named = seeds
        .iter()
        .map(|seed| ((seed.purpose, seed.instance), seed.seed));
    named.collect()
}

/// The running digest of all bytes.
#[derive(Default)]
struct Chain {
    digest: Digest,
    covered: usize,
}

impl Chain {
    /// The digest of the first `end` bytes. `end` never goes back.
    fn at(&mut self, bytes: &[u8], end: usize) -> u64 {
        for byte in bytes.get(self.covered..end).unwrap_or_default() {
            self.digest.word(u64::from(*byte));
        }
        self.covered = end;
        self.digest.value()
    }
}
