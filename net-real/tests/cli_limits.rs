//! Rate limits of the program over real sockets on loopback.

mod support;

use seedbed_engine::rng::Rng;
use std::time::{Duration, Instant};
use support::Sandbox;
use support::running::{LOCAL, free_port, seed};

/// A torrent of one file of so many bytes, whose data is in `have`.
fn content(bytes: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    let mut data = vec![0; bytes];
    Rng::from_seed([7; 32]).fill(&mut data);
    sandbox.bytes("have/album", &data);
    sandbox.expect(
        0,
        "create have/album -o album.torrent --piece-length 64KiB --no-date",
    );
    sandbox
}

/// A download's time is as the limit says, within 5 %. What is read is a little more than the content.
fn check(limit_of: &str, flags: &str) {
    const BYTES: usize = 3_000_000;
    const RATE: usize = 600_000;
    let sandbox = content(BYTES);
    let (seed_port, port) = (free_port(), free_port());
    let (up, down) = match limit_of {
        "seed" => (flags, ""),
        _ => ("", flags),
    };
    let seed = seed(&sandbox, seed_port, up);
    let began = Instant::now();
    let ran = sandbox.expect(
        0,
        &format!(
            "download album.torrent -d got --json {LOCAL} --no-trackers --port {port} --peer 127.0.0.1:{seed_port} {down}"
        ),
    );
    let finished = ran.json();
    let seconds = finished["seconds"].as_f64().expect("seconds");
    assert!(began.elapsed() >= Duration::from_secs_f64(seconds));
    let received = &finished["received"];
    let bytes = received["useful"].as_f64().expect("bytes") + received["protocol"].as_f64().expect("bytes");
    let rate = bytes / seconds;
    let limit = RATE as f64;
    assert!(
        rate < limit * 1.05 && rate > limit * 0.9,
        "{limit_of}: {bytes} bytes in {seconds} s"
    );
    seed.signal("-INT");
    seed.end();
}

#[test]
fn a_download_is_as_fast_as_its_limit() {
    check("download", "--limit-down 600k");
}

#[test]
fn a_seed_sends_as_fast_as_its_limit() {
    check("seed", "--limit-up 600kB/s");
}
