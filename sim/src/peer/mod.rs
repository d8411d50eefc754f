//! Model peers: an independent reference peer, what it can do wrong, and a strict reader of what engines say to it.
//!
//! The reference peer shares the engine's codec for well-formed messages and nothing of its logic. It seeds, leeches
//! or has a part; [`Behaviour`](crate::scenario::Behaviour)s sit around it as middleware ([`behave`]), so they
//! compose. Everything that an engine says is read by [`check`]; what breaks a rule is in
//! [`ModelPeer::violations`].

pub mod behave;
pub mod catalogue;
pub mod check;
#[cfg(test)]
mod check_tests;
mod client;
pub mod conn;
mod fetch;
mod generate;
mod local;
pub mod metadata;
mod real;
mod serve;
mod streams;
#[cfg(test)]
mod tests;
mod veil;

pub use catalogue::{BEHAVIOURS, Entry, Reaction, Scene, Trust, expected};
pub use generate::{Capability, capability, pieces_at_start, sample};

use crate::actor::{Actor, Cx, Input};
use crate::sample::{Known, PORT, Sample};
use crate::scenario::{Addresses, LinkSpec, PeerSpec};
use crate::seed::Seed;
use crate::timeline::{Arrow, Line};
use behave::{Moment, Say, Trait, View};
use catalogue::Kind;
use conn::{Conn, Past};
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::geometry::Geometry;
use seedbed_engine::id::{ConnId, PeerId, PieceIndex};
use seedbed_engine::rng::Rng;
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::wire::Message;
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// Ended connections that are remembered.
const PAST_MAX: usize = 4096;

/// Rule breaks that are remembered.
const VIOLATIONS_MAX: usize = 1024;

/// What waits for its time.
#[derive(Clone, Debug)]
enum Later {
    /// Something is said.
    Say(ConnId, Say),
    /// A behaviour speaks on its own.
    Due(ConnId, usize),
    /// Blocks that a behaviour holds back go out.
    Held(ConnId, usize),
    /// Messages begin.
    Open(ConnId),
    /// A slow feeder's next block may go.
    Serve(ConnId),
    /// A look at the connection's timers.
    Check(ConnId),
    /// Bytes go out as they are.
    Put(ConnId, Vec<u8>),
    /// The next bytes of a connection that sends little by little.
    Pace(ConnId),
    /// An engine is dialled.
    Dial(SocketAddr),
    /// A behaviour speaks to the local network.
    Local(usize),
}

