//! What is checked of the whole world and not at one engine's boundary.

use super::driver::Driver;
use crate::host::EngineHost;
use crate::oracle::Oracle;
use crate::tracker::TrackerHost;
use crate::world::ActorId;
use seedbed_engine::id::PieceIndex;

/// Storage takes `Open` for storage that is open as a wish to look again, which a recheck needs.
fn tolerated(violation: &str) -> bool {
    violation == "open came while storage was open"
}

impl Driver {
    /// I2: the disk has what was verified.
    pub(super) fn compare(&mut self, id: ActorId, piece: PieceIndex) {
        let Some(host) = self.world.actor::<EngineHost>(id) else {
            return;
        };
        // a power loss in this very step may have taken what was not synced; the next life looks for itself
        if host.disk().is_tampered() || host.engine().is_none() {
            return;
        }
        let right = host.disk().holds_piece(host.sample(), piece);
        let name = host.name().to_string();
        self.verdicts.now = self.world.now;
        self.verdicts.check(Oracle::I2, right, || {
            format!("{name}: {piece} is verified, and the disk has other bytes")
        });
    }

    /// I2: what a check did not find is not there.
    pub(super) fn look_for(&mut self, id: ActorId, piece: PieceIndex) {
        let Some(host) = self.world.actor::<EngineHost>(id) else {
            return;
        };
        if host.disk().is_tampered() || host.engine().is_none() {
            return;
        }
        let there = host.disk().holds_piece(host.sample(), piece);
        let name = host.name().to_string();
        self.verdicts.now = self.world.now;
        self.verdicts.check(Oracle::I2, !there, || {
            format!("{name}: a check does not find {piece}, whose bytes the disk has")
        });
    }

    /// When everything is over.
    pub(super) fn at_the_end(&mut self) {
        self.verdicts.now = self.world.now;
        for id in self.hosts.clone() {
            let Some(host) = self.world.actor::<EngineHost>(id) else {
                continue;
            };
            let name = host.name().to_string();
            if let Some(watch) = host.watch()
                && watch.is_complete()
                && !host.disk().is_tampered()
            {
                let right = host.disk().holds(host.sample());
                let (wasted, bound) = watch.waste();
                self.verdicts.check(Oracle::I2, right, || {
                    format!("{name} is complete, and the disk has other bytes")
                });
                self.verdicts.check(Oracle::I31, wasted <= bound, || {
                    format!("{name} wasted {wasted} bytes, {bound} are explained")
                });
            }
            let broken = self.world.actor::<EngineHost>(id).and_then(|host| {
                host.disk()
                    .violations()
                    .iter()
                    .find(|text| !tolerated(text))
                    .cloned()
            });
            self.verdicts
                .check(Oracle::I4, broken.is_none(), || format!("{name}: {broken:?}"));
        }
        for slot in &self.world.actors {
            // what a tracker cannot know of a client whose network or host fails would be held against it
            if !self.has_faults()
                && let Some(tracker) = slot.actor.as_any().downcast_ref::<TrackerHost>()
            {
                let broken = tracker.violations().into_iter().next();
                self.verdicts.check(Oracle::I21, broken.is_none(), || {
                    format!("{} says: {broken:?}", slot.name)
                });
            }
        }
        self.take_breaches();
    }
}
