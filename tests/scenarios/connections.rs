//! Connections: whom we let in, how long we wait, what ends them.

use crate::swarm::{TORRENT, leech, run_for, seed, seed_with, start, world_of};
use core::time::Duration;
use seedbed_engine::id::{ConnId, InfoHash, PeerId};
use seedbed_engine::wire::{Handshake, Message, Reserved};
use seedbed_engine::{Command, Event, PeerClosed, Purpose, Report};
use tests::world::{Pending, Sample, World, small_config};

const TRACKER: &[&str] = &["udp://127.0.0.9:6969/announce"];

fn handshake(info_hash: InfoHash, id: u8) -> Vec<u8> {
    let peer_id = PeerId([id; 20]);
    Handshake {
        reserved: Reserved::NONE.with_fast().with_extended(),
        info_hash,
        peer_id,
    }
    .encode()
    .to_vec()
}

/// A world with one seed.
fn one_seed() -> (World, usize, InfoHash) {
    let sample = Sample::single(10_000, 256, TRACKER);
    let mut world = world_of(&sample);
    let node = seed(&mut world, &sample, "eng", "127.0.0.2");
    run_for(&mut world, 2);
    (world, node, sample.metainfo.info_hash)
}

fn ends(world: &World, node: usize) -> Vec<String> {
    let end = |report: &Report| match report {
        Report::PeerClosed {
            why: PeerClosed::ByUs(end),
            ..
        } => Some(end.to_string()),
        _ => None,
    };
    world.nodes[node]
        .reports
        .iter()
        .filter_map(|(_, report)| end(report))
        .collect()
}

#[test]
fn a_peer_that_asks_for_another_torrent_is_sent_away() {
    let (mut world, node, _) = one_seed();
    let conn = world.dial(node, "198.51.100.7:4000");
    world.say(node, conn, &handshake(InfoHash([1; 20]), 7));
    assert!(!world.is_open(node, conn));
    assert_eq!(ends(&world, node), ["asked for a torrent that is not here"]);
    assert!(world.heard(node, conn).is_empty(), "not even that we are here");
}

/// An engine that has room for ten connections.
fn of_ten_places(world: &mut World, sample: &Sample, purpose: Purpose) -> usize {
    let config = seedbed_engine::Config {
        connections_max: 10,
        ..small_config()
    };
    begun(world, sample, config, purpose)
}

/// An engine that seeds, or has nothing yet, and has run for a second.
fn begun(world: &mut World, sample: &Sample, config: seedbed_engine::Config, purpose: Purpose) -> usize {
    let node = world.node("eng", "127.0.0.2", config);
    world.nodes[node].disk = match purpose {
        Purpose::Seed => sample.full_disk(64),
        Purpose::Download | Purpose::Check | Purpose::Metadata => sample.empty_disk(64),
    };
    start(world, sample, node, purpose);
    run_for(world, 1);
    node
}

#[test]
fn silent_connections_do_not_keep_us_from_dialling() {
    let sample = Sample::single(10_000, 256, TRACKER);
    let mut world = world_of(&sample);
    let node = of_ten_places(&mut world, &sample, Purpose::Download);
    for n in 0..20 {
        world.dial(node, &format!("198.51.100.{n}:4000"));
    }
    seed(&mut world, &sample, "seed", "127.0.0.3");
    world.command(
        node,
        Command::AddPeer(TORRENT, "127.0.0.3:6881".parse().expect("an address")),
    );
    run_for(&mut world, 4);
    assert!(
        world.is_complete(node),
        "long before a handshake is late, which is after ten seconds"
    );
}

