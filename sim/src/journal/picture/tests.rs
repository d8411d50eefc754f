//! Pictures of worlds whose outcome is known, of hostile texts, and of a long run.

use super::data::Data;
use super::{bucket, collect, draw};
use crate::journal::Player;
use crate::run::{Options, Outcome, run};
use crate::scenario::expand::expand;
use crate::scenario::kdl::parse;
use seedbed_engine::disk::Root;
use seedbed_engine::journal::{Header, Journal, Writer};
use seedbed_engine::metainfo::Metainfo;
use seedbed_engine::rng::Seeds;
use seedbed_engine::time::Instant;
use seedbed_engine::{AddTorrent, Command, Config, Engine, Event, Purpose};
use std::sync::Arc;

/// What a page may weigh.
const PAGE_MAX: usize = 3 << 20;

fn world(text: &str) -> Outcome {
    let options = Options {
        journals: true,
        ..Options::default()
    };
    let outcome = run(&parse(text).expect("a scenario"), &options);
    assert_eq!(outcome.failure, None);
    outcome
}

fn data(outcome: &Outcome) -> Data {
    let journal = Journal::read(&outcome.journals[0].1).expect("a journal");
    collect(&journal).into_data()
}

fn sum(counts: &[u32]) -> u32 {
    counts.chunks(2).map(|pair| pair[1]).sum()
}

const BANNED: &str = r#"
scenario "banned" version=1 seed=1
torrent pieces=4 blocks=2 block=128
engine "eng"
tracker "t0" udp
peer "p1" seed {
    corrupts
}
peer "p0" seed after="2s" dials=#true
"#;

#[test]
fn a_world_with_a_poisoner_is_drawn_with_all_that_happened() {
    let outcome = world(BANNED);
    let data = data(&outcome);
    let torrent = &data.torrents[0];
    assert_eq!((torrent.pieces, torrent.have, torrent.had), (4, 4, 0));
    assert!(torrent.cells.iter().all(|at| *at >= 2_000), "{:?}", torrent.cells);
    assert_eq!((data.totals.hash_failures, data.totals.bans), (4, 1));
    assert_eq!(
        (torrent.failed.len(), data.totals.received.useful),
        (4, 4 * 2 * 128)
    );
    assert_eq!(data.down.iter().sum::<u64>(), data.totals.received.payload());
    let bad = data.peers.iter().find(|peer| peer.banned).expect("a banned peer");
    assert_eq!(bad.hash_failures, 4);
    let good = data
        .peers
        .iter()
        .find(|peer| !peer.banned && peer.down == 1_024)
        .expect("the seed");
    assert_eq!((sum(&good.blocks_in), sum(&good.requests_out)), (8, 8));
    assert_eq!((good.conns.len(), good.conns[0].3), (1, 0), "it dialled");
    assert!(!good.unchoked_us.is_empty() && !good.want.is_empty() && good.wanted.is_empty());
    let tracker = &data.trackers[0];
    assert_eq!((data.trackers.len(), tracker.failed), (1, 0));
    assert_eq!(u64::from(tracker.sent), outcome.engines[0].announces);
    for kind in ["state", "ban", "hash", "conn", "close", "ok", "sent"] {
        assert!(data.events.iter().any(|event| event.1 == kind), "{kind}");
    }
    assert!(data.events.is_sorted_by_key(|event| event.0));
    assert_eq!(data.events_left_out, 0);
}

#[test]
fn every_small_world_is_drawn_and_agrees_with_its_engine() {
    for seed in 0..40 {
        let options = Options {
            journals: true,
            ..Options::default()
        };
        let outcome = run(&expand(seed), &options);
        for (_, bytes) in &outcome.journals {
            let journal = Journal::read(bytes).expect("a journal");
            let data = collect(&journal).into_data();
            let sent: u64 = data.peers.iter().map(|peer| peer.up).sum();
            let received: u64 = data.peers.iter().map(|peer| peer.down).sum();
            assert_eq!(data.up.iter().sum::<u64>(), sent, "seed {seed}");
            assert_eq!(data.down.iter().sum::<u64>(), received, "seed {seed}");
            assert!(data.down.len() <= 601, "seed {seed}");
            let mut player = Player::new(&journal);
            while player.step().is_some() {}
            for (id, torrent) in player.engine().torrents().zip(&data.torrents) {
                let view = player.engine().torrent(id).expect("it is there");
                assert_eq!(torrent.have, view.have().count(), "seed {seed}");
            }
            assert!(draw(bytes).expect("a page").len() < PAGE_MAX);
        }
    }
}

#[test]
fn a_long_run_stays_small() {
    let outcome = world(
        r#"
scenario "long" version=1 seed=3
torrent pieces=4000 blocks=16 block=64
engine "eng"
tracker "t0" udp
peer "p0" seed up="40kB/s"
peer "p1" seed up="20kB/s"
peer "p2" leech up="20kB/s"
"#,
    );
    let page = draw(&outcome.journals[0].1).expect("a page");
    let blocks: u32 = data(&outcome).peers.iter().map(|peer| sum(&peer.blocks_in)).sum();
    assert!(blocks >= 60_000, "{blocks}");
    assert!(page.len() < PAGE_MAX, "{}", page.len());
}

/// A journal of an engine that is given a torrent, and no more.
fn journal_of(metainfo: Metainfo) -> Vec<u8> {
    let (config, seeds) = (Config::default(), Seeds::Root([7; 32]));
    let mut writer = Writer::new(&Header::new(config.clone(), &seeds, "</script>", "<b>what</b>"));
    let mut engine = Engine::with_seeds(config, seeds);
    let add = AddTorrent {
        trust_resume: false,
        ..AddTorrent::new(Arc::new(metainfo), Root(Arc::from(*b"root")), Purpose::Download)
    };
    let event = Event::Command(Command::Add(Box::new(add)));
    writer.step(&mut engine, Instant::START, event);
    writer.finish(&engine);
    writer.ready().to_vec()
}

#[test]
fn hostile_texts_of_a_torrent_are_inert() {
    let name = "</script><script>alert(1)</script><!--";
    let tracker = "http://x</script><img src=x onerror=alert(1)>.example/announce";
    let torrent = format!(
        "d8:announce{}:{tracker}4:infod6:lengthi4e4:name{}:{name}12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaaee",
        tracker.len(),
        name.len()
    );
    let metainfo = Metainfo::parse(torrent.as_bytes()).expect("a torrent");
    let page = draw(&journal_of(metainfo)).expect("a page");
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("<img") && !page.contains("<b>") && !page.contains("<!--"));
    // a name ends where it would begin a folder
    assert!(page.contains("\\u003cscript\\u003ealert(1)"));
}

#[test]
fn buckets_are_round_and_few() {
    for (duration, width) in [
        (0, 10),
        (5_999, 10),
        (6_000, 20),
        (60_000, 200),
        (86_400_000, 200_000),
    ] {
        assert_eq!(bucket(duration), width, "{duration}");
        assert!(duration / width < 600);
    }
    assert!(u64::MAX / 1_000 / bucket(u64::MAX / 1_000) < 600);
}
