//! `seedbed download` from real seeders, found through a real tracker.

use std::time::Duration;

use crate::rig::{Client, Content, Options, Rig, Scheme, finished};

const LIMIT: Duration = Duration::from_secs(120);
const GIVE_UP: &[&str] = &["--stop-timeout", "60"];

/// Odd on purpose: the last piece is short, and so is its last block.
fn file() -> Content {
    Content::file("payload.bin", 5_000_001, 65536)
}

/// Files that end inside a piece, on its edge and beyond it; empty ones at the start, in between and at the end.
pub(crate) fn folder() -> Content {
    let files = [
        ("empty-first", 0),
        ("one", 1),
        ("deep/er/still/block", 16384),
        ("deep/er/empty", 0),
        ("piece", 65536),
        ("to-the-edge", 65536 - 16385),
        ("straße/ключ 鍵.bin", 700_001),
        ("many pieces", 2_000_003),
        ("empty-last", 0),
    ];
    Content::folder("a folder", &files, 65536)
}

/// Downloads `content()` from all `seeders` at once, with either kind of tracker.
#[track_caller]
fn check(content: fn() -> Content, seeders: &[Client]) {
    for scheme in [Scheme::Http, Scheme::Udp] {
        let rig = Rig::new(content(), scheme);
        let _peers: Vec<_> = seeders
            .iter()
            .map(|client| rig.seeder(*client, Options::default()))
            .collect();
        let data = rig.folder("ours");
        let mut ours = rig.ours("download", &data, GIVE_UP);
        assert_eq!(ours.exit_code(LIMIT), 0, "{scheme:?}");
        rig.assert_content(&data);
        let last = finished(&ours);
        assert_eq!(last["status"], "complete", "{last}");
        assert_eq!(last["total_length"], rig.content.length(), "{last}");
        assert_eq!(last["name"], rig.content.name, "{last}");
        // More than once only what the end of a download asks several peers for.
        let downloaded = last["downloaded"].as_u64().expect("a count");
        let length = rig.content.length() as u64;
        assert!(
            (length..length + length / 4).contains(&downloaded),
            "{downloaded} bytes for {length}"
        );
    }
}

#[test]
#[ignore = "interop: needs aria2 and opentracker"]
fn a_file_from_aria2() {
    check(file, &[Client::Aria2]);
}

#[test]
#[ignore = "interop: needs Transmission and opentracker"]
fn a_file_from_transmission() {
    check(file, &[Client::Transmission]);
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn a_file_from_libtorrent() {
    check(file, &[Client::Libtorrent]);
}

#[test]
#[ignore = "interop: needs aria2, Transmission, libtorrent and opentracker"]
fn a_file_from_all_three_at_once() {
    check(file, &Client::ALL);
}

#[test]
#[ignore = "interop: needs aria2, Transmission, libtorrent and opentracker"]
fn a_folder_with_empty_files_and_odd_sizes() {
    for client in Client::ALL {
        check(folder, &[client]);
    }
    check(folder, &Client::ALL);
}
