//! What a torrent that was read from a checkpoint has to put together again.

use super::{Torrent, begin};
use crate::config::Config;
use crate::id::PeerId;
use alloc::sync::Arc;

impl Torrent {
    /// Gives itself and all its sessions their rules again, and knows that they are planned.
    pub fn restore(&mut self, config: &Config, peer_id: PeerId) {
        self.planned = self.picker.epoch();
        let rules = begin::rules(config, peer_id, &self.add, &self.metainfo, self.geometry);
        self.rules = Arc::new(rules);
        for peer in self.sessions.values_mut() {
            peer.session.set_rules(Arc::clone(&self.rules));
        }
    }
}
