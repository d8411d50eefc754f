//! What an engine decides, without sizes and figures: what of it must not change when every size of the torrent is
//! multiplied (M6).
//!
//! Times count, bytes do not: pieces and blocks stand by their numbers, peers and trackers by their addresses.

use super::digest::Digest;
use super::stream::Said;
use seedbed_engine::geometry::{BlockRange, Geometry};
use seedbed_engine::time::Instant;
use std::net::IpAddr;

/// A digest of decisions, each with its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Decisions(Digest);

/// What was decided about somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Decision {
    /// To dial it, or to ask it if it is a tracker.
    Dial,
    /// Never to deal with it again.
    Ban,
    /// To announce, with an event by its number.
    Announce(u8),
    Choke,
    Unchoke,
    /// To tell it of a piece.
    Have(u32),
    /// To ask it for a block: piece and block number.
    Request(u32, u32),
    Cancel(u32, u32),
}

impl Decisions {
    /// Adds a decision.
    pub(crate) fn add(&mut self, now: Instant, about: IpAddr, decision: Decision) {
        let (kind, one, two) = match decision {
            Decision::Dial => (1, 0, 0),
            Decision::Ban => (2, 0, 0),
            Decision::Announce(event) => (3, event.into(), 0),
            Decision::Choke => (4, 0, 0),
            Decision::Unchoke => (5, 0, 0),
            Decision::Have(piece) => (6, piece, 0),
            Decision::Request(piece, block) => (7, piece, block),
            Decision::Cancel(piece, block) => (8, piece, block),
        };
        let who = match about {
            IpAddr::V4(ip) => u64::from(u32::from(ip)),
            IpAddr::V6(ip) => u128::from(ip) as u64,
        };
        self.0.word(now.as_micros());
        self.0.word(who ^ kind << 56);
        self.0.word(u64::from(one) << 32 | u64::from(two));
    }

    /// The digest so far.
    pub(crate) const fn value(self) -> u64 {
        self.0.value()
    }
}

/// The decision that a message of the engine's shows, if it shows one. A block that is none of the torrent has the
/// number of the block that it begins in.
pub(crate) fn shown(said: &Said<'_>, geometry: &Geometry) -> Option<Decision> {
    let block = |range: &BlockRange| range.begin / geometry.block_length();
    Some(match said {
        Said::Choke => Decision::Choke,
        Said::Unchoke => Decision::Unchoke,
        Said::Have(piece) => Decision::Have(piece.0),
        Said::Request(range) => Decision::Request(range.piece.0, block(range)),
        Said::Cancel(range) => Decision::Cancel(range.piece.0, block(range)),
        _ => return None,
    })
}
