//! A BitTorrent engine as one pure state machine: events in, actions out.
//!
//! The crate has no clock, no socket, no file, no thread and no source of entropy: all of them are arguments.

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::std_instead_of_core, clippy::std_instead_of_alloc))]
#![deny(
    clippy::float_arithmetic,
    clippy::iter_over_hash_type,
    clippy::disallowed_types,
    clippy::disallowed_methods
)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

extern crate alloc;
#[cfg(test)]
extern crate std;

// Dependency order: a module names only what stands above it (ARCHITECTURE.md). Those that read foreign bytes index
// nothing unchecked.
// 0: plain values
pub mod bitfield;
pub mod block;
pub mod config;
pub mod id;
pub mod ledger;
pub mod marks;
pub mod net;
pub mod priority;
pub mod rate;
pub mod rng;
pub mod scope;
pub mod throttle;
pub mod time;
// 1: pure functions
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
pub mod bencode;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
pub mod client_name;
pub mod geometry;
// 2: values, codecs, request machines
pub mod disk;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
pub mod extension;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
pub mod http;
pub mod layout;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
pub mod magnet;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
pub mod metainfo;
pub mod mse;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
pub mod resume;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
pub mod tracker;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
pub mod wire;
// 3: machines over plain keys
pub mod blame;
pub mod candidates;
pub mod choker;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
pub mod lsd;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
pub mod metadata;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
pub mod pex;
pub mod picker;
pub mod super_seed;
// 4: one peer
pub mod session;
// 5: what a torrent is and tells
pub mod report;
pub mod torrent;
// 6: the public boundary
mod action;
mod engine;
mod event;
pub mod journal;

pub use action::{Action, CloseReason};
pub use config::Config;
pub use engine::{Engine, Timer, TorrentView};
pub use event::{Command, Event, Limits, ProbeTracker};
pub use report::{BanReason, PeerClosed, Report, TorrentState, TrackerProbe};
pub use torrent::why::Cause;
pub use torrent::{
    AddTorrent, Figures, PeerFigures, PeerView, Purpose, Status, TorrentLimits, TorrentSource, TrackerView,
};
