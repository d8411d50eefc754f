//! Progress of long work: a bar on a terminal, a plain line every few seconds elsewhere, nothing with `--quiet`.

use super::console::Console;
use super::units;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

/// How often a plain line is printed where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// What is shown. Bytes and bytes a second.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Figures {
    /// What is going on, in a word or two.
    pub(crate) what: String,
    /// Bytes done.
    pub(crate) done: u64,
    /// Bytes in all.
    pub(crate) total: u64,
    /// Bytes done a second.
    pub(crate) rate: u64,
    /// Payload sent a second, where something is sent.
    pub(crate) rate_up: Option<u64>,
    /// Payload sent in all, where that is what it is about.
    pub(crate) sent: Option<u64>,
    /// Peers connected, where there are any.
    pub(crate) peers: Option<usize>,
    /// Why nothing moves.
    pub(crate) stalled: Option<String>,
}

impl Figures {
    /// Everything in one line, the cause of a standstill last.
    fn line(&self) -> String {
        let mut line = self.numbers();
        if let Some(cause) = &self.stalled {
            line += "  ";
            line += cause;
        }
        line
    }

    /// The same for a bar: a cause has a line of its own, so that a narrow terminal does not cut it off.
    fn beside_bar(&self) -> String {
        let mut text = self.numbers();
        if let Some(cause) = &self.stalled {
            text += "\n  ";
            text += cause;
        }
        text
    }

    fn numbers(&self) -> String {
        let mut parts = match self.sent {
            Some(sent) => vec![format!("{} sent", units::bytes(sent))],
            None => vec![units::percent(self.done, self.total), units::rate(self.rate)],
        };
        if let Some(up) = self.rate_up {
            parts.push(format!("{} up", units::rate(up)));
        }
        let left = self.total.saturating_sub(self.done);
        if let Some(eta) = units::remaining(left, self.rate).filter(|_| left > 0) {
            parts.push(format!("ETA {}", units::duration(eta)));
        }
        if let Some(peers) = self.peers {
            parts.push(units::count(peers, "peer"));
        }
        parts.join("  ")
    }
}

/// The progress of one piece of work.
pub(crate) struct Progress<'a> {
    console: &'a Console,
    shape: Shape,
}

enum Shape {
    Bar(ProgressBar),
    /// When a line is due, and the last one: it is not said twice.
    Lines(Instant, String),
    Nothing,
}

impl<'a> Progress<'a> {
    pub(crate) fn start(console: &'a Console) -> Self {
        let shape = if console.is_quiet() {
            Shape::Nothing
        } else if io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            // the template is a constant: a mistake in it shows as indicatif's own bar
            if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:20}] {msg}") {
                bar.set_style(style.progress_chars("=> "));
            }
            console.set_bar(Some(bar.clone()));
            Shape::Bar(bar)
        } else {
            Shape::Lines(Instant::now() + LINE_INTERVAL, String::new())
        };
        Self { console, shape }
    }

    pub(crate) fn update(&mut self, figures: &Figures) {
        let text = match self.shape {
            Shape::Bar(_) => figures.beside_bar(),
            Shape::Lines(..) | Shape::Nothing => figures.line(),
        };
        self.show(&figures.what, (figures.done, figures.total), text);
    }

    /// The same for work that is not counted in bytes: how far it is of how much, and what to say of it.
    pub(crate) fn show(&mut self, what: &str, (done, total): (u64, u64), text: String) {
        match &mut self.shape {
            Shape::Bar(bar) => {
                bar.set_length(total.max(1));
                bar.set_position(if total == 0 { 1 } else { done });
                bar.set_prefix(what.to_owned());
                bar.set_message(text);
            }
            Shape::Lines(due, last) => {
                let now = Instant::now();
                let line = format!("{what}  {text}");
                if now >= *due && line != *last {
                    *due = now + LINE_INTERVAL;
                    self.console.note(&line);
                    *last = line;
                }
            }
            Shape::Nothing => {}
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Shape::Bar(bar) = &self.shape {
            self.console.set_bar(None);
            bar.finish_and_clear();
        }
    }
}

/// Bytes a second over the last few seconds, for work that has no rate of its own.
pub(crate) struct Meter {
    /// Where the window began: time and bytes.
    mark: (Instant, u64),
    rate: u64,
}

impl Meter {
    /// How long bytes are counted before the rate is taken anew.
    const WINDOW: Duration = Duration::from_secs(2);

    pub(crate) fn start() -> Self {
        Self {
            mark: (Instant::now(), 0),
            rate: 0,
        }
    }

    /// The rate, now that so many bytes are done in all.
    pub(crate) fn rate(&mut self, done: u64) -> u64 {
        let elapsed = self.mark.0.elapsed();
        if elapsed >= Self::WINDOW || self.rate == 0 {
            let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
            self.rate = done.saturating_sub(self.mark.1).saturating_mul(1000) / millis;
        }
        if elapsed >= Self::WINDOW {
            self.mark = (Instant::now(), done);
        }
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_all_that_is_known() {
        let figures = Figures {
            what: "downloading".into(),
            done: 1 << 20,
            total: 4 << 20,
            rate: 1 << 20,
            rate_up: Some(0),
            sent: None,
            peers: Some(1),
            stalled: None,
        };
        assert_eq!(figures.line(), "25.0 %  1.0 MiB/s  0 B/s up  ETA 3s  1 peer");
        let stalled = Figures {
            rate: 0,
            stalled: Some("no peer has the missing pieces".into()),
            ..figures
        };
        assert_eq!(
            stalled.line(),
            "25.0 %  0 B/s  0 B/s up  1 peer  no peer has the missing pieces"
        );
        let serving = Figures {
            done: 4 << 20,
            sent: Some(1 << 10),
            stalled: None,
            ..stalled
        };
        assert_eq!(serving.line(), "1.0 KiB sent  0 B/s up  1 peer");
    }
}
