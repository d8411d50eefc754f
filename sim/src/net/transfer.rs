//! How bytes get from one end of a stream to the other, and how its ends hear of its end.

use crate::actor::Input;
use crate::net::NetEvent;
use crate::net::host::Cutter;
use crate::net::outage::Crash;
use crate::net::stream::{EndRef, Phase, What};
use crate::world::{ActorId, World};
use seedbed_engine::id::ConnId;
use seedbed_engine::net::CloseCause;
use seedbed_engine::time::Duration;

/// How long a system waits before it sends again what was lost, the first time; each time doubles it (Linux's
/// `TCP_RTO_MIN`).
pub(super) const RTO: Duration = Duration::from_millis(200);
/// After so many losses in a row it gives the stream up. Linux allows 15; 9 take 102 s.
pub(super) const LOSSES_MAX: u32 = 9;

impl World {
    /// Lets go of this end what can go: bytes of the send buffer, then the FIN.
    pub(super) fn pump(&mut self, at: EndRef) {
        loop {
            let Some(stream) = self.net.stream(at) else {
                return;
            };
            let dead = stream.dead;
            let (near, far) = stream.pair(at.side);
            let idle = near.waiting == 0 && (!near.fin || near.fin_left);
            if idle
                || matches!(near.phase, Phase::Opening | Phase::Gone)
                || near.flowing
                || near.stalled.is_some()
            {
                return;
            }
            let (here, there, waiting) = (near.who, far.who, near.waiting);
            let used = match far.phase {
                Phase::Opening | Phase::Open => far.in_flight + far.unread(),
                Phase::Lingering | Phase::Gone => 0,
            };
            if dead || self.lost(here, there) {
                self.stall(at, 0);
                return;
            }
            if waiting == 0 {
                self.send_item(at, Duration::ZERO, What::Fin);
                self.fin_left(at);
                return;
            }
            let room = (self.net.host(there).link.spec.receive as usize).saturating_sub(used);
            if room == 0 {
                self.marks.hit("zero-window");
                if let Some(end) = self.net.end(at) {
                    end.starved = true;
                }
                return;
            }
            if self.net.host_of(here).link.spec.up != 0 || self.net.host_of(there).link.spec.down != 0 {
                self.start_flow(at, here, there, room.min(waiting));
                return;
            }
            self.depart(at, room);
        }
    }

    /// A transmission is through: its bytes are on their way.
    pub(super) fn flow_through(&mut self, at: EndRef, count: usize) {
        let Some(stream) = self.net.stream(at) else {
            return;
        };
        let (near, far) = stream.pair(at.side);
        let (here, there) = (near.who, far.who);
        if self.net.stream(at).is_some_and(|stream| !stream.dead) && !self.lost(here, there) {
            self.depart(at, count);
        }
        self.pump(at);
    }

    fn fin_left(&mut self, at: EndRef) {
        if let Some(end) = self.net.end(at) {
            end.fin_left = true;
            if end.phase == Phase::Lingering {
                self.net.leave(at, Phase::Gone);
                self.net.tidy(at);
            }
        }
    }

    /// Up to so many bytes leave the send buffer for the wire.
    pub(super) fn depart(&mut self, at: EndRef, count: usize) {
        let Some(stream) = self.net.stream(at) else {
            return;
        };
        let (near, far) = stream.pair(at.side);
        let (here, there) = (near.who, far.who);
        let mut reset = false;
        let mut data = near.take_unsent(count);
        if let Some(left) = &mut near.reset_after {
            let allowed = usize::try_from(*left).unwrap_or(usize::MAX);
            reset = data.len() >= allowed;
            data.truncate(allowed);
            *left -= data.len() as u64;
        }
        let tell = near.untold == 0 && near.phase == Phase::Open && !data.is_empty();
        near.untold += data.len() as u64;
        if tell {
            self.push_net(self.now, NetEvent::Sent(at));
        }
        let Some(later) = self.losses(at, here, there) else {
            return;
        };
        if !data.is_empty() {
            self.send_item(at, later, What::Data(data));
        }
        if reset {
            self.marks.hit("reset-after");
            self.break_both(at);
        } else if !self.net.outages.is_empty() && self.cut(there, here) {
            // it arrives, but nobody ever hears that it did
            self.stall(at, 0);
        }
    }

