//! The cases of `peer_wire` over real sockets: a peer sends their bytes to our program, and the connection is watched.
//!
//! In a network of its own: some cases name addresses that are nobody's, which must not be dialled on a real network.

use crate::rig::network::in_its_own;
use crate::rig::{Process, binary, free_port, ours, wait_until};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tests::corpus::{self, peer_wire};
use tests::world::Sample;

const START_LIMIT: Duration = Duration::from_secs(10);

/// How long a connection is watched behind the bytes of a case, unless it is closed before.
const WATCHED: Duration = Duration::from_secs(2);

/// The same where the handshake's timeout has to close it (10 s).
const TIMEOUT_WATCHED: Duration = Duration::from_secs(15);

/// Between what the peer says first and the case: both sides have then said what they say by themselves.
const SETTLED: Duration = Duration::from_millis(700);

/// Our program with the torrent of a case.
struct Stage {
    sample: Sample,
    process: Process,
    at: SocketAddr,
    folder: tempfile::TempDir,
}

/// A peer's connection to it.
struct Line {
    stream: TcpStream,
    heard: Vec<u8>,
    open: bool,
}

impl Stage {
    fn new(case: &Value) -> Self {
        let sample = peer_wire::sample(case);
        let folder = tests::temp_dir();
        let mut content = sample.content.clone();
        let have = had(case);
        for (n, piece) in content.chunks_mut(peer_wire::PIECE).enumerate() {
            if !have.contains(&(n as u32)) {
                piece.fill(0);
            }
        }
        let data = folder.path().join("data");
        fs::create_dir(&data).expect("a folder");
        let port = free_port(ours());
        let mut command = Command::new(binary());
        command.arg("download");
        if peer_wire::flag(case, "metadata", true) {
            fs::write(data.join(&sample.metainfo.name), content).expect("a file");
            let torrent = folder.path().join("it.torrent");
            fs::write(&torrent, &sample.bytes).expect("a file");
            command.arg(torrent);
        } else {
            command.arg(format!("magnet:?xt=urn:btih:{}", sample.metainfo.info_hash));
        }
        command
            .arg("-d")
            .arg(&data)
            .args(["--json", "--no-trackers", "--no-lsd"]);
        command.args(["--bind", &ours().to_string(), "--port", &port.to_string()]);
        command.env("SEEDBED_STATE_DIR", folder.path().join("state"));
        let mut process = Process::start("seedbed download", command, folder.path().join("log"));
        let at = SocketAddr::from((ours(), port));
        wait_until("our program to listen", START_LIMIT, || {
            assert!(process.ended().is_none(), "{}", process.err());
            TcpStream::connect(at).is_ok()
        });
        // the files are hashed before a handshake is answered
        std::thread::sleep(Duration::from_millis(300));
        Self {
            sample,
            process,
            at,
            folder,
        }
    }

    fn dial(&self) -> Line {
        let stream = TcpStream::connect(self.at).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        stream
            .set_read_timeout(Some(Duration::from_millis(50)))
            .expect("a socket");
        Line {
            stream,
            heard: Vec::new(),
            open: true,
        }
    }

    /// What must hold whatever becomes of the connection.
    fn check_truth(&mut self, case: &Value, line: &Line) -> Result<(), String> {
        if let Some(status) = self.process.ended() {
            return Err(format!("the program ended: {status}\n{}", self.process.err()));
        }
        let have = had(case);
        for message in peer_wire::messages(&line.heard) {
            if let seedbed_engine::wire::Message::Piece { range, .. } = message
                && !have.contains(&range.piece.0)
            {
                return Err(format!("served {range}, which is not had"));
            }
        }
        let path = self.folder.path().join("data").join(&self.sample.metainfo.name);
        let on_disk = fs::read(path).unwrap_or_default();
        // a block that was asked for may lie there already
        let pending: BTreeSet<_> = peer_wire::pending(case)
            .iter()
            .filter_map(|block| block[0].as_u64())
            .collect();
        for (n, piece) in on_disk.chunks(peer_wire::PIECE).enumerate() {
            let n = n as u64;
            let right = !have.contains(&(n as u32)) && !pending.contains(&n);
            if right && piece.iter().any(|byte| *byte != 0) {
                return Err(format!("piece {n} was written, and nobody asked for it"));
            }
        }
        Ok(())
    }
}

