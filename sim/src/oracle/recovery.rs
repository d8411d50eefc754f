//! What has to come true again: trackers are asked, peers are dialled, a failed disk is tried, each within the time
//! that its back-off explains (L3, L6, L7, L9).
//!
//! Each of them is a [`Debt`]: it is owed from when its precondition holds, paid by an action or a report of the
//! engine, and void when the precondition ends. Only a debt that is paid or overdue counts. An engine that has fallen
//! asleep for good gets no event, so what it owes is also looked at when its time is over.

use super::table::Oracle;
use super::verdicts::Verdicts;
use super::watch::Watch;
use seedbed_engine::config::TrackerConfig;
use seedbed_engine::session::End;
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::{CloseReason, Command, TorrentState};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Dials go out with a rate a second, and announces after a change of the network are spread over two.
const SLACK: Duration = Duration::from_secs(5);

/// Before an announce its host may have to be looked up, and others of the world may have their turn first.
const TRACKER_SLACK: Duration = Duration::from_secs(60);

/// What a slow disk may take to look at what could not be read.
const DISK_SLACK: Duration = Duration::from_secs(60);

/// What an engine can count on from now on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Surroundings {
    /// Trackers that answer. Empty if another one, which may hide them by answering well (BEP 12), does what it wants.
    pub trackers: Vec<IpAddr>,
    /// Beside them: trackers that never answer, over UDP and over HTTP.
    pub dead_udp: u32,
    /// See `dead_udp`.
    pub dead_http: u32,
    /// The interval that the trackers tell.
    pub interval: Duration,
}

/// Something that has to happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Debt {
    since: Instant,
    due: Instant,
}

/// What is known of an address from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Known {
    /// The user named it, so it is never given up.
    named: bool,
    /// It was dialled, so the engine knows of it.
    dialled: bool,
    /// Connections to it that have ended: at least as many as the failures that the engine counts.
    ended: u32,
    /// It may not be dialled any more: it is ourselves, was banned, or has nothing to give.
    out: bool,
}

impl Known {
    const fn may_be_dialled(&self) -> bool {
        (self.named || self.dialled) && !self.out
    }
}

/// Debts of one engine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recovery {
    around: Option<Surroundings>,
    known: BTreeMap<IpAddr, Known>,
    /// When each address was last banned, over all lives.
    bans: BTreeMap<IpAddr, Instant>,
    /// Addresses that were turned away as banned since the engine last settled.
    turned_away: Vec<IpAddr>,
    /// Connections to peers.
    open: usize,
    /// It was told to end.
    over: bool,
    contact: Option<Debt>,
    /// The interval that `contact` allows for.
    told: Duration,
    alone: Option<Debt>,
    disk: Option<Debt>,
    network: Option<Debt>,
}

impl Recovery {
    /// The process died.
    pub(crate) fn restarted(&mut self) {
        *self = Self {
            around: self.around.take(),
            bans: std::mem::take(&mut self.bans),
            ..Self::default()
        };
    }

    /// Whether somebody can be dialled who was not given up.
    fn has_candidate(&self, failures_max: u32) -> bool {
        let mut known = self.known.values();
        known.any(|known| known.may_be_dialled() && (known.named || known.ended < failures_max))
    }
}

/// The precondition held until now, and what was owed has come.
fn pay(debt: &mut Option<Debt>, now: Instant, oracle: Oracle, verdicts: &mut Verdicts) {
    if let Some(Debt { since, due }) = debt.take() {
        verdicts.check(oracle, now <= due, || {
            format!("owed since {since}, due at {due}, done at {now}")
        });
    }
}

/// What was owed is over its time.
fn overdue(debt: &mut Option<Debt>, now: Instant, oracle: Oracle, what: &str, verdicts: &mut Verdicts) {
    if let Some(Debt { since, due }) = debt.take_if(|debt| now > debt.due) {
        verdicts.check(oracle, false, || format!("{what} since {since}, due at {due}"));
    }
}

/// The longest time between two packets or streams to a group of trackers of which one answers.
fn silence_max(config: &TrackerConfig, told: Duration, around: &Surroundings) -> Duration {
    let last = config.udp_timeout * 2u32.saturating_pow(config.udp_retries);
    let ceiling = config.interval_ceiling.max(config.interval_floor);
    let interval = told.clamp(config.interval_floor, ceiling);
    // jitter makes a back-off longer by an eighth
    let back_off = config.backoff_max + config.backoff_max / 8;
    // a dead tracker is waited for to its end if the torrent is private: the schedule of connects, then of announces
    let schedules = last * 4 * around.dead_udp;
    let exchanges = TRACKER_SLACK * (1 + around.dead_http);
    last.max(interval).max(back_off) + schedules + exchanges
}

