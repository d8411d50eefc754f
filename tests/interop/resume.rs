//! A download that was ended and is started again with the same command goes on where it was.
//!
//! What was fetched twice is counted by the other side: libtorrent says how many bytes it sent in both runs.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use crate::rig::{Client, Content, Options, Process, Rig, Scheme, finished, wait_until};

const LENGTH: usize = 24 << 20;
const PIECE: usize = 256 << 10;
/// About six seconds for everything.
const RATE_MAX: u32 = 4 << 20;
const LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(8);

/// A download that is ended by `end` after a third; then it is finished. Returns the bytes sent more than once.
#[track_caller]
fn sent_twice(end: fn(&mut Process)) -> u64 {
    let rig = Rig::new(Content::file("payload.bin", LENGTH, PIECE), Scheme::Udp);
    let seeder = rig.seeder(
        Client::Libtorrent,
        Options {
            upload_rate_max: Some(RATE_MAX),
            ..Options::default()
        },
    );
    let data = rig.folder("ours");
    let file = data.join("payload.bin");
    let mut ours = rig.ours("download", &data, &["--stop-timeout", "30"]);
    wait_until("a third of the file", LIMIT, || {
        on_disk(&file) > LENGTH as u64 / 3
    });
    end(&mut ours);
    assert!(
        !rig.content.differences(&data).is_empty(),
        "ended too late for this test"
    );
    let before = seeder.uploaded_in_the_end();

    let mut ours = rig.ours("download", &data, &["--stop-timeout", "30"]);
    assert_eq!(ours.exit_code(LIMIT), 0);
    rig.assert_content(&data);
    assert_eq!(finished(&ours)["status"], "complete");
    let sent = seeder.uploaded_in_the_end();
    assert!(
        sent - before < LENGTH as u64 * 3 / 4,
        "started again from nothing: {} bytes",
        sent - before
    );
    sent.saturating_sub(LENGTH as u64)
}

/// Bytes of a file that take room, holes left out.
fn on_disk(path: &Path) -> u64 {
    path.metadata().map_or(0, |data| data.blocks() * 512)
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn after_ctrl_c() {
    let twice = sent_twice(|ours| {
        ours.interrupt();
        assert_eq!(ours.exit_code(STOP_LIMIT), 130);
    });
    // What was on its way when the program stopped asking, and pieces that were not whole.
    assert!(twice < 3 << 20, "{twice} bytes were sent twice");
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn after_kill_9() {
    let twice = sent_twice(Process::kill);
    assert!(twice < 4 << 20, "{twice} bytes were sent twice");
}
