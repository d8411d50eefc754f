//! Peer exchange (BEP 11) with real clients: a seed that only they know is found through them.

use std::time::Duration;

use crate::rig::{Client, Content, Options, Rig, Scheme, finished};

const LIMIT: Duration = Duration::from_secs(120);

/// Slow enough that the hub is still fetching, and so still connected to the seed, when we come.
const SLOW: Options = Options {
    is_encrypted: false,
    upload_rate_max: Some(100_000),
    exchanges_peers: false,
    is_liar: false,
};

/// A seed behind a hub: we know the hub alone. How many peers we met until we were complete.
fn met(content: Content, seed: Client, hub: Client) -> u64 {
    let rig = Rig::new(content, Scheme::Http);
    // Transmission ignores loopback peers that a tracker names: it has to be there for the seed to dial it
    let hub = rig.hub(hub);
    rig.tracker.wait_for(0, 1, LIMIT);
    let _seed = rig.seeder(seed, SLOW);
    let data = rig.folder("ours");
    let peer = format!("{}:{}", hub.address, hub.port);
    let flags = [
        "--no-trackers",
        "--peer-exchange",
        "--peer",
        &peer,
        "--stop-timeout",
        "60",
    ];
    let mut ours = rig.ours("download", &data, &flags);
    assert_eq!(ours.exit_code(LIMIT), 0);
    rig.assert_content(&data);
    finished(&ours)["peers_seen"].as_u64().expect("a count")
}

fn content() -> Content {
    Content::file("payload.bin", 3_000_001, 65536)
}

#[test]
#[ignore = "interop: needs libtorrent, aria2 and opentracker"]
fn a_seed_is_found_through_libtorrent() {
    assert_eq!(met(content(), Client::Aria2, Client::Libtorrent), 2);
}

#[test]
#[ignore = "interop: needs libtorrent, aria2 and opentracker"]
fn nobody_is_found_for_a_private_torrent() {
    assert_eq!(met(content().private(), Client::Aria2, Client::Libtorrent), 1);
}
