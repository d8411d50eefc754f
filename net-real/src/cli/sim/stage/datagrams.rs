//! The datagrams of an actor: its own port, and what stands for the lies that no program can tell without rights.

use super::stream::is_not_ready;
use seedbed::sockets::Sockets;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Longest datagram that is read.
const DATAGRAM_MAX: usize = 65_536;

/// Datagrams that are taken before others get their turn.
const BURST: usize = 64;

/// How long a refusing port is closed: the system refuses what comes meanwhile, which is all that a program can do.
const REFUSES: Duration = Duration::from_secs(5);

pub(super) struct Datagrams {
    sockets: Sockets,
    port: u16,
    own: Option<UdpSocket>,
    closed_until: Option<Instant>,
}

impl Datagrams {
    pub(super) fn open(sockets: &Sockets, port: u16) -> io::Result<Self> {
        let own = sockets.receive(port)?;
        Ok(Self {
            sockets: sockets.clone(),
            port: own.local_addr()?.port(),
            own: Some(own),
            closed_until: None,
        })
    }

    /// The socket to wait for, while the port is open.
    pub(super) const fn socket(&self) -> Option<&UdpSocket> {
        self.own.as_ref()
    }

    /// Opens the port again when its time has come.
    pub(super) fn turn(&mut self) -> io::Result<()> {
        if self.closed_until.is_some_and(|until| until <= Instant::now()) {
            self.own = Some(self.sockets.receive(self.port)?);
            self.closed_until = None;
        }
        Ok(())
    }

    /// What has arrived.
    pub(super) fn take(&self) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut taken = Vec::new();
        let mut buffer = vec![0; DATAGRAM_MAX];
        while let Some(own) = self.own.as_ref().filter(|_| taken.len() < BURST) {
            match own.recv_from(&mut buffer) {
                Ok((length, from)) => taken.push((from, buffer[..length].to_vec())),
                // also the ICMP answer to something that was sent: no model looks at those
                Err(_) => break,
            }
        }
        taken
    }

    /// Sends one. Whoever claims another source gets another port of this machine: no program may send from an address
    /// that is not its own.
    pub(super) fn send(&self, to: SocketAddr, from: Option<SocketAddr>, data: &[u8]) -> io::Result<()> {
        let at_own = |from: SocketAddr| {
            let own = self.own.as_ref().and_then(|own| own.local_addr().ok());
            own.is_none_or(|own| own == from)
        };
        let sent = match &self.own {
            _ if to.ip().is_multicast() => self.sockets.multicast(to)?.send_to(data, to),
            _ if !to.ip().is_loopback() => Err(io::ErrorKind::AddrNotAvailable.into()),
            Some(own) if from.is_none_or(at_own) => own.send_to(data, to),
            _ => self.sockets.receive(0)?.send_to(data, to),
        };
        match sent {
            Err(error) if !is_not_ready(&error) => Err(error),
            // a full queue loses what it cannot hold
            _ => Ok(()),
        }
    }

    /// From now on, and for a while, the port is closed.
    pub(super) fn refuse(&mut self) {
        self.own = None;
        self.closed_until = Some(Instant::now() + REFUSES);
    }
}

/// Whether an address is of this machine alone.
pub(super) fn is_local(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}
