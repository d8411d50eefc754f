//! What a seed stands for: a scenario drawn from it.
//!
//! Each entity draws from a stream of its own, keyed by its name, so a change in what one of them can be leaves the
//! others as they are. Behaviours are drawn after *swarm testing*: a random half of all areas is switched off in a
//! world, since worlds in which everything goes wrong at once explore less than worlds in which a few things do.

mod encrypt;
mod families;
mod faults;
mod links;
mod local;

use super::params::{self, Kind, Often};
use super::{
    Addresses, Area, Behaviour, EngineSpec, FaultSpec, LinkSpec, MagnetSpec, PeerSpec, Scenario, TorrentSpec,
    TrackerSpec, Use, Value, text,
};
use crate::catalogue;
use crate::seed::Seed;
use seedbed_engine::rng::Rng;
use seedbed_engine::time::Duration;

/// Counts up with every change after which a seed stands for another scenario. Failing seeds of an older version have
/// to be kept as files.
pub const GENERATOR_VERSION: u32 = 7;

/// Actors at the most in the nine worlds in ten that are small.
const PEERS_SMALL: u32 = 8;
/// Peers at the most in the others.
const PEERS_LARGE: u32 = 30;

/// The scenario that a seed stands for.
pub fn expand(seed: u64) -> Scenario {
    let world = World::new(seed);
    let torrent = world.torrent();
    let mut engines = world.engines();
    let mut trackers = world.trackers();
    let mut peers = world.peers(&trackers);
    world.metadata(&torrent, &mut peers);
    world.families(&mut engines, &mut peers, &mut trackers);
    world.encrypt(&mut engines, &mut peers, &trackers);
    world.announce_locally(&mut engines, &mut peers);
    let mut faults = world.faults(&engines, &trackers, &peers);
    faults.extend(world.companions(&engines, &trackers, &faults));
    Scenario {
        name: format!("seed {seed}"),
        seed,
        shuffle_ties: world.stream("ties").chance(1, 2),
        torrent,
        engines,
        trackers,
        peers,
        faults,
        expect: Vec::new(),
    }
}

/// How large a world is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Size {
    /// Blocks of 64 to 256 bytes, few peers.
    Small,
    /// Up to 30 peers and 1,024 blocks.
    Large,
    /// Few peers, blocks of 16 KiB as in life.
    Real,
    /// Few peers behind links so slow that they trade for minutes: choking rounds, turns and snubs take time.
    Slow,
}

