//! Datagrams, each on its own: late, lost alone or in bursts, doubled, overtaken, damaged, too long, refused.

use crate::net::outage::Crash;
use crate::net::{Absent, NetEvent};
use crate::world::{ActorId, Delivery, Occurrence, World};
use seedbed_engine::net::DatagramFault;
use seedbed_engine::time::{Duration, Instant};
use std::net::SocketAddr;

/// The longest payload that UDP over IPv4 can carry.
pub(super) const PAYLOAD_MAX: usize = 65_507;
/// The longest payload that Ethernet carries in one packet.
pub(super) const UNFRAGMENTED: usize = 1_472;
/// How much later than usual an overtaken datagram is at the least; as much again is drawn.
const OVERTAKEN: Duration = Duration::from_millis(20);

/// Losses in bursts, after Gilbert and Elliott: a path is in a good or in a bad state, and before each datagram the
/// state changes by chance. All in thousandths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Burst {
    /// Chance of good to turn bad.
    pub enter: u32,
    /// Chance of bad to turn good.
    pub leave: u32,
    /// Chance of a loss while it is bad.
    pub loss: u32,
}

/// What a rate limit has left; full at the beginning, and it holds a second's worth.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    /// Millionths of datagrams that were taken and not yet refilled.
    taken: u64,
    counted: Instant,
}

impl Bucket {
    /// Takes one datagram of so many a second; false when there is none.
    fn take(&mut self, rate: u32, now: Instant) -> bool {
        let micros = now.since(self.counted).as_micros() as u64;
        self.counted = now;
        self.taken = self.taken.saturating_sub(micros.saturating_mul(rate.into()));
        let fits = self.taken + 1_000_000 <= u64::from(rate) * 1_000_000;
        if fits {
            self.taken += 1_000_000;
        }
        fits
    }
}

/// A datagram on its way.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Who sent it, whatever it says.
    sender: ActorId,
    receiver: ActorId,
    from: SocketAddr,
    to: SocketAddr,
    spoofed: bool,
    data: Vec<u8>,
}

impl World {
    pub(super) fn send_datagram(
        &mut self,
        sender: ActorId,
        to: SocketAddr,
        from: Option<SocketAddr>,
        data: Vec<u8>,
    ) {
        let slot = &self.actors[sender.0];
        let port = slot.actor.port().unwrap_or(1);
        let (first, own) = (slot.ip, self.own_ip(sender, to.ip()));
        let way = own.is_some();
        let own = SocketAddr::new(own.unwrap_or(first), port);
        // whoever says its first address means the one of this family
        let from = from.map(|from| {
            if from.ip() == first {
                SocketAddr::new(own.ip(), from.port())
            } else {
                from
            }
        });
        let spoofed = from.is_some_and(|from| from != own);
        if spoofed {
            self.marks.hit("spoofed-source");
        }
        if data.len() > PAYLOAD_MAX {
            return self.datagram_error(sender, to, DatagramFault::TooLong, Duration::ZERO);
        }
        if !way && to.ip().is_multicast() {
            // nobody hears that nobody is told
            return;
        }
        if !way || self.no_network(sender) {
            return self.datagram_error(sender, to, DatagramFault::Unreachable, Duration::ZERO);
        }
        let now = self.now;
        let host = self.net.host(sender);
        if let Some(rate) = host.link.datagrams
            && !host.bucket.take(rate, now)
        {
            self.marks.hit("datagram-rate");
            return;
        }
        if to.ip().is_multicast() {
            let from = from.unwrap_or(own);
            return self.send_to_group(sender, to, from, data);
        }
        let Some(receiver) = self.at(to.ip()) else {
            let fault = match self.net.absent.get(&to.ip()) {
                Some(Absent::Silent) => return,
                Some(Absent::Unreachable) => DatagramFault::Unreachable,
                Some(Absent::Refused) | None => DatagramFault::Refused,
            };
            let delay = self.delay(sender, sender);
            return self.datagram_error(sender, to, fault, delay * 2);
        };
        if self.datagram_lost(sender, receiver, data.len()) {
            return;
        }
        let from = from.unwrap_or(own);
        let parcel = Parcel {
            sender,
            receiver,
            from,
            to,
            spoofed,
            data,
        };
        self.post(parcel);
    }

    /// A datagram to a group: whoever has joined it gets one of its own, with the accidents of its way. All actors are of
    /// one local network. The sender's own system gives one to its sockets, which no link can lose.
    fn send_to_group(&mut self, sender: ActorId, to: SocketAddr, from: SocketAddr, data: Vec<u8>) {
        for receiver in (0..self.actors.len()).map(ActorId) {
            let joined = self.actors[receiver.0].actor.has_joined(to.ip());
            if !joined || self.own_ip(receiver, to.ip()).is_none() {
                continue;
            }
            let parcel = Parcel {
                sender,
                receiver,
                from,
                to,
                // nobody hears that there is nobody
                spoofed: true,
                data: data.clone(),
            };
            if receiver == sender {
                self.push_net(self.now, NetEvent::Parcel(Box::new(parcel)));
            } else if !self.datagram_lost(sender, receiver, data.len()) {
                self.post(parcel);
            }
        }
    }

