//! Recorded runs, worked on: told as a timeline, replayed step by step.

mod cast;
mod picture;
mod player;
mod redact;
mod words;

pub use cast::Cast;
pub use picture::{Picture, draw};
pub use player::{Player, Seen};
pub use redact::{RedactError, redact};
pub use words::{action_words, event_words};
