//! The program over real sockets on loopback: downloading, serving, stopping.

mod support;

use seedbed_sim::tracker::AnnounceEvent;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::running::{LOCAL, Running, album, free_port, seed, wait_until};
use support::tracker::LocalTracker;
use support::{Ran, Sandbox};

fn assert_downloaded(sandbox: &Sandbox, dir: &str) {
    for path in ["album/a.bin", "album/b/c.bin", "album/empty"] {
        let read = |dir: &str| std::fs::read(sandbox.path().join(dir).join(path)).expect("a file");
        assert!(read("have") == read(dir), "{path} differs");
    }
}

#[test]
fn the_demo_succeeds_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let began = Instant::now();
    let ran = sandbox.expect(0, "demo");
    assert!(ran.out.contains("equal to the originals"), "{}", ran.out);
    let json = sandbox.expect(0, "demo --json").json();
    assert_eq!(
        (&json["ok"], &json["files"], &json["wasted"]),
        (&json!(true), &json!(4), &json!(0))
    );
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(std::fs::read_dir(sandbox.path()).expect("a listing").count(), 0);
}

#[test]
fn a_magnet_link_is_downloaded_and_written_as_a_torrent_file() {
    let sandbox = album("http://127.0.0.1:9/announce");
    let seed_port = free_port();
    let _seed = seed(&sandbox, seed_port, "");
    let link = sandbox.expect(0, "magnet album.torrent").out.trim().to_owned();
    let link = format!("{link}&x.pe=127.0.0.1:{seed_port}");
    let more = format!("--no-trackers {LOCAL}");
    let only = format!(
        "download {link} -d got {more} --metadata-only -o fetched.torrent --port {}",
        free_port()
    );
    assert!(
        sandbox
            .expect(0, &only)
            .out
            .contains("its metadata is in fetched.torrent")
    );
    assert!(!sandbox.path().join("got").exists(), "no file is made");
    let read = |path: &str| sandbox.expect(0, &format!("info {path} --json")).json();
    for field in ["info_hash_v1", "files", "trackers"] {
        assert_eq!(
            read("fetched.torrent")[field],
            read("album.torrent")[field],
            "{field}"
        );
    }
    sandbox.expect(4, &only);
    let whole = format!("download {link} -d got --json {more} --port {}", free_port());
    assert_eq!(sandbox.expect(0, &whole).json()["name"], json!("album"));
    assert_downloaded(&sandbox, "got");
    let both = "download album.torrent --metadata-only";
    assert!(sandbox.expect(2, both).err.contains("takes one magnet link"));
}

#[test]
fn a_download_finds_its_peers_by_tracker_and_tells_it_all() {
    for over_udp in [true, false] {
        let tracker = LocalTracker::start();
        let url = if over_udp {
            tracker.udp_url()
        } else {
            tracker.http_url("/announce")
        };
        let sandbox = album(&url);
        let (seed_port, port) = (free_port(), free_port());
        let seed = seed(&sandbox, seed_port, "");
        wait_until(|| !tracker.announces().is_empty());
        let ran = sandbox.expect(
            0,
            &format!("download album.torrent -d got --json {LOCAL} --port {port}"),
        );
        assert_downloaded(&sandbox, "got");
        let finished = ran.json();
        let expected =
            json!({"event": "finished", "status": "complete", "name": "album", "total_length": 1_000_001});
        for (field, value) in expected.as_object().expect("fields") {
            assert_eq!(&finished[field], value, "{field}");
        }
        for field in [
            "info_hash_v1",
            "downloaded",
            "uploaded",
            "wasted",
            "seconds",
            "peers_seen",
            "received",
        ] {
            assert!(finished.get(field).is_some(), "{field}");
        }
        assert_eq!(finished["peers_seen"], json!(1));
        let received = |class: &str| finished["received"][class].as_u64().expect("a number");
        let vain = ["duplicate", "failed_hash", "unrequested", "late"].map(received);
        assert_eq!((received("useful"), vain), (1_000_001, [0; 4]));
        // the handshake, and 13 bytes before each of 62 blocks of 16 KiB, at the least
        assert!(received("protocol") >= 68 + 62 * 13, "{finished}");
        use AnnounceEvent::{Completed, Started, Stopped};
        assert_eq!(tracker.events_of(port), [Started, Completed, Stopped]);
        seed.signal("-INT");
        let ended = seed.end();
        assert_eq!(
            (ended.code, &ended.json()["event"]),
            (Some(130), &json!("finished"))
        );
        assert_eq!(
            tracker.events_of(seed_port),
            [Started, Stopped],
            "a seed never completes"
        );
        let first = &tracker.announces()[1];
        assert_eq!((first.left, first.downloaded), (1_000_001, 0));
    }
}

