//! The one place where sockets are made.
//!
//! Each is bound to the address and the interface that the user asked for before anything else happens to it. When
//! that fails there is no socket: traffic never takes another way than the one that was asked for.

use crate::StartError;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};

/// Connections that may wait to be accepted; more come only in floods.
const BACKLOG: i32 = 256;

/// How often another port is tried when the free port of one address family is taken in the other.
const PORT_TRIES: usize = 16;

/// Routers that a datagram to a group may pass: none, it is for the local network.
const MULTICAST_HOPS: u32 = 1;

/// Makes sockets that are bound as the user asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sockets {
    bind: Option<IpAddr>,
    interface: Option<String>,
}

impl Sockets {
    /// Sockets with this local address and on this interface, if given.
    pub fn new(bind: Option<IpAddr>, interface: Option<String>) -> Self {
        Self {
            bind: bind.map(|ip| ip.to_canonical()),
            interface,
        }
    }

    /// Whether sockets can be made for IPv4 and for IPv6.
    ///
    /// # Errors
    /// When none can, or the bound address or interface cannot be used.
    pub fn families(&self) -> Result<(bool, bool), StartError> {
        let probe = |any: IpAddr| {
            self.local(any)
                .map(|local| (local, self.make(local, 0, Type::DGRAM)))
        };
        let v4 = probe(Ipv4Addr::UNSPECIFIED.into());
        let v6 = probe(Ipv6Addr::UNSPECIFIED.into());
        let usable = |probed: &Option<(IpAddr, io::Result<Socket>)>| matches!(probed, Some((_, Ok(_))));
        match (usable(&v4), usable(&v6)) {
            (false, false) => {
                let failed = v4.or(v6).map(|(local, result)| (local, result.err()));
                let (local, error) = failed.unwrap_or((Ipv4Addr::UNSPECIFIED.into(), None));
                let error = error.unwrap_or_else(|| io::ErrorKind::Unsupported.into());
                Err(self.bind_error(local, 0, error))
            }
            usable => Ok(usable),
        }
    }

    /// A socket of the family of `any` is bound to this; `None` when the bound address is of the other family.
    fn local(&self, any: IpAddr) -> Option<IpAddr> {
        match self.bind {
            None => Some(any),
            Some(bind) => (bind.is_ipv4() == any.is_ipv4()).then_some(bind),
        }
    }

    fn local_for(&self, to: SocketAddr) -> io::Result<IpAddr> {
        let any = match to {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let other = || {
            io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                "the bound address is of another family",
            )
        };
        self.local(any).ok_or_else(other)
    }

    fn make(&self, local: IpAddr, port: u16, kind: Type) -> io::Result<Socket> {
        let socket = self.unbound(local, kind)?;
        if kind == Type::STREAM && port != 0 {
            // A listener comes back at once after a restart, although old connections have not timed out.
            socket.set_reuse_address(true)?;
        }
        if port != 0 || !local.is_unspecified() || kind == Type::DGRAM {
            socket.bind(&SockAddr::from(SocketAddr::new(local, port)))?;
        }
        Ok(socket)
    }

    /// A socket on the interface that was asked for, with no address yet.
    fn unbound(&self, local: IpAddr, kind: Type) -> io::Result<Socket> {
        let protocol = if kind == Type::STREAM {
            Protocol::TCP
        } else {
            Protocol::UDP
        };
        let socket = Socket::new(
            Domain::for_address(SocketAddr::new(local, 0)),
            kind,
            Some(protocol),
        )?;
        socket.set_nonblocking(true)?;
        if local.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        if let Some(interface) = &self.interface {
            bind_interface(&socket, interface)?;
        }
        Ok(socket)
    }

