//! Takes a world through its phases, with its schedule of faults and the oracles.

use super::core::Core;
use super::{Ended, Failure, Fork, Options, Outcome};
use crate::host::{self, EngineHost, Level};
use crate::oracle::{Digest, Moment, Oracle, Verdicts, parse_moment};
use crate::scenario::{FaultSpec, Scenario, When};
use crate::seed::Seed;
use crate::world::{ActorId, World};
use seedbed_engine::Engine;
use seedbed_engine::time::{Duration, Instant};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Steps within an hour of a world: a runaway is found. A long run is not cut: a peer that floods, is closed and dials again
/// for half a day makes 700,000 an hour.
pub(super) const STEPS_AN_HOUR: u64 = 2_000_000;
const HOUR: Duration = Duration::from_secs(3600);

/// How long faults have their way at the most.
const FAULTS_MAX: Duration = Duration::from_secs(1800);

/// A fault that waits for a moment and never sees it is given up after this, as is the fault phase of a world where
/// nothing goes wrong by the clock.
const FAULTS_LEAST: Duration = Duration::from_secs(60);

/// A fault that waits for its moment.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    fault: usize,
    name: &'static str,
    count: u32,
    /// The engine that it happens to, or whom it happens with.
    engine: Option<ActorId>,
    with: Option<IpAddr>,
}

/// A run under way. A clone goes on exactly as the original does.
#[derive(Clone, Debug)]
pub struct Driver {
    pub(super) scenario: Scenario,
    /// The world.
    pub world: World,
    pub(super) hosts: Vec<ActorId>,
    /// Beginnings and ends of faults by their time.
    pub(super) due: BTreeSet<(Instant, usize, bool)>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) active: BTreeSet<usize>,
    pub(super) core: Core,
    pub(super) verdicts: Verdicts,
    pub(super) failure: Option<Failure>,
    budget: u64,
    /// When the hour began in which steps are counted, and how many there were before.
    hour: (Instant, u64),
    fork: Option<Fork>,
    pub(super) healed_at: Option<Instant>,
    pub(super) completed: bool,
    pub(super) unrecoverable: bool,
}

impl Driver {
    /// A run of a world that was built of a scenario.
    pub fn new(scenario: &Scenario, mut world: World, options: &Options) -> Self {
        let hosts: Vec<ActorId> = (0..world.actors.len())
            .map(ActorId)
            .filter(|id| world.actor::<EngineHost>(*id).is_some())
            .collect();
        world.telling = options.telling;
        for id in hosts.iter().filter(|_| options.journals) {
            if let Some(host) = world.actor_mut::<EngineHost>(*id) {
                host.keep_journals();
            }
        }
        if options.telling {
            for id in &hosts {
                if let Some(host) = world.actor_mut::<EngineHost>(*id) {
                    host.tell(Level::Full);
                }
            }
        }
        for id in &hosts {
            let watch = world.actor_mut::<EngineHost>(*id).and_then(EngineHost::watch_mut);
            if let (Some(watch), Some(audited)) = (watch, options.audited) {
                watch.audited = audited;
            }
        }
        let mut driver = Self {
            core: Core::of(scenario),
            scenario: scenario.clone(),
            world,
            hosts,
            due: BTreeSet::new(),
            waiting: Vec::new(),
            active: BTreeSet::new(),
            verdicts: Verdicts::default(),
            failure: None,
            budget: options.budget,
            hour: (Instant::START, 0),
            fork: options.fork,
            healed_at: None,
            completed: false,
            unrecoverable: false,
        };
        driver.schedule();
        driver
    }

    /// The whole run.
    pub fn run(&mut self) {
        if self.scenario.faults.is_empty() {
            self.rely();
        }
        self.fault_phase();
        self.heal();
        self.demand_completion();
        self.shut_down();
        self.at_the_end();
    }

    /// So many steps and no more, without phases.
    pub fn steps(&mut self, count: u64) {
        for _ in 0..count {
            if self.failure.is_some() || !self.step(Instant::FAR_FUTURE) {
                return;
            }
        }
    }

    /// Until a time, without phases. True when it got there: no rule was broken on the way.
    pub fn run_until(&mut self, at: Instant) -> bool {
        self.go(at, |_| false);
        self.failure.is_none()
    }

    fn schedule(&mut self) {
        for (n, fault) in self.scenario.faults.clone().iter().enumerate() {
            match &fault.when {
                When::At(after) => {
                    self.due.insert((Instant::START + *after, n, true));
                }
                When::On(moment, who) => {
                    let Some((name, count)) = parse_moment(moment) else {
                        self.fail_scenario(format!("no moment is called {moment:?}"));
                        return;
                    };
                    let Some(id) = self.world.find(who) else {
                        self.fail_scenario(format!("nobody is called {who:?}"));
                        return;
                    };
                    let engine = self.hosts.contains(&id).then_some(id);
                    let with = engine.is_none().then(|| self.world.actors[id.0].ip);
                    self.waiting.push(Waiting {
                        fault: n,
                        name,
                        count,
                        engine,
                        with,
                    });
                }
            }
        }
    }

