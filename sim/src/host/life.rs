//! The life of a process on its host: what happens by itself, sleep, death and coming back.

use super::EngineHost;
use crate::actor::{Cx, Input, Output};
use crate::scenario::Use;
use seedbed_engine::AddTorrent;
use seedbed_engine::disk::Root;
use seedbed_engine::id::ConnId;
use seedbed_engine::net::{CloseCause, DatagramFault, LookupError};
use seedbed_engine::time::{Duration, Instant};
use std::net::{IpAddr, SocketAddr};

/// Datagrams that a system keeps for a process that does not read.
const DATAGRAMS_HELD_MAX: usize = 64;

/// How long a process is gone if nobody says: systems restart services at once.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// Something that happens to a host by itself.
#[derive(Clone, Debug)]
pub(super) enum Job {
    /// A fault begins (true) or ends.
    Fault(Use, bool),
    /// The process starts again.
    Restart,
    /// The machine wakes.
    Wake,
}

/// Something that arrived while the machine slept.
#[derive(Clone, Debug)]
pub(super) enum Held {
    Accepted(ConnId, SocketAddr),
    Connected(ConnId),
    Received(ConnId, Vec<u8>),
    Sent(ConnId, u64),
    Closed(ConnId, CloseCause),
    Datagram(SocketAddr, Vec<u8>),
    Multicast(SocketAddr, SocketAddr, Vec<u8>),
    DatagramError(SocketAddr, DatagramFault),
    Resolved(u64, Result<Vec<IpAddr>, LookupError>),
}

impl EngineHost {
    /// The torrent as the user adds it, with the peers that the user names.
    pub(super) fn torrent_to_add(&self, peers: Vec<SocketAddr>) -> AddTorrent {
        AddTorrent {
            peers,
            super_seed: self.super_seeds,
            ..AddTorrent::new(self.source(), Root(b"/download".as_slice().into()), self.purpose)
        }
    }

    pub(super) fn plan(&mut self, at: Instant, job: Job) {
        self.scheduled += 1;
        self.schedule.insert((at, self.scheduled), job);
    }

    /// Does what is due by itself.
    pub(super) fn run_schedule(&mut self, cx: &mut Cx<'_>) {
        // what was asked for before the host starts waits for that
        while self.started
            && let Some(entry) = self.schedule.first_entry()
            && entry.key().0 <= cx.now
        {
            match entry.remove() {
                Job::Fault(what, begins) => {
                    self.fault(cx, &what, begins);
                }
                Job::Restart if self.engine.is_none() => self.start(cx),
                Job::Wake => self.wake(cx),
                Job::Restart => {}
            }
        }
    }

    /// A fault of the description: at its time, or at once; for its duration, or for ever.
    pub(super) fn begin_or_plan(&mut self, cx: &mut Cx<'_>, what: &Use) {
        let at = cx.now + what.duration("when").unwrap_or(Duration::ZERO);
        if let Some(lasts) = what.duration("for") {
            self.plan(at + lasts, Job::Fault(what.clone(), false));
        }
        if at > cx.now {
            self.plan(at, Job::Fault(what.clone(), true));
        } else {
            self.fault(cx, what, true);
        }
    }

    /// Whether the next action is one too many.
    pub(super) fn crashes_here(&self) -> bool {
        let due = |(at, how): &(u64, Use)| how.count("event").is_none() && self.actions >= *at;
        self.crash_at.as_ref().is_some_and(due)
    }

    /// Whether the next event is.
    pub(super) fn crashes_before_event(&self) -> bool {
        let due = |(at, how): &(u64, Use)| how.count("event").is_some() && self.events >= *at;
        self.engine.is_some() && self.crash_at.as_ref().is_some_and(due)
    }

    /// A death that was planned and has not come does not come any more.
    pub(crate) fn crashes_no_more(&mut self) {
        self.crash_at = None;
    }

    pub(super) fn crash_now(&mut self, cx: &mut Cx<'_>) {
        if let Some((_, how)) = self.crash_at.take() {
            self.crash(cx, &how);
            self.plan_restart(cx.now, &how);
        }
    }

    pub(super) fn plan_restart(&mut self, now: Instant, how: &Use) {
        if !how.flag("stays-down") {
            let after = how.duration("down").unwrap_or(RESTART_AFTER);
            self.plan(now + after, Job::Restart);
        }
    }

