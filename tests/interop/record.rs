//! Recorded runs against real clients: a large one that has to replay, what recording costs, and the small ones that
//! are kept in `tests/data/journals` (`just journals` records them anew).

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

use crate::rig::{
    Client, Content, Options, Process, Rig, Scheme, binary, finished, free_port, ours as our_address,
    wait_until,
};

const LIMIT: Duration = Duration::from_secs(180);
const STOP_LIMIT: Duration = Duration::from_secs(8);

/// Bytes of journal that a downloaded GiB may take.
const JOURNAL_MAX: u64 = 2 << 20;

/// Runs our program to its end.
#[track_caller]
fn seedbed(args: &[&str]) -> Output {
    let output = Command::new(binary()).args(args).output();
    output.expect("our own program")
}

/// What `replay --json` says of a journal. The exit code has to fit.
#[track_caller]
fn replay(journal: &Path) -> Value {
    let output = seedbed(&["replay", "--json", path(journal)]);
    let text = String::from_utf8_lossy(&output.stdout);
    let value: Value = serde_json::from_str(text.trim()).expect("a line of JSON");
    assert_eq!(output.status.code(), Some(0), "{value}");
    assert_eq!(value["first_mismatch"], Value::Null);
    assert_eq!(value["matched"], value["steps"]);
    value
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a folder of ours")
}

/// A GiB from three clients of which one dies in the middle: every step replays, and the journal is small.
#[test]
#[ignore = "interop: needs aria2, Transmission, libtorrent and opentracker"]
fn a_gibibyte_from_all_three_replays() {
    let rig = Rig::new(Content::file("payload.bin", 1 << 30, 1 << 20), Scheme::Udp);
    // so slow that there is a middle
    let slow = Options {
        upload_rate_max: Some(48 << 20),
        ..Options::default()
    };
    let mut peers: Vec<_> = Client::ALL
        .iter()
        .map(|client| rig.seeder(*client, slow))
        .collect();
    let data = rig.folder("ours");
    let journal =
        std::env::var_os("SEEDBED_KEEP_JOURNAL").map_or_else(|| rig.folder("kept").join("j"), PathBuf::from);
    let mut ours = rig.ours(
        "download",
        &data,
        &["--record", path(&journal), "--stop-timeout", "60"],
    );
    wait_until("the middle", LIMIT, || {
        progress(&ours) > rig.content.length() as u64 / 3
    });
    peers[0].process.kill();
    assert_eq!(ours.exit_code(LIMIT), 0);
    rig.assert_content(&data);
    assert_eq!(finished(&ours)["status"], "complete");
    assert!(
        finished(&ours)["peers_seen"].as_u64() >= Some(3),
        "{}",
        finished(&ours)
    );
    let length = journal.metadata().expect("the journal").len();
    let replayed = replay(&journal);
    println!(
        "{length} bytes of journal, {} steps, all replayed",
        replayed["steps"]
    );
    assert!(length <= JOURNAL_MAX, "{length} bytes");
}

/// Bytes done, of the newest line of progress.
fn progress(ours: &Process) -> u64 {
    let lines = crate::rig::events(ours);
    let done = lines.iter().rev().find_map(|line| line["done"].as_u64());
    done.unwrap_or(0)
}

/// Ten pairs of downloads, with and without a recording, in turn: prints the CPU time of each and the median ratio.
#[test]
#[ignore = "interop: needs libtorrent and opentracker, and a quiet machine"]
fn what_recording_costs() {
    let rig = Rig::new(Content::file("payload.bin", 1 << 30, 1 << 20), Scheme::Udp);
    // one seeder: with several, who happens to serve how much costs more than any recording
    let seeder = rig.seeder(Client::Libtorrent, Options::default());
    let peer = format!("{}:{}", seeder.address, seeder.port);
    let run = |n: usize, record: bool| {
        let data = rig.folder(&format!("ours-{n}-{record}"));
        let journal = data.join("j");
        let mut args = vec![
            "-c",
            "TIMEFORMAT='%U %S'; time \"$0\" \"$@\" >/dev/null 2>/dev/null",
        ];
        let (own, port, bind) = (
            binary(),
            free_port(our_address()).to_string(),
            our_address().to_string(),
        );
        args.extend([
            path(&own),
            "download",
            path(&rig.torrent),
            "-d",
            path(&data),
            "-q",
        ]);
        args.extend(["--bind", &bind, "--port", &port, "--stop-timeout", "60"]);
        args.extend(["--no-trackers", "--peer", &peer]);
        if record {
            args.extend(["--record", path(&journal)]);
        }
        let state = data.join("state");
        let output = Command::new("bash")
            .args(&args)
            .env("SEEDBED_STATE_DIR", state)
            .output();
        let output = output.expect("bash");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        std::fs::remove_dir_all(&data).expect("our own folder");
        let seconds = text
            .split_whitespace()
            .map(|part| part.parse::<f64>().expect("seconds"));
        seconds.sum::<f64>()
    };
    let mut ratios = Vec::new();
    for n in 0..10 {
        // which one is first changes with every pair
        let (with, without) = if n % 2 == 0 {
            let with = run(n, true);
            (with, run(n, false))
        } else {
            let without = run(n, false);
            (run(n, true), without)
        };
        println!("pair {n}: {with:.2} s with, {without:.2} s without");
        ratios.push(with / without);
    }
    ratios.sort_by(f64::total_cmp);
    let median = (ratios[4] + ratios[5]) / 2.0;
    println!(
        "recording costs {:.1} % of CPU time in the median of ten pairs",
        (median - 1.0) * 100.0
    );
    assert!(median <= 1.05, "{median:.3}");
}

