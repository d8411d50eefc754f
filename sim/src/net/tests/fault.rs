//! Faults of links, by name.

use super::*;
use crate::net::BEHAVIOURS;
use crate::scenario::{FaultSpec, Use, Value, When};
use std::collections::BTreeSet;

pub(super) fn fault(targets: &[&str], what: Use) -> FaultSpec {
    FaultSpec {
        when: When::At(Duration::ZERO),
        lasts: Some(Duration::from_secs(1)),
        targets: targets.iter().map(|name| (*name).to_owned()).collect(),
        what,
    }
}

pub(super) fn on(world: &mut World, targets: &[&str], what: &Use) {
    assert!(
        world.apply_link_fault(&fault(targets, what.clone()), true),
        "{}",
        what.name
    );
}

pub(super) fn off(world: &mut World, targets: &[&str], what: &Use) {
    assert!(
        world.apply_link_fault(&fault(targets, what.clone()), false),
        "{}",
        what.name
    );
}

pub(super) fn text(mut what: Use, name: &str, value: &str) -> Use {
    what.params.push((name.into(), Value::Text(value.into())));
    what
}

pub(super) fn closed(world: &World, id: ActorId) -> Vec<(u64, CloseCause)> {
    let log = log(world, id).into_iter();
    log.filter_map(|(at, seen)| {
        if let Seen::Closed(cause) = seen {
            Some((at, cause))
        } else {
            None
        }
    })
    .collect()
}

#[test]
fn unknown_names_and_targets_are_told_and_known_ones_are_unique() {
    let mut world = world(1, 2);
    assert!(!world.apply_link_fault(&fault(&["a"], Use::new("no-such-thing")), true));
    assert!(!world.apply_link_fault(&fault(&["nobody"], Use::new("clog")), true));
    let names: BTreeSet<_> = BEHAVIOURS.iter().map(|known| known.name).collect();
    assert_eq!(names.len(), BEHAVIOURS.len());
    for known in BEHAVIOURS {
        let what = text(Use::new(known.name), "ip", "10.0.0.77");
        on(&mut world, &["b"], &what);
        off(&mut world, &["b"], &what);
        assert!(world.net.outages.is_empty(), "{}", known.name);
    }
}

#[test]
fn a_partition_stalls_a_stream_until_it_heals_or_the_system_gives_up() {
    let what = Use::new("partition");
    let mut world = pair(1);
    on(&mut world, &["a", "b"], &what);
    send(&mut world, A, C0, b"x");
    run(&mut world, 500);
    off(&mut world, &["a", "b"], &what);
    run(&mut world, 10_000);
    // sent at 50, 250, 650
    assert_eq!(log(&world, B), [(660, Seen::Received(b"x".to_vec()))]);
    assert_eq!(log(&world, A), [(650, Seen::Sent(1))]);
    assert!(world.marks.count("partition") > 0);

    on(&mut world, &["b"], &what);
    let begin = world.now.as_micros() / 1_000;
    send(&mut world, A, C0, b"y");
    connect(&mut world, A, ConnId::dialled(7), 2);
    run(&mut world, 300_000);
    let expected = [
        (begin + 102_200, CloseCause::TimedOut),
        (begin + 127_000, CloseCause::TimedOut),
    ];
    assert_eq!(closed(&world, A), expected);
    assert_eq!(closed(&world, B), []);
}

#[test]
fn partitions_have_directions_and_sides() {
    let heard = |targets: &[&str], what: &Use| {
        let mut world = world(1, 4);
        on(&mut world, targets, what);
        for from in 0..4 {
            for to in 1..=4u8 {
                let data = vec![from as u8];
                world.carry_out(
                    ActorId(from),
                    Output::Datagram {
                        to: at(to),
                        from: None,
                        data,
                    },
                );
            }
        }
        run(&mut world, 1_000);
        let heard = |to| {
            let log = log(&world, ActorId(to)).into_iter();
            let senders = log.filter_map(|(_, seen)| match seen {
                Seen::Datagram(_, data) => Some(char::from(b'a' + data[0])),
                _ => None,
            });
            senders.collect::<String>()
        };
        (0..4).map(heard).collect::<Vec<_>>()
    };
    let what = Use::new("partition");
    let one_way = Use::new("partition-one-way");
    let out = text(one_way.clone(), "way", "out");
    assert_eq!(heard(&["a"], &what), ["a", "bcd", "bcd", "bcd"]);
    assert_eq!(heard(&["a", "b"], &what), ["acd", "bcd", "abcd", "abcd"]);
    assert_eq!(heard(&["a", "b", "c"], &what), ["abc", "abc", "abc", "d"]);
    assert_eq!(heard(&["a"], &one_way), ["a", "abcd", "abcd", "abcd"]);
    assert_eq!(heard(&["a", "b"], &one_way), ["acd", "abcd", "abcd", "abcd"]);
    assert_eq!(heard(&["a"], &out), ["abcd", "bcd", "bcd", "bcd"]);
}

