//! Some files of a torrent from real clients: the others are not made, and can be fetched later.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use crate::rig::{Client, Content, Options, Process, Rig, Scheme, finished};

const LIMIT: Duration = Duration::from_secs(120);
const GIVE_UP: &[&str] = &["--stop-timeout", "60"];

/// Both edges of the second file lie within pieces of its neighbours.
fn album() -> Content {
    let files = [("a.bin", 700_001), ("b/c.bin", 300_000), ("d.bin", 500_003)];
    Content::folder("album", &files, 65536)
}

/// The second file, and the pieces that hold any of it.
const CHOSEN: &str = "album/b/c.bin";
const CHOSEN_PIECES: u64 = 6 * 65536;

/// The second file was fetched and nothing else: what is beside it of the pieces at its edges lies in one hidden file.
#[track_caller]
fn check_chosen(rig: &Rig, data: &Path, ours: &mut Process) {
    assert_eq!(ours.exit_code(LIMIT), 0);
    assert_eq!(rig.content.differences_of(CHOSEN, data), Vec::<String>::new());
    assert_eq!(finished(ours)["received"]["useful"], CHOSEN_PIECES);
    let made: Vec<String> = names(&data.join("album"));
    let [parts, folder] = &made[..] else {
        panic!("{made:?}");
    };
    assert!(parts.starts_with('.') && parts.ends_with(".parts"), "{made:?}");
    assert_eq!(folder, "b");
    assert_eq!(names(&data.join("album/b")), ["c.bin"]);
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: std::fs::DirEntry| entry.file_name().into_string().expect("UTF-8");
    let mut names: Vec<String> = entries.map(|entry| name(entry.expect("an entry"))).collect();
    names.sort();
    names
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn a_file_then_the_rest_from_libtorrent() {
    let rig = Rig::new(album(), Scheme::Http);
    let _peer = rig.seeder(Client::Libtorrent, Options::default());
    let data = rig.folder("ours");
    let mut ours = rig.ours("download", &data, &[GIVE_UP, &["--select", "2"]].concat());
    check_chosen(&rig, &data, &mut ours);
    let mut ours = rig.ours("download", &data, &[GIVE_UP, &["--select", "1,3"]].concat());
    assert_eq!(ours.exit_code(LIMIT), 0);
    rig.assert_content(&data);
    let rest = rig.content.length() as u64 - CHOSEN_PIECES;
    assert_eq!(finished(&ours)["received"]["useful"], rest, "nothing came twice");
    assert_eq!(names(&data.join("album")), ["a.bin", "b", "d.bin"]);
}

#[test]
#[ignore = "interop: needs Transmission and opentracker"]
fn a_file_by_link_from_transmission() {
    let rig = Rig::new(album(), Scheme::Http);
    let _peer = rig.seeder(Client::Transmission, Options::default());
    let data = rig.folder("ours");
    let more = [GIVE_UP, &["--select-re", "c.bin$"]].concat();
    let mut ours = rig.ours_from("download", OsStr::new(&rig.link(&[])), &data, &more);
    check_chosen(&rig, &data, &mut ours);
}
