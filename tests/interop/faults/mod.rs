//! What goes wrong around a download: a seeder that lies, a file that is in the way; and what has a file of its own here.

mod canary;
mod crash;
mod descriptors;
mod disk_full;
mod drive;
mod gone;

use std::time::Duration;

use seedbed_engine::rng::Rng;

use crate::rig::{Client, Content, Options, Rig, Scheme, events, finished};

const LIMIT: Duration = Duration::from_secs(120);
const GIVE_UP: &[&str] = &["--stop-timeout", "30"];

#[test]
#[ignore = "interop: needs aria2, Transmission, libtorrent and opentracker"]
fn a_liar_is_banned_and_the_file_is_right() {
    let rig = Rig::new(Content::file("payload.bin", 8_000_001, 65536), Scheme::Udp);
    // The honest ones are slow, so that the liar is asked for plenty.
    let slow = Options {
        upload_rate_max: Some(1 << 20),
        ..Options::default()
    };
    let _honest = [
        rig.seeder(Client::Aria2, slow),
        rig.seeder(Client::Transmission, slow),
    ];
    let liar = rig.liar(Client::Libtorrent);
    let data = rig.folder("ours");
    let mut ours = rig.ours("download", &data, GIVE_UP);
    assert_eq!(ours.exit_code(LIMIT), 0);
    rig.assert_content(&data);

    let banned: Vec<_> = events(&ours)
        .into_iter()
        .filter(|event| event["event"] == "banned")
        .collect();
    assert_eq!(banned.len(), 1, "the liar and nobody else is banned: {banned:?}");
    assert_eq!(banned[0]["address"], liar.address.to_string());
    // At most two pieces that fail, and what else of the liar's was on its way.
    let wasted = finished(&ours)["wasted"].as_u64().expect("a count");
    assert!((65536..2 << 20).contains(&wasted), "{wasted} bytes wasted");
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn a_file_that_is_something_else_is_refused_and_left_alone() {
    let rig = Rig::new(Content::file("payload.bin", 1_000_001, 65536), Scheme::Http);
    let _seeder = rig.seeder(Client::Libtorrent, Options::default());
    let data = rig.folder("ours");
    let file = data.join("payload.bin");
    // Longer than the torrent says: no part of this download.
    let other = tests::payload(99, 2_000_000);
    std::fs::write(&file, &other).expect("a file");
    let mut ours = rig.ours("download", &data, GIVE_UP);
    let code = ours.exit_code(LIMIT);
    assert!(![0, 130, -1].contains(&code), "exit code {code}");
    assert!(
        std::fs::read(&file).expect("the file") == other,
        "the file was changed"
    );
}

/// A number from the environment.
fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => otherwise,
    }
}

/// Choices that a number repeats.
fn rng(seed: u64) -> Rng {
    Rng::from_seed(std::array::from_fn(|n| seed.to_le_bytes()[n % 8]))
}
