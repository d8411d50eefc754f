//! The local network in a drawn world: whether its engines announce themselves there, and what peers do.

use super::{World, pick, use_of};
use crate::catalogue;
use crate::scenario::{Area, EngineSpec, PeerSpec, Value};

impl World {
    /// The engines of one world in eight tell the local network of the torrent, and hear it; some peers then do, too.
    pub(super) fn announce_locally(&self, engines: &mut [EngineSpec], peers: &mut [PeerSpec]) {
        if !self.stream("local").chance(1, 8) {
            return;
        }
        for engine in engines {
            engine.config.push(("lsd".into(), Value::Bool(true)));
        }
        if !self.areas.contains(&Area::Local) {
            return;
        }
        let known: Vec<_> = catalogue::of(&[Area::Local]).collect();
        // the first one is the honest copy
        for peer in peers.iter_mut().skip(1) {
            let mut rng = self.stream(&format!("{}/local", peer.name));
            if rng.chance(1, 2)
                && let Some(chosen) = pick(&mut rng, &known)
            {
                peer.behaviours.push(use_of(&mut rng, chosen, &[]));
            }
        }
    }
}
