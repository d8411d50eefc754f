//! The queue: how many downloads are worked on at a time, in the order in which they were added.
//!
//! A torrent holds a place from its beginning until it is complete, cannot go on without its user, is paused or ends.
//! What is only served or checked needs none.

use super::Engine;
use crate::id::TorrentId;
use crate::torrent::Torrent;
use alloc::collections::BTreeSet;
use serde::{Deserialize, Serialize};

/// Who works, and who waits.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Queue {
    working: BTreeSet<TorrentId>,
    waiting: BTreeSet<TorrentId>,
}

impl Queue {
    pub(super) fn forget(&mut self, id: TorrentId) {
        self.working.remove(&id);
        self.waiting.remove(&id);
    }
}

impl Engine {
    /// Something happened to a torrent: it may need a place, or leave one.
    pub(super) fn queue_noted(&mut self, id: TorrentId) {
        let Some(torrent) = self.torrents.get(&id) else {
            return self.queue.forget(id);
        };
        let queue = &mut self.queue;
        set(&mut queue.working, id, torrent.needs_place());
        set(&mut queue.waiting, id, torrent.waits_for_place());
    }

    /// Begins with what waits longest, as long as there is room. True when something began.
    pub(super) fn work_queue(&mut self) -> bool {
        let room = |engine: &Self| {
            let most = engine.config.active_max;
            most.is_none_or(|most| engine.queue.working.len() < most.max(1)) && engine.shutdown_at.is_none()
        };
        let mut began = false;
        while room(self)
            && let Some(id) = self.queue.waiting.pop_first()
        {
            self.with_torrent(id, Torrent::begin);
            self.queue_noted(id);
            began = true;
        }
        began
    }
}

fn set(set: &mut BTreeSet<TorrentId>, id: TorrentId, member: bool) {
    if member {
        set.insert(id);
    } else {
        set.remove(&id);
    }
}
