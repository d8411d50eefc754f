//! A tracker in a world: the honest model behind datagrams and streams, with its behaviours between.
//!
//! The honest model hears every request, whatever becomes of its answer, and everything that was heard is kept for
//! [`check`](super::check). Each behaviour draws from a stream of its own name.

mod datagrams;
mod streams;

use super::behaviour::{Active, Adjusted, HttpKind, Kind, Outcome, Reply};
use super::check::{Answered, Heard, Rules, What};
use super::{Limits, Peer, Tracker, names};
use crate::actor::{Actor, Cx, Input, Output};
use crate::sample::{Known, Sample};
use crate::scenario::TrackerSpec;
use crate::seed::Seed;
use crate::timeline::{Arrow, Line};
use seedbed_engine::id::ConnId;
use seedbed_engine::time::{Duration, Instant};
use std::any::Any;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use streams::Exchange;

/// The port of a tracker that [`Known`] has no address of.
const PORT: u16 = 6969;
/// What was heard is kept up to so many entries; then the older half goes.
const HEARD_MAX: usize = 100_000;
/// Answers that wait at the most; one more is lost, as in a full queue.
const WAITING_MAX: usize = 100_000;

/// A tracker in a world.
#[derive(Clone, Debug)]
pub struct TrackerHost {
    name: String,
    udp: bool,
    addr: SocketAddr,
    tracker: Tracker,
    behaviours: Vec<Active>,
    known: Known,
    /// The .torrent file, which its site has.
    torrent: Arc<[u8]>,
    /// Announces that were answered well.
    answered: u64,
    waiting: BTreeMap<(Instant, u64), (SocketAddr, Reply)>,
    waited: u64,
    exchanges: BTreeMap<ConnId, Exchange>,
    heard: Vec<Heard>,
    rules: Rules,
    /// Whether the port is closed.
    refusing: bool,
    /// When a window opens or closes that the port depends on.
    edge: Option<Instant>,
}

impl TrackerHost {
    /// The tracker of a spec. It knows everybody whom `known` says to be reachable.
    ///
    /// # Errors
    /// When the spec names a behaviour that no tracker has; the sentence has the list.
    pub fn new(spec: &TrackerSpec, torrent: &Sample, seed: Seed, known: &Known) -> Result<Self, String> {
        let place = known.trackers.iter().find(|(name, ..)| *name == spec.name);
        let addr = place.map_or(SocketAddr::from(([0, 0, 0, 0], PORT)), |(_, addr, _)| *addr);
        let mut tracker = Tracker::new(Limits::default(), seed.bytes(&spec.name));
        let swarm = tracker.register(torrent.info_hash().0);
        known
            .actors
            .iter()
            .for_each(|(_, addr)| swarm.insert(Peer::unknown(*addr)));
        let mut behaviours = Vec::new();
        for used in spec.behaviours.iter().filter(|used| !names::is_about_names(used)) {
            let stream = seed.stream(&format!("{}/{}", spec.name, used.name));
            behaviours.push(Active::new(used, stream).ok_or_else(|| unknown(&used.name))?);
        }
        Ok(Self {
            name: spec.name.clone(),
            udp: spec.udp,
            addr,
            tracker,
            behaviours,
            known: known.clone(),
            torrent: torrent.bytes.clone(),
            answered: 0,
            waiting: BTreeMap::new(),
            waited: 0,
            exchanges: BTreeMap::new(),
            heard: Vec::new(),
            rules: Rules::of(spec),
            refusing: false,
            edge: Some(Instant::START),
        })
    }

    /// The honest tracker behind it: its swarm and its log of announces.
    pub const fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// The same, to register peers or to change what it tells.
    pub const fn tracker_mut(&mut self) -> &mut Tracker {
        &mut self.tracker
    }

    /// Everything that was heard, in order.
    pub fn heard(&self) -> &[Heard] {
        &self.heard
    }

    /// What is demanded of clients here; see [`Rules`].
    pub const fn rules_mut(&mut self) -> &mut Rules {
        &mut self.rules
    }

    /// What clients did that they must not do, by what was heard here: when, and a sentence.
    pub fn violations(&self) -> Vec<(Instant, String)> {
        super::check::violations(&self.heard, &self.rules)
    }

    /// Announces and connects so far, for bounds.
    pub const fn requests(&self) -> usize {
        self.heard.len()
    }

    fn hear(&mut self, at: Instant, from: SocketAddr, what: What) {
        if self.heard.len() >= HEARD_MAX {
            self.heard.drain(..HEARD_MAX / 2);
        }
        self.heard.push(Heard { at, from, what });
    }

    /// Lets the behaviours change the tracker for the announce that comes.
    fn adjust(&mut self, cx: &mut Cx<'_>, from: SocketAddr) -> Adjusted {
        let mut adjusted = Adjusted::default();
        for behaviour in &mut self.behaviours {
            if behaviour.adjust(cx.now, from, self.answered, &mut adjusted) {
                cx.marks.hit(behaviour.name);
            }
        }
        adjusted
    }

