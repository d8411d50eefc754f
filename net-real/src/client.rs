//! The public face: owns an engine and everything that carries out its actions.

use crate::clock::Clock;
use crate::dns::Dns;
use crate::driver::{Alarm, Driver, Parts};
use crate::limits::{self, Shares};
use crate::record::{self, Recorded, Recorder};
use crate::sockets::Sockets;
use crate::storage::{Storage, StorageOptions};
use crate::tcp;
use crate::tls::Tls;
use crate::udp::Udp;
use crate::watch;
use crate::{Observer, Options, StartError};
use async_io::{Async, Timer};
use seedbed_engine::time::Instant;
use seedbed_engine::{Command, Config, Engine, Report};
use smol::LocalExecutor;
use smol::stream::Stream as _;
use std::cell::Ref;
use std::future::{Future as _, poll_fn};
use std::io;
use std::mem;
use std::net::{SocketAddr, TcpListener};
use std::ops::ControlFlow;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

/// What the callback of [`Client::run`] is called with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// The engine reports something. Every report comes, in order.
    Report(Report),
    /// `Options::wake_interval` passed, for showing progress.
    Wake,
    /// A [`Handle`] was used to call for attention, with a number of its user's choice.
    Notified(u64),
}

/// An engine with sockets, files and a clock.
///
/// All of it happens inside [`run`](Self::run), on the thread that calls it. Dropping a client closes everything
/// without a word to trackers or peers, after the disk jobs under way; `Command::Shutdown` is the polite way.
pub struct Client {
    config: Config,
    seed: [u8; 32],
    shares: Shares,
    listening: Vec<SocketAddr>,
    wake_interval: Duration,
    inbox: Arc<Inbox>,
    driver: Rc<Driver>,
    /// Last: its tasks hold on to the driver.
    executor: Rc<LocalExecutor<'static>>,
}

/// Reaches a client from other threads. Its messages wait until the client runs; they are lost with it.
#[derive(Clone, Debug)]
pub struct Handle {
    inbox: Arc<Inbox>,
    alarm: Arc<Alarm>,
}

#[derive(Debug, Default)]
struct Inbox {
    messages: Mutex<Vec<Message>>,
}

#[derive(Debug)]
enum Message {
    Command(Command),
    Notify(u64),
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Vec<Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle {
    /// Hands a command to the engine.
    pub fn command(&self, command: Command) {
        self.send(Message::Command(command));
    }

    /// Calls the callback of [`Client::run`] with [`Input::Notified`].
    pub fn notify(&self, number: u64) {
        self.send(Message::Notify(number));
    }

    fn send(&self, message: Message) {
        self.inbox.lock().push(message);
        self.alarm.ring();
    }
}

impl Client {
    /// Binds sockets and starts threads; nothing is sent.
    ///
    /// # Errors
    /// When an address, a port, an interface or a file of authorities cannot be used as asked for.
    pub fn new(options: Options) -> Result<Self, StartError> {
        let shares = limits::raise();
        let sockets = Sockets::new(options.bind, options.interface.clone());
        let listeners = options
            .listen
            .map_or_else(|| Ok(Vec::new()), |port| sockets.listen(port))?;
        let (ipv4, ipv6) = sockets.families()?;
        let tls = Tls::new(&options.ca_files)?;
        let seed = options.seed.map_or_else(random_seed, Ok)?;
        let listening: Vec<_> = listeners
            .iter()
            .filter_map(|listener| listener.local_addr().ok())
            .collect();

        let mut config = options.config.clone();
        config.ipv4 &= ipv4;
        config.ipv6 &= ipv6;
        config.connections_max = config.connections_max.min(shares.peers);
        config.connections_per_torrent_max = config.connections_per_torrent_max.min(shares.peers);
        config.half_open_max = config.half_open_max.min(shares.peers);
        // What waits for the disk is in memory too.
        config.disk_bytes_in_flight_max = config.disk_bytes_in_flight_max.min(options.memory_ceiling / 8);
        if let Some(addr) = listening.first() {
            config.listen_port = addr.port();
        }

        let alarm = Arc::new(Alarm::default());
        let rings = || {
            let alarm = Arc::clone(&alarm);
            move || alarm.ring()
        };
        let storage = Storage::new(storage_options(&options, &shares), rings()).map_err(no("thread"))?;
        let executor = Rc::new(LocalExecutor::new());
        let parts = Parts {
            engine: Engine::new(config.clone(), seed),
            sockets,
            tls,
            storage,
            dns: Dns::new(rings()),
            udp: Udp::new(shares.datagrams),
            clock: Clock::start(),
            alarm: Arc::clone(&alarm),
        };
        let driver = Driver::new(parts, &executor);
        for listener in listeners {
            listen(&driver, listener).map_err(no("listener"))?;
        }
        if config.lsd.enabled {
            driver.join_multicast();
        }
        driver
            .spawn(watch::watch(Rc::clone(&driver), config.lsd.enabled))
            .detach();
        Ok(Self {
            config,
            seed,
            shares,
            listening,
            wake_interval: options.wake_interval,
            inbox: Arc::default(),
            driver,
            executor,
        })
    }

