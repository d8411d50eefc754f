//! What a torrent that was read from a checkpoint has to put together again.

use super::{Torrent, begin};
use crate::config::Config;
use crate::id::PeerId;
use alloc::sync::Arc;

impl Torrent {
    /// Gives itself and all its sessions their rules again.
    pub fn restore_rules(&mut self, config: &Config, peer_id: PeerId) {
        let rules = begin::rules(config, peer_id, &self.add, &self.metainfo, self.geometry);
        self.rules = Arc::new(rules);
        for peer in self.sessions.values_mut() {
            peer.session.set_rules(Arc::clone(&self.rules));
        }
    }
}
