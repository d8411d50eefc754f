//! DK6, DK7, DK14: death at every moment.

use super::*;
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::id::PieceIndex;

/// Dies once before this action and comes back. What was verified at the time of death, and what was found after.
struct Death {
    pair: Pair,
    verified: Bitfield,
    found: Bitfield,
}

fn die(sample: &Sample, how: &Use) -> Option<Death> {
    let mut pair = Pair::new(sample, std::slice::from_ref(how));
    let mut verified = Bitfield::new(sample.pieces());
    while pair.leech().crashes() == 0 {
        for (_, report) in pair.leech().reports() {
            if let Report::PieceVerified { piece, .. } = report {
                verified.insert(*piece);
            }
        }
        if pair.leech().is_complete() && pair.leech().actions() > how.count("action")? {
            return None;
        }
        if pair.world.now > Instant::from_secs(100) || !pair.world.step() {
            return None;
        }
    }
    for (_, report) in pair.leech().reports() {
        if let Report::PieceVerified { piece, .. } = report {
            verified.insert(*piece);
        }
    }
    let limit = pair.world.now + Duration::from_secs(20);
    let leech = pair.leech;
    pair.world.run_until(limit, |world| {
        let host = world.actor::<EngineHost>(leech).unwrap();
        host.life() == 1 && checked(host)
    });
    let found = pair
        .leech()
        .engine()
        .unwrap()
        .torrent(TORRENT)
        .unwrap()
        .have()
        .clone();
    Some(Death {
        pair,
        verified,
        found,
    })
}

/// Whether the check of this life is over.
fn checked(host: &EngineHost) -> bool {
    let Some(torrent) = host.engine().and_then(|engine| engine.torrent(TORRENT)) else {
        return false;
    };
    !matches!(torrent.state(), TorrentState::Opening | TorrentState::Checking)
}

/// Dies before every action that a whole download takes, and finishes each time.
fn at_every_action(name: &str, tweak: impl Fn(Use) -> Use, subset: bool) -> u64 {
    let sample = sample(3);
    let mut deaths = 0;
    for action in 0..1000 {
        let how = tweak(Use::new(name).with("action", action));
        let Some(mut death) = die(&sample, &how) else {
            break;
        };
        deaths += 1;
        let found: Vec<PieceIndex> = death.found.iter().collect();
        for piece in &found {
            let disk = death.pair.leech().disk();
            assert!(
                disk.holds_piece(&sample, *piece),
                "{how:?}: {piece} is had and not there"
            );
            // a process that dies between a write and its hash leaves a right piece that it never verified
            assert!(
                !subset || death.verified.contains(*piece),
                "{how:?}: {piece} was never verified"
            );
        }
        if name == "crash" {
            let lost = death.verified.iter().find(|piece| !death.found.contains(*piece));
            assert_eq!(
                lost, None,
                "{how:?}: what was verified is with the system and found again"
            );
        }
        let done = death.pair.run(120);
        assert!(done, "{how:?}\n{}", death.pair.lines());
        assert!(death.pair.leech().disk().holds(&sample));
        assert_eq!(death.pair.leech().disk().violations(), [] as [&str; 0]);
        assert_eq!(death.pair.leech().crashes(), 1);
    }
    deaths
}

#[test]
fn a_process_that_dies_at_any_action_comes_back_with_what_it_had_and_finishes() {
    let deaths = at_every_action("crash", |how| how, false);
    assert!(deaths > 40, "{deaths}");
}

#[test]
fn a_machine_that_loses_power_at_any_action_believes_no_more_than_is_there() {
    for lost in [0, 500, 1000] {
        let deaths = at_every_action("power-loss", |how| how.with("lost", lost), false);
        assert!(deaths > 40, "{deaths}");
    }
    let deaths = at_every_action("power-loss", |how| how.with("lost", 300).with("torn", 1), false);
    assert!(deaths > 40, "{deaths}");
}

#[test]
fn what_is_found_after_a_power_loss_was_verified_before() {
    let deaths = at_every_action("power-loss", |how| how.with("lost", 1000), true);
    assert!(deaths > 40, "{deaths}");
}

#[test]
fn a_seed_that_dies_comes_back_with_everything() {
    let sample = sample(6);
    let mut pair = Pair::new(&sample, &[]);
    pair.pass(1);
    let seed = pair.seed;
    for name in ["crash", "power-loss"] {
        pair.inflict(seed, &Use::new(name), true);
        assert!(!pair.seed().is_running());
        pair.pass(3);
        assert!(pair.seed().is_running() && checked(pair.seed()));
        let torrent = pair.seed().engine().unwrap().torrent(TORRENT).unwrap();
        assert!(torrent.have().is_full());
    }
    assert_eq!(pair.seed().life(), 2);
    assert!(pair.run(60));
}

#[test]
fn a_process_that_stays_down_stays_down() {
    let sample = sample(6);
    let mut pair = Pair::new(&sample, &[]);
    let leech = pair.leech;
    pair.inflict(leech, &Use::new("crash").with("stays-down", 1), true);
    assert_eq!(pair.leech().crashes(), 0, "it happens when the host has started");
    pair.pass(30);
    assert!(pair.leech().engine().is_none());
    assert_eq!(pair.leech().port(), None);
}