/// A peer as data.
#[derive(Clone, Debug)]
pub struct ModelPeer {
    /// Its name.
    pub name: String,
    /// What it was made from.
    pub spec: PeerSpec,
    /// What it has.
    pub have: Bitfield,
    /// Its connections.
    pub conns: BTreeMap<ConnId, Conn>,
    /// Those that are no more, oldest first.
    pub past: Vec<Past>,
    /// What engines did that no engine may do.
    pub violations: Vec<(Instant, &'static str)>,
    /// Whether nothing that it does sends provably bad data.
    pub honest: bool,
    /// Its behaviours.
    pub traits: Vec<Trait>,
    torrent: Sample,
    geometry: Geometry,
    peer_id: PeerId,
    engines: Vec<SocketAddr>,
    /// Everybody else who can be dialled, by name.
    others: Vec<(String, SocketAddr)>,
    rng: Rng,
    started: bool,
    dialled: u64,
    /// Engines that take no plain connection.
    encrypted: Vec<SocketAddr>,
    /// Those of them that are dialled with an encrypted handshake next.
    encrypted_next: BTreeSet<SocketAddr>,
    failures: u32,
    /// Which blocks of unfinished pieces are here.
    blocks: BTreeMap<PieceIndex, BTreeSet<u32>>,
    /// Pieces that are being fetched, and where.
    active: BTreeMap<PieceIndex, ConnId>,
    first_piece: u32,
    later: BTreeMap<(Instant, u64), Later>,
    numbered: u64,
    /// Connections with something to send.
    dirty: Vec<ConnId>,
    told: u32,
    /// The port at which it is dialled.
    port: u16,
    /// Whether every message is a line.
    tells_messages: bool,
}

impl ModelPeer {
    /// A peer, before the world begins. Names of behaviours that are not listed are passed over.
    pub fn new(spec: &PeerSpec, torrent: &Sample, seed: Seed, known: &Known) -> Self {
        let mut rng = seed.stream(&spec.name);
        let mut peer_id = PeerId(*b"-MP0100-            ");
        rng.fill(&mut peer_id.0[8..]);
        client::style(&mut peer_id, &mut seed.stream(&format!("{}/client", spec.name)));
        let traits: Vec<Trait> = spec
            .behaviours
            .iter()
            .filter_map(|params| {
                let entry = catalogue::find(&params.name)?;
                Some(Trait::new(entry, params, Instant::START + spec.after))
            })
            .collect();
        let pieces = torrent.pieces();
        Self {
            name: spec.name.clone(),
            spec: spec.clone(),
            have: pieces_at_start(spec, pieces, seed),
            conns: BTreeMap::new(),
            past: Vec::new(),
            violations: Vec::new(),
            honest: traits.iter().all(|one| one.entry.trust != Trust::Lies),
            traits,
            geometry: geometry(torrent),
            torrent: torrent.clone(),
            peer_id,
            engines: engines(known, &spec.link),
            others: known
                .actors
                .iter()
                .filter(|(name, _)| *name != spec.name)
                .cloned()
                .collect(),
            first_piece: rng.below(pieces.max(1)),
            rng,
            started: false,
            dialled: 0,
            encrypted: engines(known, &spec.link)
                .into_iter()
                .filter(|engine| known.is_encrypted(*engine))
                .collect(),
            encrypted_next: BTreeSet::new(),
            failures: 0,
            blocks: BTreeMap::new(),
            active: BTreeMap::new(),
            later: BTreeMap::new(),
            numbered: 0,
            dirty: Vec::new(),
            told: 0,
            port: PORT,
            tells_messages: false,
        }
    }

    /// Whether it has every piece.
    pub const fn is_seed(&self) -> bool {
        self.have.is_full()
    }

    /// Payload bytes given and got, over all connections that were.
    pub fn transferred(&self) -> (u64, u64) {
        let past = self.past.iter().map(|past| past.counters);
        let live = self.conns.values().map(|conn| conn.counters);
        past.chain(live).fold((0, 0), |(up, down), counters| {
            (up + counters.served, down + counters.received)
        })
    }

    fn has_kind(&self, kind: Kind) -> bool {
        self.traits.iter().any(|one| one.entry.kind == kind)
    }

    fn trait_of(&mut self, kind: Kind) -> Option<&mut Trait> {
        self.traits.iter_mut().find(|one| one.entry.kind == kind)
    }

    fn at(&mut self, now: Instant, after: Duration, what: Later) {
        self.numbered += 1;
        self.later.insert((now + after, self.numbered), what);
    }

    fn violation(&mut self, now: Instant, text: &'static str) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push((now, text));
        }
    }

    /// The reference peer says something; behaviours have their say about it.
    fn say(&mut self, cx: &mut Cx<'_>, id: ConnId, message: Message) {
        let Some(conn) = self.conns.get(&id).filter(|conn| conn.is_open()) else {
            return;
        };
        if !self.traits.iter().any(|one| one.entry.kind.looks_at_messages()) {
            return self.emit(cx, id, Say::Message(message));
        }
        let mut view = View {
            now: cx.now,
            id,
            torrent: &self.torrent,
            others: &self.others,
            rng: &mut self.rng,
            marks: cx.marks,
        };
        let says = behave::outgoing(&mut self.traits, &mut view, conn, message);
        for n in 0..self.traits.len() {
            if self.traits[n].held.iter().any(|(of, _)| *of == id) {
                let wait = self.traits[n].next_at.since(cx.now);
                self.at(cx.now, wait, Later::Held(id, n));
            }
        }
        for say in says {
            self.emit(cx, id, say);
        }
    }