    /// How much later something arrives since it was lost on its way, perhaps several times. None: it never does.
    fn losses(&mut self, at: EndRef, here: ActorId, there: ActorId) -> Option<Duration> {
        let (near, far) = (
            self.net.host_of(here).link.spec.loss,
            self.net.host_of(there).link.spec.loss,
        );
        let mut later = Duration::ZERO;
        if near == 0 && far == 0 {
            return Some(later);
        }
        for k in 0..LOSSES_MAX {
            let path = self.path(here, there);
            if !(path.thousandths(near) | path.thousandths(far)) {
                return Some(later);
            }
            self.marks.hit("lossy");
            later += RTO * (1 << k);
        }
        // lost each time: this stream is over, as its sender finds out by the same schedule
        if let Some(stream) = self.net.stream(at) {
            stream.dead = true;
        }
        self.stall(at, 0);
        None
    }

    /// What was sent got lost for the n-th time after the first.
    fn stall(&mut self, at: EndRef, tries: u32) {
        if let Some(end) = self.net.end(at) {
            end.stalled = Some(tries);
            self.push_net(self.now + RTO * (1 << tries), NetEvent::Retry(at));
        }
    }

    /// Whether what goes from here to there gets lost for sure.
    fn lost(&mut self, here: ActorId, there: ActorId) -> bool {
        self.net.host(there).down == Some(Crash::Silent) || self.cut(here, there)
    }

    /// The system sends again.
    pub(super) fn retry(&mut self, at: EndRef) {
        let Some(stream) = self.net.stream(at) else {
            return;
        };
        let dead = stream.dead;
        let (near, far) = stream.pair(at.side);
        let (here, there, gone) = (near.who, far.who, far.phase == Phase::Gone);
        let Some(tries) = near.stalled.take() else {
            return;
        };
        if dead || self.lost(here, there) || self.cut(there, here) {
            self.marks.hit("stream-stalled");
            if tries + 1 < LOSSES_MAX {
                self.stall(at, tries + 1);
            } else {
                self.marks.hit("stream-timed-out");
                self.fail(at, CloseCause::TimedOut);
            }
            return;
        }
        if gone {
            self.answer_nobody(at.other());
        }
        self.pump(at);
    }

    /// Tells the actor what has left.
    pub(super) fn tell_sent(&mut self, at: EndRef) {
        if let Some(end) = self.net.end(at).filter(|end| end.phase == Phase::Open) {
            let (who, stream, bytes) = (end.who, end.id, std::mem::take(&mut end.untold));
            if bytes > 0 {
                self.give(who, Input::Sent { stream, bytes });
            }
        }
    }

    /// What is due on the wire arrives.
    pub(super) fn arrive(&mut self, at: EndRef) {
        let Some(stream) = self.net.stream(at) else {
            return;
        };
        let (near, far) = stream.pair(at.side);
        let (here, there) = (near.who, far.who);
        if self.clogged(there, here) {
            return;
        }
        loop {
            let now = self.now;
            let Some(end) = self.net.end(at) else { return };
            if end.wire.front().is_none_or(|item| item.at > now) {
                break;
            }
            match end.wire.pop_front().map(|item| item.what) {
                Some(What::Hello) => self.accept(at),
                Some(What::Data(data)) => {
                    end.in_flight -= data.len();
                    match end.phase {
                        Phase::Open | Phase::Opening => end.receive(data),
                        Phase::Lingering => {}
                        Phase::Gone => self.answer_nobody(at),
                    }
                }
                Some(What::Fin) => {
                    end.end.get_or_insert(CloseCause::Eof);
                }
                Some(What::Reset) => self.broken(at, CloseCause::Reset),
                None => {}
            }
        }
        self.read_end(at);
        self.net.tidy(at);
    }

