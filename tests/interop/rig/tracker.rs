//! opentracker as Debian packages it: HTTP and UDP on one loopback port.
//!
//! That build serves only torrents on its whitelist. Started as root it changes its root folder to `-d`, becomes
//! `nobody`, and reads the whitelist there, so the file's name is relative and its folder open to everybody.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::process::{Process, wait_until};

/// The address of the tracker; every client has another.
const ADDRESS: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// From its start to its first answer.
const START_LIMIT: Duration = Duration::from_secs(10);
/// For one small answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// How the .torrent names the tracker.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scheme {
    Http,
    Udp,
}

/// A running opentracker.
pub(crate) struct Tracker {
    port: u16,
    info_hash: [u8; 20],
    _process: Process,
}

/// Peers that the tracker knows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Swarm {
    pub(crate) seeds: usize,
    pub(crate) leechers: usize,
}

impl Tracker {
    /// Starts one that serves `info_hash`, in `folder`, and waits for its first answer.
    pub(crate) fn start(folder: &Path, info_hash: [u8; 20]) -> Self {
        let home = folder.join("tracker");
        std::fs::create_dir(&home).expect("a folder");
        std::fs::set_permissions(&home, PermissionsExt::from_mode(0o755)).expect("our own folder");
        let hash = info_hash.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        std::fs::write(home.join("whitelist"), hash + "\n").expect("a file");
        let port = free_port();
        let mut command = Command::new("opentracker");
        command.args([
            "-i",
            &ADDRESS.to_string(),
            "-p",
            &port.to_string(),
            "-P",
            &port.to_string(),
        ]);
        command
            .arg("-d")
            .arg(&home)
            .args(["-u", "nobody", "-w", "whitelist"])
            .current_dir(&home);
        let process = Process::start("opentracker", command, folder.join("opentracker"));
        let tracker = Self {
            port,
            info_hash,
            _process: process,
        };
        wait_until("the tracker", START_LIMIT, || tracker.swarm().is_some());
        tracker
    }

    /// Its announce URL. (A loopback address is taken with the path `/announce` alone.)
    pub(crate) fn url(&self, scheme: Scheme) -> String {
        let scheme = match scheme {
            Scheme::Http => "http",
            Scheme::Udp => "udp",
        };
        format!("{scheme}://{ADDRESS}:{}/announce", self.port)
    }

    /// Who has announced: a scrape (BEP 48). Nothing while the tracker does not answer.
    pub(crate) fn swarm(&self) -> Option<Swarm> {
        let mut stream = TcpStream::connect((ADDRESS, self.port)).ok()?;
        stream.set_read_timeout(Some(ANSWER_LIMIT)).ok()?;
        let hash = self.info_hash.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "%{byte:02x}");
            text
        });
        write!(stream, "GET /scrape?info_hash={hash} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        // A torrent that nobody announced yet is not in the answer.
        answer.starts_with(b"HTTP/1.").then(|| Swarm {
            seeds: count(&answer, "8:completei").unwrap_or(0),
            leechers: count(&answer, "10:incompletei").unwrap_or(0),
        })
    }

    /// Waits until at least so many seeds and leechers are known. Clients ask again only after half an hour, so whoever
    /// is to be found has to be there first.
    #[track_caller]
    pub(crate) fn wait_for(&self, seeds: usize, leechers: usize, limit: Duration) {
        wait_until(
            &format!("{seeds} seeds and {leechers} leechers at the tracker"),
            limit,
            || {
                let swarm = self.swarm().unwrap_or_default();
                swarm.seeds >= seeds && swarm.leechers >= leechers
            },
        );
    }
}

/// The number that follows `key`. The key is looked for in the bytes: the hash before it is not text.
fn count(answer: &[u8], key: &str) -> Option<usize> {
    let start = answer
        .windows(key.len())
        .position(|window| window == key.as_bytes())?
        + key.len();
    let digits: Vec<u8> = answer[start..]
        .iter()
        .copied()
        .take_while(u8::is_ascii_digit)
        .collect();
    String::from_utf8(digits).ok()?.parse().ok()
}

/// A port that is free for TCP and for UDP. Another program could take it before it is used, but nothing else here asks.
fn free_port() -> u16 {
    loop {
        let tcp = TcpListener::bind((ADDRESS, 0)).expect("a loopback port");
        let port = tcp.local_addr().expect("a bound socket").port();
        if UdpSocket::bind((ADDRESS, port)).is_ok() {
            return port;
        }
    }
}
