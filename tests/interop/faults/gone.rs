//! The folder goes away under us: removed, moved, replaced by a link, a drive that is unmounted or read-only.
//!
//! In every case it is told, nothing is made in its place, nothing is reported as complete that is not there, and a
//! folder that comes back is gone on with, without a restart where the program still runs.

use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::drive::{Drive, listing, may_mount};
use crate::rig::{Client, Content, Options, Peer, Process, Rig, Scheme, events, finished, wait_until};

const LENGTH: usize = 16 << 20;
const PIECE: usize = 64 << 10;
/// Five seconds for everything: what goes wrong is seen at the end.
const FAST: u32 = 3 << 20;
/// Sixteen seconds: it is seen before.
const SLOW: u32 = 1 << 20;
/// Storage is looked at every ten seconds while something is written.
const NOTICED_WITHIN: Duration = Duration::from_secs(20);
/// It is tried again every thirty seconds.
const HEALED_WITHIN: Duration = Duration::from_secs(70);
const STOP_LIMIT: Duration = Duration::from_secs(8);
const STORAGE: i32 = 4;

/// A slow seeder and the folder that is downloaded to.
struct Scene {
    rig: Rig,
    seeder: Peer,
}

impl Scene {
    fn new(rate_max: u32) -> Self {
        let rig = Rig::new(Content::file("payload.bin", LENGTH, PIECE), Scheme::Udp);
        let options = Options {
            upload_rate_max: Some(rate_max),
            ..Options::default()
        };
        let seeder = rig.seeder(Client::Libtorrent, options);
        Self { rig, seeder }
    }

    /// Our program, with a third of the file on the disk.
    #[track_caller]
    fn a_third(&self, data: &Path) -> Process {
        let ours = self.rig.ours("download", data, &[]);
        let file = data.join("payload.bin");
        wait_until("a third of the file", NOTICED_WITHIN, || {
            file.metadata()
                .is_ok_and(|data| data.blocks() * 512 > LENGTH as u64 / 3)
        });
        ours
    }

    fn drive(&self) -> Drive {
        Drive::new(self.rig.folder("device"), self.rig.folder("mnt"), 24)
    }

    /// The same command again, of which storage is missing: that is told, nothing is made, and it ends with that.
    #[track_caller]
    fn assert_missing_at_the_start(&self, data: &Path) {
        let state = listing(&self.rig.folder("seedbed-state"));
        let mut ours = self.rig.ours("download", data, &[]);
        wait_for_failures(&ours, 1);
        assert_told(&ours, "nothing of payload.bin is there");
        ours.interrupt();
        assert_eq!(ours.exit_code(STOP_LIMIT), STORAGE);
        assert_eq!(finished(&ours)["status"], "failed");
        assert_eq!(listing(&self.rig.folder("seedbed-state")), state);
    }
}

fn failures(ours: &Process) -> Vec<Value> {
    let mut events = events(ours);
    events.retain(|event| event["event"] == "storage_failed");
    events
}

#[track_caller]
fn wait_for_failures(ours: &Process, count: usize) {
    let what = format!("{count} words about storage");
    wait_until(&what, HEALED_WITHIN, || failures(ours).len() >= count);
}

#[track_caller]
fn assert_told(ours: &Process, words: &str) {
    let told = failures(ours);
    assert!(
        told.iter()
            .any(|event| event["text"].as_str().is_some_and(|text| text.contains(words))),
        "{told:?}"
    );
}

fn assert_incomplete(ours: &Process) {
    let complete = events(ours).iter().any(|event| event["event"] == "completed");
    assert!(!complete, "{:?}", events(ours).last());
}

