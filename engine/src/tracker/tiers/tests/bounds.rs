//! How often trackers are asked, whatever they answer and whoever asks for more.

use super::*;

#[test]
fn intervals_are_kept_within_bounds() {
    let next = |interval: Option<u64>, min_interval: Option<u64>| {
        let mut world = World::new(&[&["a"]]);
        let reply = crate::tracker::AnnounceReply {
            interval: interval.map(Duration::from_secs),
            min_interval: min_interval.map(Duration::from_secs),
            ..Default::default()
        };
        world.done(Ok(TrackerReply::Announce(reply)));
        world.announcer.status().next().unwrap().next.unwrap().as_micros() / 1_000_000
    };
    assert_eq!(next(Some(1800), None), 1800);
    assert_eq!(next(None, None), 1800);
    assert_eq!(next(Some(0), None), 300);
    assert_eq!(next(Some(60), None), 300);
    assert_eq!(next(Some(u64::MAX), Some(u64::MAX)), 86_400);
    // the least interval does not shorten the regular one (rqbit announces by it)
    assert_eq!(next(Some(1800), Some(30)), 1800);
    assert_eq!(next(Some(600), Some(900)), 900);
}

#[test]
fn the_floor_comes_from_the_configuration() {
    let config = TrackerConfig {
        interval_floor: Duration::from_secs(1),
        ..TrackerConfig::default()
    };
    let mut world = World::with(&[&["a"]], false, &config);
    world.done(Ok(TrackerReply::Announce(answer(2))));
    world.run_to(2);
    assert_eq!(world.take_log(), ["0 a started", "2 a -"]);
}

#[test]
fn the_user_is_bound_by_the_least_interval() {
    let mut world = World::new(&[&["a"]]);
    world.ok();
    world.run_to(10);
    for _ in 0..100 {
        world.announcer.reannounce(world.now);
    }
    world.run_to(59);
    assert_eq!(world.take_log(), ["0 a started"]);
    world.run_to(60);
    assert_eq!(world.take_log(), ["60 a -"]);
    // one on its way is enough
    world.announcer.reannounce(world.now);
    world.run_to(61);
    assert_eq!(world.open.len(), 1);
    let mut reply = answer(1800);
    reply.min_interval = Some(Duration::from_secs(500));
    world.done(Ok(TrackerReply::Announce(reply)));
    world.announcer.reannounce(world.now);
    world.run_to(560);
    assert_eq!(world.take_log(), [""; 0]);
    world.run_to(561);
    assert_eq!(world.take_log(), ["561 a -"]);
}

#[test]
fn a_network_change_announces_soon_and_lifts_the_back_off() {
    let mut world = World::new(&[&["a"]]);
    for _ in 0..6 {
        world.fail();
        world.run_to(world.now.as_micros() / 1_000_000 + 4_000);
    }
    world.fail();
    world.take_log();
    let now = world.now.as_micros() / 1_000_000;
    world.run_to(now + 100);
    world.announcer.network_changed(world.now);
    world.run_to(now + 103);
    assert_eq!(world.take_log().len(), 1);
}

/// Announces of a simulated day with a tracker that answers by `script`, one letter an answer, over and over.
fn announces_of_a_day(script: &str, asks: bool) -> Vec<u64> {
    let mut world = World::new(&[&["a"]]);
    let mut letters = script.chars().cycle();
    let mut times = Vec::new();
    while world.now < Instant::from_secs(86_400) {
        while !world.open.is_empty() {
            times.push(world.now.as_micros() / 1_000_000);
            let result = match letters.next() {
                Some('0') => Ok(TrackerReply::Announce(answer(0))),
                Some('m') => Ok(TrackerReply::Announce(answer(u64::MAX))),
                Some('n') => Ok(TrackerReply::Announce(crate::tracker::AnnounceReply::default())),
                Some('f') => Err(refusal("x", None)),
                Some('r') => Err(refusal("x", Some(RetryIn::After(Duration::ZERO)))),
                Some('s') => Err(AnnounceError::Status(500)),
                Some('l') => Err(AnnounceError::Lookup(crate::net::LookupError("none".into()))),
                _ => Err(timeout()),
            };
            world.done(result);
        }
        if asks {
            world.announcer.reannounce(world.now);
            world.announcer.network_changed(world.now);
        }
        let second = world.now.as_micros() / 1_000_000;
        world.run_to(second + 1);
    }
    times
}

