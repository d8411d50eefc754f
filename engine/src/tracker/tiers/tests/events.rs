//! Events: each once, in order, with exact counters (BEP 3, BEP 21).

use super::*;
use crate::http::HttpError;
use crate::net::CloseCause;

#[test]
fn a_whole_run() {
    let mut world = World::new(&[&["a"]]);
    world.counters.downloaded = 7;
    let started = world.ok().params;
    assert_eq!((started.uploaded, started.downloaded, started.left), (0, 0, 100));
    assert_eq!((started.numwant, started.key, started.port), (Some(200), 3, 6881));
    world.counters = Counters {
        uploaded: 5,
        downloaded: 60,
        left: 40,
    };
    world.run_to(1800);
    let regular = world.ok().params;
    assert_eq!((regular.uploaded, regular.downloaded, regular.left), (5, 60, 40));
    world.counters = Counters {
        uploaded: 6,
        downloaded: 100,
        left: 0,
    };
    world.run_to(2000);
    world.announcer.complete(world.now);
    world.run_to(2000);
    let completed = world.ok().params;
    assert_eq!(
        (completed.uploaded, completed.downloaded, completed.left),
        (6, 100, 0)
    );
    world.run_to(3800);
    world.ok();
    world.run_to(4000);
    world.announcer.stop(world.now);
    world.run_to(4000);
    let stopped = world.ok();
    assert_eq!(
        (stopped.params.numwant, stopped.options.sends_max),
        (Some(0), Some(2))
    );
    assert_eq!(stopped.options.deadline, Some(Instant::from_secs(4005)));
    let wanted = [
        "0 a started",
        "1800 a -",
        "2000 a completed",
        "3800 a -",
        "4000 a stopped",
    ];
    assert_eq!(world.take_log(), wanted);
    assert_eq!(world.others.pop(), Some(TierOutput::Stopped));
    assert_eq!(world.announcer.deadline(), None);
}

#[test]
fn started_is_repeated_until_it_is_acknowledged() {
    let mut world = World::new(&[&["a"]]);
    world.fail();
    world.run_to(25);
    world.ok();
    world.run_to(1900);
    let log = world.take_log();
    assert_eq!(log.iter().filter(|line| line.contains("started")).count(), 2);
    assert!(log[2].ends_with("a -"), "{log:?}");
}

#[test]
fn completed_waits_for_started_and_is_repeated_until_acknowledged() {
    let mut world = World::new(&[&["a"]]);
    world.announcer.complete(world.now);
    world.run_to(0);
    assert_eq!(world.take_log(), ["0 a started"]);
    world.ok();
    assert_eq!(world.take_log(), ["0 a completed"]);
    world.fail();
    world.run_to(25);
    let log = world.take_log();
    assert!(log[0].ends_with("a completed"), "{log:?}");
    world.ok();
    world.run_to(10_000);
    assert!(world.take_log().iter().all(|line| line.ends_with("a -")));
}

#[test]
fn completed_goes_to_the_tracker_that_knows_us_at_once() {
    let mut world = World::new(&[&["a"], &["b"]]);
    world.fail();
    world.ok();
    world.run_to(600);
    world.announcer.complete(world.now);
    world.run_to(600);
    assert_eq!(world.take_log()[2..], ["600 b completed"]);
}

#[test]
fn a_plain_announce_gives_way_to_the_event() {
    let mut world = World::new(&[&["a"]]);
    world.ok();
    world.run_to(1800);
    assert_eq!(world.open.len(), 1);
    world.announcer.complete(world.now);
    world.run_to(1801);
    assert_eq!(world.open.len(), 1, "the plain one was cancelled");
    assert_eq!(world.take_log()[1..], ["1800 a -", "1800 a completed"]);
}

#[test]
fn stopped_goes_only_to_those_who_may_know_us() {
    let stop_log = |result: Option<Result<TrackerReply, AnnounceError>>| {
        let mut world = World::new(&[&["a"]]);
        if let Some(result) = result {
            world.done(result);
        }
        world.take_log();
        world.announcer.stop(world.now);
        world.run_to(10);
        assert_eq!(world.others.pop(), Some(TierOutput::Stopped));
        world.take_log()
    };
    assert_eq!(
        stop_log(Some(Ok(TrackerReply::Announce(answer(9))))),
        ["0 a stopped"]
    );
    // on its way: maybe delivered
    assert_eq!(stop_log(None), ["0 a stopped"]);
    let closed = AnnounceError::Http(HttpError::Closed(CloseCause::Reset));
    assert_eq!(stop_log(Some(Err(closed))), ["0 a stopped"]);
    assert_eq!(
        stop_log(Some(Err(AnnounceError::Timeout { stage: Stage::Answer }))),
        ["0 a stopped"]
    );
    // certainly not delivered, or refused
    assert_eq!(stop_log(Some(Err(timeout()))), [""; 0]);
    assert_eq!(stop_log(Some(Err(refusal("no", None)))), [""; 0]);
}