/// A peer without the Fast extension that has everything and sends the first block that it is asked for twice.
fn repeat_the_first_block(listener: &TcpListener, content: &[u8]) -> std::io::Result<()> {
    const PIECE: usize = 32 * 1024;
    let (mut peer, _) = listener.accept()?;
    let mut handshake = [0; 68];
    peer.read_exact(&mut handshake)?;
    handshake[20..28].fill(0);
    handshake[48..].fill(b'x');
    peer.write_all(&handshake)?;
    peer.write_all(&[0, 0, 0, 5, 5, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 1, 1])?;
    let mut copies = 2;
    loop {
        let mut prefix = [0; 4];
        peer.read_exact(&mut prefix)?;
        let mut message = vec![0; u32::from_be_bytes(prefix) as usize];
        peer.read_exact(&mut message)?;
        let [6, request @ ..] = message.as_slice() else {
            continue;
        };
        let number = |n: usize| u32::from_be_bytes(request[n * 4..][..4].try_into().expect("four bytes"));
        let from = number(0) as usize * PIECE + number(1) as usize;
        let mut answer = (9 + number(2)).to_be_bytes().to_vec();
        answer.push(7);
        answer.extend_from_slice(&request[..8]);
        answer.extend_from_slice(&content[from..][..number(2) as usize]);
        peer.write_all(&answer.repeat(copies))?;
        copies = 1;
    }
}

#[test]
fn a_download_that_wasted_something_says_what() {
    let sandbox = album("http://127.0.0.1:1/announce");
    let read = |path: &str| std::fs::read(sandbox.path().join("have/album").join(path)).expect("a file");
    let content = [read("a.bin"), read("b/c.bin")].concat();
    for json in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("an address");
        let content = content.clone();
        let peer = std::thread::spawn(move || repeat_the_first_block(&listener, &content));
        let flag = if json { "--json" } else { "" };
        let ran = sandbox.expect(
            0,
            &format!(
                "download album.torrent -d got-{json} {LOCAL} --no-trackers --port 0 --encryption off --peer {addr} {flag}"
            ),
        );
        let closed = peer.join().expect("a thread").map_err(|error| error.kind());
        assert!(closed.is_err(), "it is read until the end");
        if json {
            let received = &ran.json()["received"];
            assert_eq!(received["duplicate"], json!(16_384), "{received}");
            assert_eq!(ran.json()["wasted"], json!(16_384));
        } else {
            let line = "album: received 993.4 KiB in all: 976.6 KiB useful, 16.0 KiB duplicate, ";
            assert!(ran.out.contains(line), "{}", ran.out);
        }
    }
}

#[test]
fn the_same_command_again_resumes() {
    let sandbox = album("http://127.0.0.1:1/announce");
    let port = free_port();
    let seed = seed(&sandbox, port, "--no-trackers");
    let download = format!("download album.torrent -d got --json {LOCAL} --no-trackers --port 0");
    let with_peer = format!("{download} --peer 127.0.0.1:{port}");
    sandbox.expect(0, &with_peer);
    drop(seed);
    // nobody is left to ask: everything has to come from the disk
    let again = sandbox.expect(0, &download).json();
    assert_eq!(
        (&again["status"], &again["downloaded"]),
        (&json!("complete"), &json!(0))
    );
    sandbox.expect(0, "verify album.torrent -d got");
}

#[test]
fn a_source_may_be_an_address_or_standard_input() {
    let sandbox = album("http://127.0.0.1:1/announce");
    let port = free_port();
    let _seed = seed(&sandbox, port, "--no-trackers");
    let torrent = std::fs::read(sandbox.path().join("album.torrent")).expect("the torrent");
    let url = serve_once(torrent.clone());
    let flags = format!("{LOCAL} --no-trackers --port 0 --peer 127.0.0.1:{port} --json");
    let ran = sandbox.expect(0, &format!("download {url} -d fetched {flags}"));
    assert_eq!(ran.json()["status"], json!("complete"));
    assert_downloaded(&sandbox, "fetched");
    let mut child = sandbox
        .command(&format!("download - -d piped {flags}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(&torrent)
        .expect("a write");
    let ran = Ran::from(child.wait_with_output().expect("an end"));
    assert_eq!((ran.code, &ran.json()["status"]), (Some(0), &json!("complete")));
    assert_downloaded(&sandbox, "piped");
}

/// Answers one GET with this body.
fn serve_once(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let addr = listener.local_addr().expect("one");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut line = String::new();
        let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
        while reader.read_line(&mut line).expect("a line") > 2 {
            line.clear();
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).expect("a write");
        stream.write_all(&body).expect("a write");
    });
    format!("http://{addr}/album.torrent?passkey=SECRETSECRET")
}