    /// Until the faults are over.
    fn fault_phase(&mut self) {
        let timed = self.scenario.faults.iter().filter_map(|fault| match fault.when {
            When::At(at) => Some(at + fault.lasts.unwrap_or(Duration::ZERO)),
            When::On(..) => None,
        });
        let last = timed.max().unwrap_or(Duration::ZERO).max(FAULTS_LEAST);
        let limit = Instant::START + last.min(FAULTS_MAX);
        self.go(limit, |driver| {
            driver.due.is_empty() && driver.active.is_empty() && driver.all_complete()
        });
    }

    /// Steps until `done`, the limit, the end of the budget or a failure. True when it is done.
    pub(super) fn go(&mut self, limit: Instant, done: impl Fn(&Self) -> bool) -> bool {
        while self.failure.is_none() {
            if done(self) {
                return true;
            }
            if !self.step(limit) {
                return false;
            }
        }
        false
    }

    /// Whether it has made more steps than it was given, or than a run makes that is none of a runaway.
    pub(super) fn overruns(&mut self) -> bool {
        let (now, steps) = (self.world.now, self.world.steps);
        if now >= self.hour.0 + HOUR {
            self.hour = (now, steps);
        }
        let told = self.budget > 0 && steps >= self.budget;
        told || steps - self.hour.1 >= STEPS_AN_HOUR
    }

    /// The next thing, or the next fault. False when nothing happens before the limit.
    fn step(&mut self, limit: Instant) -> bool {
        if let Some(fork) = self.fork.take_if(|fork| fork.step <= self.world.steps) {
            self.world.draw_anew(Seed(fork.seed));
        }
        let next = self.world.queue.next_at();
        let fault = self.due.first().map(|(at, ..)| *at);
        let at = next.into_iter().chain(fault).min();
        if at.is_none_or(|at| at > limit) {
            self.world.now = self.world.now.max(limit);
            return false;
        }
        if self.overruns() {
            let steps = self.world.steps;
            self.fail(Oracle::I25, format!("more than {steps} steps"));
            return false;
        }
        if fault.is_some_and(|fault| next.is_none_or(|next| fault <= next)) {
            if let Some((at, n, begins)) = self.due.pop_first() {
                self.world.now = self.world.now.max(at);
                self.inflict(n, begins);
            }
        } else {
            self.world.step();
        }
        self.look();
        true
    }

    /// A fault begins or ends.
    pub(super) fn inflict(&mut self, n: usize, begins: bool) {
        let fault: FaultSpec = self.scenario.faults[n].clone();
        if begins {
            if let Some(lasts) = fault.lasts {
                self.active.insert(n);
                self.due.insert((self.world.now + lasts, n, false));
            }
        } else {
            self.active.remove(&n);
        }
        if self.world.apply_link_fault(&fault, begins) {
            return;
        }
        for target in &fault.targets {
            let done = match self.world.find(target) {
                Some(id) => host::inflict(&mut self.world, id, &fault.what, begins),
                None => Err(format!("nobody is called {target:?}")),
            };
            if let Err(why) = done {
                self.fail_scenario(why);
            }
        }
    }

    /// What the watches have seen.
    pub(super) fn look(&mut self) {
        for n in 0..self.hosts.len() {
            let id = self.hosts[n];
            let Some(host) = self.world.actor_mut::<EngineHost>(id) else {
                continue;
            };
            let Some(watch) = host.watch_mut() else { continue };
            let moments = std::mem::take(&mut watch.moments);
            let compare = std::mem::take(&mut watch.to_compare);
            let not_found = std::mem::take(&mut watch.not_found);
            let breach = watch.verdicts.breaches.first().cloned();
            for piece in compare {
                self.compare(id, piece);
            }
            for piece in not_found {
                self.look_for(id, piece);
            }
            if !self.waiting.is_empty() {
                for moment in &moments {
                    self.moment(id, *moment);
                }
            }
            self.give_back(id, moments);
            if let Some(breach) = breach {
                let name = self.world.actors[id.0].name.clone();
                let text = format!("{name}: {}", breach.text);
                self.set_failure(breach.oracle.info().id, text, breach.at);
            }
        }
        if !self.verdicts.breaches.is_empty() {
            self.take_breaches();
        }
    }

    /// The memory of the moments is used again.
    fn give_back(&mut self, id: ActorId, mut moments: Vec<Moment>) {
        moments.clear();
        let host = self.world.actor_mut::<EngineHost>(id);
        if let Some(watch) = host.and_then(EngineHost::watch_mut) {
            watch.moments = moments;
        }
    }

