//! The rules for known addresses, one test each, and a random run against the invariants.

use super::*;
use crate::time::Duration;

fn candidates(change: impl FnOnce(&mut CandidatesConfig)) -> Candidates {
    let mut config = CandidatesConfig {
        retry_jitter: Duration::ZERO,
        ..CandidatesConfig::default()
    };
    change(&mut config);
    Candidates::new(config, Rng::from_seed([2; 32]))
}

fn addr(host: u8, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::from([8, 8, 8, host]), port)
}

const fn at(secs: u64) -> Instant {
    Instant::from_secs(secs)
}

fn standing(candidates: &Candidates, addr: SocketAddr) -> Option<Standing> {
    let view = candidates.view();
    view.iter()
        .find(|view| view.addr == addr)
        .map(|view| view.standing)
}

#[test]
fn the_best_source_is_dialled_first() {
    let mut list = candidates(|_| {});
    list.add(at(0), addr(1, 1), Source::Pex, false);
    list.add(at(0), addr(2, 1), Source::Resume, false);
    list.add(at(0), addr(3, 1), Source::Tracker, false);
    list.add(at(0), addr(4, 1), Source::User, false);
    assert_eq!(
        list.add(at(0), addr(1, 1), Source::Incoming, false),
        AddOutcome::Known
    );
    let order: Vec<_> = core::iter::from_fn(|| list.next(at(0))).collect();
    assert_eq!(order, [addr(4, 1), addr(3, 1), addr(1, 1), addr(2, 1)]);
    assert_eq!((list.connecting_count(), list.known()), (4, 4));
}

#[test]
fn equals_come_in_seeded_order() {
    let order = |seed: u8| {
        let mut list = Candidates::new(CandidatesConfig::default(), Rng::from_seed([seed; 32]));
        for host in 1..20 {
            list.add(at(0), addr(host, 1), Source::Tracker, false);
        }
        let mut again = list.clone();
        let order: Vec<_> = core::iter::from_fn(|| list.next(at(0))).collect();
        assert!(core::iter::from_fn(|| again.next(at(0))).eq(order.iter().copied()));
        order
    };
    assert!(!order(1).is_sorted() && order(1) != order(2));
}

#[test]
fn a_host_has_one_connection() {
    let mut list = candidates(|_| {});
    list.add(at(0), addr(1, 1), Source::Tracker, false);
    list.add(at(0), addr(1, 2), Source::Tracker, false);
    let first = list.next(at(0)).unwrap();
    assert_eq!(list.next(at(0)), None);
    assert!(!list.connected(at(1), first));
    assert_eq!(
        list.incoming(at(1), addr(1, 50_000)),
        Err(Refusal::AlreadyConnected)
    );
    assert_eq!(list.incoming(at(1), addr(2, 50_000)), Ok(()));
    assert_eq!(
        (list.connected_count(), list.known()),
        (2, 2),
        "an incoming port is no address to dial"
    );
    list.closed(at(2), first, true);
    assert!(list.next(at(2)).is_some());

    let mut list = candidates(|config| config.allow_multiple_per_ip = true);
    list.add(at(0), addr(1, 1), Source::Tracker, false);
    list.add(at(0), addr(1, 2), Source::Tracker, false);
    assert!(list.next(at(0)).is_some() && list.next(at(0)).is_some());
    assert_eq!(list.incoming(at(1), addr(1, 50_000)), Ok(()));
}

#[test]
fn two_that_dial_each_other_do_not_both_refuse() {
    let mut list = candidates(|_| {});
    list.add(at(0), addr(1, 1), Source::Tracker, false);
    let dialled = list.next(at(0)).unwrap();
    assert_eq!(list.incoming(at(0), addr(1, 50_000)), Ok(()));
    assert!(
        list.connected(at(0), dialled),
        "a duplicate, to be resolved by both by one rule"
    );
    list.closed(at(0), addr(1, 50_000), false);
    assert_eq!((list.connected_count(), list.next(at(0))), (1, None));
}

