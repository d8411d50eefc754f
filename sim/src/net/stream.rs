//! TCP as two pipes of bytes: what an actor sees of it, not its segments.
//!
//! Bytes go from the sender's buffer over the wire, where they arrive in order, into the receiver's bounded buffer and
//! from there, as far as the budget goes, into reads. Invariant: what was sent before an end is delivered before it,
//! once, in order, unless somebody resets the stream.

use crate::net::host::Cutter;
use crate::world::ActorId;
use seedbed_engine::id::ConnId;
use seedbed_engine::net::CloseCause;
use seedbed_engine::time::Instant;
use std::collections::VecDeque;

/// An end of a stream. A reference to a stream that is no more finds nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct EndRef {
    pub(super) slot: u32,
    pub(super) serial: u32,
    pub(super) side: u8,
}

impl EndRef {
    /// The other end.
    #[must_use]
    pub(super) fn other(self) -> Self {
        Self {
            side: 1 - self.side,
            ..self
        }
    }
}

/// How far an end is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Not yet told to its actor.
    Opening,
    /// Its actor has it.
    Open,
    /// Its actor has ended it; what it sent before is still on its way out.
    Lingering,
    /// Nobody is there.
    Gone,
}

/// Something on the wire.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) at: Instant,
    pub(super) what: What,
}

/// What is on the wire.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// The third part of the handshake: the stream is there.
    Hello,
    Data(Vec<u8>),
    Fin,
    Reset,
}

/// One end of a stream.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) who: ActorId,
    pub(super) id: ConnId,
    pub(super) phase: Phase,

    /// The send buffer, and how much of its first part has left.
    unsent: VecDeque<Vec<u8>>,
    skipped: usize,
    /// Bytes in the send buffer.
    pub(super) waiting: usize,
    /// A FIN is to follow; it has left.
    pub(super) fin: bool,
    pub(super) fin_left: bool,
    /// Bytes that left and of which the actor was not told.
    pub(super) untold: u64,
    /// Waits for room at the other end.
    pub(super) starved: bool,
    /// Waits for a retransmission, after so many losses.
    pub(super) stalled: Option<u32>,
    /// Its next bytes are being transmitted.
    pub(super) flowing: bool,
    /// Bytes that may still leave before the stream is reset.
    pub(super) reset_after: Option<u64>,
    /// When the latest of what it sent arrives.
    pub(super) last_at: Instant,

    /// What is on its way to this end.
    pub(super) wire: VecDeque<Item>,
    pub(super) in_flight: usize,
    /// The receive buffer, and how much of it was read.
    arrived: Vec<u8>,
    taken: usize,
    pub(super) budget: u64,
    /// How the stream ends behind what has arrived.
    pub(super) end: Option<CloseCause>,
    /// Broken: the end does not wait for a budget.
    pub(super) broken: bool,
    /// Somebody will look whether bytes can be delivered.
    pub(super) readable: bool,
}

impl End {
    fn new(who: ActorId, id: ConnId) -> Self {
        Self {
            who,
            id,
            phase: Phase::Opening,
            unsent: VecDeque::new(),
            skipped: 0,
            waiting: 0,
            fin: false,
            fin_left: false,
            untold: 0,
            starved: false,
            stalled: None,
            flowing: false,
            reset_after: None,
            last_at: Instant::START,
            wire: VecDeque::new(),
            in_flight: 0,
            arrived: Vec::new(),
            taken: 0,
            budget: 0,
            end: None,
            broken: false,
            readable: false,
        }
    }

    /// Bytes go into the send buffer.
    pub(super) fn queue(&mut self, data: Vec<u8>) {
        if !data.is_empty() {
            self.waiting += data.len();
            self.unsent.push_back(data);
        }
    }

