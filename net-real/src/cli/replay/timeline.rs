//! The timeline of a replay, in the form of the simulator's.

use crate::cli::console::Console;
use crate::cli::failure::Failure;
use seedbed_sim::render::fold;
use seedbed_sim::timeline::Line;

/// Lines before a difference that are shown with it.
const LAST: usize = 20;

/// Lines that are kept when nobody wants to see all of them.
const KEPT: usize = 500;

/// What happened so far.
pub(crate) struct Timeline {
    lines: Vec<Line>,
    /// Whether all lines are kept.
    whole: bool,
    legend: Vec<(String, String)>,
}

impl Timeline {
    pub(crate) fn new(whole: bool) -> Self {
        Self {
            lines: Vec::new(),
            whole,
            legend: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, lines: Vec<Line>) {
        self.lines.extend(lines);
        if !self.whole && self.lines.len() > 2 * KEPT {
            self.lines.drain(..KEPT);
        }
    }

    /// Who the names of the lines were.
    pub(crate) fn end(&mut self, legend: Vec<(String, String)>) {
        self.legend = legend;
    }

    /// The last lines, folded.
    pub(crate) fn last(&self) -> Vec<String> {
        let mut lines = fold(&self.lines);
        lines.split_off(lines.len().saturating_sub(LAST))
    }

    pub(crate) fn print(&self, console: &Console) -> Result<(), Failure> {
        for line in fold(&self.lines) {
            console.line(line)?;
        }
        for (name, what) in &self.legend {
            console.line(format!("----- {name} is {what}"))?;
        }
        Ok(())
    }
}