#[test]
fn where_no_acknowledgement_comes_back_data_arrives_and_the_stream_ends() {
    let mut world = pair(1);
    on(&mut world, &["a", "b"], &Use::new("partition-one-way"));
    send(&mut world, A, C0, b"x");
    run(&mut world, 300_000);
    assert_eq!(log(&world, B), [(60, Seen::Received(b"x".to_vec()))]);
    assert_eq!(closed(&world, A), [(102_250, CloseCause::TimedOut)]);
}

#[test]
fn a_clog_holds_everything_and_lets_it_go_at_once() {
    let what = Use::new("clog");
    let mut world = pair(1);
    on(&mut world, &["b"], &what);
    for n in 0..5 {
        send(&mut world, A, C0, &[n]);
        let to = at(2);
        world.carry_out(
            A,
            Output::Datagram {
                to,
                from: None,
                data: vec![n],
            },
        );
        run(&mut world, 100 + u64::from(n) * 50);
    }
    run(&mut world, 1_000);
    assert_eq!(log(&world, B), []);
    off(&mut world, &["b"], &what);
    run(&mut world, 2_000);
    let seen = log(&world, B);
    assert!(seen.iter().all(|(at, _)| *at == 1_000), "{seen:?}");
    assert_eq!(bytes(&world, B), [0, 1, 2, 3, 4]);
    assert_eq!(
        seen.len(),
        5 + 1,
        "datagrams one by one, bytes of the stream together"
    );
    assert!(world.marks.count("clog") >= 6);
}

#[test]
fn a_flap_comes_and_goes_until_it_ends() {
    let what = Use::new("flap").with("period", 1_000);
    let mut world = world(1, 2);
    on(&mut world, &["b"], &what);
    for n in 0..80 {
        run(&mut world, n * 100 + 50);
        if n == 50 {
            off(&mut world, &["b"], &what);
        }
        world.carry_out(
            A,
            Output::Datagram {
                to: at(2),
                from: None,
                data: vec![0],
            },
        );
    }
    run(&mut world, 20_000);
    let seconds: Vec<u64> = log(&world, B).iter().map(|(at, _)| at / 1_000).collect();
    assert_eq!(
        seconds.iter().collect::<BTreeSet<_>>(),
        [1, 3, 5, 6, 7].iter().collect()
    );
}

#[test]
fn a_slow_link_is_slow_while_it_lasts() {
    let what = text(Use::new("slow-link").with("rate", 10_000), "latency", "100ms");
    let mut world = pair(1);
    on(&mut world, &["b"], &what);
    send(&mut world, A, C0, &pattern(10_000));
    run(&mut world, 5_000);
    assert_eq!(log(&world, B).last().map(|seen| seen.0), Some(50 + 1_000 + 110));
    off(&mut world, &["b"], &what);
    send(&mut world, A, C0, &pattern(10_000));
    run(&mut world, 9_000);
    assert_eq!(log(&world, B).last().map(|seen| seen.0), Some(5_010));
}

#[test]
fn a_stream_is_reset_at_exactly_the_byte() {
    for bytes_before in [0, 1, 67, 68, 69, 5_000, 9_999, 10_000] {
        for cutter in CUTTERS {
            let what = Use::new("reset-after")
                .with("bytes", bytes_before)
                .with("times", 1);
            let mut world = pair(1);
            world.net.set_cutter(B, cutter);
            on(&mut world, &["a"], &what);
            send(&mut world, A, C0, &pattern(68));
            send(&mut world, A, C0, &pattern(10_000)[68..]);
            send(&mut world, A, C0, b"never");
            run(&mut world, 1_000);
            assert!(
                bytes(&world, B) == pattern(10_000)[..bytes_before as usize],
                "{bytes_before}"
            );
            assert_eq!(closed(&world, A)[0].1, CloseCause::Reset);
            assert_eq!(closed(&world, B)[0].1, CloseCause::Reset);
            assert_eq!(world.marks.count("reset-after"), 1);
            // the next stream is not hit any more
            connect(&mut world, A, ConnId::dialled(9), 2);
            run(&mut world, 2_000);
            assert_eq!(log(&world, A).last(), Some(&(1_020, Seen::Connected)));
            assert_eq!(world.net.open_streams(B), 1);
        }
    }
}

