//! Oddities of a torrent that can be loaded: told to the user, never a reason to refuse.

use alloc::string::String;
use alloc::vec::Vec;

/// More lints than this are not kept: the first ones say what kind of file it is.
pub const LINTS_MAX: usize = 100;

/// One oddity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lint {
    /// A stable word for programs.
    pub code: &'static str,
    /// A sentence for people. Foreign text in it is not escaped.
    pub text: String,
}

/// The oddities found so far.
#[derive(Default)]
pub(super) struct Lints(Vec<Lint>);

impl Lints {
    pub(super) fn add(&mut self, code: &'static str, text: impl Into<String>) {
        if self.0.len() < LINTS_MAX {
            let text = text.into();
            self.0.push(Lint { code, text });
        }
    }

    pub(super) fn into_vec(self) -> Vec<Lint> {
        self.0
    }
}
