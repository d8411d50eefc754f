//! Streams: when they come to be, what they carry, how they end.

use super::*;
use crate::net::{Absent, RECEIVE_MAX};
use seedbed_engine::rng::Rng;

#[test]
fn who_dialled_has_the_stream_after_one_round_trip_and_the_other_half_a_trip_later() {
    let mut world = world(1, 2);
    for id in [A, B] {
        link(&mut world, id, |link| link.latency = MS * 5);
    }
    connect(&mut world, A, C0, 2);
    send(&mut world, A, C0, b"early");
    run(&mut world, 1_000);
    assert_eq!(log(&world, A), [(20, Seen::Connected), (20, Seen::Sent(5))]);
    assert_eq!(
        log(&world, B),
        [
            (30, Seen::Accepted(THEIRS)),
            (30, Seen::Received(b"early".to_vec()))
        ]
    );
}

/// How a dial ends, and when.
#[track_caller]
fn dial(to: SocketAddr, prepare: impl FnOnce(&mut World), expected: (u64, CloseCause)) {
    let mut world = world(1, 2);
    prepare(&mut world);
    world.carry_out(A, Output::Connect { stream: C0, to });
    run(&mut world, 200_000);
    assert_eq!(log(&world, A), [(expected.0, Seen::Closed(expected.1))]);
    assert_eq!(log(&world, B), []);
    assert!(!world.net.is_open(A, C0));
    assert_eq!(world.net.free.len(), 1, "nothing is left of it");
}

#[test]
fn a_dial_can_be_refused_lost_or_sent_back() {
    let port = SocketAddr::new(ip(2), 1);
    let gone = at(9);
    dial(port, |_| {}, (40, CloseCause::Refused));
    dial(gone, |_| {}, (40, CloseCause::Refused));
    dial(
        gone,
        |world| world.net.set_absent(ip(9), Absent::Unreachable),
        (40, CloseCause::Unreachable),
    );
    dial(
        gone,
        |world| world.net.set_absent(ip(9), Absent::Silent),
        (127_000, CloseCause::TimedOut),
    );
    dial(
        at(2),
        |world| world.crash(B, crate::net::Crash::Reset),
        (40, CloseCause::Refused),
    );
    dial(
        at(2),
        |world| world.crash(B, crate::net::Crash::Silent),
        (127_000, CloseCause::TimedOut),
    );
}

#[test]
fn a_dial_that_is_given_up_is_never_heard_of() {
    let mut world = world(1, 2);
    connect(&mut world, A, C0, 2);
    run(&mut world, 1);
    world.carry_out(A, Output::Close { stream: C0 });
    run(&mut world, 1_000);
    assert_eq!((log(&world, A), log(&world, B)), (vec![], vec![]));
    assert_eq!(world.net.free.len(), 1);
}

/// Takes back the budget that the toy gave when the stream began.
fn stop_reading(world: &mut World, id: ActorId, stream: ConnId) {
    toy(world, id).budget = 0;
    let end = world.net.ends[&(id, stream)];
    world.net.end(end).expect("open").budget = 0;
}

#[test]
fn bytes_wait_for_a_budget_at_the_receiver_and_then_at_the_sender() {
    let mut world = pair(1);
    stop_reading(&mut world, B, THEIRS);
    let data = pattern(RECEIVE_MAX + 1_000);
    send(&mut world, A, C0, &data);
    run(&mut world, 1_000);
    assert_eq!(log(&world, A), [(50, Seen::Sent(RECEIVE_MAX as u64))]);
    assert_eq!(log(&world, B), []);
    assert_eq!(world.net.unsent(A, C0), 1_000);
    assert_eq!(world.marks.count("zero-window"), 1);

    // too little room to be announced
    world.carry_out(
        B,
        Output::Read {
            stream: THEIRS,
            budget: 100,
        },
    );
    run(&mut world, 2_000);
    assert_eq!(log(&world, B), [(1_000, Seen::Received(data[..100].to_vec()))]);
    assert_eq!(world.net.unsent(A, C0), 1_000);

    world.carry_out(
        B,
        Output::Read {
            stream: THEIRS,
            budget: 1 << 30,
        },
    );
    run(&mut world, 3_000);
    assert_eq!(log(&world, A)[1..], [(2_010, Seen::Sent(1_000))]);
    assert!(bytes(&world, B) == data);
}

#[test]
fn a_fin_comes_behind_what_was_sent_and_what_the_other_had_sent_still_flows() {
    let mut world = pair(1);
    send(&mut world, A, C0, b"bye");
    world.carry_out(A, Output::Shutdown { stream: C0 });
    send(&mut world, A, C0, b"too late");
    send(&mut world, B, THEIRS, b"last words");
    run(&mut world, 1_000);
    assert_eq!(
        log(&world, B),
        [
            (50, Seen::Sent(10)),
            (60, Seen::Received(b"bye".to_vec())),
            (60, Seen::Closed(CloseCause::Eof))
        ]
    );
    assert_eq!(
        log(&world, A),
        [
            (50, Seen::Sent(3)),
            (60, Seen::Received(b"last words".to_vec())),
            (70, Seen::Closed(CloseCause::Eof))
        ]
    );
    assert_eq!(world.net.free.len(), 1, "nothing is left of it");
}

