//! What a torrent keeps only to be able to say why nothing moves. Nothing here decides anything.

use crate::candidates::Trouble;
use crate::net::{CloseCause, printable};
use crate::session::End;
use crate::time::Instant;
use crate::torrent::Torrent;
use alloc::string::String;
use core::net::SocketAddr;
use serde::{Deserialize, Serialize};

/// Characters of a system's words that are kept.
const TEXT_SHOWN_MAX: usize = 200;

/// Kept for people.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::torrent) struct Noted {
    /// Bytes that may be on their way to the disk before reading stops.
    pub(in crate::torrent) writing_max: u64,
    /// Since when it takes part in its swarm.
    pub(in crate::torrent) active_since: Option<Instant>,
    /// Handshakes of peers that dialled us.
    pub(in crate::torrent) incoming: u32,
    /// Handshakes of peers that we dialled.
    pub(in crate::torrent) outgoing: u32,
    /// Why this machine could not dial, until it can.
    pub(in crate::torrent) local: Option<String>,
}

impl Noted {
    pub(in crate::torrent) fn new(writing_max: u64) -> Self {
        Self {
            writing_max,
            ..Self::default()
        }
    }

    /// A peer shook hands.
    pub(in crate::torrent) fn handshaken(&mut self, outgoing: bool) {
        let count = if outgoing {
            &mut self.outgoing
        } else {
            &mut self.incoming
        };
        *count = count.saturating_add(1);
    }
}

impl Torrent {
    /// The other side, or the system, ended a connection.
    pub(in crate::torrent) fn note_closed(&mut self, addr: SocketAddr, useful: bool, cause: &CloseCause) {
        // whatever the network answers, it was reached
        self.noted.local = match cause {
            CloseCause::Local(text) => Some(printable(text, TEXT_SHOWN_MAX)),
            CloseCause::Eof
            | CloseCause::Reset
            | CloseCause::Refused
            | CloseCause::Unreachable
            | CloseCause::TimedOut
            | CloseCause::Tls(_)
            | CloseCause::Other(_) => None,
        };
        let trouble = match cause {
            _ if useful => None,
            CloseCause::Refused => Some(Trouble::Refused),
            CloseCause::Unreachable => Some(Trouble::Unreachable),
            CloseCause::TimedOut => Some(Trouble::TimedOut),
            CloseCause::Local(_) => Some(Trouble::Ours),
            CloseCause::Eof | CloseCause::Reset | CloseCause::Tls(_) | CloseCause::Other(_) => {
                Some(Trouble::Closed)
            }
        };
        self.candidates.note(addr, trouble);
    }

    /// We ended a connection.
    pub(in crate::torrent) fn note_end(&mut self, addr: SocketAddr, end: End) {
        if end == End::ConnectTimeout {
            self.noted.local = None;
        }
        let trouble = match end {
            End::ConnectTimeout | End::HandshakeTimeout | End::Silent => Some(Trouble::TimedOut),
            End::Violation(_) => Some(Trouble::Violation),
            End::RefusesAll => Some(Trouble::RefusesAll),
            End::Useless
            | End::BothSeeds
            | End::NothingWanted
            | End::Ourselves
            | End::Duplicate
            | End::Banned
            | End::Full
            | End::TorrentStopped
            | End::Private
            | End::TrackerSwitched
            | End::NetworkChanged
            | End::Shutdown => None,
        };
        self.candidates.note(addr, trouble);
    }
}
