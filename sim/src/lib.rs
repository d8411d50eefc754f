//! A seeded world around the engine, as data: nothing here opens a socket, reads a clock or starts a thread.
//!
//! A [`World`](world::World) holds [`Actor`](actor::Actor)s and the network between them. Protocol code of the models
//! shares nothing with the engine's beyond plain values and the codec for well-formed messages, since a model that
//! shared the engine's logic would agree with the engine's mistakes.

//!
//! # Your own code in a world
//!
//! Whatever speaks over TCP and UDP can be tested here: a tracker, a downloader, an engine of your own. Write it as an
//! [`Actor`](actor::Actor): inputs (a stream opened, bytes arrived, a deadline came) go in, outputs (connect, send, read)
//! come out, and the time is a number that it is given. `examples/toy.rs` is a whole one with the world around it:
//!
//! 1. [`World::new`](world::World::new) with a [`Seed`](seed::Seed): all randomness comes from it, one stream a name.
//! 2. [`World::add`](world::World::add) for each actor: yours, a [`TrackerHost`](tracker::TrackerHost), a
//!    [`ModelPeer`](peer::ModelPeer), an [`EngineHost`](host::EngineHost). What they do wrong is data: a
//!    [`Use`](scenario::Use) of a name out of [`catalogue::behaviours`].
//! 3. `world.net.set_link` for latency, jitter, bandwidth and loss.
//! 4. [`World::run_until`](world::World::run_until) a time or a condition, then look at your actor with
//!    [`World::actor`](world::World::actor), and at `world.marks` for what fired.
//!
//! # Whole scenarios
//!
//! A [`Scenario`](scenario::Scenario) is a world as data. It is written by hand ([`scenario::kdl`]), drawn from a seed
//! ([`scenario::expand`]), printed ([`scenario::print`]) and run ([`run::run`]) with the oracles of [`oracle`] looking on.
//! Equal scenarios give equal digests, on every machine and in every build.

#![forbid(unsafe_code)]

pub mod actor;
pub mod bisect;
pub mod catalogue;
pub mod expect;
pub mod host;
pub mod journal;
pub mod marks;
pub mod metainfo;
pub mod mse;
pub mod net;
pub mod novelty;
pub mod oracle;
pub mod peer;
pub mod queue;
pub mod render;
pub mod run;
pub mod sample;
pub mod scenario;
pub mod seed;
pub mod shrink;
pub mod tell;
pub mod timeline;
pub mod tracker;
pub mod world;
