//! Recordings as their users see them: what is told of a sound one, a damaged one and one that was cut.

mod support;

use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use support::Sandbox;
use support::running::{LOCAL, album, free_port, seed, wait_until};
use support::tracker::LocalTracker;

/// A recorded session of the project's own.
fn session(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/journals");
    std::fs::read(folder.join(name).with_extension("journal")).expect("a journal")
}

#[test]
fn a_sound_journal_matches() {
    let sandbox = Sandbox::new();
    sandbox.bytes("run.journal", &session("nobody-there"));
    let ran = sandbox.expect(0, "replay run.journal --json");
    assert_eq!(ran.json()["first_mismatch"], Value::Null);
    assert_eq!(ran.json()["matched"], ran.json()["steps"]);
    let info = sandbox.expect(0, "journal info run.journal --json").json();
    assert_eq!(
        (info["what"].as_str(), info["redacted"].as_bool()),
        (Some("download"), Some(false))
    );
    let timeline = sandbox.expect(0, "replay run.journal --timeline").out;
    assert!(
        timeline.contains("announce started") && timeline.contains("is 127.0.0.2:9"),
        "{timeline}"
    );
    let why = sandbox.expect(0, "replay run.journal --at 2s --why").out;
    assert!(why.contains("connection refused"), "{why}");
    let peer = sandbox
        .expect(0, "replay run.journal --explain peer:127.0.0.2:9")
        .out;
    assert!(peer.contains("connection refused"), "{peer}");
    sandbox.expect(2, "replay run.journal --explain nobody");
    sandbox.expect(0, "replay run.journal --html page.html");
    assert!(sandbox.path().join("page.html").is_file());
    sandbox.expect(4, "replay run.journal --html missing/page.html");
}

#[test]
fn what_is_wrong_with_a_journal_is_said() {
    let sandbox = Sandbox::new();
    let whole = session("nobody-there");
    sandbox.bytes("cut.journal", &whole[..whole.len() - 40]);
    let cut = sandbox.expect(6, "replay cut.journal").out;
    assert!(cut.contains("the end is missing"), "{cut}");
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    sandbox.bytes("changed.journal", &changed);
    let error = sandbox.expect(3, "replay changed.journal").err;
    assert!(error.contains("damaged"), "{error}");
    let mut other = whole;
    other[8] = 99;
    sandbox.bytes("other.journal", &other);
    let error = sandbox.expect(3, "replay other.journal").err;
    assert!(error.contains("format version 99"), "{error}");
    sandbox.bytes("none.journal", b"d8:announce0:e");
    assert!(
        sandbox
            .expect(3, "replay none.journal")
            .err
            .contains("not a journal")
    );
    sandbox.expect(3, "replay missing.journal");
}

#[test]
fn a_journal_becomes_a_shared_short_test() {
    let sandbox = Sandbox::new();
    sandbox.bytes("run.journal", &session("liar-is-banned"));
    std::fs::create_dir(sandbox.path().join("kept")).expect("a folder");
    let refused = sandbox.expect(3, "journal to-test run.journal --dir kept").err;
    assert!(refused.contains("redact it first"), "{refused}");
    sandbox.expect(0, "journal redact run.journal shared.journal");
    sandbox.expect(4, "journal redact run.journal shared.journal");
    let short = sandbox
        .expect(
            0,
            "journal shrink shared.journal short.journal --until ban --json",
        )
        .json();
    let left = short["left"].as_u64().expect("a count");
    assert!(left < 30, "{short}");
    sandbox.expect(
        6,
        "journal shrink shared.journal none.journal --until disk-failure",
    );
    sandbox.expect(0, "journal to-test short.journal --dir kept");
    sandbox.expect(0, "replay kept/short.journal");
    let timeline = std::fs::read_to_string(sandbox.path().join("kept/short.timeline")).expect("it");
    assert!(timeline.contains("ban p"), "{timeline}");
}

#[test]
fn a_recording_is_its_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::new();
    sandbox.file("thing.bin", 50_000);
    sandbox.expect(0, "create thing.bin -o thing.torrent --piece-length 16KiB");
    let path = sandbox.bytes("run.journal", b"an old file that others may read");
    let args = "download thing.torrent -d out --port 0 --bind 127.0.0.1 --stop-timeout 1 --no-trackers --record run.journal";
    sandbox.expect(5, args);
    let mode = path.metadata().expect("the journal").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    sandbox.expect(0, "replay run.journal");
    let refused = sandbox
        .expect(4, &args.replace("run.journal", "missing/run.journal"))
        .err;
    assert!(refused.contains("cannot be written"), "{refused}");
}

#[test]
fn the_last_minutes_are_written_when_they_are_asked_for_and_when_a_run_fails() {
    let tracker = LocalTracker::start();
    let sandbox = album(&tracker.http_url("/announce"));
    let last = sandbox.path().join("last.journal");
    let port = free_port();
    let seed = seed(&sandbox, port, "--record last.journal --record-last 1s");
    let args = format!("download album.torrent {LOCAL} --port 0 --peer 127.0.0.1:{port} --no-trackers");
    sandbox.expect(0, &format!("{args} -d got"));
    // the seed's ring turned at least once by now
    std::thread::sleep(Duration::from_millis(2_200));
    sandbox.expect(
        0,
        &format!("{args} -d again --record done.journal --record-last 1h"),
    );
    assert!(
        !sandbox.path().join("done.journal").exists(),
        "nothing failed and nobody asked"
    );
    assert!(!last.exists());
    std::thread::sleep(Duration::from_millis(1_100));
    seed.signal("-USR1");
    wait_until(|| last.exists());
    let info = sandbox.expect(0, "journal info last.journal --json").json();
    assert_eq!((&info["resumed"], &info["whole"]), (&json!(true), &json!(true)));
    assert_eq!(info["torrents"][0]["name"], json!("album"));
    sandbox.expect(0, "replay last.journal");
    let timeline = sandbox.expect(0, "replay last.journal --timeline").out;
    assert!(
        timeline.contains("handshake"),
        "the second download is in it: {timeline}"
    );
    let refused = sandbox
        .expect(3, "journal redact last.journal shared.journal")
        .err;
    assert!(refused.contains("record from the beginning"), "{refused}");
    seed.signal("-INT");
    assert_eq!(seed.end().code, Some(130));

    let args = args.replace("--stop-timeout 20", "--stop-timeout 1");
    let ran = sandbox.expect(
        5,
        &format!("{args} -d none --record failed.journal --record-last 10m"),
    );
    assert!(ran.err.contains("Recorded"), "{}", ran.err);
    sandbox.expect(0, "replay failed.journal");
    sandbox.expect(2, &format!("{args} --record-last 10m"));
}