#[test]
fn a_newcomer_takes_the_place_of_the_oldest_who_says_nothing() {
    let sample = Sample::single(10_000, 256, TRACKER);
    let mut world = world_of(&sample);
    let node = of_ten_places(&mut world, &sample, Purpose::Seed);
    let hash = sample.metainfo.info_hash;
    let slow = world.dial(node, "198.51.100.1:4000");
    world.say(node, slow, &handshake(hash, 1)[..20]);
    let silent: Vec<ConnId> = (2..6)
        .map(|n| format!("198.51.100.{n}:4000"))
        .map(|from| world.dial(node, &from))
        .collect();
    let newcomer = world.dial(node, "203.0.113.1:4000");
    world.say(node, newcomer, &handshake(hash, 9));
    assert!(world.is_open(node, newcomer));
    assert!(!world.is_open(node, silent[0]), "it was the oldest");
    assert!(world.is_open(node, slow), "it has begun to speak");
    assert!(silent[1..].iter().all(|conn| world.is_open(node, *conn)));
}

#[test]
fn newcomers_do_not_hold_more_places_than_there_are() {
    let (mut world, node, hash) = one_seed();
    let silent: Vec<ConnId> = (0..60)
        .map(|n| format!("198.51.100.{n}:4000"))
        .map(|from| world.dial(node, &from))
        .collect();
    let limits = seedbed_engine::Limits {
        connections: Some(8),
        ..Default::default()
    };
    world.command(node, Command::SetLimits(limits));
    let newcomer = world.dial(node, "203.0.113.1:4000");
    world.say(node, newcomer, &handshake(hash, 9));
    assert!(world.is_open(node, newcomer));
    let open = silent.iter().filter(|conn| world.is_open(node, **conn)).count();
    assert_eq!(open, 3, "half of the places, and one of them is the newcomer's");
}

#[test]
fn who_has_begun_to_speak_gives_no_place_to_newcomers() {
    let (mut world, node, hash) = one_seed();
    for n in 0..250 {
        let slow = world.dial(node, &format!("198.51.100.{n}:4000"));
        world.say(node, slow, &handshake(hash, 1)[..20]);
    }
    let newcomer = world.dial(node, "203.0.113.1:4000");
    assert!(!world.is_open(node, newcomer));
}

/// An engine that has room for eight connections, and so many of them with peers that dialled it and do nothing.
fn full_of_idle_peers(world: &mut World, sample: &Sample, purpose: Purpose) -> (usize, Vec<ConnId>) {
    let config = seedbed_engine::Config {
        connections_max: 8,
        connections_per_torrent_max: 8,
        candidates: seedbed_engine::config::CandidatesConfig {
            canonical_priority: true,
            ..small_config().candidates
        },
        ..small_config()
    };
    let node = begun(world, sample, config, purpose);
    let hash = sample.metainfo.info_hash;
    let mut idle = Vec::new();
    for n in 0..8 {
        let conn = world.dial(node, &format!("198.51.{n}.1:4000"));
        world.say(node, conn, &handshake(hash, n));
        idle.push(conn);
    }
    idle.retain(|conn| world.is_open(node, *conn));
    assert_eq!(idle.len(), 6, "a quarter is not for who dials us");
    (node, idle)
}

#[test]
fn peers_that_dial_us_leave_places_for_those_whom_we_dial() {
    let sample = Sample::single(10_000, 256, TRACKER);
    let mut world = world_of(&sample);
    let (node, _) = full_of_idle_peers(&mut world, &sample, Purpose::Download);
    seed(&mut world, &sample, "seed", "127.0.0.3");
    world.command(
        node,
        Command::AddPeer(TORRENT, "127.0.0.3:6881".parse().expect("an address")),
    );
    run_for(&mut world, 20);
    assert!(world.is_complete(node));
}