fn canary(rig: &Rig) -> (PathBuf, Vec<(PathBuf, String)>) {
    let canary = rig.folder("canary");
    std::fs::write(canary.join("payload.bin"), b"precious").expect("a file");
    let there = listing(&canary);
    (canary, there)
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn a_folder_that_is_removed_is_not_made_again() {
    let scene = Scene::new(FAST);
    let data = scene.rig.folder("ours");
    let mut ours = scene.a_third(&data);
    std::fs::remove_dir_all(&data).expect("our own folder");
    // what it writes goes into a file that nobody will find
    assert_eq!(ours.exit_code(NOTICED_WITHIN), STORAGE);
    assert_eq!(finished(&ours)["status"], "failed");
    assert!(!data.exists(), "{:?}", listing(&data));
    scene.assert_missing_at_the_start(&data);
    assert!(!data.exists(), "{:?}", listing(&data));

    let mut ours = scene.rig.ours("download", &data, &["--overwrite"]);
    assert_eq!(ours.exit_code(HEALED_WITHIN), 0);
    scene.rig.assert_content(&data);
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn a_link_in_the_place_of_the_folder_is_not_written_through() {
    let scene = Scene::new(SLOW);
    let (canary, there) = canary(&scene.rig);
    let data = scene.rig.folder("ours");
    let aside = data.with_file_name("aside");
    let mut ours = scene.a_third(&data);
    std::fs::rename(&data, &aside).expect("our own folder");
    symlink(&canary, &data).expect("a link");
    // twice: it is tried again with the link still there
    wait_for_failures(&ours, 2);
    assert_incomplete(&ours);
    assert_eq!(listing(&canary), there);

    std::fs::remove_file(&data).expect("our own link");
    std::fs::rename(&aside, &data).expect("our own folder");
    assert_eq!(ours.exit_code(HEALED_WITHIN), 0);
    scene.rig.assert_content(&data);
    assert_eq!(listing(&canary), there);
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker, and root for a drive"]
fn a_drive_that_is_unmounted_while_downloading_is_missing_until_it_is_back() {
    if !may_mount() {
        return;
    }
    let scene = Scene::new(SLOW);
    let drive = scene.drive();
    let mut ours = scene.a_third(&drive.path);
    drive.disconnect();
    wait_for_failures(&ours, 2);
    assert_incomplete(&ours);
    assert_eq!(listing(&drive.path), [], "on the bare mount point");
    drive.connect();
    assert_eq!(ours.exit_code(HEALED_WITHIN), 0);
    scene.rig.assert_content(&drive.path);
    assert_eq!(finished(&ours)["status"], "complete");
    let sent = scene.seeder.uploaded_in_the_end();
    assert!(
        sent < 2 * LENGTH as u64,
        "{sent} bytes: what was there was not kept"
    );
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker, and root for a drive"]
fn a_drive_that_is_not_mounted_at_the_next_start_is_missing() {
    if !may_mount() {
        return;
    }
    let scene = Scene::new(FAST);
    let drive = scene.drive();
    let mut ours = scene.a_third(&drive.path);
    ours.interrupt();
    assert_eq!(ours.exit_code(STOP_LIMIT), 130);
    drive.disconnect();
    scene.assert_missing_at_the_start(&drive.path);
    assert_eq!(listing(&drive.path), [], "on the bare mount point");

    drive.connect();
    let before = scene.seeder.uploaded_in_the_end();
    let mut ours = scene.rig.ours("download", &drive.path, &[]);
    assert_eq!(ours.exit_code(HEALED_WITHIN), 0);
    scene.rig.assert_content(&drive.path);
    let sent = scene.seeder.uploaded_in_the_end() - before;
    assert!(
        sent < LENGTH as u64 * 3 / 4,
        "{sent} bytes: what was there was not kept"
    );

    // a complete one is missing too, and neither complete nor nothing
    drive.disconnect();
    scene.assert_missing_at_the_start(&drive.path);
    let mut ours = scene.rig.ours("seed", &drive.path, &[]);
    assert_eq!(ours.exit_code(NOTICED_WITHIN), STORAGE);
    assert_eq!(listing(&drive.path), [], "on the bare mount point");
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker, and root for a drive"]
fn a_drive_that_is_unmounted_while_seeding_is_told_and_nothing_wrong_is_sent() {
    if !may_mount() {
        return;
    }
    let scene = Scene::new(FAST);
    let drive = scene.drive();
    scene.rig.content.write_to(&drive.path);
    let Scene { rig, seeder } = scene;
    drop(seeder);
    let mut ours = rig.ours("seed", &drive.path, &["--limit-up", "3M"]);
    wait_until("our seeding", NOTICED_WITHIN, || {
        events(&ours).iter().any(|event| event["state"] == "seeding")
    });
    let leecher = rig.leecher(Client::Libtorrent);
    let file = leecher.data.join("payload.bin");
    wait_until("a third of the file", NOTICED_WITHIN, || {
        file.metadata()
            .is_ok_and(|data| data.blocks() * 512 > LENGTH as u64 / 3)
    });
    drive.disconnect();
    std::thread::sleep(Duration::from_secs(10));
    assert!(!leecher.process.out().contains("hash_failed_alert"));
    assert_eq!(listing(&drive.path), [], "on the bare mount point");
    ours.interrupt();
    assert_eq!(ours.exit_code(STOP_LIMIT), STORAGE);
    assert_told(&ours, "another folder is there now");
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker, and root for a drive"]
fn a_folder_that_is_read_only_is_told_and_gone_on_with_when_it_is_not() {
    if !may_mount() {
        return;
    }
    let scene = Scene::new(FAST);
    let drive = scene.drive();
    let mut ours = scene.a_third(&drive.path);
    ours.interrupt();
    assert_eq!(ours.exit_code(STOP_LIMIT), 130);
    drive.read_only(true);
    let there = listing(&drive.path);
    let mut ours = scene.rig.ours("download", &drive.path, &[]);
    wait_for_failures(&ours, 1);
    assert_told(&ours, "Read-only file system");
    assert_eq!(listing(&drive.path), there);
    drive.read_only(false);
    assert_eq!(ours.exit_code(HEALED_WITHIN), 0);
    scene.rig.assert_content(&drive.path);
}
