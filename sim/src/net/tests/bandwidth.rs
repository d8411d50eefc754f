//! Bandwidth: who gets how much, and when it is there.

use super::*;
use crate::net::bandwidth::shares;

#[track_caller]
fn check(flows: &[(usize, usize)], up: &[u64], down: &[u64], expected: &[u64]) {
    let flows: Vec<_> = flows.iter().map(|(a, b)| (ActorId(*a), ActorId(*b))).collect();
    let capacity = |id: ActorId, is_up| if is_up { up[id.0] } else { down[id.0] };
    assert_eq!(shares(&flows, capacity), expected);
}

#[test]
fn shares_are_max_min_fair() {
    check(&[(0, 1)], &[100, 0], &[0, 50], &[50]);
    check(&[(0, 1), (0, 2)], &[100, 0, 0], &[0, 0, 0], &[50, 50]);
    // what the slow one cannot use goes to the other
    check(&[(0, 1), (0, 2)], &[100, 0, 0], &[0, 10, 0], &[10, 90]);
    check(
        &[(0, 1), (0, 2), (3, 2)],
        &[100, 0, 0, 100],
        &[0, 0, 60, 0],
        &[70, 30, 30],
    );
    // a chain: the tightest link first
    check(
        &[(0, 2), (0, 3), (1, 3)],
        &[90, 30, 0, 0],
        &[0, 0, 30, 90],
        &[30, 60, 30],
    );
    check(&[(0, 1)], &[0, 0], &[0, 0], &[u64::MAX]);
    // never less than one, or nothing would ever end
    check(&[(0, 1), (0, 1), (0, 1)], &[2, 0], &[0, 0], &[1, 1, 1]);
}

#[test]
fn a_limited_link_delivers_in_portions_and_to_the_microsecond() {
    let mut world = pair(1);
    link(&mut world, A, |link| link.up = 20_000);
    send(&mut world, A, C0, &pattern(10_000));
    run(&mut world, 5_000);
    let times: Vec<u64> = log(&world, B).iter().map(|(at, _)| *at).collect();
    assert_eq!(
        times,
        [160, 260, 360, 460, 560],
        "2,000 bytes each tenth of a second, and 10 ms"
    );
    assert!(bytes(&world, B) == pattern(10_000));
    let told: Vec<_> = log(&world, A);
    assert_eq!(
        told[0],
        (150, Seen::Sent(2_000)),
        "when they left, not when they were sent"
    );
}

/// When the last byte of each toy came.
fn last(world: &World, ids: &[usize]) -> Vec<u64> {
    let ends = ids
        .iter()
        .map(|id| log(world, ActorId(*id)).last().map_or(0, |(at, _)| *at));
    ends.collect()
}

#[test]
fn streams_share_a_link_and_the_last_has_it_alone() {
    let mut world = world(1, 3);
    for n in 0..3 {
        link(&mut world, ActorId(n), |link| link.latency = Duration::ZERO);
    }
    connect(&mut world, A, C0, 2);
    connect(&mut world, A, ConnId::dialled(1), 3);
    run(&mut world, 0);
    link(&mut world, A, |link| link.up = 100_000);
    send(&mut world, A, C0, &pattern(50_000));
    send(&mut world, A, ConnId::dialled(1), &pattern(150_000));
    run(&mut world, 10_000);
    // 50 kB at half the rate take a second; then 100 kB at the whole rate
    assert_eq!(last(&world, &[1, 2]), [1_000, 2_000]);
    assert!(bytes(&world, ActorId(2)) == pattern(150_000));
}

#[test]
fn a_link_can_change_while_it_is_in_use() {
    let mut world = pair(1);
    link(&mut world, B, |link| link.down = 10_000);
    send(&mut world, A, C0, &pattern(20_000));
    run(&mut world, 1_050);
    link(&mut world, B, |link| link.down = 0);
    run(&mut world, 2_000);
    assert_eq!(last(&world, &[1]), [1_060]);
    assert!(bytes(&world, B) == pattern(20_000));
}