/// What is decided for a world as a whole.
struct World {
    seed: Seed,
    size: Size,
    /// Areas in which something goes wrong.
    areas: Vec<Area>,
    /// Whether engines are among themselves.
    alone: bool,
    /// Whether anything may go wrong that keeps the content from being found.
    cruel: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let seed = Seed(seed);
        let mut rng = seed.stream("expand/size");
        let size = match rng.below(1_000) {
            0..900 => Size::Small,
            900..960 => Size::Large,
            960..990 => Size::Slow,
            _ => Size::Real,
        };
        // a third of a hundred worlds may lack a full copy or any way to it
        let cruel = rng.chance(3, 100);
        let alone = size == Size::Small && rng.chance(2, 100);
        let mut rng = seed.stream("expand/areas");
        let areas = catalogue::AREAS
            .iter()
            .copied()
            .filter(|_| rng.chance(1, 2))
            .collect();
        Self {
            seed,
            size,
            areas,
            alone,
            cruel,
        }
    }

    fn stream(&self, name: &str) -> Rng {
        self.seed.stream(&format!("expand/{name}"))
    }

    fn torrent(&self) -> TorrentSpec {
        let mut rng = self.stream("torrent");
        let (pieces, blocks, block) = match self.size {
            Size::Small => {
                let pieces = few(&mut rng, 4, 64);
                // about 150 blocks at the most: a world of a thousand events
                let blocks = within(&mut rng, 1, (150 / pieces).clamp(1, 8));
                (pieces, blocks, within(&mut rng, 64, 256))
            }
            Size::Large => {
                let pieces = few(&mut rng, 32, 256);
                (
                    pieces,
                    within(&mut rng, 1, 1_024 / pieces),
                    within(&mut rng, 64, 256),
                )
            }
            Size::Slow => (within(&mut rng, 16, 64), within(&mut rng, 1, 4), 64),
            Size::Real => (few(&mut rng, 2, 16), few(&mut rng, 1, 8), 16_384),
        };
        let piece = blocks * block;
        TorrentSpec {
            pieces,
            blocks,
            block,
            short: if rng.chance(1, 2) { rng.below(piece) } else { 0 },
            files: if rng.chance(1, 3) {
                within(&mut rng, 2, 6)
            } else {
                1
            },
            private: rng.chance(1, 8),
            magnet: self.magnet(),
        }
    }

    /// One world in eight begins with a link, unless engines are among themselves or the content is not to be found.
    fn magnet(&self) -> Option<MagnetSpec> {
        let mut rng = self.stream("magnet");
        let chosen = rng.chance(1, 8) && !self.alone && !self.cruel;
        // the dictionary of a small torrent is some hundred bytes
        let piece = match rng.below(3) {
            0 => 16_384,
            _ => within(&mut rng, 32, 256),
        };
        chosen.then_some(MagnetSpec { piece, broken: false })
    }

    fn engines(&self) -> Vec<EngineSpec> {
        let count = match self.stream("engines").below(10) {
            drawn if self.alone => 2 + drawn % 3,
            0..7 => 1,
            7..9 => 2,
            _ => 3,
        };
        (0..count).map(|n| self.engine(n)).collect()
    }

    fn engine(&self, n: u32) -> EngineSpec {
        let name = if n == 0 {
            "eng".into()
        } else {
            format!("eng{}", n + 1)
        };
        let mut rng = self.stream(&name);
        EngineSpec {
            // the first one downloads, so that there is something to see
            seed: n > 0 && (rng.chance(1, 3) || self.alone && n == 1),
            after: later(&mut rng, n > 0),
            config: self.config(&mut rng, &name),
            link: self.link(&name),
            behaviours: self.behaviours(&mut rng, catalogue::ENGINE, 2, params::for_hosts),
            name,
        }
    }

    fn config(&self, rng: &mut Rng, engine: &str) -> Vec<(String, Value)> {
        let mut config = params::config(rng);
        let slots = Value::Int(i64::from(within(rng, 1, 3)));
        if self.size == Size::Slow && config.iter().all(|(name, _)| name != "slots") {
            config.push(("slots".into(), slots));
        }
        config.extend(self.limits(engine));
        if self.stream(&format!("{engine}/super-seed")).chance(1, 8) {
            config.push(("super-seed".into(), Value::Bool(true)));
        }
        if self.stream(&format!("{engine}/priority")).chance(1, 4) {
            config.push(("canonical-priority".into(), Value::Bool(true)));
        }
        config
    }

    /// Rate limits, of an engine in eight: such that the content takes some seconds to a minute or two.
    fn limits(&self, engine: &str) -> Vec<(String, Value)> {
        let mut rng = self.stream(&format!("{engine}/limits"));
        let (low, high) = match self.size {
            Size::Small => (500, 20_000),
            Size::Large => (2_000, 100_000),
            Size::Real => (20_000, 2_000_000),
            Size::Slow => (100, 400),
        };
        let mut limits = Vec::new();
        for name in ["rate-down", "rate-up"] {
            let rate = few(&mut rng, low, high);
            if rng.chance(1, 16) {
                limits.push((name.into(), Value::Text(text::print_rate(rate.into()))));
            }
        }
        limits
    }

    fn trackers(&self) -> Vec<TrackerSpec> {
        let count = match self.stream("trackers").below(20) {
            0..2 if !self.alone => 0,
            0..12 => 1,
            12..17 => 2,
            _ => 3,
        };
        (0..count).map(|n| self.tracker(n)).collect()
    }

    fn tracker(&self, n: u32) -> TrackerSpec {
        let name = format!("t{n}");
        let mut rng = self.stream(&name);
        let udp = rng.chance(1, 2);
        let areas = if udp {
            catalogue::UDP_TRACKER
        } else {
            catalogue::HTTP_TRACKER
        };
        TrackerSpec {
            udp,
            // a second tracker shares the first one's tier now and then
            tier: if n > 0 && rng.chance(1, 4) { n - 1 } else { n },
            link: self.link(&name),
            // engines among themselves have no other way to find each other
            behaviours: if self.alone && n == 0 {
                Vec::new()
            } else {
                self.behaviours(&mut rng, areas, 2, |_| true)
            },
            name,
        }
    }

    fn peers(&self, trackers: &[TrackerSpec]) -> Vec<PeerSpec> {
        let mut rng = self.stream("peers");
        let count = match self.size {
            _ if self.alone => 0,
            Size::Small | Size::Real => within(&mut rng, 1, PEERS_SMALL),
            Size::Slow => within(&mut rng, 4, PEERS_SMALL),
            Size::Large => within(&mut rng, PEERS_SMALL + 1, PEERS_LARGE),
        };
        let way = trackers.iter().any(|tracker| tracker.behaviours.is_empty());
        (0..count).map(|n| self.peer(n, way)).collect()
    }

    /// The first peer is an honest full copy that can be found, unless the world is cruel.
    fn peer(&self, n: u32, way: bool) -> PeerSpec {
        let name = format!("p{n}");
        let mut rng = self.stream(&name);
        let honest = n == 0 && !self.cruel;
        let base = rng.below(10);
        // who trades has less than everything
        let base = if self.size == Size::Slow {
            4 + base % 3
        } else {
            base
        };
        let (leech, has) = match base {
            _ if honest => (false, 100),
            0..4 => (false, 100),
            4..7 => (true, few(&mut rng, 1, 90) - 1),
            _ => (false, within(&mut rng, 1, 99)),
        };
        PeerSpec {
            has,
            leech,
            after: later(&mut rng, !honest),
            dials: (honest && !way) || rng.chance(1, 3),
            link: self.link(&name),
            behaviours: if honest {
                Vec::new()
            } else {
                // what is wrong with encryption and in the local network is drawn where there is any
                let plain = |known: &Behaviour| !matches!(known.area, Area::Encryption | Area::Local);
                self.behaviours(&mut rng, catalogue::PEER, 3, plain)
            },
            name,
        }
    }

    fn link(&self, name: &str) -> LinkSpec {
        let mut rng = self.stream(&format!("{name}/link"));
        let rate = |rng: &mut Rng| match rng.below(4) {
            0 => u64::from(few(rng, 4, 1_000)) * 1_000,
            _ => 0,
        };
        let (up, down) = match self.size {
            // an engine is worth two peers, trackers send little
            Size::Slow if name.starts_with('e') => (u64::from(within(&mut rng, 100, 400)), 0),
            // a handshake to each of three engines gets out in time, even when it is resent
            Size::Slow if name.starts_with('p') => (u64::from(few(&mut rng, 48, 240)), 0),
            Size::Small | Size::Large | Size::Real | Size::Slow => (rate(&mut rng), rate(&mut rng)),
        };
        let rough = rng.chance(1, 4);
        let share = |rng: &mut Rng, most: u32| {
            if rough && rng.chance(1, 2) {
                rng.below(most + 1)
            } else {
                0
            }
        };
        LinkSpec {
            addresses: Addresses::V4,
            up,
            down,
            receive: LinkSpec::default().receive,
            latency: Duration::from_millis(u64::from(few(&mut rng, 1, 200))),
            jitter: Duration::from_millis(if rng.chance(1, 2) {
                u64::from(rng.below(50))
            } else {
                0
            }),
            loss: share(&mut rng, 300),
            duplicate: share(&mut rng, 100),
            reorder: share(&mut rng, 100),
            corrupt: share(&mut rng, 50),
        }
    }

    /// Up to `most` behaviours, none twice, of the areas that are on in this world.
    fn behaviours(
        &self,
        rng: &mut Rng,
        areas: &'static [Area],
        most: u32,
        allow: fn(&Behaviour) -> bool,
    ) -> Vec<Use> {
        let mut uses: Vec<Use> = Vec::new();
        let count = match rng.below(2) {
            0 => 0,
            _ => within(rng, 1, most),
        };
        let allowed = |known: &&Behaviour| self.areas.contains(&known.area) && allow(known);
        let known: Vec<_> = catalogue::of(areas).filter(allowed).collect();
        for _ in 0..count {
            let Some(chosen) = pick(rng, &known) else { break };
            if uses.iter().all(|used| used.name != chosen.name) {
                uses.push(use_of(rng, chosen, &[]));
            }
        }
        uses
    }
}

