//! What parts of the engine cost by themselves: taking messages out of what was read, choosing blocks, writing the journal.
//!
//! `cargo bench -p seedbed-engine --bench parts` prints a line for each.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a clock is what a benchmark needs

use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::config::{Config, PickerConfig};
use seedbed_engine::geometry::Geometry;
use seedbed_engine::id::ConnId;
use seedbed_engine::journal::{Header, Writer};
use seedbed_engine::picker::{PickMode, Picker, Receipt};
use seedbed_engine::rng::Rng;
use seedbed_engine::time::Instant;
use seedbed_engine::wire::{Decoder, Limits};
use seedbed_engine::{Engine, Event};
use std::hint::black_box;

const BLOCK: u32 = 16 * 1024;
const BLOCKS: u64 = 16;

/// Nanoseconds for each of so many, the best of some rounds.
fn best(each: usize, mut round: impl FnMut()) -> u64 {
    let time = |_| {
        let started = std::time::Instant::now();
        round();
        started.elapsed().as_nanos() as u64 / each as u64
    };
    (0..5).map(time).min().unwrap_or(0)
}

/// A read of 256 KiB with 15 blocks in it, and one full of `have`.
fn decode() {
    let mut blocks = Vec::new();
    for n in 0..15u32 {
        blocks.extend_from_slice(&(9 + BLOCK).to_be_bytes());
        blocks.push(7);
        blocks.extend_from_slice(&n.to_be_bytes());
        blocks.extend_from_slice(&[0; 4]);
        blocks.resize(blocks.len() + BLOCK as usize, 0);
    }
    let mut haves = Vec::new();
    for n in 0..10_000u32 {
        haves.extend_from_slice(&[0, 0, 0, 5, 4]);
        haves.extend_from_slice(&n.to_be_bytes());
    }
    for (what, read, each) in [("block", blocks, 15), ("have", haves, 10_000)] {
        let mut decoder = Decoder::new(Limits::for_torrent(Some(10_000), 1 << 20, BLOCK));
        let nanos = best(each * 20, || {
            for _ in 0..20 {
                let mut input = read.as_slice();
                decoder.begin_input();
                while let Some(message) = decoder.next(&mut input).expect("well formed") {
                    black_box(&message);
                }
            }
        });
        println!("decode a {what}: {nanos} ns");
    }
}

/// A picker of so many pieces, with peers of which every other has half of them.
fn picker(pieces: u32, peers: u64) -> Picker {
    let length = u64::from(BLOCK) * BLOCKS;
    let geometry = Geometry::new(u64::from(pieces) * length, length, BLOCK).expect("a geometry");
    let mut picker = Picker::new(geometry, PickerConfig::default(), Rng::from_seed([1; 32]));
    let mut bytes = vec![0; pieces.div_ceil(8) as usize];
    Rng::from_seed([2; 32]).fill(&mut bytes);
    let spare = pieces.div_ceil(8) * 8 - pieces;
    if let Some(last) = bytes.last_mut() {
        *last &= u8::MAX << spare;
    }
    let half = Bitfield::from_wire(&bytes, pieces).expect("a bitfield").0;
    for n in 0..peers {
        let peer = ConnId::dialled(n);
        picker.peer_joined(peer);
        // what a large set costs to count is not measured here
        if n % 2 == 0 || n > 20 {
            picker.peer_has_all(peer);
        } else {
            picker.peer_has_set(peer, half.clone());
        }
    }
    picker
}

/// Blocks are chosen for one peer after the other, eight at a time, and come.
fn pick() {
    for pieces in [100, 10_000, 1_000_000] {
        for peers in [10, 100, 1_000] {
            let fresh = picker(pieces, peers);
            let blocks = 50 * BLOCKS as usize;
            let mut nanos = u64::MAX;
            for _ in 0..5 {
                let mut picker = fresh.clone();
                let started = std::time::Instant::now();
                for n in 0..blocks as u64 / 8 {
                    let peer = ConnId::dialled(n % peers);
                    let mut picks = Vec::new();
                    picker.pick(peer, 8, PickMode::default(), &mut picks);
                    for pick in picks {
                        if let Receipt::New {
                            piece_complete: true, ..
                        } = picker.received(peer, pick.range)
                        {
                            picker.piece_verified(pick.range.piece);
                        }
                    }
                }
                nanos = nanos.min(started.elapsed().as_nanos() as u64 / blocks as u64);
            }
            println!("pick a block, {pieces:>7} pieces {peers:>4} peers: {nanos:>5} ns");
        }
    }
}

/// Events of a connection that is not there are recorded: what is written is the same, and the engine does nothing.
fn journal() {
    let mut engine = Engine::new(Config::default(), [7; 32]);
    let mut writer = Writer::new(&Header::new(Config::default(), engine.seeds(), "bench", "bench"));
    let data = vec![0; 256 * 1024];
    let conn = ConnId::dialled(1);
    let mut now = Instant::START;
    let nanos = best(10_000, || {
        for _ in 0..10_000 {
            now += seedbed_engine::time::Duration::from_micros(100);
            writer.step(&mut engine, now, Event::Sent { conn, bytes: 17 });
        }
        writer.carried();
    });
    println!("write a short event: {nanos} ns");
    let nanos = best(100, || {
        for _ in 0..100 {
            now += seedbed_engine::time::Duration::from_micros(100);
            writer.step(&mut engine, now, Event::Received { conn, data: &data });
        }
        writer.carried();
    });
    println!("write a read of 256 KiB that nobody took: {nanos} ns");
}

fn main() {
    decode();
    pick();
    journal();
}
