//! The schedule of faults of a drawn world, and what has to come with them to be seen.

use super::{World, few, millis, pick, use_of, within};
use crate::catalogue;
use crate::scenario::{EngineSpec, FaultSpec, PeerSpec, TrackerSpec, Use, Value, When, params};
use seedbed_engine::time::Duration;

impl World {
    pub(super) fn faults(
        &self,
        engines: &[EngineSpec],
        trackers: &[TrackerSpec],
        peers: &[PeerSpec],
    ) -> Vec<FaultSpec> {
        let mut rng = self.stream("faults");
        let count = if rng.chance(1, 2) {
            within(&mut rng, 1, 4)
        } else {
            0
        };
        let whom = Whom::of(engines, trackers, peers);
        (0..count).filter_map(|n| self.fault(n, &whom)).collect()
    }

    /// A single one.
    pub(super) fn one_fault(
        &self,
        engines: &[EngineSpec],
        trackers: &[TrackerSpec],
        peers: &[PeerSpec],
    ) -> Option<FaultSpec> {
        self.fault(0, &Whom::of(engines, trackers, peers))
    }

    fn fault(&self, n: u32, whom: &Whom<'_>) -> Option<FaultSpec> {
        let mut rng = self.stream(&format!("fault/{n}"));
        let known: Vec<_> = catalogue::faults()
            .filter(|known| self.areas.contains(&known.area))
            .filter_map(|known| Some((known, params::fault(known)?)))
            .collect();
        let (chosen, shape) = *pick(&mut rng, &known)?;
        let engine = rng.chance(1, 2) || shape.engines;
        let others = if shape.datagrams && !whom.trackers.is_empty() {
            &whom.trackers
        } else {
            &whom.others
        };
        let first = pick(&mut rng, if engine { &whom.engines } else { others })?;
        let mut targets = vec![(*first).to_owned()];
        if shape.pair && rng.chance(1, 2) {
            let other = *pick(&mut rng, &whom.others)?;
            if targets[0] != other {
                targets.push(other.to_owned());
            }
        }
        let lasts = millis(few(&mut rng, 100, 60_000));
        let when = When::At(millis(few(&mut rng, 1, 60_000)));
        // the schedule says when and for how long
        let mut what = use_of(&mut rng, chosen, &["when", "for", "after"]);
        if chosen.name == "add-peer" {
            let peers: Vec<_> = whom.others.iter().filter(|name| name.starts_with('p')).collect();
            let who = pick(&mut rng, &peers)?;
            what.params.push(("who".into(), Value::Text((**who).to_owned())));
        }
        Some(FaultSpec {
            when,
            lasts: shape.lasts.then_some(lasts),
            targets,
            what,
        })
    }

    /// What other things need to be seen: a saved state is read when a process starts, a write that was
    /// not synced is missed after a power loss, a scrape is asked for.
    pub(super) fn companions(
        &self,
        engines: &[EngineSpec],
        trackers: &[TrackerSpec],
        faults: &[FaultSpec],
    ) -> Vec<FaultSpec> {
        let mut rng = self.stream("companions");
        let mut companions = Vec::new();
        for engine in engines {
            let of_engine = faults.iter().filter(|fault| fault.targets.contains(&engine.name));
            let by_schedule = of_engine.map(|fault| &fault.what);
            let used: Vec<&Use> = by_schedule.chain(&engine.behaviours).collect();
            let at = millis(few(&mut rng, 100, 60_000));
            if used.iter().any(|used| used.name.starts_with("resume-")) {
                companions.push(blow(at, &engine.name, "crash"));
            }
            let at = millis(few(&mut rng, 10, 5_000));
            if used
                .iter()
                .any(|used| matches!(used.name.as_str(), "torn-write" | "lying-fsync"))
            {
                companions.push(blow(at, &engine.name, "power-loss"));
            }
        }
        let scrapes = |tracker: &TrackerSpec| {
            tracker
                .behaviours
                .iter()
                .any(|used| used.name == "http-scrape-other")
        };
        if trackers.first().is_some_and(scrapes) {
            let at = millis(few(&mut rng, 1, 5_000));
            companions.extend(engines.first().map(|engine| blow(at, &engine.name, "scrape")));
        }
        companions
    }
}

/// Something that happens at once.
fn blow(at: Duration, target: &str, name: &str) -> FaultSpec {
    FaultSpec {
        when: When::At(at),
        lasts: None,
        targets: vec![target.into()],
        what: Use::new(name),
    }
}

/// Names that faults can hit.
struct Whom<'a> {
    engines: Vec<&'a str>,
    trackers: Vec<&'a str>,
    others: Vec<&'a str>,
}

impl<'a> Whom<'a> {
    fn of(engines: &'a [EngineSpec], trackers: &'a [TrackerSpec], peers: &'a [PeerSpec]) -> Self {
        Self {
            engines: engines.iter().map(|spec| spec.name.as_str()).collect(),
            trackers: trackers.iter().map(|spec| spec.name.as_str()).collect(),
            others: trackers
                .iter()
                .map(|spec| spec.name.as_str())
                .chain(peers.iter().map(|spec| spec.name.as_str()))
                .collect(),
        }
    }
}
