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
