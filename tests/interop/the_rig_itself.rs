//! The rig without our program: real clients transfer to each other, so that a failure elsewhere is ours.

use std::time::Duration;

use crate::download::folder;
use crate::rig::{Client, Content, Options, Rig, Scheme, wait_until};

const LIMIT: Duration = Duration::from_secs(60);

#[test]
#[ignore = "interop: needs aria2, libtorrent and opentracker"]
fn aria2_downloads_from_libtorrent() {
    for scheme in [Scheme::Http, Scheme::Udp] {
        let rig = Rig::new(folder(), scheme);
        let _seeder = rig.seeder(Client::Libtorrent, Options::default());
        let leecher = rig.leecher(Client::Aria2);
        rig.wait_for_content(&leecher, LIMIT);
    }
}

#[test]
#[ignore = "interop: needs Transmission, libtorrent and opentracker"]
fn libtorrent_downloads_from_transmission() {
    for scheme in [Scheme::Http, Scheme::Udp] {
        let rig = Rig::new(folder(), scheme);
        let _seeder = rig.seeder(Client::Transmission, Options::default());
        let leecher = rig.leecher(Client::Libtorrent);
        rig.wait_for_content(&leecher, LIMIT);
    }
}

#[test]
#[ignore = "interop: needs aria2, libtorrent and opentracker"]
fn libtorrent_downloads_from_aria2() {
    for scheme in [Scheme::Http, Scheme::Udp] {
        let rig = Rig::new(folder(), scheme);
        let _seeder = rig.seeder(Client::Aria2, Options::default());
        let leecher = rig.leecher(Client::Libtorrent);
        rig.wait_for_content(&leecher, LIMIT);
    }
}

#[test]
#[ignore = "interop: needs Transmission, libtorrent and opentracker"]
fn transmission_downloads_from_a_seed_that_connects_to_it() {
    for scheme in [Scheme::Http, Scheme::Udp] {
        let rig = Rig::new(folder(), scheme);
        let leecher = rig.leecher(Client::Transmission);
        rig.tracker.wait_for(0, 1, LIMIT);
        let _seeder = rig.seeder(Client::Libtorrent, Options::default());
        rig.wait_for_content(&leecher, LIMIT);
    }
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn a_liar_serves_wrong_bytes() {
    let rig = Rig::new(Content::file("payload.bin", 3_000_001, 65536), Scheme::Http);
    let _liar = rig.liar(Client::Libtorrent);
    let leecher = rig.leecher(Client::Libtorrent);
    wait_until("a piece that fails its hash", LIMIT, || {
        leecher.process.out().contains("hash_failed_alert")
    });
}

#[test]
#[ignore = "interop: needs libtorrent, aria2 and opentracker"]
fn an_upload_limit_holds_and_is_counted() {
    let content = Content::file("payload.bin", 1 << 22, 65536);
    let rig = Rig::new(content, Scheme::Http);
    let limit = Options {
        upload_rate_max: Some(1 << 20),
        ..Options::default()
    };
    let seeder = rig.seeder(Client::Libtorrent, limit);
    let start = std::time::Instant::now();
    let leecher = rig.leecher(Client::Aria2);
    rig.wait_for_content(&leecher, LIMIT);
    assert!(
        start.elapsed() > Duration::from_secs(2),
        "4 MiB at 1 MiB/s took {:?}",
        start.elapsed()
    );
    wait_until("the count of what went out", LIMIT, || {
        seeder.uploaded() >= 1 << 22
    });
}
