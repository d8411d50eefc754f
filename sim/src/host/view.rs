//! What others may know of a host and its engine.

use super::{DiskModel, EngineHost, TORRENT};
use crate::sample::Sample;
use seedbed_engine::config::Config;
use seedbed_engine::id::ConnId;
use seedbed_engine::time::Instant;
use seedbed_engine::{Engine, Purpose, Report, TorrentState};
use std::net::SocketAddr;

impl EngineHost {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The engine, while its process runs.
    pub const fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    /// The engine's configuration.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// What the engine is for.
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The disk.
    pub const fn disk(&self) -> &DiskModel {
        &self.disk
    }

    /// The disk, to do something to it.
    pub const fn disk_mut(&mut self) -> &mut DiskModel {
        &mut self.disk
    }

    /// The torrent.
    pub const fn sample(&self) -> &Sample {
        &self.sample
    }

    /// The newest reports of all lives, with their time.
    pub fn reports(&self) -> impl DoubleEndedIterator<Item = &(Instant, Report)> {
        self.reports.iter()
    }

    /// Reports so far, also those that are no longer kept.
    pub const fn reported(&self) -> u64 {
        self.reported
    }

    /// The last `count` reports, oldest first: what a caller that saw `reported() - count` has missed.
    pub fn newest_reports(&self, count: u64) -> impl Iterator<Item = &(Instant, Report)> {
        let count = usize::try_from(count)
            .unwrap_or(usize::MAX)
            .min(self.reports.len());
        self.reports.range(self.reports.len() - count..)
    }

    /// Actions carried out so far, over all lives.
    pub const fn actions(&self) -> u64 {
        self.actions
    }

    /// Events given to its engines so far, over all lives.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Which process it is, from 0.
    pub const fn life(&self) -> u32 {
        self.life
    }

    /// How often its process died.
    pub const fn crashes(&self) -> u32 {
        self.crashes
    }

    /// Whether its process runs and is not suspended.
    pub const fn is_running(&self) -> bool {
        self.engine.is_some() && self.held.is_none()
    }

    /// Whether its engine has every piece and has it all with the operating system.
    pub fn is_complete(&self) -> bool {
        let torrent = self.engine.as_ref().and_then(|engine| engine.torrent(TORRENT));
        torrent.is_some_and(|torrent| torrent.have().is_full()) && self.disk.holds(&self.sample)
    }

    /// Whether its torrent waits for its user and for nothing else: it is paused, or storage failed in a way that time
    /// does not mend.
    pub fn needs_user(&self) -> bool {
        let torrent = self.engine.as_ref().and_then(|engine| engine.torrent(TORRENT));
        torrent.is_some_and(|torrent| {
            matches!(
                torrent.state(),
                TorrentState::Paused | TorrentState::DiskFailed { retry_at: None, .. }
            )
        })
    }

    /// Whether its torrent refuses to write over files that it does not know any more.
    pub fn refuses(&self) -> bool {
        let torrent = self.engine.as_ref().and_then(|engine| engine.torrent(TORRENT));
        torrent.is_some_and(|torrent| matches!(torrent.state(), TorrentState::Failed { .. }))
    }

    /// Streams that are open or being opened.
    pub fn streams(&self) -> impl Iterator<Item = (ConnId, SocketAddr)> + '_ {
        self.streams.iter().map(|(conn, addr)| (*conn, *addr))
    }
}
