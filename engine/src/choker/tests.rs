//! The choker's rules, one test each.

mod slots;

use super::*;

const ROUND: Duration = Duration::from_secs(10);

fn peer(n: u64) -> PeerState {
    PeerState {
        key: ConnId::dialled(n),
        interested: true,
        unchoked: false,
        rate_from: 0,
        rate_to: 0,
        snubbed: false,
        connected_at: Instant::START,
        last_block_from: None,
        uploaded_this_unchoke: 0,
        unchoked_since: None,
        last_change: None,
        is_seed: false,
    }
}

/// A choker and its peers; decisions are carried out.
struct World {
    choker: Choker,
    peers: Vec<PeerState>,
    now: Instant,
    seeding: bool,
}

impl World {
    fn new(slots: u32, peers: Vec<PeerState>) -> Self {
        let config = ChokerConfig {
            slots,
            ..ChokerConfig::default()
        };
        let now = Instant::from_secs(1000);
        let mut choker = Choker::new(config, Rng::from_seed([4; 32]));
        for peer in peers.iter().filter(|peer| peer.interested) {
            choker.peer_became_interested(now, peer.key);
            assert_eq!(choker.deadline(), Some(now));
        }
        Self {
            choker,
            peers,
            now,
            seeding: false,
        }
    }

    fn pass(&mut self) -> Vec<Decision> {
        let decisions = self.choker.handle_timeout(self.now, self.seeding, &self.peers);
        assert!(decisions.is_sorted_by_key(|decision| decision.peer));
        for decision in &decisions {
            let peer = self
                .peers
                .iter_mut()
                .find(|peer| peer.key == decision.peer)
                .unwrap();
            assert_ne!(peer.unchoked, decision.unchoke, "only changes are decisions");
            let lately = peer.last_change.is_some_and(|last| self.now.since(last) < ROUND);
            assert!(!lately || peer.is_seed, "fibrillation");
            peer.unchoked = decision.unchoke;
            peer.last_change = Some(self.now);
            peer.unchoked_since = decision.unchoke.then_some(self.now);
            peer.uploaded_this_unchoke = 0;
        }
        if let Some(deadline) = self.choker.deadline() {
            assert!(deadline > self.now);
        }
        decisions
    }

    /// Runs up to the next whole round.
    fn round(&mut self) -> Vec<Decision> {
        self.now = self.choker.next_round.unwrap();
        self.pass()
    }

    fn unchoked(&self) -> Vec<u64> {
        let unchoked = self.peers.iter().filter(|peer| peer.unchoked);
        unchoked.map(|peer| peer.key.as_u64()).collect()
    }

    fn why(&self, n: u64) -> ChokeReason {
        self.choker.why(ConnId::dialled(n)).unwrap()
    }
}

fn with_rates(rates: &[u64]) -> Vec<PeerState> {
    (1..)
        .zip(rates)
        .map(|(n, rate)| PeerState {
            rate_from: *rate,
            ..peer(n)
        })
        .collect()
}

#[test]
fn the_fastest_get_the_regular_slots_and_one_is_optimistic() {
    let mut world = World::new(4, with_rates(&[10, 50, 30, 40, 20, 5]));
    assert_eq!(world.pass().len(), 4);
    let optimistic = world.choker.optimistic().to_vec();
    assert_eq!(optimistic.len(), 1);
    for (n, rank, rate) in [(2, 1, 50), (4, 2, 40), (3, 3, 30)] {
        assert_eq!(world.why(n), ChokeReason::Rate { rank, rate });
    }
    assert!(matches!(
        world.why(optimistic[0].as_u64()),
        ChokeReason::Optimistic { .. }
    ));
    let choked = [1, 5, 6]
        .into_iter()
        .find(|n| !world.unchoked().contains(n))
        .unwrap();
    assert!(matches!(
        world.why(choked),
        ChokeReason::TooSlow { slowest: 30, .. }
    ));
}

#[test]
fn a_fifth_of_the_slots_is_optimistic_and_never_none() {
    for (slots, optimistic) in [(0, 0), (1, 1), (4, 1), (9, 1), (10, 2), (50, 10)] {
        let mut world = World::new(slots, with_rates(&[7; 100]));
        world.pass();
        assert_eq!(world.unchoked().len(), slots as usize);
        assert_eq!(world.choker.optimistic().len(), optimistic, "{slots} slots");
    }
}

