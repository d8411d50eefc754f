//! What goes wrong around a download: a seeder that lies, a disk that fills up, a file that is in the way.

mod crash;
mod drive;
mod gone;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::rig::{Client, Content, Options, Process, Rig, Scheme, events, finished, wait_until};

const LIMIT: Duration = Duration::from_secs(120);
const STOP_LIMIT: Duration = Duration::from_secs(8);
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

/// Fills a small disk in the middle of a download and makes room again once the program has said so. `then` gets the
/// first run and ends it; a second one, if need be, goes on. Skipped without root, who alone can mount the disk.
#[track_caller]
fn with_a_full_disk(then: fn(&mut Process)) {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can mount the small disk");
        return;
    }
    let length = 12 << 20;
    let rig = Rig::new(Content::file("payload.bin", length, 65536), Scheme::Udp);
    let seeder = rig.seeder(Client::Libtorrent, Options::default());
    let disk = SmallDisk::mount(rig.folder("disk"), 16);
    let ballast = disk.path.join("ballast");
    std::fs::write(&ballast, vec![1; 10 << 20]).expect("room for the ballast");

    let mut ours = rig.ours("download", &disk.path, &["--stop-timeout", "120"]);
    wait_until("a word about the full disk", LIMIT, || {
        events(&ours)
            .iter()
            .any(|event| event["event"] == "storage_failed")
    });
    std::fs::remove_file(&ballast).expect("our own file");
    then(&mut ours);

    if !rig.content.differences(&disk.path).is_empty() {
        let before = seeder.uploaded();
        let mut ours = rig.ours("download", &disk.path, GIVE_UP);
        assert_eq!(ours.exit_code(LIMIT), 0);
        let again = seeder.uploaded() - before;
        assert!(
            again < length as u64 - (2 << 20),
            "what was written was not kept: {again} bytes fetched"
        );
    }
    rig.assert_content(&disk.path);
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker, and root for a small disk"]
fn a_full_disk_is_named_and_the_download_goes_on_by_itself_when_there_is_room() {
    with_a_full_disk(|ours| assert_eq!(ours.exit_code(LIMIT), 0));
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker, and root for a small disk"]
fn a_download_that_was_stopped_on_a_full_disk_goes_on_when_there_is_room() {
    with_a_full_disk(|ours| {
        ours.interrupt();
        // storage had failed: that is what a script has to know, not who ended it
        assert_eq!(ours.exit_code(STOP_LIMIT), 4);
    });
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

/// A tmpfs of its own, unmounted at the end.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    fn mount(path: PathBuf, mebibytes: u32) -> Self {
        let size = format!("size={mebibytes}m");
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&path));
        Self { path }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(&self.path);
    }
}

/// Lazily: a program that still has a file open is ended a moment later.
fn unmount(path: &Path) {
    let _ = Command::new("umount").arg("--lazy").arg(path).status();
}

#[track_caller]
fn run(command: &mut Command) {
    let status = command.status().expect("a program that every Debian has");
    assert!(status.success(), "{command:?}: {status}");
}
