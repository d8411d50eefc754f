//! Actors that go down and come back, and networks that do.

use super::fault::{closed, off, on, text};
use super::*;
use crate::net::Crash;
use crate::scenario::Use;

#[test]
fn a_killed_process_resets_and_a_power_cut_is_found_out_by_sending() {
    let mut world = pair(1);
    on(&mut world, &["b"], &Use::new("kill"));
    run(&mut world, 1_000);
    assert_eq!(closed(&world, A), [(60, CloseCause::Reset)]);
    off(&mut world, &["b"], &Use::new("kill"));
    run(&mut world, 2_000);
    assert_eq!(
        toy(&mut world, B).log,
        [(Instant::from_millis(1_000), Seen::Start)]
    );

    // the one that has something to send learns it from the system that is back
    let mut world = pair(1);
    on(&mut world, &["b"], &Use::new("vanish"));
    run(&mut world, 1_000);
    assert_eq!(log(&world, A), []);
    send(&mut world, A, C0, b"x");
    run(&mut world, 3_000);
    off(&mut world, &["b"], &Use::new("vanish"));
    run(&mut world, 10_000);
    // sent at 1,000, 1,200, 1,600, 2,400 and 4,000
    assert_eq!(closed(&world, A), [(4_010, CloseCause::Reset)]);
    assert_eq!(bytes(&world, B), [0; 0]);
    assert_eq!(world.net.free.len(), 1);
}

#[test]
fn churn_takes_the_targets_away_and_brings_them_back() {
    let what = Use::new("churn").with("up", 3_000).with("down", 1_000);
    let mut world = world(1, 2);
    run(&mut world, 0);
    on(&mut world, &["b"], &what);
    run(&mut world, 10_000);
    off(&mut world, &["b"], &what);
    run(&mut world, 20_000);
    let starts: Vec<u64> = toy(&mut world, B)
        .log
        .iter()
        .map(|(at, _)| at.as_micros() / 1_000)
        .collect();
    assert_eq!(starts, [0, 1_000, 5_000, 9_000]);
    assert!(world.actors[1].up);
    assert_eq!(world.marks.count("churn"), 6);
}

#[test]
fn a_network_that_is_down_is_known_to_its_own_system() {
    let what = Use::new("network-down");
    let mut world = pair(1);
    on(&mut world, &["a"], &what);
    connect(&mut world, A, ConnId::dialled(1), 2);
    world.carry_out(
        A,
        Output::Datagram {
            to: at(2),
            from: None,
            data: vec![1],
        },
    );
    run(&mut world, 1_000);
    off(&mut world, &["a"], &what);
    run(&mut world, 2_000);
    let expected = [
        (50, Seen::NetworkChanged),
        (50, Seen::Closed(CloseCause::Unreachable)),
        (50, Seen::DatagramError(DatagramFault::Unreachable)),
        (1_000, Seen::NetworkChanged),
    ];
    assert_eq!(log(&world, A), expected);
}

#[test]
fn another_address_ends_the_streams_of_the_old_one() {
    let what = text(Use::new("network-change"), "ip", "10.0.0.77");
    let mut world = pair(1);
    on(&mut world, &["a"], &what);
    send(&mut world, B, THEIRS, b"anybody?");
    connect(&mut world, B, C0, 77);
    run(&mut world, 300_000);
    let gone = Seen::Closed(CloseCause::Local("the address is gone".into()));
    assert_eq!(log(&world, A)[..2], [(50, gone), (50, Seen::NetworkChanged)]);
    assert_eq!(log(&world, B)[0], (70, Seen::Connected));
    assert_eq!(closed(&world, B), [(102_250, CloseCause::TimedOut)]);
}

#[test]
fn a_crash_in_the_middle_of_anything_leaves_nothing_behind() {
    for (n, how) in (0..60).flat_map(|n| [(n, Crash::Silent), (n, Crash::Reset)]) {
        let mut world = world(n, 2);
        link(&mut world, A, |link| {
            link.jitter = MS * 20;
            link.up = [0, 40_000][n as usize % 2];
        });
        connect(&mut world, A, C0, 2);
        connect(&mut world, B, C0, 1);
        send(&mut world, A, C0, &pattern(5_000));
        send(&mut world, B, C0, &pattern(5_000));
        run(&mut world, n * 4);
        world.crash(B, how);
        run(&mut world, n * 4 + 100);
        world.restart(B, MS * 100);
        // what is left of the old streams is found out by sending
        run(&mut world, n * 4 + 300);
        send(&mut world, A, C0, b"x");
        send(&mut world, A, ConnId::accepted(1), b"x");
        run(&mut world, 300_000);
        world.carry_out(A, Output::Close { stream: C0 });
        world.carry_out(
            A,
            Output::Close {
                stream: ConnId::accepted(1),
            },
        );
        run(&mut world, 600_000);
        let kept = world.net.open_streams(A) + world.net.open_streams(B);
        assert_eq!(kept, 0, "{n} {how:?}");
        assert_eq!(world.net.free.len(), world.net.streams.len(), "{n} {how:?}");
    }
}
