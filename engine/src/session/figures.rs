//! A session, looked at from outside: what checkers compare with what they counted themselves.

use super::{Phase, Session};
use crate::geometry::BlockRange;
use crate::ledger::Ledger;
use crate::time::Instant;

impl Session {
    /// Payload received, payload sent, in bytes.
    pub const fn transferred(&self) -> (u64, u64) {
        (self.downloaded, self.uploaded)
    }

    /// Payload received and sent a second.
    pub fn rates(&self, now: Instant) -> (u64, u64) {
        (
            self.requests.rate.per_second(now),
            self.uploads.rate.per_second(now),
        )
    }

    /// When the connection was made.
    pub const fn established(&self) -> Instant {
        self.established
    }

    /// When we last choked or unchoked the peer.
    pub const fn last_choke_change(&self) -> Option<Instant> {
        self.last_choke_change
    }

    /// Since when the peer is unchoked, and the payload sent since.
    pub const fn this_unchoke(&self) -> (Option<Instant>, u64) {
        (self.unchoked_at, self.uploaded_this_unchoke)
    }

    /// When the peer last sent a block.
    pub const fn last_block(&self) -> Option<Instant> {
        self.last_block
    }

    /// Requests that were sent and not answered, oldest first; whether others may be asked for the same block.
    pub fn requests(&self) -> impl Iterator<Item = (BlockRange, bool)> + '_ {
        self.requests.iter()
    }

    /// Requests that the peer lets us have outstanding.
    pub fn reqq(&self) -> u32 {
        self.extensions.reqq.unwrap_or(self.rules.config.reqq_default)
    }

    /// When the peer last choked or unchoked us, else when the session began.
    pub const fn choke_changed(&self) -> Instant {
        self.choke_changed
    }

    /// Until when nothing is asked of the peer because it refused too much.
    pub const fn pauses_until(&self) -> Option<Instant> {
        self.refusals.deadline()
    }

    /// What became of the bytes that came since the last call, but for blocks that were told as outputs.
    pub fn take_received(&mut self) -> Ledger {
        core::mem::take(&mut self.received)
    }

    /// Bytes kept of messages that are not whole yet.
    pub fn stashed(&self) -> usize {
        match &self.phase {
            Phase::Open(decoder) => decoder.stashed(),
            Phase::Connecting | Phase::Encrypting(_) | Phase::Handshaking(_) | Phase::Over => 0,
        }
    }

    /// Messages that wait for the end of the step.
    pub fn unflushed(&self) -> usize {
        self.outbox.len()
    }
}
