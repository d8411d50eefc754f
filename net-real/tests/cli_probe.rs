//! `seedbed probe` over real sockets on loopback.

mod support;

use seedbed_sim::tracker::AnnounceEvent;
use serde_json::{Value, json};
use support::running::{album, free_port, seed};
use support::tracker::LocalTracker;

#[test]
fn a_probed_tracker_shows_its_timeline_and_what_it_said() {
    let tracker = LocalTracker::start();
    let sandbox = album("http://127.0.0.1:1/announce");
    for url in [
        tracker.udp_url(),
        tracker.http_url("/SECRETSECRETSECRET/announce"),
    ] {
        let ran = sandbox.expect(
            0,
            &format!("probe tracker {url} album.torrent --bind 127.0.0.1 -vvv"),
        );
        assert!(ran.out.contains("seeders 0, leechers 1"), "{}", ran.out);
        assert!(ran.out.contains("interval 1800 s"), "{}", ran.out);
        assert!(ran.out.starts_with("    0.0"), "a timeline first: {}", ran.out);
        assert!(
            !ran.out.contains("SECRETSECRET") && !ran.err.contains("SECRETSECRET"),
            "{}{}",
            ran.out,
            ran.err
        );
        let json = sandbox
            .expect(
                0,
                &format!("probe tracker {url} album.torrent --bind 127.0.0.1 --json"),
            )
            .json();
        let fields = [
            "url",
            "ok",
            "seeders",
            "leechers",
            "completed",
            "interval",
            "min_interval",
            "warning",
            "failure",
            "peers",
            "attempts",
            "seconds",
        ];
        for field in fields {
            assert!(json.get(field).is_some(), "{field}");
        }
        let scraped = sandbox.expect(
            0,
            &format!("probe tracker {url} album.torrent --bind 127.0.0.1 --scrape --json"),
        );
        assert_eq!(scraped.json()["completed"], json!(0));
    }
    let events: Vec<AnnounceEvent> = tracker
        .announces()
        .iter()
        .map(|announce| announce.event)
        .collect();
    assert_eq!(events[..2], [AnnounceEvent::Started, AnnounceEvent::Stopped]);
    assert!(
        tracker
            .announces()
            .iter()
            .all(|announce| announce.left == 1_000_001)
    );
}

#[test]
fn a_probe_that_fails_says_why() {
    let tracker = LocalTracker::start();
    tracker.with(|tracker| tracker.fail_with(Some("go away".into())));
    let sandbox = album("http://127.0.0.1:1/announce");
    for url in [tracker.udp_url(), tracker.http_url("/announce")] {
        let ran = sandbox.expect(5, &format!("probe tracker {url} album.torrent --bind 127.0.0.1"));
        assert!(
            ran.out.contains("failure: ") && ran.out.contains("go away"),
            "{}",
            ran.out
        );
    }
    let port = free_port();
    let json = sandbox
        .expect(
            5,
            &format!("probe tracker udp://127.0.0.1:{port} album.torrent --timeout 2s --json"),
        )
        .json();
    assert_eq!(json["ok"], json!(false));
    assert!(json["failure"].is_string(), "{json}");
    let ran = sandbox.expect(5, &format!("probe peer 127.0.0.1:{port} album.torrent --json"));
    let json = ran.json();
    assert_eq!(
        (&json["ok"], &json["verified"], &json["client"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
    assert!(
        json["failure"]
            .as_str()
            .is_some_and(|text| text.contains("refused")),
        "{json}"
    );
}

#[test]
fn a_probed_peer_gives_one_verified_piece() {
    let sandbox = album("http://127.0.0.1:1/announce");
    let port = free_port();
    let _seed = seed(&sandbox, port, "--no-trackers");
    let probe = format!("probe peer 127.0.0.1:{port} album.torrent --piece 21 -o piece.bin --bind 127.0.0.1");
    let ran = sandbox.expect(0, &probe);
    assert!(ran.out.contains("piece 21 verified"), "{}", ran.out);
    let content = ["a.bin", "b/c.bin"]
        .map(|path| std::fs::read(sandbox.path().join("have/album").join(path)).expect("a file"));
    let piece = std::fs::read(sandbox.path().join("piece.bin")).expect("the piece");
    assert!(
        piece == content.concat()[21 * 32_768..22 * 32_768],
        "the piece differs"
    );
    let json = sandbox.expect(0, &format!("{probe} --json")).json();
    let expected = [
        ("ok", json!(true)),
        ("pieces", json!(31)),
        ("verified", json!(true)),
        ("failure", Value::Null),
    ];
    for (field, value) in expected {
        assert_eq!(json[field], value, "{field}");
    }
    assert!(
        json["client"]
            .as_str()
            .is_some_and(|client| client.starts_with("seedbed ")),
        "{json}"
    );
    let left = std::fs::read_dir(sandbox.path()).expect("a listing").flatten();
    assert!(
        !left
            .into_iter()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("seedbed-"))
    );
}
