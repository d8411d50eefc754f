//! Our address as others see it: trackers (`external ip`, BEP 24) and peers (`yourip`, BEP 10) say so, and nobody of
//! them is believed alone.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::IpAddr;
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
