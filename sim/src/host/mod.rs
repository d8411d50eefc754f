//! An engine on its host: translates what happens in the world into events, and actions into outputs, as a driver
//! does; with a disk that can fail and a host that can be suspended, run out of handles, crash and come back.
//!
//! Invariants: the engine gets events only while its process runs; answers come after the actions of a call have been
//! carried out, never within; numbers of streams are never used twice, whatever lives a host has had; a deadline that
//! was reached is later or gone after a tick.

mod catalogue;
mod config;
mod cut;
mod disk;
mod fault;
mod life;
mod link;
mod params;
mod record;
mod tell;
#[cfg(test)]
mod tests;
mod translate;
mod view;

pub use catalogue::BEHAVIOURS;
pub use config::{names as config_names, set as set_config, small as small_config, super_seeds};
pub use cut::Cut;
pub use disk::{DiskModel, File, Files, Loss, Losses, Point, PointFault};
pub use fault::inflict;
pub use tell::Level;

use crate::actor::{Actor, Cx, Input, Output};
use crate::journal::OwnedEvent;
use crate::oracle::Watch;
use crate::sample::{Known, PORT, Sample};
use crate::scenario::{EngineSpec, Use};
use crate::seed::Seed;
use crate::tell::Teller;
use life::{Held, Job};
use record::Journals;
use seedbed_engine::disk::DiskDone;
use seedbed_engine::id::{ConnId, TorrentId};
use seedbed_engine::time::Instant;
use seedbed_engine::{Action, Config, Engine, Event, Purpose, Report};
use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

/// Reports that are kept; the older half goes when there are more.
const REPORTS_MAX: usize = 4096;

/// The torrent of a host: the first that its engine is given.
pub const TORRENT: TorrentId = TorrentId(1);

/// An engine on its host.
#[derive(Clone, Debug)]
pub struct EngineHost {
    name: String,
    sample: Sample,
    known: Known,
    config: Config,
    purpose: Purpose,
    super_seeds: bool,
    seed: Seed,
    level: Level,

    /// The process, while it runs.
    engine: Option<Engine>,
    /// Which one it is, from 0.
    life: u32,
    disk: DiskModel,
    /// Open streams by the engine's number, and who is at their other end.
    streams: BTreeMap<ConnId, SocketAddr>,
    /// Streams of a machine whose power went, which the system resets when it is back.
    stale: Vec<ConnId>,
    /// Answers that are due at once.
    soon: VecDeque<Event<'static>>,
    /// What happens by itself, by its time.
    schedule: BTreeMap<(Instant, u64), Job>,
    scheduled: u64,
    /// Faults that begin with the host, from its description.
    behaviours: Vec<Use>,
    started: bool,
    /// Its engine said that it is done: nobody is there who takes a command.
    shut_down: bool,

    /// Suspended: what arrived meanwhile.
    held: Option<Vec<Held>>,
    /// Suspended: the whole machine is.
    asleep: bool,
    /// Streams at a time, at the most.
    handles: Option<usize>,
    /// Actions carried out, over all lives.
    actions: u64,
    /// Events given to its engines, over all lives.
    events: u64,
    /// Before which action or event the process dies, and how.
    crash_at: Option<(u64, Use)>,
    /// Every power loss.
    cuts: Vec<Cut>,
    crashes: u32,

    /// Whether actions are kept for an oracle.
    recording: bool,
    recorded: Vec<Action>,
    reports: VecDeque<(Instant, Report)>,
    reported: u64,
    /// Stands at the engine's boundary, if anybody looks.
    watch: Option<Box<Watch>>,
    journals: Option<Journals>,
    /// What the process that runs was given, if that is kept.
    given: Option<Vec<(Instant, OwnedEvent)>>,
    /// A planted bug: every hash is told to be right.
    blind: bool,
}

