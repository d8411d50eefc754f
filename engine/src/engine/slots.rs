//! Unchoke slots over all torrents: how many of them each may use (protocol.md §10).

use super::Engine;
use crate::id::TorrentId;
use alloc::collections::BTreeSet;
use serde::{Deserialize, Serialize};

/// Who shares the slots.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Slots {
    /// Torrents that may have peers.
    torrents: BTreeSet<TorrentId>,
    /// The set or a limit has changed.
    changed: bool,
}

impl Slots {
    pub(super) const fn change(&mut self) {
        self.changed = true;
    }

    pub(super) fn forget(&mut self, id: TorrentId) {
        self.changed |= self.torrents.remove(&id);
    }
}

impl Engine {
    /// Something happened to a torrent: it may begin to have peers, or stop to.
    pub(super) fn slots_wanted(&mut self, id: TorrentId) {
        let wants = self
            .torrents
            .get(&id)
            .is_some_and(crate::torrent::Torrent::takes_peers);
        let slots = &mut self.slots;
        slots.changed |= if wants {
            slots.torrents.insert(id)
        } else {
            slots.torrents.remove(&id)
        };
    }

    /// Shares the slots evenly: torrents that were added earlier get what cannot be divided.
    pub(super) fn share_slots(&mut self) {
        if !core::mem::take(&mut self.slots.changed) {
            return;
        }
        let count = u32::try_from(self.slots.torrents.len())
            .unwrap_or(u32::MAX)
            .max(1);
        let all = self.config.upload_slots_max;
        for (place, id) in (0..).zip(self.slots.torrents.clone()) {
            let part = all.map_or(u32::MAX, |all| all / count + u32::from(place < all % count));
            if let Some(torrent) = self.torrents.get_mut(&id) {
                torrent.set_slots(self.config.choker.slots, part);
                self.register(id);
            }
        }
    }
}
