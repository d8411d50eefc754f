//! How a run can fail, and the exit code that says so.

use std::fmt;

/// Everything was done.
pub(crate) const DONE: u8 = 0;
/// Anything without a code of its own.
pub(crate) const OTHER: u8 = 1;
/// The arguments make no sense.
pub(crate) const USAGE: u8 = 2;
/// A torrent is not valid or cannot be read.
pub(crate) const INPUT: u8 = 3;
/// Storage is full, read-only, missing or broken.
pub(crate) const STORAGE: u8 = 4;
/// Gave up on the network, or a probe failed.
pub(crate) const NETWORK: u8 = 5;
/// Data does not match its torrent.
pub(crate) const MISMATCH: u8 = 6;
/// Interrupted by the user; the state is saved.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why a subcommand did not do what it was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    /// The exit code of the process.
    pub(crate) exit: u8,
    /// A sentence that says what happened and what to do. Empty: nobody is left to tell.
    pub(crate) text: String,
}

impl Failure {
    fn new(exit: u8, text: impl fmt::Display) -> Self {
        Self {
            exit,
            text: text.to_string(),
        }
    }

    pub(crate) fn other(text: impl fmt::Display) -> Self {
        Self::new(OTHER, text)
    }

    pub(crate) fn usage(text: impl fmt::Display) -> Self {
        Self::new(USAGE, text)
    }

    pub(crate) fn input(text: impl fmt::Display) -> Self {
        Self::new(INPUT, text)
    }

    pub(crate) fn storage(text: impl fmt::Display) -> Self {
        Self::new(STORAGE, text)
    }

    pub(crate) fn network(text: impl fmt::Display) -> Self {
        Self::new(NETWORK, text)
    }

    /// The word for the exit code in JSON.
    pub(crate) fn code(&self) -> &'static str {
        match self.exit {
            USAGE => "usage",
            INPUT => "input",
            STORAGE => "storage",
            NETWORK => "network",
            MISMATCH => "mismatch",
            INTERRUPTED => "interrupted",
            _ => "failed",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

/// An error of the operating system or a library that no subcommand gave an exit code of its own.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(failure) => failure,
            Err(error) => Self::other(format_args!("{error:#}.")),
        }
    }
}
