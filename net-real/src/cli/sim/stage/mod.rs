//! Gives an actor of the simulator real sockets and real time: whatever is an [`Actor`] can stand beside real clients.
//!
//! One thread, one `poll`. It listens and dials on loopback alone: what models do wrong is meant for clients of this
//! machine, and for nobody else.

mod datagrams;
mod story;
mod stream;

use crate::cli::console::Console;
use crate::cli::failure::Failure;
use datagrams::{Datagrams, is_local};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use seedbed::sockets::Sockets;
use seedbed_engine::id::ConnId;
use seedbed_engine::net::{CloseCause, LookupError};
use seedbed_engine::time::{Duration, Instant};
use seedbed_sim::actor::{Actor, Cx, Input, Output};
use seedbed_sim::marks::Marks;
use seedbed_sim::timeline::Arrow;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use story::Story;
use stream::{Happened, Stream};

/// Streams at a time; more wait to be accepted, and dialling fails.
const STREAMS_MAX: usize = 512;

/// Longest wait: a signal is noticed by looking.
const WAIT_MAX: std::time::Duration = std::time::Duration::from_millis(50);

/// Ticks in a row after which an actor whose deadline does not move has to wait for the next turn.
const TICKS_MAX: usize = 1_000;

/// Sockets before their actor: it has to know its port.
pub(in crate::cli::sim) struct Doors {
    sockets: Sockets,
    ip: IpAddr,
    port: u16,
    listener: Option<TcpListener>,
    datagrams: Option<Datagrams>,
}

impl Doors {
    /// Listens for streams, and takes datagrams at the same port if that is asked for.
    pub(in crate::cli::sim) fn open(at: SocketAddr, datagrams: bool) -> Result<Self, Failure> {
        let sockets = Sockets::new(Some(at.ip()), None);
        let failed =
            |error: io::Error| Failure::network(format_args!("{at} cannot be listened at: {error}."));
        let mut listeners = sockets
            .listen(at.port())
            .map_err(|error| Failure::network(format_args!("{error}.")))?;
        // one address, so one listener
        let Some(listener) = listeners.pop() else {
            return Err(failed(io::ErrorKind::AddrNotAvailable.into()));
        };
        let port = listener.local_addr().map_err(failed)?.port();
        let opened = datagrams.then(|| Datagrams::open(&sockets, port));
        Ok(Self {
            sockets,
            ip: at.ip(),
            port,
            listener: Some(listener),
            datagrams: opened.transpose().map_err(failed)?,
        })
    }

    /// Where it is reached.
    pub(in crate::cli::sim) const fn addr(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.port)
    }
}

/// An actor on real sockets.
pub(in crate::cli::sim) struct Stage<'a, A> {
    pub(in crate::cli::sim) actor: A,
    pub(in crate::cli::sim) marks: Marks,
    doors: Doors,
    began: std::time::Instant,
    streams: BTreeMap<ConnId, Stream>,
    accepted: u64,
    /// What happened to streams and was not told to the actor yet.
    happened: VecDeque<(ConnId, Happened)>,
    story: Story<'a>,
}

impl<'a, A: Actor> Stage<'a, A> {
    pub(in crate::cli::sim) fn new(actor: A, name: &str, doors: Doors, console: &'a Console) -> Self {
        Self {
            actor,
            marks: Marks::default(),
            doors,
            began: std::time::Instant::now(),
            streams: BTreeMap::new(),
            accepted: 0,
            happened: VecDeque::new(),
            story: Story::new(console, name.into()),
        }
    }

    /// The actor's time.
    pub(in crate::cli::sim) fn now(&self) -> Instant {
        Instant::START + self.began.elapsed()
    }

    /// Plays until the time is over or somebody asks for the end.
    pub(in crate::cli::sim) fn play(&mut self, lasts: Duration, stop: &AtomicBool) -> Result<(), Failure> {
        let end = Instant::START + lasts;
        self.give(Input::Start)?;
        while self.now() < end && !stop.load(Ordering::Relaxed) {
            self.tick()?;
            self.turn_port()?;
            let ready = self.wait(end)?;
            for (whom, flags) in ready {
                match whom {
                    Whom::Listener => self.accept()?,
                    Whom::Datagrams => self.take_datagrams()?,
                    Whom::Stream(id) => self.turn_stream(id, flags)?,
                }
            }
            self.tell_happened()?;
            self.streams.retain(|_, stream| !stream.is_over());
        }
        Ok(())
    }

    fn tick(&mut self) -> Result<(), Failure> {
        for _ in 0..TICKS_MAX {
            let now = self.now();
            if self.actor.deadline().is_none_or(|at| at > now) {
                break;
            }
            self.give(Input::Tick)?;
            self.tell_happened()?;
        }
        Ok(())
    }

