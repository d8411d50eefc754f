//! A world made of another: a few of its lines are left out, added, changed, or taken from a third.
//!
//! The first peer, the first tracker and the first engine stay what they are, so that who could finish still can. What is
//! wrong with encryption and in the local network is not added, as the generator adds it only where all are of a mind.

use crate::catalogue;
use crate::scenario::expand::draw_use;
use crate::scenario::{Area, FaultSpec, Scenario, Use, Value, When, params};
use crate::seed::Seed;
use seedbed_engine::rng::Rng;
use seedbed_engine::time::Duration;

/// Lines that one world may come to have more than the generator gives it.
const PEERS_MAX: usize = 32;
const FAULTS_MAX: usize = 8;
const BEHAVIOURS_MAX: usize = 4;

/// What is drawn before the one that the fewest worlds had is added.
const DRAWN: usize = 3;

/// What is added at a time.
const ADDED_MAX: u32 = 5;

/// How many worlds a mark was hit in so far.
type Seen<'a> = &'a dyn Fn(&str) -> u32;

/// Another world: one with a part of another, and with more that goes wrong.
///
/// It is run with another seed, so that what both have in common happens at other times.
pub fn mutate(scenario: &Scenario, other: &Scenario, seen: Seen<'_>, rng: &mut Rng) -> Scenario {
    let mut made = scenario.clone();
    match rng.below(6) {
        0 | 1 => {
            for _ in 0..=rng.below(3) {
                take_peer(&mut made, other, rng);
            }
        }
        2 => take_faults(&mut made, other),
        3 => take_settings(&mut made, other, rng),
        4 => leave_out(&mut made, rng),
        _ => resize(&mut made, rng),
    }
    for _ in 0..rng.below(ADDED_MAX + 1) {
        if rng.chance(1, 2) {
            add_behaviour(&mut made, seen, rng);
        } else {
            add_fault(&mut made, seen, rng);
        }
    }
    made.seed = u64::from(rng.next_u32());
    made.name = "invented".into();
    made
}

/// How an engine is set up, or how the torrent is given: as in the other world.
fn take_settings(made: &mut Scenario, other: &Scenario, rng: &mut Rng) {
    if rng.chance(1, 2) {
        (made.torrent.private, made.torrent.magnet) = (other.torrent.private, other.torrent.magnet);
    }
    let of_all = |(name, _): &(String, Value)| matches!(name.as_str(), "encryption" | "lsd");
    for (engine, like) in made.engines.iter_mut().zip(&other.engines) {
        engine.config.retain(of_all);
        let taken = like.config.iter().filter(|one| !of_all(one));
        engine.config.extend(taken.cloned());
    }
}

fn one<'a, T>(of: &'a mut [T], rng: &mut Rng) -> Option<&'a mut T> {
    let count = u32::try_from(of.len()).ok().filter(|count| *count > 0)?;
    of.get_mut(rng.below(count) as usize)
}

fn leave_out(made: &mut Scenario, rng: &mut Rng) {
    let at = |count: usize, rng: &mut Rng| rng.below(count as u32) as usize;
    match rng.below(3) {
        0 if !made.faults.is_empty() => {
            let n = at(made.faults.len(), rng);
            made.faults.remove(n);
        }
        1 if made.peers.len() > 2 => {
            let n = 1 + at(made.peers.len() - 1, rng);
            let gone = made.peers.remove(n);
            made.faults.retain(|fault| !names(fault, &gone.name));
        }
        _ => {
            if let Some(peer) = one(&mut made.peers, rng) {
                peer.behaviours.pop();
            }
        }
    }
}

/// Whether a fault has to do with somebody.
fn names(fault: &FaultSpec, who: &str) -> bool {
    let waits = matches!(&fault.when, When::On(_, with) if with == who);
    waits || fault.targets.iter().any(|target| target == who) || fault.what.text("who") == Some(who)
}

