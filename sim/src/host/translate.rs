//! Between the engine's boundary and the world's: actions become outputs, inputs become events.

use super::EngineHost;
use crate::actor::{Cx, Input, Output};
use seedbed_engine::id::{ConnId, OpId};
use seedbed_engine::lsd::Group;
use seedbed_engine::net::{CloseCause, TlsFault};
use seedbed_engine::{Action, Event};
use std::net::IpAddr;

/// Streams that one process may dial: more than any run does.
const LIFE_SHIFT: u32 = 40;

impl EngineHost {
    /// Carries one action out.
    pub(super) fn act(&mut self, cx: &mut Cx<'_>, action: Action) {
        match action {
            Action::Report(report) => self.keep(cx, report),
            Action::Disk { op, torrent: _, job } => self.disk.submit(cx.now, op, job),
            Action::Resolve { op, host } => {
                // the answer to an earlier process reaches nobody
                let lookup = op.0 | u64::from(self.life) << LIFE_SHIFT;
                cx.out.push(Output::Resolve { lookup, host });
            }
            Action::Datagram { to, data } => cx.out.push(Output::Datagram { to, from: None, data }),
            Action::Multicast { group, data } => cx.out.push(Output::Datagram {
                to: group.addr(),
                from: None,
                data,
            }),
            Action::Connect { conn, to, tls } => {
                let full = self.handles.is_some_and(|handles| self.streams.len() >= handles);
                let cause = if full {
                    cx.marks.hit("few-handles");
                    CloseCause::Local("Too many open files (os error 24)".into())
                } else if tls.is_some() {
                    CloseCause::Tls(TlsFault::Other("no TLS in this world".into()))
                } else {
                    self.streams.insert(conn, to);
                    let stream = self.outside(conn);
                    cx.out.push(Output::Connect { stream, to });
                    return;
                };
                self.soon.push_back(Event::Closed { conn, cause });
            }
            Action::Send { conn, head, body } => {
                if self.streams.contains_key(&conn) {
                    let mut data = head;
                    if let Some(body) = body {
                        data.extend_from_slice(body.as_bytes());
                    }
                    let stream = self.outside(conn);
                    cx.out.push(Output::Send { stream, data });
                }
            }
            Action::Read { conn, budget } => {
                if self.streams.contains_key(&conn) {
                    let stream = self.outside(conn);
                    cx.out.push(Output::Read {
                        stream,
                        budget: budget.into(),
                    });
                }
            }
            Action::Hold { conn } => {
                if self.streams.contains_key(&conn) {
                    let stream = self.outside(conn);
                    cx.out.push(Output::Hold { stream });
                }
            }
            Action::Close { conn, reason: _ } => {
                if self.streams.remove(&conn).is_some() {
                    let stream = self.outside(conn);
                    cx.out.push(Output::Close { stream });
                }
            }
        }
    }

    /// The group of this address, if the host has its family.
    pub(super) fn group(&self, ip: IpAddr) -> Option<Group> {
        let usable = |group: &Group| match group {
            Group::V4 => self.config.ipv4,
            Group::V6 => self.config.ipv6,
        };
        let mut all = Group::ALL.into_iter().filter(usable);
        all.find(|group| group.addr().ip() == ip)
    }

    /// The world's number of a stream that the engine numbers. Numbers of dialled streams begin anew with each
    /// process, and the world's never do; accepted ones are numbered by the world.
    pub(super) const fn outside(&self, conn: ConnId) -> ConnId {
        if conn.is_accepted() {
            conn
        } else {
            ConnId::dialled(conn.as_u64() | (self.life as u64) << LIFE_SHIFT)
        }
    }

    /// The engine's number of a stream; none for one of an earlier process.
    pub(super) fn inside(&self, stream: ConnId) -> Option<ConnId> {
        let conn = if stream.is_accepted() {
            stream
        } else if stream.as_u64() >> LIFE_SHIFT == u64::from(self.life) {
            ConnId::dialled(stream.as_u64() & ((1 << LIFE_SHIFT) - 1))
        } else {
            return None;
        };
        self.streams.contains_key(&conn).then_some(conn)
    }

    /// Something happened, and the process runs.
    pub(super) fn happen(&mut self, cx: &mut Cx<'_>, input: Input<'_>) {
        match input {
            Input::Start => {}
            Input::Tick => {
                self.pump(cx);
                self.tick(cx);
            }
            Input::Accepted { stream, from } => {
                if self.handles.is_some_and(|handles| self.streams.len() >= handles) {
                    cx.marks.hit("few-handles");
                    cx.out.push(Output::Reset { stream });
                } else {
                    self.streams.insert(stream, from);
                    self.feed(cx, Event::Accepted { conn: stream, from });
                }
            }
            Input::Connected { stream } => {
                if let Some(conn) = self.inside(stream) {
                    self.feed(cx, Event::Connected { conn });
                }
            }
            Input::Received { stream, data } => match self.inside(stream) {
                Some(conn) => self.feed(cx, Event::Received { conn, data }),
                None => cx.out.push(Output::Reset { stream }),
            },
            Input::Sent { stream, bytes } => {
                if let Some(conn) = self.inside(stream) {
                    self.feed(cx, Event::Sent { conn, bytes });
                }
            }
            Input::Closed { stream, cause } => {
                if let Some(conn) = self.inside(stream) {
                    self.streams.remove(&conn);
                    self.feed(cx, Event::Closed { conn, cause });
                }
            }
            Input::Datagram { from, data } => self.feed(cx, Event::Datagram { from, data }),
            Input::Multicast { to, from, data } => {
                if let Some(group) = self.group(to.ip()) {
                    self.feed(cx, Event::Multicast { group, from, data });
                }
            }
            Input::DatagramError { to, fault } => self.feed(cx, Event::DatagramError { to, fault }),
            Input::Resolved { lookup, result } => {
                if lookup >> LIFE_SHIFT == u64::from(self.life) {
                    let op = OpId(lookup & ((1 << LIFE_SHIFT) - 1));
                    self.feed(cx, Event::Resolved { op, result });
                }
            }
            Input::NetworkChanged => self.feed(cx, Event::NetworkChanged),
        }
    }
}