#[test]
fn an_address_that_fails_is_a_network_failure_without_its_secrets() {
    let sandbox = Sandbox::new();
    let port = free_port();
    let ran = sandbox.expect(
        5,
        &format!("download http://127.0.0.1:{port}/x.torrent?passkey=SECRETSECRET --json -vvv"),
    );
    assert_eq!(ran.json()["error"]["code"], json!("network"));
    assert!(
        !ran.out.contains("SECRETSECRET") && !ran.err.contains("SECRETSECRET"),
        "{}",
        ran.err
    );
    let url = serve_once(b"<html>login first</html>".to_vec());
    let ran = sandbox.expect(3, &format!("download {url}"));
    assert!(
        ran.err
            .contains("/album.torrent cannot be used: not a torrent file"),
        "{}",
        ran.err
    );
}

#[test]
fn without_progress_it_gives_up_and_says_why() {
    let sandbox = album("http://127.0.0.1:1/announce");
    let ran = sandbox.expect(
        5,
        "download album.torrent -d got --json --bind 127.0.0.1 --port 0 --no-trackers --stop-timeout 1s --why",
    );
    let lines: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let error = lines.iter().find_map(|line| line.get("error")).expect("an error");
    assert_eq!(error["code"], json!("network"));
    assert!(
        error["text"].as_str().is_some_and(
            |text| text.starts_with("No progress for 1s: no peer is known, and there is no tracker")
        ),
        "{error}"
    );
    let why = lines.iter().find(|line| line["event"] == "why").expect("causes");
    let cause = &why["causes"][0];
    assert_eq!(
        (&cause["code"], &why["name"]),
        (&json!("no-trackers"), &json!("album"))
    );
    assert!(
        cause["next"].as_str().is_some_and(|next| next.contains("--peer")),
        "{why}"
    );
    assert!(
        ran.err.contains(
            "Why album:\n  1. no peer is known, and there is no tracker to ask\n     next: name a peer"
        ),
        "{}",
        ran.err
    );
    assert_eq!(
        lines.last().map(|line| (&line["event"], &line["status"])),
        Some((&json!("finished"), &json!("failed")))
    );
}

#[test]
fn a_recording_tells_afterwards_why_nothing_moved() {
    let sandbox = album("http://127.0.0.1:1/announce");
    sandbox.expect(
        5,
        "download album.torrent -d got -q --bind 127.0.0.1 --port 0 --no-trackers --stop-timeout 1s --record run.journal",
    );
    let text = sandbox.expect(0, "replay run.journal --at 900ms --why").out;
    let cause = "1. no peer is known, and there is no tracker to ask\n     next: name a peer";
    assert!(text.contains(cause), "{text}");
    let value = sandbox
        .expect(0, "replay run.journal --at 900ms --why --json")
        .json();
    assert_eq!(value["torrents"][0]["causes"][0]["code"], json!("no-trackers"));
    sandbox.expect(2, "replay run.journal --why");
}

