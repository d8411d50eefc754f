//! The whole state of an engine as bytes: where a recording begins that does not begin with its run.
//!
//! Payload is not in it, as in any recording: of a block that is under way only how much of it is there. What is read
//! again is believed, so a checkpoint is worth as much as who gives it.

use super::Engine;
use alloc::vec::Vec;

impl Engine {
    /// The state between two events: all actions are taken. Valid for this version of the engine alone.
    pub fn checkpoint(&self) -> Vec<u8> {
        debug_assert!(self.actions.is_empty(), "actions are no part of a checkpoint");
        // all of it are plain values, which postcard can always say
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// An engine in the state of a checkpoint. With `trace` it tells every message from now on. None if the bytes are
    /// no checkpoint.
    pub fn from_checkpoint(bytes: &[u8], trace: bool) -> Option<Self> {
        let (mut engine, rest) = postcard::take_from_bytes::<Self>(bytes).ok()?;
        if !rest.is_empty() {
            return None;
        }
        engine.config.trace |= trace;
        for torrent in engine.torrents.values_mut() {
            torrent.restore_rules(&engine.config, engine.peer_id);
        }
        Some(engine)
    }
}
