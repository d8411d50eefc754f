//! Byte streams between nodes: a latency, budgets for reading, an end.

use super::{LATENCY, Pending, World};
use core::net::SocketAddr;
use seedbed_engine::Event;
use seedbed_engine::block::Block;
use seedbed_engine::id::ConnId;
use seedbed_engine::net::CloseCause;
use seedbed_engine::time::Duration;

/// What is at the other end of a connection.
#[derive(Clone, Debug)]
pub(super) enum Other {
    /// A connection of another node.
    Node(usize, ConnId),
    /// The HTTP side of the tracker; what was asked so far.
    Tracker(Vec<u8>),
    /// The test itself: what was sent to it.
    Test(Vec<u8>),
}

/// One end of a connection.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) other: Other,
    /// Bytes that have arrived and were not read.
    arrived: Vec<u8>,
    budget: u64,
    /// The other end has ended the stream behind what has arrived.
    ended: bool,
}

impl Stream {
    fn to(other: Other) -> Self {
        Self {
            other,
            arrived: Vec::new(),
            budget: 0,
            ended: false,
        }
    }
}

impl World {
    pub(super) fn connect(&mut self, node: usize, conn: ConnId, to: SocketAddr) {
        if self.tracker.as_ref().is_some_and(|(at, _)| *at == to) {
            self.nodes[node]
                .streams
                .insert(conn, Stream::to(Other::Tracker(Vec::new())));
            self.push(LATENCY * 2, node, Pending::Event(Event::Connected { conn }));
            return;
        }
        let there = self
            .nodes
            .iter()
            .position(|other| SocketAddr::new(other.ip, other.listen_port) == to);
        let Some(there) = there else {
            let event = Event::Closed {
                conn,
                cause: CloseCause::Refused,
            };
            self.push(LATENCY * 2, node, Pending::Event(event));
            return;
        };
        let from = SocketAddr::new(self.nodes[node].ip, 50_000);
        let theirs = self.next_accepted(there);
        self.nodes[node]
            .streams
            .insert(conn, Stream::to(Other::Node(there, theirs)));
        self.nodes[there]
            .streams
            .insert(theirs, Stream::to(Other::Node(node, conn)));
        self.push(
            LATENCY,
            there,
            Pending::Event(Event::Accepted { conn: theirs, from }),
        );
        self.push(LATENCY * 2, node, Pending::Event(Event::Connected { conn }));
    }

    fn next_accepted(&mut self, node: usize) -> ConnId {
        self.nodes[node].accepted += 1;
        ConnId::accepted(self.nodes[node].accepted)
    }

    /// The test dials a node; what it sends is fed with [`World::say`], what it is sent is read with
    /// [`World::heard`].
    pub fn dial(&mut self, node: usize, from: &str) -> ConnId {
        let conn = self.next_accepted(node);
        self.nodes[node]
            .streams
            .insert(conn, Stream::to(Other::Test(Vec::new())));
        let from = from.parse().expect("an address");
        self.feed(node, &Pending::Event(Event::Accepted { conn, from }));
        conn
    }

    /// The test sends bytes over a connection that it dialled.
    pub fn say(&mut self, node: usize, conn: ConnId, bytes: &[u8]) {
        if let Some(stream) = self.nodes[node].streams.get_mut(&conn) {
            stream.arrived.extend_from_slice(bytes);
        }
        self.deliver(node, conn);
    }

    /// What a node has sent to the test.
    #[must_use]
    pub fn heard(&self, node: usize, conn: ConnId) -> Vec<u8> {
        match self.nodes[node].streams.get(&conn).map(|stream| &stream.other) {
            Some(Other::Test(heard)) => heard.clone(),
            _ => Vec::new(),
        }
    }

    /// Whether a node still has this connection.
    #[must_use]
    pub fn is_open(&self, node: usize, conn: ConnId) -> bool {
        self.nodes[node]
            .streams
            .get(&conn)
            .is_some_and(|stream| !stream.ended)
    }

