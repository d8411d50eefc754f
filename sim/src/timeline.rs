//! What happened, a line an event, for people (docs/simulation.md says how to read it).

use seedbed_engine::time::Instant;
use std::fmt;

/// Which way a line points.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrow {
    /// From the actor to the other.
    Out,
    /// From the other to the actor.
    In,
    /// Both: a handshake.
    Both,
    /// Something within the actor: a verdict, a state, a fault.
    Within,
}

/// One line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// When.
    pub at: Instant,
    /// Who tells it.
    pub who: String,
    /// Which way.
    pub arrow: Arrow,
    /// The other, if there is one.
    pub other: String,
    /// What. Names, never ids, addresses or hashes.
    pub text: String,
    /// Whether lines that differ only in numbers are folded into the first.
    pub folds: bool,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = match self.arrow {
            Arrow::Out => "->",
            Arrow::In => "<-",
            Arrow::Both => "<>",
            Arrow::Within => "  !",
        };
        write!(
            f,
            "{:>9} {:<5} {arrow:<3} {:<5} {}",
            self.at, self.who, self.other, self.text
        )
    }
}