impl Watch {
    /// From now on nothing goes wrong around the engine but what is said here.
    pub fn healed(&mut self, now: Instant, around: Surroundings) {
        self.now = now;
        self.recovery.around = Some(around);
        self.owe_all();
    }

    /// The run goes no further, and the engine had every chance: what is overdue now never comes.
    pub fn out_of_time(&mut self, now: Instant) {
        self.now = now;
        self.verdicts.now = now;
        self.owed();
    }

    /// Looks for debts that are over their time.
    pub(crate) fn owed(&mut self) {
        let (now, recovery, verdicts) = (self.now, &mut self.recovery, &mut self.verdicts);
        let mut late = |debt, oracle, what| overdue(debt, now, oracle, what, verdicts);
        late(
            &mut recovery.contact,
            Oracle::L3,
            "no healthy tracker is contacted",
        );
        late(&mut recovery.alone, Oracle::L6, "nobody is dialled");
        late(&mut recovery.disk, Oracle::L7, "storage is not tried again");
        late(&mut recovery.network, Oracle::L9, "nobody is dialled");
    }

    /// L6: who is turned away for a ban is banned, and for no longer than configured.
    pub(crate) fn judge_bans(&mut self) {
        let lasts = self.setup.config.candidates.ban_time;
        while let Some(ip) = self.recovery.turned_away.pop() {
            let banned = self.recovery.bans.get(&ip).copied();
            let kept = banned.is_some_and(|at| self.now < at + lasts);
            self.verdicts.check(Oracle::L6, kept, || {
                format!("an address is turned away for a ban of {banned:?}")
            });
        }
    }

    /// Everything that is owed is owed from now on.
    pub(crate) fn owe_all(&mut self) {
        self.owe_contact();
        self.owe_dial();
        self.owe_disk(self.setup.config.disk_retry);
        if let Some(network) = &mut self.recovery.network {
            network.since = self.now;
            network.due = self.now + SLACK;
        }
    }

    fn is_running(&self) -> bool {
        let runs = matches!(
            self.state,
            Some(TorrentState::Downloading | TorrentState::Seeding)
        );
        runs && !self.recovery.over && !self.paused
    }

    fn is_downloading(&self) -> bool {
        self.is_running() && matches!(self.state, Some(TorrentState::Downloading))
    }

    /// L3.
    fn owe_contact(&mut self) {
        let config = &self.setup.config;
        let trackers = |around: &&Surroundings| !around.trackers.is_empty() && config.ipv4;
        let around = self.recovery.around.as_ref().filter(trackers);
        let Some(around) = around.filter(|_| self.is_running()) else {
            self.recovery.contact = None;
            return;
        };
        let told = self.announces.told(&around.trackers).max(around.interval);
        let longest = silence_max(&config.tracker, told, around);
        self.recovery.contact = Some(self.debt(longest));
        self.recovery.told = told;
    }

    /// A tracker answers: with a longer interval than any before, if a bit of it was flipped on its way.
    pub(crate) fn answers(&mut self, from: IpAddr) {
        let healthy = |around: &&Surroundings| around.trackers.contains(&from);
        if let Some(around) = self.recovery.around.as_ref().filter(healthy)
            && self.announces.told(&around.trackers) > self.recovery.told
        {
            self.owe_contact();
        }
    }

    /// L6.
    fn owe_dial(&mut self) {
        let config = &self.setup.config.candidates;
        let wait = config.retry_min.saturating_mul(config.failures_max + 1) + config.retry_jitter;
        let one_tracker = !self.setup.metainfo.private || self.setup.trackers.len() < 2;
        let alone = self.recovery.open == 0 && self.recovery.around.is_some();
        let owed =
            alone && one_tracker && self.is_downloading() && self.recovery.has_candidate(config.failures_max);
        self.recovery.alone = owed.then(|| self.debt(wait + SLACK));
    }

    /// L7: in a state of failure whose cause is gone.
    fn owe_disk(&mut self, wait: Duration) {
        let failed = match &self.state {
            Some(TorrentState::DiskFailed { retry_at, .. }) => retry_at.is_some(),
            _ => false,
        };
        let owed = failed && self.disk_works && self.sound_disk && !self.paused && !self.recovery.over;
        self.recovery.disk = owed.then(|| self.debt(wait + DISK_SLACK));
    }

    fn debt(&self, wait: Duration) -> Debt {
        let since = self.now;
        Debt {
            since,
            due: since + wait,
        }
    }

    /// The host says how its disk is.
    pub(crate) fn disk_is(&mut self, now: Instant, works: bool) {
        if self.disk_works != works {
            self.now = now;
            self.disk_works = works;
            self.owe_disk(self.setup.config.disk_retry);
        }
    }