    /// Tells the timeline.
    fn tell(&self, cx: &mut Cx<'_>, arrow: Arrow, other: IpAddr, text: impl FnOnce() -> String) {
        let other = self.known.name_of(other).unwrap_or("?").to_string();
        cx.lines.push(Line {
            at: cx.now,
            who: self.name.clone(),
            arrow,
            other,
            text: text(),
            folds: false,
        });
    }

    /// Sends what is due.
    fn send_due(&mut self, cx: &mut Cx<'_>) {
        while let Some(entry) = self.waiting.first_entry().filter(|entry| entry.key().0 <= cx.now) {
            let (to, reply) = entry.remove();
            let from = Some(reply.from);
            cx.out.push(Output::Datagram {
                to,
                from,
                data: reply.data,
            });
        }
    }

    fn send(&mut self, cx: &mut Cx<'_>, to: SocketAddr, reply: Reply) {
        if reply.after.is_zero() {
            let from = Some(reply.from);
            cx.out.push(Output::Datagram {
                to,
                from,
                data: reply.data,
            });
        } else if self.waiting.len() < WAITING_MAX {
            self.waited += 1;
            self.waiting
                .insert((cx.now + reply.after, self.waited), (to, reply));
        }
    }

    /// Opens or closes the port as `http-refuse` has it.
    fn turn_port(&mut self, cx: &mut Cx<'_>) {
        let refuses = |active: &&Active| active.kind == Kind::Http(HttpKind::Refuse);
        let (mut refusing, mut edge) = (None, None::<Instant>);
        for active in self.behaviours.iter().filter(refuses) {
            if active.window.has_come(cx.now) {
                refusing = Some(active.name);
            }
            let next = active.window.next_edge(cx.now);
            edge = [edge, next].into_iter().flatten().min();
        }
        if let Some(name) = refusing.filter(|_| !self.refusing) {
            cx.marks.hit(name);
        }
        self.refusing = refusing.is_some();
        self.edge = edge;
    }

    /// Intervals that hold for one answer; returns those that held before.
    fn change_intervals(&mut self, adjusted: &mut Adjusted) -> (Duration, Option<Duration>) {
        let before = self.tracker.intervals();
        if let Some((interval, least)) = adjusted.interval {
            self.tracker.set_intervals(interval, least);
        }
        self.tracker.name(std::mem::take(&mut adjusted.named));
        before
    }

    /// What the announce that was just heard was told. `renamed` says that another interval stands in the answer.
    fn told(&self, outcome: Outcome, renamed: bool) -> Answered {
        let accepted = self
            .tracker
            .announces()
            .last()
            .is_some_and(|announce| announce.accepted);
        let (interval, least) = self.tracker.intervals();
        match (outcome, renamed) {
            (Outcome::Nothing, _) => Answered::Nothing,
            (Outcome::Unclear, _) => Answered::Unclear,
            (Outcome::Failed, _) => Answered::Failed,
            (Outcome::Good, _) if !accepted => Answered::Failed,
            // the number that was put into the answer is absurd: only the client's own floor holds
            (Outcome::Good, true) => Answered::Well {
                interval: Duration::ZERO,
                least: Duration::ZERO,
            },
            (Outcome::Good, false) => Answered::Well {
                interval,
                least: least.filter(|_| !self.udp).unwrap_or_default(),
            },
        }
    }
}

fn unknown(name: &str) -> String {
    let known: Vec<_> = super::BEHAVIOURS.iter().map(|known| known.name).collect();
    format!(
        "no behaviour of a tracker is called {name:?}; there are: {}",
        known.join(", ")
    )
}

impl Actor for TrackerHost {
    fn draw_anew(&mut self, seed: Seed) {
        self.tracker.draw_anew(seed.bytes(&self.name));
        for behaviour in &mut self.behaviours {
            behaviour.draw_anew(seed.stream(&format!("{}/{}", self.name, behaviour.name)));
        }
    }

    fn handle(&mut self, cx: &mut Cx<'_>, input: Input<'_>) {
        match input {
            Input::Start | Input::Tick => {
                if self.edge.is_some_and(|edge| edge <= cx.now) {
                    self.turn_port(cx);
                }
                self.send_due(cx);
                self.pump_exchanges(cx);
            }
            Input::Datagram { from, data } if self.udp => self.datagram(cx, from, data),
            Input::Accepted { stream, from } => self.accepted(cx, stream, from),
            Input::Received { stream, data } => self.received(cx, stream, data),
            Input::Closed { stream, .. } => {
                self.exchanges.remove(&stream);
            }
            Input::Datagram { .. }
            | Input::Multicast { .. }
            | Input::Connected { .. }
            | Input::Sent { .. }
            | Input::DatagramError { .. }
            | Input::Resolved { .. }
            | Input::NetworkChanged => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let datagram = self.waiting.keys().next().map(|(at, _)| *at);
        let exchange = self.exchanges.values().filter_map(Exchange::due).min();
        [datagram, exchange, self.edge].into_iter().flatten().min()
    }

    fn port(&self) -> Option<u16> {
        (!self.refusing).then(|| self.addr.port())
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