    /// Something goes out as it is.
    fn emit(&mut self, cx: &mut Cx<'_>, id: ConnId, say: Say) {
        match say {
            Say::Message(message) => {
                if let Some(conn) = self.conns.get_mut(&id).filter(|conn| conn.is_open()) {
                    if self.tells_messages {
                        cx.lines.push(real::said(&self.name, cx.now, id, &message));
                    }
                    serve::track(conn, cx.now, &message, &self.geometry);
                    message.encode(&mut conn.out);
                    self.dirty.push(id);
                }
            }
            Say::Raw(bytes) => {
                if let Some(conn) = self.conns.get_mut(&id) {
                    if self.tells_messages {
                        cx.lines.push(real::raw(&self.name, cx.now, id, bytes.len()));
                    }
                    conn.out.extend_from_slice(&bytes);
                    self.dirty.push(id);
                }
            }
            Say::Later(after, what) if after.is_zero() => self.emit(cx, id, *what),
            Say::Later(after, what) => self.at(cx.now, after, Later::Say(id, *what)),
            Say::Close => self.end(cx, id, false),
            Say::Reset => self.end(cx, id, true),
            Say::Mute => {
                self.flush(cx, id);
                if let Some(conn) = self.conns.get_mut(&id) {
                    conn.muted = true;
                }
            }
        }
    }

    /// Behaviours that speak at this moment do, or will.
    fn moment(&mut self, cx: &mut Cx<'_>, id: ConnId, moment: Moment) {
        for n in 0..self.traits.len() {
            let one = &self.traits[n];
            if behave::moment(one.entry.kind) == Some(moment) {
                let wait = one.opens_in(cx.now) + behave::timer(one);
                if wait.is_zero() {
                    self.speak(cx, id, n);
                } else {
                    self.at(cx.now, wait, Later::Due(id, n));
                }
            }
        }
    }

    /// The n-th behaviour speaks on its own.
    fn speak(&mut self, cx: &mut Cx<'_>, id: ConnId, n: usize) {
        let Some(conn) = self.conns.get(&id).filter(|conn| conn.is_open()) else {
            return;
        };
        let mut view = View {
            now: cx.now,
            id,
            torrent: &self.torrent,
            others: &self.others,
            rng: &mut self.rng,
            marks: cx.marks,
        };
        let (says, again) = behave::due(&mut self.traits[n], &mut view, conn);
        for say in says {
            self.emit(cx, id, say);
        }
        if let Some(after) = again {
            self.at(cx.now, after.max(Duration::from_millis(1)), Later::Due(id, n));
        }
        // a behaviour may have unchoked
        self.serve(cx, id);
    }

    /// Blocks that were held back go out.
    fn release(&mut self, cx: &mut Cx<'_>, id: ConnId, n: usize) {
        let one = &mut self.traits[n];
        if one.next_at > cx.now {
            return;
        }
        let held = std::mem::take(&mut one.held);
        let (mine, others): (Vec<_>, Vec<_>) = held.into_iter().partition(|(of, _)| *of == id);
        self.traits[n].held = others;
        for (_, message) in mine {
            self.emit(cx, id, Say::Message(message));
        }
    }

    fn tick(&mut self, cx: &mut Cx<'_>) {
        while let Some(entry) = self.later.first_entry().filter(|entry| entry.key().0 <= cx.now) {
            match entry.remove() {
                Later::Say(id, say) => {
                    self.emit(cx, id, say);
                    self.serve(cx, id);
                }
                Later::Due(id, n) => self.speak(cx, id, n),
                Later::Held(id, n) => self.release(cx, id, n),
                Later::Open(id) => self.opened(cx, id),
                Later::Serve(id) => self.serve(cx, id),
                Later::Check(id) => self.look_after(cx, id),
                Later::Put(id, bytes) => self.put(cx, id, bytes),
                Later::Pace(id) => self.pace(cx, id),
                Later::Dial(to) => self.dial(cx, to),
                Later::Local(n) => self.speak_local(cx, n),
            }
        }
    }

