//! Our requests to one peer: which are outstanding, how many may be, which came too late.
//!
//! BEP 3 asks for a pipeline. Its depth follows the measured bandwidth and round trip; BEP 10's `reqq` bounds it.

use crate::block::Block;
use crate::config::SessionConfig;
use crate::geometry::BlockRange;
use crate::id::PieceIndex;
use crate::rate::Rate;
use crate::time::Instant;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use depth::Way;
use serde::{Deserialize, Serialize};

mod depth;

/// Ranges that are remembered after they were answered or given up. A block of one of them is late, of any other
/// was never requested. Twice the deepest pipeline, so that a choke and its aftermath fit.
const LATE_MAX: usize = 1024;

/// Blocks that came a second time before the peer is dropped: they are waste, and cost us the download rate.
const DUPLICATES_MAX: u32 = 1024;

/// One request that was sent and not answered.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Outstanding {
    range: BlockRange,
    at: Instant,
    /// Bytes that had come when it was sent.
    delivered: u64,
    /// Its time began anew: it measures nothing.
    restarted: bool,
    /// Somebody else may have been asked meanwhile; the answer is still welcome.
    released: bool,
    /// It was cancelled, for its age or because it came from elsewhere; with the Fast extension an answer still has
    /// to come.
    cancelled: bool,
}

/// A request that is over. One answer more is no fault: ours to take it back and the peer's to answer it may cross.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Late {
    range: BlockRange,
    /// Its block came.
    arrived: bool,
    /// It was rejected after it was over.
    rejected: bool,
}

/// How a reject stands to our requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rejected {
    /// It was outstanding.
    Requested,
    /// It was asked for once: the answer to our cancel, say.
    Late,
    /// It was never asked for, or rejected before.
    Unknown,
}

/// How a block that arrived stands to our requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arrival {
    /// It was outstanding, and nobody else was to be asked.
    Requested,
    /// It was asked for, and then cancelled or given up; it may still be of use.
    Late,
    /// It came before; it may still be of use if that copy was lost.
    Repeated,
    /// It came before, and too many such did.
    TooManyRepeated,
    /// It was never asked for.
    Unknown,
}

/// The request pipeline.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Requests {
    /// Oldest first.
    outstanding: VecDeque<Outstanding>,
    /// One of them may be released or cancelled, so that its range may be asked for again. Where none is, which is nearly
    /// always, a new request need not be looked for among the others.
    loose: bool,
    late: VecDeque<Late>,
    duplicates: u32,
    way: Way,
    /// When the last block came, or the first request was sent to a peer that owed nothing.
    progress: Instant,
    pub(super) snubbed: bool,
    pub(super) rate: Rate,
}

impl Requests {
    /// How many blocks of this length are on their way while a request goes to the peer and its answer comes back.
    pub(super) fn on_the_way(&self, block_length: u32) -> usize {
        self.way.holds(block_length)
    }

    /// As if the way to the peer took this depth.
    #[cfg(test)]
    pub(super) fn assume_depth(&mut self, depth: u32, block_length: u32) {
        self.way = Way::of_depth(depth, block_length);
    }

