//! `why` names what was injected: a table of worlds, each with one fault, looked at while nothing moves because of it.

use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::torrent::why::Weight;
use seedbed_engine::{Cause, TorrentState};
use seedbed_sim::host::{EngineHost, TORRENT};
use seedbed_sim::run::{Driver, Options, build};
use seedbed_sim::scenario::expand::expand;
use seedbed_sim::scenario::kdl::parse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A world with one thing wrong in it.
struct Fault {
    /// What is wrong, in a few words.
    name: &'static str,
    /// Nodes of a scenario file behind its head; the engine is `eng`.
    world: &'static str,
    /// When `why` is asked, in seconds.
    at: u64,
    /// The word of the cause that has to come first.
    code: &'static str,
}

const fn fault(name: &'static str, at: u64, code: &'static str, world: &'static str) -> Fault {
    Fault {
        name,
        world,
        at,
        code,
    }
}

/// Four pieces of two blocks.
const TORRENT_SMALL: &str = "torrent pieces=4 blocks=2 block=128";

/// Whom we know and whom we reach.
#[rustfmt::skip]
const CONTACTS: &[Fault] = &[
    fault("no peer and no tracker", 60, "no-trackers", r#"engine "eng""#),
    fault("a tracker that knows nobody", 60, "no-peers-known",
        r#"engine "eng"; tracker "t0" udp { tracker-no-peers; }"#),
    fault("a UDP tracker that never answers", 100, "trackers-failing",
        r#"engine "eng"; tracker "t0" udp { udp-silent; }; peer "p0" seed"#),
    fault("three dead HTTP trackers", 100, "trackers-failing",
        r#"engine "eng"
        tracker "t0" http tier=0 { tracker-dead; }
        tracker "t1" http tier=1 { tracker-dead; }
        tracker "t2" http tier=2 { tracker-dead; }
        peer "p0" seed"#),
    fault("a tracker that refuses the torrent", 100, "trackers-failing",
        r#"engine "eng"; tracker "t0" http { http-unregistered; }; peer "p0" seed"#),
    fault("a tracker that wants no more announces", 100, "trackers-failing",
        r#"engine "eng"; tracker "t0" http { http-failure retry-in=-1; }; peer "p0" seed"#),
    fault("a tracker whose name does not exist", 100, "trackers-failing",
        r#"engine "eng"; tracker "t0" http { dns-missing; }; peer "p0" seed"#),
    fault("a web server that is no tracker", 100, "trackers-failing",
        r#"engine "eng"; tracker "t0" http { http-status code=404; }; peer "p0" seed"#),
    fault("a private torrent whose tracker is closed", 100, "trackers-failing",
        r#"torrent pieces=4 blocks=2 block=128 private=#true
        engine "eng"; tracker "t0" http { http-refuse; }; peer "p0" seed"#),
    fault("the only seed sent wrong data and is banned", 60, "peers-banned",
        r#"engine "eng"; tracker "t0" udp; peer "p1" seed { corrupts; }"#),
    fault("peers that are not there", 200, "peers-unreachable",
        r#"engine "eng"; tracker "t0" udp { tracker-dead-peers; }"#),
    fault("a peer that answers no SYN", 100, "peers-unreachable",
        r#"engine "eng"; tracker "t0" udp; peer "p0" seed; fault at="0s" { blackhole "p0" for="300s"; }"#),
    fault("a peer that answers no SYN, at first", 8, "connecting",
        r#"engine "eng"; tracker "t0" udp; peer "p0" seed; fault at="0s" { blackhole "p0" for="300s"; }"#),
    fault("a peer that is away", 100, "peers-unreachable",
        r#"engine "eng"; peer "p0" seed; fault at="0s" { unreachable "p0" for="300s"; }"#),
    fault("a peer that hangs up", 100, "peers-unreachable",
        r#"engine "eng"; tracker "t0" udp; peer "p0" seed { close-on-accept; }"#),
    fault("a peer that accepts and says nothing", 100, "peers-unreachable",
        r#"engine "eng"; tracker "t0" udp; peer "p0" seed { silent-accept; }"#),
    fault("a peer of another torrent", 100, "peers-unreachable",
        r#"engine "eng"; tracker "t0" udp; peer "p0" seed { wrong-info-hash; }"#),
];

/// What peers have and do.
#[rustfmt::skip]
const SWARM: &[Fault] = &[
    fault("a peer that has half of it", 60, "pieces-unavailable",
        r#"engine "eng"; tracker "t0" udp; peer "p0" has=50"#),
    fault("a peer that has nothing", 60, "pieces-unavailable",
        r#"engine "eng"; tracker "t0" udp; peer "p0" has=0"#),
    fault("three seeds that never unchoke", 400, "choked",
        r#"engine "eng"; tracker "t0" udp
        peer "p0" seed { never-unchokes; }
        peer "p1" seed { never-unchokes; }
        peer "p2" seed { never-unchokes; }"#),
    fault("two that never unchoke, and pieces that both lack", 400, "choked",
        r#"torrent pieces=16 blocks=2 block=128
        engine "eng"; tracker "t0" udp
        peer "p0" has=50 { never-unchokes; }
        peer "p1" has=50 { never-unchokes; }"#),
    fault("two peers that together lack six pieces", 60, "pieces-unavailable",
        r#"torrent pieces=16 blocks=2 block=128
        engine "eng"; tracker "t0" udp; peer "p0" has=50; peer "p1" has=20"#),
    fault("a seed that takes requests and sends nothing", 100, "peers-silent",
        r#"engine "eng"; tracker "t0" udp; peer "p0" seed { snubs; }"#),
    fault("a seed that refuses every request", 20, "requests-refused",
        r#"torrent pieces=6 blocks=4 block=128
        engine "eng"; tracker "t0" udp; peer "p0" seed { rejects-all; }"#),
    fault("one of two peers takes requests and sends nothing", 100, "peers-silent",
        r#"torrent pieces=64 blocks=4 block=128
        engine "eng"; tracker "t0" udp; peer "p0" seed up="100B/s"; peer "p1" seed { snubs; }"#),
    fault("a seed that vanishes in the middle", 100, "peers-silent",
        r#"torrent pieces=64 blocks=4 block=128
        engine "eng"; tracker "t0" udp; peer "p0" seed up="1kB/s"; fault at="10s" { vanish "p0" for="300s"; }"#),
    fault("a seed with a slow line", 20, "downloading",
        r#"torrent pieces=64 blocks=4 block=128
        engine "eng"; tracker "t0" udp; peer "p0" seed up="1kB/s""#),
    fault("a piece that is wrong whoever sends it", 40, "hash-failures",
        r#"torrent pieces=1 blocks=8 block=128
        engine "eng"
        peer "p1" seed dials=#true { corrupts; }
        peer "p2" seed after="5s" dials=#true { corrupts; }
        peer "p3" seed after="10s" dials=#true { corrupts; }
        peer "p0" seed after="20s" dials=#true"#),
];

/// Storage, this machine and its user.
#[rustfmt::skip]
const MACHINE: &[Fault] = &[
    fault("no file handle for a connection", 60, "cannot-dial",
        r#"engine "eng"; peer "p0" seed; peer "p1" seed; fault at="0s" { few-handles "eng" for="300s" max=0; }"#),
    fault("the disk is full", 40, "disk-full",
        r#"engine "eng"; peer "p0" seed; fault at="0s" { disk-full "eng" for="300s" bytes=300; }"#),
    fault("the folder may not be written to", 40, "disk-denied",
        r#"engine "eng" { disk-denied for="300s"; }; peer "p0" seed"#),
    fault("writing fails", 40, "disk-error",
        r#"engine "eng"; peer "p0" seed; fault at="0s" { disk-error "eng" for="300s" job="write"; }"#),
    fault("a folder stands where a file belongs", 40, "disk-blocked",
        r#"torrent pieces=4 blocks=2 block=128 files=2
        engine "eng" { path-in-the-way for="300s"; }; peer "p0" seed"#),
    fault("the disk takes a second for each job", 20, "disk-slow",
        r#"torrent pieces=20 blocks=4 block=16384
        engine "eng" disk-bytes=262144 { slow-disk each="1s"; }; peer "p0" seed"#),
    fault("hashing takes a minute", 30, "disk-slow",
        r#"engine "eng" { slow-hash by="60s"; }; peer "p0" seed"#),
    fault("a file is longer than the torrent's", 5, "needs-user",
        r#"torrent pieces=4 blocks=2 block=128 files=2
        engine "eng"; peer "p0" seed
        fault at="2s" { crash "eng" down="2s"; }
        fault at="3s" { file-grown "eng" file=1 by=50; }
        fault at="3500ms" { file-deleted "eng" file=0; }"#),
    fault("checking what is on a slow disk", 5, "checking",
        r#"torrent pieces=20 blocks=4 block=128
        engine "eng"; peer "p0" seed
        fault at="2s" { recheck "eng"; }
        fault at="1900ms" { slow-disk "eng" for="60s" each="2s"; }"#),
    fault("paused", 60, "paused",
        r#"engine "eng"; peer "p0" seed up="100B/s"; fault at="1500ms" { pause "eng" for="300s"; }"#),
    fault("the user limits the download", 20, "rate-limit",
        r#"torrent pieces=64 blocks=4 block=128
        engine "eng" rate-down="1kB/s"; tracker "t0" udp; peer "p0" seed"#),
    fault("the user limits the upload of the torrent", 20, "rate-limit",
        r#"torrent pieces=64 blocks=4 block=128
        engine "eng" seed; peer "p0" leech has=0 dials=#true
        fault at="0s" { limit "eng" for="300s" up=1000 torrent=#true; }"#),
    fault("ending, and its tracker is silent", 5, "shutting-down",
        r#"engine "eng"; tracker "t0" udp { udp-silent after="1s"; }; peer "p0" seed up="100B/s"
        fault at="2s" { shutdown "eng"; }"#),
];

/// The causes of a fault's world at its moment.
fn causes(fault: &Fault) -> Result<Vec<Cause>, String> {
    let torrent = if fault.world.starts_with("torrent ") {
        ""
    } else {
        TORRENT_SMALL
    };
    let text = format!("scenario \"why\" version=1 seed=1\n{torrent}\n{}\n", fault.world);
    let scenario = parse(&text).map_err(|mistake| mistake.to_string())?;
    let world = build(&scenario)?;
    let mut driver = Driver::new(&scenario, world, &Options::default());
    let at = Instant::START + Duration::from_secs(fault.at);
    driver.run_until(at);
    let id = driver.world.find("eng").ok_or("no engine")?;
    let host = driver.world.actor::<EngineHost>(id).ok_or("no engine's host")?;
    let view = host.engine().and_then(|engine| engine.torrent(TORRENT));
    let causes = view.ok_or("no torrent")?.why(at);
    match driver.outcome().failure {
        Some(failure) => Err(format!("{} {}", failure.oracle, failure.text)),
        None => Ok(causes),
    }
}

/// Looks at every world of a table; what is shown of them is held against a snapshot.
fn check(faults: &[Fault], snapshot: &str) {
    let (mut shown, mut wrong) = (String::new(), Vec::new());
    for fault in faults {
        let causes = match causes(fault) {
            Ok(causes) => causes,
            Err(why) => {
                wrong.push(format!("{}: {why}", fault.name));
                continue;
            }
        };
        let first = causes.first().map_or("nothing", Cause::code);
        if first != fault.code {
            wrong.push(format!("{}: {first} instead of {}", fault.name, fault.code));
        }
        let _ = writeln!(shown, "{}, after {} s", fault.name, fault.at);
        for (n, cause) in causes.iter().enumerate() {
            let (code, next) = (cause.code(), cause.next_step());
            let _ = writeln!(shown, "  {}. [{code}] {cause}\n     -> {next}", n + 1);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} findings:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    tests::snapshot_settings("why").bind(|| insta::assert_snapshot!(snapshot, shown));
}

#[test]
fn why_names_what_is_wrong_with_contacts() {
    check(CONTACTS, "contacts");
}

#[test]
fn why_names_what_is_wrong_with_the_swarm() {
    check(SWARM, "swarm");
}

#[test]
fn why_names_what_is_wrong_with_this_machine() {
    check(MACHINE, "machine");
}

/// How often a drawn world is looked at, and how long it runs in between.
const LOOKS: u64 = 12;
const BETWEEN: Duration = Duration::from_secs(25);

#[test]
fn no_drawn_world_stands_still_without_a_cause() {
    let mut still = 0;
    for seed in 0..200 {
        let scenario = expand(seed);
        let world = build(&scenario).expect("a drawn world can be built");
        let mut driver = Driver::new(&scenario, world, &Options::default());
        let mut useful = BTreeMap::new();
        for look in 1..=LOOKS {
            let at = Instant::START + BETWEEN * u32::try_from(look).unwrap_or(u32::MAX);
            assert!(driver.run_until(at), "seed {seed} breaks a rule");
            for engine in &scenario.engines {
                let id = driver.world.find(&engine.name).expect("an engine");
                let host = driver.world.actor::<EngineHost>(id).expect("its host");
                let Some(view) = host.engine().and_then(|engine| engine.torrent(TORRENT)) else {
                    continue;
                };
                let (causes, status) = (view.why(at), view.status(at));
                let text = causes
                    .iter()
                    .map(|cause| format!("{cause} -> {}", cause.next_step()));
                let text: Vec<_> = text.collect();
                let before = useful.insert(engine.name.clone(), status.received.useful);
                let moves = before != Some(status.received.useful) || status.state == TorrentState::Seeding;
                let explained = causes
                    .first()
                    .is_some_and(|cause| cause.weight() <= Weight::Slows);
                still += u32::from(!moves && explained);
                assert!(
                    !causes.is_empty() && (moves || explained),
                    "seed {seed}, {} at {at} s: {text:?}",
                    engine.name
                );
            }
        }
    }
    assert!(still > 50, "worlds stood still only {still} times");
}
