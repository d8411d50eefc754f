//! From a scenario to its world.

use crate::host::EngineHost;
use crate::oracle::{Setup, Watch};
use crate::queue::Queue;
use crate::run::core::lies;
use crate::sample::{Known, PORT, Sample, addresses, engine_ip, peer_ip, tracker_ip};
use crate::scenario::{EngineSpec, Scenario, Value};
use crate::seed::Seed;
use crate::tracker::check::Rules;
use crate::tracker::{TrackerHost, names};
use crate::world::World;
use std::net::{IpAddr, SocketAddr};

/// What makes a disk give back other bytes than it was given and told to hold.
const DISHONEST_DISKS: &[&str] = &[
    "bit-rot",
    "file-deleted",
    "file-grown",
    "file-replaced",
    "file-truncated",
    "lying-fsync",
    "misdirected-write",
    "torn-write",
];

/// Port of trackers.
const TRACKER_PORT: u16 = 6969;

/// Builds the world of a scenario, with a watch at each engine.
///
/// # Errors
/// Says what of the scenario makes no world: a name that is there twice or not at all, sizes that make no torrent.
pub fn build(scenario: &Scenario) -> Result<World, String> {
    if scenario.engines.is_empty() {
        return Err("a scenario has at least one engine".into());
    }
    let seed = Seed(scenario.seed);
    let known = known(scenario)?;
    let tiers = tiers(scenario, &known);
    let sample = Sample::new(&scenario.torrent, &tiers, seed).map_err(|error| error.to_string())?;
    let mut world = World::new(seed);
    world.queue = Queue::new(scenario.shuffle_ties.then_some(scenario.seed));
    for (spec, n) in scenario.trackers.iter().zip(0..) {
        let mut tracker = TrackerHost::new(spec, &sample, seed, &known)?;
        *tracker.rules_mut() = Rules::of_scenario(scenario, spec);
        let ips = addresses(tracker_ip(n), &spec.link);
        let id = world.add_at(&spec.name, &ips, Box::new(tracker), Default::default());
        world.net.set_link(id, spec.link);
        for name in names::set(&mut world.net.dns, spec, &ips) {
            world.marks.hit(name);
        }
    }
    for (spec, n) in scenario.peers.iter().zip(0..) {
        super::core::add_peer(&mut world, spec, n, &sample, &known);
    }
    let honest = honest(scenario);
    for (spec, n) in scenario.engines.iter().zip(0..) {
        let mut host = EngineHost::new(spec, &sample, seed, &known)?;
        host.set_watch(Watch::new(Setup {
            config: host.config().clone(),
            metainfo: sample.metainfo.clone(),
            content: sample.content.clone(),
            broken: scenario.torrent.magnet.is_some_and(|magnet| magnet.broken),
            trackers: known
                .trackers
                .iter()
                .zip(&scenario.trackers)
                .flat_map(|((_, addr, _), spec)| names::addresses(spec, addr.ip()))
                .collect(),
            honest: honest.clone(),
            others: others(&known, &spec.name),
        }));
        let ips = addresses(engine_ip(n), &spec.link);
        let id = world.add_at(&spec.name, &ips, Box::new(host), spec.after);
        world.net.set_link(id, spec.link);
    }
    Ok(world)
}

/// Everybody but one.
fn others(known: &Known, but: &str) -> Vec<IpAddr> {
    let others = known.actors.iter().filter(|(name, _)| name != but);
    others.map(|(_, addr)| addr.ip()).collect()
}

/// Who is where.
fn known(scenario: &Scenario) -> Result<Known, String> {
    let mut known = Known::default();
    let engines = scenario.engines.iter().zip(0..);
    let peers = scenario.peers.iter().zip(0..);
    for (name, ips) in engines
        .map(|(spec, n)| (&spec.name, addresses(engine_ip(n), &spec.link)))
        .chain(peers.map(|(spec, n)| (&spec.name, addresses(peer_ip(n), &spec.link))))
    {
        let all = ips
            .into_iter()
            .map(|ip| (name.clone(), SocketAddr::new(ip, PORT)));
        known.actors.extend(all);
    }
    let required = ("encryption".to_owned(), Value::Text("require".into()));
    let encrypted = scenario
        .engines
        .iter()
        .filter(|spec| spec.config.contains(&required));
    known.encrypted = encrypted.map(|spec| spec.name.clone()).collect();
    for (spec, n) in scenario.trackers.iter().zip(0..) {
        let ips = addresses(tracker_ip(n), &spec.link);
        let addr = SocketAddr::new(ips.first().copied().unwrap_or(tracker_ip(n)), TRACKER_PORT);
        let url = names::url(spec, addr.ip(), addr.port());
        known.trackers.push((spec.name.clone(), addr, url));
    }
    let engines = scenario.engines.iter().map(|spec| spec.name.as_str());
    let mut names: Vec<&str> = engines.collect();
    names.extend(scenario.peers.iter().map(|spec| spec.name.as_str()));
    names.extend(scenario.trackers.iter().map(|spec| spec.name.as_str()));
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("two actors are called {:?}", pair[0])),
        None => Ok(known),
    }
}

/// The torrent's trackers by tier.
fn tiers(scenario: &Scenario, known: &Known) -> Vec<Vec<String>> {
    let last = scenario.trackers.iter().map(|spec| spec.tier).max();
    let of = |tier: u32| {
        let all = scenario.trackers.iter().zip(&known.trackers);
        let of = all.filter(|(spec, _)| spec.tier == tier);
        of.map(|(_, (_, _, url))| url.clone()).collect::<Vec<_>>()
    };
    let tiers = last.map_or(0..0, |last| 0..last + 1).map(of);
    tiers.filter(|tier| !tier.is_empty()).collect()
}

/// Addresses of those who never send wrong data. An engine whose disk breaks its word may: it cannot know.
fn honest(scenario: &Scenario) -> Vec<IpAddr> {
    let sound = |spec: &EngineSpec| {
        let faults = scenario
            .faults
            .iter()
            .filter(|fault| fault.targets.contains(&spec.name));
        let mut all = faults.map(|fault| &fault.what).chain(&spec.behaviours);
        !all.any(|used| DISHONEST_DISKS.contains(&used.name.as_str()))
    };
    let engines = scenario.engines.iter().zip(0..).filter(|(spec, _)| sound(spec));
    let engines = engines.flat_map(|(spec, n)| addresses(engine_ip(n), &spec.link));
    let peers = scenario.peers.iter().zip(0..).filter(|(spec, _)| !lies(spec));
    engines
        .chain(peers.flat_map(|(spec, n)| addresses(peer_ip(n), &spec.link)))
        .collect()
}
