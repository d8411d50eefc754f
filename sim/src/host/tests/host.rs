//! DK15–DK18 and the user's commands.

use super::*;

fn have(pair: &Pair) -> u32 {
    pair.leech()
        .engine()
        .unwrap()
        .torrent(TORRENT)
        .unwrap()
        .have()
        .count()
}

#[test]
fn a_machine_that_sleeps_goes_on_where_it_was() {
    for (name, lasts) in [
        ("suspend", 8 * 3_600_000),
        ("freeze", 30_000),
        ("freeze", 200_000),
    ] {
        for at in [10, 30, 45, 60, 70] {
            let sample = sample(8);
            let what = Use::new(name).with("when", at).with("lasts", lasts);
            let mut pair = Pair::new(&sample, &[what]);
            pair.run(9 * 3600);
            let told = pair.lines();
            assert!(pair.leech().is_complete(), "{name} at {at}\n{told}");
            assert_eq!(pair.world.marks.count(name), 1, "{name} at {at}");
            let steps = pair.world.steps;
            assert!(steps < 10_000, "{name} at {at}: {steps} steps\n{told}");
        }
    }
}

#[test]
fn the_wall_clock_changes_nothing() {
    let sample = sample(8);
    let run = |behaviours: &[Use]| {
        let mut pair = Pair::new(&sample, behaviours);
        assert!(pair.run(60));
        (pair.world.now, pair.leech().engine().unwrap().digest())
    };
    let when = |seconds| Use::new("clock-jump").with("when", 60).with("seconds", seconds);
    assert_eq!(run(&[]), run(&[when(-7200)]));
    assert_eq!(run(&[]), run(&[when(864_000)]));
}

#[test]
fn a_network_that_changes_is_survived() {
    for name in ["network-change", "interface-gone"] {
        for when in [0, 25, 45, 65] {
            let sample = sample(8);
            let mut pair = Pair::new(&sample, &[Use::new(name).with("when", when)]);
            assert!(pair.run(120), "{name} at {when}\n{}", pair.lines());
            assert_eq!(pair.world.marks.count(name), 1);
        }
    }
}

#[test]
fn without_handles_there_are_fewer_connections_and_nothing_worse() {
    let sample = sample(8);
    let what = Use::new("few-handles").with("max", 0).with("for", 20_000);
    let mut pair = Pair::new(&sample, &[what]);
    assert!(!pair.run(19));
    assert!(pair.world.marks.count("few-handles") > 0);
    assert_eq!(pair.leech().streams().count(), 0);
    assert!(pair.run(120), "{}", pair.lines());
}

#[test]
fn a_pause_is_a_pause() {
    let sample = sample(8);
    let mut pair = Pair::new(&sample, &[Use::new("slow-disk").with("each", 20)]);
    pair.pass(1);
    let leech = pair.leech;
    pair.inflict(leech, &Use::new("pause"), true);
    assert_eq!(pair.state(), TorrentState::Paused);
    assert_eq!(pair.leech().streams().count(), 0);
    // what is with the disk is still counted
    pair.pass(5);
    let before = have(&pair);
    pair.pass(60);
    assert_eq!(have(&pair), before);
    pair.inflict(leech, &Use::new("pause"), false);
    assert!(pair.run(120), "{}", pair.lines());
}

#[test]
fn a_recheck_finds_what_is_wrong_and_fetches_it() {
    let sample = sample(8);
    let mut pair = Pair::new(&sample, &[]);
    assert!(pair.run(60));
    let leech = pair.leech;
    pair.inflict(leech, &Use::new("file-replaced").with("quiet", 1), true);
    pair.inflict(leech, &Use::new("recheck"), true);
    assert!(pair.run(120), "{}", pair.lines());
}

#[test]
fn removal_and_shutdown_leave_the_files_and_nothing_else() {
    for name in ["remove", "shutdown"] {
        let sample = sample(8);
        let mut pair = Pair::new(&sample, &[]);
        assert!(pair.run(60));
        let leech = pair.leech;
        pair.inflict(leech, &Use::new(name), true);
        pair.pass(10);
        let wanted = pair.leech().reports().any(|(_, report)| match report {
            Report::Removed { .. } => name == "remove",
            Report::ShutDown => name == "shutdown",
            _ => false,
        });
        assert!(wanted, "{name}\n{}", pair.lines());
        assert!(pair.leech().disk().holds(&sample));
        assert!(pair.leech().engine().unwrap().torrent(TORRENT).is_none());
        assert_eq!(pair.leech().streams().count(), 0);
    }
}

#[test]
fn a_peer_that_the_user_names_is_dialled() {
    let sample = sample(8);
    let mut pair = Pair::with(&sample, &[], &[]);
    let mut named = Use::new("add-peer");
    named.params.push(("who".into(), Value::Text("seed".into())));
    let leech = pair.leech;
    pair.inflict(leech, &named, true);
    assert!(pair.run(60));
    assert_eq!(pair.world.marks.count("add-peer"), 1);
}

#[test]
fn what_no_host_knows_is_an_error_with_the_list() {
    let sample = sample(2);
    let make = |spec: EngineSpec| EngineHost::new(&spec, &sample, Seed(1), &Known::default());
    let mut strange = spec("eng", false);
    strange.behaviours.push(Use::new("explode"));
    let why = make(strange).unwrap_err();
    assert!(why.contains("explode") && why.contains("slow-disk"), "{why}");
    let mut strange = spec("eng", false);
    strange.config.push(("speed".into(), Value::Int(9)));
    let why = make(strange).unwrap_err();
    assert!(why.contains("speed") && why.contains("slots"), "{why}");
}

#[test]
fn every_behaviour_is_named_once_and_says_what_it_does() {
    let mut names: Vec<_> = BEHAVIOURS.iter().map(|known| known.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), BEHAVIOURS.len());
    for known in BEHAVIOURS {
        assert!(
            known.text.ends_with('.') && known.reaction.ends_with('.'),
            "{}",
            known.name
        );
    }
}
