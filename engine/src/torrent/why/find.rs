//! Finds the causes that hold, in the order of [`Cause`]'s variants.

use super::{Cause, FailingTracker};
use crate::candidates::{BanReason, Standing};
use crate::disk::DiskError;
use crate::metadata::Fetch;
use crate::net::printable;
use crate::session::Session;
use crate::throttle::Way;
use crate::time::{Duration, Instant};
use crate::torrent::{NAME_SHOWN_MAX, Phase, Torrent};
use crate::tracker::tiers::{Announcer, TrackerState, TrackerStatus};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// An announce that has taken so long is told: the first time-out of BEP 15.
const ANSWER_SLOW: Duration = Duration::from_secs(15);

/// A limit of which so much is used is reached.
const LIMIT_REACHED_PERCENT: u64 = 80;

/// Pieces that are named in [`Cause::NobodyHasPieces`].
const PIECES_NAMED_MAX: usize = 5;

/// Before this nothing is said of a port that nobody connected to: a tracker's answer to others takes its interval.
const PORT_UNREACHABLE_AFTER: Duration = Duration::from_secs(15 * 60);

/// Peers that have to have been reachable before our own port is suspected.
const PORT_UNREACHABLE_DIALLED: u32 = 5;

/// The open sessions of a torrent, by what they do for us.
struct Swarm<'a> {
    /// All.
    open: usize,
    /// They choke us.
    choking: usize,
    /// They have a piece that is missing here.
    useful: Vec<&'a Session>,
    /// Those of them that do not choke us.
    serving: Vec<&'a Session>,
}

impl Torrent {
    pub(super) fn find_causes(&self, now: Instant) -> Vec<Cause> {
        let mut causes = Vec::new();
        if self.why_phase(now, &mut causes) {
            return causes;
        }
        let swarm = self.swarm();
        self.why_limited(now, &mut causes);
        if let Some(text) = &self.noted.local {
            causes.push(Cause::Local {
                text: text.clone(),
                peers: swarm.open,
            });
        }
        self.why_alone(now, &swarm, &mut causes);
        if let Phase::Metadata(fetching) = &self.phase {
            why_no_metadata(fetching.fetch(), swarm.open, &mut causes);
        } else if self.is_complete() {
            self.why_idle_seed(now, &swarm, &mut causes);
        } else if swarm.open > 0 {
            self.why_slow(now, &swarm, &mut causes);
        }
        self.hints(now, &mut causes);
        causes
    }

    /// The user's own limits.
    fn why_limited(&self, now: Instant, causes: &mut Vec<Cause>) {
        let (down, up) = self.limits.waiting();
        let (way, waiting, rate) = if self.is_complete() {
            (Way::Up, up, &self.traffic.rate_up)
        } else {
            (Way::Down, down, &self.traffic.rate_down)
        };
        let Some((limit, own)) = self.limits.least(way) else {
            return;
        };
        // between two portions nobody waits, and heads of messages are no payload
        if waiting > 0 || rate.per_second(now) >= limit / 100 * LIMIT_REACHED_PERCENT {
            causes.push(Cause::RateLimit {
                way,
                limit,
                own,
                waiting,
            });
        }
    }

    /// What of the torrent itself keeps it from anything. True when that is all that counts.
    fn why_phase(&self, now: Instant, causes: &mut Vec<Cause>) -> bool {
        if matches!(self.phase, Phase::Stopping | Phase::Gone) {
            causes.push(Cause::ShuttingDown);
            return true;
        }
        if let Phase::Failed { text } = &self.phase {
            causes.push(Cause::NeedsUser { text: text.clone() });
        }
        if self.paused {
            causes.push(Cause::Paused);
        }
        match &self.phase {
            Phase::DiskFailed { error, retry_at } => causes.push(self.why_disk(now, error, *retry_at)),
            Phase::Queued(_) => causes.push(Cause::Queued),
            Phase::Choosing => causes.push(Cause::FilesToChoose),
            Phase::Opening | Phase::Preparing => causes.push(Cause::Opening),
            Phase::Checking(checking) => causes.push(match checking.waits_for() {
                Some((error, retry_at)) => self.why_disk(now, error, Some(retry_at)),
                None => Cause::Checking {
                    done: checking.done,
                    pieces: self.geometry.pieces(),
                },
            }),
            Phase::Metadata(fetching) if fetching.is_loading() => causes.push(Cause::Opening),
            Phase::Metadata(_) | Phase::Active | Phase::Failed { .. } | Phase::Stopping | Phase::Gone => {}
        }
        !causes.is_empty()
    }

    fn why_disk(&self, now: Instant, error: &DiskError, retry_at: Option<Instant>) -> Cause {
        Cause::Disk {
            fault: error.fault,
            text: error.text.clone(),
            retry_in: retry_at.filter(|_| !self.paused).map(|at| at.since(now)),
            missing: self.missing_bytes(),
        }
    }

    fn missing_bytes(&self) -> u64 {
        if self.is_complete() {
            0
        } else {
            self.wanted_bytes().saturating_sub(self.wanted_verified())
        }
    }