    /// The process dies; with `power-loss` the whole machine does.
    pub(super) fn crash(&mut self, cx: &mut Cx<'_>, how: &Use) {
        let Some(engine) = self.engine.take() else { return };
        self.end_journal();
        let power = how.name.starts_with("power-loss");
        if power {
            self.note_cut(cx.now, &engine);
        }
        if let Some(watch) = &mut self.watch {
            watch.restarted(engine.marks(), power);
        }
        cx.marks.hit(if power { "power-loss" } else { "crash" });
        self.disk.die(cx.now, cx.marks);
        let streams: Vec<ConnId> = self.streams.keys().map(|conn| self.outside(*conn)).collect();
        self.streams.clear();
        if power {
            let loss = self.disk.loss(how);
            self.disk.lose_power(loss, cx.marks);
            // nobody is told: the others wait, until the machine is back and knows nothing of their streams
            self.stale.extend(streams);
        } else {
            cx.out
                .extend(streams.into_iter().map(|stream| Output::Reset { stream }));
        }
        self.soon.clear();
        self.held = None;
        self.asleep = false;
        self.life += 1;
        self.crashes += 1;
        self.say(
            cx,
            if power {
                "the power goes"
            } else {
                "the process dies"
            },
        );
    }

    /// The machine sleeps, or its process alone is stopped: what arrives on open streams waits.
    pub(super) fn suspend(&mut self, cx: &mut Cx<'_>, lasts: Duration, asleep: bool) {
        if self.is_running() {
            cx.marks.hit(if asleep { "suspend" } else { "freeze" });
            self.held = Some(Vec::new());
            self.asleep = asleep;
            self.plan(cx.now + lasts, Job::Wake);
            self.say(
                cx,
                if asleep {
                    "the machine sleeps"
                } else {
                    "the process is stopped"
                },
            );
        }
    }

    pub(super) fn hold(&mut self, cx: &mut Cx<'_>, input: Input<'_>) {
        let Some(held) = &mut self.held else { return };
        let datagrams = || {
            held.iter()
                .filter(|held| matches!(held, Held::Datagram(..) | Held::Multicast(..)))
                .count()
        };
        let input = match input {
            // the wake comes from the schedule, and says that the network may have changed
            Input::Start | Input::Tick | Input::NetworkChanged => return,
            Input::Accepted { stream, .. } if self.asleep => {
                cx.out.push(Output::Reset { stream });
                return;
            }
            Input::Datagram { .. } | Input::Multicast { .. } | Input::DatagramError { .. } if self.asleep => {
                cx.marks.hit("suspend-drops-datagram");
                return;
            }
            Input::Datagram { .. } | Input::Multicast { .. } if datagrams() >= DATAGRAMS_HELD_MAX => {
                cx.marks.hit("freeze-drops-datagram");
                return;
            }
            Input::Accepted { stream, from } => Held::Accepted(stream, from),
            Input::Connected { stream } => Held::Connected(stream),
            Input::Received { stream, data } => Held::Received(stream, data.to_vec()),
            Input::Sent { stream, bytes } => Held::Sent(stream, bytes),
            Input::Closed { stream, cause } => Held::Closed(stream, cause),
            Input::Datagram { from, data } => Held::Datagram(from, data.to_vec()),
            Input::Multicast { to, from, data } => Held::Multicast(to, from, data.to_vec()),
            Input::DatagramError { to, fault } => Held::DatagramError(to, fault),
            Input::Resolved { lookup, result } => Held::Resolved(lookup, result),
        };
        held.push(input);
    }

    /// The machine is awake: its time has jumped, timers are over, and what waited is delivered.
    fn wake(&mut self, cx: &mut Cx<'_>) {
        let Some(held) = self.held.take() else { return };
        self.say(
            cx,
            if self.asleep {
                "the machine wakes"
            } else {
                "the process goes on"
            },
        );
        if let Some(watch) = &mut self.watch {
            watch.slept(cx.now);
        }
        self.happen(cx, Input::Tick);
        if core::mem::take(&mut self.asleep) {
            self.happen(cx, Input::NetworkChanged);
        }
        for held in held {
            let input = match &held {
                Held::Accepted(stream, from) => Input::Accepted {
                    stream: *stream,
                    from: *from,
                },
                Held::Connected(stream) => Input::Connected { stream: *stream },
                Held::Received(stream, data) => Input::Received {
                    stream: *stream,
                    data,
                },
                Held::Sent(stream, bytes) => Input::Sent {
                    stream: *stream,
                    bytes: *bytes,
                },
                Held::Closed(stream, cause) => Input::Closed {
                    stream: *stream,
                    cause: cause.clone(),
                },
                Held::Datagram(from, data) => Input::Datagram { from: *from, data },
                Held::Multicast(to, from, data) => Input::Multicast {
                    to: *to,
                    from: *from,
                    data,
                },
                Held::DatagramError(to, fault) => Input::DatagramError {
                    to: *to,
                    fault: *fault,
                },
                Held::Resolved(lookup, result) => Input::Resolved {
                    lookup: *lookup,
                    result: result.clone(),
                },
            };
            self.happen(cx, input);
            self.pump(cx);
        }
    }
}