#[test]
fn who_dials_the_most_does_not_keep_others_out_before_our_address_is_known() {
    let sample = Sample::single(10_000, 256, TRACKER);
    let mut world = world_of(&sample);
    let (node, idle) = full_of_idle_peers(&mut world, &sample, Purpose::Seed);
    let mut taken = 0;
    for n in 0..40 {
        let conn = world.dial(node, &format!("203.0.{n}.1:4000"));
        world.say(node, conn, &handshake(sample.metainfo.info_hash, 100 + n));
        taken += u32::from(world.is_open(node, conn));
    }
    // a newcomer is better than the worst of six rather often, and the worst becomes better with each that is
    assert!((6..30).contains(&taken), "{taken}");
    let left = idle.iter().filter(|conn| world.is_open(node, **conn)).count();
    assert!(left < 3, "{left}");
    let torrent = world.nodes[node].engine.torrent(TORRENT).expect("it is there");
    assert_eq!(torrent.peers(world.now).len(), 6);
}

#[test]
fn nobody_gives_way_to_a_peer_that_is_refused() {
    let sample = Sample::single(10_000, 256, TRACKER);
    let mut world = world_of(&sample);
    let (node, idle) = full_of_idle_peers(&mut world, &sample, Purpose::Seed);
    for n in 0..40 {
        // each is connected already
        let conn = world.dial(node, &format!("198.51.{}.1:{}", n % 6, 5000 + u32::from(n)));
        world.say(node, conn, &handshake(sample.metainfo.info_hash, 100 + n));
        assert!(!world.is_open(node, conn));
    }
    assert!(idle.iter().all(|conn| world.is_open(node, *conn)));
}

#[test]
fn a_silent_connection_has_ten_seconds() {
    let (mut world, node, hash) = one_seed();
    let conn = world.dial(node, "198.51.100.7:4000");
    world.say(node, conn, &handshake(hash, 7)[..47]);
    run_for(&mut world, 9);
    assert!(world.is_open(node, conn));
    run_for(&mut world, 2);
    assert!(!world.is_open(node, conn));
    assert_eq!(ends(&world, node), ["no handshake in time"]);
}

#[test]
fn another_protocol_is_sent_away_at_its_first_byte() {
    let (mut world, node, _) = one_seed();
    let conn = world.dial(node, "198.51.100.7:4000");
    world.say(node, conn, b"GET / HTTP/1.1\r\n\r\n");
    assert!(!world.is_open(node, conn));
}

#[test]
fn two_connections_of_one_peer_become_one() {
    let (mut world, node, hash) = one_seed();
    let first = world.dial(node, "198.51.100.7:4000");
    world.say(node, first, &handshake(hash, 7));
    let second = world.dial(node, "198.51.100.8:4000");
    world.say(node, second, &handshake(hash, 7));
    assert!(world.is_open(node, first) && !world.is_open(node, second));
    assert_eq!(ends(&world, node), ["already connected to this peer"]);
}

#[test]
fn a_second_connection_of_one_address_is_refused() {
    let (mut world, node, hash) = one_seed();
    let first = world.dial(node, "198.51.100.7:4000");
    world.say(node, first, &handshake(hash, 7));
    let second = world.dial(node, "198.51.100.7:4001");
    world.say(node, second, &handshake(hash, 8));
    assert!(world.is_open(node, first) && !world.is_open(node, second));
}

#[test]
fn ourselves_are_recognized_and_not_dialled_again() {
    let sample = Sample::single(10_000, 256, TRACKER);
    let mut world = world_of(&sample);
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    let own = "127.0.0.3:6881".parse().expect("an address");
    world.command(node, Command::AddPeer(TORRENT, own));
    run_for(&mut world, 600);
    let ends = ends(&world, node);
    assert!(ends.iter().any(|end| end == "connected to ourselves"), "{ends:?}");
    assert!(ends.len() <= 2, "one connection, seen from both sides: {ends:?}");
}

#[test]
fn have_of_a_repeated_piece_changes_nothing() {
    let (mut world, node, hash) = one_seed();
    let conn = world.dial(node, "198.51.100.7:4000");
    let mut bytes = handshake(hash, 7);
    for _ in 0..1_000 {
        Message::Have(seedbed_engine::id::PieceIndex(3)).encode(&mut bytes);
    }
    world.say(node, conn, &bytes);
    let torrent = world.nodes[node].engine.torrent(TORRENT).expect("it is there");
    assert_eq!(torrent.peers(world.now)[0].pieces, 1);
}