#[test]
fn a_day_of_announces_is_bounded_whatever_the_answers() {
    let cases = [
        ("0", 290),
        ("m", 2),
        ("n", 50),
        ("f", 45),
        ("s", 45),
        ("l", 45),
        ("t", 45),
        ("0f", 560),
        ("0t0l", 560),
    ];
    for (script, most) in cases {
        let times = announces_of_a_day(script, false);
        assert!(times.len() <= most, "{script}: {} announces", times.len());
        assert!(times.len() > 1 || script == "m", "{script}: it goes on");
    }
    // "retry in" is believed, but never below the first back-off; the failures in between keep growing
    assert!(announces_of_a_day("rf", false).len() < 100);
}

#[test]
fn who_could_not_be_reached_is_tried_soon_when_the_network_changes() {
    let mut world = World::new(&[&["a"]]);
    let down = || Err(AnnounceError::Datagram(crate::net::DatagramFault::Unreachable));
    world.done(down());
    world.run_to(20);
    // the second failure would be waited out for 55 s
    world.done(down());
    world.announcer.network_changed(world.now);
    world.run_to(40);
    let log = world.take_log();
    assert_eq!(log.len(), 3, "{log:?}");
    world.done(down());
    world.announcer.reannounce(world.now);
    world.run_to(90);
    assert_eq!(world.take_log(), [""; 0], "a user who asks waits a minute");
}

#[test]
fn asking_all_day_long_never_brings_announces_nearer_than_a_minute() {
    for script in ["0", "n", "f", "l", "0t"] {
        let times = announces_of_a_day(script, true);
        // back-off begins below a minute by itself, so only answered announces are bound by it
        let nearest = times.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap();
        assert!(times.len() <= 86_400 / 17, "{script}: {}", times.len());
        assert!(
            nearest
                >= if script.contains(['0', 'n']) && script.len() == 1 {
                    60
                } else {
                    17
                },
            "{script}: {nearest}"
        );
    }
}

#[test]
fn many_dead_trackers_are_each_backed_off() {
    let hosts: Vec<String> = (0..50).map(|n| format!("t{n}")).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let mut world = World::new(&[&hosts]);
    while world.now < Instant::from_secs(86_400) {
        while !world.open.is_empty() {
            world.fail();
        }
        let second = world.now.as_micros() / 1_000_000;
        world.run_to(second + 1);
    }
    assert!(world.log.len() <= 50 * 45, "{}", world.log.len());
}

#[test]
fn no_more_trackers_than_the_limit() {
    let config = TrackerConfig {
        trackers_max: 3,
        ..TrackerConfig::default()
    };
    let mut world = World::with(&[&["a", "b"], &["c", "d"]], false, &config);
    assert_eq!(world.announcer.status().count(), 3);
    world
        .announcer
        .add_tracker(world.now, "udp://e.example:1")
        .unwrap();
    assert_eq!(world.announcer.status().count(), 3);
}

#[test]
fn without_trackers_there_is_nothing_to_do() {
    let mut world = World::new(&[]);
    assert_eq!(world.announcer.deadline(), None);
    world.announcer.complete(world.now);
    world.announcer.reannounce(world.now);
    world.announcer.stop(world.now);
    world.run_to(1);
    assert_eq!(world.others, [TierOutput::Stopped]);
    // a tracker that comes later is used at once
    world.announcer.start(world.now);
    world
        .announcer
        .add_tracker(world.now, "udp://e.example:1")
        .unwrap();
    world.run_to(2);
    assert_eq!(world.open.len(), 1);
}
