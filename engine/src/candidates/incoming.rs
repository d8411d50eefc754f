//! Addresses that dial us.

use super::address::canonical;
use super::{Candidates, Link, Phase, Refusal};
use crate::time::Instant;
use core::net::SocketAddr;

impl Candidates {
    /// A peer has connected to us. Its port is not the one that it listens at, so it is no address to dial: that one
    /// comes with [`Candidates::add`] when the peer tells it. A dial of ours that is under way does not refuse it,
    /// else two peers that dial each other at a time would both refuse.
    ///
    /// # Errors
    /// Says why the connection is not wanted; it is then not counted either.
    pub fn incoming(&mut self, now: Instant, addr: SocketAddr) -> Result<(), Refusal> {
        self.admits(now, addr)?;
        let addr = canonical(addr);
        if let Some(mut entry) = self.take(addr) {
            entry.phase = Phase::Linked;
            self.put(addr, entry);
        }
        self.link(addr, Link::Connected);
        Ok(())
    }

    /// Whether [`Candidates::incoming`] would take it.
    ///
    /// # Errors
    /// As there.
    pub fn admits(&self, now: Instant, addr: SocketAddr) -> Result<(), Refusal> {
        let addr = canonical(addr);
        if let Some(reason) = self.bans.get(now, addr.ip()) {
            return Err(Refusal::Banned(reason));
        }
        let established = |link: (&SocketAddr, &Link)| *link.1 == Link::Connected;
        let same_host = || {
            let links = self.links.range(SocketAddr::new(addr.ip(), 0)..);
            links.take_while(|(other, _)| other.ip() == addr.ip())
        };
        if self.links.contains_key(&addr)
            || (!self.config.allow_multiple_per_ip && same_host().any(established))
        {
            return Err(Refusal::AlreadyConnected);
        }
        Ok(())
    }
}
