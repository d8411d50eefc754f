//! What became of received bytes: each class of the ledger, and the bytes that change theirs.

use crate::swarm::{BLOCK, TORRENT, leech, run_for, world_of};
use seedbed_engine::Command;
use seedbed_engine::block::Block;
use seedbed_engine::disk::DiskFault;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{ConnId, PeerId, PieceIndex};
use seedbed_engine::ledger::Ledger;
use seedbed_engine::wire::{Decoder, Handshake, Limits, Message, Reserved};
use tests::world::{Sample, World};

/// Payload of a block, and of a piece of two.
const ONE: u64 = BLOCK as u64;
const PIECE: u64 = 2 * ONE;

const FAST: Reserved = Reserved::NONE.with_fast();

const NOTHING: Ledger = Ledger {
    useful: 0,
    duplicate: 0,
    failed_hash: 0,
    unrequested: 0,
    late: 0,
    protocol: 0,
};

/// A download of two pieces of two blocks, from peers that the test speaks for.
struct Rig {
    sample: Sample,
    world: World,
    node: usize,
    /// All that was said to the engine.
    said: u64,
    peers: u8,
}

const fn block(piece: u32, n: u32) -> BlockRange {
    BlockRange {
        piece: PieceIndex(piece),
        begin: n * BLOCK,
        length: BLOCK,
    }
}

impl Rig {
    fn new() -> Self {
        let sample = Sample::single(4 * BLOCK as usize, 2 * BLOCK, &["udp://127.0.0.9:6969/announce"]);
        let mut world = world_of(&sample);
        let node = leech(&mut world, &sample, "eng", "127.0.0.3");
        run_for(&mut world, 1);
        Self {
            sample,
            world,
            node,
            said: 0,
            peers: 0,
        }
    }

    fn hear(&mut self, conn: ConnId, bytes: &[u8]) {
        self.said += bytes.len() as u64;
        self.world.say(self.node, conn, bytes);
    }

    fn say(&mut self, conn: ConnId, message: &Message) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.hear(conn, &bytes);
    }

    /// Somebody who has everything and unchokes us; what it is asked for.
    fn peer(&mut self, reserved: Reserved) -> (ConnId, Vec<BlockRange>) {
        self.peers += 1;
        let from = format!("198.51.100.{}:4000", self.peers);
        let conn = self.world.dial(self.node, &from);
        let handshake = Handshake {
            reserved,
            info_hash: self.sample.metainfo.info_hash,
            peer_id: PeerId([self.peers; 20]),
        };
        self.hear(conn, &handshake.encode());
        self.say(conn, &Message::Bitfield(vec![0b1100_0000]));
        self.say(conn, &Message::Unchoke);
        let asked = self.asked(conn);
        (conn, asked)
    }

    /// All requests that a peer was sent, those that were taken back too.
    fn asked(&self, conn: ConnId) -> Vec<BlockRange> {
        let heard = self.world.heard(self.node, conn);
        let mut rest = &heard[68..];
        let mut decoder = Decoder::new(Limits::for_torrent(None, 1 << 16, BLOCK));
        let mut asked = Vec::new();
        while let Ok(Some(message)) = decoder.next(&mut rest) {
            if let Message::Request(range) = message {
                asked.push(range);
            }
        }
        asked
    }

    fn piece(&self, range: BlockRange, right: bool) -> Message {
        let from = (range.piece.0 * 2 * BLOCK + range.begin) as usize;
        let mut data = self.sample.content[from..from + range.length as usize].to_vec();
        if !right {
            data[0] ^= 0xff;
        }
        Message::Piece {
            range,
            data: Block::from(data),
        }
    }

    /// The right block comes.
    fn give(&mut self, conn: ConnId, range: BlockRange) {
        let message = self.piece(range, true);
        self.say(conn, &message);
    }

    /// Whatever a peer is asked for comes.
    fn serve(&mut self, conn: ConnId) {
        let mut given = 0;
        while let Some(range) = self.asked(conn).get(given).copied() {
            self.give(conn, range);
            given += 1;
        }
    }

    fn wait(&mut self, seconds: u64) {
        run_for(&mut self.world, seconds);
    }

    /// The ledger is this, with everything that was said and is not in one of its other classes, or still arriving,
    /// as protocol.
    #[track_caller]
    fn check(&self, expected: Ledger, arriving: u64) {
        let torrent = self.world.nodes[self.node]
            .engine
            .torrent(TORRENT)
            .expect("it is there");
        let status = torrent.status(self.world.now);
        let protocol = self.said - expected.payload() - arriving;
        assert_eq!(status.received, Ledger { protocol, ..expected });
        assert_eq!(status.wasted, expected.wasted());
        assert_eq!(status.downloaded, expected.payload());
        assert_eq!(torrent.audit(), Ok(()));
    }
}

