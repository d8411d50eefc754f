//! What is left of the trackers when nothing goes wrong any more: which of them an engine has to ask.

use super::driver::Driver;
use crate::host::EngineHost;
use crate::oracle::Surroundings;
use crate::sample::{addresses, tracker_ip};
use crate::scenario::{Scenario, TrackerSpec};
use crate::tracker::Limits;

/// What makes a tracker never answer an announce well, if it does so all the time.
const DEAD: &[&str] = &["http-refuse", "http-reset", "tracker-dead", "udp-silent"];

/// Whether a tracker never answers: such a behaviour has no window.
fn is_dead(spec: &TrackerSpec) -> bool {
    let dead = |name: &str| DEAD.contains(&name);
    let mut behaviours = spec.behaviours.iter();
    behaviours.any(|used| dead(&used.name) && used.params.is_empty())
}

/// The trackers of a scenario as far as they can be relied on. A tracker that answers now and then may hide those
/// behind it, so with one of them nothing is demanded.
fn surroundings(scenario: &Scenario) -> Surroundings {
    let mut around = Surroundings {
        interval: Limits::default().interval,
        ..Surroundings::default()
    };
    for (spec, n) in scenario.trackers.iter().zip(0..) {
        if spec.behaviours.is_empty() {
            around
                .trackers
                .extend(addresses(tracker_ip(n), &spec.link).first().copied());
        } else if !is_dead(spec) {
            around.trackers.clear();
            break;
        } else if spec.udp {
            around.dead_udp += 1;
        } else {
            around.dead_http += 1;
        }
    }
    around
}

impl Driver {
    /// Nothing happens by a schedule from now on: every watch is told what its engine can count on.
    pub(super) fn rely(&mut self) {
        let (now, around) = (self.world.now, surroundings(&self.scenario));
        for id in self.hosts.clone() {
            let host = self.world.actor_mut::<EngineHost>(id);
            if let Some(watch) = host.and_then(EngineHost::watch_mut) {
                watch.healed(now, around.clone());
            }
        }
    }

    /// Nothing more will happen: what an engine owes and has not done by now, it never does.
    pub(super) fn call_in(&mut self) {
        let now = self.world.now;
        for id in self.hosts.clone() {
            let host = self.world.actor_mut::<EngineHost>(id);
            let awake = host.filter(|host| host.is_running());
            if let Some(watch) = awake.and_then(EngineHost::watch_mut) {
                watch.out_of_time(now);
            }
        }
        self.look();
    }
}
