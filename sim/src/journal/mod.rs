//! Recorded runs, worked on: played step by step, told as a timeline, drawn as a page, redacted, shrunk.

mod cast;
mod owned;
mod picture;
mod player;
mod redact;
mod shrink;
mod words;

pub use cast::Cast;
pub(crate) use owned::OwnedEvent;
pub use picture::{Picture, draw};
pub use player::{Player, Seen, lines, timeline};
pub use redact::{RedactError, redact};
pub use shrink::{Shrunk, Until, shrink};
pub use words::{action_words, event_words};
