//! Inputs and expected results that others published, held against our readers.
//!
//! The corpus lies beside the project, in `../shared/corpus` from its root or where `SEEDBED_CORPUS` says, and is
//! never part of it. Where it is absent the tests say so and pass, unless `SEEDBED_REQUIRE_CORPUS=1`. Each topic
//! prints `right / all`; expectations that we hold for wrong are in `disputed.md`, with the reason.

mod allowed_fast;
mod bencode;
mod encodings;
mod hash_content;
mod magnet;
mod merkle;
mod paths;
mod peer_ids;
mod peer_wire;
mod priority;
mod torrents;
mod trackers;
