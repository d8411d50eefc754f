//! Datagrams and names.

use super::*;
use crate::net::{Absent, Burst, Crash, DnsAnswer};

fn datagram(world: &mut World, to: u8, data: Vec<u8>) {
    let to = at(to);
    world.carry_out(A, Output::Datagram { to, from: None, data });
}

/// Sends a thousand numbered datagrams, one each 10 ms, and gives what arrived.
fn thousand(change: impl FnOnce(&mut World)) -> (World, Vec<(u64, u32)>) {
    let mut world = world(5, 2);
    change(&mut world);
    for n in 0..1_000u32 {
        run(&mut world, u64::from(n) * 10);
        datagram(&mut world, 2, n.to_be_bytes().to_vec());
    }
    run(&mut world, 100_000);
    let got = log(&world, B).into_iter().map(|(at, seen)| match seen {
        Seen::Datagram(from, data) => {
            assert_eq!(from, super::at(1));
            (at, u32::from_be_bytes(data.try_into().expect("four bytes")))
        }
        other => panic!("{other:?}"),
    });
    let got = got.collect();
    (world, got)
}

#[test]
fn a_perfect_link_delivers_each_once_after_its_latency() {
    let (_, got) = thousand(|_| {});
    let expected: Vec<_> = (0..1_000).map(|n| (u64::from(n) * 10 + 20, n)).collect();
    assert_eq!(got, expected);
}

#[test]
fn accidents_happen_as_often_as_the_link_says() {
    let (world, got) = thousand(|world| link(world, A, |link| link.loss = 300));
    assert!((650..750).contains(&got.len()), "{}", got.len());
    assert_eq!(world.marks.count("lossy") as usize, 1_000 - got.len());

    let (world, got) = thousand(|world| link(world, B, |link| link.duplicate = 200));
    assert!((1_150..1_250).contains(&got.len()), "{}", got.len());
    assert_eq!(world.marks.count("duplicating") as usize, got.len() - 1_000);

    let (world, got) = thousand(|world| link(world, B, |link| link.reorder = 200));
    let overtaken = got.windows(2).filter(|pair| pair[0].1 > pair[1].1).count();
    assert!((100..220).contains(&overtaken), "{overtaken}");
    assert!(world.marks.count("reordering") > 150 && got.len() == 1_000);

    let (world, got) = thousand(|world| link(world, A, |link| link.corrupt = 200));
    let damaged = got.iter().zip(0..).filter(|((_, got), sent)| got != sent).count();
    assert_eq!(world.marks.count("corrupting") as usize, damaged);
    assert!((150..250).contains(&damaged), "{damaged}");
    assert!(
        got.iter()
            .zip(0u32..)
            .all(|((_, got), sent)| (got ^ sent).count_ones() <= 1)
    );

    let (_, got) = thousand(|world| link(world, A, |link| link.jitter = MS * 5));
    assert!(
        got.iter()
            .all(|(at, n)| (20..=25).contains(&(at - u64::from(*n) * 10)))
    );
    assert!(got.iter().any(|(at, n)| at - u64::from(*n) * 10 > 22));
}

#[test]
fn bursts_lose_several_in_a_row() {
    let (_, got) = thousand(|world| {
        let burst = Burst {
            enter: 20,
            leave: 100,
            loss: 1_000,
        };
        world.net.set_burst(A, Some(burst));
    });
    let gaps: Vec<_> = got
        .windows(2)
        .map(|pair| pair[1].1 - pair[0].1)
        .filter(|gap| *gap > 1)
        .collect();
    let mean = gaps.iter().sum::<u32>() / gaps.len() as u32;
    assert!((7..15).contains(&mean), "{gaps:?}");
}

#[test]
fn a_rate_limit_drops_what_is_too_much() {
    let (world, got) = thousand(|world| world.net.set_datagram_rate(A, Some(10)));
    // a second's worth at once, then ten a second over ten seconds
    assert_eq!(got.len(), 109);
    assert_eq!(world.marks.count("datagram-rate"), 891);
}

