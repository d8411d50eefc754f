//! Engines on their hosts, in worlds over the basic network.

mod crash;
mod disk;
mod host;

use super::*;
use crate::sample::engine_ip;
use crate::scenario::{LinkSpec, TorrentSpec, Value};
use crate::world::{ActorId, World};
use seedbed_engine::TorrentState;
use seedbed_engine::time::Duration;

/// A torrent of some pieces with two blocks each, over two files, with a short end.
fn sample(pieces: u32) -> Sample {
    let spec = TorrentSpec {
        pieces,
        blocks: 2,
        block: 64,
        short: 40,
        files: 2,
        private: false,
        magnet: None,
    };
    Sample::new(&spec, &[], Seed(9)).unwrap()
}

fn spec(name: &str, seed: bool) -> EngineSpec {
    EngineSpec {
        name: name.into(),
        seed,
        after: Duration::ZERO,
        config: vec![
            ("resume-interval".into(), Value::Text("1s".into())),
            ("retry-min".into(), Value::Text("2s".into())),
            ("disk-retry".into(), Value::Text("3s".into())),
        ],
        link: LinkSpec::default(),
        behaviours: Vec::new(),
    }
}

/// A world with a seed and a leech that know each other.
struct Pair {
    world: World,
    seed: ActorId,
    leech: ActorId,
}

impl Pair {
    fn new(sample: &Sample, behaviours: &[Use]) -> Self {
        Self::with(sample, behaviours, &[])
    }

    fn with(sample: &Sample, behaviours: &[Use], config: &[(&str, Value)]) -> Self {
        let names = ["seed", "leech"];
        let addr = |n: u32| SocketAddr::new(engine_ip(n), PORT);
        let known = Known {
            actors: (0..2).map(|n| (names[n as usize].into(), addr(n))).collect(),
            trackers: Vec::new(),
            ..Known::default()
        };
        let mut world = World::new(Seed(4));
        world.telling = true;
        let mut add = |n: u32, mut spec: EngineSpec| {
            if !spec.seed {
                spec.behaviours = behaviours.to_vec();
                spec.config
                    .extend(config.iter().map(|(name, value)| ((*name).into(), value.clone())));
            }
            let mut host = EngineHost::new(&spec, sample, Seed(4), &known).unwrap();
            host.tell(Level::Brief);
            world.add(names[n as usize], engine_ip(n), Box::new(host), Duration::ZERO)
        };
        let (seed, leech) = (add(0, spec("seed", true)), add(1, spec("leech", false)));
        Self { world, seed, leech }
    }

    fn leech(&self) -> &EngineHost {
        self.world.actor(self.leech).unwrap()
    }

    fn seed(&self) -> &EngineHost {
        self.world.actor(self.seed).unwrap()
    }

    fn run(&mut self, secs: u64) -> bool {
        let leech = self.leech;
        let limit = self.world.now + Duration::from_secs(secs);
        self.world.run_until(limit, |world| {
            world.actor::<EngineHost>(leech).unwrap().is_complete()
        })
    }

    fn pass(&mut self, secs: u64) {
        let limit = self.world.now + Duration::from_secs(secs);
        self.world.run_until(limit, |_| false);
    }

    fn inflict(&mut self, who: ActorId, what: &Use, begins: bool) {
        inflict(&mut self.world, who, what, begins).unwrap();
    }

    fn state(&self) -> TorrentState {
        self.leech().engine().unwrap().torrent(TORRENT).unwrap().state()
    }

    fn lines(&self) -> String {
        self.world.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

#[test]
fn a_leech_gets_everything_from_a_seed() {
    let sample = sample(8);
    let mut pair = Pair::new(&sample, &[]);
    assert!(pair.run(60), "{}", pair.lines());
    assert!(pair.leech().disk().holds(&sample));
    for host in [pair.seed(), pair.leech()] {
        assert_eq!(host.disk().violations(), [] as [&str; 0]);
        assert!(!host.disk().is_tampered());
    }
    let lines = pair.lines();
    for part in ["leech <>  seed  handshake", "p7 verified", "completed", "unchoke"] {
        assert!(lines.contains(part), "{part} is not in\n{lines}");
    }
}

#[test]
fn equal_worlds_have_equal_digests_and_others_do_not() {
    let sample = sample(6);
    let digests = |behaviours: &[Use]| {
        let mut pair = Pair::new(&sample, behaviours);
        let mut digests = Vec::new();
        while !pair.leech().is_complete() {
            assert!(pair.world.step());
            digests.push(pair.leech().engine().map_or(0, Engine::digest));
        }
        let whole = pair.leech().engine().unwrap().digest_whole();
        (digests, whole)
    };
    let (steps, whole) = digests(&[]);
    assert_eq!(digests(&[]), (steps.clone(), whole));
    let (others, another) = digests(&[Use::new("slow-hash").with("by", 3)]);
    assert_ne!(others, steps);
    assert_ne!(another, whole);
    let mut distinct = steps.clone();
    distinct.dedup();
    let (distinct, all) = (distinct.len(), steps.len());
    assert!(distinct * 6 > all, "{distinct} of {all}");
}

#[test]
fn figures_agree_with_what_is_counted_again() {
    let sample = sample(6);
    let mut pair = Pair::new(&sample, &[]);
    let mut owed = 0;
    while !pair.leech().is_complete() {
        assert!(pair.world.step());
        for host in [pair.seed(), pair.leech()] {
            let Some(engine) = host.engine() else { continue };
            assert!(engine.is_settled() && engine.half_open() <= engine.connections());
            let figures = engine.torrent(TORRENT).unwrap().figures();
            let (verified, counted) = figures.verified();
            assert_eq!(verified, counted);
            let (writing, counted) = figures.writing();
            assert_eq!(writing, counted);
            assert_eq!(figures.dirty(), 0);
            for piece in (0..6).map(seedbed_engine::id::PieceIndex) {
                let (kept, counted) = figures.availability(piece);
                assert_eq!(kept, counted);
            }
            owed += figures.owed().count();
            let requested: usize = figures.peers().map(|peer| peer.requested().count()).sum();
            assert_eq!(figures.owed().count(), requested);
            for peer in figures.peers().filter(|peer| peer.is_open()) {
                let (_, kept, counted) = peer.interested();
                assert_eq!(kept, counted);
                assert_eq!(peer.outstanding(), peer.requests().count());
            }
        }
    }
    assert!(owed > 0, "nothing was ever requested");
}
