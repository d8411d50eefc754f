//! How much the user wants a file, and so its pieces.

use serde::{Deserialize, Serialize};

/// How much a file is wanted. Ordered: what is greater is fetched first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub enum Priority {
    /// Not at all: it is not fetched, and its file is not made.
    Skip,
    /// When nothing else is left to fetch.
    Low,
    /// As any other.
    #[default]
    Normal,
    /// Before all others.
    High,
}
