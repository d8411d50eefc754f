//! Rate limits over all torrents: whose turn it is when there is something to share.

use super::Engine;
use crate::event::Limits;
use crate::id::TorrentId;
use crate::throttle::Way;
use crate::torrent::Poured;
use alloc::collections::VecDeque;

impl Engine {
    /// Shares what the limits let through by now among the torrents that wait, a portion or a block each in turn.
    pub(super) fn rates_timeout(&mut self) {
        if self.throttle.deadline().is_none_or(|at| at > self.now) {
            return;
        }
        let mut ring: VecDeque<(Way, TorrentId)> = self.throttle.turn().collect();
        while let Some((way, id)) = ring.pop_front() {
            match self.with_torrent(id, |torrent, cx| torrent.pour(cx, way)) {
                Some(Poured::More) => {
                    self.throttle.served(id);
                    ring.push_back((way, id));
                }
                Some(Poured::Last) => self.throttle.served(id),
                Some(Poured::Nothing) => {}
                None => self.throttle.forget(id),
            }
        }
    }

    /// Takes over rates that were changed.
    pub(super) fn set_rates(&mut self, limits: Limits) {
        self.config.rate_down = limits.rate_down.unwrap_or(self.config.rate_down);
        self.config.rate_up = limits.rate_up.unwrap_or(self.config.rate_up);
        let block_length = self.config.block_length;
        self.throttle
            .all
            .set(self.now, limits.rate_down, limits.rate_up, block_length);
    }
}
