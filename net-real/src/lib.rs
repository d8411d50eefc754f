//! The real network and disk adapter of the engine: turns its actions into I/O and I/O into its events.
//!
//! It holds no protocol knowledge: whatever needs a rule of a BEP lives in `seedbed-engine`. A [`Client`] owns one
//! engine and runs it and every socket on the calling thread; hashing, files and name lookups have a few threads
//! of their own, which get work a piece at a time and never a block at a time.
//!
//! `examples/download.rs` is a whole downloader in under 40 lines.

#![forbid(unsafe_code)]

mod cause;
mod client;
mod clock;
mod dns;
mod driver;
mod limits;
mod multicast;
mod observer;
mod options;
mod outbox;
mod pool;
mod record;
pub mod sockets;
pub mod storage;
mod tcp;
mod tls;
mod udp;
mod watch;

pub use cause::close_cause;
pub use client::{Client, Handle, Input};
pub use limits::Shares;
pub use observer::Observer;
pub use options::{Options, Preallocate, StartError, default_state_dir};
pub use record::{COMMIT, Recorded};
pub use seedbed_engine as engine;
