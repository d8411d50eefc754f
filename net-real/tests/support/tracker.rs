//! The model tracker behind real sockets, for tests that want to know what it was told.

use seedbed_engine::time::Instant;
use seedbed_sim::tracker::{Announce, AnnounceEvent, Limits, Tracker, head_length};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

/// A tracker on loopback for as long as the test runs.
pub(crate) struct LocalTracker {
    tracker: Arc<Mutex<Tracker>>,
    udp: SocketAddr,
    http: SocketAddr,
}

impl LocalTracker {
    pub(crate) fn start() -> Self {
        let tracker = Arc::new(Mutex::new(Tracker::new(Limits::default(), [9; 32])));
        let began = std::time::Instant::now();
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let http = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let (udp_addr, http_addr) = (udp.local_addr().expect("one"), http.local_addr().expect("one"));
        let shared = tracker.clone();
        thread::spawn(move || {
            let mut buffer = [0; 2048];
            while let Ok((length, from)) = udp.recv_from(&mut buffer) {
                let now = Instant::START + began.elapsed();
                let reply = shared
                    .lock()
                    .expect("a tracker")
                    .datagram(now, from, &buffer[..length]);
                reply.map(|reply| udp.send_to(&reply, from));
            }
        });
        let shared = tracker.clone();
        thread::spawn(move || {
            while let Ok((mut stream, from)) = http.accept() {
                let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
                while head_length(&request).is_none() {
                    match stream.read(&mut buffer) {
                        Ok(n) if n > 0 => request.extend_from_slice(&buffer[..n]),
                        _ => break,
                    }
                }
                let now = Instant::START + began.elapsed();
                let reply = shared.lock().expect("a tracker").request(now, from, &request);
                // a client that has gone is no concern of this one
                let _ = stream.write_all(&reply);
            }
        });
        Self {
            tracker,
            udp: udp_addr,
            http: http_addr,
        }
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
