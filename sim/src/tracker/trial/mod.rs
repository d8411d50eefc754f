//! Each behaviour of a tracker alone against an engine, with an honest tracker in the next tier.
//!
//! In every trial the mark has to fire, the download has to end, and neither tracker may have anything to complain
//! about; beside that a row of a table says what the engine has to do.

mod day;
mod http;
mod lossy;
mod policy;
mod udp;

use super::check::{Heard, What};
use super::{AnnounceEvent, TrackerHost, names};
use crate::host::{EngineHost, TORRENT, inflict};
use crate::sample::{Known, PORT, Sample, engine_ip, tracker_ip};
use crate::scenario::{EngineSpec, LinkSpec, TorrentSpec, TrackerSpec, Use};
use crate::seed::Seed;
use crate::world::{ActorId, World};
use seedbed_engine::Report;
use seedbed_engine::time::{Duration, Instant};
use std::net::SocketAddr;

const TRACKER_PORT: u16 = 6969;
const TORRENT_SPEC: TorrentSpec = TorrentSpec {
    pieces: 4,
    blocks: 2,
    block: 64,
    short: 10,
    files: 1,
    private: false,
    magnet: None,
};

/// A world of a leech, a seed, a tracker that does something and an honest one behind it.
pub(super) struct Trial {
    pub(super) world: World,
    pub(super) leech: ActorId,
    pub(super) bad: ActorId,
    pub(super) good: Option<ActorId>,
    pub(super) used: Vec<Use>,
}

/// What is varied.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) udp: bool,
    pub(super) used: Vec<Use>,
    pub(super) with_good: bool,
    pub(super) with_seed: bool,
    pub(super) link: LinkSpec,
    pub(super) root: u64,
}

impl Plan {
    pub(super) fn of(used: Use) -> Self {
        Self {
            udp: !used.name.starts_with("http-"),
            used: vec![used],
            with_good: true,
            with_seed: true,
            link: LinkSpec::default(),
            root: 3,
        }
    }

    pub(super) fn build(self) -> Trial {
        let tracker = |n: u32, udp, behaviours: Vec<Use>, link| TrackerSpec {
            name: format!("t{n}"),
            udp,
            tier: n,
            link,
            behaviours,
        };
        let mut specs = vec![tracker(0, self.udp, self.used.clone(), self.link)];
        if self.with_good {
            specs.push(tracker(1, true, Vec::new(), LinkSpec::default()));
        }
        let place = |n: usize| SocketAddr::new(tracker_ip(n as u32), TRACKER_PORT);
        let mut known = Known::default();
        if self.with_seed {
            known
                .actors
                .push(("seed".into(), SocketAddr::new(engine_ip(1), PORT)));
        }
        let mut tiers = Vec::new();
        for (n, spec) in specs.iter().enumerate() {
            let url = names::url(spec, place(n).ip(), TRACKER_PORT);
            tiers.push(vec![url.clone()]);
            known.trackers.push((spec.name.clone(), place(n), url));
        }
        let sample = Sample::new(&TORRENT_SPEC, &tiers, Seed(1)).expect("the sizes make a torrent");
        let unannounced = Sample::new(&TORRENT_SPEC, &[], Seed(1)).expect("the same without trackers");

        let mut world = World::new(Seed(self.root));
        let mut all = known.clone();
        all.actors
            .push(("eng".into(), SocketAddr::new(engine_ip(0), PORT)));
        let engine = |name: &str, seed| EngineSpec {
            name: name.into(),
            seed,
            after: Duration::ZERO,
            config: Vec::new(),
            link: LinkSpec::default(),
            behaviours: Vec::new(),
        };
        let host = |name, seed, sample: &Sample| {
            EngineHost::new(&engine(name, seed), sample, Seed(self.root), &all).expect("a host")
        };
        let leech = host("eng", false, &sample);
        let leech = world.add("eng", engine_ip(0), Box::new(leech), Duration::ZERO);
        if self.with_seed {
            let seed = host("seed", true, &unannounced);
            world.add("seed", engine_ip(1), Box::new(seed), Duration::ZERO);
        }
        let mut ids = Vec::new();
        for (n, spec) in specs.iter().enumerate() {
            let host = TrackerHost::new(spec, &sample, Seed(self.root), &known).expect("a tracker");
            let id = world.add(&spec.name, place(n).ip(), Box::new(host), Duration::ZERO);
            world.net.set_link(id, spec.link);
            for name in names::set(&mut world.net.dns, spec, &[place(n).ip()]) {
                world.marks.hit(name);
            }
            ids.push(id);
        }
        Trial {
            world,
            leech,
            bad: ids[0],
            good: ids.get(1).copied(),
            used: self.used,
        }
    }
}

impl Trial {
    pub(super) fn pass(&mut self, secs: u64) {
        let limit = self.world.now + Duration::from_secs(secs);
        self.world.run_until(limit, |_| false);
    }

    pub(super) fn engine(&self) -> &EngineHost {
        self.world.actor(self.leech).expect("the leech")
    }