    /// Data came to an end at which nobody is.
    fn answer_nobody(&mut self, at: EndRef) {
        let Some(stream) = self.net.stream(at) else {
            return;
        };
        let dead = stream.dead;
        let (near, far) = stream.pair(at.side);
        if far.phase == Phase::Gone {
            return;
        }
        let (here, stalled) = (near.who, far.stalled.is_some());
        if dead {
            return;
        }
        if self.net.host(here).down == Some(Crash::Silent) {
            if !stalled {
                self.stall(at.other(), 0);
            }
        } else {
            self.marks.hit("stream-unknown");
            self.send_item(at, Duration::ZERO, What::Reset);
        }
    }

    /// An end hears that its stream is broken.
    pub(super) fn broken(&mut self, at: EndRef, cause: CloseCause) {
        let Some(end) = self.net.end(at) else { return };
        end.drop_unsent();
        end.stalled = None;
        end.flowing = false;
        end.end = Some(cause);
        end.broken = true;
        let gone = end.phase == Phase::Lingering;
        self.net.flows.remove(at);
        if gone {
            self.net.leave(at, Phase::Gone);
        }
    }

    /// Both ends get a reset, as if it came from between them.
    pub(super) fn break_both(&mut self, at: EndRef) {
        for end in [at, at.other()] {
            if let Some(end) = self.net.end(end) {
                end.drop_unsent();
            }
            self.send_item(end, Duration::ZERO, What::Reset);
        }
        if let Some(stream) = self.net.stream(at) {
            stream.dead = true;
        }
    }

    /// Looks soon whether bytes can be delivered.
    pub(super) fn look(&mut self, at: EndRef) {
        if let Some(end) = self.net.end(at)
            && !end.readable
            && (end.unread() > 0 || end.end.is_some())
        {
            end.readable = true;
            self.push_net(self.now, NetEvent::Readable(at));
        }
    }

    /// Looks now, for who knows the stream by its number.
    pub(crate) fn read(&mut self, id: ActorId, stream: ConnId) {
        if let Some(at) = self.net.ends.get(&(id, stream)).copied() {
            self.read_end(at);
        }
    }

    /// Gives the actor what has arrived, as far as its budget goes, and the end behind it.
    pub(super) fn read_end(&mut self, at: EndRef) {
        while let Some((who, id, bytes)) = self.next_read(at) {
            let data = &bytes;
            self.give(who, Input::Received { stream: id, data });
        }
        let Some(end) = self.net.end(at) else { return };
        end.readable = false;
        if end.phase != Phase::Open {
            return;
        }
        let (who, stream) = (end.who, end.id);
        if let Some(cause) = end.take_end() {
            self.ended(at, &cause);
            self.give(who, Input::Closed { stream, cause });
            return;
        }
        self.reopen_window(at);
    }

    /// The next bytes for an actor.
    fn next_read(&mut self, at: EndRef) -> Option<(ActorId, ConnId, Vec<u8>)> {
        let stream = self.net.stream(at)?;
        let (near, far) = stream.pair(at.side);
        let (here, there) = (near.who, far.who);
        if near.phase != Phase::Open || near.unread() == 0 || near.budget == 0 {
            return None;
        }
        let cutter = self.net.host_of(here).link.cutter;
        let most = self.net.end(at)?.next_read(cutter);
        let count = match cutter {
            Cutter::Random => {
                1 + self
                    .path(there, here)
                    .cuts
                    .below(u32::try_from(most).unwrap_or(u32::MAX)) as usize
            }
            Cutter::Whole | Cutter::One | Cutter::Mss | Cutter::Coalesced => most,
        };
        self.mark_cut(cutter);
        let end = self.net.end(at)?;
        Some((here, end.id, end.read(count)))
    }

