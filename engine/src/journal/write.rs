//! Writes a journal while its run goes on.

use super::bytes::{put, put_bytes, put_value};
use super::digest::StepDigest;
use super::event::Codec;
use super::header::streams;
use super::{CHECK_INTERVAL, Header, MAGIC, VERSION, kind};
use crate::action::Action;
use crate::engine::Engine;
use crate::event::Event;
use crate::time::Instant;
use crate::torrent::Digest;
use alloc::vec::Vec;

/// Takes what an engine takes, and has the bytes of the journal ready to be carried away.
///
/// For each event: the engine handles it, the writer is told of it by [`event`](Self::event), then of every action that
/// comes of it by [`action`](Self::action). A step is written when the next one begins.
#[derive(Clone, Debug)]
pub struct Writer {
    out: Vec<u8>,
    /// Where the bytes begin that the chain does not cover yet.
    chained: usize,
    chain: Digest,
    codec: Codec,
    /// The actions of the step under way; none before the first.
    open: Option<StepDigest>,
    steps: u64,
    /// The engine after the last event, if a check follows the step under way.
    engine: Option<u64>,
    torrents: u32,
}

impl Writer {
    /// A journal that begins with this header, and with its run.
    pub fn new(header: &Header) -> Self {
        let mut writer = Self::begin(header);
        writer.check(kind::CHECK, 0);
        writer
    }

    /// A journal that begins in the middle of a run, between two events, with the engine as it is now.
    pub fn resumed(header: &Header, engine: &Engine) -> Self {
        let mut writer = Self::begin(header);
        writer.out.push(kind::STATE);
        put_bytes(&mut writer.out, &engine.checkpoint());
        writer.torrents = engine.torrents_added();
        writer.check(kind::CHECK, engine.digest());
        writer
    }

    fn begin(header: &Header) -> Self {
        let mut writer = Self {
            out: MAGIC.to_vec(),
            chained: 0,
            chain: Digest::default(),
            codec: Codec::default(),
            open: None,
            steps: 0,
            engine: None,
            torrents: 0,
        };
        writer.out.extend_from_slice(&VERSION.to_le_bytes());
        let header = postcard::to_allocvec(header).unwrap_or_default();
        put_bytes(&mut writer.out, &header);
        writer
    }

    /// The engine has handled `event`; its actions are not taken yet.
    pub fn event(&mut self, now: Instant, event: &Event<'_>, engine: &Engine) {
        self.close_step();
        if engine.torrents_added() > self.torrents {
            self.torrents = engine.torrents_added();
            self.out.push(kind::SEEDS);
            put_value(&mut self.out, &streams(engine.seeds(), self.torrents.into()));
        }
        self.codec.put(&mut self.out, now, event, engine.unread_spans());
        self.open = Some(StepDigest::default());
        self.steps += 1;
        if self.steps.is_multiple_of(CHECK_INTERVAL) {
            self.engine = Some(engine.digest());
        }
    }

    /// The engine asked for `action`.
    pub fn action(&mut self, action: &Action) {
        if let Some(step) = &mut self.open {
            step.action(action);
        }
    }

    /// The same for whoever has nothing else to do with an engine: hands it an event, and records what comes of it.
    pub fn step(&mut self, engine: &mut Engine, now: Instant, event: Event<'_>) {
        engine.handle(now, event.clone());
        self.event(now, &event, engine);
        while let Some(action) = engine.poll_action() {
            self.action(&action);
        }
    }

    /// The run is over: writes the end. `engine` is as it was after the last event.
    pub fn finish(&mut self, engine: &Engine) {
        self.close_step();
        self.check(kind::END, engine.digest());
    }

    /// Steps so far.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// Bytes that are ready and were not carried away.
    pub fn ready(&self) -> &[u8] {
        &self.out
    }

    /// The ready bytes were carried away.
    pub fn carried(&mut self) {
        self.cover();
        self.out.clear();
        self.chained = 0;
    }

    fn close_step(&mut self) {
        if let Some(step) = self.open.take() {
            self.out.extend_from_slice(&step.value().to_le_bytes());
            if let Some(engine) = self.engine.take() {
                self.check(kind::CHECK, engine);
            }
        }
    }

    /// A record that vouches for all before it.
    fn check(&mut self, kind: u8, engine: u64) {
        self.out.push(kind);
        put(&mut self.out, self.steps);
        self.out.extend_from_slice(&engine.to_le_bytes());
        self.cover();
        self.out.extend_from_slice(&self.chain.value().to_le_bytes());
        self.cover();
    }

    /// The chain takes in what it has not covered. Where it is cut must not matter, so it goes byte by byte.
    fn cover(&mut self) {
        for byte in &self.out[self.chained..] {
            self.chain.word(u64::from(*byte));
        }
        self.chained = self.out.len();
    }
}