    fn swarm(&self) -> Swarm<'_> {
        let mut swarm = Swarm {
            open: 0,
            choking: 0,
            useful: Vec::new(),
            serving: Vec::new(),
        };
        for (conn, peer) in &self.sessions {
            let session = &peer.session;
            if !session.is_open() {
                continue;
            }
            swarm.open += 1;
            swarm.choking += usize::from(session.peer_choking());
            if self.picker.interesting(*conn) {
                swarm.useful.push(session);
                // a choked peer may still be asked for pieces that it allows (BEP 6)
                if !session.peer_choking() || session.outstanding() > 0 {
                    swarm.serving.push(session);
                }
            }
        }
        swarm
    }

    /// Whom we know and whom we reach.
    fn why_alone(&self, now: Instant, swarm: &Swarm<'_>, causes: &mut Vec<Cause>) {
        let known = self.candidates.known();
        let around = known.max(swarm.open);
        let bans = || self.candidates.bans().filter(|(_, end, _)| *end > now);
        if let Some(first) = bans().map(|(_, end, _)| end).min() {
            causes.push(Cause::BannedPeers {
                banned: bans().count(),
                bad_piece: bans()
                    .filter(|(_, _, reason)| *reason == BanReason::BadPiece)
                    .count(),
                ends_in: first.since(now),
                others: around,
            });
        }
        let trackers: Vec<TrackerStatus> = self.announcer.iter().flat_map(Announcer::status).collect();
        let answered = trackers.iter().filter(|tracker| works(tracker, now)).count();
        let each: Vec<FailingTracker> = trackers
            .iter()
            .filter_map(|tracker| failing(tracker, now))
            .collect();
        if trackers.is_empty() && around == 0 {
            causes.push(Cause::NoTrackers);
        } else if answered == 0 && !each.is_empty() {
            causes.push(Cause::TrackersFailing {
                each,
                trackers: trackers.len(),
                known: around,
            });
        } else if around == 0 {
            causes.push(Cause::NoPeersKnown {
                answered,
                next_in: trackers
                    .iter()
                    .filter_map(|tracker| tracker.next)
                    .min()
                    .map(|at| at.since(now)),
            });
        }
        if swarm.open == 0 && known > 0 {
            self.why_not_reached(now, causes);
        }
    }

    fn why_not_reached(&self, now: Instant, causes: &mut Vec<Cause>) {
        let (mut troubles, mut retry, mut not_needed) = (BTreeMap::new(), None::<Instant>, 0);
        let view = self.candidates.view();
        for candidate in &view {
            if let Some(trouble) = candidate.trouble {
                *troubles.entry(trouble).or_insert(0usize) += 1;
            }
            match candidate.standing {
                Standing::Waiting(at) => retry = Some(retry.map_or(at, |other| other.min(at))),
                Standing::GivenUp => not_needed += usize::from(candidate.trouble.is_none()),
                Standing::Ready | Standing::Connecting | Standing::Connected => {}
            }
        }
        let (_, dialling) = self.connections();
        let known = view.len();
        if self.is_complete() && not_needed == known {
            // seeds, as we are: nobody misses them
            return;
        }
        causes.push(if troubles.is_empty() {
            Cause::Connecting { dialling, known }
        } else {
            Cause::NotReachable {
                known,
                troubles: troubles.into_iter().collect(),
                dialling,
                retry_in: retry.map(|at| at.since(now)),
            }
        });
    }

    /// What connected peers have, what came of it, and whether they serve us.
    fn why_slow(&self, now: Instant, swarm: &Swarm<'_>, causes: &mut Vec<Cause>) {
        let missing = self.picker.wanted_left();
        let (pieces, some) = self.picker.unavailable(PIECES_NAMED_MAX);
        if pieces > 0 {
            causes.push(Cause::NobodyHasPieces {
                pieces,
                some,
                missing,
                peers: swarm.open,
            });
        }
        if let Some((piece, failures)) = self.verifying.worst() {
            let (hopeless, retry_at) = self.verifying.left_alone();
            causes.push(Cause::HashFailures {
                pieces: self.verifying.failing(),
                piece,
                failures,
                hopeless,
                retry_in: retry_at.map(|at| at.since(now)),
                missing,
            });
        }
        let owed = |session: &&&Session| session.outstanding() > 0;
        let (hashing, held) = (self.verifying.hashing.len(), self.starved.len());
        let asked = swarm.serving.iter().filter(owed).count();
        if held > 0 || asked == 0 && (hashing > 0 || self.writing > 0) {
            causes.push(Cause::DiskSlow {
                writing: self.writing,
                writing_max: self.noted.writing_max,
                hashing,
                held,
            });
        }
        self.why_unserved(now, swarm, causes);
        let explained = causes.iter().any(|cause| cause.weight() <= super::Weight::Slows);
        let rate = self.traffic.rate_down.per_second(now);
        let serving = swarm.serving.len();
        if rate > 0 {
            causes.push(Cause::Downloading {
                peers: swarm.open,
                serving,
                rate,
            });
        } else if !explained {
            causes.push(Cause::Waiting {
                serving,
                requests: swarm.serving.iter().map(|session| session.outstanding()).sum(),
            });
        }
    }

    /// Choked, refused, kept waiting.
    fn why_unserved(&self, now: Instant, swarm: &Swarm<'_>, causes: &mut Vec<Cause>) {
        let serving = swarm.serving.len();
        if serving == 0 {
            let since = swarm.useful.iter().map(|session| session.choke_changed()).min();
            causes.extend(since.map(|since| Cause::AllChokeUs {
                peers: swarm.open,
                useful: swarm.useful.len(),
                choking: swarm.choking,
                longest: now.since(since),
            }));
            return;
        }
        let pauses = swarm.serving.iter().filter_map(|session| session.pauses_until());
        if let Some(first) = pauses.clone().min() {
            causes.push(Cause::Refusing {
                refusing: pauses.count(),
                serving,
                retry_in: first.since(now),
            });
        }
        let silent = swarm.serving.iter().filter(|session| session.snubbed());
        let since = |session: &&Session| {
            let block = session.last_block().unwrap_or(Instant::START);
            block.max(session.choke_changed())
        };
        if let Some(longest) = silent.clone().map(since).min() {
            causes.push(Cause::Snubbed {
                silent: silent.count(),
                serving,
                longest: now.since(longest),
            });
        }
    }

    /// Everything wanted is there: who takes it.
    fn why_idle_seed(&self, now: Instant, swarm: &Swarm<'_>, causes: &mut Vec<Cause>) {
        let sessions = || self.sessions.values().map(|peer| &peer.session);
        let interested = || sessions().filter(|session| session.is_open() && session.peer_interested());
        if swarm.open > 0 && interested().next().is_none() {
            causes.push(Cause::NobodyInterested { peers: swarm.open });
        }
        if interested().next().is_some() || causes.is_empty() {
            causes.push(Cause::Seeding {
                interested: interested().count(),
                served: interested().filter(|session| !session.am_choking()).count(),
                rate: self.traffic.rate_up.per_second(now),
            });
        }
    }

    /// What may be behind the others.
    fn hints(&self, now: Instant, causes: &mut Vec<Cause>) {
        let few = causes.iter().any(|cause| {
            matches!(
                cause,
                Cause::NoTrackers
                    | Cause::TrackersFailing { .. }
                    | Cause::NoPeersKnown { .. }
                    | Cause::NotReachable { .. }
                    | Cause::BannedPeers { .. }
                    | Cause::NobodyHasPieces { .. }
            )
        });
        if self.metainfo.private && few {
            causes.push(Cause::Private);
        }
        let since = self.noted.active_since.map(|since| now.since(since));
        let long = since.filter(|since| *since >= PORT_UNREACHABLE_AFTER);
        if let Some(since) = long
            && self.noted.incoming == 0
            && self.noted.outgoing >= PORT_UNREACHABLE_DIALLED
        {
            causes.push(Cause::PortUnreachable {
                port: self.rules.listen_port,
                since,
                dialled: self.noted.outgoing,
            });
        }
    }
}