/// A session that is kept: what it is called, and how it is recorded.
type Session = (&'static str, fn(&Path));

/// Twenty sessions that differ in roles, faults and torrents.
const SESSIONS: [Session; 22] = [
    ("download-aria2-http", |j| {
        download(j, file, Scheme::Http, &[Client::Aria2]);
    }),
    ("download-transmission-http", |j| {
        download(j, file, Scheme::Http, &[Client::Transmission]);
    }),
    ("download-libtorrent-http", |j| {
        download(j, file, Scheme::Http, &[Client::Libtorrent]);
    }),
    ("download-aria2-udp", |j| {
        download(j, folder, Scheme::Udp, &[Client::Aria2]);
    }),
    ("download-transmission-udp", |j| {
        download(j, folder, Scheme::Udp, &[Client::Transmission]);
    }),
    ("download-libtorrent-udp", |j| {
        download(j, folder, Scheme::Udp, &[Client::Libtorrent]);
    }),
    ("download-all-three", |j| {
        download(j, file, Scheme::Udp, &Client::ALL);
    }),
    ("download-all-three-folder", |j| {
        download(j, folder, Scheme::Http, &Client::ALL);
    }),
    ("seed-to-aria2", |j| seed(j, file, Scheme::Http, &[Client::Aria2])),
    ("seed-to-transmission", |j| {
        seed(j, file, Scheme::Udp, &[Client::Transmission]);
    }),
    ("seed-to-libtorrent", |j| {
        seed(j, file, Scheme::Udp, &[Client::Libtorrent]);
    }),
    ("seed-to-all-three", |j| {
        seed(j, folder, Scheme::Udp, &Client::ALL);
    }),
    ("liar-is-banned", liar),
    ("seeder-is-killed", killed),
    ("resumed", resumed),
    ("interrupted", interrupted),
    ("file-in-the-way", in_the_way),
    ("nobody-there", nobody),
    ("probe-peer-libtorrent", |j| probe_peer(j, Client::Libtorrent)),
    ("probe-peer-aria2", |j| probe_peer(j, Client::Aria2)),
    ("probe-tracker-udp", |j| probe_tracker(j, Scheme::Udp)),
    ("probe-tracker-http", |j| probe_tracker(j, Scheme::Http)),
];

/// Records all of them into the folder that `SEEDBED_JOURNALS` names; without it, into one that is thrown away.
#[test]
#[ignore = "interop: needs aria2, Transmission, libtorrent and opentracker"]
fn sessions_are_recorded_and_replay() {
    let temporary = tests::temp_dir();
    let into =
        std::env::var_os("SEEDBED_JOURNALS").map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    std::fs::create_dir_all(&into).expect("a folder");
    let only = std::env::var("SEEDBED_SESSION").unwrap_or_default();
    for (name, record) in SESSIONS.iter().filter(|(name, _)| name.contains(&only)) {
        let journal = into.join(format!("{name}.journal"));
        record(&journal);
        let replayed = replay(&journal);
        let length = journal.metadata().expect("the journal").len();
        println!("{name}: {} steps, {length} bytes", replayed["steps"]);
    }
}

fn file() -> Content {
    Content::file("secret-holiday.bin", 700_001, 16384)
}

fn folder() -> Content {
    let files = [
        ("empty-first", 0),
        ("confidential-one", 1),
        ("deep/er/still/block", 16384),
        ("straße/ключ 鍵.bin", 300_001),
        ("empty-last", 0),
    ];
    Content::folder("private things", &files, 32768)
}

/// Arguments of a recorded run.
fn recorded<'a>(journal: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["--record", path(journal)];
    args.extend(more);
    args
}

#[track_caller]
fn download(journal: &Path, content: fn() -> Content, scheme: Scheme, seeders: &[Client]) {
    let rig = Rig::new(content(), scheme);
    let peers = seeders
        .iter()
        .map(|client| rig.seeder(*client, Options::default()));
    let _peers: Vec<_> = peers.collect();
    let data = rig.folder("ours");
    let mut ours = rig.ours("download", &data, &recorded(journal, &["--stop-timeout", "60"]));
    assert_eq!(ours.exit_code(LIMIT), 0);
    rig.assert_content(&data);
}