    pub(super) fn tracker(&self) -> &TrackerHost {
        self.world.actor(self.bad).expect("the tracker")
    }

    pub(super) fn honest(&self) -> &TrackerHost {
        self.world
            .actor(self.good.expect("there is one"))
            .expect("the tracker")
    }

    pub(super) fn command(&mut self, name: &str) {
        inflict(&mut self.world, self.leech, &Use::new(name), true).expect("a command");
    }

    pub(super) fn is_complete(&self) -> bool {
        self.engine().is_complete()
    }

    /// Answers of the tracker that the engine reported: when, peers, next announce, warning.
    pub(super) fn answers(&self) -> Vec<(Instant, usize, Instant, Option<String>)> {
        let ours = self.shown();
        let reports = self.engine().reports();
        let answers = reports.filter_map(|(at, report)| match report {
            Report::TrackerOk {
                url,
                peers,
                next,
                warning,
                torrent,
                ..
            } if url.contains(&ours) && *torrent == TORRENT => Some((*at, *peers, *next, warning.clone())),
            _ => None,
        });
        answers.collect()
    }

    /// Failures of the tracker that the engine reported: when, the text, the next try.
    pub(super) fn failures(&self) -> Vec<(Instant, String, Option<Instant>)> {
        let ours = self.shown();
        let reports = self.engine().reports();
        let failures = reports.filter_map(|(at, report)| match report {
            Report::TrackerFailed {
                url, text, retry_at, ..
            } if url.contains(&ours) => Some((*at, text.clone(), *retry_at)),
            _ => None,
        });
        failures.collect()
    }

    fn shown(&self) -> String {
        let named = self.used.iter().any(names::is_about_names);
        if named {
            "t0.tracker.test".into()
        } else {
            tracker_ip(0).to_string()
        }
    }

    /// Addresses of peers that the engine dialled.
    pub(super) fn dialled(&self) -> Vec<SocketAddr> {
        let ends = self.engine().reports().filter_map(|(_, report)| match report {
            Report::PeerClosed { addr, .. } | Report::PeerConnected { addr, .. } => Some(*addr),
            _ => None,
        });
        ends.collect()
    }

    /// When connects, and announces of this event, were heard, in milliseconds.
    pub(super) fn connects(&self) -> Vec<u64> {
        let connects = self.tracker().heard().iter();
        let connects = connects.filter(|heard| matches!(heard.what, What::Connect { .. }));
        connects.map(|heard| heard.at.as_micros() / 1_000).collect()
    }

    pub(super) fn announces(&self) -> Vec<(u64, AnnounceEvent)> {
        announces(self.tracker().heard())
    }

    /// What has to hold in every trial.
    pub(super) fn always(&self) -> Result<(), String> {
        for used in &self.used {
            if self.world.marks.count(&used.name) == 0 {
                return Err("it never fired".into());
            }
        }
        let trackers = [Some(self.bad), self.good];
        for id in trackers.into_iter().flatten() {
            let tracker: &TrackerHost = self.world.actor(id).expect("a tracker");
            if let Some((at, text)) = tracker.violations().first() {
                return Err(format!("a tracker complains at {at}: {text}"));
            }
        }
        Ok(())
    }
}

pub(super) fn announces(heard: &[Heard]) -> Vec<(u64, AnnounceEvent)> {
    let announces = heard.iter().filter_map(|heard| match &heard.what {
        What::Announce { announce, .. } => Some((heard.at.as_micros() / 1_000, announce.event)),
        What::Connect { .. } | What::Other { .. } => None,
    });
    announces.collect()
}

/// A demand of a row: what is wrong, if something is.
pub(super) type Demand = fn(&Trial) -> Result<(), String>;

/// Runs a table and says everything that is wrong with it.
pub(super) fn check(table: &[(Use, u64, Demand)]) {
    let mut wrong = Vec::new();
    for (used, secs, demand) in table {
        let mut trial = Plan::of(used.clone()).build();
        trial.pass(*secs);
        if let Err(why) = demand(&trial).and_then(|()| trial.always()) {
            wrong.push(format!("{used:?}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

pub(super) fn complete(trial: &Trial) -> Result<(), String> {
    if trial.is_complete() {
        Ok(())
    } else {
        Err("the download is not complete".into())
    }
}

/// The download ended, and the tracker failed with such a text.
pub(super) fn failed(trial: &Trial, text: &str) -> Result<(), String> {
    complete(trial)?;
    let failures = trial.failures();
    match failures.first() {
        Some((_, first, _)) if first.contains(text) => Ok(()),
        other => Err(format!(
            "not failed with {text:?} but {other:?}; answers {:?}",
            trial.answers()
        )),
    }
}

/// The tracker's first answer named so many peers, and nothing failed.
pub(super) fn answered(trial: &Trial, peers: usize) -> Result<(), String> {
    match (trial.answers().first(), trial.failures().first()) {
        (Some((_, named, ..)), None) if *named == peers => Ok(()),
        (answer, failure) => Err(format!("answered {answer:?}, failed {failure:?}")),
    }
}
