//! DK1–DK13: what the engine does when its disk does what disks do.

use super::*;

fn has_report(pair: &Pair, kind: impl Fn(&Report) -> bool) -> bool {
    pair.leech().reports().any(|(_, report)| kind(report))
}

/// With a fault that passes or does no harm the download ends, with the right bytes, and the fault has fired.
#[track_caller]
fn check(what: Use) -> Pair {
    let sample = sample(6);
    let name = what.name.clone();
    let mut pair = Pair::new(&sample, &[what]);
    assert!(pair.run(200), "{name}\n{}", pair.lines());
    assert!(pair.leech().disk().holds(&sample), "{name}");
    assert!(pair.world.marks.count(&name) > 0, "{name} never fired");
    assert!(
        !has_report(&pair, |report| matches!(report, Report::Banned { .. })),
        "{name}"
    );
    assert_eq!(pair.leech().disk().violations(), [] as [&str; 0], "{name}");
    pair
}

fn job(kind: &str, times: i64) -> Use {
    let mut what = Use::new("disk-error").with("times", times);
    what.params.push(("job".into(), Value::Text(kind.into())));
    what
}

fn lasting(mut what: Use, lasts: &str) -> Use {
    what.params.push(("for".into(), Value::Text(lasts.into())));
    what
}

#[test]
fn errors_that_pass_cost_time_and_nothing_else() {
    for kind in ["write", "out", "hash", "sync", "save", "prepare", "open"] {
        for times in [1, 3] {
            let pair = check(job(kind, times));
            let told = has_report(&pair, |report| matches!(report, Report::DiskFailed { .. }));
            // of the first save, before the files are made, nothing depends but whose they are after a crash
            let of_claim = kind == "save" && times == 1;
            assert_eq!(told, !of_claim, "{kind}");
        }
    }
    check(lasting(Use::new("disk-full"), "10s"));
    check(lasting(Use::new("disk-full").with("bytes", 300), "10s"));
    check(lasting(Use::new("disk-denied"), "10s"));
}

#[test]
fn a_disk_that_is_slow_or_out_of_order_changes_nothing() {
    check(Use::new("short-write"));
    check(Use::new("slow-disk").with("each", 200));
    check(Use::new("unordered-disk"));
    check(Use::new("slow-hash").with("by", 2000));
}

#[test]
fn a_disk_that_stays_full_stops_the_download_and_keeps_what_is_there() {
    let sample = sample(6);
    let mut pair = Pair::new(&sample, &[Use::new("disk-full").with("bytes", 300)]);
    assert!(!pair.run(60));
    assert!(
        matches!(pair.state(), TorrentState::DiskFailed { .. }),
        "{:?}",
        pair.state()
    );
    let have = pair
        .leech()
        .engine()
        .unwrap()
        .torrent(TORRENT)
        .unwrap()
        .have()
        .clone();
    assert!(
        have.iter()
            .all(|piece| pair.leech().disk().holds_piece(&sample, piece))
    );
    let leech = pair.leech;
    pair.inflict(leech, &Use::new("disk-full").with("bytes", 300), false);
    assert!(pair.run(30), "{}", pair.lines());
}

#[test]
fn a_folder_in_the_way_waits_for_the_user() {
    let sample = sample(6);
    let what = Use::new("path-in-the-way");
    let mut pair = Pair::new(&sample, std::slice::from_ref(&what));
    assert!(!pair.run(60));
    let leech = pair.leech;
    pair.inflict(leech, &what, false);
    assert!(!pair.run(60), "it does not go away by waiting");
    pair.inflict(leech, &Use::new("resume"), true);
    assert!(pair.run(60), "{}", pair.lines());
}

#[test]
fn a_misdirected_write_is_found_and_fetched_again() {
    for at in 1..8 {
        let sample = sample(6);
        let what = Use::new("misdirected-write").with("at", at).with("times", 1);
        let mut pair = Pair::new(&sample, &[what]);
        pair.run(60);
        if !pair.leech().is_complete() {
            // the neighbour was had already; nobody can know without looking
            let leech = pair.leech;
            pair.inflict(leech, &Use::new("recheck"), true);
            assert!(pair.run(120), "{at}\n{}", pair.lines());
        }
        assert!(
            !has_report(&pair, |report| matches!(report, Report::Banned { .. })),
            "{at}\n{}",
            pair.lines()
        );
    }
}

#[test]
fn a_seed_whose_file_is_lost_says_so_and_serves_the_rest() {
    for what in [Use::new("file-deleted"), Use::new("file-truncated").with("to", 1)] {
        let sample = sample(6);
        let mut pair = Pair::new(&sample, &[]);
        let (leech, seed) = (pair.leech, pair.seed);
        pair.inflict(leech, &Use::new("pause"), true);
        pair.pass(1);
        pair.inflict(seed, &what, true);
        pair.inflict(leech, &Use::new("pause"), false);
        assert!(!pair.run(30));
        let failed = pair
            .seed()
            .reports()
            .any(|(_, report)| matches!(report, Report::DiskFailed { .. }));
        assert!(failed, "{what:?}\n{}", pair.lines());
        let have = pair
            .leech()
            .engine()
            .unwrap()
            .torrent(TORRENT)
            .unwrap()
            .have()
            .clone();
        assert!(
            have.contains(seedbed_engine::id::PieceIndex(5)),
            "{what:?}: the other file is served"
        );
    }
}

#[test]
fn no_saved_state_is_trusted_that_cannot_be() {
    for name in [
        "resume-torn",
        "resume-flipped",
        "resume-stale",
        "resume-foreign",
        "resume-newer",
        "resume-lost",
    ] {
        let sample = sample(6);
        let mut pair = Pair::new(&sample, &[Use::new(name)]);
        assert!(pair.run(60), "{name}");
        // the state is saved
        pair.pass(5);
        let leech = pair.leech;
        pair.inflict(leech, &Use::new("file-replaced").with("file", 1), true);
        pair.inflict(leech, &Use::new("crash"), true);
        let again = pair.run(60);
        assert!(pair.world.marks.count(name) > 0, "{name} never fired");
        let have = pair
            .leech()
            .engine()
            .unwrap()
            .torrent(TORRENT)
            .unwrap()
            .have()
            .clone();
        let wrong = have
            .iter()
            .find(|piece| !pair.leech().disk().holds_piece(&sample, *piece));
        assert_eq!(wrong, None, "{name}");
        // a file that matches in no piece is somebody's
        assert!(
            again || matches!(pair.state(), TorrentState::Failed { .. }),
            "{name}\n{}",
            pair.lines()
        );
    }
}

#[test]
fn a_short_read_is_never_sent() {
    let sample = sample(6);
    let mut pair = Pair::new(&sample, &[]);
    let seed = pair.seed;
    pair.inflict(seed, &Use::new("short-read").with("times", 3), true);
    assert!(pair.run(120), "{}", pair.lines());
    assert_eq!(pair.world.marks.count("short-read"), 3);
    assert!(!has_report(&pair, |report| matches!(
        report,
        Report::PieceFailed { .. }
    )));
}
