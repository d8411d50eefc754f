//! Datagrams: a connected socket for each address that was written to lately.
//!
//! Only a connected socket hears of ICMP answers (nobody listens there: the next tracker is tried at once), and the
//! kernel drops what others send to it. Each has a port of its own, so an answer is hard to forge.

use crate::cause::datagram_fault;
use crate::driver::Driver;
use async_io::Async;
use rustix::io::Errno;
use seedbed_engine::Event;
use seedbed_engine::net::DatagramFault;
use seedbed_engine::time::{Duration, Instant};
use smol::Task;
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::rc::Rc;

/// A socket that was not written to for so long is not used again: its route or local address may be gone.
/// A tracker's answers come within BEP 15's first time-outs.
const FRESH: Duration = Duration::from_secs(120);

/// Sockets by the address that they are connected to.
pub(crate) struct Udp {
    sockets: HashMap<SocketAddr, Entry>,
    max: usize,
}

struct Entry {
    socket: Rc<Async<UdpSocket>>,
    used: Instant,
    /// Reads until it is dropped.
    _reader: Task<()>,
}

impl Udp {
    /// Keeps up to `max` sockets.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            sockets: HashMap::new(),
            max: max.max(1),
        }
    }

    /// Sends a datagram. One that the system has no room for is lost, as datagrams are.
    pub(crate) fn send(
        &mut self,
        driver: &Rc<Driver>,
        now: Instant,
        to: SocketAddr,
        data: &[u8],
    ) -> Result<(), DatagramFault> {
        let socket = self.socket(driver, now, to).map_err(|error| failed(to, &error))?;
        match socket.get_ref().send(data) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => {
                self.sockets.remove(&to);
                Err(failed(to, &error))
            }
        }
    }

    fn socket(
        &mut self,
        driver: &Rc<Driver>,
        now: Instant,
        to: SocketAddr,
    ) -> io::Result<Rc<Async<UdpSocket>>> {
        self.sockets.retain(|_, entry| now.since(entry.used) < FRESH);
        if let Some(entry) = self.sockets.get_mut(&to) {
            entry.used = now;
            return Ok(Rc::clone(&entry.socket));
        }
        if self.sockets.len() >= self.max {
            let oldest = self
                .sockets
                .iter()
                .min_by_key(|(to, entry)| (entry.used, **to))
                .map(|(to, _)| *to);
            oldest.and_then(|to| self.sockets.remove(&to));
        }
        let socket = Rc::new(Async::new_nonblocking(driver.sockets.datagrams(to)?)?);
        let entry = Entry {
            socket: Rc::clone(&socket),
            used: now,
            _reader: driver.spawn(read(Rc::clone(driver), Rc::clone(&socket), to)),
        };
        self.sockets.insert(to, entry);
        Ok(socket)
    }
}

fn failed(to: SocketAddr, error: &io::Error) -> DatagramFault {
    tracing::debug!(%to, %error, "datagram not sent");
    datagram_fault(error)
}

/// Hands on what arrives.
async fn read(driver: Rc<Driver>, socket: Rc<Async<UdpSocket>>, from: SocketAddr) {
    loop {
        if socket.readable().await.is_err() {
            return;
        }
        loop {
            let mut buffer = driver.read_buffer.borrow_mut();
            match socket.get_ref().recv(&mut buffer) {
                Ok(length) => driver.event(Event::Datagram {
                    from,
                    data: &buffer[..length],
                }),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if Errno::from_io_error(&error) == Some(Errno::INTR) => {}
                Err(error) => driver.event(Event::DatagramError {
                    to: from,
                    fault: datagram_fault(&error),
                }),
            }
        }
    }
}