#[test]
fn long_datagrams_are_fragmented_dropped_or_not_sent_at_all() {
    let mut world = world(1, 2);
    datagram(&mut world, 2, vec![0; 60_000]);
    world.net.set_mtu(B, Some(1_472));
    datagram(&mut world, 2, vec![0; 1_473]);
    datagram(&mut world, 2, vec![0; 1_472]);
    datagram(&mut world, 2, vec![0; 65_508]);
    run(&mut world, 1_000);
    let lengths: Vec<_> = log(&world, B)
        .into_iter()
        .map(|(_, seen)| {
            if let Seen::Datagram(_, data) = seen {
                data.len()
            } else {
                0
            }
        })
        .collect();
    assert_eq!(lengths, [60_000, 1_472]);
    assert_eq!(log(&world, A), [(0, Seen::DatagramError(DatagramFault::TooLong))]);
}

#[test]
fn nobody_there_is_told_after_a_round_trip_unless_nobody_tells() {
    let mut world = world(1, 2);
    world.net.set_absent(ip(8), Absent::Unreachable);
    world.net.set_absent(ip(9), Absent::Silent);
    for to in [7, 8, 9] {
        datagram(&mut world, to, vec![1]);
    }
    run(&mut world, 1_000);
    let expected = [
        (40, Seen::DatagramError(DatagramFault::Refused)),
        (40, Seen::DatagramError(DatagramFault::Unreachable)),
    ];
    assert_eq!(log(&world, A), expected);

    world.crash(B, Crash::Reset);
    datagram(&mut world, 2, vec![1]);
    run(&mut world, 2_000);
    assert_eq!(
        log(&world, A)[2..],
        [(1_040, Seen::DatagramError(DatagramFault::Refused))]
    );
    world.restart(B, Duration::ZERO);
    run(&mut world, 3_000);
    world.crash(B, Crash::Silent);
    datagram(&mut world, 2, vec![1]);
    run(&mut world, 4_000);
    assert_eq!(log(&world, A).len(), 3);
}

#[test]
fn a_lie_about_the_source_arrives_as_it_is() {
    let mut world = world(1, 3);
    let from = Some(at(3));
    let data = vec![1];
    world.carry_out(
        A,
        Output::Datagram {
            to: at(2),
            from,
            data,
        },
    );
    run(&mut world, 1_000);
    assert_eq!(log(&world, B), [(20, Seen::Datagram(at(3), vec![1]))]);
    assert_eq!(world.marks.count("spoofed-source"), 1);
}

#[test]
fn names_resolve_fail_take_their_time_and_change() {
    let mut world = world(1, 1);
    let dns = &mut world.net.dns;
    dns.set("fifty.example", DnsAnswer::new((0..50).map(ip).collect()));
    dns.set(
        "slow.example",
        DnsAnswer::new(vec![ip(1)]).after(Duration::from_secs(40)),
    );
    dns.set("never.example", DnsAnswer::new(vec![ip(1)]).never());
    dns.set("bad.example", DnsAnswer::failing("server failure"));
    let changing = vec![
        DnsAnswer::failing("busy").times(2),
        DnsAnswer::new(vec![ip(1), ip(2)]),
    ];
    dns.set_list("changing.example", changing);
    let names = [
        ("10.0.0.9", 1, 0),
        ("[2001:db8::1]", 1, 0),
        ("FIFTY.example", 50, 20),
        ("slow.example", 1, 40_000),
        ("bad.example", 0, 20),
        ("unknown.example", 0, 20),
        ("changing.example", 0, 20),
        ("changing.example", 0, 20),
        ("changing.example", 2, 20),
        ("changing.example", 2, 20),
    ];
    for (host, count, after) in names {
        toy(&mut world, A).log.clear();
        let begin = world.now.as_micros() / 1_000;
        let host = host.to_owned();
        world.carry_out(
            A,
            Output::Resolve {
                lookup: 1,
                host: host.clone(),
            },
        );
        run(&mut world, begin + 100_000);
        assert_eq!(log(&world, A), [(begin + after, Seen::Resolved(count))], "{host}");
    }
    toy(&mut world, A).log.clear();
    world.carry_out(
        A,
        Output::Resolve {
            lookup: 1,
            host: "never.example".into(),
        },
    );
    assert!(!world.run_until(Instant::from_secs(1_000_000), |_| false));
    assert_eq!(log(&world, A), []);
}
