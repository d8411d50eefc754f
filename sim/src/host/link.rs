//! How an engine is told which torrent it is about.

use super::EngineHost;
use seedbed_engine::magnet::Magnet;
use seedbed_engine::{Purpose, TorrentSource};

impl EngineHost {
    /// The .torrent file; a magnet link for whoever has nothing yet, in a world that is about links.
    pub(super) fn source(&self) -> TorrentSource {
        if self.sample.spec.magnet.is_none() || self.purpose == Purpose::Seed {
            return self.sample.metainfo.clone().into();
        }
        TorrentSource::Magnet(Box::new(Magnet {
            info_hash: Some(self.sample.info_hash()),
            info_hash_v2: None,
            name: Some("sample".into()),
            trackers: self.sample.metainfo.trackers.iter().flatten().cloned().collect(),
            web_seeds: Vec::new(),
            peers: Vec::new(),
            select_only: None,
        }))
    }
}
