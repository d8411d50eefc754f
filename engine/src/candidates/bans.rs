//! Banned addresses, with the reason and the end of each ban.
//!
//! Invariant: `ends` holds `(end, ip)` exactly for the entries of `bans`.

use super::BanReason;
use crate::time::{Duration, Instant};
use alloc::collections::{BTreeMap, BTreeSet};
use core::net::IpAddr;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Bans {
    bans: BTreeMap<IpAddr, (Instant, BanReason)>,
    ends: BTreeSet<(Instant, IpAddr)>,
}

impl Bans {
    /// Bans an address, or bans it for longer. When `most` are banned, the ban that ends first is dropped.
    pub(super) fn insert(
        &mut self,
        now: Instant,
        ip: IpAddr,
        reason: BanReason,
        time: Duration,
        most: usize,
    ) {
        self.remove(ip);
        self.expire(now);
        if self.bans.len() >= most
            && let Some((_, first)) = self.ends.pop_first()
        {
            self.bans.remove(&first);
        }
        let end = now + time;
        self.bans.insert(ip, (end, reason));
        self.ends.insert((end, ip));
    }

    pub(super) fn remove(&mut self, ip: IpAddr) -> bool {
        let Some((end, _)) = self.bans.remove(&ip) else {
            return false;
        };
        self.ends.remove(&(end, ip))
    }

    pub(super) fn get(&self, now: Instant, ip: IpAddr) -> Option<BanReason> {
        self.bans
            .get(&ip)
            .filter(|(end, _)| now < *end)
            .map(|(_, reason)| *reason)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (IpAddr, Instant, BanReason)> + '_ {
        self.bans.iter().map(|(ip, (end, reason))| (*ip, *end, *reason))
    }

    pub(super) fn len(&self) -> usize {
        self.bans.len()
    }

    /// Forgets the bans that are over.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((end, ip)) = self.ends.first().copied()
            && end <= now
        {
            self.ends.pop_first();
            self.bans.remove(&ip);
        }
    }
}
