//! What the names of trackers meant when they were last looked up, and which address answered.
//!
//! At the end there is no time for a lookup: `stopped` goes where the last announce went. And of many addresses the one
//! that answered is asked first the next time, so that dead ones cost their time-outs once.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;
use serde::{Deserialize, Serialize};

/// Names that are remembered: more than a user's torrents share trackers.
const NAMES_MAX: usize = 256;

/// Names and their addresses, the one that answered last in front.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Hosts(BTreeMap<String, Vec<IpAddr>>);

impl Hosts {
    /// A name was looked up. Gives its addresses in the order in which to ask them.
    pub(super) fn found(&mut self, host: &str, mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
        let first = self.0.get(host).and_then(|known| known.first());
        if let Some(at) = first.and_then(|first| addresses.iter().position(|address| address == first))
            && let Some(front) = addresses.get_mut(..=at)
        {
            front.rotate_right(1);
        }
        if self.0.len() >= NAMES_MAX && !self.0.contains_key(host) {
            self.0.pop_first();
        }
        self.0.insert(host.into(), addresses.clone());
        addresses
    }

    /// An address of a name answered.
    pub(super) fn answered(&mut self, host: &str, address: IpAddr) {
        if let Some(known) = self.0.get_mut(host)
            && let Some(at) = known.iter().position(|other| *other == address)
            && let Some(front) = known.get_mut(..=at)
        {
            front.rotate_right(1);
        }
    }

    /// What a name meant last.
    pub(super) fn last(&self, host: &str) -> Option<&[IpAddr]> {
        self.0.get(host).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn ip(n: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, n])
    }

    #[test]
    fn who_answered_is_asked_first() {
        let mut hosts = Hosts::default();
        let all = [ip(1), ip(2), ip(3)];
        assert_eq!(hosts.last("t"), None);
        assert_eq!(hosts.found("t", all.to_vec()), all);
        hosts.answered("t", ip(3));
        assert_eq!(hosts.last("t"), Some(&[ip(3), ip(1), ip(2)][..]));
        assert_eq!(hosts.found("t", all.to_vec()), [ip(3), ip(1), ip(2)]);
        // it means something else now
        assert_eq!(hosts.found("t", [ip(9)].to_vec()), [ip(9)]);
        hosts.answered("t", ip(1));
        assert_eq!(hosts.last("t"), Some(&[ip(9)][..]));
    }

    #[test]
    fn names_are_bounded() {
        let mut hosts = Hosts::default();
        for n in 0..2 * NAMES_MAX {
            hosts.found(&format!("{n:05}"), Vec::new());
        }
        assert_eq!(hosts.0.len(), NAMES_MAX);
        assert!(hosts.last(&format!("{:05}", 2 * NAMES_MAX - 1)).is_some());
    }
}
