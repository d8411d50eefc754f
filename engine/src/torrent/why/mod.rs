//! Why a torrent does not get on: every cause that holds now, the one that counts most first.
//!
//! # How causes are ranked
//!
//! By [`Weight`]: first what stops everything, then what keeps some pieces from ever coming, then what slows, then
//! hints; when nothing is wrong, that. Within one weight in the order of [`Cause`]'s variants, which is the way of a
//! download: the user's own will, storage, this machine's network, whom we know, whom we reach, what they have, what
//! came of it, whether they serve us. So a cause is named before whatever it brings about.
//!
//! Looking changes nothing and decides nothing, and is done only when somebody asks: it walks the peers, the known
//! addresses and the missing pieces once.

mod cause;
mod find;
mod next;
mod noted;
#[cfg(test)]
mod tests;
mod units;
mod words;

pub use cause::{Cause, FailingTracker, Weight};
pub(super) use noted::Noted;

use super::Torrent;
use crate::time::Instant;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

/// The first of some causes as one sentence for a line of progress; together with the pieces that nobody has, if the
/// first one is about what peers do.
pub fn headline(causes: &[Cause]) -> Option<String> {
    let first = causes.first()?;
    let by_peers = matches!(
        first,
        Cause::AllChokeUs { .. }
            | Cause::Refusing { .. }
            | Cause::Snubbed { .. }
            | Cause::Waiting { .. }
            | Cause::HashFailures { .. }
    );
    let nobody_has = |cause: &&Cause| matches!(cause, Cause::NobodyHasPieces { .. });
    let mut text = first.to_string();
    if let Some(also) = causes.iter().skip(1).find(nobody_has).filter(|_| by_peers) {
        text.push_str("; ");
        text.push_str(&also.to_string());
    }
    Some(text)
}

impl Torrent {
    /// Every cause that holds now, the one that counts most first. Never empty.
    pub fn why(&self, now: Instant) -> Vec<Cause> {
        let mut causes = self.find_causes(now);
        causes.sort_by_key(Cause::weight);
        causes
    }

    /// The causes in one sentence while it should fetch and nothing arrives.
    pub(super) fn stalled(&self, now: Instant) -> Option<String> {
        if self.is_complete() || self.traffic.rate_down.per_second(now) > 0 {
            return None;
        }
        let causes = self.why(now);
        match causes.first()? {
            Cause::Queued | Cause::Opening | Cause::Checking { .. } | Cause::ShuttingDown => None,
            _ => headline(&causes),
        }
    }
}
