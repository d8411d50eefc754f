//! Every behaviour alone against an engine, with an honest seed beside it: the mark fires, the reaction is the row's.

use super::catalogue::ENTRIES;
use super::*;
use crate::host::{EngineHost, Level};
use crate::sample::{engine_ip, peer_ip};
use crate::scenario::{EngineSpec, LinkSpec, MagnetSpec, TorrentSpec, Use, Value};
use crate::world::{ActorId, World};
use seedbed_engine::Report;
use seedbed_engine::report::PeerClosed;
use std::net::IpAddr;

/// What a run came to.
struct Outcome {
    world: World,
    engine: ActorId,
    peer: ActorId,
    honest: ActorId,
}

impl Outcome {
    fn engine(&self) -> &EngineHost {
        self.world.actor(self.engine).unwrap()
    }

    fn peer(&self, id: ActorId) -> &ModelPeer {
        self.world.actor(id).unwrap()
    }

    /// Why the engine ended connections with this address.
    fn ends(&self, ip: IpAddr) -> Vec<String> {
        let of = |(_, report): &(Instant, Report)| match report {
            Report::PeerClosed {
                addr,
                why: PeerClosed::ByUs(end),
                ..
            } if addr.ip() == ip => Some(end.to_string()),
            _ => None,
        };
        self.engine().reports().filter_map(of).collect()
    }

    fn banned(&self, ip: IpAddr) -> bool {
        let of = |(_, report): &(Instant, Report)| matches!(report, Report::Banned { ip: whom, .. } if *whom == ip);
        self.engine().reports().any(of)
    }

    fn wasted_pieces(&self) -> usize {
        let of = |(_, report): &&(Instant, Report)| matches!(report, Report::PieceFailed { .. });
        self.engine().reports().filter(of).count()
    }
}

const PEER: u32 = 0;
const HONEST: u32 = 1;

fn spec(name: &str, has: u32, dials: bool, after: u64) -> PeerSpec {
    PeerSpec {
        name: name.into(),
        has,
        leech: true,
        after: Duration::from_secs(after),
        dials,
        link: LinkSpec::default(),
        behaviours: Vec::new(),
    }
}

fn torrent() -> TorrentSpec {
    TorrentSpec {
        pieces: 14,
        blocks: 4,
        block: 64,
        short: 30,
        files: 1,
        private: false,
        magnet: None,
    }
}

/// Encryption only where it matters: with it, an engine dials otherwise.
fn config(behaviours: &[Use]) -> Vec<(String, Value)> {
    let mut config = vec![
        ("retry-min".into(), Value::Text("5s".into())),
        ("pex".into(), Value::Bool(true)),
        ("dont-have".into(), Value::Bool(true)),
        ("lsd".into(), Value::Bool(true)),
    ];
    let encrypts = |one: &Use| catalogue::find(&one.name).is_some_and(|entry| entry.kind.is_of_encryption());
    if behaviours.iter().any(encrypts) {
        config.push(("encryption".into(), Value::Text("prefer".into())));
    }
    config
}

/// Runs a peer with these behaviours against an engine; the honest seed comes after `honest_after` seconds.
fn run(scene: Scene, behaviours: &[Use], honest_after: u64, until: u64) -> Outcome {
    run_with(scene, behaviours, honest_after, until, false)
}

fn run_with(scene: Scene, behaviours: &[Use], honest_after: u64, until: u64, tell: bool) -> Outcome {
    let seed = Seed(11);
    let mut torrent = torrent();
    torrent.magnet = (scene == Scene::Link).then_some(MagnetSpec {
        piece: 64,
        broken: false,
    });
    let sample = Sample::new(&torrent, &[], seed).unwrap();
    let addr = |ip| SocketAddr::new(ip, PORT);
    let mut to_engine = vec![("h".to_string(), addr(peer_ip(HONEST)))];
    let dialled = matches!(scene, Scene::Serves | Scene::Link);
    if dialled {
        to_engine.push(("p".into(), addr(peer_ip(PEER))));
    }
    let known = |actors| Known {
        actors,
        trackers: Vec::new(),
        ..Known::default()
    };
    let host = EngineSpec {
        name: "eng".into(),
        seed: scene == Scene::Fetches,
        after: Duration::ZERO,
        config: config(behaviours),
        link: LinkSpec::default(),
        behaviours: Vec::new(),
    };
    let mut world = World::new(seed);
    world.telling = tell;
    let mut host = EngineHost::new(&host, &sample, seed, &known(to_engine)).unwrap();
    if tell {
        host.tell(Level::Full);
    }
    let to_peers = known(vec![("eng".into(), addr(engine_ip(0)))]);
    let fetches = scene == Scene::Fetches;
    let mut liar = spec("p", if fetches { 0 } else { 100 }, !dialled, u64::from(fetches));
    liar.behaviours = behaviours.to_vec();
    let honest = spec("h", if fetches { 0 } else { 100 }, true, honest_after);
    let peer = ModelPeer::new(&liar, &sample, seed, &to_peers);
    let good = ModelPeer::new(&honest, &sample, seed, &to_peers);
    let engine = world.add("eng", engine_ip(0), Box::new(host), Duration::ZERO);
    let peer = world.add("p", peer_ip(PEER), Box::new(peer), liar.after);
    let honest = world.add("h", peer_ip(HONEST), Box::new(good), honest.after);
    world.run_until(Instant::from_secs(until), |_| false);
    Outcome {
        world,
        engine,
        peer,
        honest,
    }
}

