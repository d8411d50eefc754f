//! Who takes part in a world: an engine on its host, a model peer, a tracker, or a machine of your own.
//!
//! An actor is a state machine like the engine: inputs in, outputs out, time and randomness as arguments. It owns one
//! address (or several) and speaks over streams and datagrams that the world carries.

use crate::seed::Seed;
use seedbed_engine::id::ConnId;
use seedbed_engine::net::{CloseCause, DatagramFault, LookupError};
use seedbed_engine::time::Instant;
use std::any::Any;
use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};

/// Something that happened to an actor. Streams are numbered by who opens them, as in the engine's boundary.
#[derive(Debug)]
pub enum Input<'a> {
    /// The world begins, or the actor comes back after a crash.
    Start,
    /// [`Actor::deadline`] has come.
    Tick,
    /// Somebody opened a stream.
    Accepted {
        /// Its number here.
        stream: ConnId,
        /// Its other end.
        from: SocketAddr,
    },
    /// A stream that the actor opened is established.
    Connected {
        /// Its number.
        stream: ConnId,
    },
    /// Bytes arrived.
    Received {
        /// On which stream.
        stream: ConnId,
        /// The bytes.
        data: &'a [u8],
    },
    /// The network took bytes that were sent.
    Sent {
        /// On which stream.
        stream: ConnId,
        /// How many.
        bytes: u64,
    },
    /// A stream ended, or did not come to be.
    Closed {
        /// Which one.
        stream: ConnId,
        /// Why.
        cause: CloseCause,
    },
    /// A datagram arrived.
    Datagram {
        /// From where, as it says.
        from: SocketAddr,
        /// The bytes.
        data: &'a [u8],
    },
    /// A datagram to a group arrived that the actor has joined ([`Actor::has_joined`]).
    Multicast {
        /// The group.
        to: SocketAddr,
        /// From where, as it says.
        from: SocketAddr,
        /// The bytes.
        data: &'a [u8],
    },
    /// A datagram was refused.
    DatagramError {
        /// Where it was sent.
        to: SocketAddr,
        /// How.
        fault: DatagramFault,
    },
    /// A lookup ended.
    Resolved {
        /// The number that the actor gave it.
        lookup: u64,
        /// Addresses.
        result: Result<Vec<IpAddr>, LookupError>,
    },
    /// Addresses or routes of the actor's host changed.
    NetworkChanged,
}

/// What an actor wants of the world.
#[derive(Clone, Debug)]
pub enum Output {
    /// Open a stream; the actor chooses a number that it never uses again ([`ConnId::dialled`]).
    Connect {
        /// Its number.
        stream: ConnId,
        /// Where to.
        to: SocketAddr,
    },
    /// Send bytes.
    Send {
        /// On which stream.
        stream: ConnId,
        /// The bytes.
        data: Vec<u8>,
    },
    /// Read up to so many further bytes. Without any budget nothing is delivered, and the sender is held back.
    Read {
        /// From which stream.
        stream: ConnId,
        /// Bytes.
        budget: u64,
    },
    /// Take back what is left of the budget.
    Hold {
        /// Of which stream.
        stream: ConnId,
    },
    /// End the own half of the stream behind what was sent (FIN), and go on reading. Sends after it are lost.
    Shutdown {
        /// Which one.
        stream: ConnId,
    },
    /// End the stream behind what was sent (FIN); nothing more is delivered. What the other end sends from now on is
    /// swallowed until the FIN has left, and answered by a reset after that.
    Close {
        /// Which one.
        stream: ConnId,
    },
    /// Break the stream at once (RST): what is unsent or unread is lost.
    Reset {
        /// Which one.
        stream: ConnId,
    },
    /// Send a datagram.
    Datagram {
        /// Where to: an address, or a group, all of which gets it.
        to: SocketAddr,
        /// From where it claims to be; the actor's own address, unless it lies.
        from: Option<SocketAddr>,
        /// The bytes.
        data: Vec<u8>,
    },
    /// Refuse a datagram that arrived: its sender gets an ICMP message.
    Refuse {
        /// Who sent it.
        whom: SocketAddr,
        /// Where to.
        asked: SocketAddr,
    },
    /// Look a name up.
    Resolve {
        /// A number of the actor's.
        lookup: u64,
        /// The name.
        host: String,
    },
}

/// What an actor is lent for one call.
#[derive(Debug)]
pub struct Cx<'a> {
    /// The time.
    pub now: Instant,
    /// The address of the actor's sockets.
    pub ip: IpAddr,
    /// Where outputs go to, in order.
    pub out: &'a mut Vec<Output>,
    /// Behaviours and branches that fired, by name.
    pub marks: &'a mut crate::marks::Marks,
    /// Lines for the timeline: what happened between the actor and whom.
    pub lines: &'a mut Vec<crate::timeline::Line>,
}

/// A participant. Everything that it is, is plain data: a clone goes on exactly as the original does.
pub trait Actor: Debug + Send {
    /// Something happened.
    fn handle(&mut self, cx: &mut Cx<'_>, input: Input<'_>);

    /// When [`Input::Tick`] is due. After a tick it must be later or gone.
    fn deadline(&self) -> Option<Instant>;

    /// TCP port that others can reach it at, if any. Datagrams reach it at every port.
    fn port(&self) -> Option<u16>;

    /// Whether datagrams to this multicast group reach it.
    fn has_joined(&self, group: IpAddr) -> bool {
        let _ = group;
        false
    }

    /// What it draws from now on comes from this seed. One that draws nothing has nothing to do.
    fn draw_anew(&mut self, seed: Seed) {
        let _ = seed;
    }

    /// A copy.
    fn clone_box(&self) -> Box<dyn Actor>;

    /// For those who look at it from outside: oracles, tests.
    fn as_any(&self) -> &dyn Any;

    /// The same, for faults that are done to it.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl Clone for Box<dyn Actor> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}
