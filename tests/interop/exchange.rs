//! Peer exchange (BEP 11) with real clients: a seed that only they know is found through them.

use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use crate::rig::{Client, Content, Options, Rig, Scheme, finished, network, wait_until};

const LIMIT: Duration = Duration::from_secs(120);

/// From our start to everything at one that we told of a seed. From us alone it would take five minutes.
const FOUND_LIMIT: Duration = Duration::from_secs(60);

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
    // its first message, at our handshake, is to name the seed: the next one takes longer than the download
    wait_until("the seed's first bytes at the hub", LIMIT, || {
        holds_bytes(&hub.data.join(rig.content.name))
    });
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

/// Whether any byte of a file was written.
fn holds_bytes(file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    file.metadata().is_ok_and(|data| data.blocks() > 0)
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

#[test]
#[ignore = "interop: needs Transmission, aria2 and opentracker"]
fn a_seed_is_found_through_transmission() {
    assert_eq!(met(content(), Client::Aria2, Client::Transmission), 2);
}

/// One that knows nobody, and is dialled by us alone, hears from us of a seed that we are fetching from. We give it too
/// little for it to be complete without. What it says meanwhile, and where the seed is.
fn told_by_us(client: Client) -> (String, String) {
    let rig = Rig::new(content(), Scheme::Http);
    let seed = rig.seeder(Client::Aria2, Options::default());
    let hermit = rig.hermit(client);
    wait_until("the hermit's listening", LIMIT, || {
        TcpStream::connect((hermit.address, hermit.port)).is_ok()
    });
    let data = rig.folder("ours");
    let peers = [&seed, &hermit].map(|peer| format!("{}:{}", peer.address, peer.port));
    let flags = [
        "--no-trackers",
        "--peer-exchange",
        "--peer",
        &peers[0],
        "--peer",
        &peers[1],
        "--limit-down",
        "50KB",
        "--limit-up",
        "10KB",
    ];
    let _ours = rig.ours("download", &data, &flags);
    rig.wait_for_content(&hermit, FOUND_LIMIT);
    let [seed, _] = peers;
    (hermit.process.out(), seed)
}

#[test]
#[ignore = "interop: needs libtorrent, aria2 and opentracker"]
fn libtorrent_finds_a_seed_through_us() {
    let (said, seed) = told_by_us(Client::Libtorrent);
    assert!(said.contains(&seed), "{said}");
}

/// It dials no loopback address that is named to it.
#[test]
#[ignore = "interop: needs Transmission, aria2 and opentracker, and root"]
fn transmission_finds_a_seed_through_us() {
    let name = "exchange::transmission_finds_a_seed_through_us";
    network::in_its_own(name, || {
        told_by_us(Client::Transmission);
    });
}
