//! A seeded world around the engine, as data: nothing here opens a socket, reads a clock or starts a thread.
//!
//! Modelled so far: a tracker ([`tracker`]). Its protocol code shares nothing with the engine's, since a model
//! that shared the engine's codec would agree with the engine's mistakes.

#![forbid(unsafe_code)]

pub mod tracker;
