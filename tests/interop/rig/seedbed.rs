//! Our own program, started from the target folder as a user would start it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Process, Rig, clients, ours};

impl Rig {
    /// Starts `seedbed <subcommand> <torrent> -d <data>` with `more` arguments. Its results are lines of JSON.
    ///
    /// Every run of one rig has the same state folder, so that a second run continues the first.
    pub(crate) fn ours(&self, subcommand: &str, data: &Path, more: &[&str]) -> Process {
        self.ours_from(subcommand, self.torrent.as_os_str(), data, more)
    }

    /// The same for another source than the .torrent file.
    pub(crate) fn ours_from(&self, subcommand: &str, source: &OsStr, data: &Path, more: &[&str]) -> Process {
        self.start_ours(subcommand, self.command(subcommand, source, data, more))
    }

    /// A download from a .torrent file, by another command that starts the given one.
    pub(crate) fn ours_by(
        &self,
        source: &OsStr,
        data: &Path,
        more: &[&str],
        by: impl FnOnce(Command) -> Command,
    ) -> Process {
        self.start_ours("download", by(self.command("download", source, data, more)))
    }

    fn command(&self, subcommand: &str, source: &OsStr, data: &Path, more: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .arg(subcommand)
            .arg(source)
            .arg("-d")
            .arg(data)
            .arg("--json");
        command.args(["--port", &clients::free_port(ours()).to_string()]);
        if !more.contains(&"--bind") {
            command.args(["--bind", &ours().to_string()]);
        }
        command.arg("--no-lsd");
        // a client must not hear of another by a way that its test is not about
        if !more.contains(&"--peer-exchange") {
            command.arg("--no-pex");
        }
        command.args(more.iter().filter(|flag| **flag != "--peer-exchange"));
        command.env("SEEDBED_STATE_DIR", self.folder("seedbed-state"));
        command
    }

    fn start_ours(&self, subcommand: &str, command: Command) -> Process {
        // Output files of an earlier run stay.
        let run = std::fs::read_dir(self.folder("logs")).map_or(0, Iterator::count);
        Process::start(
            &format!("seedbed {subcommand}"),
            command,
            self.folder("logs").join(run.to_string()),
        )
    }
}

/// The lines of standard output. A line that is not JSON is a failure.
pub(crate) fn events(process: &Process) -> Vec<Value> {
    let out = process.out();
    // The last line may be half written while the program runs.
    let whole = &out[..out.rfind('\n').map_or(0, |end| end + 1)];
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}"));
    whole.lines().map(parse).collect()
}

/// The last line of a `download` that has ended by itself.
#[track_caller]
pub(crate) fn finished(process: &Process) -> Value {
    let last = events(process).pop().unwrap_or_default();
    assert_eq!(
        last["event"], "finished",
        "the last line of standard output: {last}"
    );
    last
}

/// The newest `target/{release,debug}/seedbed` beside this test's own executable.
pub(crate) fn binary() -> PathBuf {
    let own = std::env::current_exe().expect("a running test has a file");
    // target/debug/deps/interop-…
    let target = own.ancestors().nth(3).expect("the target folder");
    let built = ["release", "debug"].map(|profile| target.join(profile).join("seedbed"));
    let newest = built
        .into_iter()
        .filter(|path| path.is_file())
        .max_by_key(|path| {
            let time = path.metadata().and_then(|data| data.modified());
            time.unwrap_or(std::time::UNIX_EPOCH)
        });
    newest.unwrap_or_else(|| {
        panic!(
            "no seedbed below {}: `cargo build --release` first",
            target.display()
        )
    })
}