    /// An actor refuses a datagram that it got: who sent it gets an ICMP message.
    pub(super) fn refuse_datagram(&mut self, id: ActorId, whom: SocketAddr, asked: SocketAddr) {
        let Some(there) = self.at(whom.ip()) else { return };
        if !self.lost_silently(id, there) {
            self.marks.hit("datagram-refused");
            let delay = self.delay(id, there);
            self.datagram_error(there, asked, DatagramFault::Refused, delay);
        }
    }

    fn datagram_error(&mut self, to: ActorId, sent: SocketAddr, fault: DatagramFault, after: Duration) {
        self.push(
            after,
            Occurrence::Deliver(to, Delivery::DatagramError(sent, fault)),
        );
    }

    /// Whether a datagram of this length gets lost on its way.
    fn datagram_lost(&mut self, from: ActorId, to: ActorId, length: usize) -> bool {
        if self.lost_silently(from, to) {
            return true;
        }
        let (near, far) = (&self.net.host_of(from).link, &self.net.host_of(to).link);
        if near.mtu.into_iter().chain(far.mtu).any(|mtu| length > mtu) {
            self.marks.hit("mtu-drop");
            return true;
        }
        let loss = [near.spec.loss, far.spec.loss];
        let bursts = [near.burst, far.burst];
        // a datagram is lost when one of its fragments is
        for _ in 0..length.div_ceil(UNFRAGMENTED).max(1) {
            if loss != [0; 2] {
                let path = self.path(from, to);
                if path.thousandths(loss[0]) | path.thousandths(loss[1]) {
                    self.marks.hit("lossy");
                    return true;
                }
            }
            for (n, burst) in bursts.iter().enumerate() {
                let Some(burst) = burst else { continue };
                let path = self.path(from, to);
                let bad = path.bad[n];
                path.bad[n] = bad ^ path.thousandths(if bad { burst.leave } else { burst.enter });
                if path.bad[n] && path.thousandths(burst.loss) {
                    self.marks.hit("burst-loss");
                    return true;
                }
            }
        }
        false
    }

    /// Sends a datagram that is not lost on its way, with all its accidents.
    fn post(&mut self, mut parcel: Parcel) {
        let (from, to) = (parcel.sender, parcel.receiver);
        let (near, far) = (self.net.link(from), self.net.link(to));
        let mut copies = 1;
        let mut later = Duration::ZERO;
        let either = |chances: [u32; 2]| chances != [0; 2];
        if either([near.corrupt, far.corrupt]) && !parcel.data.is_empty() {
            let path = self.path(from, to);
            if path.thousandths(near.corrupt) | path.thousandths(far.corrupt) {
                let bits = u32::try_from(parcel.data.len() * 8).unwrap_or(u32::MAX);
                let bit = path.rng.below(bits) as usize;
                parcel.data[bit / 8] ^= 1 << (bit % 8);
                self.marks.hit("corrupting");
            }
        }
        if either([near.duplicate, far.duplicate]) {
            let path = self.path(from, to);
            if path.thousandths(near.duplicate) | path.thousandths(far.duplicate) {
                copies = 2;
                self.marks.hit("duplicating");
            }
        }
        if either([near.reorder, far.reorder]) {
            let path = self.path(from, to);
            if path.thousandths(near.reorder) | path.thousandths(far.reorder) {
                later = OVERTAKEN + path.jitter(OVERTAKEN);
                self.marks.hit("reordering");
            }
        }
        if copies == 2 {
            let delay = self.delay(from, to);
            self.push_net(self.now + delay, NetEvent::Parcel(Box::new(parcel.clone())));
        }
        let delay = self.delay(from, to);
        self.push_net(self.now + delay + later, NetEvent::Parcel(Box::new(parcel)));
    }

    /// A datagram is where its receiver was.
    pub(super) fn parcel_arrived(&mut self, parcel: Parcel) {
        let (from, to) = (parcel.sender, parcel.receiver);
        if self.clogged(from, to) {
            self.net.outages.held.push(parcel);
            return;
        }
        let refused = match self.net.host_of(to).down {
            Some(Crash::Silent) => return,
            Some(Crash::Reset) => Some(DatagramFault::Refused),
            None if self.actors[to.0].up => self.datagram_answer_of(to),
            None => Some(DatagramFault::Refused),
        };
        let Some(fault) = refused else {
            let Parcel {
                from,
                to: group,
                data,
                ..
            } = parcel;
            if group.ip().is_multicast() {
                return self.give(
                    to,
                    crate::actor::Input::Multicast {
                        to: group,
                        from,
                        data: &data,
                    },
                );
            }
            return self.give(to, crate::actor::Input::Datagram { from, data: &data });
        };
        self.marks.hit("datagram-refused");
        // the message goes to where the datagram says that it came from
        if !parcel.spoofed && !self.lost_silently(to, from) {
            let delay = self.delay(to, from);
            self.datagram_error(from, parcel.to, fault, delay);
        }
    }
}
