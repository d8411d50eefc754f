//! Our address as others see it: trackers (`external ip`, BEP 24) and peers (`yourip`, BEP 10) say so, and nobody of
//! them is believed alone.

use super::address::{canonical, canonical_ip};
use super::{Candidates, priority};
use crate::rng::Rng;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use serde::{Deserialize, Serialize};

/// Addresses that are voted for, and voters of each, that are kept: enough to outvote a few liars.
const ADDRESSES_MAX: usize = 16;
const VOTERS_MAX: usize = 32;

/// Voters that make an address ours.
const VOTERS_MIN: usize = 2;

/// What was said.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Votes(Vec<(IpAddr, BTreeSet<IpAddr>)>);

impl Votes {
    /// Somebody says that this is our address.
    pub(super) fn vote(&mut self, voter: IpAddr, ip: IpAddr) {
        if let Some((_, voters)) = self.0.iter_mut().find(|(known, _)| *known == ip) {
            if voters.len() < VOTERS_MAX {
                voters.insert(voter);
            }
        } else if self.0.len() < ADDRESSES_MAX {
            self.0.push((ip, BTreeSet::from([voter])));
        }
    }

    /// The address of a family that most say, if at least two do; the one that was said first among equals.
    pub(super) fn winner(&self, v4: bool) -> Option<IpAddr> {
        let of_family = self
            .0
            .iter()
            .filter(|(ip, voters)| ip.is_ipv4() == v4 && voters.len() >= VOTERS_MIN);
        let best = of_family.rev().max_by_key(|(_, voters)| voters.len());
        best.map(|(ip, _)| *ip)
    }
}

impl Candidates {
    /// Somebody says what our address is; peers reach us at `port`. With it the order of addresses is that of BEP 40.
    pub fn heard_own(&mut self, voter: IpAddr, ip: IpAddr, port: u16) {
        if !self.config.canonical_priority {
            return;
        }
        self.votes.vote(canonical_ip(voter), canonical_ip(ip));
        let seen_as = [true, false].map(|v4| self.votes.winner(v4).map(|ip| SocketAddr::new(ip, port)));
        if core::mem::replace(&mut self.seen_as, seen_as) == seen_as {
            return;
        }
        let addrs: Vec<SocketAddr> = self.entries.keys().copied().collect();
        for addr in addrs {
            if let Some(mut entry) = self.take(addr) {
                entry.priority = self.priority_of(addr);
                self.put(addr, entry);
            }
        }
    }

    /// The priority of a connection to this address (BEP 40), once our own address is known; the greater is preferred.
    pub fn priority_of(&self, addr: SocketAddr) -> Option<u32> {
        let addr = canonical(addr);
        let [v4, v6] = self.seen_as;
        let own = if addr.is_ipv4() { v4 } else { v6 };
        let given = &self.config.priorities_given;
        own.map(|own| {
            let given = given.get(&(own, addr)).copied();
            given.unwrap_or_else(|| priority(own, addr))
        })
    }

    /// The same, and before our own address is known with one that is drawn in its place: no peer can choose an address
    /// of great priority then. None when the configuration has no such priorities.
    pub fn preference(&mut self, addr: SocketAddr) -> Option<u32> {
        if !self.config.canonical_priority {
            return None;
        }
        if let Some(known) = self.priority_of(addr) {
            return Some(known);
        }
        let addr = canonical(addr);
        let rng = &mut self.rng;
        let [v4, v6] = *self.stand_ins.get_or_insert_with(|| draw(rng));
        let own = if addr.is_ipv4() { v4 } else { v6 };
        let given = self.config.priorities_given.get(&(own, addr)).copied();
        Some(given.unwrap_or_else(|| priority(own, addr)))
    }

    /// What stands for our addresses before they are known, if that was needed.
    pub fn stand_ins(&self) -> impl Iterator<Item = SocketAddr> {
        self.stand_ins.into_iter().flatten()
    }

    /// Our address in each family as others see it, as far as they agree.
    pub fn seen_as(&self) -> impl Iterator<Item = SocketAddr> {
        self.seen_as.into_iter().flatten()
    }
}

/// An address of IPv4 and one of IPv6.
fn draw(rng: &mut Rng) -> [SocketAddr; 2] {
    let (v4, v6) = (rng.next_u32(), u128::from(rng.next_u64()) << 64);
    [IpAddr::from(v4.to_be_bytes()), IpAddr::from(v6.to_be_bytes())].map(|ip| SocketAddr::new(ip, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_majority_decides_and_nobody_alone() {
        let ip = |n: u8| IpAddr::from([192, 0, 2, n]);
        let mut votes = Votes::default();
        votes.vote(ip(1), ip(100));
        votes.vote(ip(1), ip(100));
        assert_eq!(votes.winner(true), None, "one voter");
        votes.vote(ip(2), ip(100));
        votes.vote(ip(3), ip(101));
        votes.vote(ip(4), ip(101));
        assert_eq!(votes.winner(true), Some(ip(100)), "the first among equals");
        votes.vote(ip(5), ip(101));
        assert_eq!((votes.winner(true), votes.winner(false)), (Some(ip(101)), None));
        for n in 0..255 {
            votes.vote(ip(9), IpAddr::from([198, 51, 100, n]));
        }
        assert_eq!(votes.0.len(), ADDRESSES_MAX);
    }
}