    pub(super) fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// The ranges that nobody else was asked for on account of this peer.
    pub(super) fn unreleased(&self) -> impl Iterator<Item = BlockRange> + '_ {
        let open = self.outstanding.iter().filter(|request| !request.released);
        open.map(|request| request.range)
    }

    /// The outstanding ones, oldest first; whether somebody else may have been asked meanwhile.
    pub(super) fn iter(&self) -> impl Iterator<Item = (BlockRange, bool)> + '_ {
        let outstanding = self.outstanding.iter();
        outstanding.map(|request| (request.range, request.released))
    }

    /// How many requests may be outstanding, whatever the peer's `reqq`.
    pub(super) fn depth(&self, config: &SessionConfig, block_length: u32) -> u32 {
        if self.snubbed {
            1
        } else {
            self.way.depth(config, block_length)
        }
    }

    /// A request is wanted. False when the peer still owes an answer to the same one: that answer will do, and a
    /// second request would be answered twice, or its answer be taken for the first one's (BEP 6). What a snubbed peer
    /// is asked for keeps nobody else from being asked: it may never come.
    pub(super) fn asks(&mut self, now: Instant, range: BlockRange) -> bool {
        if self.loose {
            let released = self.snubbed;
            let owed = self.outstanding.iter_mut().find(|request| request.range == range);
            if let Some(owed) = owed {
                owed.released = released;
                return false;
            }
        }
        self.sent(now, range);
        true
    }

    pub(super) fn sent(&mut self, now: Instant, range: BlockRange) {
        if self.outstanding.is_empty() {
            self.progress = now;
            self.loose = false;
        }
        self.loose |= self.snubbed;
        self.outstanding.push_back(Outstanding {
            range,
            at: now,
            delivered: self.way.delivered(),
            restarted: false,
            released: self.snubbed,
            cancelled: false,
        });
    }

    fn remember(&mut self, range: BlockRange, arrived: bool) {
        if self.late.len() == LATE_MAX {
            self.late.pop_front();
        }
        self.late.push_back(Late {
            range,
            arrived,
            rejected: false,
        });
    }

    fn take(&mut self, range: BlockRange) -> Option<Outstanding> {
        // answers come in the order of the requests from nearly every client: the front is the usual place
        let at = self
            .outstanding
            .iter()
            .position(|request| request.range == range)?;
        self.outstanding.remove(at)
    }

    /// A block came.
    pub(super) fn arrived(&mut self, now: Instant, range: BlockRange, data: &Block) -> Arrival {
        self.way.came(data.len() as u64);
        let arrival = if let Some(request) = self.take(range) {
            self.remember(range, true);
            if !request.restarted {
                self.way.answered(now, request.at, request.delivered);
            }
            if request.cancelled || request.released {
                Arrival::Late
            } else {
                Arrival::Requested
            }
        } else if let Some(late) = self
            .late
            .iter_mut()
            .find(|late| late.range == range && !late.arrived)
        {
            late.arrived = true;
            Arrival::Late
        } else if self.late.iter().any(|late| late.range == range) {
            self.duplicates += 1;
            if self.duplicates > DUPLICATES_MAX {
                Arrival::TooManyRepeated
            } else {
                Arrival::Repeated
            }
        } else {
            return Arrival::Unknown;
        };
        self.progress = now;
        self.snubbed = false;
        self.rate.add(now, data.len() as u64);
        arrival
    }

    /// The peer said that it will not answer this one.
    pub(super) fn rejected(&mut self, range: BlockRange) -> Rejected {
        if let Some(request) = self.take(range) {
            // it may be the answer to an earlier cancel of the same range, and the block still comes
            self.remember(range, false);
            return if request.cancelled && request.released {
                Rejected::Late
            } else {
                Rejected::Requested
            };
        }
        let mut late = self.late.iter_mut();
        match late.find(|late| late.range == range && !late.rejected) {
            Some(late) => {
                late.rejected = true;
                Rejected::Late
            }
            None => Rejected::Unknown,
        }
    }

    /// Nothing was read for a while, for a reason of ours: the time of every request begins again.
    pub(super) fn restart(&mut self, now: Instant) {
        self.progress = now;
        for request in &mut self.outstanding {
            request.at = now;
            request.restarted = true;
        }
    }

    /// We do not want this one any more. With the Fast extension it stays outstanding until it is answered
    /// (BEP 6); without it no answer need come. False when the peer need not be told: nothing was asked for, or it was
    /// told before.
    pub(super) fn cancelled(&mut self, range: BlockRange, fast: bool) -> bool {
        if fast {
            let mut outstanding = self.outstanding.iter_mut();
            let Some(request) = outstanding.find(|request| request.range == range) else {
                return false;
            };
            request.released = true;
            self.loose = true;
            return !core::mem::replace(&mut request.cancelled, true);
        }
        let known = self.take(range).is_some();
        if known {
            self.remember(range, false);
        }
        known
    }

    /// All outstanding ones will go unanswered: a choke without the Fast extension (BEP 3 field practice).
    pub(super) fn drop_all(&mut self) {
        while let Some(request) = self.outstanding.pop_front() {
            self.remember(request.range, false);
        }
    }

    /// The peer lost a piece and answers no request for it. The ranges that nobody else may have been asked for.
    pub(super) fn drop_piece(&mut self, piece: PieceIndex) -> Vec<BlockRange> {
        let (gone, kept) = core::mem::take(&mut self.outstanding)
            .into_iter()
            .partition(|request| request.range.piece == piece);
        self.outstanding = kept;
        let gone: VecDeque<Outstanding> = gone;
        gone.iter()
            .for_each(|request| self.remember(request.range, false));
        let open = gone.iter().filter(|request| !request.released);
        open.map(|request| request.range).collect()
    }

    /// The ranges that others may be asked for now, each told once: all of them, for a peer that went silent.
    pub(super) fn release_all(&mut self) -> Vec<BlockRange> {
        self.loose = true;
        let open = self.outstanding.iter_mut().filter(|request| !request.released);
        open.map(|request| {
            request.released = true;
            request.range
        })
        .collect()
    }

    /// When something here times out.
    pub(super) fn deadline(&self, config: &SessionConfig) -> Option<Instant> {
        let oldest = self.outstanding.front()?.at + config.request_timeout;
        let snub = (!self.snubbed).then(|| self.progress + config.snub_timeout);
        Some(snub.map_or(oldest, |snub| snub.min(oldest)))
    }

    /// Whether the peer has just become snubbed.
    pub(super) fn becomes_snubbed(&mut self, now: Instant, config: &SessionConfig) -> bool {
        let late = !self.outstanding.is_empty() && now >= self.progress + config.snub_timeout;
        let newly = late && !self.snubbed;
        self.snubbed |= late;
        newly
    }

    /// The next request that is over its time. Without the Fast extension it is done with; with it the peer has to
    /// answer the cancel, and until then, or for as long again, the request stays outstanding (BEP 6).
    pub(super) fn expired(&mut self, now: Instant, config: &SessionConfig, fast: bool) -> Option<BlockRange> {
        let is_over = |oldest: &Outstanding| now >= oldest.at + config.request_timeout;
        while self.outstanding.front().is_some_and(is_over) {
            let request = self.outstanding.pop_front()?;
            if fast && !request.cancelled {
                self.loose = true;
                self.outstanding.push_back(Outstanding {
                    at: now,
                    restarted: true,
                    released: true,
                    cancelled: true,
                    ..request
                });
                return Some(request.range);
            }
            self.remember(request.range, false);
            if !request.cancelled || !request.released {
                return Some(request.range);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
