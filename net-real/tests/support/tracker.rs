//! The model tracker behind real sockets, for tests that want to know what it was told.

use seedbed_engine::time;
use seedbed_sim::tracker::{Announce, AnnounceEvent, Limits, Tracker, head_length};
use std::io::{self, Read as _, Write as _};
use std::iter;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

/// A tracker on loopback for as long as the test runs.
pub(crate) struct LocalTracker {
    tracker: Arc<Mutex<Tracker>>,
    udp: SocketAddr,
    http: SocketAddr,
}

/// Attempts to find a port that is free on all addresses.
const PORT_TRIES: usize = 20;

impl LocalTracker {
    pub(crate) fn start() -> Self {
        Self::start_on(&[Ipv4Addr::LOCALHOST.into()])
    }

    /// One tracker on several addresses of this machine, at one port each of UDP and HTTP. Its URLs name the first one.
    pub(crate) fn start_on(addresses: &[IpAddr]) -> Self {
        let tracker = Arc::new(Mutex::new(Tracker::new(Limits::default(), [9; 32])));
        let began = Instant::now();
        let udp = on_one_port(addresses, UdpSocket::bind, UdpSocket::local_addr);
        let http = on_one_port(addresses, TcpListener::bind, TcpListener::local_addr);
        let (udp_addr, http_addr) = (
            udp[0].local_addr().expect("one"),
            http[0].local_addr().expect("one"),
        );
        for udp in udp {
            let shared = tracker.clone();
            thread::spawn(move || serve_udp(&udp, &shared, began));
        }
        for http in http {
            let shared = tracker.clone();
            thread::spawn(move || serve_http(&http, &shared, began));
        }
        Self {
            tracker,
            udp: udp_addr,
            http: http_addr,
        }
    }

    pub(crate) fn http_port(&self) -> u16 {
        self.http.port()
    }

    pub(crate) fn udp_url(&self) -> String {
        format!("udp://{}/announce", self.udp)
    }

    pub(crate) fn http_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// Changes or asks the model.
    pub(crate) fn with<T>(&self, ask: impl FnOnce(&mut Tracker) -> T) -> T {
        ask(&mut self.tracker.lock().expect("a tracker"))
    }

    pub(crate) fn announces(&self) -> Vec<Announce> {
        self.with(|tracker| tracker.announces().to_vec())
    }

    /// The events that one client told, by its port.
    pub(crate) fn events_of(&self, port: u16) -> Vec<AnnounceEvent> {
        let announces = self.announces();
        let its = announces.iter().filter(|announce| announce.port == port);
        its.map(|announce| announce.event).collect()
    }
}

/// Sockets at one port of all these addresses.
fn on_one_port<S>(
    addresses: &[IpAddr],
    bind: impl Fn(SocketAddr) -> io::Result<S>,
    local: impl Fn(&S) -> io::Result<SocketAddr>,
) -> Vec<S> {
    for _ in 0..PORT_TRIES {
        let first = bind(SocketAddr::new(addresses[0], 0)).expect("a socket");
        let port = local(&first).expect("one").port();
        let others = addresses[1..].iter().map(|ip| bind(SocketAddr::new(*ip, port)));
        if let Ok(others) = others.collect::<io::Result<Vec<S>>>() {
            return iter::once(first).chain(others).collect();
        }
    }
    panic!("no port is free on all of {addresses:?}");
}

fn now(began: Instant) -> time::Instant {
    time::Instant::START + began.elapsed()
}

fn serve_udp(udp: &UdpSocket, tracker: &Mutex<Tracker>, began: Instant) {
    let mut buffer = [0; 2048];
    while let Ok((length, from)) = udp.recv_from(&mut buffer) {
        let reply = tracker
            .lock()
            .expect("a tracker")
            .datagram(now(began), from, &buffer[..length]);
        reply.map(|reply| udp.send_to(&reply, from));
    }
}

fn serve_http(http: &TcpListener, tracker: &Mutex<Tracker>, began: Instant) {
    while let Ok((mut stream, from)) = http.accept() {
        let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
        while head_length(&request).is_none() {
            match stream.read(&mut buffer) {
                Ok(n) if n > 0 => request.extend_from_slice(&buffer[..n]),
                _ => break,
            }
        }
        let reply = tracker
            .lock()
            .expect("a tracker")
            .request(now(began), from, &request);
        // a client that has gone is no concern of this one
        let _ = stream.write_all(&reply);
    }
}
