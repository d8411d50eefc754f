//! Loss × latency × peers → time to completion and waste, as one table: a change of behaviour that no single scenario
//! shows is seen here.

use crate::snapshot;
use seedbed_engine::time::Duration;
use seedbed_sim::run::{Options, run};
use seedbed_sim::scenario::expand::expand;
use seedbed_sim::scenario::{EngineSpec, LinkSpec, PeerSpec, Scenario, TorrentSpec, TrackerSpec};
use std::fmt::Write as _;

/// Bytes of a block.
const BLOCK: u32 = 256;

/// One world of the table: an engine, a UDP tracker, and so many seeds.
fn world(loss: u32, latency: u64, peers: u32) -> Scenario {
    let link = LinkSpec {
        up: 50_000,
        latency: Duration::from_millis(latency),
        loss,
        ..LinkSpec::default()
    };
    let peer = |n: u32| PeerSpec {
        name: format!("p{n}"),
        has: 100,
        leech: false,
        after: Duration::ZERO,
        dials: false,
        link,
        behaviours: Vec::new(),
    };
    Scenario {
        name: "matrix".into(),
        seed: u64::from(loss) * 10_000 + latency * 100 + u64::from(peers),
        torrent: TorrentSpec {
            pieces: 64,
            blocks: 8,
            block: BLOCK,
            short: 0,
            files: 1,
            private: false,
            magnet: None,
        },
        engines: vec![EngineSpec {
            name: "eng".into(),
            seed: false,
            after: Duration::ZERO,
            config: Vec::new(),
            link: LinkSpec { up: 0, ..link },
            behaviours: Vec::new(),
        }],
        trackers: vec![TrackerSpec {
            name: "t0".into(),
            udp: true,
            tier: 0,
            link: LinkSpec { up: 0, ..link },
            behaviours: Vec::new(),
        }],
        peers: (0..peers).map(peer).collect(),
        faults: Vec::new(),
        expect: Vec::new(),
        ..expand(0)
    }
}

#[test]
fn loss_latency_and_peers() {
    let mut table = String::from("loss  latency  peers  complete at s  wasted blocks\n");
    for loss in [0, 50, 200] {
        for latency in [5, 50, 250] {
            for peers in [1, 4, 16] {
                let outcome = run(&world(loss, latency, peers), &Options::default());
                assert_eq!(outcome.failure, None);
                let eng = &outcome.engines[0];
                let at = eng.complete_at.expect("it is complete").to_string();
                let waste = eng.wasted / u64::from(BLOCK);
                // writing to a string does not fail
                let _ = writeln!(
                    table,
                    "{:>3}%  {latency:>4} ms  {peers:>5}  {at:>13}  {waste:>13}",
                    loss / 10
                );
            }
        }
    }
    snapshot("matrix", "loss-latency-peers", &table);
}
