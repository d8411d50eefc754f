//! Worlds of magnet links: peers that lie about metadata are drawn on top of what else they do, or few worlds would see one.

use super::{World, pick, use_of};
use crate::catalogue;
use crate::scenario::{Area, PeerSpec, TorrentSpec};

impl World {
    /// In a world of links with trouble in extensions, every third peer but the first, the honest copy, does something odd
    /// about metadata.
    pub(super) fn metadata(&self, torrent: &TorrentSpec, peers: &mut [PeerSpec]) {
        if torrent.magnet.is_none() || !self.areas.contains(&Area::Extensions) {
            return;
        }
        let known: Vec<_> = catalogue::of(&[Area::Extensions])
            .filter(|known| known.name.starts_with("metadata-"))
            .collect();
        for peer in peers.iter_mut().skip(1) {
            let mut rng = self.stream(&format!("{}/metadata", peer.name));
            if rng.chance(1, 3)
                && let Some(chosen) = pick(&mut rng, &known)
                && peer.behaviours.iter().all(|used| used.name != chosen.name)
            {
                peer.behaviours.push(use_of(&mut rng, chosen, &[]));
            }
        }
    }
}
