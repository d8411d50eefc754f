//! When a torrent is done: at once when it is complete, or when it was served for long enough.

use super::Transfer;
use crate::cli::args::TransferArgs;
use crate::cli::values::Ratio;
use seedbed_engine::Purpose;
use seedbed_engine::time::{Duration, Instant};

/// What a torrent has to reach.
pub(super) struct Goal {
    ratio: Option<Ratio>,
    time: Option<Duration>,
    /// Without limits: a download ends when it is complete, a seed never.
    purpose: Purpose,
}

impl Goal {
    pub(super) fn new(args: &TransferArgs, purpose: Purpose) -> Self {
        Self {
            ratio: args.seed_ratio,
            time: args.seed_time,
            purpose,
        }
    }

    /// Whether nothing is left to do for a torrent.
    pub(super) fn reached(&self, transfer: &Transfer, now: Instant) -> bool {
        let (Some(complete_at), Some(status)) = (transfer.complete_at, &transfer.status) else {
            return false;
        };
        if self.ratio.is_none() && self.time.is_none() {
            return self.purpose == Purpose::Download;
        }
        let enough = self
            .ratio
            .is_some_and(|ratio| ratio.reached(status.uploaded, status.total_length));
        let long = self.time.is_some_and(|time| now.since(complete_at) >= time);
        enough || long
    }

    /// A number that changes while a torrent gets on: what was hashed, received for good, or served when it is
    /// there to be served.
    pub(super) fn moved(&self, transfer: &Transfer) -> u64 {
        let Some(status) = &transfer.status else { return 0 };
        let received = status.received.useful;
        let served = if transfer.complete_at.is_some() {
            status.uploaded
        } else {
            0
        };
        u64::from(status.pieces_checked)
            .wrapping_add(status.verified)
            .wrapping_add(received)
            .wrapping_add(served)
    }
}
