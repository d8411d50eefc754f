//! Each oracle can fail: small stories of an engine that does wrong, told to a watch.

use super::*;
use crate::sample::Sample;
use crate::scenario::TorrentSpec;
use crate::seed::Seed;
use seedbed_engine::block::Block;
use seedbed_engine::disk::{DiskDone, DiskJob};
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{ConnId, InfoHash, OpId, PieceIndex, TorrentId};
use seedbed_engine::net::CloseCause;
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::wire::{Message, encode_piece_head};
use seedbed_engine::{Action, BanReason, CloseReason, Command, Config, Event, Report, TorrentState};
use std::net::{IpAddr, SocketAddr};

mod figures;
mod ledger;
mod local;
mod mutants;
mod recovery;
mod sleep;

const TORRENT: TorrentId = TorrentId(1);

/// A watch, and the engine whose part the test plays.
struct Story {
    watch: Watch,
    sample: Sample,
    now: Instant,
    op: u64,
}

fn peer(n: u8) -> SocketAddr {
    SocketAddr::from(([45, 0, 0, n], 6881))
}

fn tracker() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 6969))
}

fn block(piece: u32, n: u32) -> BlockRange {
    BlockRange {
        piece: PieceIndex(piece),
        begin: n * 64,
        length: 64,
    }
}

impl Story {
    /// Four pieces of two blocks.
    fn new() -> Self {
        Self::of(false)
    }

    /// The same, of a private torrent or not.
    fn of(private: bool) -> Self {
        let spec = TorrentSpec {
            pieces: 4,
            blocks: 2,
            block: 64,
            short: 0,
            files: 1,
            private,
            magnet: None,
        };
        let sample = Sample::new(&spec, &[], Seed(1)).expect("a torrent");
        let config = Config {
            block_length: 64,
            ..Config::default()
        };
        let watch = Watch::new(Setup {
            config,
            metainfo: sample.metainfo.clone(),
            content: sample.content.clone(),
            broken: false,
            trackers: vec![tracker().ip()],
            honest: vec![peer(1).ip()],
            others: (1..=9).map(|n| peer(n).ip()).collect(),
        });
        let mut story = Self {
            watch,
            sample,
            now: Instant::START,
            op: 0,
        };
        story.report(Report::Added {
            torrent: TORRENT,
            info_hash: InfoHash([0; 20]),
            name: String::new(),
        });
        story
    }

    fn event(&mut self, event: &Event<'_>) {
        self.watch.event(self.now, event);
    }

    fn action(&mut self, action: Action) {
        self.watch.action(&action);
    }

    fn report(&mut self, report: Report) {
        self.action(Action::Report(report));
    }

    /// An open connection to a peer with the Fast extension that has everything.
    fn connect(&mut self, n: u8) -> ConnId {
        let conn = ConnId::dialled(n.into());
        self.action(Action::Connect {
            conn,
            to: peer(n),
            tls: None,
        });
        self.event(&Event::Connected { conn });
        self.send(conn, &handshake(n + 100));
        self.hear(conn, &handshake(n));
        self.say(conn, &Message::HaveNone);
        self.tell(conn, &Message::HaveAll);
        self.tell(conn, &Message::Unchoke);
        conn
    }

    fn hear(&mut self, conn: ConnId, data: &[u8]) {
        self.event(&Event::Received { conn, data });
    }

    fn send(&mut self, conn: ConnId, head: &[u8]) {
        self.action(Action::Send {
            conn,
            head: head.to_vec(),
            body: None,
        });
    }

    /// The peer's words.
    fn tell(&mut self, conn: ConnId, message: &Message) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.hear(conn, &bytes);
    }

    /// The engine's words.
    fn say(&mut self, conn: ConnId, message: &Message) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.send(conn, &bytes);
    }

    fn job(&mut self, job: DiskJob) -> OpId {
        self.op += 1;
        let op = OpId(self.op);
        self.action(Action::Disk {
            op,
            torrent: TORRENT,
            job,
        });
        op
    }

    fn write(&mut self, range: BlockRange) {
        let data = vec![0; range.length as usize];
        self.job(DiskJob::Write {
            range,
            data: Block::from(data),
        });
    }

    /// A piece is hashed, rightly or not.
    fn hash(&mut self, piece: u32, right: bool) {
        let piece = PieceIndex(piece);
        let op = self.job(DiskJob::Hash { piece });
        let digest = self.sample.metainfo.piece_hash(piece).filter(|_| right);
        self.event(&Event::DiskDone {
            op,
            result: Ok(DiskDone::Hash(digest.unwrap_or([0; 20]))),
        });
    }

    fn serve(&mut self, conn: ConnId, range: BlockRange) {
        let mut head = Vec::new();
        encode_piece_head(range, &mut head);
        let data = self.sample.block_bytes(range.piece, range.begin, range.length);
        let body = Block::from(data.expect("a block").to_vec());
        self.action(Action::Send {
            conn,
            head,
            body: Some(body),
        });
    }

    fn announce(&mut self, event: u32, left: u64) {
        let mut data = vec![0; 98];
        data[11] = 1;
        data[64..72].copy_from_slice(&left.to_be_bytes());
        data[80..84].copy_from_slice(&event.to_be_bytes());
        self.action(Action::Datagram { to: tracker(), data });
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }
}

