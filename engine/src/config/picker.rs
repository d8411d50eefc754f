//! Constants of the piece picker.

use serde::{Deserialize, Serialize};

/// Which blocks to request (protocol.md §9).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PickerConfig {
    /// Pieces that are picked at random before rarest first begins. 4 [libtorrent `initial_picker_threshold`].
    pub random_first_pieces: u32,
    /// Peers that may be asked for the same block at a time in end-game.
    pub endgame_duplicates_max: u32,
    /// Pieces with free blocks a connected peer, at the most, before a fast peer has to join one instead of opening another.
    /// libtorrent's 1.5 peers rounded up, which leaves room for pieces that were abandoned half-way.
    pub partials_per_peer: u32,
    /// Requests a peer that were taken back and are still remembered, so that a late block of them is not mistaken
    /// for one never asked for (BEP 6: close). Twice the deepest pipeline, at 8 bytes each.
    pub late_requests_max: usize,
    /// Suggested pieces (BEP 6) remembered a peer, newest kept. A hint; a few are enough.
    pub suggested_max: usize,
}

impl Default for PickerConfig {
    fn default() -> Self {
        Self {
            random_first_pieces: 4,
            endgame_duplicates_max: 3,
            partials_per_peer: 2,
            late_requests_max: 1024,
            suggested_max: 16,
        }
    }
}