    /// Lets `observer` see every event and action from now on. There is one at the most.
    pub fn observe(&mut self, observer: Box<dyn Observer>) {
        self.driver.core.borrow_mut().observer = Some(observer);
    }

    /// Records the run in a file, from the beginning: to be called before anything is asked of the client. `what` says
    /// what is run, in a word. With `last`, only that much of it is kept, in memory, and the file is written by
    /// [`write_recording`](Self::write_recording) or when the thread panics.
    ///
    /// # Errors
    /// When the file cannot be made or written to. Later failures end the recording, not the run.
    pub fn record(&mut self, path: &Path, what: &str, last: Option<Duration>) -> io::Result<()> {
        let mut core = self.driver.core.borrow_mut();
        let header = record::header(&self.config, &core.engine, what);
        core.recorder = Some(Recorder::create(path, header, last)?);
        Ok(())
    }

    /// Writes the last part of the run to its file, if that is what is recorded. The recording goes on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_recording(&self) -> io::Result<Option<Recorded>> {
        let core = self.driver.core.borrow();
        let recorder = core.recorder.as_ref();
        let written = recorder.map(|recorder| recorder.write_last(self.now(), &core.engine));
        written.transpose().map(Option::flatten)
    }

    /// Ends the recording, if there is one, so that its file is whole.
    ///
    /// # Errors
    /// When some of it could not be written.
    pub fn end_recording(&mut self) -> io::Result<Option<Recorded>> {
        let mut core = self.driver.core.borrow_mut();
        let recorder = core.recorder.take();
        let finished = recorder.map(|recorder| recorder.finish(&core.engine));
        finished.transpose().map(Option::flatten)
    }

    /// Hands a command to the engine. It takes effect in [`run`](Self::run), before anything else happens there.
    pub fn command(&self, command: Command) {
        self.inbox.lock().push(Message::Command(command));
        self.driver.alarm.ring();
    }

