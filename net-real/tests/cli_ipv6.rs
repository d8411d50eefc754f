//! The program over real sockets of IPv6 on loopback.

mod support;

use std::net::TcpListener;
use support::running::{Running, album, free_port};

#[test]
fn a_download_over_ipv6() {
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6 on loopback");
        return;
    }
    let sandbox = album("http://127.0.0.1:9/announce");
    let port = free_port();
    let local = "--bind ::1 --no-trackers";
    let mut seed = Running::start(
        &sandbox,
        &format!("seed album.torrent -d have --json {local} --port {port}"),
    );
    seed.wait_for(r#""state":"seeding""#);
    let args =
        format!("download album.torrent -d got {local} --stop-timeout 20 --port 0 --peer [::1]:{port}");
    sandbox.expect(0, &args);
    let file = |dir: &str| std::fs::read(sandbox.path().join(dir).join("album/a.bin")).expect("a file");
    assert!(file("have") == file("got"));
}