    pub(super) fn send(&mut self, node: usize, conn: ConnId, mut bytes: Vec<u8>, body: Option<Block>) {
        bytes.extend_from_slice(body.as_ref().map_or(&[], Block::as_bytes));
        let sent = bytes.len() as u64;
        let Some(stream) = self.nodes[node].streams.get_mut(&conn) else {
            return;
        };
        match &mut stream.other {
            Other::Test(heard) => heard.extend_from_slice(&bytes),
            Other::Node(there, theirs) => {
                let (there, theirs) = (*there, *theirs);
                self.push(LATENCY, there, Pending::Received(theirs, bytes));
            }
            Other::Tracker(asked) => {
                asked.extend_from_slice(&bytes);
                let head = String::from_utf8_lossy(asked).into_owned();
                let whole = seedbed_sim::tracker::head_length(asked).is_some();
                let asked = asked.clone();
                if whole && let Some((_, tracker)) = &mut self.tracker {
                    self.requests.push(head);
                    let from = SocketAddr::new(self.nodes[node].ip, 50_001);
                    let answer = tracker.request(self.now + LATENCY, from, &asked);
                    self.push(LATENCY * 2, node, Pending::Received(conn, answer));
                    let event = Event::Closed {
                        conn,
                        cause: CloseCause::Eof,
                    };
                    self.push(LATENCY * 2, node, Pending::Event(event));
                }
            }
        }
        self.push(
            Duration::ZERO,
            node,
            Pending::Event(Event::Sent { conn, bytes: sent }),
        );
    }

    /// Bytes of another node arrived: they wait for the budget of the engine.
    pub(super) fn arrive(&mut self, node: usize, conn: ConnId, bytes: &[u8]) {
        if let Some(stream) = self.nodes[node].streams.get_mut(&conn) {
            stream.arrived.extend_from_slice(bytes);
            self.deliver(node, conn);
        }
    }

    pub(super) fn read(&mut self, node: usize, conn: ConnId, budget: u32) {
        if let Some(stream) = self.nodes[node].streams.get_mut(&conn) {
            stream.budget += u64::from(budget);
            if !stream.arrived.is_empty() {
                // not within the call that gave the budget: an action is never answered before `handle` returns
                self.push(Duration::ZERO, node, Pending::Received(conn, Vec::new()));
            }
        }
    }

    /// Takes a budget back.
    pub(super) fn hold(&mut self, node: usize, conn: ConnId) {
        if let Some(stream) = self.nodes[node].streams.get_mut(&conn) {
            stream.budget = 0;
        }
    }

    /// Gives the engine what has arrived, as far as its budget goes.
    fn deliver(&mut self, node: usize, conn: ConnId) {
        while let Some(stream) = self.nodes[node].streams.get_mut(&conn) {
            let count = usize::try_from(stream.budget)
                .unwrap_or(usize::MAX)
                .min(stream.arrived.len());
            if count == 0 || stream.ended {
                return;
            }
            stream.budget -= count as u64;
            let bytes: Vec<u8> = stream.arrived.drain(..count).collect();
            self.nodes[node]
                .engine
                .handle(self.now, Event::Received { conn, data: &bytes });
            self.carry_out(node);
        }
    }

    pub(super) fn close(&mut self, node: usize, conn: ConnId) {
        let Some(stream) = self.nodes[node].streams.get_mut(&conn) else {
            return;
        };
        match stream.other {
            // what the test was sent can still be read
            Other::Test(_) => stream.ended = true,
            Other::Tracker(_) => {
                self.nodes[node].streams.remove(&conn);
            }
            Other::Node(there, theirs) => {
                self.nodes[node].streams.remove(&conn);
                let event = Event::Closed {
                    conn: theirs,
                    cause: CloseCause::Eof,
                };
                self.push(LATENCY, there, Pending::Event(event));
            }
        }
    }
}