fn pick<'a, T>(rng: &mut Rng, of: &'a [T]) -> Option<&'a T> {
    if of.is_empty() {
        return None;
    }
    of.get(rng.below(of.len() as u32) as usize)
}

fn millis(millis: u32) -> Duration {
    Duration::from_millis(u64::from(millis))
}

/// A whole number of a range.
fn within(rng: &mut Rng, low: u32, high: u32) -> u32 {
    low + rng.below(high.max(low) - low + 1)
}

/// The same with small numbers more often: as many of each doubling.
fn few(rng: &mut Rng, low: u32, high: u32) -> u32 {
    let doublings = (high / low.max(1)).max(1).ilog2();
    let from = low << rng.below(doublings + 1);
    within(rng, from, (2 * from).min(high))
}

/// When somebody starts: half of those who may be late are.
fn later(rng: &mut Rng, may: bool) -> Duration {
    let after = millis(few(rng, 1, 30_000));
    if may && rng.chance(1, 2) {
        after
    } else {
        Duration::ZERO
    }
}

/// A behaviour as a drawn world has it, with some of its parameters set.
pub(crate) fn draw_use(rng: &mut Rng, behaviour: &Behaviour) -> Use {
    use_of(rng, behaviour, &[])
}

/// A fault for those who are in a world, out of any area; none if there is nobody whom it could happen to.
pub(crate) fn draw_fault(seed: Seed, scenario: &Scenario) -> Option<FaultSpec> {
    let world = World {
        areas: catalogue::AREAS.to_vec(),
        ..World::new(seed.0)
    };
    world.one_fault(&scenario.engines, &scenario.trackers, &scenario.peers)
}

