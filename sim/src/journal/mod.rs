//! Recorded runs, worked on: told as a timeline, replayed step by step.

mod cast;
mod player;
mod words;

pub use cast::Cast;
pub use player::{Player, Seen};
pub use words::{action_words, event_words};
