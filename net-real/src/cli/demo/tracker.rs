//! Sockets and threads for the model tracker: the only thing that the demo needs beside two clients.

use crate::cli::failure::Failure;
use seedbed::sockets::Sockets;
use seedbed_engine::time::Instant;
use seedbed_sim::tracker::{Limits, Tracker, head_length};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often a waiting thread looks whether it is over.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);
/// How long a request may take to arrive.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest datagram that is read. An announce has 98 bytes and at most a URL behind them.
const DATAGRAM_MAX: usize = 2048;

/// A tracker on loopback, over UDP and HTTP. It ends when dropped.
pub(super) struct LocalTracker {
    shared: Arc<Shared>,
    udp: SocketAddr,
    http: SocketAddr,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    tracker: Mutex<Tracker>,
    began: std::time::Instant,
    over: AtomicBool,
}

impl Shared {
    /// The model and its time. No code of ours panics while it holds the lock; if it did, the model is only data.
    fn with<T>(&self, ask: impl FnOnce(&mut Tracker, Instant) -> T) -> T {
        let now = Instant::START + self.began.elapsed();
        ask(
            &mut self.tracker.lock().unwrap_or_else(PoisonError::into_inner),
            now,
        )
    }
}

impl LocalTracker {
    pub(super) fn start() -> Result<Self, Failure> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(Failure::other)?;
        let failed = |error: io::Error| {
            Failure::network(format_args!("The tracker cannot listen on 127.0.0.1: {error}."))
        };
        let sockets = Sockets::new(Some(Ipv4Addr::LOCALHOST.into()), None);
        let listeners = sockets
            .listen(0)
            .map_err(|error| Failure::network(format_args!("{error}.")))?;
        // one address, so one listener
        let Some(listener) = listeners.into_iter().next() else {
            return Err(failed(io::ErrorKind::AddrNotAvailable.into()));
        };
        let socket = sockets.receive(0).map_err(failed)?;
        let (udp, http) = (
            socket.local_addr().map_err(failed)?,
            listener.local_addr().map_err(failed)?,
        );
        let shared = Arc::new(Shared {
            tracker: Mutex::new(Tracker::new(Limits::default(), seed)),
            began: std::time::Instant::now(),
            over: AtomicBool::new(false),
        });
        let (over_http, over_udp) = (shared.clone(), shared.clone());
        let threads = vec![
            thread::spawn(move || serve_http(&over_http, &listener)),
            thread::spawn(move || serve_udp(&over_udp, &socket)),
        ];
        Ok(Self {
            shared,
            udp,
            http,
            threads,
        })
    }

    /// Its addresses, the one to try first in front.
    pub(super) fn urls(&self) -> [String; 2] {
        [
            format!("udp://{}/announce", self.udp),
            format!("http://{}/announce", self.http),
        ]
    }

    /// Whether a seeder of this torrent has announced itself.
    pub(super) fn has_seeder(&self, info_hash: &[u8; 20]) -> bool {
        self.shared
            .with(|tracker, _| tracker.swarm(info_hash).is_some_and(|swarm| swarm.seeders() > 0))
    }

    /// How many announces came.
    pub(super) fn announces(&self) -> usize {
        self.shared.with(|tracker, _| tracker.announces().len())
    }
}

impl Drop for LocalTracker {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // a thread that panicked has told its story already
            let _ = thread.join();
        }
    }
}

fn serve_udp(shared: &Shared, socket: &UdpSocket) {
    let mut buffer = [0; DATAGRAM_MAX];
    while !shared.over.load(Ordering::Relaxed) {
        match socket.recv_from(&mut buffer) {
            Ok((length, from)) => {
                let reply = shared.with(|tracker, now| tracker.datagram(now, from, &buffer[..length]));
                if let Some(Err(error)) = reply.map(|reply| socket.send_to(&reply, from)) {
                    tracing::debug!("tracker reply to {from}: {error}");
                }
            }
            Err(_) => thread::sleep(LOOK_INTERVAL),
        }
    }
}

fn serve_http(shared: &Shared, listener: &TcpListener) {
    while !shared.over.load(Ordering::Relaxed) {
        match listener.accept() {
            // one at a time: the clients are ours
            Ok((stream, from)) => {
                if let Err(error) = answer(shared, stream, from) {
                    tracing::debug!("tracker request from {from}: {error}");
                }
            }
            Err(_) => thread::sleep(LOOK_INTERVAL),
        }
    }
}

fn answer(shared: &Shared, mut stream: TcpStream, from: SocketAddr) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(REQUEST_TIMEOUT))?;
    stream.set_write_timeout(Some(REQUEST_TIMEOUT))?;
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    let length = loop {
        if let Some(length) = head_length(&request) {
            break length;
        }
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            n => request.extend_from_slice(&buffer[..n]),
        }
    };
    let reply = shared.with(|tracker, now| tracker.request(now, from, &request[..length]));
    stream.write_all(&reply)
}
