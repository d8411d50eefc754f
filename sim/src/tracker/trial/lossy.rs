//! A tracker behind a link that loses and doubles datagrams: the times of BEP 15 can be read in the timeline.

use super::{Plan, Trial};
use crate::host::{EngineHost, Level};
use crate::scenario::{LinkSpec, Use};
use crate::tracker::AnnounceEvent;

/// Thirty in a hundred lost, thirty doubled.
const LOSSY: LinkSpec = LinkSpec {
    addresses: crate::scenario::Addresses::V4,
    up: 0,
    down: 0,
    receive: 256 << 10,
    latency: seedbed_engine::time::Duration::from_millis(10),
    jitter: seedbed_engine::time::Duration::ZERO,
    loss: 300,
    duplicate: 300,
    reorder: 0,
    corrupt: 0,
};

fn lossy(used: Use, seed: u64) -> Trial {
    let mut plan = Plan::of(used);
    (plan.link, plan.with_good, plan.root) = (LOSSY, false, seed);
    let mut trial = plan.build();
    trial.world.telling = true;
    let engine = trial.leech;
    let host: &mut EngineHost = trial.world.actor_mut(engine).expect("the leech");
    host.tell(Level::Full);
    trial
}

/// When the engine sent connects and announces, in whole seconds, by its timeline.
fn sent(trial: &Trial, what: &str) -> Vec<u64> {
    let lines = trial
        .world
        .lines
        .iter()
        .filter(|line| line.who == "eng" && line.text == what);
    let times = lines.map(|line| line.at.as_micros() / 1_000_000);
    times.collect()
}

#[test]
fn under_loss_and_duplication_events_are_told_once_and_nobody_complains() {
    for seed in 0..20 {
        let mut trial = lossy(Use::new("udp-duplicate").with("gap", 1), seed);
        trial.pass(8_000);
        assert!(trial.is_complete(), "seed {seed}");
        trial.command("shutdown");
        trial.pass(60);
        trial.always().unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        let swarm = trial
            .tracker()
            .tracker()
            .swarm(&trial.engine().sample().info_hash().0);
        assert!(swarm.expect("it is there").completed() >= 1, "seed {seed}");
        let first = trial.announces()[0].1;
        assert_eq!(first, AnnounceEvent::Started, "seed {seed}");
    }
}

#[test]
fn the_timeline_shows_the_schedule() {
    let mut trial = lossy(Use::new("udp-silent"), 7);
    trial.pass(1_000);
    let times = sent(&trial, "connect");
    assert_eq!(times, [0, 15, 45, 105, 225, 465, 945]);
}
