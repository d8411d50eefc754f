//! Scenario files: what they may say, and what is said about their mistakes.

use super::kdl::parse;
use super::print::print;
use super::{LinkSpec, Value, When};
use seedbed_engine::time::Duration;

#[test]
fn a_file_says_it_all() {
    let file = r#"
// comments stay where they are
scenario "poisoner in endgame" version=1 seed=7 shuffle-ties=#true
torrent pieces=16 blocks=4 block=64 short=3 files=3 private=#true
engine "eng" after="1s" up="1MB/s" request-timeout="20s"
tracker "t0" udp loss="3%" duplicate="0.5%"
tracker "t1" http tier=0
peer "p0" seed up="64kB/s" latency="20..60ms"
peer "p1" leech has=20 dials=#true
peer "p2" partial has=40
fault at="12s" { few-handles "p0" "p1" for="5s" max=3; }
fault on="first-unchoke p1" { crash "p0"; }
expect done-before="180s" banned="p1"
expect "wasted" blocks=4 by="p1"
"#;
    let scenario = parse(file).unwrap();
    assert_eq!((scenario.seed, scenario.shuffle_ties), (7, true));
    assert_eq!(scenario.engines[0].after, Duration::from_secs(1));
    assert_eq!(
        scenario.engines[0].config,
        [("request-timeout".into(), Value::Text("20s".into()))]
    );
    assert_eq!(
        (
            scenario.trackers[0].link.loss,
            scenario.trackers[0].link.duplicate
        ),
        (30, 5)
    );
    assert_eq!((scenario.trackers[0].tier, scenario.trackers[1].tier), (0, 0));
    let link = LinkSpec {
        up: 64_000,
        latency: Duration::from_millis(20),
        jitter: Duration::from_millis(40),
        ..LinkSpec::default()
    };
    assert_eq!(scenario.peers[0].link, link);
    let peers: Vec<_> = scenario
        .peers
        .iter()
        .map(|peer| (peer.has, peer.leech, peer.dials))
        .collect();
    assert_eq!(peers, [(100, false, false), (20, true, true), (40, false, false)]);
    assert_eq!(scenario.faults[0].targets, ["p0", "p1"]);
    assert_eq!(scenario.faults[0].lasts, Some(Duration::from_secs(5)));
    assert_eq!(scenario.faults[0].what.int("max", 0), 3);
    assert_eq!(
        scenario.faults[1].when,
        When::On("first-unchoke".into(), "p1".into())
    );
    let expected: Vec<_> = scenario.expect.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(expected, ["done-before", "banned", "wasted"]);
    assert_eq!(scenario.expect[2].int("blocks", 0), 4);
    assert_eq!(parse(&print(&scenario)), Ok(scenario));
}

/// A file whose only mistake is in its last line.
fn check(line: &str, column: usize, text: &str) {
    let file = format!("scenario \"x\"\nengine \"eng\"\n{line}");
    let mistake = parse(&file).expect_err(line);
    assert_eq!(
        (mistake.line, mistake.column, mistake.text.as_str()),
        (3, column, text),
        "{line}"
    );
}

#[test]
fn mistakes_are_pointed_at() {
    check("peeer \"p0\"", 1, "There is no node peeer: did you mean peer?");
    check(
        "peer \"p0\" sed",
        11,
        "sed means nothing here: did you mean seed?",
    );
    check(
        "peer \"p0\" latncy=\"20ms\" { }",
        11,
        "peer has no latncy: did you mean latency?",
    );
    check(
        "peer \"p0\" seed has=101",
        16,
        "has is a whole number from 0 to 100.",
    );
    check("peer \"p0\" up=\"1MB\"", 11, "up is a rate such as \"1MB/s\".");
    check("peer \"p0\" up=1", 11, "up is a rate such as \"1MB/s\".");
    check("peer \"p0\" up=\"1B/s\" up=\"2B/s\"", 21, "up is set twice.");
    check("peer \"eng\"", 6, "There are two actors called eng.");
    check(
        "tracker \"t0\"",
        1,
        "A tracker is udp or http: say which behind its name.",
    );
    check("torrent pieces=0", 9, "pieces is a whole number from 1 to 65536.");
    check(
        "torrent blocks=2 block=64 short=128",
        1,
        "A piece has 128 bytes: short has to be less.",
    );
}

#[test]
fn mistakes_in_the_whole_are_pointed_at() {
    check(
        "torrent pieces=65536 blocks=1024",
        1,
        "The torrent has 4294967296 bytes; 64 MiB are the most.",
    );
    check(
        "fault at=\"12s\" { crash \"engg\"; }",
        24,
        "There is no actor engg: did you mean eng?",
    );
    check(
        "fault { crash \"eng\"; }",
        1,
        "A fault needs either at=\"12s\" or on=\"first-unchoke p1\".",
    );
    check(
        "fault at=\"400d\" { crash \"eng\"; }",
        7,
        "at is a time such as \"20s\" or \"150ms\", at most 366 days.",
    );
    check(
        "fault at=\"1s\" { crahs \"eng\"; }",
        17,
        "There is no fault crahs: did you mean crash?",
    );
    check(
        "fault at=\"1s\" { crash \"eng\" dwn=\"1s\"; }",
        29,
        "crash has no dwn: did you mean down?",
    );
    check(
        "tracker \"t0\" http { udp-silent; }",
        21,
        "udp-silent is nothing that an HTTP tracker does: it belongs to UdpTracker.",
    );
    check(
        "tracker \"t0\" http { http-stal; }",
        21,
        "There is no behaviour http-stal of an HTTP tracker: did you mean http-stall?",
    );
    check(
        "engine \"e2\" slts=4",
        13,
        "An engine has no slts: did you mean slots?",
    );
    check("scenario \"y\"", 1, "There is a scenario line already.");
    check(
        "expect \"a\" x=1.5",
        12,
        "Expected a whole number, a text in quotes, #true or #false.",
    );
}

#[test]
fn what_is_no_kdl_is_pointed_at_too() {
    let mistake = parse("scenario \"x\"\npeer \"p0\" up=\n").unwrap_err();
    assert_eq!(mistake.line, 2, "{mistake}");
    assert!(
        parse("scenario \"x\" version=2\nengine")
            .unwrap_err()
            .text
            .contains("version 2")
    );
    assert!(parse("").unwrap_err().text.contains("no engine"));
    assert!(parse(&"/".repeat(2 << 20)).is_err());
}

#[test]
fn no_file_makes_the_reader_panic() {
    use quickcheck::{Gen, QuickCheck};
    const WORDS: [&str; 15] = [
        "scenario ",
        "engine ",
        "peer ",
        "fault ",
        "{",
        "}",
        ";",
        "\n",
        "\"p0\" ",
        "at=\"1s\" ",
        "has=7 ",
        "\u{e9}",
        "=",
        "\\",
        "/*",
    ];
    let any = |picks: Vec<usize>| {
        let file: String = picks.iter().map(|n| WORDS[n % WORDS.len()]).collect();
        if let Err(mistake) = parse(&file) {
            mistake.to_string();
        }
        true
    };
    QuickCheck::new()
        .rng(Gen::from_size_and_seed(24, 1))
        .tests(500)
        .quickcheck(any as fn(Vec<usize>) -> bool);
}
