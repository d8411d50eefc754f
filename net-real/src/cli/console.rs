//! What the user sees: results on standard output, notes, progress and errors on standard error.

use super::args::Global;
use super::failure::{Failure, OTHER};
use indicatif::ProgressBar;
use seedbed_engine::net::printable;
use serde::Serialize;
use std::cell::RefCell;
use std::io::{self, IsTerminal as _, Write as _};

/// Longest foreign text (a name, a tracker's answer) that is shown whole.
const TEXT_MAX: usize = 400;

/// Where output goes and in which form.
pub(crate) struct Console {
    json: bool,
    quiet: bool,
    /// Whether standard error is a terminal that takes colours.
    colour: bool,
    /// The progress bar that is on the terminal now: other lines have to go around it.
    bar: RefCell<Option<ProgressBar>>,
}

impl Console {
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            json: global.json,
            quiet: global.quiet,
            colour: takes_colour(),
            bar: RefCell::new(None),
        }
    }

    /// For errors that come before the arguments are known.
    pub(crate) fn json() -> Self {
        Self {
            json: true,
            quiet: false,
            colour: takes_colour(),
            bar: RefCell::new(None),
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// One line of text for people, on standard output; nothing with `--json`.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        self.out(text.as_ref())
    }

    /// One value on one line of standard output, with `--json`; nothing without.
    pub(crate) fn value(&self, value: &impl Serialize) -> Result<(), Failure> {
        if !self.json {
            return Ok(());
        }
        let text = serde_json::to_string(value).map_err(Failure::other)?;
        self.out(&text)
    }

    /// Raw bytes to standard output, in either form.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)
            .and_then(|()| out.flush())
            .map_err(|e| closed(&e))
    }

    /// Something worth knowing, on standard error; nothing with `--quiet`.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.err(text.as_ref());
        }
    }

    /// Something that may need the user, on standard error; nothing with `--quiet`.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.err(&format!("{} {}", self.painted("33", "warning:"), text.as_ref()));
        }
    }

    /// Why the run failed: always on standard error, and on standard output too with `--json`.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.text.is_empty() {
            return;
        }
        self.err(&format!("{} {}", self.painted("1;31", "error:"), failure.text));
        let error = serde_json::json!({"error": {"code": failure.code(), "text": failure.text}});
        // standard error has it already
        let _ = self.value(&error);
    }

    /// From now on lines go around this bar; `None` when it is gone.
    pub(crate) fn set_bar(&self, bar: Option<ProgressBar>) {
        *self.bar.borrow_mut() = bar;
    }

    fn out(&self, text: &str) -> Result<(), Failure> {
        self.around_bar(|| writeln!(io::stdout().lock(), "{text}"))
            .map_err(|e| closed(&e))
    }

    fn err(&self, text: &str) {
        // nobody is left to tell if this fails
        let _ = self.around_bar(|| writeln!(io::stderr().lock(), "{text}"));
    }

    fn around_bar<T>(&self, write: impl FnOnce() -> T) -> T {
        match &*self.bar.borrow() {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Text that came from a torrent, a tracker, a peer or a file system, fit for a terminal.
pub(crate) fn shown(text: impl AsRef<str>) -> String {
    printable(text.as_ref(), TEXT_MAX)
}

/// A path of this machine, fit for a terminal.
pub(crate) fn shown_path(path: &std::path::Path) -> String {
    printable(&path.to_string_lossy(), 4 * TEXT_MAX)
}

/// Whether standard error is a terminal whose user has not asked for plain text (no-color.org).
pub(crate) fn takes_colour() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stderr().is_terminal() && !refused && !dumb
}

/// A reader that has seen enough (`seedbed info x | head -1`) is no failure worth a message.
fn closed(error: &io::Error) -> Failure {
    let text = match error.kind() {
        io::ErrorKind::BrokenPipe => String::new(),
        _ => format!("Standard output cannot be written: {error}."),
    };
    Failure { exit: OTHER, text }
}