    /// Takes bytes out of the send buffer; without a copy where a part leaves whole.
    pub(super) fn take_unsent(&mut self, count: usize) -> Vec<u8> {
        let count = count.min(self.waiting);
        self.waiting -= count;
        if self.skipped == 0
            && let Some(first) = self.unsent.front()
            && first.len() == count
        {
            return self.unsent.pop_front().unwrap_or_default();
        }
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count
            && let Some(first) = self.unsent.front()
        {
            let rest = &first[self.skipped..];
            let part = rest.len().min(count - taken.len());
            taken.extend_from_slice(&rest[..part]);
            self.skipped += part;
            if self.skipped == first.len() {
                self.unsent.pop_front();
                self.skipped = 0;
            }
        }
        taken
    }

    /// Forgets what was not sent.
    pub(super) fn drop_unsent(&mut self) {
        self.unsent.clear();
        self.skipped = 0;
        self.waiting = 0;
        self.untold = 0;
    }

    /// Bytes in the receive buffer.
    pub(super) fn unread(&self) -> usize {
        self.arrived.len() - self.taken
    }

    /// Bytes come into the receive buffer.
    pub(super) fn receive(&mut self, data: Vec<u8>) {
        if self.unread() == 0 {
            self.arrived = data;
            self.taken = 0;
        } else {
            // what was read is cut off once it is the larger half, so that each byte moves once at the most
            if self.taken > self.arrived.len() / 2 {
                self.arrived.drain(..self.taken);
                self.taken = 0;
            }
            self.arrived.extend_from_slice(&data);
        }
    }

    /// How much the next read takes at the most.
    pub(super) fn next_read(&self, cutter: Cutter) -> usize {
        let may = usize::try_from(self.budget)
            .unwrap_or(usize::MAX)
            .min(self.unread());
        match cutter {
            Cutter::Whole | Cutter::Random => may,
            Cutter::One => may.min(1),
            Cutter::Mss => may.min(Cutter::SEGMENT),
            Cutter::Coalesced => may.min(Cutter::READ_MAX),
        }
    }

    /// Reads so many bytes.
    pub(super) fn read(&mut self, count: usize) -> Vec<u8> {
        self.budget -= count as u64;
        if self.taken == 0 && count == self.arrived.len() {
            return std::mem::take(&mut self.arrived);
        }
        let bytes = self.arrived[self.taken..self.taken + count].to_vec();
        self.taken += count;
        bytes
    }

    /// How the stream ended, once all that had arrived was delivered.
    pub(super) fn take_end(&mut self) -> Option<CloseCause> {
        if self.unread() > 0 && !(self.broken && self.budget == 0) {
            return None;
        }
        self.end.take()
    }

    /// Nobody reads here any more.
    pub(super) fn drop_unread(&mut self) {
        self.arrived = Vec::new();
        self.taken = 0;
    }
}

/// A stream.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) serial: u32,
    /// The end that dialled, and the one that was dialled.
    pub(super) ends: [End; 2],
    /// The port that the first end dialled, at the address that it dialled.
    pub(super) to: std::net::SocketAddr,
    /// The port that the second end sees.
    pub(super) from: std::net::SocketAddr,
    /// Nothing arrives any more, and nobody says so.
    pub(super) dead: bool,
}

impl Stream {
    pub(super) fn new(
        serial: u32,
        who: (ActorId, ConnId),
        from: std::net::SocketAddr,
        to: std::net::SocketAddr,
    ) -> Self {
        Self {
            serial,
            ends: [End::new(who.0, who.1), End::new(who.0, who.1)],
            to,
            from,
            dead: false,
        }
    }

    /// This end and the other.
    pub(super) fn pair(&mut self, side: u8) -> (&mut End, &mut End) {
        let [first, second] = &mut self.ends;
        if side == 0 {
            (first, second)
        } else {
            (second, first)
        }
    }

    /// Whether nothing is left of it.
    pub(super) fn is_over(&self) -> bool {
        self.ends
            .iter()
            .all(|end| end.phase == Phase::Gone && end.wire.is_empty())
    }
}
