//! How a stream comes to be: SYN, answer, and the third part of the handshake.
//!
//! Who dialled has the stream after one round trip, who was dialled after one and a half. A SYN that nobody answers is
//! sent again after 1, 2, 4 … seconds; after [`SYNS`] of them the system gives up, 127 s after the first.

use crate::actor::Input;
use crate::net::host::Host;
use crate::net::outage::Crash;
use crate::net::stream::{EndRef, Item, Phase, Stream, What};
use crate::net::{Absent, Answer, NetEvent};
use crate::world::{ActorId, World};
use seedbed_engine::id::ConnId;
use seedbed_engine::net::CloseCause;
use seedbed_engine::time::Duration;
use std::net::SocketAddr;

/// SYNs that are sent before the system gives up (Linux's `tcp_syn_retries` of 6).
const SYNS: u32 = 7;
/// How long the first SYN is waited for.
const SYN_PATIENCE: Duration = Duration::from_secs(1);
/// First ephemeral port, and how many there are (RFC 6335).
const PORTS: (u16, u16) = (49_152, 16_384);

impl World {
    pub(super) fn connect(&mut self, id: ActorId, stream: ConnId, to: SocketAddr) {
        if self.net.ends.contains_key(&(id, stream)) {
            return;
        }
        let ip = self.own_ip(id, to.ip()).unwrap_or(self.actors[id.0].ip);
        let host: &mut Host = self.net.host(id);
        let port = PORTS.0 + host.dialled % PORTS.1;
        host.dialled = host.dialled.wrapping_add(1);
        let from = SocketAddr::new(ip, port);
        let at = self
            .net
            .open(|serial| Stream::new(serial, (id, stream), from, to));
        self.net.ends.insert((id, stream), at);
        self.syn(at, 0);
    }

    /// Sends the n-th SYN.
    pub(super) fn syn(&mut self, at: EndRef, tries: u32) {
        let Some(stream) = self
            .net
            .stream(at)
            .filter(|stream| stream.ends[0].phase == Phase::Opening)
        else {
            return;
        };
        let (who, to) = (stream.ends[0].who, stream.to);
        if tries == SYNS {
            self.marks.hit("connect-timed-out");
            self.fail(at, CloseCause::TimedOut);
            return;
        }
        let there = self.at(to.ip());
        let (lost, far) = match there {
            _ if self.no_network(who) || self.own_ip(who, to.ip()).is_none() => {
                self.push_net(self.now, NetEvent::Answered(at, Answer::Unreachable));
                return;
            }
            Some(there) => (self.syn_lost(who, there), there),
            // the way to nobody is as long as the own link makes it
            None => (self.net.absent.get(&to.ip()) == Some(&Absent::Silent), who),
        };
        if lost {
            let patience = SYN_PATIENCE * (1 << tries);
            self.push_net(self.now + patience, NetEvent::Syn(at, tries + 1));
            return;
        }
        let delay = self.delay(who, far);
        self.push_net(self.now + delay, NetEvent::SynArrived(at));
    }

    /// Whether a SYN, or the answer to it, is lost.
    fn syn_lost(&mut self, from: ActorId, to: ActorId) -> bool {
        if self.net.host(to).down == Some(Crash::Silent) || self.blackholed(to) {
            return true;
        }
        if self.cut(from, to) || self.cut(to, from) {
            return true;
        }
        let (near, far) = (
            self.net.host_of(from).link.spec.loss,
            self.net.host_of(to).link.spec.loss,
        );
        if near == 0 && far == 0 {
            return false;
        }
        let path = self.path(from, to);
        let lost = path.thousandths(near) | path.thousandths(far);
        if lost {
            self.marks.hit("lossy");
        }
        lost
    }

    /// A SYN arrives where it was sent to.
    pub(super) fn syn_arrived(&mut self, at: EndRef) {
        let Some(stream) = self
            .net
            .stream(at)
            .filter(|stream| stream.ends[0].phase == Phase::Opening)
        else {
            return;
        };
        let (who, to) = (stream.ends[0].who, stream.to);
        let there = self.at(to.ip());
        let answer = match there {
            None if self.net.absent.get(&to.ip()) == Some(&Absent::Unreachable) => Answer::Unreachable,
            None => Answer::Refuse,
            Some(there) => {
                let listens = self.actors[there.0].up && self.actors[there.0].actor.port() == Some(to.port());
                self.answer_of(there)
                    .unwrap_or(if listens { Answer::Accept } else { Answer::Refuse })
            }
        };
        let far = there.unwrap_or(who);
        if answer == Answer::Accept
            && let Some(stream) = self.net.stream(at)
        {
            stream.ends[1].who = far;
        }
        let delay = self.delay(far, who);
        self.push_net(self.now + delay, NetEvent::Answered(at, answer));
    }