    fn mark_cut(&mut self, cutter: Cutter) {
        match cutter {
            Cutter::Whole => {}
            Cutter::One => self.marks.hit("one-byte-reads"),
            Cutter::Random => self.marks.hit("random-reads"),
            Cutter::Mss => self.marks.hit("segment-reads"),
            Cutter::Coalesced => self.marks.hit("coalesced-reads"),
        }
    }

    /// Tells the other end that there is room again, once it is worth it.
    fn reopen_window(&mut self, at: EndRef) {
        let Some(stream) = self.net.stream(at) else {
            return;
        };
        let (near, far) = stream.pair(at.side);
        if !far.starved {
            return;
        }
        let (here, there, used) = (near.who, far.who, near.in_flight + near.unread());
        let max = self.net.host(here).link.spec.receive as usize;
        // a smaller announcement would be a silly window (RFC 9293, 3.8.6.2)
        if used <= max - max.div_ceil(4) {
            if let Some(end) = self.net.end(at.other()) {
                end.starved = false;
            }
            let delay = self.delay(here, there);
            self.push_net(self.now + delay, NetEvent::Window(at.other()));
        }
    }

    /// The actor has heard of the end, or is about to: what it had sent still leaves, unless the stream is broken.
    fn ended(&mut self, at: EndRef, cause: &CloseCause) {
        if *cause == CloseCause::Eof && self.net.end(at).is_some_and(|end| !end.broken) {
            self.close(at);
        } else {
            self.net.leave(at, Phase::Gone);
            self.net.tidy(at);
        }
    }

    /// See [`Output::Close`](crate::actor::Output::Close).
    pub(super) fn close(&mut self, at: EndRef) {
        let Some(end) = self.net.end(at) else { return };
        if end.phase == Phase::Opening {
            // the answer to the SYN finds nobody
            self.net.leave(at, Phase::Gone);
            self.net.leave(at.other(), Phase::Gone);
            self.net.tidy(at);
            return;
        }
        let fin_left = end.fin_left;
        end.fin = true;
        self.net.leave(at, Phase::Lingering);
        if fin_left {
            self.net.leave(at, Phase::Gone);
        }
        self.reopen_closed(at);
        self.pump(at);
        self.net.tidy(at);
    }

    /// See [`Output::Reset`](crate::actor::Output::Reset).
    pub(super) fn reset(&mut self, at: EndRef) {
        let Some(end) = self.net.end(at) else { return };
        if end.phase == Phase::Opening {
            self.close(at);
            return;
        }
        self.send_reset(at);
        self.net.leave(at, Phase::Gone);
        self.reopen_closed(at);
        self.net.tidy(at);
    }

    /// A reset leaves, and nobody sends it again when it is lost.
    fn send_reset(&mut self, at: EndRef) {
        let Some(stream) = self.net.stream(at) else {
            return;
        };
        let dead = stream.dead;
        let (near, far) = stream.pair(at.side);
        let (here, there) = (near.who, far.who);
        if !dead && !self.lost(here, there) {
            self.send_item(at, Duration::ZERO, What::Reset);
        }
    }

    /// Nobody reads here any more: who waited for room need not wait.
    fn reopen_closed(&mut self, at: EndRef) {
        let Some(stream) = self.net.stream(at) else {
            return;
        };
        let (near, far) = stream.pair(at.side);
        if far.starved {
            let (here, there) = (near.who, far.who);
            let delay = self.delay(here, there);
            self.push_net(self.now + delay, NetEvent::Window(at.other()));
        }
    }

    /// The actor's own system ends a stream: the other end gets a reset. False when it was not there.
    pub(crate) fn forget(&mut self, id: ActorId, stream: ConnId) -> bool {
        let at = self.net.ends.get(&(id, stream)).copied();
        at.inspect(|at| self.reset(*at)).is_some()
    }
}
