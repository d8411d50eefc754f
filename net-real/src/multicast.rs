//! Membership in the groups of local service discovery (BEP 14): one socket a group, which hears and speaks.
//!
//! Nobody who is heard or not heard there is missed, so no failure here is one of the run.

use crate::driver::Driver;
use crate::sockets::canonical;
use async_io::Async;
use seedbed_engine::Event;
use seedbed_engine::lsd::Group;
use smol::Task;
use std::io;
use std::net::UdpSocket;
use std::rc::Rc;

/// The groups that we are a member of.
#[derive(Default)]
pub(crate) struct Multicast {
    members: Vec<Member>,
}

struct Member {
    group: Group,
    socket: Rc<Async<UdpSocket>>,
    /// Reads until it is dropped.
    _reader: Task<()>,
}

impl Multicast {
    /// Joins the groups of the families that sockets can be made for, anew if need be.
    pub(crate) fn join(driver: &Rc<Driver>) -> Self {
        let mut members = Vec::new();
        for group in Group::ALL {
            match member(driver, group) {
                Ok(member) => members.push(member),
                Err(error) => tracing::debug!(%group, %error, "local service discovery is not there"),
            }
        }
        Self { members }
    }

    /// Sends a datagram to a group that we are a member of; it is lost where the system cannot send it.
    pub(crate) fn send(&self, group: Group, data: &[u8]) {
        for member in self.members.iter().filter(|member| member.group == group) {
            if let Err(error) = member.socket.get_ref().send_to(data, group.addr()) {
                tracing::debug!(%group, %error, "not told");
            }
        }
    }
}

fn member(driver: &Rc<Driver>, group: Group) -> io::Result<Member> {
    let socket = Rc::new(Async::new_nonblocking(driver.sockets.multicast(group.addr())?)?);
    Ok(Member {
        group,
        socket: Rc::clone(&socket),
        _reader: driver.spawn(read(Rc::clone(driver), socket, group)),
    })
}

/// Hands on what arrives.
async fn read(driver: Rc<Driver>, socket: Rc<Async<UdpSocket>>, group: Group) {
    loop {
        if socket.readable().await.is_err() {
            return;
        }
        loop {
            let mut buffer = driver.read_buffer.borrow_mut();
            match socket.get_ref().recv_from(&mut buffer) {
                Ok((length, from)) => driver.event(Event::Multicast {
                    group,
                    from: canonical(from),
                    data: &buffer[..length],
                }),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if error.kind() != io::ErrorKind::WouldBlock {
                        tracing::debug!(%group, %error, "not heard");
                    }
                    break;
                }
            }
        }
    }
}