    /// Who dialled gets the answer.
    pub(super) fn syn_answered(&mut self, at: EndRef, answer: Answer) {
        let Some(stream) = self
            .net
            .stream(at)
            .filter(|stream| stream.ends[0].phase == Phase::Opening)
        else {
            return;
        };
        match answer {
            Answer::Refuse => {
                self.marks.hit("connect-refused");
                self.fail(at, CloseCause::Refused);
                return;
            }
            Answer::Unreachable => {
                self.marks.hit("connect-unreachable");
                self.fail(at, CloseCause::Unreachable);
                return;
            }
            Answer::Accept => {}
        }
        let (who, id, far) = (stream.ends[0].who, stream.ends[0].id, stream.ends[1].who);
        stream.ends[0].phase = Phase::Open;
        let host = self.net.host(far);
        host.accepted += 1;
        let theirs = ConnId::accepted(host.accepted);
        if let Some(end) = self.net.end(at.other()) {
            end.id = theirs;
        }
        self.send_item(at, Duration::ZERO, What::Hello);
        self.doom(at);
        self.give(who, Input::Connected { stream: id });
        self.pump(at);
        self.look(at);
    }

    /// The last part of the handshake arrives: who was dialled has the stream too.
    pub(super) fn accept(&mut self, at: EndRef) {
        let Some(stream) = self.net.stream(at) else {
            return;
        };
        let from = stream.from;
        let end = &mut stream.ends[usize::from(at.side)];
        let (who, id) = (end.who, end.id);
        if end.phase != Phase::Opening {
            return;
        }
        if !self.actors[who.0].up {
            self.net.leave(at, Phase::Gone);
            if self.net.host(who).down == Some(Crash::Reset) {
                self.send_item(at, Duration::ZERO, What::Reset);
            }
            return;
        }
        end.phase = Phase::Open;
        self.net.ends.insert((who, id), at);
        self.give(who, Input::Accepted { stream: id, from });
    }

    /// A stream did not come to be, or its system gave it up: its actor hears why.
    pub(super) fn fail(&mut self, at: EndRef, cause: CloseCause) {
        let Some(stream) = self.net.stream(at) else {
            return;
        };
        let end = &mut stream.ends[usize::from(at.side)];
        let (who, id, phase) = (end.who, end.id, end.phase);
        let established = stream.ends[0].phase != Phase::Opening;
        if !established {
            // nobody else ever heard of it
            self.net.leave(at.other(), Phase::Gone);
        }
        self.net.leave(at, Phase::Gone);
        self.net.tidy(at);
        if matches!(phase, Phase::Opening | Phase::Open) && (established || at.side == 0) {
            self.give(who, Input::Closed { stream: id, cause });
        }
    }

    /// Puts something onto the wire from this end; it arrives behind everything that left before it.
    pub(super) fn send_item(&mut self, from: EndRef, later: Duration, what: What) {
        let Some(stream) = self.net.stream(from) else {
            return;
        };
        let (near, far) = stream.pair(from.side);
        let (here, there) = (near.who, far.who);
        let at = self.now + self.delay(here, there) + later;
        let at = match self.net.host(there).link.cutter {
            super::Cutter::Coalesced if matches!(what, What::Data(_)) => super::host::late(at),
            _ => at,
        };
        let Some(stream) = self.net.stream(from) else {
            return;
        };
        let (near, far) = stream.pair(from.side);
        let at = at.max(near.last_at);
        near.last_at = at;
        if let What::Data(data) = &what {
            far.in_flight += data.len();
        }
        // one look for all that arrives at a time
        let fresh = far.wire.back().is_none_or(|last| last.at != at);
        far.wire.push_back(Item { at, what });
        if fresh {
            self.push_net(at, NetEvent::Arrive(from.other()));
        }
    }
}