#[test]
fn the_optimistic_peer_changes_every_third_round() {
    let mut world = World::new(2, with_rates(&[9, 1, 1, 1, 1, 1]));
    world.pass();
    let mut history = Vec::new();
    for _ in 0..12 {
        world.round();
        history.push(world.choker.optimistic()[0]);
        assert_eq!(world.unchoked().len(), 2);
    }
    let changes: Vec<usize> = (1..12).filter(|n| history[*n] != history[n - 1]).collect();
    assert_eq!(changes, [2, 5, 8, 11]);
}

#[test]
fn new_peers_become_optimistic_three_times_as_often() {
    let mut chosen = 0;
    for seed in 0..400u32 {
        let mut peers = with_rates(&[0; 4]);
        peers[3].connected_at = Instant::from_secs(990);
        let mut world = World::new(1, peers);
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&seed.to_le_bytes());
        world.choker.rng = Rng::from_seed(bytes);
        world.pass();
        chosen += u32::from(world.unchoked() == [4]);
    }
    assert!((170..230).contains(&chosen), "{chosen} of 400, expected half");
}

#[test]
fn an_empty_slot_is_filled_at_once_but_not_over_and_over() {
    let mut world = World::new(3, with_rates(&[5]));
    world.pass();
    assert_eq!(world.unchoked(), [1]);
    world.now += Duration::from_secs(3);
    world.peers.push(peer(2));
    world.choker.peer_became_interested(world.now, ConnId::dialled(2));
    assert_eq!(world.choker.deadline(), Some(world.now));
    world.pass();
    assert_eq!(world.unchoked(), [1, 2]);
    world.choker.peer_became_interested(world.now, ConnId::dialled(2));
    assert_eq!(
        world.choker.deadline(),
        Some(world.now + ChokerConfig::default().fill_min)
    );
    world.now += Duration::from_secs(2);
    world.pass();
    world.peers.retain(|peer| peer.key != ConnId::dialled(1));
    world.peers.push(peer(3));
    world.choker.peer_left(ConnId::dialled(1));
    assert_eq!(
        world.choker.deadline(),
        Some(world.now + ChokerConfig::default().fill_min)
    );
}

#[test]
fn outside_a_round_nobody_loses_a_slot() {
    let mut world = World::new(3, with_rates(&[5, 6, 7]));
    world.pass();
    world.now += Duration::from_secs(5);
    world.peers.push(PeerState {
        rate_from: 100,
        ..peer(4)
    });
    world.choker.peer_became_interested(world.now, ConnId::dialled(4));
    assert_eq!(world.pass(), []);
    world.round();
    assert_eq!(world.why(4), ChokeReason::Rate { rank: 1, rate: 100 });
}

#[test]
fn a_late_round_does_not_flap_a_peer_changed_shortly_before() {
    let mut world = World::new(2, with_rates(&[5, 6]));
    world.pass();
    world.peers[0].last_change = Some(world.now + Duration::from_secs(5));
    world.peers[1].last_change = Some(world.now + Duration::from_secs(5));
    world.peers.extend([
        PeerState {
            rate_from: 70,
            ..peer(3)
        },
        PeerState {
            rate_from: 80,
            ..peer(4)
        },
    ]);
    assert_eq!(world.round(), [], "both holders are locked, so no slot is free");
    world.round();
    assert_eq!(world.why(4), ChokeReason::Rate { rank: 1, rate: 80 });
}

#[test]
fn a_peer_that_gives_nothing_for_a_minute_is_not_regular() {
    let mut world = World::new(2, with_rates(&[0, 0]));
    world.pass();
    let regular = if world.choker.optimistic() == [ConnId::dialled(1)] {
        2
    } else {
        1
    };
    assert!(matches!(world.why(regular), ChokeReason::Rate { .. }));
    for _ in 0..6 {
        world.round();
    }
    assert!(
        matches!(world.why(regular), ChokeReason::Optimistic { .. }),
        "the slot is optimistic now"
    );
    world.peers.push(PeerState {
        snubbed: true,
        rate_from: 90,
        ..peer(3)
    });
    world.peers.extend((4..8).map(|n| PeerState {
        rate_from: 1,
        ..peer(n)
    }));
    world.round();
    assert!(!matches!(world.why(3), ChokeReason::Rate { .. }));
    assert!(matches!(world.why(4), ChokeReason::Rate { .. }));
}