/// What is wrong with the engine's reaction, if anything.
fn wrong(entry: &Entry, outcome: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    let ip = peer_ip(PEER);
    let (name, ends, banned) = (entry.behaviour.name, outcome.ends(ip), outcome.banned(ip));
    if outcome.world.marks.count(name) == 0 {
        wrong.push("did not fire".into());
    }
    let violation = ends.iter().any(|end| {
        ![
            "both sides",
            "already connected",
            "no interest",
            "address is banned",
        ]
        .iter()
        .any(|fine| end.contains(fine))
    });
    match entry.reaction {
        Reaction::Closed(part) if !ends.iter().any(|end| end.contains(part)) => {
            wrong.push(format!("was not closed with {part:?}"));
        }
        Reaction::Banned if !banned => wrong.push("was not banned".into()),
        Reaction::Kept if violation => wrong.push("was not kept".into()),
        _ => {}
    }
    if banned && entry.reaction != Reaction::Banned {
        wrong.push("was banned".into());
    }
    if outcome.banned(peer_ip(HONEST)) {
        wrong.push("the honest one was banned".into());
    }
    if !outcome.engine().is_complete() {
        wrong.push("the engine is not complete".into());
    }
    if !outcome.peer(outcome.honest).is_seed() {
        wrong.push("the honest one is not complete".into());
    }
    for id in [outcome.peer, outcome.honest] {
        let peer = outcome.peer(id);
        wrong.extend(
            peer.violations
                .iter()
                .take(3)
                .map(|(at, text)| format!("{} at {at}: {text}", peer.name)),
        );
    }
    if !wrong.is_empty() {
        wrong.push(format!("ends: {ends:?}"));
    }
    wrong
}

#[test]
fn every_behaviour_gets_its_reaction() {
    let mut bad = Vec::new();
    for entry in &ENTRIES {
        let (honest_after, until) = match entry.reaction {
            Reaction::Closed("silent for too long") => (300, 450),
            Reaction::Closed("no interest on either side") => (5, 900),
            _ => (5, 450),
        };
        let outcome = run(
            entry.scene,
            &[Use::new(entry.behaviour.name)],
            honest_after,
            until,
        );
        let wrong = wrong(entry, &outcome);
        if !wrong.is_empty() {
            bad.push(format!(
                "{} {}: {}",
                entry.behaviour.row,
                entry.behaviour.name,
                wrong.join("; ")
            ));
        }
        assert!(
            outcome.wasted_pieces() <= 4,
            "{}: {}",
            entry.behaviour.name,
            outcome.wasted_pieces()
        );
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// A behaviour and a good peer beside each other say the same of an engine: nothing.
#[test]
fn behaviours_compose_and_blame_nobody_else() {
    let mut rng = Seed(5).stream("mixes");
    for n in 0..150 {
        let scene = [Scene::Serves, Scene::DialsAndServes, Scene::Fetches][n % 3];
        let uses: Vec<Use> = (0..1 + rng.below(3)).map(|_| sample(&mut rng)).collect();
        let outcome = run(scene, &uses, u64::from(rng.below(10)), 300);
        let (peer, honest) = (outcome.peer(outcome.peer), outcome.peer(outcome.honest));
        let able = capability(&peer.spec, torrent().pieces, Seed(11));
        assert_eq!(able.honest, peer.honest);
        assert!(outcome.engine().is_complete() && honest.is_seed(), "{uses:?}");
        assert!(!outcome.banned(peer_ip(HONEST)), "{uses:?}");
        assert!(!peer.honest || !outcome.banned(peer_ip(PEER)), "{uses:?}");
        let said: Vec<_> = peer
            .certain_violations()
            .chain(honest.certain_violations())
            .collect();
        assert!(said.is_empty(), "{uses:?}: {said:?}");
    }
}

/// What a behaviour leaves of a peer is enough for an engine that has nobody else.
#[test]
fn who_can_be_relied_on_serves_everything_alone() {
    let alone = |entry: &&Entry| {
        // a block a minute is slow work, and is looked at in a test of its own
        let slow = entry.behaviour.name == "drips";
        entry.trust == Trust::Serves && entry.scene != Scene::Fetches && !slow
    };
    let mut bad = Vec::new();
    for entry in ENTRIES.iter().filter(alone) {
        let outcome = run(entry.scene, &[Use::new(entry.behaviour.name)], 100_000, 6_000);
        if !outcome.engine().is_complete() {
            bad.push(entry.behaviour.name);
        }
    }
    let taking = |entry: &&Entry| entry.trust == Trust::Serves && entry.scene == Scene::Fetches;
    for entry in ENTRIES.iter().filter(taking) {
        let uses = [Use::new(entry.behaviour.name)];
        let outcome = run(entry.scene, &uses, 100_000, 1_000);
        let unable = entry.behaviour.name == "never-requests";
        if outcome.peer(outcome.peer).is_seed() == unable {
            bad.push(entry.behaviour.name);
        }
    }
    assert!(bad.is_empty(), "{bad:?}");
}

/// A request that a slow feeder has not answered is not said a second time; its cancel has to be answered first.
#[test]
fn requests_are_not_repeated_to_a_slow_feeder() {
    for name in ["drips", "snubs", "late-blocks"] {
        let outcome = run(Scene::Serves, &[Use::new(name)], 100_000, 2_000);
        assert!(outcome.world.marks.count(name) > 0);
        assert_eq!(outcome.peer(outcome.peer).violations, [], "{name}");
    }
}