/// A behaviour with some of its parameters set. `spare` are names that are not set.
fn use_of(rng: &mut Rng, behaviour: &Behaviour, spare: &[&str]) -> Use {
    let mut one = Use::new(behaviour.name);
    for param in params::of(behaviour) {
        let set = match param.often {
            Often::Always => true,
            Often::Half => rng.chance(1, 2),
            Often::Seldom => rng.chance(1, 4),
        };
        // drawn even if it is not set: one more parameter then changes no other
        let value = match param.kind {
            Kind::Int(low, high) => Value::Int(i64::from(within(rng, low, high))),
            Kind::Of(numbers) => Value::Int(pick(rng, numbers).copied().unwrap_or(0)),
            Kind::Time(low, high) => Value::Text(text::print_duration(millis(few(rng, low, high)))),
            Kind::Flag => Value::Bool(rng.chance(1, 2)),
            Kind::Word(words) => Value::Text(pick(rng, words).copied().unwrap_or_default().into()),
            Kind::Undrawn => continue,
        };
        if set && !spare.contains(&param.name) {
            one.params.push((param.name.into(), value));
        }
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::kdl::parse;
    use crate::scenario::print::print;

    #[test]
    fn every_generated_scenario_survives_its_file() {
        for seed in (0..300).chain([u64::MAX, u64::MAX / 3]) {
            let scenario = expand(seed);
            let file = print(&scenario);
            let again = parse(&file).unwrap_or_else(|mistake| panic!("seed {seed}: {mistake}\n{file}"));
            assert_eq!(again, scenario, "seed {seed}\n{file}");
            assert_eq!(print(&again), file);
        }
    }

    #[test]
    fn nine_worlds_in_ten_are_small() {
        let worlds: Vec<_> = (0..1_000).map(expand).collect();
        let small = worlds.iter().filter(|world| world.peers.len() <= 8).count();
        assert!((850..950).contains(&small), "{small}");
        let blocks = |world: &Scenario| world.torrent.pieces * world.torrent.blocks;
        assert!(worlds.iter().all(|world| blocks(world) <= 1_024));
        assert!(worlds.iter().any(|world| world.torrent.block == 16_384));
    }

    #[test]
    fn an_honest_copy_can_nearly_always_be_found() {
        let found = |world: &Scenario| {
            let way = world.trackers.iter().any(|tracker| tracker.behaviours.is_empty());
            world
                .peers
                .iter()
                .any(|peer| peer.has == 100 && peer.behaviours.is_empty() && (way || peer.dials))
        };
        let count = (0..1_000).map(expand).filter(found).count();
        assert!(count >= 950, "{count}");
    }

    #[test]
    fn entities_draw_from_streams_of_their_own() {
        let world = World::new(7);
        let alone = world.peer(3, true);
        world.peer(1, true);
        world.link("t0");
        assert_eq!(world.peer(3, true), alone);
    }
}