#[test]
fn seeds_and_the_uninterested_are_choked() {
    let mut peers = with_rates(&[5, 6, 7]);
    peers[1] = PeerState {
        is_seed: true,
        unchoked: true,
        last_change: Some(Instant::from_secs(999)),
        ..peers[1]
    };
    peers[2] = PeerState {
        interested: false,
        unchoked: true,
        ..peers[2]
    };
    peers[2].rate_from = 0;
    let mut world = World::new(4, peers);
    world.pass();
    assert_eq!(world.unchoked(), [1]);
    assert_eq!(
        (world.why(2), world.why(3)),
        (ChokeReason::Seed, ChokeReason::NotInterested)
    );
}

#[test]
fn a_faster_uninterested_peer_is_unchoked_without_a_slot() {
    let mut peers = with_rates(&[10, 20, 30, 40]);
    peers[2].interested = false;
    peers.push(PeerState {
        interested: false,
        rate_from: 5,
        ..peer(5)
    });
    let mut world = World::new(2, peers);
    world.pass();
    assert_eq!(world.why(4), ChokeReason::Rate { rank: 1, rate: 40 });
    assert_eq!(world.why(5), ChokeReason::NotInterested);
    assert_eq!(
        world.why(3),
        ChokeReason::NotInterested,
        "slower than the downloader with the slot"
    );
    world.peers[2].rate_from = 50;
    world.round();
    assert_eq!(world.why(3), ChokeReason::FastUninterested { rate: 50 });
    assert_eq!(world.unchoked().len(), 3, "two slots and one without");
    // it becomes interested: the slots are kept to as soon as the guard allows
    world.now += Duration::from_secs(9);
    world.peers[2].interested = true;
    world.choker.peer_became_interested(world.now, ConnId::dialled(3));
    world.pass();
    world.round();
    assert_eq!(world.unchoked().len(), 2);
    assert_eq!(world.why(3), ChokeReason::Rate { rank: 1, rate: 50 });
}

#[test]
fn a_seed_serves_in_turns_and_each_turn_has_its_quota() {
    let mut world = World::new(2, with_rates(&[0; 5]));
    world.seeding = true;
    world.choker.set_piece_length(1000);
    world.pass();
    assert_eq!(
        (world.unchoked(), world.choker.optimistic().len()),
        (alloc::vec![1, 2], 0)
    );
    for _ in 0..5 {
        world.peers[0].uploaded_this_unchoke = 20_000;
        world.peers[1].uploaded_this_unchoke = 1;
        assert_eq!(world.round(), [], "not a minute yet");
    }
    let decisions = world.round();
    assert_eq!(
        world.unchoked(),
        [2, 3],
        "peer 1 had its pieces and its minute, peer 2 not its pieces"
    );
    assert_eq!(decisions[0].reason, ChokeReason::TurnOver { uploaded: 20_000 });
    assert_eq!(decisions[1].reason, ChokeReason::Turn);
}

#[test]
fn a_turn_of_a_seed_ends_for_who_takes_nothing_or_next_to_nothing() {
    let rounds = |uploaded| {
        let mut world = World::new(1, with_rates(&[0; 2]));
        world.seeding = true;
        world.choker.set_piece_length(1000);
        world.pass();
        assert_eq!(world.unchoked(), [1]);
        let mut rounds = 0;
        while world.unchoked() == [1] {
            world.peers[0].uploaded_this_unchoke = uploaded;
            world.round();
            rounds += 1;
        }
        rounds
    };
    assert_eq!(rounds(0), 6, "a minute");
    assert_eq!(rounds(1), 18, "three minutes");
}

#[test]
fn a_seed_goes_round_all_peers() {
    let mut world = World::new(2, with_rates(&[0; 7]));
    world.seeding = true;
    world.choker.set_piece_length(1);
    world.pass();
    let mut served = alloc::collections::BTreeSet::from_iter(world.unchoked());
    for _ in 0..24 {
        world
            .peers
            .iter_mut()
            .for_each(|peer| peer.uploaded_this_unchoke = 1000);
        world.round();
        served.extend(world.unchoked());
    }
    assert_eq!(served.len(), 7);
}