fn add(to: &mut Vec<Use>, areas: &'static [Area], allow: fn(&Use) -> bool, seen: Seen<'_>, rng: &mut Rng) {
    let known: Vec<_> = catalogue::of(areas)
        .filter(|known| !matches!(known.area, Area::Encryption | Area::Local))
        .collect();
    let drawn: Vec<_> = (0..DRAWN)
        .filter_map(|_| known.get(rng.below(known.len() as u32) as usize))
        .collect();
    let Some(chosen) = drawn.into_iter().min_by_key(|known| seen(known.name)) else {
        return;
    };
    let used = draw_use(rng, chosen);
    if to.len() < BEHAVIOURS_MAX && to.iter().all(|one| one.name != used.name) && allow(&used) {
        to.push(used);
    }
}

fn add_behaviour(made: &mut Scenario, seen: Seen<'_>, rng: &mut Rng) {
    match rng.below(6) {
        0 => {
            if let Some(engine) = one(&mut made.engines, rng) {
                let of_hosts = |used: &Use| {
                    let mut known = catalogue::of(catalogue::ENGINE);
                    known.any(|known| known.name == used.name && params::for_hosts(known))
                };
                add(&mut engine.behaviours, catalogue::ENGINE, of_hosts, seen, rng);
            }
        }
        1 if made.trackers.len() > 1 => {
            if let Some(tracker) = one(&mut made.trackers[1..], rng) {
                let areas = if tracker.udp {
                    catalogue::UDP_TRACKER
                } else {
                    catalogue::HTTP_TRACKER
                };
                add(&mut tracker.behaviours, areas, |_| true, seen, rng);
            }
        }
        _ if made.peers.len() > 1 => {
            if let Some(peer) = one(&mut made.peers[1..], rng) {
                add(&mut peer.behaviours, catalogue::PEER, |_| true, seen, rng);
            }
        }
        _ => {}
    }
}

/// One more fault, as another seed would have it.
fn add_fault(made: &mut Scenario, seen: Seen<'_>, rng: &mut Rng) {
    if made.faults.len() < FAULTS_MAX {
        let draw = |rng: &mut Rng| crate::scenario::expand::draw_fault(Seed(u64::from(rng.next_u32())), made);
        let drawn: Vec<_> = (0..DRAWN).filter_map(|_| draw(rng)).collect();
        let rarest = drawn.into_iter().min_by_key(|fault| seen(&fault.what.name));
        made.faults.extend(rarest);
    }
}

/// A peer of the other world, under a name of its own.
fn take_peer(made: &mut Scenario, other: &Scenario, rng: &mut Rng) {
    let Some(mut peer) = one(&mut other.peers.clone(), rng).cloned() else {
        return;
    };
    // encryption is a matter of all
    let alone = peer.behaviours.iter().any(|used| {
        let mut of = catalogue::of(&[Area::Encryption, Area::Local]);
        of.any(|known| known.name == used.name)
    });
    if alone || made.peers.len() >= PEERS_MAX {
        return;
    }
    let free = (0..).map(|n| format!("p{n}"));
    let mut free = free.filter(|name| made.peers.iter().all(|peer| peer.name != *name));
    peer.name = free.next().unwrap_or_default();
    made.peers.push(peer);
}

/// The faults of the other world that can happen to those who are here.
fn take_faults(made: &mut Scenario, other: &Scenario) {
    let engines = made.engines.iter().map(|one| &one.name);
    let peers = made.peers.iter().map(|one| &one.name);
    let trackers = made.trackers.iter().map(|one| &one.name);
    let here: Vec<&String> = engines.chain(peers).chain(trackers).collect();
    let known = |fault: &&FaultSpec| {
        let who = fault.what.text("who").map(str::to_owned);
        fault.targets.iter().chain(&who).all(|name| here.contains(&name)) && matches!(fault.when, When::At(_))
    };
    let taken: Vec<_> = other.faults.iter().filter(known).cloned().collect();
    let room = FAULTS_MAX.saturating_sub(made.faults.len());
    made.faults.extend(taken.into_iter().take(room));
}

/// Fewer or more pieces, or everything earlier.
fn resize(made: &mut Scenario, rng: &mut Rng) {
    match rng.below(3) {
        0 => made.torrent.pieces = (made.torrent.pieces / 2).max(2 * made.torrent.files),
        1 if made.torrent.pieces * made.torrent.blocks <= 128 => made.torrent.pieces *= 2,
        _ => {
            for fault in &mut made.faults {
                if let When::At(at) = &mut fault.when {
                    *at = Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(0) / 2);
                }
            }
        }
    }
}