#[test]
fn a_blow_hits_all_streams_of_the_target_and_no_other() {
    let mut world = world(1, 3);
    connect(&mut world, A, C0, 2);
    connect(&mut world, ActorId(2), C0, 1);
    connect(&mut world, ActorId(2), ConnId::dialled(1), 2);
    run(&mut world, 1_000);
    on(&mut world, &["a"], &Use::new("reset-all"));
    run(&mut world, 2_000);
    assert_eq!(
        closed(&world, A),
        [(1_020, CloseCause::Reset), (1_020, CloseCause::Reset)]
    );
    assert_eq!(closed(&world, B), [(1_020, CloseCause::Reset)]);
    assert_eq!(world.net.open_streams(B), 1);
    assert_eq!(world.marks.count("reset-all"), 2);
    assert_eq!(world.net.free.len(), 2);

    connect(&mut world, A, ConnId::dialled(7), 2);
    run(&mut world, 3_000);
    let open = |world: &World| [0, 1, 2].map(|n| world.net.open_streams(ActorId(n)));
    assert_eq!(open(&world), [1, 2, 1]);
    on(&mut world, &["c", "b"], &Use::new("reset-all"));
    run(&mut world, 4_000);
    assert_eq!(open(&world), [1, 1, 0], "only what is between the two");
    on(&mut world, &[], &Use::new("reset-all"));
    run(&mut world, 5_000);
    assert_eq!(open(&world), [0; 3]);
    assert_eq!(world.marks.count("reset-all"), 4, "a stream is one stream");
}

#[test]
fn a_half_open_stream_is_silent_both_ways() {
    let mut world = pair(1);
    send(&mut world, B, THEIRS, b"in flight");
    on(&mut world, &["a"], &Use::new("half-open"));
    send(&mut world, A, C0, b"x");
    run(&mut world, 101_000);
    assert_eq!(log(&world, A), []);
    assert_eq!(log(&world, B), [(50, Seen::Sent(9))]);
    run(&mut world, 300_000);
    assert_eq!(
        closed(&world, A),
        [(102_250, CloseCause::TimedOut)],
        "it had sent something"
    );
    assert_eq!(closed(&world, B), [], "it waits for ever");
}

#[test]
fn streams_that_are_cut_when_they_begin() {
    let what = Use::new("cut-connects").with("times", 1);
    let mut world = world(1, 2);
    on(&mut world, &["b"], &what);
    connect(&mut world, A, C0, 2);
    run(&mut world, 1_000);
    connect(&mut world, A, ConnId::dialled(1), 2);
    run(&mut world, 2_000);
    assert_eq!(
        log(&world, A),
        [
            (40, Seen::Connected),
            (60, Seen::Closed(CloseCause::Reset)),
            (1_040, Seen::Connected)
        ]
    );
    assert_eq!(world.marks.count("cut-connects"), 1);
}

#[test]
fn dials_to_a_target_that_refuses_swallows_or_is_unreachable() {
    let cases = [
        ("refuse", 40, CloseCause::Refused),
        ("unreachable", 40, CloseCause::Unreachable),
        ("blackhole", 127_000, CloseCause::TimedOut),
    ];
    for (name, after, cause) in cases {
        let mut world = world(1, 2);
        let what = Use::new(name);
        on(&mut world, &["b"], &what);
        connect(&mut world, A, C0, 2);
        run(&mut world, 200_000);
        assert_eq!(log(&world, A), [(after, Seen::Closed(cause))]);
        assert!(world.marks.count(name) > 0);
        off(&mut world, &["b"], &what);
        connect(&mut world, A, ConnId::dialled(1), 2);
        run(&mut world, 201_000);
        assert_eq!(log(&world, A)[1..], [(200_040, Seen::Connected)]);
    }
}

#[test]
fn a_lost_syn_is_sent_again_and_the_stream_comes_to_be() {
    let mut world = world(1, 2);
    let what = Use::new("blackhole");
    on(&mut world, &["b"], &what);
    connect(&mut world, A, C0, 2);
    run(&mut world, 2_000);
    off(&mut world, &["b"], &what);
    run(&mut world, 10_000);
    assert_eq!(log(&world, A), [(3_040, Seen::Connected)], "SYNs at 0, 1 and 3 s");
}

#[test]
fn reads_and_accidents_can_be_had_by_name() {
    for name in [
        "one-byte-reads",
        "random-reads",
        "segment-reads",
        "coalesced-reads",
    ] {
        let mut world = pair(1);
        assert!(world.apply_link_behaviour(B, &Use::new(name)));
        send(&mut world, A, C0, &pattern(3_000));
        run(&mut world, 1_000);
        assert!(bytes(&world, B) == pattern(3_000));
        assert!(world.marks.count(name) > 0, "{name}");
    }
    let names = [
        "lossy",
        "burst-loss",
        "duplicating",
        "reordering",
        "corrupting",
        "mtu-drop",
        "datagram-rate",
    ];
    for name in names {
        let mut world = world(1, 2);
        assert!(world.apply_link_behaviour(A, &Use::new(name)));
        for _ in 0..100 {
            world.carry_out(
                A,
                Output::Datagram {
                    to: at(2),
                    from: None,
                    data: vec![0; 1_500],
                },
            );
        }
        run(&mut world, 1_000);
        assert!(world.marks.count(name) > 0, "{name}");
    }
}
