//! Address families of a drawn world: who is reached over IPv6, and who over both (BEP 7).

use super::World;
use crate::scenario::{Addresses, EngineSpec, PeerSpec, TrackerSpec};

impl World {
    /// One world in eight has IPv6. All engines and trackers keep an address of IPv4, and the first peer, the honest
    /// copy, too: the download has to be possible. Peers may have nothing but IPv6.
    pub(super) fn families(
        &self,
        engines: &mut [EngineSpec],
        peers: &mut [PeerSpec],
        trackers: &mut [TrackerSpec],
    ) {
        let mut rng = self.stream("families");
        if !rng.chance(1, 8) {
            return;
        }
        let mut or_v4 = |share: u32| {
            if rng.chance(share, 4) {
                Addresses::Both
            } else {
                Addresses::V4
            }
        };
        engines
            .iter_mut()
            .for_each(|engine| engine.link.addresses = or_v4(3));
        trackers
            .iter_mut()
            .for_each(|tracker| tracker.link.addresses = or_v4(2));
        for (peer, n) in peers.iter_mut().zip(0u32..) {
            let mut rng = self.stream(&format!("{}/family", peer.name));
            peer.link.addresses = match rng.below(3) {
                0 if n > 0 => Addresses::V6,
                0 | 1 => Addresses::Both,
                _ => Addresses::V4,
            };
        }
    }
}
