//! What the engine alone costs a block of a download, by how many pieces the torrent has and how many seeds serve it.
//!
//! `cargo bench -p seedbed-engine --bench download` prints a line for each size. With `-- PIECES PEERS BLOCKS` it runs one
//! download of so many blocks and prints nothing else: `.ci/instructions` counts the instructions of two such runs, and the
//! difference is what the blocks cost, without the start.
//!
//! There is no network, disk or hash: seeds answer whatever is asked with zeros, sixteen blocks a read, and storage takes
//! everything at once. Nobody is told of new pieces, since all have them.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a clock is what a benchmark needs

use seedbed_engine::config::Config;
use seedbed_engine::disk::{DiskDone, DiskJob, Root};
use seedbed_engine::id::ConnId;
use seedbed_engine::metainfo::{Metainfo, NewContent, NewTorrent};
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::{Action, AddTorrent, Command, Engine, Event, Purpose};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// Bytes of a block and of a piece.
const BLOCK: usize = 16 * 1024;
const PIECE: u32 = 256 * 1024;

/// Blocks that one read brings.
const BLOCKS_A_READ: usize = 16;

/// Bytes of a handshake, and of a block's message before its payload (BEP 3).
const HANDSHAKE: usize = 68;
const HEAD: usize = 13;

/// A seed: what we said to it that it has not read, and what it is asked for.
#[derive(Default)]
struct Seed {
    heard: Vec<u8>,
    greeted: bool,
    asked: std::collections::VecDeque<[u8; 12]>,
    sent: u64,
}

impl Seed {
    /// Reads what we said; true when there is a greeting to answer.
    fn hear(&mut self, data: &[u8]) -> bool {
        self.sent += data.len() as u64;
        self.heard.extend_from_slice(data);
        let mut at = 0;
        let mut greets = false;
        if !self.greeted && self.heard.len() >= HANDSHAKE {
            at = HANDSHAKE;
            (self.greeted, greets) = (true, true);
        }
        while self.greeted
            && let Some(prefix) = self.heard[at..].first_chunk::<4>()
        {
            let length = u32::from_be_bytes(*prefix) as usize;
            let Some(message) = self.heard[at + 4..].get(..length) else {
                break;
            };
            if let [6, request @ ..] = message {
                self.asked.extend(request.as_array::<12>().copied());
            }
            at += 4 + length;
        }
        self.heard.drain(..at);
        greets
    }
}

/// One download.
struct Download {
    engine: Engine,
    now: Instant,
    seeds: BTreeMap<ConnId, Seed>,
    greeting: Vec<u8>,
    read: Vec<u8>,
}

fn torrent(pieces: usize) -> Arc<Metainfo> {
    let length = pieces as u64 * u64::from(PIECE);
    let torrent = NewTorrent::new(
        "bench",
        NewContent::Single { length },
        PIECE,
        vec![[0; 20]; pieces],
    );
    Arc::new(torrent.create().expect("a torrent").metainfo)
}

impl Download {
    fn new(pieces: usize, peers: usize) -> Self {
        let metainfo = torrent(pieces);
        let mut greeting = b"\x13BitTorrent protocol\0\0\0\0\0\0\0\x04".to_vec();
        greeting.extend_from_slice(&metainfo.info_hash.0);
        // the peer id of each is put in when it greets; then: has everything, unchokes
        greeting.extend_from_slice(&[b'x'; 20]);
        greeting.extend_from_slice(&[0, 0, 0, 1, 14, 0, 0, 0, 1, 1]);
        let config = Config {
            connections_max: peers,
            connections_per_torrent_max: peers,
            half_open_max: peers,
            dials_per_second: 1_000_000,
            ..Config::default()
        };
        let mut download = Self {
            engine: Engine::new(config, [7; 32]),
            now: Instant::START,
            seeds: BTreeMap::new(),
            greeting,
            read: vec![0; BLOCKS_A_READ * (HEAD + BLOCK)],
        };
        let peer = |n: usize| SocketAddr::from(([45, 1, (n >> 8) as u8, n as u8], 6881));
        let add = AddTorrent {
            peers: (1..=peers).map(peer).collect(),
            use_trackers: false,
            ..AddTorrent::new(metainfo, Root(b"/bench".as_slice().into()), Purpose::Download)
        };
        download.event(Event::Command(Command::Add(Box::new(add))));
        while download
            .seeds
            .values()
            .filter(|seed| !seed.asked.is_empty())
            .count()
            < peers
        {
            download.sleep();
        }
        download
    }

