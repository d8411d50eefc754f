//! Encryption in a drawn world: the policy of its engines, and what peers do wrong in encrypted handshakes.

use super::{Size, World, pick, use_of};
use crate::catalogue;
use crate::scenario::{Area, EngineSpec, PeerSpec, TrackerSpec, Value};

/// Who ends every connection in plain, or knows no other: of no use where encryption is required.
const PLAIN: &str = "plain-only";

impl World {
    /// One world in four has engines that prefer encryption, one in sixteen engines that require it. All of a world are
    /// of a mind, so that they can meet.
    pub(super) fn encrypt(
        &self,
        engines: &mut [EngineSpec],
        peers: &mut [PeerSpec],
        trackers: &[TrackerSpec],
    ) {
        // an encrypted handshake has a kilobyte, which is not out in time behind the slowest links
        if self.size == Size::Slow {
            return;
        }
        let mut rng = self.stream("encryption");
        // who requires encryption is met by nobody who dials in plain: it has to hear of the honest copy
        let way = trackers.iter().any(|tracker| tracker.behaviours.is_empty());
        let policy = match rng.below(16) {
            0 if way && !self.cruel => "require",
            0..5 => "prefer",
            _ => return,
        };
        for engine in engines {
            engine
                .config
                .push(("encryption".into(), Value::Text(policy.into())));
        }
        if !self.areas.contains(&Area::Encryption) {
            return;
        }
        let known: Vec<_> = catalogue::of(&[Area::Encryption])
            .filter(|known| policy == "prefer" || known.name != PLAIN)
            .collect();
        // the first one is the honest copy
        for peer in peers.iter_mut().skip(1) {
            let mut rng = self.stream(&format!("{}/encryption", peer.name));
            if rng.chance(1, 2)
                && let Some(chosen) = pick(&mut rng, &known)
            {
                peer.behaviours.push(use_of(&mut rng, chosen, &[]));
            }
        }
    }
}
