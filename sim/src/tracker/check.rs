//! What clients have to do towards a tracker, judged by what the tracker hears (oracles I21, I22, I23).
//!
//! Nothing here knows the engine's code: only BEP 3, BEP 15 and the engine's promises about intervals. A network that
//! loses or doubles datagrams hides what a client knows, so there less can be demanded; [`Rules::clean`] says which.

mod announces;
mod counters;
mod datagrams;
#[cfg(test)]
mod tests;

pub use counters::{Figures, inexact};

use super::Announce;
use crate::scenario::{LinkSpec, Scenario, TrackerSpec};
use seedbed_engine::time::{Duration, Instant};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// Something that a tracker heard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heard {
    /// When it arrived.
    pub at: Instant,
    /// From where.
    pub from: SocketAddr,
    /// What.
    pub what: What,
}

/// What a tracker heard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// A UDP connect, and the connection id it was given, if that was sent as it should be.
    Connect {
        /// Its transaction id.
        transaction: u32,
        /// The connection id.
        given: Option<u64>,
        /// Whether nothing came back that counts as an answer.
        silent: bool,
    },
    /// An announce.
    Announce {
        /// The announce.
        announce: Announce,
        /// Over UDP: the connection id that it used and its transaction id.
        connection: Option<(u64, u32)>,
        /// What became of its answer.
        answered: Answered,
    },
    /// Any other datagram with a connection id.
    Other {
        /// The connection id.
        connection: u64,
    },
}

/// What a client was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answered {
    /// Nothing that counts as an answer to it.
    Nothing,
    /// A failure.
    Failed,
    /// Something that it may take for an answer, a failure or nothing.
    Unclear,
    /// An answer.
    Well {
        /// The interval.
        interval: Duration,
        /// The least interval.
        least: Duration,
    },
}

/// What is demanded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// Regular announces are never closer, whatever the tracker says.
    pub floor: Duration,
    /// Announces after an answer are never closer, even if a user asks for them.
    pub asked_floor: Duration,
    /// The longest interval that is believed.
    pub ceiling: Duration,
    /// Whether a user or the network may ask for announces in this run.
    pub asked: bool,
    /// How much later than sent something may be heard.
    pub slack: Duration,
    /// Whether nothing is lost, doubled or overtaken on the way. To be unset in a run with faults of links or hosts.
    pub clean: bool,
    /// Whether what was sent first is heard first: each datagram has the delay of every other.
    pub ordered: bool,
    /// Whether clients may lose what they had: by a recheck, by their disks.
    pub may_lose: bool,
    /// Whether what was said may arrive as something else: then no field of it means anything.
    pub garbled: bool,
    /// Whether clients begin with links, and so without knowing how much is left.
    pub links: bool,
}

impl Rules {
    /// The rules for a tracker whose clients have perfect links.
    pub fn of(spec: &TrackerSpec) -> Self {
        Self {
            floor: Duration::from_secs(300),
            asked_floor: Duration::from_secs(60),
            ceiling: Duration::from_secs(24 * 3600),
            asked: false,
            slack: delay(&spec.link) + SLACK,
            // who resets a request has not heard it, and its client cannot know
            clean: is_clean(&spec.link) && !spec.behaviours.iter().any(|used| used.name == "http-reset"),
            ordered: spec.link.jitter == Duration::ZERO,
            may_lose: false,
            garbled: spec.link.corrupt > 0,
            links: false,
        }
    }

    /// The rules for a tracker of a scenario. Faults hide what a client knows, so less can be demanded of it.
    pub fn of_scenario(scenario: &Scenario, spec: &TrackerSpec) -> Self {
        let rules = Self::of(spec);
        let links = scenario.engines.iter().map(|engine| &engine.link);
        let calm =
            scenario.faults.is_empty() && scenario.engines.iter().all(|engine| engine.behaviours.is_empty());
        let worst = links.clone().map(delay).max().unwrap_or_default();
        let trouble = if calm { Duration::ZERO } else { TROUBLE };
        let mut settings = scenario.engines.iter().flat_map(|engine| &engine.config);
        // other settings make other times
        let tuned = settings.any(|(name, _)| TIMES.iter().any(|part| name.contains(part)));
        let trouble = if tuned { rules.ceiling } else { trouble };
        Self {
            asked: !calm,
            slack: rules.slack + worst + trouble,
            clean: rules.clean && calm && !tuned && links.clone().all(is_clean),
            ordered: rules.ordered && links.clone().all(|link| link.jitter == Duration::ZERO),
            may_lose: !calm,
            links: scenario.torrent.magnet.is_some(),
            garbled: rules.garbled || links.clone().any(|link| link.corrupt > 0) || corrupted(scenario),
            ..rules
        }
    }
}

/// Whether a fault of the schedule turns bits over.
fn corrupted(scenario: &Scenario) -> bool {
    scenario
        .faults
        .iter()
        .any(|fault| fault.what.name == "corrupting")
}

/// What clients and queues may take beside the delay of links.
const SLACK: Duration = Duration::from_millis(500);
/// The same in a run in which hosts sleep and links are clogged.
const TROUBLE: Duration = Duration::from_secs(10);

/// Parts of the names of settings that change when trackers are asked.
const TIMES: [&str; 8] = [
    "udp",
    "interval",
    "backoff",
    "connection-id",
    "manual",
    "parallel",
    "stopped",
    "http",
];

/// The longest way there and back, twice.
fn delay(link: &LinkSpec) -> Duration {
    (link.latency + link.jitter) * 4
}

/// Whether nothing is lost, doubled, overtaken or kept in a queue.
fn is_clean(link: &LinkSpec) -> bool {
    let LinkSpec {
        up,
        down,
        loss,
        duplicate,
        reorder,
        corrupt,
        ..
    } = *link;
    [loss, duplicate, reorder, corrupt] == [0; 4] && [up, down] == [0; 2]
}

impl Heard {
    /// The announce that it is, its transaction id over UDP, and what it was answered.
    pub(super) const fn announce(&self) -> Option<(&Announce, Option<u32>, Answered)> {
        match &self.what {
            What::Announce {
                announce,
                connection: Some((_, transaction)),
                answered,
            } => Some((announce, Some(*transaction), *answered)),
            What::Announce {
                announce, answered, ..
            } => Some((announce, None, *answered)),
            What::Connect { .. } | What::Other { .. } => None,
        }
    }
}

/// What clients did that they must not do: when it was heard, and a sentence. In the order of time.
pub fn violations(heard: &[Heard], rules: &Rules) -> Vec<(Instant, String)> {
    let mut clients: BTreeMap<IpAddr, Vec<&Heard>> = BTreeMap::new();
    for entry in heard {
        clients.entry(entry.from.ip()).or_default().push(entry);
    }
    let mut found = Vec::new();
    for heard in clients.values() {
        datagrams::check(heard, rules, &mut found);
        if !rules.garbled {
            announces::check(heard, rules, &mut found);
            counters::check(heard, rules, &mut found);
        }
    }
    found.sort();
    found
}
