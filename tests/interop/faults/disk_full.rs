//! A disk that fills up, and is freed: it is named, and the download goes on by itself.
//!
//! What takes the room is there before the start, or grows in the middle, at another moment each time; and it is
//! removed, or only made smaller, once the program has said that the disk is full.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use seedbed_engine::rng::Rng;

use super::drive::{Drive, may_mount};
use super::number;
use crate::rig::{Client, Content, Options, Process, Rig, Scheme, events, wait_until};

const LENGTH: usize = 12 << 20;
const PIECE: usize = 64 << 10;
const DISK_MIB: u32 = 16;
/// Three seconds for everything, so that there is a middle.
const RATE_MAX: u32 = 4 << 20;
const LIMIT: Duration = Duration::from_secs(120);
const STOP_LIMIT: Duration = Duration::from_secs(8);
const ROUNDS: u64 = 1;

/// What takes the room.
struct Ballast {
    path: PathBuf,
}

impl Ballast {
    fn new(disk: &Path, length: usize) -> Self {
        let ballast = Self {
            path: disk.join("ballast"),
        };
        std::fs::write(&ballast.path, vec![1; length]).expect("room for the ballast");
        ballast
    }

    /// Takes all the room that there is.
    fn grow(&self) {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.path)
            .expect("a file");
        while file.write_all(&[1; 4096]).is_ok() {}
    }

    fn shrink(&self) {
        File::create(&self.path)
            .and_then(|file| file.set_len(0))
            .expect("our own file");
    }

    fn remove(&self) {
        std::fs::remove_file(&self.path).expect("our own file");
    }
}

/// A disk and a seeder for it.
struct Scene {
    rig: Rig,
    seeder: crate::rig::Peer,
    disk: Drive,
}

impl Scene {
    fn new() -> Self {
        let rig = Rig::new(Content::file("payload.bin", LENGTH, PIECE), Scheme::Udp);
        let options = Options {
            upload_rate_max: Some(RATE_MAX),
            ..Options::default()
        };
        let seeder = rig.seeder(Client::Libtorrent, options);
        let disk = Drive::new(rig.folder("device"), rig.folder("disk"), DISK_MIB);
        Self { rig, seeder, disk }
    }
}

#[track_caller]
fn wait_until_full(ours: &Process) {
    wait_until("a word about the full disk", LIMIT, || {
        events(ours)
            .iter()
            .any(|event| event["event"] == "storage_failed")
    });
}

/// One download over a disk that fills up when `rng` says so.
fn round(rng: &mut Rng) -> Result<(), String> {
    let Scene { rig, seeder, disk } = Scene::new();
    let early = rng.chance(1, 2);
    let room = 1 + rng.below(LENGTH as u32 - (2 << 20)) as usize;
    let ballast = Ballast::new(
        &disk.path,
        if early {
            (DISK_MIB as usize * (1 << 20)) - room
        } else {
            0
        },
    );
    let mut ours = rig.ours("download", &disk.path, &["--stop-timeout", "120"]);
    if !early {
        let file = disk.path.join("payload.bin");
        wait_until("the moment", LIMIT, || {
            file.metadata()
                .is_ok_and(|data| data.blocks() * 512 >= room as u64)
        });
        ballast.grow();
    }
    wait_until_full(&ours);
    let removed = rng.chance(1, 2);
    if removed {
        ballast.remove();
    } else {
        ballast.shrink();
    }
    let code = ours.exit_code(LIMIT);
    let sent = seeder.uploaded_in_the_end();
    println!(
        "{} after {room} bytes, {}: exit code {code}, {} KiB fetched again",
        if early {
            "full from the start"
        } else {
            "full in the middle"
        },
        if removed { "freed" } else { "made smaller" },
        sent.saturating_sub(LENGTH as u64) >> 10
    );
    let differences = rig.content.differences(&disk.path);
    if code == 0 && differences.is_empty() {
        Ok(())
    } else {
        Err(format!("exit code {code}, {differences:?}"))
    }
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker, and root for a small disk"]
fn a_full_disk_is_named_and_the_download_goes_on_by_itself_when_there_is_room() {
    if !may_mount() {
        return;
    }
    let rounds = number("SEEDBED_DISK_FULL", ROUNDS);
    let seed = number("SEEDBED_DISK_FULL_SEED", u64::from(std::process::id()));
    println!("SEEDBED_DISK_FULL_SEED={seed}");
    let mut rng = super::rng(seed);
    let wrong: Vec<String> = (0..rounds).filter_map(|_| round(&mut rng).err()).collect();
    println!(
        "{} of {rounds} downloads over a full disk ended right without a restart",
        rounds - wrong.len() as u64
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker, and root for a small disk"]
fn a_download_that_was_stopped_on_a_full_disk_goes_on_when_there_is_room() {
    if !may_mount() {
        return;
    }
    let Scene { rig, seeder, disk } = Scene::new();
    let ballast = Ballast::new(&disk.path, 10 << 20);
    let mut ours = rig.ours("download", &disk.path, &["--stop-timeout", "120"]);
    wait_until_full(&ours);
    ballast.remove();
    ours.interrupt();
    // storage had failed: that is what a script has to know, not who ended it
    assert_eq!(ours.exit_code(STOP_LIMIT), 4);

    let before = seeder.uploaded_in_the_end();
    let mut ours = rig.ours("download", &disk.path, &["--stop-timeout", "30"]);
    assert_eq!(ours.exit_code(LIMIT), 0);
    let again = seeder.uploaded_in_the_end() - before;
    assert!(
        again < LENGTH as u64 - (2 << 20),
        "what was written was not kept: {again} bytes fetched"
    );
    rig.assert_content(&disk.path);
}
