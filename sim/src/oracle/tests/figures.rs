//! What an engine counts, and what it says of itself: held against a watch that saw something else.

use super::*;
use seedbed_engine::disk::Root;
use seedbed_engine::magnet::Magnet;
use seedbed_engine::{AddTorrent, Engine, Purpose, TorrentSource};

/// An engine that has begun to look for its files, and a story that knows of it.
fn began() -> (Engine, Story) {
    let mut story = Story::new();
    let mut engine = Engine::new(story.watch.setup.config.clone(), [7; 32]);
    let root = Root(b"/download".as_slice().into());
    let source: TorrentSource = story.sample.metainfo.clone().into();
    let add = AddTorrent::new(source, root, Purpose::Download);
    let add = Event::Command(Command::Add(Box::new(add)));
    engine.handle(story.now, add);
    while let Some(action) = engine.poll_action() {
        story.action(action);
    }
    (engine, story)
}

/// What the two new oracles say of an engine.
fn look(story: &mut Story, engine: &Engine) {
    let view = engine.torrent(TORRENT);
    story.watch.books(engine, view);
    story.watch.asks(view);
}

#[test]
fn an_engine_that_tells_everything_is_believed() {
    let (engine, mut story) = began();
    look(&mut story, &engine);
    assert_eq!(story.watch.verdicts.breaches, []);
    let held = |oracle| story.watch.verdicts.held(oracle);
    assert_eq!((held(Oracle::I43), held(Oracle::I44)), (1, 1));
}

#[test]
fn a_connection_or_a_job_that_is_counted_was_seen() {
    breaks(Oracle::I43, |story| {
        let (engine, told) = began();
        *story = told;
        story.connect(1);
        look(story, &engine);
    });
    breaks(Oracle::I43, |story| {
        let (engine, told) = began();
        *story = told;
        story.watch.ops.clear();
        look(story, &engine);
    });
}

#[test]
fn figures_that_are_told_are_those_of_the_torrent() {
    breaks(Oracle::I44, |story| {
        let (engine, _) = began();
        // a peer has opened that the engine does not know
        story.connect(1);
        story.watch.asks(engine.torrent(TORRENT));
    });
}

#[test]
fn a_fetched_file_is_the_one_that_is_there_and_comes_in_time() {
    let fetch = || {
        Event::Command(Command::Fetch {
            url: "http://192.0.2.1/sample.torrent".into(),
            body_max: 1_000,
        })
    };
    let mut story = Story::new();
    let result = Ok(story.sample.bytes.to_vec());
    story.event(&fetch());
    story.report(Report::Fetched { result });
    story.event(&fetch());
    let result = Err("no such host".into());
    story.report(Report::Fetched { result });
    assert_eq!(story.watch.verdicts.breaches, []);
    breaks(Oracle::I44, |story| {
        story.event(&fetch());
        let result = Ok(b"d4:infodee".to_vec());
        story.report(Report::Fetched { result });
    });
    breaks(Oracle::I44, |story| {
        let result = Err("nobody asked".into());
        story.report(Report::Fetched { result });
    });
    breaks(Oracle::I44, |story| {
        story.event(&fetch());
        let result = Err("no\nsentence".into());
        story.report(Report::Fetched { result });
    });
    breaks(Oracle::L2, |story| {
        story.event(&fetch());
        story.pass(130);
        story.event(&Event::Tick);
        story.watch.fetch_overdue();
    });
}

#[test]
fn a_cause_that_does_not_hold_is_found() {
    let (engine, story) = began();
    let view = engine.torrent(TORRENT).expect("it was added");
    let found = |cause: &seedbed_engine::Cause| story.watch.untrue(view, cause);
    use seedbed_engine::Cause;
    assert_eq!(found(&Cause::Opening), None);
    let wrong = [
        Cause::Paused,
        Cause::Queued,
        Cause::FilesToChoose,
        Cause::Private,
        Cause::Checking { done: 1, pieces: 4 },
        Cause::Seeding {
            interested: 1,
            served: 0,
            rate: 0,
        },
        Cause::NobodyHasMetadata { peers: 1 },
        Cause::Connecting {
            dialling: 2,
            known: 1,
        },
    ];
    for cause in &wrong {
        assert!(found(cause).is_some(), "{cause:?}");
    }
    let missing = |causes: &[Cause]| story.watch.missing_cause(view, causes);
    assert_eq!(missing(&[]), None, "it opens");
}

#[test]
fn links_of_worlds_lead_to_their_torrent() {
    for seed in 0..40 {
        let spec = crate::scenario::expand::expand(seed);
        let mut spec = spec;
        spec.torrent.magnet = Some(crate::scenario::MagnetSpec {
            piece: 64,
            broken: false,
        });
        let Ok(world) = crate::run::build(&spec) else {
            continue;
        };
        let hosts = (0..world.actors.len()).map(crate::world::ActorId);
        for host in hosts.filter_map(|id| world.actor::<crate::host::EngineHost>(id)) {
            let link: Magnet = host.magnet();
            assert_eq!(link.info_hash, Some(host.sample().info_hash()), "seed {seed}");
            let trackers: Vec<_> = host
                .sample()
                .metainfo
                .trackers
                .iter()
                .flatten()
                .cloned()
                .collect();
            assert_eq!(link.trackers, trackers, "seed {seed}");
        }
    }
}
