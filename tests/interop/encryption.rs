//! Encryption that both sides require (MSE, RC4), in both directions, and what becomes of it where one side has none.

use std::time::Duration;

use crate::rig::{Client, Content, Options, Rig, Scheme, events, finished};

const LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(8);

const ENCRYPTED: Options = Options {
    exchanges_peers: false,
    upload_rate_max: None,
    is_liar: false,
    is_encrypted: true,
};

fn file() -> Content {
    Content::file("payload.bin", 5_000_001, 65536)
}

/// How the connections of a run were encrypted, each once.
fn modes(ours: &crate::rig::Process) -> Vec<String> {
    let met = events(ours)
        .into_iter()
        .filter(|event| event["event"] == "peer_connected");
    let mut modes: Vec<_> = met.map(|event| event["encryption"].to_string()).collect();
    modes.sort();
    modes.dedup();
    modes
}

#[track_caller]
fn check_download(client: Client, options: Options, policy: &str, wanted: &str) {
    let rig = Rig::new(file(), Scheme::Http);
    let _peer = rig.seeder(client, options);
    let data = rig.folder("ours");
    let mut ours = rig.ours(
        "download",
        &data,
        &["--encryption", policy, "--stop-timeout", "60"],
    );
    assert_eq!(ours.exit_code(LIMIT), 0);
    rig.assert_content(&data);
    assert_eq!(finished(&ours)["status"], "complete");
    assert_eq!(modes(&ours), [wanted]);
}

#[track_caller]
fn check_seed(client: Client, options: Options, policy: &str, wanted: &str) {
    let rig = Rig::new(file(), Scheme::Http);
    let peer = rig.leecher_with(client, options);
    rig.tracker.wait_for(0, 1, LIMIT);
    let data = rig.folder("ours");
    rig.content.write_to(&data);
    let mut ours = rig.ours("seed", &data, &["--encryption", policy]);
    rig.wait_for_content(&peer, LIMIT);
    ours.interrupt();
    assert_eq!(ours.exit_code(STOP_LIMIT), 130);
    assert_eq!(modes(&ours), [wanted]);
}

#[test]
#[ignore = "interop: needs aria2, Transmission, libtorrent and opentracker"]
fn a_download_that_both_sides_want_encrypted() {
    for client in Client::ALL {
        check_download(client, ENCRYPTED, "require", "\"rc4\"");
    }
}

#[test]
#[ignore = "interop: needs aria2, Transmission, libtorrent and opentracker"]
fn an_upload_that_both_sides_want_encrypted() {
    for client in Client::ALL {
        check_seed(client, ENCRYPTED, "require", "\"rc4\"");
    }
}

/// libtorrent without encryption ends what begins with it; it is dialled in plain then.
#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn who_has_no_encryption_is_met_in_plain() {
    check_download(Client::Libtorrent, Options::default(), "prefer", "null");
    check_seed(Client::Libtorrent, Options::default(), "prefer", "null");
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn who_has_no_encryption_is_not_met_where_it_is_required() {
    let rig = Rig::new(file(), Scheme::Http);
    let _peer = rig.seeder(Client::Libtorrent, Options::default());
    let data = rig.folder("ours");
    let mut ours = rig.ours(
        "download",
        &data,
        &["--encryption", "require", "--stop-timeout", "5"],
    );
    assert_eq!(ours.exit_code(LIMIT), 5);
    assert_eq!(modes(&ours), Vec::<String>::new());
}