impl EngineHost {
    /// A host whose engine will start with the world.
    ///
    /// # Errors
    /// When the description names a setting or a behaviour that there is not; the sentence has the list.
    pub fn new(spec: &EngineSpec, torrent: &Sample, seed: Seed, others: &Known) -> Result<Self, String> {
        let mut config = config::small(&torrent.spec);
        config.listen_port = PORT;
        for (name, value) in &spec.config {
            config::set(&mut config, name, value)?;
        }
        if let Some(unknown) = spec
            .behaviours
            .iter()
            .find(|what| catalogue::find(&what.name).is_none())
        {
            let known: Vec<_> = BEHAVIOURS.iter().map(|known| known.name).collect();
            return Err(format!(
                "no behaviour of a host is called {:?}; there are: {}",
                unknown.name,
                known.join(", ")
            ));
        }
        let mut disk = DiskModel::new(seed.stream(&format!("{}/disk", spec.name)));
        if spec.seed {
            disk.fill(torrent);
        }
        Ok(Self {
            name: spec.name.clone(),
            sample: torrent.clone(),
            known: others.clone(),
            config,
            purpose: if spec.seed {
                Purpose::Seed
            } else {
                Purpose::Download
            },
            super_seeds: config::super_seeds(&spec.config),
            seed,
            level: Level::Nothing,
            engine: None,
            life: 0,
            disk,
            streams: BTreeMap::new(),
            stale: Vec::new(),
            soon: VecDeque::new(),
            schedule: BTreeMap::new(),
            scheduled: 0,
            behaviours: spec.behaviours.clone(),
            started: false,
            shut_down: false,
            held: None,
            asleep: false,
            handles: None,
            actions: 0,
            events: 0,
            crash_at: None,
            cuts: Vec::new(),
            crashes: 0,
            recording: false,
            recorded: Vec::new(),
            reports: VecDeque::new(),
            reported: 0,
            watch: None,
            journals: None,
            given: None,
            blind: false,
        })
    }

    /// What is told in lines. To be set before the world begins: wire traces are the engine's own.
    pub fn tell(&mut self, level: Level) {
        self.level = level;
        self.config.trace = level == Level::Full;
    }

    /// Whether [`EngineHost::recorded`] keeps actions.
    pub fn record(&mut self, on: bool) {
        self.recording = on;
    }

    /// Actions that were carried out since the last input, if they are recorded.
    pub fn recorded(&self) -> &[Action] {
        &self.recorded
    }

    /// Plants a bug, to try whether the oracles find it: every hash of a piece is told to be right, as if the engine
    /// did not check it. Needs a watch.
    pub const fn plant_blind_hash(&mut self) {
        self.blind = true;
    }

    /// What a blind engine would be told.
    fn blinded<'a>(&self, event: Event<'a>) -> Event<'a> {
        if let Event::DiskDone {
            op,
            result: Ok(DiskDone::Hash(_)),
        } = &event
            && let Some(piece) = self.watch.as_ref().and_then(|watch| watch.hashes(*op))
            && let Some(digest) = self.sample.metainfo.piece_hash(piece)
        {
            let (op, result) = (*op, Ok(DiskDone::Hash(digest)));
            return Event::DiskDone { op, result };
        }
        event
    }

    /// Puts a watch at the engine's boundary.
    pub fn set_watch(&mut self, watch: Watch) {
        self.watch = Some(Box::new(watch));
    }

    /// The watch, if there is one.
    pub fn watch(&self) -> Option<&Watch> {
        self.watch.as_deref()
    }

    /// The watch, to take from it what it has seen.
    pub fn watch_mut(&mut self) -> Option<&mut Watch> {
        self.watch.as_deref_mut()
    }

    /// The seed of the engine of the process that runs, or that starts next.
    pub(crate) fn engine_seed(&self) -> [u8; 32] {
        self.seed.bytes(&format!("{}/engine/{}", self.name, self.life))
    }

    /// Keeps the events that each process is given. To be set before the world begins.
    pub(crate) fn keep_given(&mut self) {
        self.given = Some(Vec::new());
    }

    /// The events that the last process was given, if they are kept.
    pub(crate) fn given(&self) -> &[(Instant, OwnedEvent)] {
        self.given.as_deref().unwrap_or_default()
    }

    fn start(&mut self, cx: &mut Cx<'_>) {
        let first = !core::mem::replace(&mut self.started, true);
        // a disk is as it is before anybody looks at it; commands and events need somebody who takes them
        let (later, before): (Vec<Use>, Vec<Use>) = core::mem::take(&mut self.behaviours)
            .into_iter()
            .partition(fault::needs_process);
        for what in before {
            self.begin_or_plan(cx, &what);
        }
        let seed = self.engine_seed();
        self.engine = Some(Engine::new(self.config.clone(), seed));
        self.shut_down = false;
        self.begin_journal(seed);
        if let Some(given) = &mut self.given {
            given.clear();
        }
        let stale = core::mem::take(&mut self.stale);
        cx.out
            .extend(stale.into_iter().map(|stream| Output::Reset { stream }));
        let peers = if self.known.trackers.is_empty() {
            let others = self.known.actors.iter().filter(|(name, _)| *name != self.name);
            others.map(|(_, addr)| *addr).collect()
        } else {
            Vec::new()
        };
        let mut add = self.torrent_to_add(peers);
        add.waits_for_choice = later.iter().any(fault::chooses_later);
        self.feed(cx, Event::Command(seedbed_engine::Command::Add(Box::new(add))));
        for what in later {
            self.begin_or_plan(cx, &what);
        }
        if first {
            self.run_schedule(cx);
        }
    }

    /// Gives an event to the engine and carries out what it wants.
    fn feed(&mut self, cx: &mut Cx<'_>, event: Event<'_>) {
        if self.crashes_before_event() {
            return self.crash_now(cx);
        }
        self.events += 1;
        let event = if self.blind { self.blinded(event) } else { event };
        if let Some(given) = &mut self.given {
            given.push((cx.now, OwnedEvent::of(&event)));
        }
        let Some(engine) = &mut self.engine else { return };
        if let Some(watch) = &mut self.watch {
            watch.sound_disk = !self.disk.is_tampered();
            watch.disk_is(cx.now, self.disk.is_healthy(cx.now));
            watch.event(cx.now, &event);
        }
        if self.journals.is_none() {
            engine.handle(cx.now, event);
        } else {
            engine.handle(cx.now, event.clone());
            self.journal_event(cx.now, &event);
        }
        if let (Some(watch), Some(engine)) = (&mut self.watch, &self.engine) {
            watch.keys(engine);
        }
        self.carry_out(cx);
        self.journal_between();
        if let (Some(watch), Some(engine)) = (&mut self.watch, &self.engine) {
            watch.settled(engine);
        }
    }

    fn carry_out(&mut self, cx: &mut Cx<'_>) {
        while let Some(action) = self.engine.as_mut().and_then(Engine::poll_action) {
            // a run dies at the same place whether it is told or not
            let traces = action.is_trace();
            if !traces && self.crashes_here() {
                return self.crash_now(cx);
            }
            self.actions += u64::from(!traces);
            self.journal_action(&action);
            if let Some(watch) = &mut self.watch {
                watch.action(&action);
            }
            if self.recording {
                self.recorded.push(action.clone());
            }
            self.act(cx, action);
        }
    }

    /// Answers what is due now, until nothing is.
    fn pump(&mut self, cx: &mut Cx<'_>) {
        while self.is_running() {
            if let Some(event) = self.soon.pop_front() {
                self.feed(cx, event);
            } else if let Some((op, result)) = self.disk.poll(cx.now, cx.marks) {
                self.feed(cx, Event::DiskDone { op, result });
            } else {
                return;
            }
        }
    }

    /// Does what is due now. What that leads to may be due at once too, a few times: more is a busy loop, which the
    /// world notices.
    fn tick(&mut self, cx: &mut Cx<'_>) {
        for _ in 0..TICKS_MAX {
            let due = self.engine.as_ref().and_then(Engine::deadline);
            if !self.is_running() || due.is_none_or(|(at, _)| at > cx.now) {
                return;
            }
            self.feed(cx, Event::Tick);
            self.pump(cx);
        }
    }

    fn keep(&mut self, cx: &mut Cx<'_>, report: Report) {
        if self.level != Level::Nothing
            && let Some(line) = Teller(self).line(&self.name, cx.now, &report)
        {
            cx.lines.push(line);
        }
        if self.reports.len() >= REPORTS_MAX {
            self.reports.drain(..REPORTS_MAX / 2);
        }
        self.reported += 1;
        self.shut_down |= report == Report::ShutDown;
        self.reports.push_back((cx.now, report));
    }
}

