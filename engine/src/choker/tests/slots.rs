//! Who keeps a slot and who gets an empty one between the rounds, and how a peer's state is explained.

use super::*;

const FILL: Duration = Duration::from_millis(100);

#[test]
fn more_slots_are_filled_at_once_and_the_same_number_asks_for_nothing() {
    let mut world = World::new(1, with_rates(&[5, 6]));
    world.pass();
    let round = world.choker.deadline();
    world.choker.set_slots(1);
    assert_eq!(world.choker.deadline(), round);
    world.choker.set_slots(2);
    assert_eq!(world.choker.deadline(), Some(world.now + FILL));
    world.now += FILL;
    world.pass();
    assert_eq!(world.unchoked(), [1, 2]);

    let mut idle = World::new(1, Vec::new()).choker;
    idle.set_slots(2);
    assert_eq!(idle.deadline(), None);
}

#[test]
fn only_who_had_a_slot_leaves_an_empty_one() {
    let mut world = World::new(1, with_rates(&[5, 6]));
    world.pass();
    let round = world.choker.deadline();
    let unchoked = world.unchoked()[0];
    world.choker.peer_left(ConnId::dialled(3 - unchoked));
    assert_eq!(world.choker.deadline(), round);
    world.choker.peer_left(ConnId::dialled(unchoked));
    assert_eq!(world.choker.deadline(), Some(world.now + FILL));
}

#[test]
fn who_was_changed_lately_keeps_the_slot_when_there_are_fewer() {
    let mut peers = with_rates(&[90, 5, 6]);
    for (peer, changed) in peers.iter_mut().zip([900, 999, 999]) {
        peer.unchoked = true;
        peer.last_change = Some(Instant::from_secs(changed));
    }
    let mut world = World::new(2, peers);
    world.pass();
    assert_eq!(world.unchoked(), [2, 3]);
}

#[test]
fn who_has_a_slot_keeps_it_from_a_faster_peer_until_the_round() {
    let mut world = World::new(3, with_rates(&[5, 6, 7]));
    world.pass();
    world.round();
    world.now += Duration::from_secs(5);
    world.peers.push(PeerState {
        rate_from: 100,
        ..peer(4)
    });
    world.choker.peer_became_interested(world.now, ConnId::dialled(4));
    assert_eq!(world.pass(), []);
}

#[test]
fn among_equals_who_has_the_slot_keeps_it() {
    let mut world = World::new(2, with_rates(&[5; 6]));
    world.pass();
    assert_eq!(world.why(1), ChokeReason::Rate { rank: 1, rate: 5 });
    for _ in 0..5 {
        world.round();
        assert_eq!(world.why(1), ChokeReason::Rate { rank: 1, rate: 5 });
    }
    let choked = (1..=6).filter(|n| !world.unchoked().contains(n));
    assert!(choked.into_iter().all(|n| world.why(n) == ChokeReason::NoSlot));
}

#[test]
fn a_single_peer_has_a_regular_slot() {
    let mut world = World::new(4, with_rates(&[5]));
    world.pass();
    assert_eq!(world.why(1), ChokeReason::Rate { rank: 1, rate: 5 });
}

#[test]
fn between_the_rounds_optimistic_peers_stay_so_and_are_replaced_by_such() {
    let mut world = World::new(4, with_rates(&[9, 8, 7, 3, 2, 1]));
    world.pass();
    let optimistic = world.choker.optimistic().to_vec();
    world.now += FILL;
    world.choker.peer_became_interested(world.now, ConnId::dialled(6));
    world.pass();
    assert_eq!(world.choker.optimistic(), optimistic);

    world.peers.retain(|peer| peer.key != optimistic[0]);
    world.choker.peer_left(optimistic[0]);
    assert_eq!(world.choker.optimistic(), []);
    world.now += FILL;
    let decisions = world.pass();
    let reasons: Vec<_> = decisions.iter().map(|decision| decision.reason).collect();
    assert_eq!(reasons, [ChokeReason::Optimistic { new: false }]);
    assert_eq!(world.choker.optimistic(), [decisions[0].peer]);
}

#[test]
fn an_optimistic_peer_that_wants_nothing_any_more_is_choked() {
    let mut world = World::new(1, with_rates(&[0; 2]));
    world.pass();
    let wants_nothing = world.unchoked()[0];
    world.peers[wants_nothing as usize - 1].interested = false;
    world.round();
    assert_eq!(world.unchoked(), [3 - wants_nothing]);
}

#[test]
fn a_choked_peer_is_told_why() {
    let mut peers = with_rates(&[5, 6]);
    peers[0].snubbed = true;
    let mut world = World::new(0, peers.clone());
    world.pass();
    assert_eq!(world.why(1), ChokeReason::Snubbed);
    assert_eq!(world.why(2), ChokeReason::NoSlot);

    let mut seed = World::new(0, peers);
    seed.seeding = true;
    seed.pass();
    assert_eq!(seed.why(1), ChokeReason::NoSlot, "a seed needs nothing");
    assert_eq!(seed.why(2), ChokeReason::NoSlot, "it had no turn that is over");
}

#[test]
fn who_was_unchoked_lately_stays_so_without_interest() {
    let mut world = World::new(1, with_rates(&[5, 6]));
    world.pass();
    let lately = world.unchoked()[0];
    world.now += Duration::from_secs(5);
    world.peers[lately as usize - 1].interested = false;
    world
        .choker
        .peer_became_interested(world.now, ConnId::dialled(3 - lately));
    world.pass();
    assert_eq!(world.unchoked(), [1, 2]);
    assert_eq!(world.why(lately), ChokeReason::KeptUnchoked);
}

#[test]
fn who_wants_nothing_and_gives_nothing_is_choked() {
    let mut peers = with_rates(&[0, 0, 0]);
    peers[1].unchoked = true;
    peers[1].interested = false;
    peers[2].interested = false;
    peers[2].rate_to = 50;
    let mut world = World::new(4, peers.clone());
    world.pass();
    assert_eq!(world.unchoked(), [1]);

    let mut seed = World::new(4, peers.clone());
    seed.seeding = true;
    seed.pass();
    assert_eq!(seed.unchoked(), [1]);

    let mut fastest = World::new(4, peers);
    fastest.choker.config.seed_policy = SeedPolicy::FastestUpload;
    fastest.seeding = true;
    fastest.pass();
    assert_eq!(fastest.unchoked(), [1]);
}

#[test]
fn a_turn_is_not_over_before_the_whole_quota_is_served() {
    let after_a_minute = |uploaded| {
        let mut world = World::new(1, with_rates(&[0; 2]));
        world.seeding = true;
        world.choker.set_piece_length(1000);
        world.pass();
        for _ in 0..6 {
            world.peers[0].uploaded_this_unchoke = uploaded;
            world.round();
        }
        world.unchoked()
    };
    assert_eq!(after_a_minute(19_999), [1]);
    assert_eq!(after_a_minute(20_000), [2]);
}

#[test]
fn a_peer_is_new_for_its_first_45_seconds() {
    let check = |age_micros: u64, new: bool| {
        let mut peer = peer(1);
        peer.connected_at = Instant::from_micros(1_000_000_000 - age_micros);
        let mut world = World::new(1, alloc::vec![peer]);
        world.pass();
        assert_eq!(world.why(1), ChokeReason::Optimistic { new });
    };
    check(44_999_999, true);
    check(45_000_000, false);
}