    /// Listens on a TCP port, with IPv4 and IPv6 as far as there is both; port 0 takes a free one for both.
    ///
    /// # Errors
    /// When the port is taken, or the bound address or interface cannot be used.
    pub fn listen(&self, port: u16) -> Result<Vec<TcpListener>, StartError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_listen(port) {
                Err(StartError::Bind { error, .. })
                    if port == 0 && error.kind() == io::ErrorKind::AddrInUse && tries < PORT_TRIES => {}
                result => return result,
            }
        }
    }

    fn try_listen(&self, port: u16) -> Result<Vec<TcpListener>, StartError> {
        let (v4, v6) = self.families()?;
        let mut listeners: Vec<TcpListener> = Vec::new();
        let families = [
            (v4, IpAddr::from(Ipv4Addr::UNSPECIFIED)),
            (v6, Ipv6Addr::UNSPECIFIED.into()),
        ];
        for local in families
            .iter()
            .filter(|(usable, _)| *usable)
            .filter_map(|(_, any)| self.local(*any))
        {
            let taken = listeners.first().and_then(|listener| listener.local_addr().ok());
            let port = taken.map_or(port, |addr| addr.port());
            let listener = self
                .make_listener(local, port)
                .map_err(|error| self.bind_error(local, port, error))?;
            listeners.push(listener);
        }
        Ok(listeners)
    }

    fn make_listener(&self, local: IpAddr, port: u16) -> io::Result<TcpListener> {
        let socket = self.make(local, port, Type::STREAM)?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    }

    /// Begins to connect; the stream is connected when it becomes writable and has no error.
    ///
    /// # Errors
    /// When there is no socket, or no way to `to`.
    pub fn connect(&self, to: SocketAddr) -> io::Result<TcpStream> {
        let to = canonical(to);
        let socket = self.make(self.local_for(to)?, 0, Type::STREAM)?;
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&SockAddr::from(to)) {
            Err(error) if !in_progress(&error) => Err(error),
            _ => Ok(socket.into()),
        }
    }

    /// A socket that exchanges datagrams with `to` only, and hears of it when nobody listens there.
    ///
    /// # Errors
    /// When there is no socket, or no way to `to`.
    pub fn datagrams(&self, to: SocketAddr) -> io::Result<UdpSocket> {
        let to = canonical(to);
        let socket = self.make(self.local_for(to)?, 0, Type::DGRAM)?;
        socket.connect(&SockAddr::from(to))?;
        Ok(socket.into())
    }

    /// A socket that takes datagrams from anybody at the bound address (IPv4 without one); port 0 takes a free one.
    ///
    /// # Errors
    /// When the port is taken, or the bound address or interface cannot be used.
    pub fn receive(&self, port: u16) -> io::Result<UdpSocket> {
        let local = self.bind.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        Ok(self.make(local, port, Type::DGRAM)?.into())
    }

    /// A socket that is a member of a multicast group, on the interface that was asked for or that of the bound address,
    /// or else on the one that the system prefers: joining tells a network of it, too. Other programs may be members
    /// beside it. What it sends does not leave the local network.
    ///
    /// # Errors
    /// When there is no socket, or no interface that carries the group; with a bound address of IPv6 and no interface, since
    /// the address does not tell it.
    pub fn multicast(&self, group: SocketAddr) -> io::Result<UdpSocket> {
        let local = self.local_for(group)?;
        let socket = self.unbound(local, Type::DGRAM)?;
        socket.set_reuse_address(true)?;
        // bound to the group, it hears nothing but the group
        let at = if cfg!(unix) { group.ip() } else { local };
        socket.bind(&SockAddr::from(SocketAddr::new(at, group.port())))?;
        let interface = self.interface.as_deref();
        let index = interface.map_or(Ok(0), |name| interface_index(&socket, name))?;
        match (group.ip(), local) {
            (IpAddr::V4(group), IpAddr::V4(local)) => {
                let of_address = InterfaceIndexOrAddress::Address(local);
                let on = interface.map_or(of_address, |_| InterfaceIndexOrAddress::Index(index));
                socket.join_multicast_v4_n(&group, &on)?;
                socket.set_multicast_if_v4(&local)?;
                socket.set_multicast_ttl_v4(MULTICAST_HOPS)?;
                socket.set_multicast_loop_v4(true)?;
            }
            (IpAddr::V6(_), _) if index == 0 && !local.is_unspecified() => {
                return Err(io::ErrorKind::AddrNotAvailable.into());
            }
            (IpAddr::V6(group), _) => {
                socket.join_multicast_v6(&group, index)?;
                socket.set_multicast_if_v6(index)?;
                socket.set_multicast_hops_v6(MULTICAST_HOPS)?;
                socket.set_multicast_loop_v6(true)?;
            }
            (IpAddr::V4(_), IpAddr::V6(_)) => return Err(io::ErrorKind::AddrNotAvailable.into()),
        }
        Ok(socket.into())
    }

    fn bind_error(&self, local: IpAddr, port: u16, error: io::Error) -> StartError {
        StartError::Bind {
            addr: SocketAddr::new(local, port),
            interface: self.interface.clone(),
            error,
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn interface_index(socket: &Socket, interface: &str) -> io::Result<u32> {
    Ok(rustix::net::netdevice::name_to_index(socket, interface)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn interface_index(_: &Socket, _: &str) -> io::Result<u32> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
fn bind_interface(socket: &Socket, interface: &str) -> io::Result<()> {
    socket.bind_device(Some(interface.as_bytes()))
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "fuchsia")))]
fn bind_interface(_: &Socket, _: &str) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "sockets cannot be bound to an interface on this system",
    ))
}

