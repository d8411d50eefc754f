//! The phases behind the faults: the world heals, what can be completed has to be, and every engine is shut down.

use super::driver::Driver;
use crate::host::{self, EngineHost};
use crate::oracle::{Oracle, Watch};
use crate::scenario::Use;
use seedbed_engine::time::Duration;

/// The longest sleep of a machine, and some more.
const SLEEP_MAX: Duration = Duration::from_secs(9 * 3600);

/// Slack of the demand that a shutdown ends.
const SLACK: Duration = Duration::from_secs(2);

impl Driver {
    /// All faults end.
    pub(super) fn heal(&mut self) {
        self.due.clear();
        self.waiting.clear();
        for fault in std::mem::take(&mut self.active) {
            self.inflict(fault, false);
        }
        for id in self.hosts.clone() {
            if let Some(host) = self.world.actor_mut::<EngineHost>(id) {
                host.crashes_no_more();
            }
        }
        // who comes back does so before anything is demanded of it, and who sleeps wakes first
        self.go(self.world.now, |_| false);
        self.go(self.world.now + SLEEP_MAX, |driver| !driver.anybody_sleeps());
        self.user_acts();
        self.healed_at = Some(self.world.now);
        self.rely();
    }

    /// Whether a saved state was lost and with it the knowledge whose files these are: only a user can say that they
    /// may be written over.
    fn is_refused(&self) -> bool {
        let takes = |name: &str| name.starts_with("resume-") || name == "power-loss";
        let lost = self.world.marks.iter().any(|(name, _)| takes(name));
        let mut hosts = self
            .hosts
            .iter()
            .filter_map(|id| self.world.actor::<EngineHost>(*id));
        lost && hosts.any(EngineHost::refuses)
    }

    fn anybody_sleeps(&self) -> bool {
        let hosts = self.hosts.iter();
        let mut hosts = hosts.filter_map(|id| self.world.actor::<EngineHost>(*id));
        hosts.any(|host| host.engine().is_some() && !host.is_running())
    }

    /// The user goes on with what waits for nobody but the user. False when nothing does.
    fn user_acts(&mut self) -> bool {
        let mut acts = false;
        for id in self.hosts.clone() {
            let waits = self
                .world
                .actor::<EngineHost>(id)
                .is_some_and(EngineHost::needs_user);
            if waits {
                // it runs, so it takes commands
                let _ = host::inflict(&mut self.world, id, &Use::new("resume"), true);
                acts = true;
            }
        }
        acts
    }

    /// L1: now it has to be completed, if it can be.
    pub(super) fn demand_completion(&mut self) {
        if self.failure.is_some() {
            return;
        }
        let limit = self.world.now + self.core.within;
        let healed = self.world.now;
        let mut done = self.go(limit, Self::all_complete);
        if !done && self.user_acts() {
            let limit = self.world.now + self.core.within;
            done = self.go(limit, Self::all_complete);
        }
        self.completed = done;
        self.call_in();
        if self.failure.is_some() {
            return;
        }
        if !self.core.exists || self.is_tampered() || self.is_refused() {
            self.unrecoverable = !done;
            return;
        }
        let now = self.world.now;
        self.verdicts.now = now;
        let stuck = self.describe_stuck();
        let text = || format!("not complete at {now}, healed at {healed}: {stuck}");
        self.verdicts.check(Oracle::L1, done, text);
        if self.scenario.peers.is_empty() {
            self.verdicts.check(Oracle::L11, done, text);
        }
        self.take_breaches();
    }

    /// Every engine is shut down, and that ends.
    pub(super) fn shut_down(&mut self) {
        if self.failure.is_some() {
            return;
        }
        let mut limit = self.world.now;
        for id in self.hosts.clone() {
            let Some(host) = self.world.actor::<EngineHost>(id) else {
                continue;
            };
            limit = limit.max(self.world.now + host.config().shutdown_timeout + SLACK);
            // it has no process, or is no engine: nothing to shut down
            let _ = host::inflict(&mut self.world, id, &Use::new("shutdown"), true);
        }
        self.go(limit, |driver| {
            driver.hosts.iter().all(|id| {
                let host = driver.world.actor::<EngineHost>(*id);
                host.is_none_or(|host| {
                    host.engine().is_none() || host.watch().is_none_or(Watch::is_shut_down)
                })
            })
        });
        self.verdicts.now = self.world.now;
        for id in self.hosts.clone() {
            let Some(host) = self.world.actor::<EngineHost>(id) else {
                continue;
            };
            if host.is_running()
                && let Some(watch) = host.watch()
            {
                let name = host.name().to_string();
                self.verdicts.check(Oracle::L10, watch.is_shut_down(), || {
                    format!("{name} was told to shut down and did not")
                });
            }
        }
        self.take_breaches();
    }

    /// Whether every engine that can be has everything.
    pub(super) fn all_complete(&self) -> bool {
        self.hosts.iter().all(|id| {
            let host = self.world.actor::<EngineHost>(*id);
            host.is_some_and(|host| host.is_running() && host.watch().is_some_and(Watch::is_done))
        })
    }

    /// Whether a disk lost or changed what it was given: then the engine may have banned an honest peer for it, or
    /// refuse to go on until its user acts.
    fn is_tampered(&self) -> bool {
        let tampered = |host: &EngineHost| host.disk().is_tampered();
        let hosts = self
            .hosts
            .iter()
            .filter_map(|id| self.world.actor::<EngineHost>(*id));
        hosts.into_iter().any(tampered)
    }

    fn describe_stuck(&self) -> String {
        let mut text = Vec::new();
        for id in &self.hosts {
            let Some(host) = self.world.actor::<EngineHost>(*id) else {
                continue;
            };
            let view = host.engine().and_then(|engine| engine.torrent(host::TORRENT));
            match view.map(|view| view.status(self.world.now)) {
                Some(status) => text.push(format!(
                    "{} has {} of {} pieces, {:?}, {} peers, {} known, {}",
                    host.name(),
                    status.pieces_have,
                    status.pieces,
                    status.state,
                    status.peers,
                    status.known,
                    status.stalled.unwrap_or_default()
                )),
                None => text.push(format!("{} does not run", host.name())),
            }
        }
        text.join("; ")
    }
}