#[test]
fn blocks_of_a_download_without_trouble_are_useful_and_the_rest_is_protocol() {
    for reserved in [Reserved::NONE, FAST] {
        let mut rig = Rig::new();
        let (conn, asked) = rig.peer(reserved);
        rig.check(NOTHING, 0);
        assert_eq!(asked.len(), 4);
        for (n, range) in asked.into_iter().enumerate() {
            rig.give(conn, range);
            let useful = (n as u64 + 1) * ONE;
            rig.check(Ledger { useful, ..NOTHING }, 0);
        }
        rig.wait(1);
        assert!(rig.world.is_complete(rig.node));
        rig.check(
            Ledger {
                useful: 2 * PIECE,
                ..NOTHING
            },
            0,
        );
        assert_eq!(rig.said, 68 + 6 + 5 + 4 * (13 + ONE));
    }
}

#[test]
fn a_block_is_in_no_class_before_it_is_whole() {
    let mut rig = Rig::new();
    let (conn, asked) = rig.peer(FAST);
    let mut bytes = Vec::new();
    rig.piece(asked[0], true).encode(&mut bytes);
    rig.hear(conn, &bytes[..23]);
    rig.check(NOTHING, 10);
    rig.hear(conn, &bytes[23..60]);
    rig.check(NOTHING, 47);
    rig.hear(conn, &bytes[60..]);
    rig.check(
        Ledger {
            useful: ONE,
            ..NOTHING
        },
        0,
    );
    // another one never will be
    let mut bytes = Vec::new();
    rig.piece(asked[1], true).encode(&mut bytes);
    rig.hear(conn, &bytes[..40]);
    rig.check(
        Ledger {
            useful: ONE,
            ..NOTHING
        },
        27,
    );
    rig.world.break_connection(rig.node, conn);
    rig.wait(1);
    rig.check(
        Ledger {
            useful: ONE,
            ..NOTHING
        },
        0,
    );
}

#[test]
fn a_handshake_counts_from_its_first_byte_on() {
    let mut rig = Rig::new();
    let conn = rig.world.dial(rig.node, "198.51.100.7:4000");
    let handshake = Handshake {
        reserved: FAST,
        info_hash: rig.sample.metainfo.info_hash,
        peer_id: PeerId([9; 20]),
    };
    let bytes = handshake.encode();
    rig.hear(conn, &bytes[..30]);
    rig.hear(conn, &bytes[30..50]);
    rig.check(NOTHING, 0);
    rig.hear(conn, &bytes[50..]);
    rig.check(NOTHING, 0);
}

#[test]
fn a_block_that_comes_twice_is_a_duplicate() {
    for reserved in [Reserved::NONE, FAST] {
        let mut rig = Rig::new();
        let (conn, asked) = rig.peer(reserved);
        rig.give(conn, asked[0]);
        rig.give(conn, asked[0]);
        let once = Ledger {
            useful: ONE,
            duplicate: ONE,
            ..NOTHING
        };
        rig.check(once, 0);
        rig.give(conn, asked[0]);
        rig.check(
            Ledger {
                duplicate: PIECE,
                ..once
            },
            0,
        );
    }
}

#[test]
fn the_repetition_that_is_one_too_many_is_a_duplicate_too() {
    let mut rig = Rig::new();
    let (conn, asked) = rig.peer(FAST);
    let mut given = 0;
    while rig.world.is_open(rig.node, conn) {
        rig.give(conn, asked[0]);
        given += 1;
        assert!(given <= 2_000, "it is never too much");
    }
    let duplicate = (given - 1) * ONE;
    rig.check(
        Ledger {
            useful: ONE,
            duplicate,
            ..NOTHING
        },
        0,
    );
}

#[test]
fn the_loser_of_a_race_is_late_since_it_was_cancelled() {
    for reserved in [Reserved::NONE, FAST] {
        let mut rig = Rig::new();
        let (first, asked) = rig.peer(reserved);
        let (second, raced) = rig.peer(reserved);
        assert!(
            asked.contains(&raced[0]),
            "all is asked for, so it is asked of both"
        );
        rig.give(second, raced[0]);
        rig.give(first, raced[0]);
        let late = Ledger {
            useful: ONE,
            late: ONE,
            ..NOTHING
        };
        rig.check(late, 0);
        // and once more, which nothing explains
        rig.give(first, raced[0]);
        rig.check(
            Ledger {
                duplicate: ONE,
                ..late
            },
            0,
        );
    }
}

#[test]
fn what_was_given_up_is_late_when_another_copy_is_there_and_useful_when_not() {
    type GiveUp = fn(&mut Rig, ConnId, BlockRange);
    let ways: [(Reserved, GiveUp); 4] = [
        (Reserved::NONE, |rig, conn, _| rig.say(conn, &Message::Choke)),
        (FAST, |rig, conn, range| rig.say(conn, &Message::Reject(range))),
        // snubbed, then over its time
        (FAST, |rig, _, _| rig.wait(25)),
        (Reserved::NONE, |rig, _, _| rig.wait(65)),
    ];
    for (reserved, give_up) in ways {
        let mut rig = Rig::new();
        let (first, asked) = rig.peer(reserved);
        give_up(&mut rig, first, asked[0]);
        rig.give(first, asked[0]);
        rig.check(
            Ledger {
                useful: ONE,
                ..NOTHING
            },
            0,
        );

        let mut rig = Rig::new();
        let (first, asked) = rig.peer(reserved);
        give_up(&mut rig, first, asked[0]);
        let (second, again) = rig.peer(FAST);
        assert!(again.contains(&asked[0]));
        rig.give(second, asked[0]);
        rig.give(first, asked[0]);
        rig.check(
            Ledger {
                useful: ONE,
                late: ONE,
                ..NOTHING
            },
            0,
        );
    }
}