    /// Opens or closes the port of streams as the actor has it.
    fn turn_port(&mut self) -> Result<(), Failure> {
        let failed =
            |error: io::Error| Failure::network(format_args!("The port cannot be opened again: {error}."));
        match (self.actor.port().is_some(), &self.doors.listener) {
            (false, Some(_)) => self.doors.listener = None,
            (true, None) => {
                let listeners = self.doors.sockets.listen(self.doors.port);
                let listeners = listeners.map_err(|error| Failure::network(format_args!("{error}.")))?;
                self.doors.listener = listeners.into_iter().next();
            }
            (true, Some(_)) | (false, None) => {}
        }
        match &mut self.doors.datagrams {
            Some(datagrams) => datagrams.turn().map_err(failed),
            None => Ok(()),
        }
    }

    /// Waits until something is ready, or the actor's deadline.
    fn wait(&self, end: Instant) -> Result<Vec<(Whom, PollFlags)>, Failure> {
        let mut whom = Vec::new();
        let mut fds = Vec::new();
        if let Some(listener) = self.doors.listener.as_ref().filter(|_| self.has_room()) {
            whom.push(Whom::Listener);
            fds.push(PollFd::new(listener, PollFlags::IN));
        }
        if let Some(socket) = self.doors.datagrams.as_ref().and_then(Datagrams::socket) {
            whom.push(Whom::Datagrams);
            fds.push(PollFd::new(socket, PollFlags::IN));
        }
        for (id, stream) in &self.streams {
            whom.push(Whom::Stream(*id));
            fds.push(PollFd::new(&stream.socket, stream.interests()));
        }
        let now = self.now();
        let next = self.actor.deadline().map_or(end, |at| at.min(end));
        let wait = std::time::Duration::from_micros(next.since(now).as_micros() as u64).min(WAIT_MAX);
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(wait.subsec_nanos()),
        };
        match poll(&mut fds, Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                return Err(Failure::other(format_args!(
                    "Sockets cannot be waited for: {error}."
                )));
            }
        }
        let flags = fds.iter().map(PollFd::revents);
        let ready = whom.into_iter().zip(flags);
        Ok(ready.filter(|(_, flags)| !flags.is_empty()).collect())
    }

    fn has_room(&self) -> bool {
        self.streams.len() < STREAMS_MAX
    }

    fn accept(&mut self) -> Result<(), Failure> {
        while let Some(listener) = self.doors.listener.as_ref().filter(|_| self.has_room()) {
            // nothing is left, or who came has gone
            let Ok((socket, from)) = listener.accept() else {
                break;
            };
            if socket.set_nonblocking(true).is_err() || !is_local(from.ip()) {
                continue;
            }
            // answers of a few bytes do not wait for others; without it they only come later
            let _ = socket.set_nodelay(true);
            self.accepted += 1;
            let stream = ConnId::accepted(self.accepted);
            self.streams.insert(stream, Stream::accepted(socket));
            let now = self.now();
            self.story
                .stream(now, Arrow::In, stream, format!("accepted {from}"))?;
            self.give(Input::Accepted { stream, from })?;
        }
        Ok(())
    }

    fn take_datagrams(&mut self) -> Result<(), Failure> {
        let taken = self.doors.datagrams.as_ref().map(Datagrams::take);
        for (from, data) in taken.unwrap_or_default() {
            if is_local(from.ip()) {
                self.give(Input::Datagram { from, data: &data })?;
            }
        }
        Ok(())
    }

    fn turn_stream(&mut self, id: ConnId, ready: PollFlags) -> Result<(), Failure> {
        let mut happened = Vec::new();
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.turn(ready, &mut happened);
        }
        self.happened.extend(happened.into_iter().map(|what| (id, what)));
        self.tell_happened()
    }

    fn tell_happened(&mut self) -> Result<(), Failure> {
        while let Some((stream, what)) = self.happened.pop_front() {
            let now = self.now();
            match what {
                Happened::Connected => {
                    self.story.stream(now, Arrow::Both, stream, "connected")?;
                    self.give(Input::Connected { stream })?;
                }
                Happened::Received(data) => self.give(Input::Received { stream, data: &data })?,
                Happened::Sent(bytes) => self.give(Input::Sent { stream, bytes })?,
                Happened::Closed(cause) => {
                    let text = format!("closed by the other: {}", word(&cause));
                    self.story.stream(now, Arrow::In, stream, text)?;
                    self.give(Input::Closed { stream, cause })?;
                }
            }
        }
        Ok(())
    }

    /// Gives something to the actor and carries out what it wants.
    fn give(&mut self, input: Input<'_>) -> Result<(), Failure> {
        let (mut out, mut lines) = (Vec::new(), Vec::new());
        let mut cx = Cx {
            now: self.now(),
            ip: self.doors.ip,
            out: &mut out,
            marks: &mut self.marks,
            lines: &mut lines,
        };
        self.actor.handle(&mut cx, input);
        for line in &lines {
            self.story.tell(line)?;
        }
        out.into_iter().try_for_each(|output| self.carry_out(output))
    }

    fn carry_out(&mut self, output: Output) -> Result<(), Failure> {
        match output {
            Output::Connect { stream, to } => return self.connect(stream, to),
            Output::Send { stream, data } => {
                if let Some(of) = self.streams.get_mut(&stream)
                    && !of.send(&data)
                {
                    of.reset();
                    let cause = CloseCause::Local("too much waits to be sent".into());
                    self.happened.push_back((stream, Happened::Closed(cause)));
                }
            }
            Output::Read { stream, budget } => self.with(stream, |stream| stream.read(budget)),
            Output::Hold { stream } => self.with(stream, Stream::hold),
            Output::Shutdown { stream } => self.with(stream, Stream::shutdown),
            Output::Close { stream } => {
                self.story.stream(self.now(), Arrow::Out, stream, "closes")?;
                self.with(stream, Stream::close);
            }
            Output::Reset { stream } => {
                self.story.stream(self.now(), Arrow::Out, stream, "resets")?;
                self.with(stream, Stream::reset);
            }
            Output::Datagram { to, from, data } => {
                let sent = self.doors.datagrams.as_ref().map(|own| own.send(to, from, &data));
                if let Some(Err(error)) = sent {
                    tracing::debug!("datagram to {to}: {error}");
                }
            }
            Output::Refuse { .. } => {
                if let Some(datagrams) = &mut self.doors.datagrams {
                    datagrams.refuse();
                }
            }
            Output::Resolve { lookup, .. } => {
                let result = Err(LookupError("no names here".into()));
                return self.give(Input::Resolved { lookup, result });
            }
        }
        Ok(())
    }

    fn with(&mut self, stream: ConnId, what: impl FnOnce(&mut Stream)) {
        if let Some(stream) = self.streams.get_mut(&stream) {
            what(stream);
        }
    }

    fn connect(&mut self, stream: ConnId, to: SocketAddr) -> Result<(), Failure> {
        self.story
            .stream(self.now(), Arrow::Out, stream, format!("dials {to}"))?;
        let dialled = if is_local(to.ip()) && self.has_room() {
            self.doors.sockets.connect(to)
        } else {
            Err(io::ErrorKind::AddrNotAvailable.into())
        };
        match dialled {
            Ok(socket) => {
                self.streams.insert(stream, Stream::dialled(socket));
            }
            Err(error) => {
                let cause = seedbed::close_cause(&error);
                self.happened.push_back((stream, Happened::Closed(cause)));
            }
        }
        Ok(())
    }
}

