//! The public face: owns an engine and everything that carries out its actions.

use crate::clock::Clock;
use crate::{Observer, Options, StartError};
use seedbed_engine::time::Instant;
use seedbed_engine::{Command, Config, Engine, Report};
use std::cell::{Ref, RefCell};
use std::net::SocketAddr;
use std::ops::ControlFlow;

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
/// without a word to trackers or peers; `Command::Shutdown` is the polite way.
pub struct Client {
    clock: Clock,
    config: Config,
    seed: [u8; 32],
    engine: RefCell<Engine>,
}

/// Reaches a client from other threads. Its messages wait until the client runs; they are lost with it.
#[derive(Clone, Debug)]
pub struct Handle {}

impl Handle {
    /// Hands a command to the engine.
    pub fn command(&self, command: Command) {
        drop(command);
    }

    /// Calls the callback of [`Client::run`] with [`Input::Notified`].
    pub fn notify(&self, number: u64) {
        let _ = number;
    }
}

impl Client {
    /// Binds sockets and starts threads; nothing is sent.
    ///
    /// # Errors
    /// When an address, a port, an interface or a file of authorities cannot be used as asked for.
    pub fn new(options: Options) -> Result<Self, StartError> {
        let seed = options.seed.unwrap_or_default();
        Ok(Self {
            clock: Clock::start(),
            engine: RefCell::new(Engine::new(options.config.clone(), seed)),
            config: options.config,
            seed,
        })
    }

    /// Lets `observer` see every event and action from now on. There is one at the most.
    pub fn observe(&self, observer: Box<dyn Observer>) {
        drop(observer);
    }

    /// Hands a command to the engine. It takes effect in [`run`](Self::run), before anything else happens there.
    pub fn command(&self, command: Command) {
        drop(command);
    }

    /// The engine, for looking at torrents, peers and trackers. May be held for as long as the callback runs.
    pub fn engine(&self) -> Ref<'_, Engine> {
        self.engine.borrow()
    }

    /// The configuration as the engine was given it: with the port in use, limits lowered to the machine's.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The root of the engine's randomness. Whoever knows it can foresee its choices: for recordings only.
    pub fn seed(&self) -> [u8; 32] {
        self.seed
    }

    /// Addresses that are listened on.
    pub fn listen_addrs(&self) -> &[SocketAddr] {
        &[]
    }

    /// Time as the engine knows it.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// For reaching this client from other threads, a thread that waits for signals among them.
    pub fn handle(&self) -> Handle {
        Handle {}
    }

    /// Runs the engine. Returns `Some` when `callback` breaks (and may then be called again), `None` when the engine
    /// has shut down: after the callback saw `Report::ShutDown` and went on.
    ///
    /// The callback runs between events and holds everything up: it should be quick.
    pub fn run<T>(&mut self, mut callback: impl FnMut(&Self, Input) -> ControlFlow<T>) -> Option<T> {
        match callback(self, Input::Report(Report::ShutDown)) {
            ControlFlow::Break(value) => Some(value),
            ControlFlow::Continue(()) => None,
        }
    }
}
