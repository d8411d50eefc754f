//! Whom to dial in plain first: what an address was found to understand (protocol.md §15).

use super::Candidates;
use super::address::canonical;
use super::entry::Phase;
use crate::time::Instant;
use core::net::SocketAddr;

impl Candidates {
    /// Whether an address is dialled in plain: it ended an encrypted handshake, and has not failed in plain since.
    pub fn is_plain(&self, addr: SocketAddr) -> bool {
        self.entries
            .get(&canonical(addr))
            .is_some_and(|entry| entry.plain)
    }

    /// A dialled connection ended within its encrypted handshake. That is no failure: the address may be dialled again
    /// at once, in plain.
    pub fn try_plain(&mut self, now: Instant, addr: SocketAddr) {
        self.unlink(now, addr, |_, entry| {
            entry.plain = true;
            entry.phase = Phase::Ready;
        });
    }

    /// An address failed: the next try is encrypted again.
    pub(super) fn forget_plain(&mut self, addr: SocketAddr) {
        if let Some(entry) = self.entries.get_mut(&canonical(addr)) {
            entry.plain = false;
        }
    }
}
