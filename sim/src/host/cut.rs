//! What a machine was doing when its power went: what a run is judged by afterwards.

use super::{EngineHost, TORRENT};
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::time::Instant;
use seedbed_engine::{Engine, TorrentState};

/// One power loss.
#[derive(Clone, Debug)]
pub struct Cut {
    /// When.
    pub at: Instant,
    /// What its torrent was doing; none before it was added.
    pub state: Option<TorrentState>,
    /// Whether its state was being saved.
    pub saving: bool,
    /// Pieces that were verified, and durable.
    pub synced: Option<Bitfield>,
    /// Payload that had come by then, in bytes, over all lives.
    pub received: u64,
    /// Payload that had been given to storage.
    pub written: u64,
}

impl EngineHost {
    pub(super) fn note_cut(&mut self, now: Instant, engine: &Engine) {
        let (received, written) = self.payload();
        self.cuts.push(Cut {
            at: now,
            state: engine.torrent(TORRENT).map(|torrent| torrent.state()),
            saving: self.disk.is_saving(),
            synced: self.watch.as_ref().map(|watch| watch.synced.clone()),
            received,
            written,
        });
    }

    /// Every power loss so far.
    pub fn cuts(&self) -> &[Cut] {
        &self.cuts
    }

    /// Payload that came, and what of it was given to storage, in bytes over all lives; 0 without a watch.
    pub fn payload(&self) -> (u64, u64) {
        let traffic = self.watch.as_ref().map(|watch| watch.traffic);
        traffic.map_or((0, 0), |traffic| (traffic.received, traffic.written))
    }
}
