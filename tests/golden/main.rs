//! Bytes on the wire, pinned literally from the text of the BEPs, in both directions.
//!
//! The simulator's peers use the engine's own codec for well-formed bytes, so a codec that is wrong the same way in
//! both directions would agree with itself. These bytes were written down by reading the BEPs, not by running it.

mod extension;
mod handshake;
mod udp_tracker;
mod wire;
