//! Magnet links with real clients: their metadata for us, ours for them. What arrives is compared by SHA-256.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::download::folder;
use crate::rig::{Client, Content, Options, Rig, Scheme, binary, finished, wait_until};

const LIMIT: Duration = Duration::from_secs(120);
const GIVE_UP: &[&str] = &["--stop-timeout", "60"];
/// From a client's start to everything that it fetched by a link.
const LINK_LIMIT: Duration = Duration::from_secs(90);

/// An info dictionary of more than two pieces of metadata: 2,000 hashes.
fn file() -> Content {
    Content::file("payload.bin", 2_000 * 16_384 - 7, 16_384)
}

/// Downloads by a link whose tracker knows these seeders.
#[track_caller]
fn check(content: fn() -> Content, seeders: &[Client]) {
    let rig = Rig::new(content(), Scheme::Http);
    let _peers: Vec<_> = seeders
        .iter()
        .map(|client| rig.seeder(*client, Options::default()))
        .collect();
    let data = rig.folder("ours");
    let mut ours = rig.ours_from("download", OsStr::new(&rig.link(&[])), &data, GIVE_UP);
    assert_eq!(ours.exit_code(LIMIT), 0);
    rig.assert_content(&data);
    let last = finished(&ours);
    assert_eq!(last["status"], "complete", "{last}");
    assert_eq!(last["name"], rig.content.name, "{last}");
    assert_eq!(last["total_length"], rig.content.length(), "{last}");
}

#[test]
#[ignore = "interop: needs aria2 and opentracker"]
fn by_link_from_aria2() {
    check(file, &[Client::Aria2]);
}

#[test]
#[ignore = "interop: needs Transmission and opentracker"]
fn by_link_from_transmission() {
    check(file, &[Client::Transmission]);
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn by_link_from_libtorrent() {
    check(file, &[Client::Libtorrent]);
}

#[test]
#[ignore = "interop: needs aria2, Transmission, libtorrent and opentracker"]
fn a_folder_by_link_from_all_three_at_once() {
    check(folder, &Client::ALL);
}

/// From our handshake, which goes out as soon as a connection is there, over the metadata to the block: by the recording's
/// clock.
#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn the_first_block_comes_within_a_second_of_the_connection() {
    let rig = Rig::new(file(), Scheme::Http);
    let peer = rig.seeder(Client::Libtorrent, Options::default());
    let data = rig.folder("ours");
    let link = rig.link(&[&peer]);
    let journal = rig.folder("kept").join("j");
    let mut more = GIVE_UP.to_vec();
    more.extend([
        "--no-trackers",
        "--record",
        journal.to_str().expect("a folder of ours"),
    ]);
    let mut ours = rig.ours_from("download", OsStr::new(&link), &data, &more);
    assert_eq!(ours.exit_code(LIMIT), 0);
    rig.assert_content(&data);
    let timeline = timeline(&journal);
    let first = |what: &str| {
        let line = timeline.lines().find(|line| line.contains(what));
        let line = line.unwrap_or_else(|| panic!("no {what:?} in\n{timeline}"));
        let time = line
            .split_whitespace()
            .next()
            .expect("a line begins with its time");
        time.parse::<f64>().expect("seconds")
    };
    let (connected, metadata, block) = (first("handshake"), first("metadata is here"), first(" piece "));
    println!(
        "metadata after {:.3} s, the first block after {:.3} s",
        metadata - connected,
        block - connected
    );
    assert!(connected <= metadata && metadata <= block, "{timeline}");
    assert!(block - connected < 1.0, "{timeline}");
}

/// What a recording tells, a line an event.
fn timeline(journal: &Path) -> String {
    let output = Command::new(binary())
        .arg("replay")
        .arg(journal)
        .arg("--timeline")
        .output();
    let output = output.expect("our own program");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn the_metadata_alone_is_the_torrent_file() {
    let rig = Rig::new(folder(), Scheme::Http);
    let _peer = rig.seeder(Client::Libtorrent, Options::default());
    let data = rig.folder("ours");
    let out = data.join("fetched.torrent");
    let more = ["--metadata-only", "-o", out.to_str().expect("UTF-8")];
    let mut ours = rig.ours_from("download", OsStr::new(&rig.link(&[])), &data, &more);
    assert_eq!(ours.exit_code(LIMIT), 0);
    let read = |path| seedbed_engine::metainfo::Metainfo::parse(&std::fs::read(path).expect("a file"));
    let (fetched, original) = (
        read(&out).expect("a torrent"),
        read(&rig.torrent).expect("a torrent"),
    );
    assert_eq!(fetched.info_bytes, original.info_bytes);
    assert_eq!(fetched.trackers, original.trackers);
    assert_eq!(
        std::fs::read_dir(&data).expect("a folder").count(),
        1,
        "nothing else was made"
    );
}

/// A second run has the metadata, and needs nobody for data that is whole.
#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn a_link_that_was_fetched_starts_offline() {
    let rig = Rig::new(folder(), Scheme::Http);
    let data = rig.folder("ours");
    {
        let _peer = rig.seeder(Client::Libtorrent, Options::default());
        let mut ours = rig.ours_from("download", OsStr::new(&rig.link(&[])), &data, GIVE_UP);
        assert_eq!(ours.exit_code(LIMIT), 0);
    }
    let link = rig.link(&[]);
    let more = ["--no-trackers", "--stop-timeout", "5"];
    let mut again = rig.ours_from("download", OsStr::new(&link), &data, &more);
    assert_eq!(again.exit_code(LIMIT), 0);
    assert_eq!(finished(&again)["downloaded"], 0);
}

/// They know nothing but the link; we have everything.
#[test]
#[ignore = "interop: needs aria2, libtorrent and opentracker"]
fn our_metadata_for_others() {
    for client in [Client::Aria2, Client::Libtorrent] {
        let rig = Rig::new(file(), Scheme::Http);
        let data = rig.folder("ours");
        rig.content.write_to(&data);
        let _ours = rig.ours("seed", &data, &[]);
        rig.tracker.wait_for(1, 0, LIMIT);
        let peer = rig.leecher_by_link(client);
        rig.wait_for_content(&peer, LINK_LIMIT);
    }
}

/// It dials no loopback address that a tracker gives it, so it is there first and we dial it. With the metadata it hangs
/// up, leaves the tracker for a moment and begins anew. We dial an address that gave and took no block after two minutes;
/// another run dials at once.
#[test]
#[ignore = "interop: needs Transmission and opentracker"]
fn our_metadata_for_transmission() {
    let rig = Rig::new(file(), Scheme::Http);
    let data = rig.folder("ours");
    rig.content.write_to(&data);
    let peer = rig.leecher_by_link(Client::Transmission);
    rig.tracker.wait_for(0, 1, LIMIT);
    {
        let _ours = rig.ours("seed", &data, &[]);
        // by its own name, no longer the link's
        let again = format!("{} Announcing", rig.content.name);
        wait_until("the metadata at Transmission", LINK_LIMIT, || {
            peer.process.err().contains(&again)
        });
    }
    let address = format!("{}:{}", peer.address, peer.port);
    let _ours = rig.ours("seed", &data, &["--peer", &address]);
    rig.wait_for_content(&peer, LINK_LIMIT);
}
