//! Sockets and threads for the model tracker: the only thing that the demo needs beside two clients.

use crate::cli::failure::Failure;
use seedbed_engine::time::Instant;
use seedbed_sim::tracker::{Limits, Tracker, head_length};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often a waiting thread looks whether it is over.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// How long a request may take to arrive.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

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
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        udp.set_read_timeout(Some(LOOK_INTERVAL)).map_err(failed)?;
        let http = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        http.set_nonblocking(true).map_err(failed)?;
        let shared = Arc::new(Shared {
            tracker: Mutex::new(Tracker::new(Limits::default(), seed)),
            began: std::time::Instant::now(),
            over: AtomicBool::new(false),
        });
        let addrs = (
            udp.local_addr().map_err(failed)?,
            http.local_addr().map_err(failed)?,
        );
        let (for_udp, for_http) = (shared.clone(), shared.clone());
        let threads = vec![
            thread::spawn(move || serve_udp(&for_udp, &udp)),
            thread::spawn(move || serve_http(&for_http, &http)),
        ];
        Ok(Self {
            shared,
            udp: addrs.0,
            http: addrs.1,
            threads,
        })
    }

    pub(super) fn udp_url(&self) -> String {
        format!("udp://{}/announce", self.udp)
    }

    pub(super) fn http_url(&self) -> String {
        format!("http://{}/announce", self.http)
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
    let mut buffer = [0; 2048];
    while !shared.over.load(Ordering::Relaxed) {
        // time-outs are for looking; other errors concern one datagram
        let Ok((length, from)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        if let Some(reply) = shared.with(|tracker, now| tracker.datagram(now, from, &buffer[..length])) {
            // a lost answer is the client's to notice
            let _ = socket.send_to(&reply, from);
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
            Err(_) => thread::sleep(LOOK_INTERVAL / 10),
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