fn in_progress(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = Errno::from_io_error(error);
    error.kind() == io::ErrorKind::WouldBlock || errno == Some(Errno::INPROGRESS)
}

/// An address with IPv4 never in its IPv6-mapped form.
pub fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_does_not_exist_gives_no_socket() {
        let sockets = Sockets::new(None, Some("nosuchif0".into()));
        assert!(matches!(sockets.listen(0), Err(StartError::Bind { .. })));
        assert!(sockets.connect(([127, 0, 0, 1], 9).into()).is_err());
        assert!(sockets.datagrams(([127, 0, 0, 1], 9).into()).is_err());
        assert!(sockets.receive(0).is_err());
    }

    #[test]
    fn an_address_of_another_machine_gives_no_socket() {
        let sockets = Sockets::new(Some([192, 0, 2, 1].into()), None);
        let error = sockets.listen(0).unwrap_err().to_string();
        assert!(error.starts_with("cannot bind to 192.0.2.1:0: "), "{error}");
        assert!(sockets.connect(([127, 0, 0, 1], 9).into()).is_err());
    }

    #[test]
    fn a_bound_address_rules_the_other_family_out() {
        let sockets = Sockets::new(Some(Ipv4Addr::LOCALHOST.into()), None);
        assert_eq!(sockets.families().unwrap(), (true, false));
        assert!(sockets.connect((Ipv6Addr::LOCALHOST, 9).into()).is_err());
        let listeners = sockets.listen(0).unwrap();
        assert_eq!(listeners.len(), 1);
        assert_eq!(listeners[0].local_addr().unwrap().ip(), Ipv4Addr::LOCALHOST);
    }

    /// Groups of this socket on each interface, as the system lists them.
    fn memberships(table: &str, group: &str) -> Vec<String> {
        let text = std::fs::read_to_string(table).unwrap();
        let mut interface = String::new();
        let mut found = Vec::new();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            // in the table of IPv4 the interface stands in a line of its own, in that of IPv6 in each
            if !line.starts_with(char::is_whitespace) {
                interface = words.nth(1).unwrap_or_default().to_owned();
            }
            if line.contains(group) {
                found.push(interface.clone());
            }
        }
        found
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn groups_are_joined_on_the_interface_that_was_asked_for() {
        // groups that nothing else joins
        let v4: SocketAddr = "239.192.152.201:6772".parse().unwrap();
        let v6: SocketAddr = "[ff15::efc0:98c9]:6772".parse().unwrap();
        for sockets in [
            Sockets::new(None, Some("lo".into())),
            Sockets::new(Some(Ipv4Addr::LOCALHOST.into()), None),
        ] {
            let _member = sockets.multicast(v4).unwrap();
            assert_eq!(memberships("/proc/net/igmp", "C998C0EF"), ["lo"], "{sockets:?}");
        }
        let lo = Sockets::new(None, Some("lo".into()));
        if lo.families().unwrap().1 {
            let _member = lo.multicast(v6).unwrap();
            assert_eq!(
                memberships("/proc/net/igmp6", "ff1500000000000000000000efc098c9"),
                ["lo"]
            );
        }
        let bound = Sockets::new(Some(Ipv6Addr::LOCALHOST.into()), None);
        assert!(bound.multicast(v6).is_err(), "its interface is not known");
        assert!(bound.multicast(v4).is_err(), "another family");
    }

    #[test]
    fn both_families_listen_on_one_port() {
        let listeners = Sockets::default().listen(0).unwrap();
        let ports: Vec<_> = listeners
            .iter()
            .map(|listener| listener.local_addr().unwrap().port())
            .collect();
        assert!(
            ports.iter().all(|port| *port == ports[0] && *port != 0),
            "{ports:?}"
        );
        assert!(matches!(
            Sockets::default().listen(ports[0]),
            Err(StartError::Bind { .. })
        ));
    }

    #[test]
    fn mapped_addresses_are_ipv4() {
        let mapped: SocketAddr = "[::ffff:192.0.2.1]:6881".parse().unwrap();
        assert_eq!(canonical(mapped).to_string(), "192.0.2.1:6881");
    }
}
