//! Bytes of a peer, and whether we keep the connection: fed to a whole engine, at once and byte by byte.

use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{ConnId, InfoHash, TorrentId};
use seedbed_engine::magnet::Magnet;
use seedbed_engine::time::Duration;
use seedbed_engine::wire::{Decoder, Limits, Message};
use seedbed_engine::{Command, Config, Purpose, TorrentSource};
use serde_json::Value;
use std::collections::BTreeSet;
use tests::corpus::{self as score, peer_wire};
use tests::world::World;

/// A node in the state that a case begins with, and the connection of its peer.
struct Stage {
    world: World,
    conn: ConnId,
    /// Pieces that the node has.
    have: BTreeSet<u32>,
}

impl Stage {
    fn new(case: &Value) -> Self {
        let sample = peer_wire::sample(case);
        let have = peer_wire::have(case);
        let mut config = Config::default();
        if let Some(id) = case["context"].get("our_peer_id") {
            config.peer_id = Some(score::unhex(id).try_into().expect("20 bytes"));
        }
        let mut world = World::default();
        let node = world.node("eng", "127.0.0.2", config);
        let mut disk = sample.full_disk(16_384);
        for (n, piece) in disk
            .files
            .get_mut("sample")
            .expect("the file")
            .chunks_mut(peer_wire::PIECE)
            .enumerate()
        {
            if !have.contains(&(n as u32)) {
                piece.fill(0);
            }
        }
        world.nodes[node].disk = disk;
        let mut add = World::add_torrent(&sample.metainfo, Purpose::Download);
        if !peer_wire::flag(case, "metadata", true) {
            let link = format!("magnet:?xt=urn:btih:{}", sample.metainfo.info_hash);
            let magnet = Magnet::parse(&link).expect("a link");
            add.source = TorrentSource::Magnet(Box::new(magnet));
        }
        world.command(node, Command::Add(Box::new(add)));
        let mut stage = Self {
            world,
            conn: ConnId::accepted(0),
            have: if peer_wire::flag(case, "metadata", true) {
                have
            } else {
                BTreeSet::new()
            },
        };
        stage.run(1);
        stage.conn = stage.world.dial(0, "198.51.100.7:4000");
        stage
    }

    fn run(&mut self, seconds: u64) {
        let limit = self.world.now + Duration::from_secs(seconds);
        self.world.run_until(limit, |_| false);
    }

    fn info_hash(&self) -> InfoHash {
        self.world.nodes[0]
            .engine
            .torrent(TorrentId(1))
            .expect("it is there")
            .info_hash()
    }

    fn say(&mut self, bytes: &[u8], whole: bool) {
        let conn = self.conn;
        if whole {
            self.world.say(0, conn, bytes);
        } else {
            bytes.iter().for_each(|byte| self.world.say(0, conn, &[*byte]));
        }
    }

    /// Past the handshake: interested and unchoked, with the requests outstanding that the case names.
    fn open(&mut self, case: &Value) {
        let bytes = peer_wire::opening(case, self.info_hash());
        self.say(&bytes, true);
        self.run(2);
        let asked = self
            .heard()
            .into_iter()
            .filter(|message| matches!(message, Message::Request(_)))
            .count();
        assert_eq!(
            asked,
            peer_wire::pending(case).len(),
            "the requests of the case are outstanding"
        );
    }

    /// What the node said to the peer, behind its handshake.
    fn heard(&self) -> Vec<Message> {
        peer_wire::messages(&self.world.heard(0, self.conn))
    }

    fn is_open(&self) -> bool {
        self.world.is_open(0, self.conn)
    }

    /// What must hold whatever is done with the connection.
    fn check_truth(&self, may_arrive: bool) -> Result<(), String> {
        for message in self.heard() {
            if let Message::Piece { range, .. } = message
                && !self.have.contains(&range.piece.0)
            {
                return Err(format!("served {range}, which is not had"));
            }
        }
        let writes = self.world.nodes[0].disk.jobs.get("write").copied().unwrap_or(0);
        if !may_arrive && writes > 0 {
            return Err(format!("{writes} blocks were written that nobody asked for"));
        }
        let torrent = self.world.nodes[0]
            .engine
            .torrent(TorrentId(1))
            .expect("it is there");
        let have: BTreeSet<u32> = torrent.have().iter().map(|piece| piece.0).collect();
        score::same("pieces had", have, self.have.clone())
    }
}

/// Whether the connection is open after the bytes of the case.
fn play(case: &Value, whole: bool) -> Result<bool, String> {
    let mut stage = Stage::new(case);
    let context = &case["context"];
    let bytes = peer_wire::bytes(case, stage.info_hash());
    if context["phase"] == "handshake" {
        if context["connections"] == 2 {
            stage.say(&bytes, true);
            let first = stage.conn;
            stage.conn = stage.world.dial(0, "198.51.100.8:4000");
            stage.say(&bytes, whole);
            let open = usize::from(stage.is_open()) + usize::from(stage.world.is_open(0, first));
            return score::same("connections left", open, 1).map(|()| stage.is_open());
        }
        stage.say(&bytes, whole);
        if context["when"] == "handshake timeout" {
            stage.run(12);
        }
        return Ok(stage.is_open());
    }
    stage.open(case);
    stage.say(&bytes, whole);
    stage.run(2);
    let asked = !peer_wire::pending(case).is_empty();
    stage.check_truth(asked)?;
    Ok(stage.is_open())
}

/// What a message is called in the corpus.
fn named(message: &Message) -> Value {
    let block = |name: &str, range: &BlockRange| {
        Value::from(vec![
            name.into(),
            Value::from(range.piece.0),
            range.begin.into(),
            range.length.into(),
        ])
    };
    match message {
        Message::Unchoke => "unchoke".into(),
        Message::HaveAll => "have_all".into(),
        Message::Port(port) => Value::from(vec![Value::from("port"), (*port).into()]),
        Message::Request(range) => block("request", range),
        Message::Cancel(range) => block("cancel", range),
        Message::Piece { range, .. } => block("piece", range),
        Message::Bitfield(bytes) if bytes.iter().all(|byte| *byte == 0) => {
            Value::from(vec![Value::from("bitfield"), Value::Array(Vec::new())])
        }
        Message::Bitfield(_) => Value::from(vec![Value::from("bitfield"), "all".into()]),
        other => other.to_string().into(),
    }
}

fn check_messages(case: &Value) -> Result<(), String> {
    let Some(expected) = case["messages"].as_array() else {
        return Ok(());
    };
    let bytes = score::unhex(&case["hex"]);
    let mut decoder = Decoder::new(Limits::for_torrent(Some(20), 1 << 18, 16_384));
    let mut rest = bytes.as_slice();
    let mut messages = Vec::new();
    while let Some(message) = decoder.next(&mut rest).map_err(|error| error.to_string())? {
        messages.push(named(&message));
    }
    score::same("messages", &messages, expected)
}

#[test]
fn peer_wire_cases() {
    let Some(file) = score::json("vectors/peer_wire.json") else {
        return;
    };
    let mut score = score::Score::new("peer_wire");
    for case in file["cases"].as_array().expect("a topic has cases") {
        let id = case["id"].as_str().expect("a case has an id");
        let check = || -> Result<(), String> {
            check_messages(case)?;
            let open = play(case, true)?;
            if case.get("repeat").is_none() {
                score::same("open when fed byte by byte", play(case, false)?, open)?;
            }
            match case["then"].as_str() {
                Some("open") => score::same("open", open, true),
                Some("close") => score::same("open", open, false),
                _ => Ok(()),
            }
        };
        score.count(id, check());
    }
    score.finish();
}
