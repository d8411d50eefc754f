//! The recording of a run: what an engine was told, and a digest of what it did.
//!
//! A run is `(config, seeds, [(time, event)])`, so a journal is that and nothing else. It is plain bytes: a driver gives
//! a [`Writer`] what it gives the engine, and a [`Replay`] needs no driver at all.
//!
//! # Format
//!
//! [`MAGIC`], [`VERSION`] (two bytes, little-endian), the header (its length, then a [`Header`] in postcard's form), then
//! records, each begun by its kind:
//!
//! - a *state*, right after the header, if the recording begins in the middle of its run: the engine as it was, in
//!   the form of [`Engine::checkpoint`](crate::Engine::checkpoint).
//! - a *step*: an event, the microseconds since the step before, what the event says, and 32 bits over the actions that
//!   came of it. Numbers are LEB128. Payload of blocks is never there: only how long it was.
//! - *seeds*: where the random streams of a torrent begin.
//! - a *check*, after the header, after every [`CHECK_INTERVAL`] steps and at the end: the number of steps, 64 bits over
//!   the engine as it was after the last event, and a chain over every byte before it.
//!
//! Invariants: equal runs have equal journals; a byte that was changed, or an end that is missing, is seen; reading
//! allocates no more than the journal is long.

mod bytes;
mod digest;
mod event;
mod header;
mod read;
mod received;
mod replay;
#[cfg(test)]
mod tests;
mod write;

pub use digest::StepDigest;
pub use header::{Header, StreamSeed};
pub use read::{Journal, Step, Steps};
pub use replay::{Mismatch, Played, Replay};
pub use write::Writer;

/// The first bytes of every journal.
pub const MAGIC: [u8; 8] = *b"seedbedJ";

/// The format that is written and read. A journal of another one is refused.
pub const VERSION: u16 = 3;

/// Steps between two checks.
pub const CHECK_INTERVAL: u64 = 4096;

/// Why bytes are not a journal that can be replayed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JournalError {
    /// It does not begin with [`MAGIC`].
    #[error("this is not a journal of seedbed")]
    NotAJournal,
    /// Another format.
    #[error(
        "the journal has format version {0}, this program reads version {VERSION}: use the seedbed that recorded it"
    )]
    Version(u16),
    /// The header, or the state that follows it, cannot be read.
    #[error("the header of the journal is damaged")]
    Header,
    /// It ends before its header does.
    #[error("the journal ends within its header")]
    NoHeader,
    /// A record cannot be read, or the chain does not fit.
    #[error("the journal is damaged between step {after} and step {before}")]
    Damaged {
        /// The last step that a check vouches for.
        after: u64,
        /// Where the damage was seen.
        before: u64,
    },
    /// Bytes follow the end.
    #[error("{0} bytes follow the end of the journal")]
    Trailing(usize),
}

/// First bytes of the records. Part of the format: never renumber.
mod kind {
    pub(super) const END: u8 = 0;
    pub(super) const CHECK: u8 = 1;
    pub(super) const SEEDS: u8 = 2;
    pub(super) const TICK: u8 = 3;
    pub(super) const COMMAND: u8 = 4;
    pub(super) const ACCEPTED: u8 = 5;
    pub(super) const CONNECTED: u8 = 6;
    pub(super) const RECEIVED: u8 = 7;
    pub(super) const SENT: u8 = 8;
    pub(super) const CLOSED: u8 = 9;
    pub(super) const DATAGRAM: u8 = 10;
    pub(super) const DATAGRAM_ERROR: u8 = 11;
    pub(super) const RESOLVED: u8 = 12;
    pub(super) const WRITTEN: u8 = 13;
    pub(super) const READ: u8 = 14;
    pub(super) const HASH: u8 = 15;
    pub(super) const DISK: u8 = 16;
    pub(super) const NETWORK_CHANGED: u8 = 17;
    pub(super) const STATE: u8 = 18;
    pub(super) const MULTICAST: u8 = 19;
}
