//! Leaving out: faults that come too late, actors, faults, behaviours, settings, each list in halves, quarters and singly.

use super::Search;
use crate::scenario::{Scenario, When};
use seedbed_engine::time::{Duration, Instant};

pub(super) fn all(search: &mut Search<'_>) {
    late_faults(search);
    list(search, |scenario| &mut scenario.faults);
    list(search, |scenario| &mut scenario.peers);
    list(search, |scenario| &mut scenario.trackers);
    engines(search);
    for n in 0..search.best.peers.len() {
        list(search, |scenario| &mut scenario.peers[n].behaviours);
    }
    for n in 0..search.best.trackers.len() {
        list(search, |scenario| &mut scenario.trackers[n].behaviours);
    }
    for n in 0..search.best.engines.len() {
        list(search, |scenario| &mut scenario.engines[n].behaviours);
        list(search, |scenario| &mut scenario.engines[n].config);
    }
}

/// Faults that begin when the rule is broken already.
fn late_faults(search: &mut Search<'_>) {
    let failed: Duration = search.failure.at.since(Instant::START);
    search.change(|scenario| {
        scenario
            .faults
            .retain(|fault| !matches!(fault.when, When::At(at) if at > failed));
    });
}

/// All engines but one, whichever it is.
fn engines(search: &mut Search<'_>) {
    for n in (0..search.best.engines.len()).rev() {
        if search.best.engines.len() > 1 {
            search.change(|scenario| {
                scenario.engines.remove(n);
                forget_the_absent(scenario);
            });
        }
    }
}

/// Parts of a list, the largest first (ddmin).
fn list<T>(search: &mut Search<'_>, of: impl Fn(&mut Scenario) -> &mut Vec<T>) {
    let mut part = of(&mut search.best).len();
    while part > 0 {
        let mut from = 0;
        while from < of(&mut search.best).len() {
            let gone = search.change(|scenario| {
                let list = of(scenario);
                let to = list.len().min(from + part);
                list.drain(from..to);
                forget_the_absent(scenario);
            });
            if !gone {
                from += part;
            }
        }
        part /= 2;
    }
}

/// Faults of those who are not there any more go with them.
fn forget_the_absent(scenario: &mut Scenario) {
    let engines = scenario.engines.iter().map(|spec| spec.name.clone());
    let trackers = scenario.trackers.iter().map(|spec| spec.name.clone());
    let peers = scenario.peers.iter().map(|spec| spec.name.clone());
    let there: Vec<String> = engines.chain(trackers).chain(peers).collect();
    scenario.faults.retain(|fault| {
        let whom = match &fault.when {
            When::At(_) => None,
            When::On(_, whom) => Some(whom),
        };
        let mut named = fault.targets.iter().chain(whom).filter(|name| !name.is_empty());
        named.all(|name| there.contains(name))
    });
}