#[test]
fn a_block_that_nobody_asked_for_is_unrequested_and_nothing_behind_it_is_read() {
    // the torrent has no third block in a piece, and no tenth piece
    for wrong in [block(0, 0), block(0, 2), block(9, 0)] {
        let mut rig = Rig::new();
        let stranger = rig.world.dial(rig.node, "198.51.100.99:4000");
        let handshake = Handshake {
            reserved: FAST,
            info_hash: rig.sample.metainfo.info_hash,
            peer_id: PeerId([99; 20]),
        };
        rig.hear(stranger, &handshake.encode());
        let data = Block::from(vec![0; BLOCK as usize]);
        let mut bytes = Vec::new();
        Message::Piece { range: wrong, data }.encode(&mut bytes);
        bytes.extend_from_slice(&[0; 12]);
        rig.hear(stranger, &bytes);
        assert!(!rig.world.is_open(rig.node, stranger));
        rig.check(
            Ledger {
                unrequested: ONE,
                ..NOTHING
            },
            0,
        );
    }
}

#[test]
fn a_piece_that_fails_its_hash_is_no_longer_useful() {
    let mut rig = Rig::new();
    let (conn, asked) = rig.peer(FAST);
    assert_eq!(asked[2].piece, asked[3].piece, "one piece after the other");
    rig.give(conn, asked[0]);
    rig.give(conn, asked[1]);
    let wrong = rig.piece(asked[2], false);
    rig.say(conn, &wrong);
    rig.check(
        Ledger {
            useful: PIECE + ONE,
            ..NOTHING
        },
        0,
    );
    rig.give(conn, asked[3]);
    rig.wait(1);
    let failed = Ledger {
        useful: PIECE,
        failed_hash: PIECE,
        ..NOTHING
    };
    rig.check(failed, 0);
    // from another the same piece is right
    let (conn, asked) = rig.peer(FAST);
    asked.into_iter().for_each(|range| rig.give(conn, range));
    rig.wait(1);
    assert!(rig.world.is_complete(rig.node));
    rig.check(
        Ledger {
            useful: 2 * PIECE,
            ..failed
        },
        0,
    );
}

#[test]
fn what_storage_does_not_take_is_a_duplicate_of_what_comes_in_its_place() {
    let mut rig = Rig::new();
    let (conn, asked) = rig.peer(FAST);
    rig.give(conn, asked[0]);
    rig.world.nodes[rig.node].disk.fault = Some(DiskFault::Full);
    rig.give(conn, asked[1]);
    rig.wait(1);
    let lost = Ledger {
        duplicate: PIECE,
        ..NOTHING
    };
    assert_eq!(asked[0].piece, asked[1].piece, "the piece is fetched as a whole");
    rig.check(lost, 0);
    rig.world.nodes[rig.node].disk.fault = None;
    rig.wait(40);
    let (fresh, _) = rig.peer(FAST);
    rig.serve(fresh);
    rig.wait(1);
    assert!(rig.world.is_complete(rig.node));
    rig.check(
        Ledger {
            useful: 2 * PIECE,
            ..lost
        },
        0,
    );
}

#[test]
fn a_recheck_loses_the_blocks_of_pieces_in_work_and_the_pieces_that_it_finds_damaged() {
    let mut rig = Rig::new();
    let (conn, asked) = rig.peer(FAST);
    asked[..3].iter().for_each(|range| rig.give(conn, *range));
    rig.wait(1);
    rig.check(
        Ledger {
            useful: PIECE + ONE,
            ..NOTHING
        },
        0,
    );
    rig.world.command(rig.node, Command::Recheck(TORRENT));
    rig.wait(1);
    let halved = Ledger {
        useful: PIECE,
        duplicate: ONE,
        ..NOTHING
    };
    rig.check(halved, 0);
    let path = rig.world.nodes[rig.node]
        .disk
        .files
        .keys()
        .next()
        .expect("a file")
        .clone();
    rig.world.nodes[rig.node]
        .disk
        .tamper(&path, |bytes| bytes.iter_mut().for_each(|byte| *byte ^= 0xff));
    rig.world.command(rig.node, Command::Recheck(TORRENT));
    rig.wait(1);
    let lost = Ledger {
        duplicate: PIECE + ONE,
        ..NOTHING
    };
    rig.check(lost, 0);
    let (conn, asked) = rig.peer(FAST);
    asked.into_iter().for_each(|range| rig.give(conn, range));
    rig.wait(1);
    assert!(rig.world.is_complete(rig.node));
    rig.check(
        Ledger {
            useful: 2 * PIECE,
            ..lost
        },
        0,
    );
}