#[test]
fn the_first_signal_stops_politely_and_the_second_at_once() {
    let tracker = LocalTracker::start();
    let sandbox = album(&tracker.udp_url());
    for (signal, port) in [("-INT", free_port()), ("-TERM", free_port())] {
        let mut running = Running::start(
            &sandbox,
            &format!("download album.torrent -d got --json --bind 127.0.0.1 --port {port}"),
        );
        running.wait_for(r#""event":"tracker""#);
        running.signal(signal);
        let ran = running.end();
        assert_eq!((ran.code, &ran.json()["status"]), (Some(130), &json!("stopped")));
        assert_eq!(
            tracker.events_of(port),
            [AnnounceEvent::Started, AnnounceEvent::Stopped]
        );
    }
    // a tracker that answered once and then never again makes the goodbye last
    let silent = sandbox.path().join("silent.torrent");
    let url = deaf_after_first_announce();
    sandbox.expect(0, &format!("create have/album -a {url} -o {}", silent.display()));
    let mut running = Running::start(
        &sandbox,
        "download silent.torrent -d got2 --json --bind 127.0.0.1 --port 0",
    );
    running.wait_for(r#""event":"tracker""#);
    running.signal("-INT");
    running.wait_for(r#""state":"stopping""#);
    let began = Instant::now();
    running.signal("-INT");
    assert_eq!(running.end().code, Some(130));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

/// An HTTP tracker that answers its first announce only.
fn deaf_after_first_announce() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let addr = listener.local_addr().expect("one");
    std::thread::spawn(move || {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            if open.is_empty() {
                let body = "d8:intervali1800e5:peers0:e";
                let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                stream.write_all(reply.as_bytes()).expect("a write");
            }
            open.push(stream);
        }
    });
    format!("http://{addr}/announce")
}

#[test]
fn a_seed_ends_at_its_limits() {
    let sandbox = album("http://127.0.0.1:1/announce");
    let flags = "--json --bind 127.0.0.1 --no-trackers --port 0";
    let ran = sandbox.expect(
        0,
        &format!("seed album.torrent -d have {flags} --seed-time 500ms"),
    );
    assert_eq!(ran.json()["status"], json!("complete"));
    let port = free_port();
    let seed = seed(&sandbox, port, "--no-trackers --seed-ratio 1");
    sandbox.expect(
        0,
        &format!("download album.torrent -d got {LOCAL} --no-trackers --port 0 --peer 127.0.0.1:{port}"),
    );
    let ended = seed.end();
    assert_eq!(
        (ended.code, &ended.json()["uploaded"]),
        (Some(0), &json!(1_000_001))
    );
}

#[test]
fn a_seed_without_data_says_so() {
    let sandbox = album("http://127.0.0.1:1/announce");
    std::fs::create_dir(sandbox.path().join("elsewhere")).expect("a folder");
    let ran = sandbox.expect(
        4,
        "seed album.torrent -d elsewhere --bind 127.0.0.1 --no-trackers --port 0 --json",
    );
    assert!(
        ran.out.contains("name the folder that holds it with -d"),
        "{}",
        ran.out
    );
    for path in ["album/a.bin", "album/b/c.bin"] {
        let length = std::fs::metadata(sandbox.path().join("have").join(path))
            .expect("a file")
            .len();
        sandbox.bytes(
            &format!("wrong/{path}"),
            &vec![1; usize::try_from(length).expect("small")],
        );
    }
    sandbox.bytes("wrong/album/empty", b"");
    let ran = sandbox.expect(
        6,
        "seed album.torrent -d wrong --bind 127.0.0.1 --no-trackers --port 0",
    );
    assert!(ran.err.contains("matches in no piece"), "{}", ran.err);
}

#[test]
fn files_of_others_are_not_written_to_unless_asked() {
    let sandbox = album("http://127.0.0.1:1/announce");
    let port = free_port();
    let _seed = seed(&sandbox, port, "--no-trackers");
    let mine = vec![7; 700_001];
    let path = sandbox.bytes("got/album/a.bin", &mine);
    let flags = format!("-d got {LOCAL} --no-trackers --port 0 --peer 127.0.0.1:{port}");
    let ran = sandbox.expect(4, &format!("download album.torrent {flags}"));
    assert!(ran.err.contains("--overwrite"), "{}", ran.err);
    assert!(std::fs::read(&path).expect("a file") == mine, "it was touched");
    sandbox.expect(0, &format!("download album.torrent --overwrite {flags}"));
    assert_downloaded(&sandbox, "got");
}

#[test]
fn verify_names_what_is_bad_and_what_is_missing() {
    let sandbox = album("http://127.0.0.1:1/announce");
    let good = sandbox.expect(0, "verify album.torrent -d have --json").json();
    let fields = [
        ("complete", json!(true)),
        ("pieces_ok", json!(31)),
        ("bytes", json!(1_000_001)),
    ];
    for (field, value) in fields {
        assert_eq!(good[field], value, "{field}");
    }
    assert!(
        good["seconds"].is_number() && good["pieces_bad"] == json!([]) && good["pieces_missing"] == json!([])
    );
    let path = sandbox.path().join("have/album/a.bin");
    let mut bytes = std::fs::read(&path).expect("a file");
    bytes[100_000] ^= 1;
    std::fs::write(&path, bytes).expect("a write");
    let bad = sandbox.expect(6, "verify album.torrent -d have --json").json();
    assert_eq!(
        (&bad["pieces_bad"], &bad["complete"]),
        (&json!([3]), &json!(false))
    );
    assert_eq!(bad["files_bad"], json!(["album/a.bin"]));
    std::fs::remove_file(&path).expect("a file");
    let text = sandbox.expect(6, "verify album.torrent -d have").out;
    assert!(text.contains("missing pieces (22): 0-21"), "{text}");
    assert!(text.contains("missing or too short: album/a.bin"), "{text}");
    assert!(!sandbox.path().join("state").exists(), "checking saves nothing");
}