    /// Lets time pass until something is due.
    fn sleep(&mut self) {
        let (due, _) = self.engine.deadline().expect("something is always due");
        self.now = self.now.max(due);
        self.event(Event::Tick);
    }

    /// An event, and all that comes of it at once.
    fn event(&mut self, event: Event<'_>) {
        self.engine.handle(self.now, event);
        while let Some(action) = self.engine.poll_action() {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Connect { conn, .. } => {
                self.seeds.insert(conn, Seed::default());
                self.engine.handle(self.now, Event::Connected { conn });
            }
            Action::Send { conn, head, .. } => {
                let Some(seed) = self.seeds.get_mut(&conn) else {
                    return;
                };
                if seed.hear(&head) {
                    let id = conn.as_u64().to_be_bytes();
                    self.greeting[HANDSHAKE - id.len()..HANDSHAKE].copy_from_slice(&id);
                    let data = &self.greeting;
                    self.engine.handle(self.now, Event::Received { conn, data });
                }
            }
            Action::Disk { op, job, .. } => {
                let done = match job {
                    DiskJob::Open { layout, .. } => DiskDone::Opened {
                        files: vec![None; layout.files().len()],
                        resume: None,
                    },
                    DiskJob::Prepare => DiskDone::Prepared,
                    DiskJob::Write { .. } => DiskDone::Written,
                    DiskJob::Hash { .. } => DiskDone::Hash([0; 20]),
                    DiskJob::Sync => DiskDone::Synced { files: vec![None] },
                    DiskJob::SaveResume { .. } => DiskDone::Saved,
                    other => panic!("{other:?} is no part of a download"),
                };
                let result = Ok(done);
                self.engine.handle(self.now, Event::DiskDone { op, result });
            }
            Action::Read { .. }
            | Action::Hold { .. }
            | Action::Close { .. }
            | Action::Datagram { .. }
            | Action::Multicast { .. }
            | Action::Resolve { .. }
            | Action::Report(_) => {}
        }
    }

    /// One read from one seed. How many blocks it brought.
    fn answer(&mut self, conn: ConnId) -> usize {
        let Some(seed) = self.seeds.get_mut(&conn) else {
            return 0;
        };
        let mut blocks = 0;
        let mut at = 0;
        while blocks < BLOCKS_A_READ
            && let Some(request) = seed.asked.pop_front()
        {
            let message = &mut self.read[at..];
            message[..4].copy_from_slice(&(9 + BLOCK as u32).to_be_bytes());
            message[4] = 7;
            message[5..HEAD].copy_from_slice(&request[..8]);
            at += HEAD + BLOCK;
            blocks += 1;
        }
        let sent = std::mem::take(&mut seed.sent);
        self.now += Duration::from_micros(100);
        if sent > 0 {
            self.event(Event::Sent { conn, bytes: sent });
        }
        if blocks > 0 {
            let read = std::mem::take(&mut self.read);
            self.event(Event::Received {
                conn,
                data: &read[..at],
            });
            self.read = read;
        }
        blocks
    }

    /// Fetches so many blocks.
    fn fetch(&mut self, blocks: usize) {
        let conns: Vec<ConnId> = self.seeds.keys().copied().collect();
        let mut left = blocks;
        while left > 0 {
            let mut came = 0;
            for conn in &conns {
                came += self.answer(*conn);
                if came >= left {
                    return;
                }
            }
            left -= came;
            if came == 0 {
                self.sleep();
            }
        }
    }
}

/// Time a block, of the best of some rounds.
fn measure(pieces: usize, peers: usize, blocks: usize) {
    let round = || {
        let mut download = Download::new(pieces, peers);
        let started = std::time::Instant::now();
        download.fetch(blocks);
        started.elapsed().as_nanos() as u64 / blocks as u64
    };
    let best = (0..3).map(|_| round()).min().unwrap_or(0);
    println!("{pieces:>9} pieces {peers:>5} peers {blocks:>7} blocks: {best:>6} ns a block");
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    if let [pieces, peers, blocks] = numbers[..] {
        return Download::new(pieces, peers).fetch(blocks);
    }
    // of 100 pieces there are 1,600 blocks, and the last ones are raced for
    for (pieces, blocks) in [(100, 1_000), (10_000, 20_000), (1_000_000, 20_000)] {
        measure(pieces, 10, blocks);
    }
    for peers in [100, 1_000] {
        measure(10_000, peers, 20_000);
    }
}
