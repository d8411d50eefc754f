//! An engine with seeds around it that answer whatever is asked with zeros, sixteen blocks a read, perhaps with leechers that
//! have nothing and are told of each piece, and with a storage that takes everything at once. There is no network, disk or
//! hash.

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
pub(crate) struct Download {
    engine: Engine,
    now: Instant,
    seeds: BTreeMap<ConnId, Seed>,
    /// Leechers that have not greeted us yet.
    leeches: usize,
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
    /// A download with so many seeds, all of which it has asked for something, and with so many leechers.
    pub(crate) fn new(pieces: usize, seeds: usize, leeches: usize) -> Self {
        let peers = seeds + leeches;
        let metainfo = torrent(pieces);
        let mut greeting = b"\x13BitTorrent protocol\0\0\0\0\0\0\0\x04".to_vec();
        greeting.extend_from_slice(&metainfo.info_hash.0);
        // the peer id of each is put in when it greets; then: has everything (or nothing), unchokes
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
            leeches,
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
        let asked = |download: &Self| {
            let seeds = download.seeds.values();
            seeds.filter(|seed| !seed.asked.is_empty()).count()
        };
        while asked(&download) < seeds || download.leeches > 0 {
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
                    // BEP 6: have-none is the number behind have-all
                    self.greeting[HANDSHAKE + 4] = if self.leeches > 0 { 15 } else { 14 };
                    self.leeches = self.leeches.saturating_sub(1);
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
    pub(crate) fn fetch(&mut self, blocks: usize) {
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
