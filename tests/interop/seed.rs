//! `seedbed seed` to real leechers. They are there first: Transmission ignores loopback peers that a tracker names, so
//! the seed has to connect to it.

use std::time::Duration;

use crate::download::folder;
use crate::rig::{Client, Content, Rig, Scheme};

const LIMIT: Duration = Duration::from_secs(60);
/// Ctrl-C ends the program gracefully within 5 s.
const STOP_LIMIT: Duration = Duration::from_secs(8);

#[track_caller]
fn check(content: fn() -> Content, leechers: &[Client]) {
    check_with(content, leechers, &[]);
}

#[track_caller]
fn check_with(content: fn() -> Content, leechers: &[Client], flags: &[&str]) {
    for scheme in [Scheme::Http, Scheme::Udp] {
        let rig = Rig::new(content(), scheme);
        let peers: Vec<_> = leechers.iter().map(|client| rig.leecher(*client)).collect();
        rig.tracker.wait_for(0, peers.len(), LIMIT);
        let data = rig.folder("ours");
        rig.content.write_to(&data);
        let mut ours = rig.ours("seed", &data, flags);
        for peer in &peers {
            rig.wait_for_content(peer, LIMIT);
        }
        ours.interrupt();
        assert_eq!(ours.exit_code(STOP_LIMIT), 130, "{scheme:?}");
        rig.assert_content(&data);
    }
}

#[test]
#[ignore = "interop: needs aria2 and opentracker"]
fn a_file_to_aria2() {
    check(
        || Content::file("payload.bin", 5_000_001, 65536),
        &[Client::Aria2],
    );
}

#[test]
#[ignore = "interop: needs Transmission and opentracker"]
fn a_file_to_transmission() {
    check(
        || Content::file("payload.bin", 5_000_001, 65536),
        &[Client::Transmission],
    );
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn a_file_to_libtorrent() {
    check(
        || Content::file("payload.bin", 5_000_001, 65536),
        &[Client::Libtorrent],
    );
}

/// One piece at a time (BEP 16), to one leecher and to three that pass pieces on.
#[test]
#[ignore = "interop: needs aria2, Transmission, libtorrent and opentracker"]
fn a_super_seed_to_each_and_to_all_three() {
    let content = || Content::file("payload.bin", 2_000_001, 65536);
    for client in Client::ALL {
        check_with(content, &[client], &["--super-seed"]);
    }
    check_with(content, &Client::ALL, &["--super-seed"]);
}

#[test]
#[ignore = "interop: needs aria2, Transmission, libtorrent and opentracker"]
fn a_folder_to_all_three_at_once() {
    check(folder, &Client::ALL);
}

#[test]
#[ignore = "interop: needs aria2, libtorrent and opentracker"]
fn to_a_leecher_that_comes_later() {
    for client in [Client::Aria2, Client::Libtorrent] {
        let rig = Rig::new(folder(), Scheme::Udp);
        let data = rig.folder("ours");
        rig.content.write_to(&data);
        let _ours = rig.ours("seed", &data, &[]);
        rig.tracker.wait_for(1, 0, LIMIT);
        let peer = rig.leecher(client);
        rig.wait_for_content(&peer, LIMIT);
    }
}

#[test]
#[ignore = "interop: needs opentracker"]
fn a_seed_that_stops_says_so_to_the_tracker() {
    for scheme in [Scheme::Http, Scheme::Udp] {
        let rig = Rig::new(folder(), scheme);
        let data = rig.folder("ours");
        rig.content.write_to(&data);
        let mut ours = rig.ours("seed", &data, &[]);
        rig.tracker.wait_for(1, 0, LIMIT);
        ours.interrupt();
        assert_eq!(ours.exit_code(STOP_LIMIT), 130, "{scheme:?}");
        let left = rig.tracker.swarm().expect("an answer");
        assert_eq!((left.seeds, left.leechers), (0, 0), "{scheme:?}");
    }
}
