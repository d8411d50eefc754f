//! Feeds a recorded run to an engine, and holds what it does against what was done.

use super::digest::StepDigest;
use super::{Journal, Step, Steps};
use crate::action::Action;
use crate::engine::Engine;
use crate::time::Instant;
use alloc::vec::Vec;

/// A replay under way.
#[derive(Clone, Debug)]
pub struct Replay<'a> {
    engine: Engine,
    steps: Steps<'a>,
    at_end: Option<u64>,
    actions: Vec<Action>,
}

/// A step that was replayed.
#[derive(Debug)]
pub struct Played<'a> {
    /// The step.
    pub step: Step<'a>,
    /// What the engine did, in order.
    pub actions: &'a [Action],
    /// The engine after it.
    pub engine: &'a Engine,
    /// What is different from the recorded run.
    pub mismatch: Option<Mismatch>,
}

/// What differs at a step. Digests, since a journal keeps no actions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mismatch {
    /// The engine did something else.
    Actions {
        /// 32 bits over what was done when it was recorded.
        recorded: u32,
        /// The same over what is done now.
        now: u32,
    },
    /// The actions are the same, the engine is another one.
    Engine {
        /// 64 bits over the recorded engine.
        recorded: u64,
        /// The same over the one of now.
        now: u64,
    },
}

impl<'a> Replay<'a> {
    /// A replay that has not begun. With `trace`, the actions hold a report for every message, as for a timeline.
    pub fn new(journal: &Journal<'a>, trace: bool) -> Self {
        Self {
            engine: journal.engine(trace),
            steps: journal.steps(),
            at_end: journal.engine_at_end(),
            actions: Vec::new(),
        }
    }

    /// Replays the next step; none at the end of the journal.
    pub fn step(&mut self) -> Option<Played<'_>> {
        let step = self.steps.next()?;
        self.engine.handle(step.at, step.event.clone());
        let engine = step.engine.map(|recorded| (recorded, self.engine.digest()));
        self.actions.clear();
        let mut digest = StepDigest::default();
        while let Some(action) = self.engine.poll_action() {
            digest.action(&action);
            self.actions.push(action);
        }
        let now = digest.value();
        let mismatch = if now == step.actions {
            differing(engine)
        } else {
            let recorded = step.actions;
            Some(Mismatch::Actions { recorded, now })
        };
        Some(Played {
            step,
            actions: &self.actions,
            engine: &self.engine,
            mismatch,
        })
    }

    /// When the next step happened; none at the end.
    pub fn next_at(&self) -> Option<Instant> {
        self.steps.next_at()
    }

    /// Replays to the end.
    ///
    /// # Errors
    /// The first step that differs, and how; at the end of the journal the last one.
    pub fn run(&mut self) -> Result<(), (u64, Mismatch)> {
        let mut steps = 0;
        while let Some(played) = self.step() {
            steps = played.step.number;
            if let Some(mismatch) = played.mismatch {
                return Err((steps, mismatch));
            }
        }
        self.mismatch_at_end()
            .map_or(Ok(()), |mismatch| Err((steps, mismatch)))
    }

    /// After the last step: whether the engine is another one than the recorded one was.
    pub fn mismatch_at_end(&self) -> Option<Mismatch> {
        differing(self.at_end.map(|recorded| (recorded, self.engine.digest())))
    }

    /// The engine as it is by now.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }
}

fn differing(engine: Option<(u64, u64)>) -> Option<Mismatch> {
    engine
        .filter(|(recorded, now)| recorded != now)
        .map(|(recorded, now)| Mismatch::Engine { recorded, now })
}
