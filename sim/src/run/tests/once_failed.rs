//! Worlds that once broke a rule, and in which more happens than a timeline shows that anybody reads. The others are in
//! `sim/scenarios/regress`.

use super::*;
use crate::scenario::kdl::parse;

/// Found by seed 618705: p5 had a block cancelled for its time, still owed it, and was counted on again without a word on the
/// wire. It was one of the three who race for a block; L5 saw two and wanted an idle peer to be the third. What happens takes
/// too many lines for a timeline that anybody reads.
const COUNTED_ON_AGAIN: &str = r#"
scenario "raced" version=1 seed=618705
torrent pieces=16 blocks=3 block=16384 short=18195
magnet
engine "eng" down="4kB/s" encryption="prefer" lsd=#true
engine "eng2" latency="17ms" encryption="prefer" lsd=#true
tracker "t0" http {
    dns-only-v6
}
peer "p0" seed dials=#true latency="40..77ms" loss="26.6%"
peer "p1" seed dials=#true latency="73ms" {
    metadata-resized every=2
}
peer "p5" leech has=15 after="280ms" dials=#true
"#;

#[test]
fn who_still_owes_a_cancelled_block_may_race_for_it() {
    let scenario = parse(COUNTED_ON_AGAIN).unwrap();
    let outcome = run(&scenario, &Options::default());
    assert_eq!(failure_text(&outcome, "raced"), None);
}

/// Found by a guided sweep: blocks of p0 come that were given up long ago, and with them the last one that was free. The
/// engine's other peers had room, found nothing before, and could race now; nothing told them so before their own next event.
const LATE_BLOCK_BEGINS_ENDGAME: &str = r#"
scenario "late" version=1 seed=1
torrent pieces=50 blocks=1 block=64 short=27
engine "eng"
engine "eng2"
engine "eng3" seed up="382B/s" latency="198ms" super-seed=#true {
    few-handles max=3
}
peer "p0" seed up="50B/s"
peer "p1" seed dials=#true up="108B/s"
peer "p2" leech has=9 up="236B/s"
fault at="0s" { partition-one-way "eng2" for="1s"; }
"#;

#[test]
fn everybody_is_asked_as_soon_as_there_is_something() {
    let scenario = parse(LATE_BLOCK_BEGINS_ENDGAME).unwrap();
    let options = Options {
        audited: Some(1),
        ..Options::default()
    };
    let outcome = run(&scenario, &options);
    assert_eq!(failure_text(&outcome, "late"), None);
}

/// Found by seed 20021: a full disk has the torrent wait, and it serves whoever is unchoked meanwhile. I15 wanted turns of the
/// optimistic slot for the time in which it did not download.
const NO_TURNS_WHILE_STORAGE_IS_FULL: &str = r#"
scenario "full" version=1 seed=0
torrent pieces=51 blocks=2 block=64
engine "eng" slots=1 {
    slow-disk
}
peer "p0" seed
peer "p1" leech
peer "p3" leech
fault at="12s" { disk-full "eng" times=1; }
"#;

#[test]
fn who_waits_for_storage_owes_no_turns() {
    let outcome = run(
        &parse(NO_TURNS_WHILE_STORAGE_IS_FULL).unwrap(),
        &Options::default(),
    );
    assert_eq!(failure_text(&outcome, "full"), None);
}