#[test]
fn an_address_that_fails_is_left_alone_for_longer_and_then_given_up() {
    let mut list = candidates(|_| {});
    list.add(at(0), addr(1, 1), Source::Tracker, false);
    let mut now = at(0);
    for wait in [120, 180] {
        assert_eq!(list.next(now), Some(addr(1, 1)));
        list.failed(now, addr(1, 1));
        let due = now + Duration::from_secs(wait);
        assert_eq!(list.deadline(), Some(due));
        assert_eq!(list.next(due - Duration::from_micros(1)), None);
        list.handle_timeout(due);
        assert_eq!(list.deadline(), None);
        now = due;
    }
    list.next(now).unwrap();
    list.failed(now, addr(1, 1));
    assert_eq!(
        (list.deadline(), standing(&list, addr(1, 1))),
        (None, Some(Standing::GivenUp))
    );
    list.add(now, addr(1, 1), Source::Pex, false);
    assert_eq!(
        list.deadline(),
        Some(now + Duration::from_secs(180)),
        "named again, but no sooner"
    );
    let later = now + Duration::from_secs(180);
    assert_eq!(list.next(later), Some(addr(1, 1)));
    list.failed(later, addr(1, 1));
    assert_eq!(standing(&list, addr(1, 1)), Some(Standing::GivenUp));
    list.add(later + Duration::from_secs(600), addr(1, 1), Source::Pex, false);
    assert_eq!(list.next(later + Duration::from_secs(600)), Some(addr(1, 1)));
}

#[test]
fn what_the_user_named_is_never_given_up() {
    let mut list = candidates(|_| {});
    list.add(at(0), addr(1, 1), Source::User, false);
    let mut now = at(0);
    for _ in 0..10 {
        assert_eq!(list.next(now), Some(addr(1, 1)));
        list.failed(now, addr(1, 1));
        now = list.deadline().unwrap();
    }
}

#[test]
fn a_useful_peer_is_tried_again_soon_and_first() {
    let mut list = candidates(|_| {});
    list.add(at(0), addr(1, 1), Source::Pex, false);
    list.next(at(0));
    list.connected(at(0), addr(1, 1));
    list.closed(at(9), addr(1, 1), true);
    assert_eq!(list.deadline(), Some(at(69)));
    list.add(at(9), addr(2, 1), Source::Tracker, false);
    assert_eq!(list.next(at(69)), Some(addr(1, 1)));
    list.gave_up(at(69), addr(1, 1), Duration::ZERO);
    assert_eq!(
        standing(&list, addr(1, 1)),
        Some(Standing::Ready),
        "our fault is no failure"
    );
}

#[test]
fn few_ports_of_a_host_are_kept_so_that_we_are_no_weapon() {
    let mut list = candidates(|_| {});
    let kept =
        (1..=1000).filter(|port| list.add(at(0), addr(1, *port), Source::Pex, false) == AddOutcome::New);
    assert_eq!(kept.count(), 3);
    let refused = AddOutcome::Refused(Refusal::TooManyPorts);
    assert_eq!(list.add(at(0), addr(1, 2000), Source::Pex, false), refused);
    assert_eq!(
        list.add(at(0), addr(1, 2000), Source::Tracker, false),
        AddOutcome::New,
        "a better source"
    );
    assert_eq!(list.known(), 3);
    assert_eq!(
        list.add(at(0), addr(1, 2001), Source::User, false),
        AddOutcome::New
    );
}

#[test]
fn the_list_is_bounded_and_the_worst_make_room() {
    let mut list = candidates(|config| config.known_max = 5);
    list.add(at(0), addr(100, 1), Source::User, false);
    list.next(at(0));
    list.failed(at(0), addr(100, 1));
    for host in 1..=9 {
        list.add(at(0), addr(host, 1), Source::Pex, false);
    }
    assert_eq!(list.known(), 5);
    assert_eq!(
        list.add(at(0), addr(50, 1), Source::Pex, false),
        AddOutcome::Refused(Refusal::Full)
    );
    for host in 20..29 {
        list.add(at(0), addr(host, 1), Source::Tracker, false);
    }
    let sources: Vec<Source> = list.view().iter().map(|view| view.source).collect();
    assert_eq!(
        sources
            .iter()
            .filter(|source| **source == Source::Tracker)
            .count(),
        4
    );
    assert!(
        sources.contains(&Source::User),
        "the user's own stays though it failed"
    );
}

