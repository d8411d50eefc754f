//! Peer exchange (BEP 11): what each peer was told of our other peers, what it may be told next, and when.
//!
//! It knows connections by their numbers and contacts by their addresses. Whom a peer may be told of is decided here:
//! never of itself, never of an address that reaches less far than its own ([`Scope`]), never of a peer whose port
//! nobody knows. Whether a torrent exchanges peers at all is its owner's to say.
//!
//! Invariants: messages to one peer are an interval apart; a peer is told of the end of every contact that it was told
//! of; no contact is in both lists of one message; every list that a peer can make grow is bounded.

#[cfg(test)]
mod tests;

use crate::config::PexConfig;
use crate::extension::pex::{Flags, PexMessage};
use crate::id::ConnId;
use crate::scope::Scope;
use crate::time::Instant;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::SocketAddr;
use serde::{Deserialize, Serialize};

/// A peer that we are connected to, as others may be told of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contact {
    /// Its connection.
    pub conn: ConnId,
    /// Where it can be dialled: what we dialled, or the port that it names in its extended handshake.
    pub addr: SocketAddr,
    /// What is known of it.
    pub flags: Flags,
}

/// An address that a peer names for the first time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Named {
    /// The address.
    pub addr: SocketAddr,
    /// What is said of it.
    pub flags: Flags,
    /// Whether an address that is not global is fine from this peer: its own reaches no further.
    pub local_ok: bool,
}

/// A peer that speaks the extension protocol.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Peer {
    /// Its own address.
    addr: SocketAddr,
    /// Whether it takes messages now.
    listens: bool,
    /// Whom it was told of and not told that they are gone, in that order: no order here hangs on addresses, which a
    /// redacted recording has other ones of.
    told: Vec<SocketAddr>,
    /// Whether it was told anything yet.
    begun: bool,
    /// Not before.
    next_at: Instant,
    /// Whom it says to be connected to, at most [`PexConfig::stored_max`].
    names: BTreeSet<SocketAddr>,
}

/// What is exchanged about the peers of one torrent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pex {
    config: PexConfig,
    peers: BTreeMap<ConnId, Peer>,
    /// Listening peers for which there may be news, by the time of their next message.
    due: BTreeSet<(Instant, ConnId)>,
}

impl Pex {
    /// Nobody listens.
    pub const fn new(config: PexConfig) -> Self {
        Self {
            config,
            peers: BTreeMap::new(),
            due: BTreeSet::new(),
        }
    }

    /// A peer says whether it takes messages. `addr` is its address.
    pub fn listens(&mut self, now: Instant, conn: ConnId, addr: SocketAddr, listens: bool) {
        let next_at = now + self.config.first_after;
        let peer = self.peers.entry(conn).or_insert_with(|| Peer {
            addr,
            listens: false,
            told: Vec::new(),
            begun: false,
            next_at,
            names: BTreeSet::new(),
        });
        // one that turns it off and on again has to wait like everybody
        if core::mem::replace(&mut peer.listens, listens) == listens {
            return;
        }
        let due = (peer.next_at, conn);
        if listens {
            self.due.insert(due);
        } else {
            self.due.remove(&due);
        }
    }

    /// A connection is gone.
    pub fn left(&mut self, conn: ConnId) {
        if let Some(peer) = self.peers.remove(&conn) {
            self.due.remove(&(peer.next_at, conn));
        }
        self.contacts_changed();
    }

    /// A contact came, went, or can be told of now: there may be news for everybody.
    pub fn contacts_changed(&mut self) {
        let listening = self.peers.iter().filter(|(_, peer)| peer.listens);
        self.due
            .extend(listening.map(|(conn, peer)| (peer.next_at, *conn)));
    }

    /// When somebody may be told something.
    pub fn deadline(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Somebody to whom something may be told now; the owner asks for its [`Pex::message`].
    pub fn next_due(&self, now: Instant) -> Option<ConnId> {
        let (at, conn) = self.due.first()?;
        (*at <= now).then_some(*conn)
    }

    /// What a peer is told now, if there is any news for it. It counts as told. A contact that both left and came back
    /// since the last message is no news.
    pub fn message(&mut self, now: Instant, conn: ConnId, contacts: &[Contact]) -> Option<PexMessage> {
        let peer = self.peers.get_mut(&conn)?;
        self.due.remove(&(peer.next_at, conn));
        let reach = Scope::of(peer.addr.ip());
        let may_know = |contact: &&Contact| {
            let itself = contact.conn == conn || contact.addr == peer.addr;
            !itself && contact.addr.port() != 0 && Scope::of(contact.addr.ip()) >= reach
        };
        let most = if peer.begun {
            self.config.contacts_max
        } else {
            self.config.contacts_first_max
        };
        let mut added: Vec<(SocketAddr, Flags)> = Vec::new();
        let mut present = BTreeSet::new();
        for contact in contacts.iter().filter(may_know) {
            // several connections to one address are one contact
            if present.insert(contact.addr) && !peer.told.contains(&contact.addr) && added.len() <= most {
                added.push((contact.addr, contact.flags));
            }
        }
        let gone = peer.told.iter().filter(|addr| !present.contains(addr));
        let dropped: Vec<_> = gone.copied().take(most + 1).collect();
        let mut message = PexMessage { added, dropped };
        let more = message.added.len() > most || message.dropped.len() > most;
        message.added.truncate(most);
        message.dropped.truncate(most);
        if message.is_empty() {
            return None;
        }
        peer.told.extend(message.added.iter().map(|(addr, _)| *addr));
        peer.told.retain(|addr| !message.dropped.contains(addr));
        peer.begun = true;
        peer.next_at = now + self.config.interval;
        if more {
            self.due.insert((peer.next_at, conn));
        }
        Some(message)
    }

    /// A peer names its contacts. Those that may be tried are returned: the new ones of its list, as far as it is
    /// believed.
    pub fn heard(&mut self, conn: ConnId, from: SocketAddr, message: &PexMessage) -> Vec<Named> {
        let reach = Scope::of(from.ip());
        let mut tried = Vec::new();
        let Some(Peer { names, .. }) = self.peers.get_mut(&conn) else {
            return tried;
        };
        for addr in &message.dropped {
            names.remove(addr);
        }
        for (addr, flags) in &message.added {
            if names.len() >= self.config.stored_max {
                break;
            }
            if names.insert(*addr) {
                tried.push(Named {
                    addr: *addr,
                    flags: *flags,
                    local_ok: Scope::of(addr.ip()) >= reach,
                });
            }
        }
        tried
    }
}
