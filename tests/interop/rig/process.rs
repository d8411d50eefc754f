//! One program that a test started: its output is kept, and it ends with the value, by its own id.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How often a condition is looked at while waiting for it.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Lines of output shown for each program when a test fails.
const LINES_SHOWN: usize = 40;

/// A running program.
pub(crate) struct Process {
    name: String,
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Process {
    /// Starts `command` with its output going to `<log>.out` and `<log>.err`.
    pub(crate) fn start(name: &str, mut command: Command, log: PathBuf) -> Self {
        let (out, err) = (log.with_extension("out"), log.with_extension("err"));
        let child = command
            .stdin(Stdio::null())
            .stdout(File::create(&out).expect("a log file"))
            .stderr(File::create(&err).expect("a log file"))
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start ({error}): .ci/clients installs it"));
        Self {
            name: name.to_owned(),
            child,
            out,
            err,
        }
    }

    /// Standard output so far.
    pub(crate) fn out(&self) -> String {
        read(&self.out)
    }

    /// Standard error so far.
    pub(crate) fn err(&self) -> String {
        read(&self.err)
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("our own child");
    }

    /// `kill -9`, and the end of it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }

    /// Descriptors that the program has open now, as Linux counts them.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).map_or(0, Iterator::count)
    }

    /// The exit status, if the program has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child")
    }

    /// Waits for the program to end by itself and returns its exit code (-1: a signal ended it).
    #[track_caller]
    pub(crate) fn exit_code(&mut self, limit: Duration) -> i32 {
        let what = format!("the end of {}", self.name);
        wait_until(&what, limit, || self.ended().is_some());
        self.ended().and_then(|status| status.code()).unwrap_or(-1)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only for a program that has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            for (kind, text) in [("output", self.out()), ("errors", self.err())] {
                let lines: Vec<&str> = text.lines().collect();
                let shown = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
                eprintln!(
                    "--- {}: {kind}, last {} of {} lines",
                    self.name,
                    shown.len(),
                    lines.len()
                );
                eprintln!("{}", shown.join("\n"));
            }
        }
    }
}

/// What other programs print need not be UTF-8.
fn read(path: &PathBuf) -> String {
    std::fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

/// Looks at `done` until it is true; a test that waits longer than `limit` fails and says for what.
#[track_caller]
pub(crate) fn wait_until(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < limit, "waited {} s for {what}", limit.as_secs());
        std::thread::sleep(LOOK_EVERY);
    }
}
