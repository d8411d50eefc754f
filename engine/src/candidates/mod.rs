//! Known addresses of one torrent: whom to dial, when, and whom never (protocol.md §19).
//!
//! Sources are trackers, other peers, earlier runs, peers that connected to us, and the user. Nobody of them but the
//! user is trusted: what may be dialled at all is decided in [`address`], ports of one host are limited, the list is
//! bounded, and an address that fails is left alone for longer each time.
//!
//! Invariants: `idle` holds exactly the known addresses without a connection, in the order of [`Rank`]; `ready` those
//! of them that may be dialled now, `waiting` those that may be later; no banned and no own address is in `idle`;
//! `ips` counts the connections of each address in `links`.

mod address;
mod bans;
mod entry;
mod incoming;
mod own;
mod plain;
mod priority;
mod report;
#[cfg(test)]
mod tests;

pub use address::canonical;
pub use priority::priority;
pub use report::{AddOutcome, BanReason, CandidateView, Refusal, Source, Standing, Trouble};

use crate::config::CandidatesConfig;
use crate::marks::{Mark, Marks};
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use address::canonical_ip;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use bans::Bans;
use core::net::{IpAddr, SocketAddr};
use entry::{Entry, Phase, Rank};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Link {
    Connecting,
    Connected,
}

/// The known addresses of one torrent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Candidates {
    config: CandidatesConfig,
    rng: Rng,
    entries: BTreeMap<SocketAddr, Entry>,
    idle: BTreeSet<(Rank, SocketAddr)>,
    ready: BTreeSet<(Rank, SocketAddr)>,
    waiting: BTreeSet<(Instant, SocketAddr)>,
    links: BTreeMap<SocketAddr, Link>,
    ips: BTreeMap<IpAddr, u32>,
    connecting: usize,
    /// [`Candidates::next`] found nothing, and nothing has changed since: it is asked after every event.
    exhausted: bool,
    bans: Bans,
    votes: own::Votes,
    /// Our addresses as others see them, of IPv4 and of IPv6.
    seen_as: [Option<SocketAddr>; 2],
    /// What stands for them before they are known.
    stand_ins: Option<[SocketAddr; 2]>,
    /// Oldest first.
    own: VecDeque<SocketAddr>,
    /// Branches that were taken.
    pub marks: Marks,
}

impl Candidates {
    /// No addresses.
    pub fn new(config: CandidatesConfig, rng: Rng) -> Self {
        Self {
            config,
            rng,
            entries: BTreeMap::new(),
            idle: BTreeSet::new(),
            ready: BTreeSet::new(),
            waiting: BTreeSet::new(),
            links: BTreeMap::new(),
            ips: BTreeMap::new(),
            connecting: 0,
            exhausted: false,
            bans: Bans::default(),
            votes: own::Votes::default(),
            seen_as: [None; 2],
            stand_ins: None,
            own: VecDeque::new(),
            marks: Marks::default(),
        }
    }

    /// Someone names an address. `local_ok`: loopback, link-local and private addresses are fine from this one (it is
    /// local itself, or the user allows it).
    pub fn add(&mut self, now: Instant, addr: SocketAddr, source: Source, local_ok: bool) -> AddOutcome {
        let addr = canonical(addr);
        if let Some(refusal) = address::refusal(addr, source, local_ok) {
            return AddOutcome::Refused(refusal);
        }
        if self.own.contains(&addr) {
            return AddOutcome::Refused(Refusal::Own);
        }
        if let Some(reason) = self.bans.get(now, addr.ip()) {
            return AddOutcome::Refused(Refusal::Banned(reason));
        }
        if let Some(mut entry) = self.take(addr) {
            entry.source = entry.source.min(source);
            if entry.phase == Phase::GivenUp {
                // named again: one more try, but not sooner than a failure earns
                entry.failures = self.config.failures_max.saturating_sub(1);
                entry.phase = self.after_failure(&entry, entry.last_tried.unwrap_or(now), now);
            }
            self.put(addr, entry);
            return AddOutcome::Known;
        }
        let entry = Entry {
            source,
            failures: 0,
            useful: false,
            last_tried: None,
            salt: self.rng.next_u32(),
            priority: self.priority_of(addr),
            trouble: None,
            plain: false,
            phase: if self.links.contains_key(&addr) {
                Phase::Linked
            } else {
                Phase::Ready
            },
        };
        if let Err(refusal) = self.make_room(addr.ip(), &entry) {
            return AddOutcome::Refused(refusal);
        }
        self.put(addr, entry);
        AddOutcome::New
    }

