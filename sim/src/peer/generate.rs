//! Behaviours for generated worlds, and what a peer with behaviours can still be counted on for.

use super::behave::duration;
use super::catalogue::{ENTRIES, Entry, PLAIN_COUNT, Trust, find};
use crate::scenario::{PeerSpec, Use, Value};
use crate::seed::Seed;
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::id::PieceIndex;
use seedbed_engine::rng::Rng;

/// What a peer is good for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Capability {
    /// Whether nothing that it does sends provably bad data: then it must never be banned.
    pub honest: bool,
    /// Pieces that it will serve honestly, in the end, to an engine that it is connected to.
    pub serves: Bitfield,
    /// Whether it can take what an engine gives, and go on to the end.
    pub fetches: bool,
}

/// What a peer can be relied on for. It says nothing about its link and about faults that hit it.
pub fn capability(spec: &PeerSpec, pieces: u32, seed: Seed) -> Capability {
    let trusts = spec
        .behaviours
        .iter()
        .filter_map(|params| find(&params.name).map(|entry| trust(entry, params)));
    let worst = trusts.max().unwrap_or(Trust::Serves);
    Capability {
        honest: worst != Trust::Lies,
        serves: if worst == Trust::Serves {
            pieces_at_start(spec, pieces, seed)
        } else {
            Bitfield::new(pieces)
        },
        fetches: spec.leech && worst == Trust::Serves,
    }
}

/// What a use of a behaviour leaves of the trust in a peer: one that goes by leaves all, unless it gets the peer
/// banned or given up.
fn trust(entry: &Entry, params: &Use) -> Trust {
    let passes = duration(params, "for").is_some() || params.int("times", i64::MAX) < 100;
    let harmless = matches!(entry.behaviour.name, "snubs" | "rejects-all" | "reject-unchoke");
    if passes && harmless {
        return Trust::Serves;
    }
    // it stops in mid-flap, with the door shut
    if passes && entry.behaviour.name == "flaps-choke" {
        return Trust::Fails;
    }
    entry.trust
}

/// The pieces that a peer begins with.
pub fn pieces_at_start(spec: &PeerSpec, pieces: u32, seed: Seed) -> Bitfield {
    let count = (u64::from(pieces) * u64::from(spec.has)).div_ceil(100);
    if count >= u64::from(pieces) {
        return Bitfield::full(pieces);
    }
    let mut order: Vec<u32> = (0..pieces).collect();
    seed.stream(&format!("{}/has", spec.name)).shuffle(&mut order);
    let mut have = Bitfield::new(pieces);
    for piece in order.into_iter().take(count as usize) {
        have.insert(PieceIndex(piece));
    }
    have
}

/// A behaviour for a generated peer, with parameters.
pub fn sample(rng: &mut Rng) -> Use {
    let entry = &ENTRIES[rng.below(PLAIN_COUNT as u32) as usize];
    let mut params = Use::new(entry.behaviour.name);
    match entry.behaviour.name {
        "corrupts" => params = params.with("bit", i64::from(rng.below(2))),
        "colludes" => params = params.with("part", i64::from(rng.below(2))),
        "corrupts-one-block" => params = params.with("block", i64::from(rng.below(3))),
        "odd-reqq" => params = params.with("reqq", [0, 1, 3, 1 << 31][rng.below(4) as usize]),
        "reset-at" => params = params.with("bytes", i64::from(rng.below(2000))),
        "handshake-cut" => params = params.with("bytes", i64::from(rng.below(68))),
        "wrong-protocol" => params = params.with("byte", i64::from(rng.below(20))),
        "bitfield-length" => params = params.with("shorter", i64::from(rng.below(2))),
        "chunked" => params = params.with("bytes", i64::from(2 + rng.below(200))),
        "huge-length" => {
            let length = [1 << 31, (1 << 32) - 1, 1_048_577, 300_000][rng.below(4) as usize];
            params = params.with("length", length);
        }
        "drips" => params
            .params
            .push(("gap".into(), Value::Text(format!("{}s", 1 + rng.below(59))))),
        "connect-flood" => params = params.with("n", [10, 50, 300][rng.below(3) as usize]),
        _ => {}
    }
    let windowed = entry.kind.is_about_blocks();
    if windowed && rng.chance(1, 3) {
        params = params.with("every", i64::from(2 + rng.below(4)));
    }
    if windowed && rng.chance(1, 4) {
        params.params.push(("from".into(), Value::Text("endgame".into())));
    } else if windowed && rng.chance(1, 4) {
        params = params.with("from", i64::from(2 + rng.below(20)));
    }
    if matches!(entry.behaviour.name, "snubs" | "rejects-all" | "reject-unchoke") && rng.chance(1, 2) {
        params
            .params
            .push(("for".into(), Value::Text(format!("{}s", 5 + rng.below(90)))));
    }
    params
}
