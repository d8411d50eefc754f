//! I28: what passes under a rate limit, in any second and in any ten seconds.
//!
//! Of what comes every byte on a peer's connection counts, of what goes every block: other messages do not wait.
//! Budget that a peer had when a limit was set is taken back.

use super::conn::Kind;
use super::table::Oracle;
use super::verdicts::Verdicts;
use super::watch::Watch;
use seedbed_engine::id::ConnId;
use seedbed_engine::throttle::RateLimit;
use seedbed_engine::time::{Duration, Instant};
use std::collections::VecDeque;

/// The windows that a limit is held against, in seconds.
const WINDOWS: [u64; 2] = [1, 10];

/// Bytes of a block's message beside its payload (BEP 3).
const HEAD: u64 = 13;

/// What passed one way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passed {
    limit: Option<u64>,
    windows: [Window; WINDOWS.len()],
}

/// What passed in the last so many seconds.
#[derive(Clone, Debug, Default)]
struct Window {
    /// When how much passed, oldest first.
    passed: VecDeque<(Instant, u64)>,
    /// The sum of it.
    sum: u64,
    /// How much of it had to pass as a whole: only what nothing as large came after.
    blocks: VecDeque<(Instant, u64)>,
}

impl Window {
    /// Bytes pass, of which so many cannot be parted. The bytes of the window, and its largest block.
    fn add(&mut self, now: Instant, length: Duration, bytes: u64, block: u64) -> (u64, u64) {
        while let Some((_, old)) = self.passed.pop_front_if(|(at, _)| now.since(*at) > length) {
            self.sum -= old;
        }
        self.sum += bytes;
        match self.passed.back_mut() {
            Some((at, sum)) if *at == now => *sum += bytes,
            _ => self.passed.push_back((now, bytes)),
        }
        while self
            .blocks
            .pop_front_if(|(at, _)| now.since(*at) > length)
            .is_some()
        {}
        while self.blocks.pop_back_if(|(_, old)| *old <= block).is_some() {}
        self.blocks.push_back((now, block));
        (self.sum, self.blocks.front().map_or(block, |(_, block)| *block))
    }
}

impl Passed {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self {
            limit: limit.per_second(),
            windows: Default::default(),
        }
    }

    pub(crate) const fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Bytes pass, of which so many cannot be parted.
    fn add(&mut self, verdicts: &mut Verdicts, way: &str, bytes: u64, block: u64) {
        let Some(rate) = self.limit else { return };
        for (window, seconds) in self.windows.iter_mut().zip(WINDOWS) {
            let (sum, block) = window.add(verdicts.now, Duration::from_secs(seconds), bytes, block);
            let most = rate * seconds + (rate * seconds / 20).max(block);
            verdicts.check(Oracle::I28, sum <= most, || {
                format!("{sum} bytes went {way} in {seconds} s, at most {most} of {rate} a second may")
            });
        }
    }
}

impl Watch {
    /// The limits were changed.
    pub(crate) fn rates_change(&mut self, down: Option<RateLimit>, up: Option<RateLimit>) {
        if let Some(limit) = down {
            self.down = Passed::new(limit);
        }
        if let Some(limit) = up {
            self.up = Passed::new(limit);
        }
    }

    /// A peer may send more. What it owes is late for a reason of the engine's, if it was allowed nothing before.
    pub(crate) fn may_send(&mut self, id: ConnId, budget: u32) {
        self.named(id, "Read");
        let (now, limited) = (self.now, self.down.limit.is_some());
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        if limited && conn.budget == 0 {
            conn.progress = now;
            conn.asked.iter_mut().for_each(|asked| asked.at = now);
        }
        conn.budget += u64::from(budget);
    }

    /// A peer may send nothing for now.
    pub(crate) fn may_send_nothing(&mut self, id: ConnId) {
        self.named(id, "Hold");
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.budget = 0;
        }
    }

    /// Bytes of a connection came.
    pub(crate) fn comes(&mut self, id: ConnId, bytes: u64) {
        let block = u64::from(self.geometry.block_length()) + HEAD;
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        conn.came += bytes;
        // what was on its way when its budget was taken back came before the limit
        let counted = bytes.min(conn.budget);
        conn.budget -= counted;
        // who dials us is read for a handshake before anybody knows what it wants
        let unknown = !conn.dialled && conn.ours.is_none();
        if conn.kind == Kind::Peer && !unknown {
            self.down.add(&mut self.verdicts, "down", counted, block);
        }
    }

    /// A block goes to a peer.
    pub(crate) fn goes(&mut self, payload: u64) {
        // a peer may ask for less than a block, but the limit is met in whole ones
        let block = payload.max(self.geometry.block_length().into()) + HEAD;
        self.up.add(&mut self.verdicts, "up", payload + HEAD, block);
    }
}