    /// The engine, for looking at torrents, peers and trackers. May be held for as long as the callback runs.
    pub fn engine(&self) -> Ref<'_, Engine> {
        Ref::map(self.driver.core.borrow(), |core| &core.engine)
    }

    /// The configuration as the engine was given it: with the port in use, limits lowered to the machine's.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The root of the engine's randomness. Whoever knows it can foresee its choices: for recordings only.
    pub fn seed(&self) -> [u8; 32] {
        self.seed
    }

    /// How the descriptors of this process are shared out.
    pub fn shares(&self) -> Shares {
        self.shares
    }

    /// Addresses that are listened on.
    pub fn listen_addrs(&self) -> &[SocketAddr] {
        &self.listening
    }

    /// Time as the engine knows it.
    pub fn now(&self) -> Instant {
        self.driver.clock.now()
    }

    /// For reaching this client from other threads, a thread that waits for signals among them.
    pub fn handle(&self) -> Handle {
        Handle {
            inbox: Arc::clone(&self.inbox),
            alarm: Arc::clone(&self.driver.alarm),
        }
    }

    /// Runs the engine. Returns `Some` when `callback` breaks (and may then be called again), `None` when the engine
    /// has shut down: after the callback saw `Report::ShutDown` and went on.
    ///
    /// The callback runs between events and holds everything up: it should be quick.
    pub fn run<T>(&mut self, mut callback: impl FnMut(&Self, Input) -> ControlFlow<T>) -> Option<T> {
        let executor = Rc::clone(&self.executor);
        let mut ticker = (!self.wake_interval.is_zero()).then(|| Timer::interval(self.wake_interval));
        let mut alarm_clock = Timer::never();
        let main = poll_fn(|cx| {
            self.driver.alarm.set(cx.waker());
            if let ControlFlow::Break(result) = self.work(cx, &mut ticker, &mut callback) {
                return Poll::Ready(result);
            }
            self.set_alarm_clock(cx, &mut alarm_clock);
            Poll::Pending
        });
        let result = async_io::block_on(executor.run(main));
        self.driver.wakes_at.set(Instant::FAR_FUTURE);
        result
    }

    /// One pass over everything that may have happened outside of the tasks.
    fn work<T>(
        &self,
        cx: &mut Context<'_>,
        ticker: &mut Option<Timer>,
        callback: &mut impl FnMut(&Self, Input) -> ControlFlow<T>,
    ) -> ControlFlow<Option<T>> {
        let messages = mem::take(&mut *self.inbox.lock());
        for message in messages {
            match message {
                Message::Command(command) => self.driver.command(command),
                Message::Notify(number) => callback(self, Input::Notified(number)).map_break(Some)?,
            }
        }
        self.driver.catch_up();
        loop {
            let report = self.driver.core.borrow_mut().reports.pop_front();
            let Some(report) = report else { break };
            let over = report == Report::ShutDown;
            callback(self, Input::Report(report)).map_break(Some)?;
            if over {
                return ControlFlow::Break(None);
            }
        }
        // Several that are due at once are one: a wake-up that was late is not made up for.
        let mut due = false;
        while let Some(ticker) = ticker
            && Pin::new(ticker).poll_next(cx).is_ready()
        {
            due = true;
        }
        if due {
            callback(self, Input::Wake).map_break(Some)?;
        }
        ControlFlow::Continue(())
    }

    /// Sees to it that this loop runs at the engine's deadline.
    ///
    /// Deadlines mostly move away from us, with every block that arrives. So the timer stays where it is until it
    /// fires, and is set anew only when the deadline came nearer.
    fn set_alarm_clock(&self, cx: &mut Context<'_>, timer: &mut Timer) {
        let wakes_at = &self.driver.wakes_at;
        loop {
            let deadline = self.engine().deadline().map_or(Instant::FAR_FUTURE, |(at, _)| at);
            if deadline < wakes_at.get() {
                wakes_at.set(deadline);
                match self.driver.clock.system(deadline) {
                    Some(at) => timer.set_at(at),
                    None => timer.clear(),
                }
            }
            if Pin::new(&mut *timer).poll(cx).is_pending() {
                break;
            }
            wakes_at.set(Instant::FAR_FUTURE);
            if deadline <= self.now() {
                // Due by now: the next pass tells the engine.
                cx.waker().wake_by_ref();
                break;
            }
        }
        // A callback may have left commands behind.
        if !self.inbox.lock().is_empty() {
            cx.waker().wake_by_ref();
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // whoever wants to know of a failure ends the recording before
        let _ = self.end_recording();
    }
}

fn listen(driver: &Rc<Driver>, listener: TcpListener) -> io::Result<()> {
    let listener = Async::new_nonblocking(listener)?;
    driver.spawn(tcp::accept(Rc::clone(driver), listener)).detach();
    Ok(())
}

fn storage_options(options: &Options, shares: &Shares) -> StorageOptions {
    StorageOptions {
        threads: options.hash_threads,
        memory_ceiling: options.memory_ceiling,
        read_cache: options.read_cache,
        preallocate: options.preallocate,
        state_dir: options.state_dir.clone(),
        files_max: shares.files,
    }
}

fn random_seed() -> Result<[u8; 32], StartError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| no("randomness")(io::Error::other(error)))?;
    Ok(seed)
}

fn no(what: &'static str) -> impl Fn(io::Error) -> StartError {
    move |error| StartError::System { what, error }
}