    /// Lines for behaviours that showed in this turn.
    fn tell(&mut self, cx: &mut Cx<'_>) {
        let fired = self.traits.iter().map(|one| one.fired).fold(0, u32::wrapping_add);
        if fired == self.told {
            return;
        }
        self.told = fired;
        for one in &mut self.traits {
            if one.fired != std::mem::replace(&mut one.told, one.fired) {
                cx.lines.push(Line {
                    at: cx.now,
                    who: self.name.clone(),
                    arrow: Arrow::Within,
                    other: String::new(),
                    text: one.entry.behaviour.name.into(),
                    folds: true,
                });
            }
        }
    }
}

impl Actor for ModelPeer {
    fn draw_anew(&mut self, seed: Seed) {
        self.rng = seed.stream(&self.name);
    }

    fn handle(&mut self, cx: &mut Cx<'_>, input: Input<'_>) {
        match input {
            Input::Start => self.start(cx),
            Input::Tick => self.tick(cx),
            Input::Accepted { stream, from } => self.accepted(cx, stream, from),
            Input::Connected { stream } => self.connected(cx, stream),
            Input::Received { stream, data } => self.received(cx, stream, data),
            Input::Sent { stream, bytes } => {
                if let Some(conn) = self.conns.get_mut(&stream) {
                    conn.unsent = conn.unsent.saturating_sub(bytes);
                }
                self.serve(cx, stream);
            }
            Input::Closed { stream, cause } => self.closed(cx, stream, Some(cause)),
            Input::Datagram { .. }
            | Input::Multicast { .. }
            | Input::DatagramError { .. }
            | Input::Resolved { .. }
            | Input::NetworkChanged => {}
        }
        while let Some(id) = self.dirty.pop() {
            self.flush(cx, id);
        }
        self.tell(cx);
    }

    fn deadline(&self) -> Option<Instant> {
        self.later.first_key_value().map(|((at, _), _)| *at)
    }

    fn port(&self) -> Option<u16> {
        self.started.then_some(self.port)
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

/// Sizes of the torrent; every sample has sound ones.
fn geometry(torrent: &Sample) -> Geometry {
    let length = u64::from(torrent.piece_length());
    let made = Geometry::new(torrent.content.len() as u64, length, torrent.spec.block);
    made.expect("a sample is a torrent already")
}

/// Where engines are: in a network of their own ([`crate::sample::engine_ip`]).
/// One address of each: the first that the own link leads to.
fn engines(known: &Known, link: &LinkSpec) -> Vec<SocketAddr> {
    let first = crate::sample::engine_ip(0);
    let all = crate::sample::addresses(
        first,
        &LinkSpec {
            addresses: Addresses::Both,
            ..*link
        },
    );
    let (four, six) = (link.addresses.has_v4(), link.addresses != Addresses::V4);
    let network = |addr: &SocketAddr| {
        all.iter().any(|engine| match (addr.ip(), *engine) {
            (IpAddr::V4(ip), IpAddr::V4(first)) => four && ip.octets()[..3] == first.octets()[..3],
            // the first three bytes of the address of IPv4 follow the block's prefix
            (IpAddr::V6(ip), IpAddr::V6(first)) => six && ip.octets()[..7] == first.octets()[..7],
            _ => false,
        })
    };
    let mut found: Vec<&(String, SocketAddr)> = known.actors.iter().collect();
    found.retain(|(_, addr)| network(addr));
    found.dedup_by_key(|(name, _)| name);
    found.into_iter().map(|(_, addr)| *addr).collect()
}