#[test]
fn after_a_close_nothing_is_delivered_and_late_data_is_answered_by_a_reset() {
    let mut world = pair(1);
    stop_reading(&mut world, B, THEIRS);
    send(&mut world, A, C0, b"unread");
    world.carry_out(A, Output::Close { stream: C0 });
    send(&mut world, B, THEIRS, b"for nobody");
    run(&mut world, 1_000);
    assert_eq!(log(&world, A), []);
    assert_eq!(
        log(&world, B),
        [(50, Seen::Sent(10)), (70, Seen::Closed(CloseCause::Reset))]
    );
    assert_eq!(world.net.free.len(), 1);
    assert_eq!(world.marks.count("stream-unknown"), 1);
}

#[test]
fn a_reset_loses_what_is_unsent_but_not_what_arrived_before_it() {
    let mut world = pair(1);
    link(&mut world, A, |link| link.up = 100_000);
    send(&mut world, A, C0, &pattern(50_000));
    run(&mut world, 250);
    world.carry_out(A, Output::Reset { stream: C0 });
    run(&mut world, 1_000);
    let seen = log(&world, B);
    assert_eq!(seen.last(), Some(&(260, Seen::Closed(CloseCause::Reset))));
    assert!(bytes(&world, B) == pattern(20_000), "{}", bytes(&world, B).len());
    assert_eq!(world.net.free.len(), 1);
}

#[test]
fn losses_stall_a_stream_and_nine_in_a_row_end_it() {
    let mut world = pair(1);
    link(&mut world, A, |link| link.loss = 500);
    for n in 0..50 {
        send(&mut world, A, C0, &[n]);
    }
    run(&mut world, 200_000);
    let got: Vec<u8> = (0..50).collect();
    assert_eq!(bytes(&world, B), got, "late, but whole and in order");
    let times: Vec<u64> = log(&world, B).iter().map(|(at, _)| *at).collect();
    // stalls of 200, 600, 1,400 … ms; a later one comes no earlier
    let stalls: Vec<u64> = (0..9).map(|k| 60 + 200 * ((1 << k) - 1)).collect();
    assert!(times.iter().all(|at| stalls.contains(at)), "{times:?}");
    assert!(times.len() > 1);

    let mut world = pair(1);
    link(&mut world, B, |link| link.loss = 1_000);
    send(&mut world, A, C0, b"never");
    run(&mut world, 500_000);
    assert_eq!(
        log(&world, A).last(),
        Some(&(50 + 102_200, Seen::Closed(CloseCause::TimedOut)))
    );
    assert_eq!(log(&world, B), []);
}

/// A stream over links that the seed draws.
fn drawn(seed: u64, rng: &mut Rng) -> World {
    let mut world = world(seed, 2);
    for id in [A, B] {
        link(&mut world, id, |link| {
            link.latency = MS * rng.below(50);
            link.jitter = MS * rng.below(200);
            link.loss = [0, 0, 100][rng.below(3) as usize];
            link.up = [0, 0, 50_000, 1_000_000][rng.below(4) as usize];
            link.down = [0, 0, 70_000, 2_000_000][rng.below(4) as usize];
        });
        world.net.set_cutter(id, CUTTERS[rng.below(5) as usize]);
        world.net.set_receive_max(id, 1 + rng.below(5_000) as usize);
    }
    connect(&mut world, A, C0, 2);
    world.run_until(Instant::from_secs(100), |world| world.net.is_open(B, THEIRS));
    world
}

/// Both ends take whatever comes, and say no more.
fn read_all_and_end(world: &mut World) {
    for (id, stream) in [(A, C0), (B, THEIRS)] {
        let budget = 1 << 40;
        world.carry_out(id, Output::Read { stream, budget });
        world.carry_out(id, Output::Shutdown { stream });
    }
}

