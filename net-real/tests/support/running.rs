//! Programs that run while a test looks on, and the torrent that they transfer.

use super::{Ran, Sandbox};
use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Flags that keep a run on this machine and let no test hang.
pub(crate) const LOCAL: &str = "--bind 127.0.0.1 --stop-timeout 20";
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A folder of files as a torrent with this tracker; the data is in `have`.
pub(crate) fn album(announce: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("have/album/a.bin", 700_001);
    sandbox.file("have/album/b/c.bin", 300_000);
    sandbox.file("have/album/empty", 0);
    sandbox.expect(
        0,
        &format!("create have/album --piece-length 32KiB -a {announce}"),
    );
    sandbox
}

/// A running program, ended with the test.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(sandbox: &Sandbox, args: &str) -> Self {
        Self::of(sandbox.command(args))
    }

    pub(crate) fn of(mut command: Command) -> Self {
        Self(
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the program"),
        )
    }

    /// Reads lines of its standard output until one has this text.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let out = self.0.stdout.as_mut().expect("a pipe");
        let mut seen = String::new();
        let mut byte = [0];
        let mut line = String::new();
        while out.read(&mut byte).expect("a read") == 1 {
            line.push(char::from(byte[0]));
            if byte[0] == b'\n' {
                if line.contains(text) {
                    return line;
                }
                seen += &std::mem::take(&mut line);
            }
        }
        panic!("it ended without {text}:\n{seen}");
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([name, &self.0.id().to_string()])
            .status();
        assert!(status.expect("kill").success());
    }

    /// What it said since it was last read, and how it ended.
    pub(crate) fn end(mut self) -> Ran {
        let deadline = Instant::now() + LIMIT;
        while self.0.try_wait().expect("a child").is_none() {
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        let (mut out, mut err) = (String::new(), String::new());
        self.0
            .stdout
            .take()
            .expect("a pipe")
            .read_to_string(&mut out)
            .expect("UTF-8");
        self.0
            .stderr
            .take()
            .expect("a pipe")
            .read_to_string(&mut err)
            .expect("UTF-8");
        Ran {
            code: self.0.wait().expect("a child").code(),
            out,
            err,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // it may have ended long ago
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a socket");
    socket.local_addr().expect("one").port()
}

/// A seed of the album that is ready to serve.
pub(crate) fn seed(sandbox: &Sandbox, port: u16, more: &str) -> Running {
    let args = format!("seed album.torrent -d have --json {LOCAL} --stop-timeout 60 --port {port} {more}");
    let args = args.replace(" --stop-timeout 20", "");
    let mut running = Running::start(sandbox, &args);
    running.wait_for(r#""state":"seeding""#);
    running
}

/// Waits for something that another thread or program brings about.
pub(crate) fn wait_until(met: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !met() {
        assert!(Instant::now() < deadline, "it does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}
