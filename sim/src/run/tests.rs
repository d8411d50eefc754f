use super::*;
use crate::scenario::{EngineSpec, LinkSpec, TorrentSpec, TrackerSpec};

fn engine(name: &str, seed: bool) -> EngineSpec {
    EngineSpec {
        name: name.into(),
        seed,
        after: Duration::ZERO,
        config: Vec::new(),
        link: LinkSpec::default(),
        behaviours: Vec::new(),
    }
}

fn scenario(seed: u64) -> Scenario {
    Scenario {
        name: "two engines".into(),
        seed,
        shuffle_ties: false,
        torrent: TorrentSpec {
            pieces: 16,
            blocks: 4,
            block: 64,
            short: 70,
            files: 3,
            private: false,
        },
        engines: vec![engine("eng", false), engine("src", true)],
        trackers: vec![TrackerSpec {
            name: "t0".into(),
            udp: true,
            tier: 0,
            link: LinkSpec::default(),
            behaviours: Vec::new(),
        }],
        peers: Vec::new(),
        faults: Vec::new(),
        expect: Vec::new(),
    }
}

#[test]
fn a_plain_download_breaks_no_rule() {
    let outcome = run(&scenario(1), &Options::default());
    let text = failure_text(&outcome, "1").unwrap_or_default();
    assert!(outcome.failure.is_none(), "{text}");
    assert!(outcome.completed);
    let vacuous: Vec<_> = outcome.oracles.iter().filter(|(_, held)| *held == 0).collect();
    println!(
        "{vacuous:?} steps {} events {} {:?}",
        outcome.steps, outcome.events, outcome.simulated
    );
}

/// A world drawn from a seed, wilder than a scenario by hand.
fn drawn(seed: u64) -> Scenario {
    let mut rng = crate::seed::Seed(seed).stream("drawn");
    let mut scenario = scenario(seed);
    scenario.shuffle_ties = rng.chance(1, 2);
    scenario.torrent.pieces = 2 + rng.below(24);
    scenario.torrent.blocks = 1 + rng.below(5);
    scenario.torrent.block = [64, 128, 256][rng.below(3) as usize];
    scenario.torrent.short = rng.below(scenario.torrent.block);
    scenario.torrent.files = 1 + rng.below(3);
    scenario.engines.truncate(1);
    scenario.trackers[0].udp = rng.chance(1, 2);
    for n in 0..1 + rng.below(8) {
        let has = [100, 100, 0, 50][rng.below(4) as usize];
        let mut behaviours = Vec::new();
        if rng.chance(1, 3) {
            behaviours.push(crate::peer::sample(&mut rng));
        }
        scenario.peers.push(crate::scenario::PeerSpec {
            name: format!("p{n}"),
            has,
            leech: has < 100,
            after: Duration::from_millis(rng.below(3000).into()),
            dials: rng.chance(1, 3),
            link: LinkSpec {
                latency: Duration::from_millis(u64::from(1 + rng.below(80))),
                ..LinkSpec::default()
            },
            behaviours,
        });
    }
    scenario.peers.push(crate::scenario::PeerSpec {
        name: "seed".into(),
        has: 100,
        leech: false,
        after: Duration::ZERO,
        dials: false,
        link: LinkSpec::default(),
        behaviours: Vec::new(),
    });
    if rng.chance(1, 3) {
        let transport = &scenario.trackers[0];
        let used = crate::tracker::behaviour::sample(&mut rng, transport.udp);
        scenario.trackers[0].behaviours.push(used);
    }
    for _ in 0..rng.below(4) {
        let host = rng.chance(1, 2);
        let all = if host {
            crate::host::BEHAVIOURS
        } else {
            crate::net::BEHAVIOURS
        };
        let what = all[rng.below(all.len() as u32) as usize];
        if ["remove", "shutdown", "disk-denied", "network-change"].contains(&what.name) {
            continue;
        }
        let who = if host {
            "eng".to_string()
        } else {
            scenario.peers[rng.below(scenario.peers.len() as u32) as usize]
                .name
                .clone()
        };
        scenario.faults.push(crate::scenario::FaultSpec {
            when: if rng.chance(1, 2) {
                crate::scenario::When::At(Duration::from_millis(rng.below(1000).into()))
            } else {
                let (name, _) =
                    crate::oracle::MOMENTS[rng.below(crate::oracle::MOMENTS.len() as u32) as usize];
                crate::scenario::When::On(
                    format!("{name}:{}", 1 + rng.below(3)),
                    ["eng".to_string(), who.clone()][rng.below(2) as usize].clone(),
                )
            },
            lasts: Some(Duration::from_millis(u64::from(1 + rng.below(20_000)))),
            targets: vec![who],
            what: crate::scenario::Use::new(what.name),
        });
    }
    scenario
}

#[test]
fn drawn_worlds_break_no_rule() {
    let from: u64 = std::env::var("FROM")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    let count: u64 = std::env::var("COUNT")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(60);
    let begin = std::time::Instant::now();
    let mut failed = std::collections::BTreeMap::<String, Vec<u64>>::new();
    let (mut steps, mut events, mut unrecoverable) = (0, 0, 0);
    let mut held = std::collections::BTreeMap::<&str, u64>::new();
    for seed in from..from + count {
        let scenario = drawn(seed);
        let outcome = run(&scenario, &Options::default());
        steps += outcome.steps;
        events += outcome.events;
        unrecoverable += u32::from(outcome.unrecoverable);
        for (id, count) in &outcome.oracles {
            *held.entry(id).or_default() += count;
        }
        if let Some(failure) = &outcome.failure {
            let known = failed.entry(failure.oracle.into()).or_default();
            if count == 1 && std::env::var("ALL").is_ok() {
                let telling = Options { telling: true, ..Options::default() };
                for line in once(&scenario, &telling).timeline { println!("{line}"); }
            }
            if known.is_empty() || count == 1 {
                println!("{}", failure_text(&outcome, &seed.to_string()).unwrap());
                println!(
                    "{:?}",
                    scenario
                        .peers
                        .iter()
                        .map(|p| (&p.name, p.has, p.dials, &p.behaviours))
                        .collect::<Vec<_>>()
                );
                println!("{:?} {:?}", scenario.trackers[0].behaviours, scenario.faults);
            }
            known.push(seed);
        }
    }
    println!(
        "{:?} {steps} steps {events} events, {unrecoverable} unrecoverable",
        begin.elapsed()
    );
    println!(
        "vacuous: {:?}",
        held.iter()
            .filter(|(_, n)| **n == 0)
            .map(|(id, _)| id)
            .collect::<Vec<_>>()
    );
    assert!(failed.is_empty(), "{failed:?}");
}
