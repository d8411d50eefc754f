//! What must be true of a run, checked after each step by code that shares nothing with the engine's.
//!
//! A [`Watch`] stands at the boundary of one engine: it sees each event that goes in and each action that comes out,
//! reads both byte streams of each connection by itself, and holds the engine's view of its state against that. The
//! rules by id are [`ORACLES`]; each counts how often it had anything to look at, since an oracle that never had is
//! none.

mod announce;
mod asks;
mod blocks;
mod books;
mod command;
mod conn;
mod decisions;
mod dials;
mod digest;
mod disk;
mod ledger;
mod local;
mod marks;
mod metadata;
mod moment;
mod patience;
mod pex;
mod private;
mod rate;
mod received;
mod recovery;
mod reports;
mod sent;
mod shape;
mod sleep;
mod state;
mod stream;
mod table;
mod tap;
#[cfg(test)]
mod tests;
mod verdicts;
mod watch;

pub use digest::Digest;
pub use marks::{MARKS, RARE_MARKS};
pub use moment::{MOMENTS, Moment, parse as parse_moment};
pub use recovery::Surroundings;
pub use reports::Summary;
pub use table::{COUNT, ORACLES, Oracle, OracleInfo};
pub use verdicts::{Breach, Verdicts};
pub use watch::{Setup, Watch};