#[test]
fn a_seed_may_serve_the_fastest_instead() {
    let mut peers = with_rates(&[0; 4]);
    peers[2].rate_to = 500;
    let mut world = World::new(2, peers);
    world.choker.config.seed_policy = SeedPolicy::FastestUpload;
    world.seeding = true;
    world.pass();
    assert_eq!(world.why(3), ChokeReason::Rate { rank: 1, rate: 500 });
    assert_eq!(world.choker.optimistic().len(), 1);
}

#[test]
fn nothing_is_due_while_nobody_is_interested() {
    let mut world = World::new(4, with_rates(&[5]));
    world.pass();
    assert!(world.choker.deadline().is_some());
    world.peers[0].interested = false;
    world.peers[0].rate_from = 0;
    world.round();
    assert_eq!(world.unchoked(), [0u64; 0]);
    world.round();
    assert_eq!(world.choker.deadline(), None);
    assert_eq!(
        world
            .choker
            .handle_timeout(world.now + ROUND, false, &world.peers),
        []
    );
}

#[test]
fn the_order_of_the_peers_and_a_clone_change_nothing() {
    let mut rng = Rng::from_seed([8; 32]);
    let mut world = World::new(5, with_rates(&[1, 2, 2, 2, 3, 3, 0, 0, 0, 9]));
    for _ in 0..30 {
        let mut other = World {
            choker: world.choker.clone(),
            peers: world.peers.clone(),
            ..world
        };
        rng.shuffle(&mut other.peers);
        assert_eq!(world.pass(), other.pass());
        world
            .peers
            .iter_mut()
            .for_each(|peer| peer.rate_from = u64::from(rng.below(4)));
        world.peers[9].interested = rng.chance(1, 2);
        world.now = world.choker.deadline().unwrap();
    }
}

#[test]
fn the_slots_are_never_exceeded_for_long() {
    let mut rng = Rng::from_seed([11; 32]);
    let mut world = World::new(4, with_rates(&[1; 12]));
    for step in 0..600 {
        for n in 0..12 {
            let interested = rng.chance(3, 4);
            if interested && !world.peers[n].interested {
                world.choker.peer_became_interested(world.now, world.peers[n].key);
            }
            world.peers[n].interested = interested;
            world.peers[n].rate_from = u64::from(rng.below(100));
        }
        world.pass();
        if step > 20 {
            let fresh = world.peers.iter().filter(|peer| peer.unchoked && peer.interested);
            let settled = fresh
                .filter(|peer| world.now.since(peer.last_change.unwrap()) >= ROUND)
                .count();
            assert!(settled <= 4, "step {step}");
        }
        world.now = world.choker.deadline().unwrap();
    }
}

#[test]
fn a_peer_choked_just_now_does_not_get_the_slot_that_falls_empty() {
    let mut world = World::new(2, with_rates(&[5, 6, 7]));
    world.pass();
    let choked = (1..4).find(|n| !world.unchoked().contains(n)).unwrap() as usize - 1;
    world.peers[choked].last_change = Some(world.now);
    world.now += Duration::from_secs(3);
    let is_regular = |n: &u64| matches!(world.why(*n), ChokeReason::Rate { .. });
    let left = world.unchoked().into_iter().find(is_regular).unwrap();
    world.peers.retain(|peer| peer.key != ConnId::dialled(left));
    world.choker.peer_left(ConnId::dialled(left));
    assert_eq!(world.pass(), []);
    world.round();
    assert_eq!(world.unchoked().len(), 2);
}

#[test]
fn two_peers_of_a_seed_with_one_slot_alternate() {
    let mut world = World::new(1, with_rates(&[0; 2]));
    world.seeding = true;
    world.choker.set_piece_length(1);
    world.pass();
    let mut turns = alloc::vec::Vec::new();
    for _ in 0..24 {
        turns.extend(world.unchoked());
        world
            .peers
            .iter_mut()
            .for_each(|peer| peer.uploaded_this_unchoke = 1000);
        world.round();
    }
    turns.dedup();
    assert_eq!(turns, [1, 2, 1, 2]);
}