fn handshake(id: u8) -> Vec<u8> {
    let mut bytes = b"\x13BitTorrent protocol\0\0\0\0\0\0\0\x04".to_vec();
    bytes.extend_from_slice(&[9; 20]);
    bytes.extend_from_slice(&[id; 20]);
    bytes
}

/// The first breach of a story is of this oracle.
#[track_caller]
fn breaks(oracle: Oracle, tell: impl FnOnce(&mut Story)) {
    let mut story = Story::of(oracle == Oracle::I24);
    tell(&mut story);
    story.watch.judge_step();
    let found = story.watch.verdicts.breaches.first().map(|breach| breach.oracle);
    assert_eq!(found, Some(oracle), "{:?}", story.watch.verdicts.breaches);
    assert!(story.watch.verdicts.held(oracle) > 0);
}

#[test]
fn a_story_without_fault_breaks_nothing() {
    let mut story = Story::new();
    let conn = story.connect(1);
    for n in 0..2 {
        story.say(conn, &Message::Request(block(0, n)));
    }
    for n in 0..2 {
        let mut bytes = Vec::new();
        encode_piece_head(block(0, n), &mut bytes);
        bytes.extend_from_slice(&[0; 64]);
        story.hear(conn, &bytes);
        story.write(block(0, n));
    }
    story.hash(0, true);
    story.say(conn, &Message::Have(PieceIndex(0)));
    story.tell(conn, &Message::Interested);
    story.say(conn, &Message::Unchoke);
    story.tell(conn, &Message::Request(block(0, 1)));
    story.serve(conn, block(0, 1));
    assert_eq!(story.watch.verdicts.breaches, []);
    assert_eq!(story.watch.waste(), (0, 0));
}

#[test]
fn what_was_not_hashed_must_not_be_told() {
    breaks(Oracle::I1, |story| {
        let conn = story.connect(1);
        story.hash(0, false);
        story.say(conn, &Message::Have(PieceIndex(0)));
    });
    breaks(Oracle::I1, |story| {
        story.report(Report::PieceVerified {
            torrent: TORRENT,
            piece: PieceIndex(0),
            have: 1,
            pieces: 4,
        });
    });
}

#[test]
fn writes_are_whole_blocks() {
    breaks(Oracle::I4, |story| {
        story.write(BlockRange {
            piece: PieceIndex(0),
            begin: 1,
            length: 64,
        });
    });
}

#[test]
fn requests_are_of_blocks_that_a_peer_has_and_gives() {
    breaks(Oracle::I6, |story| {
        let conn = story.connect(1);
        story.tell(conn, &Message::Choke);
        story.say(conn, &Message::Request(block(0, 0)));
    });
    breaks(Oracle::I7, |story| {
        let conn = story.connect(1);
        story.say(conn, &Message::Request(block(0, 2)));
    });
    breaks(Oracle::I8, |story| {
        let conn = story.connect(1);
        story.say(conn, &Message::Request(block(0, 0)));
        story.say(conn, &Message::Request(block(0, 0)));
    });
    breaks(Oracle::I8, |story| {
        let (one, two) = (story.connect(1), story.connect(2));
        story.say(one, &Message::Request(block(0, 0)));
        story.say(two, &Message::Request(block(0, 0)));
    });
    breaks(Oracle::I9, |story| {
        let conn = story.connect(1);
        let mut bytes = vec![0, 0, 0, 13, 20, 0];
        bytes.extend_from_slice(b"d4:reqqi1ee");
        story.hear(conn, &bytes);
        story.say(conn, &Message::Request(block(0, 0)));
        story.say(conn, &Message::Request(block(0, 1)));
    });
}

#[test]
fn bans_hit_the_guilty_and_only_them() {
    let ban = |n| Report::Banned {
        torrent: TORRENT,
        ip: peer(n).ip(),
        why: BanReason::SoleSource { piece: PieceIndex(0) },
    };
    breaks(Oracle::I12, |story| story.report(ban(1)));
    breaks(Oracle::I13, |story| {
        for failures in 0..20 {
            story.report(Report::PieceFailed {
                torrent: TORRENT,
                piece: PieceIndex(0),
                contributors: vec![IpAddr::from([45, 0, 0, 2]), IpAddr::from([45, 0, 0, 3])],
                failures,
            });
        }
    });
}

