//! What a torrent that was read from a checkpoint has to put together again.

use super::{Rules, Torrent};
use alloc::sync::Arc;

impl Torrent {
    /// Gives all sessions one set of rules again, which a checkpoint wrote once for each.
    pub fn share_rules(&mut self, trace: bool) {
        let rules = Rules {
            trace,
            ..Rules::clone(&self.rules)
        };
        self.rules = Arc::new(rules);
        for peer in self.sessions.values_mut() {
            peer.session.set_rules(Arc::clone(&self.rules));
        }
    }
}
