//! What the engine holds in memory: for a torrent of a million pieces, a peer, and a torrent that nothing happens to.
//!
//! `cargo bench -p seedbed-engine --bench memory` prints a line for each, as the operating system counts it, and fails when
//! one is above its bound (docs/performance.md). Each is measured in a process of its own: freed memory stays a process's.
//! Linux only: it reads `/proc/self/status`.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // it starts itself and reads what the system knows of it

mod swarm;

use seedbed_engine::config::Config;
use seedbed_engine::disk::{DiskDone, DiskJob, Root};
use seedbed_engine::id::TorrentId;
use seedbed_engine::metainfo::{NewContent, NewTorrent};
use seedbed_engine::time::Instant;
use seedbed_engine::{Action, AddTorrent, Command, Engine, Event, Purpose};
use std::process::ExitCode;
use std::sync::Arc;
use swarm::Download;

/// Bytes: 64 MiB for a tebibyte in a million pieces, 32 KiB a peer, 20 KiB an idle torrent.
const LARGE_MAX: u64 = 64 << 20;
const PEER_MAX: u64 = 32 << 10;
const IDLE_MAX: u64 = 20 << 10;

const PEERS: usize = 1_000;
const TORRENTS: u32 = 10_000;

/// Bytes of this process in memory, now or at the most, without what is mapped from files.
fn resident(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux");
    let found = status.lines().find_map(|known| known.strip_prefix(line));
    let kib = found.and_then(|rest| rest.trim_matches([':', ' ', '\t']).strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<u64>().ok()).expect("a number") << 10
}

/// A tebibyte, of which 64 MiB were fetched from ten seeds. 20 MiB of it are the hashes of the pieces.
fn large() -> u64 {
    let mut download = Download::new(1 << 20, 10, 0);
    download.fetch(4_096);
    resident("RssAnon")
}

/// What a thousand seeds of a torrent of 1,000 pieces add to ten, each by itself, after each was asked for something.
fn peer() -> u64 {
    let few = Download::new(1_000, 10, 0);
    let before = resident("RssAnon");
    let many = Download::new(1_000, PEERS, 0);
    let each = (resident("RssAnon") - before) / PEERS as u64;
    drop((few, many));
    each
}

/// What a torrent of 40 pieces with a tracker costs that is seeded and that nobody asks for.
fn idle() -> u64 {
    let mut engine = Engine::new(Config::default(), [7; 32]);
    let before = resident("RssAnon");
    for n in 1..=TORRENTS {
        let torrent = NewTorrent {
            trackers: vec![vec![format!("http://tracker.example/{n}/announce")]],
            ..NewTorrent::new(
                &format!("torrent {n}"),
                NewContent::Single { length: 40 << 18 },
                1 << 18,
                vec![[0; 20]; 40],
            )
        };
        let metainfo = Arc::new(torrent.create().expect("a torrent").metainfo);
        let root = Root(b"/bench".as_slice().into());
        let add = AddTorrent::new(metainfo, root, Purpose::Seed);
        engine.handle(
            Instant::from_millis(n.into()),
            Event::Command(Command::Add(Box::new(add))),
        );
        settle(&mut engine, Instant::from_millis(n.into()));
    }
    let seeding = (1..=TORRENTS).filter(|n| {
        engine
            .torrent(TorrentId(*n))
            .is_some_and(|one| one.have().is_full())
    });
    assert_eq!(seeding.count() as u32, TORRENTS, "all are seeded");
    (resident("RssAnon") - before) / u64::from(TORRENTS)
}

/// Storage does what it is told: it finds everything, and every piece is right.
fn settle(engine: &mut Engine, now: Instant) {
    while let Some(action) = engine.poll_action() {
        let Action::Disk { op, job, .. } = action else {
            continue;
        };
        let stamp = seedbed_engine::disk::FileStamp {
            length: 40 << 18,
            modified_ns: 1,
        };
        let done = match job {
            DiskJob::Open { layout, .. } => DiskDone::Opened {
                files: vec![Some(stamp); layout.files().len()],
                resume: None,
            },
            DiskJob::Prepare => DiskDone::Prepared,
            DiskJob::Hash { .. } => DiskDone::Hash([0; 20]),
            DiskJob::Sync => DiskDone::Synced {
                files: vec![Some(stamp)],
            },
            DiskJob::SaveResume { .. } => DiskDone::Saved,
            other => panic!("{other:?} is no part of a check"),
        };
        let result = Ok(done);
        engine.handle(now, Event::DiskDone { op, result });
    }
}

type Case = (&'static str, fn() -> u64, u64);

const CASES: [Case; 3] = [
    ("large", large, LARGE_MAX),
    ("peer", peer, PEER_MAX),
    ("idle", idle, IDLE_MAX),
];

fn main() -> ExitCode {
    let asked = std::env::args().nth(1);
    if let Some((_, measure, _)) = CASES.iter().find(|(name, ..)| Some(*name) == asked.as_deref()) {
        println!("{}", measure());
        return ExitCode::SUCCESS;
    }
    let mut within = true;
    for (name, _, most) in CASES {
        let this = std::env::current_exe().expect("a path");
        let output = std::process::Command::new(this)
            .arg(name)
            .output()
            .expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout);
        let bytes: u64 = text.trim().parse().unwrap_or_else(|_| {
            panic!("{name}: {text}{}", String::from_utf8_lossy(&output.stderr));
        });
        println!("{name:>6}: {:>6} KiB, at most {:>6} KiB", bytes >> 10, most >> 10);
        within &= bytes <= most;
    }
    if within {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