#[test]
fn a_banned_host_is_forgotten_and_refused_until_the_ban_ends() {
    let mut list = candidates(|config| config.ban_time = Duration::from_secs(100));
    list.add(at(0), addr(1, 1), Source::Tracker, false);
    list.add(at(0), addr(1, 2), Source::Tracker, false);
    let linked = list.next(at(0)).unwrap();
    let mapped: IpAddr = "::ffff:8.8.8.1".parse().unwrap();
    list.ban(at(0), mapped, BanReason::BadBlock);
    assert!(list.is_banned(at(99), addr(1, 1).ip()) && !list.is_banned(at(100), addr(1, 1).ip()));
    assert_eq!(list.known(), 1, "the one that is connecting");
    list.failed(at(1), linked);
    assert_eq!(list.known(), 0);
    let banned = Refusal::Banned(BanReason::BadBlock);
    assert_eq!(
        list.add(at(2), addr(1, 9), Source::User, true),
        AddOutcome::Refused(banned)
    );
    assert_eq!(list.incoming(at(2), addr(1, 9)), Err(banned));
    assert_eq!(list.incoming(at(100), addr(1, 9)), Ok(()));
    list.ban(at(200), addr(1, 1).ip(), BanReason::Violation);
    assert!(list.unban(at(201), addr(1, 1).ip()) && !list.unban(at(201), addr(1, 1).ip()));
    assert_eq!(list.add(at(202), addr(1, 9), Source::Pex, false), AddOutcome::New);
}

#[test]
fn bans_are_bounded() {
    let mut list = candidates(|config| config.bans_max = 3);
    for host in 1..=5 {
        list.ban(at(u64::from(host)), addr(host, 1).ip(), BanReason::Violation);
    }
    let banned: Vec<IpAddr> = list.bans().map(|(ip, ..)| ip).collect();
    assert_eq!(banned, [addr(3, 1).ip(), addr(4, 1).ip(), addr(5, 1).ip()]);
}

#[test]
fn we_never_dial_ourselves_twice() {
    let mut list = candidates(|_| {});
    list.add(at(0), addr(1, 1), Source::Tracker, false);
    let ours = list.next(at(0)).unwrap();
    list.mark_own(ours);
    list.closed(at(0), ours, false);
    assert_eq!(list.known(), 0);
    assert_eq!(
        list.add(at(0), ours, Source::User, true),
        AddOutcome::Refused(Refusal::Own)
    );
}

#[test]
fn another_network_resets_the_back_off() {
    let mut list = candidates(|config| config.failures_max = 1);
    list.add(at(0), addr(1, 1), Source::Tracker, false);
    list.add(at(0), addr(2, 1), Source::Tracker, false);
    let (first, second) = (list.next(at(0)).unwrap(), list.next(at(0)).unwrap());
    list.failed(at(0), first);
    list.closed(at(0), second, true);
    assert_eq!(list.next(at(1)), None);
    list.retry_now(true);
    assert!(list.next(at(1)).is_some() && list.next(at(1)).is_some());
}

#[test]
fn late_and_unknown_news_is_ignored() {
    let mut list = candidates(|_| {});
    list.failed(at(0), addr(1, 1));
    list.connected(at(0), addr(1, 1));
    list.closed(at(0), addr(1, 1), true);
    assert_eq!((list.known(), list.connected_count()), (0, 0));
}