#[test]
fn the_network_of_this_machine_changes() {
    let sample = Sample::single(100_000, 256, TRACKER);
    let mut world = world_of(&sample);
    seed(&mut world, &sample, "seed", "127.0.0.2");
    run_for(&mut world, 2);
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    world.run_until(crate::swarm::at(60), |world| {
        world.reported(node, |report| matches!(report, Report::PieceVerified { .. }))
    });
    world.feed(node, &Pending::Event(Event::NetworkChanged));
    assert_eq!(ends(&world, node), ["the network changed"]);
    crate::swarm::until_complete(&mut world, node, 300);
}

#[test]
fn limits_that_are_lowered_close_connections_and_raised_ones_are_used() {
    let sample = Sample::single(100_000, 256, TRACKER);
    let mut world = world_of(&sample);
    for n in 0..6 {
        leech(&mut world, &sample, "other", &format!("127.0.0.{}", 20 + n));
    }
    run_for(&mut world, 2);
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    let peers = |world: &World| {
        let torrent = world.nodes[node].engine.torrent(TORRENT).expect("it is there");
        torrent.peers(world.now).len()
    };
    let limit = |connections, per_torrent| {
        Command::SetLimits(seedbed_engine::Limits {
            connections,
            connections_per_torrent: per_torrent,
            slots: None,
            ..Default::default()
        })
    };
    run_for(&mut world, 5);
    assert_eq!(peers(&world), 6);
    world.command(node, limit(None, Some(4)));
    assert_eq!(peers(&world), 4);
    world.command(node, limit(Some(2), None));
    assert_eq!(peers(&world), 2);
    world.command(node, limit(Some(200), Some(80)));
    run_for(&mut world, 200);
    assert_eq!(peers(&world), 6);
}

#[test]
fn a_dead_address_is_tried_less_and_less() {
    let sample = Sample::single(1_000, 256, &[]);
    let mut world = world_of(&sample);
    let node = leech(&mut world, &sample, "eng", "127.0.0.3");
    let dead = "127.0.0.99:1".parse().expect("an address");
    world.command(node, Command::AddPeer(TORRENT, dead));
    run_for(&mut world, 3_600);
    let tries: Vec<_> = world.nodes[node]
        .reports
        .iter()
        .filter(|(_, report)| matches!(report, Report::PeerClosed { .. }))
        .map(|(at, _)| *at)
        .collect();
    // the user named it, so it is never given up; a tracker's address would be
    assert!((10..=20).contains(&tries.len()), "{tries:?}");
    assert!(tries[1].since(tries[0]) >= Duration::from_secs(60));
    assert!(tries[2].since(tries[1]) > tries[1].since(tries[0]));
}

#[test]
fn a_first_peer_after_a_lonely_time_finds_no_round_overdue() {
    let sample = Sample::single(10_000, 256, &[]);
    let mut world = world_of(&sample);
    let mut config = small_config();
    config.dials_per_second = 1;
    let node = seed_with(&mut world, &sample, "eng", "127.0.0.2", config);
    run_for(&mut world, 2);
    // of two addresses one is dialled at once and refused, the other waits for the tick of the next second
    for dead in ["127.0.0.98:1", "127.0.0.99:1"] {
        world.command(node, Command::AddPeer(TORRENT, dead.parse().expect("an address")));
    }
    let soon = world.now + Duration::from_millis(100);
    world.run_until(soon, |_| false);
    // somebody becomes interested, which asks for a choking round, and is gone before it comes
    let conn = world.dial(node, "198.51.100.7:4000");
    let mut bytes = handshake(sample.metainfo.info_hash, 7);
    Message::Interested.encode(&mut bytes);
    world.say(node, conn, &bytes);
    world.break_connection(node, conn);
    // the world itself holds that every deadline moves after its tick
    run_for(&mut world, 30);
}
