//! Constants of the piece picker.

/// Which blocks to request (protocol.md §9).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PickerConfig {
    /// Pieces that are picked at random before rarest first begins. 4 [libtorrent `initial_picker_threshold`].
    pub random_first_pieces: u32,
    /// Peers that may be asked for the same block at a time in end-game.
    pub endgame_duplicates_max: u32,
}

impl Default for PickerConfig {
    fn default() -> Self {
        Self {
            random_first_pieces: 4,
            endgame_duplicates_max: 3,
        }
    }
}
