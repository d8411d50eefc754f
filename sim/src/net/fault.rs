//! What goes wrong on links, as data.

use crate::scenario::{Behaviour, FaultSpec, LinkSpec};
use crate::world::{ActorId, Delivery, Occurrence, World};
use seedbed_engine::time::Duration;

/// How an actor goes down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Crash {
    /// As by a power cut: nobody is told; a stream's other end finds out when it sends.
    Silent,
    /// As by a killed process: its system resets the streams.
    Reset,
}

/// The faults of links that a scenario can name.
pub const BEHAVIOURS: &[Behaviour] = &[];

impl World {
    /// The access link of an actor.
    pub fn set_link(&mut self, id: ActorId, link: LinkSpec) {
        self.net.set_link(id, link);
    }

    /// A fault of a link begins (true) or ends. False when the name is not one of [`BEHAVIOURS`] or a target is
    /// unknown.
    pub fn apply_link_fault(&mut self, fault: &FaultSpec, on: bool) -> bool {
        let _ = (fault, on);
        false
    }

    /// The actor goes down and gets no input until [`World::restart`]. Its streams end as `how` says.
    pub fn crash(&mut self, id: ActorId, how: Crash) {
        let _ = how;
        self.actors[id.0].up = false;
    }

    /// The actor comes back `after` a while and gets [`Input::Start`](crate::actor::Input::Start).
    pub fn restart(&mut self, id: ActorId, after: Duration) {
        self.actors[id.0].up = true;
        self.push(after, Occurrence::Deliver(id, Delivery::Start));
    }
}
