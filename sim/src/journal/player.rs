//! Plays a journal, with names for everybody in it.

use super::Cast;
use crate::render::fold;
use crate::tell::Teller;
use crate::timeline::Line;
use seedbed_engine::journal::{Journal, Mismatch, Played, Replay};
use seedbed_engine::time::Instant;
use seedbed_engine::{Action, Engine};

/// Who tells the lines of a replay: the engine that was recorded.
const WHO: &str = "eng";

/// A replay that keeps who is who.
#[derive(Clone, Debug)]
pub struct Player<'a> {
    replay: Replay<'a>,
    cast: Cast,
}

/// A step that was played.
#[derive(Debug)]
pub struct Seen<'p> {
    /// The step, what the engine did and whether it is what was recorded.
    pub played: Played<'p>,
    /// Who is who by now.
    pub cast: &'p Cast,
}

impl<'a> Player<'a> {
    /// A replay that has not begun.
    pub fn new(journal: &Journal<'a>) -> Self {
        let replay = Replay::new(journal, true);
        Self {
            cast: Cast::of(replay.engine()),
            replay,
        }
    }

    /// Plays the next step; none at the end.
    pub fn step(&mut self) -> Option<Seen<'_>> {
        let played = self.replay.step()?;
        self.cast.event(&played.step.event);
        for action in played.actions {
            self.cast.action(played.engine, action);
        }
        Some(Seen {
            played,
            cast: &self.cast,
        })
    }

    /// Plays every step that comes before or at `at`. True when there are later ones.
    pub fn play_until(&mut self, at: Instant) -> bool {
        while self.replay.next_at().is_some_and(|next| next <= at) {
            self.step();
        }
        self.replay.next_at().is_some()
    }

    /// After the last step: what differs of the engine as a whole.
    pub fn mismatch_at_end(&self) -> Option<Mismatch> {
        self.replay.mismatch_at_end()
    }

    /// The engine by now.
    pub const fn engine(&self) -> &Engine {
        self.replay.engine()
    }

    /// Who is who by now.
    pub const fn cast(&self) -> &Cast {
        &self.cast
    }
}

/// All lines of the timeline of a journal, and who is who in them.
pub fn lines(journal: &Journal<'_>) -> (Vec<Line>, Cast) {
    let mut player = Player::new(journal);
    let mut lines = Vec::new();
    while let Some(seen) = player.step() {
        lines.extend(seen.lines());
    }
    (lines, player.cast().clone())
}

/// The timeline of a journal as text, as a test keeps it: names, no addresses.
pub fn timeline(journal: &Journal<'_>) -> String {
    let (lines, _) = lines(journal);
    fold(&lines).join("\n") + "\n"
}

impl Seen<'_> {
    /// The lines of a timeline that this step gives.
    pub fn lines(&self) -> Vec<Line> {
        let at = self.played.step.at;
        let reports = self.played.actions.iter().filter_map(|action| match action {
            Action::Report(report) => Teller(self.cast).line(WHO, at, report),
            _ => None,
        });
        reports.collect()
    }
}