impl Line {
    /// Sends what the other side still takes.
    fn say(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(16_384) {
            if self.stream.write_all(part).is_err() {
                self.open = false;
                return;
            }
            self.listen(Instant::now());
        }
    }

    /// Reads until the other side closes, or until then.
    fn listen(&mut self, until: Instant) {
        let mut buffer = [0; 65_536];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.open = false,
                Ok(n) => self.heard.extend_from_slice(&buffer[..n]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => self.open = false,
            }
            if !self.open || Instant::now() >= until {
                return;
            }
        }
    }
}

/// The pieces that our program has.
fn had(case: &Value) -> BTreeSet<u32> {
    if peer_wire::flag(case, "metadata", true) {
        peer_wire::have(case)
    } else {
        BTreeSet::new()
    }
}

/// Plays a case; whether the connection is open behind it.
fn play(case: &Value) -> Result<bool, String> {
    let mut stage = Stage::new(case);
    let info_hash = stage.sample.metainfo.info_hash;
    let mut bytes = peer_wire::bytes(case, info_hash);
    let context = &case["context"];
    let mut line = stage.dial();
    if context["phase"] != "handshake" {
        line.say(&peer_wire::opening(case, info_hash));
        line.listen(Instant::now() + SETTLED);
    } else if context["connections"] == 2 {
        let mut first = stage.dial();
        first.say(&bytes);
        first.listen(Instant::now() + SETTLED);
        line.say(&bytes);
        line.listen(Instant::now() + WATCHED);
        first.listen(Instant::now() + SETTLED);
        corpus::same(
            "connections left",
            usize::from(first.open) + usize::from(line.open),
            1,
        )?;
        return stage.check_truth(case, &line).map(|()| line.open);
    } else if let Some(theirs) = context.get("our_peer_id") {
        with_our_peer_id(&stage, &corpus::unhex(theirs), &mut bytes);
    }
    line.say(&bytes);
    let watched = if context["when"] == "handshake timeout" {
        TIMEOUT_WATCHED
    } else {
        WATCHED
    };
    line.listen(Instant::now() + watched);
    stage.check_truth(case, &line)?;
    Ok(line.open)
}

/// Puts the peer id that our program shows into the bytes, in place of the case's.
fn with_our_peer_id(stage: &Stage, theirs: &[u8], bytes: &mut [u8]) {
    let Some(at) = bytes.windows(20).position(|window| window == theirs) else {
        return;
    };
    let mut other = stage.dial();
    other.say(&peer_wire::opening(&Value::Null, stage.sample.metainfo.info_hash));
    other.listen(Instant::now() + SETTLED);
    bytes[at..at + 20].copy_from_slice(&other.heard[48..68]);
}

fn check(case: &Value) -> Result<(), String> {
    let open = play(case)?;
    match case["then"].as_str() {
        Some("open") => corpus::same("open", open, true),
        Some("close") => corpus::same("open", open, false),
        _ => Ok(()),
    }
}

/// Cases that are played at a time: they mostly wait.
const AT_A_TIME: usize = 8;

#[test]
#[ignore = "interop: needs the corpus, and root for a network of its own"]
fn peer_wire_cases() {
    in_its_own("peer_wire::peer_wire_cases", || {
        let Some(file) = corpus::json("vectors/peer_wire.json") else {
            return;
        };
        assert!(ours() != Ipv4Addr::LOCALHOST, "an address of its own");
        let cases = file["cases"].as_array().expect("a topic has cases");
        let score = Mutex::new(corpus::Score::new("peer_wire"));
        let next = Mutex::new(cases.iter());
        std::thread::scope(|threads| {
            for _ in 0..AT_A_TIME {
                threads.spawn(|| {
                    loop {
                        let Some(case) = next.lock().expect("no panic").next() else {
                            return;
                        };
                        let id = case["id"].as_str().expect("a case has an id");
                        let result = check(case);
                        score.lock().expect("no panic").count(id, result);
                    }
                });
            }
        });
        score.into_inner().expect("no panic").finish();
    });
}