/// Why it is not known what the torrent is.
fn why_no_metadata(fetch: &Fetch, peers: usize, causes: &mut Vec<Cause>) {
    let sources = fetch.sources();
    if fetch.failures() > 0 {
        let failures = fetch.failures();
        causes.push(Cause::MetadataWrong { failures, sources });
    }
    if sources > 0 {
        let (bytes, size) = fetch.progress();
        causes.push(Cause::FetchingMetadata { sources, bytes, size });
    } else if peers > 0 {
        causes.push(Cause::NobodyHasMetadata { peers });
    }
}

/// How long an announce to a tracker has been unanswered, if it is long.
fn slow(tracker: &TrackerStatus, now: Instant) -> Option<Duration> {
    let asked_for = tracker.asked_since.map(|since| now.since(since));
    asked_for.filter(|asked_for| *asked_for >= ANSWER_SLOW)
}

fn works(tracker: &TrackerStatus, now: Instant) -> bool {
    match tracker.state {
        TrackerState::Working { .. } => true,
        TrackerState::Updating => tracker.answered && slow(tracker, now).is_none(),
        TrackerState::NotContacted | TrackerState::Failed { .. } | TrackerState::Disabled { .. } => false,
    }
}

fn failing(tracker: &TrackerStatus, now: Instant) -> Option<FailingTracker> {
    let asked_for = slow(tracker, now);
    (tracker.failure.is_some() || asked_for.is_some()).then(|| FailingTracker {
        url: printable(&tracker.url, NAME_SHOWN_MAX),
        said: tracker
            .failure
            .as_ref()
            .map(|text| printable(text, NAME_SHOWN_MAX)),
        asked_for: tracker.asked_since.map(|since| now.since(since)),
        next_in: tracker.next.map(|at| at.since(now)),
    })
}
