//! How fast worlds run, with all oracles looking on: the mix that a sweep draws, large worlds, and a busy swarm.
//!
//! `cargo bench -p seedbed-sim` prints a line for each; docs/simulation.md has the goals and what was measured. One
//! thread: a machine runs as many worlds at a time as it has cores.

#![allow(clippy::disallowed_methods)] // a clock is what a benchmark needs

use seedbed_engine::time::Duration;
use seedbed_sim::run::{Options, run};
use seedbed_sim::scenario::Scenario;
use seedbed_sim::scenario::expand::expand;
use seedbed_sim::scenario::kdl::parse;
use std::time::Instant;

/// Worlds of the drawn mix.
const MIXED: u64 = 2_000;
/// Worlds of 30 peers and 1,024 blocks.
const LARGE: u64 = 60;
/// Busy swarms.
const BUSY: u64 = 4;

/// 30 peers and 1,024 blocks, with links as unlike as in life.
fn large(seed: u64) -> Scenario {
    let mut text = format!(
        "scenario \"large\" version=1 seed={seed}\ntorrent pieces=256 blocks=4 block=128 files=3\n\
         engine \"eng\"\ntracker \"t0\" udp\n"
    );
    for n in 0..30 {
        let latency = 5 + n * 7 % 200;
        let kind = match n % 3 {
            0 => "seed".to_owned(),
            1 => format!("leech has={}", n * 3),
            _ => format!("partial has={}", 20 + n * 2),
        };
        let dials = if n % 4 == 0 { " dials=#true" } else { "" };
        let up = 20 + n * 10;
        text.push_str(&format!(
            "peer \"p{n}\" {kind}{dials} up=\"{up}kB/s\" latency=\"{latency}ms\"\n"
        ));
    }
    parse(&text).expect("the text is a scenario")
}

/// Eight peers that trade for half an hour: each has a part, all want the rest, and links are slow.
fn busy(seed: u64) -> Scenario {
    let mut text = format!(
        "scenario \"busy\" version=1 seed={seed}\ntorrent pieces=512 blocks=4 block=64\n\
         engine \"eng\" up=\"400B/s\"\ntracker \"t0\" udp\n"
    );
    for n in 0..8 {
        let kind = if n == 0 { "seed" } else { "leech has=60" };
        text.push_str(&format!(
            "peer \"p{n}\" {kind} dials=#true up=\"20B/s\" latency=\"{}ms\"\n",
            20 + n * 15
        ));
    }
    parse(&text).expect("the text is a scenario")
}

/// Runs worlds and prints how many there were a second, and how much time passed in them.
fn measure(name: &str, worlds: impl Iterator<Item = Scenario>) {
    let (mut count, mut events, mut simulated) = (0_u32, 0, Duration::ZERO);
    let worlds: Vec<Scenario> = worlds.collect();
    let began = Instant::now();
    for scenario in &worlds {
        let outcome = run(scenario, &Options::default());
        assert_eq!(outcome.failure, None, "{}", scenario.name);
        assert!(outcome.completed || name == "mixed", "{}", scenario.name);
        count += 1;
        events += outcome.events;
        simulated += outcome.simulated;
    }
    let wall = began.elapsed().as_secs_f64();
    let (rate, pace) = (f64::from(count) / wall, simulated.as_secs_f64() / wall);
    println!(
        "{name:<6} {count:>5} worlds, {events:>9} events, {:>9.0} simulated s in {wall:>6.2} s: {rate:>7.1} worlds/s, \
         {pace:>9.0} simulated s/s, {:>8.0} events/s",
        simulated.as_secs_f64(),
        events as f64 / wall
    );
}

fn main() {
    measure("mixed", (0..MIXED).map(expand));
    measure("large", (0..LARGE).map(large));
    measure("busy", (0..BUSY).map(busy));
    let blocks = 512 * 4;
    let secs = run(&busy(0), &Options::default()).simulated.as_secs();
    println!("busy   {blocks} blocks fetched in {secs} s, beside what is served");
}