/// What a wait was for.
#[derive(Clone, Copy, Debug)]
enum Whom {
    Listener,
    Datagrams,
    Stream(ConnId),
}

/// How a stream ended, in a word.
fn word(cause: &CloseCause) -> String {
    match cause {
        CloseCause::Eof => "end".into(),
        CloseCause::Reset => "reset".into(),
        CloseCause::Refused => "refused".into(),
        CloseCause::TimedOut => "timed out".into(),
        CloseCause::Unreachable | CloseCause::Tls(_) | CloseCause::Local(_) | CloseCause::Other(_) => {
            cause.to_string()
        }
    }
}

/// An address of this machine, as a flag.
pub(in crate::cli::sim) fn loopback(text: &str) -> Result<SocketAddr, String> {
    let addr: SocketAddr = text
        .parse()
        .map_err(|_| "use an address and a port, such as 127.0.0.1:0".to_owned())?;
    if is_local(addr.ip()) {
        return Ok(addr);
    }
    Err("only addresses of this machine will do (127.0.0.0/8 or ::1): this is for clients under test".into())
}

/// Becomes true at the first SIGINT or SIGTERM.
pub(in crate::cli::sim) fn stop_at_signal() -> Result<Arc<AtomicBool>, Failure> {
    use async_signal::{Signal, Signals};
    use smol::stream::StreamExt as _;
    let mut signals = Signals::new([Signal::Int, Signal::Term])
        .map_err(|error| Failure::other(format_args!("Signals cannot be watched: {error}.")))?;
    let stop = Arc::new(AtomicBool::new(false));
    let told = stop.clone();
    let watch = move || {
        smol::block_on(signals.next());
        told.store(true, Ordering::Relaxed);
    };
    let thread = std::thread::Builder::new().name("signals".into()).spawn(watch);
    let _detached =
        thread.map_err(|error| Failure::other(format_args!("No thread for signals: {error}.")))?;
    Ok(stop)
}