#[test]
fn who_was_only_connected_to_hears_no_stopped() {
    let mut world = World::with_wire(&[&["a"]], false);
    world.take_log();
    world.announcer.stop(world.now);
    world.run_to(10);
    assert_eq!(world.take_log(), [""; 0]);
    assert!(world.others.contains(&TierOutput::Stopped));
}

#[test]
fn a_completed_on_its_way_is_hurried_and_leaves_time_for_stopped() {
    let mut world = World::new(&[&["a"]]);
    world.ok();
    world.announcer.complete(world.now);
    world.run_to(0);
    let id = world.open[0].id;
    world.announcer.stop(world.now);
    world.run_to(0);
    let until = Instant::from_micros(2_500_000);
    let hurried = TierOutput::Hurry { request: id, until };
    assert!(world.others.contains(&hurried), "{:?}", world.others);
    world.now = until;
    world.done(Err(AnnounceError::Timeout { stage: Stage::Answer }));
    assert_eq!(world.take_log(), ["0 a started", "0 a completed", "2 a stopped"]);
}

#[test]
fn every_tracker_that_knows_us_hears_stopped() {
    let mut world = World::new(&[&["a"], &["b"]]);
    world.ok();
    world.run_to(1800);
    world.fail();
    world.ok();
    world.take_log();
    world.announcer.stop(world.now);
    world.run_to(1801);
    assert_eq!(world.take_log(), ["1800 a stopped", "1800 b stopped"]);
    world.ok();
    assert!(!world.others.contains(&TierOutput::Stopped));
    world.ok();
    assert!(world.others.contains(&TierOutput::Stopped));
}

#[test]
fn stopping_ends_in_time_whatever_the_trackers_do() {
    let mut world = World::new(&[&["a"]]);
    world.ok();
    world.announcer.stop(world.now);
    world.run_to(4);
    assert!(!world.others.contains(&TierOutput::Stopped));
    world.run_to(5);
    assert!(world.others.contains(&TierOutput::Stopped));
    assert_eq!((world.open.len(), world.announcer.deadline()), (0, None));
}

#[test]
fn completed_goes_out_before_stopped() {
    let mut world = World::new(&[&["a"]]);
    world.ok();
    world.announcer.complete(world.now);
    world.announcer.stop(world.now);
    world.run_to(1);
    world.ok();
    world.ok();
    assert_eq!(world.take_log(), ["0 a started", "0 a completed", "1 a stopped"]);
    assert!(world.others.contains(&TierOutput::Stopped));
    // already on its way: not sent twice
    let mut world = World::new(&[&["a"]]);
    world.ok();
    world.announcer.complete(world.now);
    world.run_to(0);
    world.announcer.stop(world.now);
    world.run_to(1);
    world.ok();
    assert_eq!(world.take_log(), ["0 a started", "0 a completed", "1 a stopped"]);
}

#[test]
fn a_second_run_starts_anew_and_counts_from_the_acknowledged_stop() {
    let mut world = World::new(&[&["a"]]);
    world.ok();
    world.counters = Counters {
        uploaded: 10,
        downloaded: 20,
        left: 80,
    };
    world.announcer.stop(world.now);
    world.run_to(1);
    world.ok();
    world.counters = Counters {
        uploaded: 11,
        downloaded: 25,
        left: 75,
    };
    world.announcer.start(world.now);
    world.run_to(2);
    let again = world.ok().params;
    assert_eq!(again.event, AnnounceEvent::Started);
    assert_eq!((again.uploaded, again.downloaded, again.left), (1, 5, 75));
}

#[test]
fn a_start_before_the_stop_is_over_replaces_it() {
    let mut world = World::new(&[&["a"]]);
    world.ok();
    world.announcer.stop(world.now);
    world.run_to(1);
    world.announcer.start(world.now);
    world.run_to(2);
    assert_eq!(world.open.len(), 1);
    assert_eq!(world.take_log()[2..], ["1 a started"]);
    world.ok();
    assert!(!world.others.contains(&TierOutput::Stopped));
}

#[test]
fn a_partial_seed_says_so_unless_there_is_a_real_event() {
    let mut world = World::new(&[&["a"]]);
    world.announcer.set_partial_seed(true);
    world.ok();
    world.run_to(1800);
    world.ok();
    world.announcer.stop(world.now);
    world.run_to(1801);
    assert_eq!(
        world.take_log(),
        ["0 a started", "1800 a paused", "1800 a stopped"]
    );
}

#[test]
fn the_tracker_id_is_kept_and_sent_back() {
    let mut world = World::new(&[&["a"]]);
    let mut reply = answer(300);
    reply.tracker_id = Some(b"x".to_vec());
    assert_eq!(
        world.done(Ok(TrackerReply::Announce(reply))).params.tracker_id,
        None
    );
    world.run_to(300);
    // an answer without one keeps the old one
    assert_eq!(world.ok().params.tracker_id, Some(b"x".to_vec()));
    world.run_to(2100);
    assert_eq!(world.ok().params.tracker_id, Some(b"x".to_vec()));
}
