//! A way to watch what goes in and out of the engine: timelines and recordings are made with it.

use seedbed_engine::time::Instant;
use seedbed_engine::{Action, Engine, Event};

/// Sees every event and every action, in order. Costs nothing when there is none.
pub trait Observer {
    /// The engine has handled `event`; its actions are not taken yet. Lent bytes may be private payload.
    fn event(&mut self, now: Instant, event: &Event<'_>, engine: &Engine);

    /// The engine asked for `action`, which is about to be carried out.
    fn action(&mut self, now: Instant, action: &Action);
}