#[track_caller]
fn seed(journal: &Path, content: fn() -> Content, scheme: Scheme, leechers: &[Client]) {
    let rig = Rig::new(content(), scheme);
    let peers: Vec<_> = leechers.iter().map(|client| rig.leecher(*client)).collect();
    rig.tracker.wait_for(0, peers.len(), LIMIT);
    let data = rig.folder("ours");
    rig.content.write_to(&data);
    let mut ours = rig.ours("seed", &data, &recorded(journal, &[]));
    for peer in &peers {
        rig.wait_for_content(peer, LIMIT);
    }
    ours.interrupt();
    assert_eq!(ours.exit_code(STOP_LIMIT), 130);
}

fn liar(journal: &Path) {
    let rig = Rig::new(Content::file("payload.bin", 2_000_001, 32768), Scheme::Udp);
    let slow = Options {
        upload_rate_max: Some(256 << 10),
        ..Options::default()
    };
    let _honest = rig.seeder(Client::Aria2, slow);
    let _liar = rig.liar(Client::Libtorrent);
    let data = rig.folder("ours");
    let mut ours = rig.ours("download", &data, &recorded(journal, &["--stop-timeout", "60"]));
    assert_eq!(ours.exit_code(LIMIT), 0);
    rig.assert_content(&data);
}

fn killed(journal: &Path) {
    let rig = Rig::new(Content::file("payload.bin", 2_000_001, 32768), Scheme::Http);
    let slow = Options {
        upload_rate_max: Some(512 << 10),
        ..Options::default()
    };
    let mut first = rig.seeder(Client::Libtorrent, slow);
    let _second = rig.seeder(Client::Aria2, slow);
    let data = rig.folder("ours");
    let mut ours = rig.ours("download", &data, &recorded(journal, &["--stop-timeout", "60"]));
    wait_until("a quarter of the file", LIMIT, || first.uploaded() > 300_000);
    first.process.kill();
    assert_eq!(ours.exit_code(LIMIT), 0);
    rig.assert_content(&data);
}

/// A slow download that is stopped in the middle.
fn stopped(rig: &Rig, args: &[&str]) {
    let data = rig.folder("ours");
    let mut ours = rig.ours("download", &data, args);
    wait_until("a part of the file", LIMIT, || progress(&ours) > 200_000);
    ours.interrupt();
    assert_eq!(ours.exit_code(STOP_LIMIT), 130);
}

fn slow_rig() -> (Rig, Options) {
    let slow = Options {
        upload_rate_max: Some(300 << 10),
        ..Options::default()
    };
    (
        Rig::new(Content::file("payload.bin", 1_500_001, 32768), Scheme::Udp),
        slow,
    )
}

fn interrupted(journal: &Path) {
    let (rig, slow) = slow_rig();
    let _seeder = rig.seeder(Client::Libtorrent, slow);
    stopped(&rig, &recorded(journal, &[]));
}

fn resumed(journal: &Path) {
    let (rig, slow) = slow_rig();
    let _seeder = rig.seeder(Client::Libtorrent, slow);
    stopped(&rig, &[]);
    let data = rig.folder("ours");
    let mut ours = rig.ours("download", &data, &recorded(journal, &["--stop-timeout", "60"]));
    assert_eq!(ours.exit_code(LIMIT), 0);
    rig.assert_content(&data);
}

fn in_the_way(journal: &Path) {
    let rig = Rig::new(file(), Scheme::Http);
    let _seeder = rig.seeder(Client::Libtorrent, Options::default());
    let data = rig.folder("ours");
    std::fs::write(data.join(rig.content.name), tests::payload(99, 900_000)).expect("a file");
    let mut ours = rig.ours("download", &data, &recorded(journal, &["--stop-timeout", "10"]));
    assert_ne!(ours.exit_code(LIMIT), 0);
}

fn nobody(journal: &Path) {
    let rig = Rig::new(file(), Scheme::Udp);
    let data = rig.folder("ours");
    let gone = format!("{}:9", our_address());
    let args = ["--stop-timeout", "3", "--peer", &gone];
    let mut ours = rig.ours("download", &data, &recorded(journal, &args));
    assert_eq!(ours.exit_code(LIMIT), 5);
}

fn probe_peer(journal: &Path, client: Client) {
    let rig = Rig::new(file(), Scheme::Http);
    let peer = rig.seeder(client, Options::default());
    let addr = format!("{}:{}", peer.address, peer.port);
    let bind = our_address().to_string();
    let output = seedbed(&[
        "probe",
        "peer",
        &addr,
        path(&rig.torrent),
        "--encryption",
        "off",
        "--piece",
        "3",
        "--bind",
        &bind,
        "--record",
        path(journal),
    ]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

fn probe_tracker(journal: &Path, scheme: Scheme) {
    let rig = Rig::new(file(), scheme);
    let _peer = rig.seeder(Client::Libtorrent, Options::default());
    let url = rig.tracker.url(scheme);
    let bind = our_address().to_string();
    let output = seedbed(&[
        "probe",
        "tracker",
        &url,
        path(&rig.torrent),
        "--bind",
        &bind,
        "--record",
        path(journal),
    ]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