    /// Drops an address of less merit if the host has too many ports, or the list too many addresses.
    fn make_room(&mut self, ip: IpAddr, new: &Entry) -> Result<(), Refusal> {
        let of_host: Vec<(SocketAddr, Entry)> = self.entries_of(ip).collect();
        if of_host.len() >= self.config.ports_per_ip_max && new.source != Source::User {
            let worst = of_host
                .iter()
                .filter(|(_, entry)| entry.phase != Phase::Linked)
                .max_by_key(|(_, entry)| entry.rank());
            match worst {
                Some((addr, entry)) if entry.merit() > new.merit() => {
                    self.marks.hit(Mark::CandidateReplaced);
                    self.take(*addr)
                }
                _ => return Err(Refusal::TooManyPorts),
            };
        }
        if self.entries.len() >= self.config.known_max {
            // what the user named is never dropped for what a stranger names
            let named = |addr: &SocketAddr| self.entries.get(addr).map(|entry| (*addr, entry.merit()));
            let mut worst_first = self.idle.iter().rev().filter_map(|(_, addr)| named(addr));
            let worst = worst_first.find(|(_, merit)| merit.2 != Source::User);
            match worst {
                Some((addr, merit)) if merit > new.merit() => self.take(addr),
                _ => return Err(Refusal::Full),
            };
        }
        Ok(())
    }

