//! Downloading some files of a torrent over real sockets on loopback.

mod support;

use std::path::PathBuf;
use support::running::{LOCAL, album, free_port, seed};
use support::{Ran, Sandbox};

/// The paths below a folder, sorted.
fn paths(sandbox: &Sandbox, dir: &str) -> Vec<String> {
    let root = sandbox.path().join(dir);
    let (mut found, mut todo): (Vec<String>, Vec<PathBuf>) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                todo.push(path);
            } else {
                let path = path.strip_prefix(&root).expect("below it");
                found.push(path.to_str().expect("UTF-8").to_owned());
            }
        }
    }
    found.sort();
    found
}

fn same(sandbox: &Sandbox, path: &str) -> bool {
    let read = |dir: &str| std::fs::read(sandbox.path().join(dir).join(path)).expect("a file");
    read("have") == read("got")
}

#[test]
fn files_that_are_not_chosen_are_not_made_and_can_be_fetched_later() {
    let sandbox = album("http://127.0.0.1:1/announce");
    let (seed_port, port) = (free_port(), free_port());
    let seed = seed(&sandbox, seed_port, "--no-trackers");
    let download = |more: &str| -> Ran {
        sandbox.expect(
            0,
            &format!(
                "download album.torrent -d got --json {LOCAL} --no-trackers --port {port} \
                 --peer 127.0.0.1:{seed_port} {more}"
            ),
        )
    };
    // the first file ends within a piece of the second
    let finished = download("--select-re c.bin$").json();
    let received = finished["received"]["useful"].as_u64().expect("a number");
    assert!((300_000..400_000).contains(&received), "{finished}");
    let made = paths(&sandbox, "got");
    assert_eq!(made.len(), 2, "{made:?}");
    assert!(
        made[0].starts_with("album/.") && made[0].ends_with(".parts"),
        "{made:?}"
    );
    assert_eq!(made[1], "album/b/c.bin");
    assert!(same(&sandbox, "album/b/c.bin"));
    // the same again has nothing to do
    let finished = download("--select-re c.bin$").json();
    assert_eq!(finished["received"]["useful"], 0, "{finished}");
    // all of it: what was there is not fetched again
    let finished = download("").json();
    let rest = finished["received"]["useful"].as_u64().expect("a number");
    assert_eq!(received + rest, 1_000_001);
    assert_eq!(
        paths(&sandbox, "got"),
        ["album/a.bin", "album/b/c.bin", "album/empty"]
    );
    assert!(same(&sandbox, "album/a.bin") && same(&sandbox, "album/b/c.bin"));
    seed.signal("-INT");
    seed.end();
}

#[test]
fn a_choice_that_cannot_be_is_a_mistake_of_usage() {
    let sandbox = album("http://127.0.0.1:1/announce");
    for (flags, text) in [
        ("--select 4", "has 3 files"),
        ("--select-re nothing", "is chosen"),
        ("--select 0", "numbers from 1"),
        ("--select-re (", "unclosed group"),
    ] {
        let ran = sandbox.run(&format!("download album.torrent -d got {flags}"));
        assert_eq!(ran.code, Some(2), "{flags}: {}", ran.err);
        assert!(ran.err.contains(text), "{flags}: {}", ran.err);
    }
    assert!(!sandbox.path().join("got").exists());
}

/// The magnet link of the album, with no tracker.
fn link(sandbox: &Sandbox) -> String {
    let link = sandbox.expect(0, "magnet album.torrent").out;
    link.trim().split("&tr=").next().expect("a link").to_owned()
}

#[test]
fn files_of_a_link_are_chosen_when_its_metadata_is_here() {
    let sandbox = album("http://127.0.0.1:1/announce");
    let link = link(&sandbox);
    let seed_port = free_port();
    let seed = seed(&sandbox, seed_port, "--no-trackers");
    let download =
        format!("download {link} -d got --json {LOCAL} --no-trackers --port 0 --peer 127.0.0.1:{seed_port}");
    // too great a number shows only now
    let ran = sandbox.expect(2, &format!("{download} --select 4 --record wrong.journal"));
    assert!(ran.err.contains("has 3 files"), "{}", ran.err);
    assert_eq!(ran.json()["status"], "failed");
    let ran = sandbox.expect(2, &format!("{download} --select-re nothing"));
    assert!(ran.err.contains("is chosen"), "{}", ran.err);
    assert!(!sandbox.path().join("got").exists(), "nothing was made for it");
    let finished = sandbox
        .expect(0, &format!("{download} --select-re c.bin$ --record run.journal"))
        .json();
    let received = finished["received"]["useful"].as_u64().expect("a number");
    assert!((300_000..400_000).contains(&received), "{finished}");
    let made = paths(&sandbox, "got");
    assert_eq!(made.len(), 2, "{made:?}");
    assert!(same(&sandbox, "album/b/c.bin"));
    // again: the metadata is kept now, so it is here before anybody is connected to
    let finished = sandbox.expect(0, &format!("{download} --select 2")).json();
    assert_eq!(finished["received"]["useful"], 0, "{finished}");
    let finished = sandbox.expect(0, &download).json();
    let rest = finished["received"]["useful"].as_u64().expect("a number");
    assert_eq!(received + rest, 1_000_001);
    assert!(same(&sandbox, "album/a.bin"));
    seed.signal("-INT");
    seed.end();
    for journal in ["run.journal", "wrong.journal"] {
        let replayed = sandbox.expect(0, &format!("replay {journal} --json")).json();
        assert_eq!(replayed["matched"], replayed["steps"], "{replayed}");
    }
    let timeline = sandbox.expect(0, "replay run.journal --timeline").out;
    assert!(timeline.contains("waiting for a choice of files"), "{timeline}");
    sandbox.expect(2, &format!("{download} --metadata-only --select 1"));
}
