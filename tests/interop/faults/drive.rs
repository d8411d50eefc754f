//! Drives that a test mounts and takes away. Only root can mount; who is not is told that a test was skipped.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether this test may mount. If not, that is printed.
pub(super) fn may_mount() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: only root can mount a drive");
    }
    root
}

/// A file system of a few mebibytes and the place where it is used. All is unmounted at the end.
pub(super) struct Drive {
    /// Where the file system lives; it keeps its content while it is not connected.
    device: PathBuf,
    /// Where the user finds it.
    pub(super) path: PathBuf,
}

impl Drive {
    /// A drive that is connected at `path`, below which `device` is not.
    pub(super) fn new(device: PathBuf, path: PathBuf, mebibytes: u32) -> Self {
        let size = format!("size={mebibytes}m");
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&device));
        let drive = Self { device, path };
        drive.connect();
        drive
    }

    pub(super) fn connect(&self) {
        run(Command::new("mount")
            .arg("--bind")
            .args([&self.device, &self.path]));
    }

    /// Its path leads to the bare mount point from now on, whoever still has a file open.
    pub(super) fn disconnect(&self) {
        run(Command::new("umount").arg("--lazy").arg(&self.path));
    }

    /// Takes or gives back the right to write to the path.
    pub(super) fn read_only(&self, read_only: bool) {
        let how = if read_only {
            "remount,bind,ro"
        } else {
            "remount,bind,rw"
        };
        run(Command::new("mount").args(["-o", how]).arg(&self.path));
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        for path in [&self.path, &self.device] {
            // fails where nothing is mounted any more
            let _ = Command::new("umount").arg("--lazy").arg(path).output();
        }
    }
}

#[track_caller]
fn run(command: &mut Command) {
    let status = command.status().expect("a program that every Debian has");
    assert!(status.success(), "{command:?}: {status}");
}

/// What lies below a folder: paths with the length and the first bytes of files, and what links point at. Mounted file
/// systems are part of it.
pub(super) fn listing(folder: &Path) -> Vec<(PathBuf, String)> {
    listing_but(folder, &[])
}

/// The same without some folders in it.
pub(super) fn listing_but(folder: &Path, left_out: &[PathBuf]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if left_out.contains(&path) {
                continue;
            }
            let data = path.symlink_metadata().expect("it is there");
            let what = if data.is_dir() {
                todo.push(path.clone());
                "a folder".to_owned()
            } else if data.is_symlink() {
                format!("a link to {:?}", std::fs::read_link(&path).expect("a link"))
            } else {
                let mut first = Vec::new();
                let file = File::open(&path).expect("a file");
                file.take(16).read_to_end(&mut first).expect("its bytes");
                format!("{} bytes: {first:?}", data.len())
            };
            found.push((path, what));
        }
    }
    found.sort();
    found
}