    fn entries_of(&self, ip: IpAddr) -> impl Iterator<Item = (SocketAddr, Entry)> + '_ {
        self.entries
            .range(SocketAddr::new(ip, 0)..)
            .take_while(move |(addr, _)| addr.ip() == ip)
            .map(|(addr, entry)| (*addr, *entry))
    }

    /// The best address that may be dialled now; it counts as connecting from then on. Nothing when there is none.
    pub fn next(&mut self, now: Instant) -> Option<SocketAddr> {
        self.handle_timeout(now);
        if self.exhausted {
            return None;
        }
        let free =
            |addr: &SocketAddr| self.config.allow_multiple_per_ip || !self.ips.contains_key(&addr.ip());
        let Some(addr) = self.ready.iter().map(|(_, addr)| *addr).find(free) else {
            self.exhausted = true;
            return None;
        };
        let mut entry = self.take(addr)?;
        entry.last_tried = Some(now);
        entry.phase = Phase::Linked;
        self.put(addr, entry);
        self.link(addr, Link::Connecting);
        Some(addr)
    }

    /// A dialled connection is established. True when another one to the same host is up already (both sides dialled
    /// at a time): one of the two has to be closed, by a rule that both sides share.
    pub fn connected(&mut self, now: Instant, addr: SocketAddr) -> bool {
        let _ = now;
        let addr = canonical(addr);
        if let Some(link @ Link::Connecting) = self.links.get_mut(&addr) {
            *link = Link::Connected;
            self.connecting -= 1;
        }
        let others = self.ips.get(&addr.ip()).copied().unwrap_or(0) > 1;
        others && !self.config.allow_multiple_per_ip
    }

    /// A dialled connection could not be established, or its handshake failed.
    pub fn failed(&mut self, now: Instant, addr: SocketAddr) {
        self.closed(now, addr, false);
        self.forget_plain(addr);
    }

    /// A connection is gone. `useful`: blocks went one way or the other, so it is worth a new try.
    pub fn closed(&mut self, now: Instant, addr: SocketAddr, useful: bool) {
        self.unlink(now, addr, |config, entry| {
            entry.useful |= useful;
            if useful {
                entry.failures = 0;
            } else {
                entry.failures = entry.failures.saturating_add(1);
                if entry.failures >= config.failures_max && entry.source != Source::User {
                    entry.phase = Phase::GivenUp;
                    return;
                }
            }
            entry.phase = Phase::Waiting(now);
        });
    }

    /// A dial was taken back for a reason of ours (no descriptor left, shutdown): no failure, but others come first.
    /// It is ready again after `wait`.
    pub fn gave_up(&mut self, now: Instant, addr: SocketAddr, wait: Duration) {
        self.unlink(now, addr, |_, entry| {
            entry.phase = match wait {
                Duration::ZERO => Phase::Ready,
                wait => Phase::Waiting(now + wait),
            };
        });
    }

    /// A connection ended for a reason that says nothing of the peer (it is connected otherwise, we have too many):
    /// no failure, but not again at once.
    pub fn set_aside(&mut self, now: Instant, addr: SocketAddr) {
        self.unlink(now, addr, |_, entry| entry.phase = Phase::Waiting(now));
    }

    /// The peer has nothing for us and needs nothing (two seeds): it is not dialled until [`Candidates::retry_now`].
    pub fn not_needed(&mut self, now: Instant, addr: SocketAddr) {
        self.unlink(now, addr, |_, entry| {
            entry.failures = 0;
            entry.phase = Phase::NotNeeded;
        });
    }

    /// Forgets every address that is known from this kind of source and no better one. Those that are connected are
    /// forgotten, too; their connections are the caller's to close.
    pub fn forget_sources(&mut self, source: Source) {
        let named = |(addr, entry): (&SocketAddr, &Entry)| (entry.source == source).then_some(*addr);
        let addrs: Vec<SocketAddr> = self.entries.iter().filter_map(named).collect();
        for addr in addrs {
            self.take(addr);
        }
    }

    /// Bans an address: what is known of it is forgotten, and it is refused until the ban ends. Connections to it are
    /// the caller's to close.
    pub fn ban(&mut self, now: Instant, ip: IpAddr, reason: BanReason) {
        self.ban_for(now, ip, reason, self.config.ban_time);
    }

    /// The same for a time of its own.
    pub fn ban_for(&mut self, now: Instant, ip: IpAddr, reason: BanReason, time: Duration) {
        let ip = canonical_ip(ip);
        self.bans.insert(now, ip, reason, time, self.config.bans_max);
        let idle: Vec<SocketAddr> = self
            .entries_of(ip)
            .filter(|(_, entry)| entry.phase != Phase::Linked)
            .map(|(addr, _)| addr)
            .collect();
        for addr in idle {
            self.take(addr);
        }
    }

    /// Ends a ban; false when there was none.
    pub fn unban(&mut self, now: Instant, ip: IpAddr) -> bool {
        self.bans.expire(now);
        self.bans.remove(canonical_ip(ip))
    }

    /// Whether an address is banned now.
    pub fn is_banned(&self, now: Instant, ip: IpAddr) -> bool {
        self.bans.get(now, canonical_ip(ip)).is_some()
    }

    /// The address turned out to be our own (we connected to ourselves): never again.
    pub fn mark_own(&mut self, addr: SocketAddr) {
        let addr = canonical(addr);
        if !self.own.contains(&addr) {
            if self.own.len() >= self.config.own_max {
                self.own.pop_front();
            }
            self.own.push_back(addr);
        }
        if self
            .entries
            .get(&addr)
            .is_some_and(|entry| entry.phase != Phase::Linked)
        {
            self.take(addr);
        }
    }

    /// The addresses that are known.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.entries.keys().copied()
    }

    /// How many addresses are known.
    pub fn known(&self) -> usize {
        self.entries.len()
    }

    /// How many connections are established.
    pub fn connected_count(&self) -> usize {
        self.links.len() - self.connecting
    }

    /// How many connections are dialled and not established.
    pub fn connecting_count(&self) -> usize {
        self.connecting
    }

    /// How many addresses may be dialled now, as far as their hosts are not connected. An upper bound that costs
    /// nothing; [`Candidates::next`] has the last word.
    pub fn ready_count(&self) -> usize {
        self.ready.len()
    }

    /// When the next address becomes dialable that is not now.
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.first().map(|(at, _)| *at)
    }

    /// Makes addresses dialable whose wait is over.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.bans.expire(now);
        while let Some((at, addr)) = self.waiting.first().copied()
            && at <= now
        {
            self.waiting.pop_first();
            if let Some(mut entry) = self.take(addr) {
                entry.phase = Phase::Ready;
                self.put(addr, entry);
            }
        }
    }

    /// Earlier failures say nothing any more, and nobody has to wait. `seeds` too, if they are of use again.
    pub fn retry_now(&mut self, seeds: bool) {
        let idle: Vec<SocketAddr> = self.idle.iter().map(|(_, addr)| *addr).collect();
        for addr in idle {
            if let Some(mut entry) = self.take(addr) {
                if seeds || entry.phase != Phase::NotNeeded {
                    entry.failures = 0;
                    entry.phase = Phase::Ready;
                }
                self.put(addr, entry);
            }
        }
    }

    fn link(&mut self, addr: SocketAddr, link: Link) {
        self.connecting += usize::from(link == Link::Connecting);
        self.links.insert(addr, link);
        *self.ips.entry(addr.ip()).or_insert(0) += 1;
    }

    /// A connection is gone; `change` says what that means for its address. A peer that dialled us has a port of the
    /// moment, so what it did is held against the ports of its host that we know. Late news of an unknown one is
    /// ignored.
    fn unlink(&mut self, now: Instant, addr: SocketAddr, change: impl Fn(&CandidatesConfig, &mut Entry)) {
        let addr = canonical(addr);
        let Some(link) = self.links.remove(&addr) else {
            return;
        };
        self.connecting -= usize::from(link == Link::Connecting);
        self.exhausted = false;
        if let Some(count) = self.ips.get_mut(&addr.ip()) {
            *count -= 1;
            if *count == 0 {
                self.ips.remove(&addr.ip());
            }
        }
        let mut marks = self.marks;
        let concerned: Vec<SocketAddr> = if self.entries.contains_key(&addr) {
            [addr].to_vec()
        } else if self.config.allow_multiple_per_ip {
            Vec::new()
        } else {
            marks.hit(Mark::CandidateOfHost);
            let idle = |(_, entry): &(SocketAddr, Entry)| entry.phase != Phase::Linked;
            self.entries_of(addr.ip())
                .filter(idle)
                .map(|(addr, _)| addr)
                .collect()
        };
        for addr in concerned {
            let Some(mut entry) = self.take(addr) else {
                continue;
            };
            if self.own.contains(&addr) || self.is_banned(now, addr.ip()) {
                continue;
            }
            change(&self.config, &mut entry);
            if entry.phase == Phase::GivenUp {
                marks.hit(Mark::CandidateGivenUp);
            }
            if matches!(entry.phase, Phase::Waiting(at) if at <= now) {
                entry.phase = self.after_failure(&entry, now, now);
            }
            self.put(addr, entry);
        }
        self.marks = marks;
    }

    /// Waits for n + 1 times the least wait after the n-th failure since `since`, and a little more at random.
    fn after_failure(&mut self, entry: &Entry, since: Instant, now: Instant) -> Phase {
        let times = entry.failures.min(self.config.failures_max).saturating_add(1);
        let at =
            since + self.config.retry_min.saturating_mul(times) + self.rng.jitter(self.config.retry_jitter);
        if at <= now {
            Phase::Ready
        } else {
            Phase::Waiting(at)
        }
    }

    /// Takes an address out of the list and of every index.
    fn take(&mut self, addr: SocketAddr) -> Option<Entry> {
        let entry = self.entries.remove(&addr)?;
        let key = (entry.rank(), addr);
        self.idle.remove(&key);
        self.ready.remove(&key);
        if let Phase::Waiting(at) = entry.phase {
            self.waiting.remove(&(at, addr));
        }
        Some(entry)
    }

    fn put(&mut self, addr: SocketAddr, entry: Entry) {
        self.exhausted = false;
        let key = (entry.rank(), addr);
        match entry.phase {
            Phase::Linked => {}
            Phase::Ready => {
                self.idle.insert(key);
                self.ready.insert(key);
            }
            Phase::Waiting(at) => {
                self.idle.insert(key);
                self.waiting.insert((at, addr));
            }
            Phase::GivenUp | Phase::NotNeeded => {
                self.idle.insert(key);
            }
        }
        self.entries.insert(addr, entry);
    }
}