/// Sends what the seed says over links that the seed draws, both ways, and compares.
fn carries_everything_once_and_in_order(seed: u64) {
    let mut rng = Rng::from_seed([seed as u8; 32]);
    let mut world = drawn(seed, &mut rng);
    let mut sent = [Vec::new(), Vec::new()];
    let mut reading = [0u64; 2];
    stop_reading(&mut world, A, C0);
    stop_reading(&mut world, B, THEIRS);
    let ids = [C0, THEIRS];
    for _ in 0..300 {
        let side = rng.below(2) as usize;
        let (id, stream) = ([A, B][side], ids[side]);
        if rng.chance(1, 2) {
            let mut part = vec![0; rng.below(3_000) as usize];
            rng.fill(&mut part);
            sent[side].extend_from_slice(&part);
            world.carry_out(id, Output::Send { stream, data: part });
        } else {
            let budget = rng.below(6_000).into();
            reading[side] += budget;
            world.carry_out(id, Output::Read { stream, budget });
        }
        for _ in 0..rng.below(5) {
            world.step();
        }
    }
    for id in [A, B] {
        assert!(
            bytes(&world, id).len() as u64 <= reading[id.0],
            "more than was asked for"
        );
    }
    read_all_and_end(&mut world);
    // a clone half-way goes on in the same way
    let mut other = world.clone();
    for world in [&mut world, &mut other] {
        world.run_until(Instant::from_secs(10_000), |_| false);
    }
    assert_eq!(world.steps, other.steps, "seed {seed}");
    for id in [A, B] {
        assert_eq!(log(&world, id), log(&other, id), "seed {seed}");
    }
    let lost = |world: &World, id| log(world, id).last().map(|seen| seen.1.clone());
    if lost(&world, A) == Some(Seen::Closed(CloseCause::TimedOut)) {
        return;
    }
    assert!(bytes(&world, B) == sent[0], "seed {seed}");
    assert!(bytes(&world, A) == sent[1], "seed {seed}");
    for id in [A, B] {
        assert_eq!(
            lost(&world, id),
            Some(Seen::Closed(CloseCause::Eof)),
            "seed {seed}"
        );
        let told: u64 = log(&world, id)
            .iter()
            .map(|(_, seen)| if let Seen::Sent(bytes) = seen { *bytes } else { 0 })
            .sum();
        assert!(told <= sent[id.0].len() as u64);
        let times: Vec<_> = log(&world, id).iter().map(|(at, _)| *at).collect();
        assert!(times.is_sorted());
    }
    assert_eq!(world.net.free.len(), 1, "seed {seed}: nothing is left of it");
}

#[test]
fn whatever_the_link_bytes_come_once_and_in_order() {
    (0..60).for_each(carries_everything_once_and_in_order);
}

#[test]
fn a_cutter_cuts_reads_and_changes_nothing_else() {
    let read = |cutter| {
        let mut world = pair(7);
        world.net.set_cutter(B, cutter);
        send(&mut world, A, C0, &pattern(100_000));
        run(&mut world, 1_000);
        assert!(bytes(&world, B) == pattern(100_000));
        let lengths: Vec<_> = log(&world, B)
            .iter()
            .filter_map(|(_, seen)| {
                if let Seen::Received(data) = seen {
                    Some(data.len())
                } else {
                    None
                }
            })
            .collect();
        (lengths, log(&world, A))
    };
    let whole = read(Cutter::Whole);
    assert_eq!(whole.0, [100_000]);
    assert_eq!(read(Cutter::One).0, vec![1; 100_000]);
    assert_eq!(read(Cutter::Mss).0[..68], [1_460; 68]);
    assert_eq!(read(Cutter::Coalesced).0, [65_536, 34_464]);
    assert!(read(Cutter::Random).0.len() > 3);
    for cutter in CUTTERS {
        assert_eq!(read(cutter).1, whole.1);
    }
}

#[test]
fn a_late_reader_gets_several_sends_at_once() {
    let mut world = pair(1);
    world.net.set_cutter(B, Cutter::Coalesced);
    for n in 0..15 {
        send(&mut world, A, C0, &[n]);
        run(&mut world, 51 + u64::from(n));
    }
    run(&mut world, 1_000);
    let got: Vec<u8> = (0..15).collect();
    assert_eq!(
        log(&world, B),
        [
            (60, Seen::Received(got[..1].to_vec())),
            (80, Seen::Received(got[1..].to_vec()))
        ]
    );
}

#[test]
fn another_actor_changes_no_draw_between_these() {
    let times = |others: bool| {
        let mut world = world(3, 3);
        for id in [A, B, ActorId(2)] {
            link(&mut world, id, |link| {
                link.jitter = MS * 100;
                link.loss = 200;
            });
        }
        connect(&mut world, A, C0, 2);
        if others {
            connect(&mut world, A, ConnId::dialled(1), 3);
            connect(&mut world, ActorId(2), C0, 2);
        }
        run(&mut world, 100_000);
        for n in 0..100 {
            if others {
                send(&mut world, A, ConnId::dialled(1), &[n; 10]);
            }
            send(&mut world, A, C0, &[n]);
            let next = world.now + MS * 1_000;
            world.run_until(next, |_| false);
        }
        run(&mut world, 1_000_000);
        let toy: &Toy = world.actor(B).expect("a toy");
        let log = toy
            .log
            .iter()
            .filter(|(_, seen)| matches!(seen, Seen::Received(_)));
        log.cloned().collect::<Vec<_>>()
    };
    let alone = times(false);
    assert!(alone.len() > 3);
    assert_eq!(times(true), alone);
}