#[test]
fn random_runs_keep_the_indices_and_the_limits() {
    let mut rng = Rng::from_seed([77; 32]);
    for _ in 0..40 {
        let mut list = candidates(|config| {
            config.known_max = 20;
            config.retry_jitter = Duration::from_secs(3);
        });
        let mut links: Vec<SocketAddr> = Vec::new();
        let mut now = at(0);
        for _ in 0..400 {
            now += Duration::from_secs(u64::from(rng.below(20)));
            let some = addr(rng.below(15) as u8, rng.below(6) as u16);
            let sources = [
                Source::User,
                Source::Tracker,
                Source::Incoming,
                Source::Resume,
                Source::Pex,
            ];
            match rng.below(12) {
                0..=4 => {
                    list.add(now, some, sources[rng.below(5) as usize], false);
                }
                5..=7 => links.extend(list.next(now)),
                8 if list.incoming(now, some).is_ok() => links.push(some),
                9 if rng.chance(1, 4) => list.ban(now, some.ip(), BanReason::Violation),
                10 if rng.chance(1, 20) => list.retry_now(true),
                _ if !links.is_empty() => {
                    let gone = links.swap_remove(rng.below(links.len() as u32) as usize);
                    match rng.below(4) {
                        0 => {
                            list.connected(now, gone);
                            links.push(gone);
                        }
                        1 => list.closed(now, gone, true),
                        2 => list.gave_up(now, gone, Duration::ZERO),
                        _ => list.failed(now, gone),
                    }
                }
                _ => {}
            }
            check_invariants(&list, now, &links);
        }
    }
}

fn check_invariants(list: &Candidates, now: Instant, links: &[SocketAddr]) {
    assert!(list.entries.len() <= 20);
    assert_eq!(list.links.len(), links.len());
    assert_eq!(list.connected_count() + list.connecting_count(), links.len());
    assert_eq!(list.ips.values().sum::<u32>() as usize, links.len());
    let idle: Vec<_> = list
        .entries
        .iter()
        .filter(|(_, entry)| entry.phase != Phase::Linked)
        .collect();
    assert_eq!(idle.len(), list.idle.len());
    let ready = idle
        .iter()
        .filter(|(_, entry)| entry.phase == Phase::Ready)
        .count();
    assert_eq!(ready, list.ready.len());
    let waiting = idle
        .iter()
        .filter(|(_, entry)| matches!(entry.phase, Phase::Waiting(_)))
        .count();
    assert_eq!(waiting, list.waiting.len());
    for (addr, entry) in &idle {
        assert!(list.idle.contains(&(entry.rank(), **addr)));
        assert!(!list.is_banned(now, addr.ip()) && !list.links.contains_key(addr));
    }
    for (addr, entry) in &list.entries {
        assert_eq!(
            entry.phase == Phase::Linked,
            list.links.contains_key(addr),
            "{addr}"
        );
    }
}

/// BEP 40: among equals the one of the greater priority comes first, as soon as two say what our address is.
#[test]
fn equal_addresses_are_dialled_by_their_priority() {
    let mut list = Candidates::new(
        CandidatesConfig {
            canonical_priority: true,
            ..CandidatesConfig::default()
        },
        Rng::from_seed([1; 32]),
    );
    let own: SocketAddr = "123.213.32.10:6881".parse().unwrap();
    let addrs: Vec<SocketAddr> = (1..=20).map(|n| addr(n, 1)).collect();
    for (n, addr) in addrs.iter().enumerate() {
        list.add(at(0), *addr, Source::Tracker, false);
        // once in the middle: also those that are known already are ordered
        if n == 10 {
            list.heard_own(addrs[0].ip(), own.ip(), own.port());
            assert_eq!(list.priority_of(addrs[0]), None, "nobody is believed alone");
            list.heard_own(addrs[1].ip(), own.ip(), own.port());
        }
    }
    let mut expected = addrs;
    expected.sort_by_key(|addr| core::cmp::Reverse(priority(own, *addr)));
    let order: Vec<_> = core::iter::from_fn(|| list.next(at(1))).collect();
    assert_eq!(order, expected);
}
