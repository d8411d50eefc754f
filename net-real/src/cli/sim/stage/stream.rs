//! One TCP stream of an actor: a buffer of what it sends, a budget of what it reads, and its end.

use rustix::event::PollFlags;
use seedbed_engine::net::CloseCause;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// Bytes that may wait to be sent. The endless answers of trackers have 8 MiB; what is longer is a mistake.
const OUT_MAX: usize = 64 << 20;

/// Bytes that are read or written at a time.
const CHUNK: usize = 64 * 1024;

/// How long the end of the other side is awaited behind a FIN of ours. Until then what it sends is swallowed, since the
/// system answers unread bytes by a reset, which would destroy what we said last.
const LINGER: Duration = Duration::from_secs(3);

/// Something that happened to a stream.
#[derive(Debug)]
pub(super) enum Happened {
    Connected,
    Received(Vec<u8>),
    Sent(u64),
    Closed(CloseCause),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Connecting,
    Open,
    /// The actor has ended it, and hears no more of it.
    Ending(Instant),
    Over,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fin {
    No,
    Wanted,
    Sent,
}

pub(super) struct Stream {
    pub(super) socket: TcpStream,
    state: State,
    out: Vec<u8>,
    written: usize,
    budget: u64,
    fin: Fin,
}

impl Stream {
    pub(super) fn dialled(socket: TcpStream) -> Self {
        Self::new(socket, State::Connecting)
    }

    pub(super) fn accepted(socket: TcpStream) -> Self {
        Self::new(socket, State::Open)
    }

    const fn new(socket: TcpStream, state: State) -> Self {
        Self {
            socket,
            state,
            out: Vec::new(),
            written: 0,
            budget: 0,
            fin: Fin::No,
        }
    }

    /// Queues bytes; false when there are too many.
    pub(super) fn send(&mut self, data: &[u8]) -> bool {
        if self.fin == Fin::No && matches!(self.state, State::Connecting | State::Open) {
            self.out.extend_from_slice(data);
        }
        self.out.len() - self.written <= OUT_MAX
    }

    pub(super) const fn read(&mut self, budget: u64) {
        self.budget = self.budget.saturating_add(budget);
    }

    pub(super) const fn hold(&mut self) {
        self.budget = 0;
    }

    pub(super) const fn shutdown(&mut self) {
        self.fin = Fin::Wanted;
    }

    /// Ends it behind what was sent.
    pub(super) fn close(&mut self) {
        self.state = match self.state {
            State::Open | State::Ending(_) => State::Ending(Instant::now() + LINGER),
            State::Connecting | State::Over => State::Over,
        };
        self.fin = Fin::Wanted;
    }

    /// Breaks it: the system sends a reset when the socket is dropped.
    pub(super) fn reset(&mut self) {
        // without it the stream ends by a FIN, which is the next best
        let _ = socket2::SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
        self.state = State::Over;
    }

    pub(super) fn is_over(&self) -> bool {
        match self.state {
            State::Ending(until) => until <= Instant::now(),
            State::Connecting | State::Open => false,
            State::Over => true,
        }
    }

    /// What to wait for.
    pub(super) fn interests(&self) -> PollFlags {
        let writes = self.written < self.out.len() || self.fin == Fin::Wanted;
        let (reads, writes) = match self.state {
            State::Connecting => (false, true),
            State::Open => (self.budget > 0, writes),
            State::Ending(_) => (true, writes),
            State::Over => (false, false),
        };
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, reads);
        flags.set(PollFlags::OUT, writes);
        flags
    }

    /// Does what the socket is ready for.
    pub(super) fn turn(&mut self, ready: PollFlags, happened: &mut Vec<Happened>) {
        if self.state == State::Connecting {
            match self.socket.take_error() {
                Ok(None) if ready.contains(PollFlags::OUT) => {
                    self.state = State::Open;
                    happened.push(Happened::Connected);
                }
                Ok(None) => {}
                Ok(Some(error)) | Err(error) => self.broke(&error, happened),
            }
            return;
        }
        if ready.contains(PollFlags::OUT)
            && let Err(error) = self.write(happened)
        {
            return self.broke(&error, happened);
        }
        let broken = ready.intersects(PollFlags::ERR | PollFlags::HUP);
        if (ready.contains(PollFlags::IN) || broken)
            && let Err(error) = self.take(broken, happened)
        {
            self.broke(&error, happened);
        }
    }

    fn write(&mut self, happened: &mut Vec<Happened>) -> io::Result<()> {
        let end = self.out.len().min(self.written + CHUNK);
        if self.written < end {
            match self.socket.write(&self.out[self.written..end]) {
                Ok(count) => {
                    self.written += count;
                    if self.state == State::Open {
                        happened.push(Happened::Sent(count as u64));
                    }
                }
                Err(error) if is_not_ready(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
            if self.fin == Fin::Wanted {
                self.fin = Fin::Sent;
                self.socket.shutdown(Shutdown::Write)?;
            }
        }
        Ok(())
    }

    /// Reads as far as the budget goes. A stream that the other side broke is looked at without one.
    fn take(&mut self, broken: bool, happened: &mut Vec<Happened>) -> io::Result<()> {
        let mut buffer = [0; CHUNK];
        let open = self.state == State::Open;
        let room = if open {
            CHUNK.min(usize::try_from(self.budget).unwrap_or(CHUNK))
        } else {
            CHUNK
        };
        if room == 0 {
            if let (true, Some(error)) = (broken, self.socket.take_error()?) {
                return Err(error);
            }
            // both halves have ended, and nobody will read what is left
            if broken {
                self.ended(CloseCause::Eof, happened);
            }
            return Ok(());
        }
        match self.socket.read(&mut buffer[..room]) {
            Ok(0) => self.ended(CloseCause::Eof, happened),
            Ok(count) if open => {
                self.budget -= count as u64;
                happened.push(Happened::Received(buffer[..count].to_vec()));
            }
            Ok(_) => {}
            Err(error) if is_not_ready(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn broke(&mut self, error: &io::Error, happened: &mut Vec<Happened>) {
        self.ended(seedbed::close_cause(error), happened);
    }

    fn ended(&mut self, cause: CloseCause, happened: &mut Vec<Happened>) {
        if matches!(self.state, State::Connecting | State::Open) {
            happened.push(Happened::Closed(cause));
        }
        self.state = State::Over;
    }
}

pub(super) fn is_not_ready(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
