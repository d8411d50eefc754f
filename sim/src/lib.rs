//! A seeded world around the engine, as data: nothing here opens a socket, reads a clock or starts a thread.
//!
//! A [`World`](world::World) holds [`Actor`](actor::Actor)s and the network between them. Protocol code of the models
//! shares nothing with the engine's beyond plain values and the codec for well-formed messages, since a model that
//! shared the engine's logic would agree with the engine's mistakes.

#![forbid(unsafe_code)]

pub mod actor;
pub mod catalogue;
pub mod expect;
pub mod host;
pub mod marks;
pub mod metainfo;
pub mod net;
pub mod oracle;
pub mod peer;
pub mod queue;
pub mod render;
pub mod run;
pub mod sample;
pub mod scenario;
pub mod seed;
pub mod timeline;
pub mod tracker;
pub mod world;