/// Ticks at one time.
const TICKS_MAX: u32 = 8;

impl Actor for EngineHost {
    fn draw_anew(&mut self, seed: Seed) {
        self.seed = seed;
        self.disk.draw_anew(seed.stream(&format!("{}/disk", self.name)));
    }

    fn handle(&mut self, cx: &mut Cx<'_>, input: Input<'_>) {
        self.recorded.clear();
        self.run_schedule(cx);
        if matches!(input, Input::Start) {
            if self.engine.is_some() {
                self.crash(cx, &Use::new("crash"));
            }
            self.start(cx);
        } else if self.held.is_some() {
            self.hold(cx, input);
        } else if self.engine.is_some() {
            self.happen(cx, input);
        } else if let Input::Accepted { stream, .. } = input {
            // nobody listens
            cx.out.push(Output::Reset { stream });
        }
        self.pump(cx);
    }

    fn deadline(&self) -> Option<Instant> {
        let scheduled = self.schedule.first_key_value().map(|((at, _), _)| *at);
        let scheduled = scheduled.filter(|_| self.started);
        if !self.is_running() {
            return scheduled;
        }
        let engine = self.engine.as_ref().and_then(Engine::deadline);
        let disk = self.disk.deadline();
        [scheduled, engine.map(|(at, _)| at), disk]
            .into_iter()
            .flatten()
            .min()
    }

    fn port(&self) -> Option<u16> {
        (self.engine.is_some() && !self.asleep).then_some(PORT)
    }

    fn has_joined(&self, group: IpAddr) -> bool {
        self.engine.is_some() && !self.asleep && self.config.lsd.enabled && self.group(group).is_some()
    }

    fn clone_box(&self) -> Box<dyn Actor> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