#[test]
fn uploads_are_verified_wanted_and_allowed() {
    breaks(Oracle::I14, |story| {
        let conn = story.connect(1);
        story.hash(0, true);
        story.tell(conn, &Message::Request(block(0, 0)));
        story.serve(conn, block(0, 0));
    });
    breaks(Oracle::I14, |story| {
        let conn = story.connect(1);
        story.hash(0, true);
        story.say(conn, &Message::Unchoke);
        story.tell(conn, &Message::Request(block(0, 0)));
        story.serve(conn, block(0, 0));
        story.serve(conn, block(0, 0));
    });
    breaks(Oracle::I15, |story| {
        for n in 1..=9 {
            let conn = story.connect(n);
            story.tell(conn, &Message::Interested);
            story.say(conn, &Message::Unchoke);
        }
    });
}

#[test]
fn the_order_of_words_and_numbers_is_kept() {
    breaks(Oracle::I17, |story| {
        let conn = story.connect(1);
        story.say(conn, &Message::HaveNone);
    });
    breaks(Oracle::I27, |story| {
        story.write(block(0, 0));
        story.op -= 1;
        story.write(block(0, 1));
    });
    breaks(Oracle::I27, |story| {
        story.connect(1);
        story.connect(1);
    });
    breaks(Oracle::I29, |story| {
        let conn = story.connect(1);
        story.event(&Event::Closed {
            conn,
            cause: CloseCause::Reset,
        });
        story.action(Action::Close {
            conn,
            reason: CloseReason::Unowned,
        });
    });
    breaks(Oracle::I35, |story| {
        story.report(Report::Completed { torrent: TORRENT });
    });
    breaks(Oracle::I24, |story| {
        let data = &[45, 0, 0, 1, 0x1a, 0xe1];
        story.event(&Event::Datagram {
            from: tracker(),
            data,
        });
        let conn = story.connect(1);
        let mut bytes = vec![0, 0, 0, 22, 20, 0];
        bytes.extend_from_slice(b"d1:md6:ut_pexi1eee__");
        story.send(conn, &bytes);
    });
    // nobody named peer 2
    breaks(Oracle::I24, |story| {
        story.event(&Event::Datagram {
            from: tracker(),
            data: &[45, 0, 0, 1, 0x1a, 0xe1],
        });
        story.connect(1);
        story.connect(2);
    });
}

mod pex;

#[test]
fn bounds_are_kept() {
    breaks(Oracle::I18, |story| {
        for n in 0..400_000 {
            story.write(block(n % 4, n % 2));
        }
    });
    breaks(Oracle::I20, |story| {
        for n in 0..120 {
            let to = SocketAddr::from(([45, 0, 1, n], 6881));
            let conn = ConnId::dialled(u64::from(n) + 1);
            story.action(Action::Connect { conn, to, tls: None });
        }
    });
    breaks(Oracle::I30, |story| {
        story.job(DiskJob::SaveResume { data: b"de".to_vec() });
    });
}

#[test]
fn announces_follow_their_rules() {
    let total = 512;
    breaks(Oracle::I23, |story| story.announce(2, total));
    let known = |story: &mut Story| {
        let mut connect = vec![0; 16];
        story.action(Action::Datagram {
            to: tracker(),
            data: connect.clone(),
        });
        connect[3] = 0;
        story.event(&Event::Datagram {
            from: tracker(),
            data: &connect,
        });
    };
    breaks(Oracle::I21, |story| {
        known(story);
        story.announce(0, total);
    });
    breaks(Oracle::I21, |story| {
        known(story);
        story.announce(2, total);
        let mut answer = vec![0; 20];
        answer[3] = 1;
        answer[10] = 7;
        story.event(&Event::Datagram {
            from: tracker(),
            data: &answer,
        });
        story.pass(50);
        known(story);
        story.announce(0, total);
    });
    breaks(Oracle::I22, |story| {
        let connect = vec![0; 16];
        for seconds in [0, 15, 14] {
            story.pass(seconds);
            story.event(&Event::Tick);
            story.action(Action::Datagram {
                to: tracker(),
                data: connect.clone(),
            });
        }
    });
}

#[test]
fn a_pause_is_quiet_and_a_shutdown_ends() {
    breaks(Oracle::I33, |story| {
        story.event(&Event::Command(Command::Pause(TORRENT)));
        story.report(Report::State {
            torrent: TORRENT,
            state: TorrentState::Paused,
        });
        story.connect(1);
    });
    breaks(Oracle::I34, |story| {
        story.connect(1);
        story.event(&Event::Command(Command::Shutdown));
        story.report(Report::ShutDown);
    });
    breaks(Oracle::I34, |story| {
        story.event(&Event::Command(Command::Shutdown));
        story.pass(60);
        story.event(&Event::Tick);
        story.report(Report::ShutDown);
    });
}
