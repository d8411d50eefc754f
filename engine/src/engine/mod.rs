//! The public boundary: routes events to their owners, translates what they want into actions, keeps the global
//! limits.

mod view;

pub use view::{PeerView, Status, TorrentView, TrackerView};

use crate::action::Action;
use crate::config::Config;
use crate::event::Event;
use crate::id::TorrentId;
use crate::time::Instant;
use alloc::collections::VecDeque;

/// The whole protocol logic of a client.
#[derive(Clone, Debug)]
pub struct Engine {
    #[allow(dead_code)]
    config: Config,
    actions: VecDeque<Action>,
}

/// Which timer asks for the next `Tick`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Timer {
    /// A connection: connect, handshake, keep-alive, silence.
    Peer,
    /// A request that should have been answered.
    Request,
    /// A choking round.
    Choker,
    /// An address may be dialled again.
    Candidates,
    /// An announce is due or timed out.
    Tracker,
    /// The resume state should be saved.
    Resume,
    /// Storage is tried again.
    Disk,
    /// The shutdown takes too long.
    Shutdown,
}

impl Engine {
    /// An engine without torrents. Equal arguments and events give equal actions.
    pub fn new(config: Config, _seed: [u8; 32]) -> Self {
        Self {
            config,
            actions: VecDeque::new(),
        }
    }

    /// The only way in.
    pub fn handle(&mut self, _now: Instant, _event: Event<'_>) {}

    /// The only way out: the next action, if any.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When `Tick` is due, and which timer asks.
    pub fn deadline(&self) -> Option<(Instant, Timer)> {
        None
    }

    /// Reads the state of a torrent.
    pub fn torrent(&self, _id: TorrentId) -> Option<TorrentView<'_>> {
        None
    }

    /// The torrents in the order in which they were added.
    pub fn torrents(&self) -> impl Iterator<Item = TorrentId> + '_ {
        core::iter::empty()
    }
}
