//! What changes while a torrent runs, and who hears nothing of it.

use super::*;

fn stops(world: &World) -> usize {
    let stopped = |output: &&TierOutput| matches!(output, TierOutput::Stopped);
    world.others.iter().filter(stopped).count()
}

#[test]
fn the_next_announce_tells_the_new_port() {
    let mut world = World::new(&[&["a"]]);
    assert_eq!(world.ok().params.port, 6881);
    world.announcer.set_port(7000);
    world.run_to(1800);
    assert_eq!(world.ok().params.port, 7000);
}

#[test]
fn what_does_not_run_is_stopped_already() {
    let mut world = World::new(&[&["a"]]);
    world.ok();
    world.announcer.stop(world.now);
    world.run_to(0);
    world.announcer.stop(world.now);
    world.drain();
    assert_eq!(stops(&world), 0, "`stopped` is on its way");
    world.ok();
    assert_eq!(stops(&world), 1);
    world.announcer.stop(world.now);
    world.drain();
    assert_eq!(stops(&world), 2);
}

#[test]
fn who_cannot_have_heard_started_hears_no_stopped() {
    for (stage, hears) in [(Stage::Connect, false), (Stage::Answer, true)] {
        let mut world = World::with_wire(&[&["a"]], false);
        world.done(Err(AnnounceError::Timeout { stage }));
        world.announcer.stop(world.now);
        world.run_to(1);
        let heard = world.log.iter().any(|line| line.ends_with("stopped"));
        assert_eq!(heard, hears, "{:?}", world.log);
    }
}

#[test]
fn a_seed_that_is_told_no_peers_asks_nobody_else() {
    let mut world = World::new(&[&["a"], &["b"]]);
    world.ok();
    world.counters.left = 0;
    world.run_to(1800);
    let mut reply = answer(1800);
    reply.peers.clear();
    world.done(Ok(TrackerReply::Announce(reply)));
    assert_eq!(world.take_log(), ["0 a started", "1800 a -"]);
}
