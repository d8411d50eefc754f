//! What happened, a line an event while it happens: for people as timelines of worlds are, for programs as JSON.

use crate::cli::console::Console;
use crate::cli::failure::Failure;
use seedbed_engine::id::ConnId;
use seedbed_engine::time::Instant;
use seedbed_sim::timeline::{Arrow, Line};
use serde_json::json;

/// Lines that are told; a flood has more, and nobody reads it.
const LINES_MAX: usize = 20_000;

pub(super) struct Story<'a> {
    console: &'a Console,
    who: String,
    told: usize,
}

impl<'a> Story<'a> {
    pub(super) const fn new(console: &'a Console, who: String) -> Self {
        Self {
            console,
            who,
            told: 0,
        }
    }

    /// A line of the actor's.
    pub(super) fn tell(&mut self, line: &Line) -> Result<(), Failure> {
        self.told += 1;
        if self.told > LINES_MAX {
            if self.told == LINES_MAX + 1 {
                self.console.note("Further lines are left out.");
            }
            return Ok(());
        }
        self.console.value(&json!({
            "at": line.at.as_micros() as f64 / 1e6,
            "who": line.who,
            "way": way(line.arrow),
            "other": line.other,
            "text": line.text,
        }))?;
        self.console.line(line.to_string())
    }

    /// Something that the sockets of a stream show.
    pub(super) fn stream(
        &mut self,
        at: Instant,
        arrow: Arrow,
        stream: ConnId,
        text: impl Into<String>,
    ) -> Result<(), Failure> {
        self.tell(&Line {
            at,
            who: self.who.clone(),
            arrow,
            other: stream.to_string(),
            text: text.into(),
            folds: false,
        })
    }
}

const fn way(arrow: Arrow) -> &'static str {
    match arrow {
        Arrow::Out => "out",
        Arrow::In => "in",
        Arrow::Both => "both",
        Arrow::Within => "within",
    }
}