    /// The torrent entered another state.
    pub(crate) fn owes_in_state(&mut self, before: Option<&TorrentState>) {
        let stopping = matches!(self.state, Some(TorrentState::Stopping));
        if stopping {
            self.recovery.disk = None;
        } else {
            pay(&mut self.recovery.disk, self.now, Oracle::L7, &mut self.verdicts);
        }
        self.owe_disk(self.setup.config.disk_retry);
        let ran = matches!(before, Some(TorrentState::Downloading | TorrentState::Seeding));
        if !ran || !self.is_running() {
            self.owe_contact();
        }
        self.owe_dial();
        if !self.is_downloading() {
            self.recovery.network = None;
        }
    }

    /// What a command has to do with debts, after it was noted otherwise.
    pub(crate) fn owes_after(&mut self, command: &Command) {
        match command {
            Command::Add(add) => add.peers.iter().for_each(|addr| self.names(addr.ip())),
            Command::AddPeer(_, addr) => self.names(addr.ip()),
            Command::Pause(_) => {
                self.recovery.network = None;
                self.owe_all();
            }
            Command::Resume(_) => {
                self.owe_all();
                let waits = matches!(
                    self.state,
                    Some(TorrentState::DiskFailed { .. } | TorrentState::Failed { .. })
                );
                if waits && self.disk_works && self.sound_disk && !self.recovery.over {
                    self.recovery.disk = Some(self.debt(DISK_SLACK));
                }
            }
            Command::Remove(_) | Command::Shutdown => {
                self.recovery.over = true;
                self.recovery.network = None;
                self.owe_all();
            }
            Command::Recheck(_)
            | Command::Reannounce(_)
            | Command::SetLimits(_)
            | Command::SetTorrentLimits(..)
            | Command::SetPriorities(..)
            | Command::SetSequential(..)
            | Command::SetDeadlines(..)
            | Command::Fetch { .. }
            | Command::ProbeTracker(_) => {}
        }
    }

    fn names(&mut self, ip: IpAddr) {
        self.recovery.known.entry(ip).or_default().named = true;
    }

    /// A packet or a stream goes to a tracker.
    pub(crate) fn contacts(&mut self, ip: IpAddr) {
        let healthy = |around: &Surroundings| around.trackers.contains(&ip);
        if self.recovery.around.as_ref().is_some_and(healthy) {
            pay(
                &mut self.recovery.contact,
                self.now,
                Oracle::L3,
                &mut self.verdicts,
            );
            self.owe_contact();
        }
    }

    /// A peer is dialled, or has dialled us.
    pub(crate) fn meets(&mut self, ip: IpAddr, dialled: bool) {
        self.recovery.open += 1;
        // with this one, which may not be among them yet
        self.conns_most = self.conns_most.max(self.conns.len() + 1);
        let (now, recovery, verdicts) = (self.now, &mut self.recovery, &mut self.verdicts);
        if dialled {
            pay(&mut recovery.network, now, Oracle::L9, verdicts);
            pay(&mut recovery.alone, now, Oracle::L6, verdicts);
            // what a tracker's redirect leads to is nobody of the torrent
            if self.setup.others.contains(&ip) {
                recovery.known.entry(ip).or_default().dialled = true;
            }
        } else {
            // it may be the only one that there is to dial
            recovery.network = None;
            recovery.alone = None;
        }
    }

    /// A connection to a peer is no more.
    pub(crate) fn parts(&mut self, ip: IpAddr) {
        self.recovery.open = self.recovery.open.saturating_sub(1);
        if self.setup.others.contains(&ip) {
            // who dials us and leaves is held against the address that we would dial
            self.recovery.known.entry(ip).or_default().ended += 1;
        }
        if self.recovery.open == 0 {
            self.owe_dial();
        }
    }

    /// The engine closes a connection, and says why.
    pub(crate) fn closes(&mut self, ip: IpAddr, reason: &CloseReason) {
        match reason {
            CloseReason::Peer(End::Banned) => self.recovery.turned_away.push(ip),
            CloseReason::Peer(End::Ourselves | End::BothSeeds | End::NothingWanted) => {
                self.recovery.known.entry(ip).or_default().out = true;
            }
            _ => {}
        }
    }

    pub(crate) fn bans(&mut self, ip: IpAddr) {
        self.recovery.bans.insert(ip, self.now);
        self.recovery.known.entry(ip).or_default().out = true;
    }

    /// L9: who has anybody to dial does so when the network has changed.
    pub(crate) fn network_changes(&mut self) {
        // nobody is given up any more
        let anybody = self.recovery.known.values().any(Known::may_be_dialled);
        let one_tracker = !self.setup.metainfo.private || self.setup.trackers.len() < 2;
        let owed = anybody && one_tracker && self.is_downloading();
        self.recovery.network = owed.then(|| self.debt(SLACK));
    }
}
