//! Hostile names and planted links: nothing outside the output folder is made, changed or removed.
//!
//! Each torrent of the corpus that can be read is downloaded for a moment, in a folder with canary files around it. Its
//! trackers are real hosts, so none is asked, and every socket is bound to a loopback address besides.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::drive::{listing, listing_but};
use crate::rig::{Client, Content, Options, Process, Rig, Scheme, binary, events, wait_until};

/// From the start to the files' being made.
const LIMIT: Duration = Duration::from_secs(60);
/// The two codes of a torrent that is refused, and of storage that is: too large, or names that the system refuses.
const REFUSED: [i32; 2] = [3, 4];

/// A folder in a folder in a folder, with something precious in each that a `..` could reach.
struct Surroundings {
    folder: tempfile::TempDir,
}

impl Surroundings {
    fn new() -> Self {
        let folder = tests::temp_dir();
        for place in ["", "a", "a/b", "a/b/home", "a/b/out"] {
            let place = folder.path().join(place);
            std::fs::create_dir_all(&place).expect("a folder");
            for name in ["canary", "passwd", "evil", "test", ".bashrc"] {
                std::fs::write(place.join(name), b"precious").expect("a file");
            }
        }
        let surroundings = Self { folder };
        std::fs::remove_dir_all(surroundings.out()).expect("our own folder");
        surroundings
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("a/b/out")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Everything but the output folder and what the program keeps.
    fn outside(&self) -> Vec<(PathBuf, String)> {
        listing_but(self.folder.path(), &[self.out(), self.state()])
    }

    /// Downloads for a moment. Returns the exit code, or that it was going on.
    fn download(&self, torrent: &Path) -> Option<i32> {
        let mut command = Command::new(binary());
        command.arg("download").arg(torrent).args(["-d", "out", "--json"]);
        command.args([
            "--no-trackers",
            "--no-lsd",
            "--no-pex",
            "--bind",
            "127.0.0.2",
            "--port",
            "0",
        ]);
        command
            .current_dir(self.folder.path().join("a/b"))
            .env("HOME", self.folder.path().join("a/b/home"))
            .env("SEEDBED_STATE_DIR", self.state());
        let log = tests::temp_dir();
        let mut ours = Process::start("seedbed download", command, log.path().join("log"));
        let at_work = |ours: &Process| events(ours).iter().any(|event| event["state"] == "downloading");
        wait_until("the files", LIMIT, || ours.ended().is_some() || at_work(&ours));
        let code = ours.ended().map(|status| status.code().unwrap_or(-1));
        if code.is_none() {
            ours.kill();
        }
        code
    }
}

#[test]
#[ignore = "interop: needs the corpus and the program"]
fn no_torrent_of_the_corpus_leads_out_of_its_folder() {
    let Some(corpus) = tests::corpus::root() else {
        return;
    };
    let mut torrents: Vec<PathBuf> = std::fs::read_dir(corpus.join("torrents/files"))
        .expect("the corpus has torrents")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    torrents.sort();
    let surroundings = Surroundings::new();
    let before = surroundings.outside();
    let (mut made, mut refused) = (0, 0);
    for torrent in &torrents {
        let code = surroundings.download(torrent);
        assert_eq!(surroundings.outside(), before, "{}", torrent.display());
        match code {
            None | Some(0) => made += 1,
            Some(code) => {
                assert!(REFUSED.contains(&code), "{}: exit code {code}", torrent.display());
                refused += 1;
            }
        }
        let links = links_in(&surroundings.out());
        assert!(links.is_empty(), "{}: {links:?}", torrent.display());
        // one may not stand in the way of the next, which may be the same torrent with other names
        for kept in [surroundings.out(), surroundings.state()] {
            let _ = std::fs::remove_dir_all(kept);
        }
    }
    println!("{made} torrents were begun, {refused} refused, nothing outside was touched");
    assert!(made > 60, "{made} of {} were begun", torrents.len());
}

/// Links below a folder: a torrent makes none (BEP 47 allows them). The bytes of files are not looked at: they may be as
/// long as a disk.
fn links_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry").path();
        let kind = path.symlink_metadata().expect("it is there").file_type();
        if kind.is_symlink() {
            found.push(path);
        } else if kind.is_dir() {
            found.extend(links_in(&path));
        }
    }
    found
}

/// Whoever may write into the output folder plants a link: for a file, for a folder on the way to it, for all.
#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn planted_links_are_not_followed() {
    let files = [("deep/er/file", 300_000), ("other", 300_000)];
    let rig = Rig::new(Content::folder("a folder", &files, 65536), Scheme::Http);
    let _seeder = rig.seeder(Client::Libtorrent, Options::default());
    let canary = rig.folder("canary");
    std::fs::create_dir_all(canary.join("deep/er")).expect("a folder");
    for name in ["file", "other", "deep/file", "deep/er/file"] {
        std::fs::write(canary.join(name), b"precious").expect("a file");
    }
    let before = listing(&canary);
    let links = [
        ("a folder/other", "other"),
        ("a folder/other", "not there yet"),
        ("a folder/deep/er", "deep/er"),
        ("a folder/deep", "deep"),
        ("a folder", ""),
    ];
    for (n, (link, target)) in links.into_iter().enumerate() {
        let data = rig.folder(&format!("ours-{n}"));
        let link = data.join(link);
        std::fs::create_dir_all(link.parent().expect("a folder")).expect("a folder");
        symlink(canary.join(target), &link).expect("a link");
        let mut ours = rig.ours("download", &data, &["--overwrite", "--stop-timeout", "30"]);
        assert_eq!(ours.exit_code(LIMIT), 4, "{link:?}");
        let text = ours.out();
        assert!(
            text.contains("Too many levels of symbolic links") || text.contains("Not a directory"),
            "{text}"
        );
        assert_eq!(listing(&canary), before, "{link:?}");
        assert!(link.is_symlink(), "the link is the user's");
    }
}