    fn moment(&mut self, engine: ActorId, moment: Moment) {
        let comes = |waiting: &Waiting| {
            let here = match waiting.engine {
                Some(id) => id == engine,
                None => waiting.with == moment.with,
            };
            here && waiting.name == moment.name && waiting.count == moment.count
        };
        let Some(at) = self.waiting.iter().position(comes) else {
            return;
        };
        let fault = self.waiting.remove(at).fault;
        // behind what is happening now, as the next thing
        self.due.insert((self.world.now, fault, true));
    }

    /// Whether anything happens by a schedule or to a host.
    pub(super) fn has_faults(&self) -> bool {
        let hosts = self
            .scenario
            .engines
            .iter()
            .any(|engine| !engine.behaviours.is_empty());
        hosts || !self.scenario.faults.is_empty()
    }

    /// Something broke a rule.
    pub fn fail(&mut self, oracle: Oracle, text: String) {
        let now = self.world.now;
        self.set_failure(oracle.info().id, text, now);
    }

    fn fail_scenario(&mut self, text: String) {
        let now = self.world.now;
        self.set_failure("SCENARIO", text, now);
    }

    fn set_failure(&mut self, oracle: &'static str, text: String, at: Instant) {
        let step = self.world.steps;
        self.failure.get_or_insert(Failure {
            oracle,
            text,
            at,
            step,
        });
    }

    pub(super) fn take_breaches(&mut self) {
        if let Some(breach) = self.verdicts.breaches.first().cloned() {
            self.set_failure(breach.oracle.info().id, breach.text, breach.at);
        }
    }

    /// The digest so far.
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::default();
        for id in &self.hosts {
            let watch = self.world.actor::<EngineHost>(*id).and_then(EngineHost::watch);
            digest.word(watch.map_or(0, |watch| watch.digest.value()));
        }
        digest.word(self.world.steps);
        digest.value()
    }

    /// A number for everything that each engine is, down to the last field.
    pub(super) fn engines(&self) -> impl Iterator<Item = Option<u64>> {
        let hosts = self.hosts.iter();
        let hosts = hosts.filter_map(|id| self.world.actor::<EngineHost>(*id));
        hosts.map(|host| host.engine().map(Engine::digest_whole))
    }

    /// What an engine came to.
    fn ended(&self, id: ActorId) -> Option<Ended> {
        let host = self.world.actor::<EngineHost>(id)?;
        let summary = host.watch()?.summary();
        let name = |ip: &IpAddr| {
            let found = self.world.at(*ip).map(|id| self.world.actors[id.0].name.clone());
            found.unwrap_or_else(|| "?".into())
        };
        Some(Ended {
            name: host.name().into(),
            complete_at: summary.complete_at,
            wasted: summary.wasted,
            surplus: host
                .payload()
                .0
                .saturating_sub(host.sample().content.len() as u64),
            failed: host.watch()?.traffic.hash_failures,
            failed_before_ban: summary.failed_before_ban,
            announces: summary.announces,
            banned: summary.banned.iter().map(name).collect(),
        })
    }

    /// What came of it.
    pub fn outcome(mut self) -> Outcome {
        let digest = self.digest();
        let mut marks = std::mem::take(&mut self.world.marks);
        let (mut events, mut decisions) = (0, Digest::default());
        for id in &self.hosts {
            let watch = self.world.actor::<EngineHost>(*id).and_then(EngineHost::watch);
            if let Some(watch) = watch {
                marks.add(&watch.marks);
                let engine = self.world.actor::<EngineHost>(*id).and_then(EngineHost::engine);
                let mut taken = watch.engine_marks;
                taken.merge(engine.map(Engine::marks).unwrap_or_default());
                taken.names().for_each(|name| marks.hit(name));
                decisions.word(watch.decisions());
                self.verdicts.add(&watch.verdicts);
                events += watch.events();
            }
        }
        let engines = self.hosts.iter().filter_map(|id| self.ended(*id)).collect();
        let hosts = || {
            self.hosts
                .iter()
                .filter_map(|id| self.world.actor::<EngineHost>(*id))
        };
        let named = |of: fn(&EngineHost) -> Vec<Vec<u8>>| {
            let journals =
                hosts().flat_map(|host| of(host).into_iter().map(|one| (host.name().to_owned(), one)));
            journals.collect()
        };
        Outcome {
            engines,
            digest,
            decisions: decisions.value(),
            failure: self.failure,
            unrecoverable: self.unrecoverable,
            completed: self.completed,
            steps: self.world.steps,
            events,
            simulated: self.world.now.since(Instant::START),
            marks,
            oracles: self.verdicts.counts(),
            journals: named(EngineHost::journals),
            resumed_journals: named(EngineHost::resumed_journals),
            timeline: std::mem::take(&mut self.world.lines),
        }
    }
}
