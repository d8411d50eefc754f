//! Several sources on one command line, over real sockets on loopback.

mod support;

use support::Sandbox;
use support::running::{LOCAL, free_port, seed};

/// Three torrents of a file each, whose data is in `have`, and one for all of them to seed.
fn three() -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, length) in [("a", 400_000), ("b", 300_000), ("c", 200_000)] {
        sandbox.file(&format!("have/{name}"), length);
        sandbox.expect(
            0,
            &format!("create have/{name} -o {name}.torrent --piece-length 32KiB"),
        );
    }
    std::fs::copy(
        sandbox.path().join("a.torrent"),
        sandbox.path().join("album.torrent"),
    )
    .expect("a copy");
    sandbox
}

/// The order in which torrents came into states, as `name state`.
fn states(out: &str) -> Vec<(String, String)> {
    let lines = out
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let states = lines.filter(|line| line["event"] == "state");
    states
        .map(|line| {
            let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
            (text("name"), text("state"))
        })
        .collect()
}

#[test]
fn downloads_wait_for_their_turn_in_their_order() {
    let sandbox = three();
    let (seed_port, port) = (free_port(), free_port());
    let seed = seed(&sandbox, seed_port, "b.torrent c.torrent --no-trackers");
    let ran = sandbox.expect(
        0,
        &format!(
            "download c.torrent a.torrent b.torrent -d got --json {LOCAL} --no-trackers --port {port} \
             --peer 127.0.0.1:{seed_port} --max-active 1"
        ),
    );
    for name in ["a", "b", "c"] {
        let read = |dir: &str| std::fs::read(sandbox.path().join(dir).join(name)).expect("a file");
        assert!(read("have") == read("got"), "{name} differs");
    }
    let states = states(&ran.out);
    let at = |name: &str, state: &str| {
        let found = states
            .iter()
            .position(|known| known == &(name.to_owned(), state.to_owned()));
        found.unwrap_or_else(|| panic!("{name} is never {state}: {states:?}"))
    };
    assert!(at("c", "seeding") < at("a", "downloading"), "{states:?}");
    assert!(at("a", "seeding") < at("b", "downloading"), "{states:?}");
    assert!(at("b", "queued") < at("c", "seeding"), "{states:?}");
    assert_eq!(ran.out.matches(r#""event":"finished""#).count(), 3);
    seed.signal("-INT");
    seed.end();
}

#[test]
fn one_that_fails_holds_up_nobody_and_decides_the_exit_code() {
    let sandbox = three();
    let (seed_port, port) = (free_port(), free_port());
    let seed = seed(&sandbox, seed_port, "b.torrent --no-trackers");
    // a file of somebody else stands where the first one belongs
    sandbox.bytes("got/a", &vec![0; 500_000]);
    let ran = sandbox.expect(
        4,
        &format!(
            "download a.torrent b.torrent -d got --json {LOCAL} --no-trackers --port {port} \
             --peer 127.0.0.1:{seed_port} --max-active 1"
        ),
    );
    assert!(ran.err.contains("500000 bytes"), "{}", ran.err);
    assert!(
        ran.out.contains(r#""status":"failed""#) && ran.out.contains(r#""status":"complete""#),
        "{}",
        ran.out
    );
    seed.signal("-INT");
    seed.end();
}
