//! What a sweep adds up. Two totals can be added, so parts of a sweep are counted by themselves and put together in
//! the order of their seeds.

use seedbed_sim::marks::Marks;
use seedbed_sim::run::{Failure, Outcome};
use seedbed_sim::scenario::expand::GENERATOR_VERSION;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A failing run.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    pub(crate) seed: u64,
    pub(crate) failure: Failure,
}

/// The sum of many runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Total {
    pub(crate) seeds: u64,
    pub(crate) failed: Vec<Failed>,
    unrecoverable: u64,
    events: u64,
    simulated: Duration,
    marks: Marks,
    oracles: BTreeMap<&'static str, u64>,
    /// Seed and digest of each run that [`Total::add`] has not folded yet.
    digests: Vec<(u64, u64)>,
    digest: u64,
}

impl Total {
    /// Counts one run.
    pub(crate) fn count(&mut self, seed: u64, outcome: &Outcome) {
        self.seeds += 1;
        self.unrecoverable += u64::from(outcome.unrecoverable);
        self.events += outcome.events;
        self.simulated += outcome.simulated;
        self.marks.add(&outcome.marks);
        for (id, count) in &outcome.oracles {
            *self.oracles.entry(id).or_default() += count;
        }
        self.digests.push((seed, outcome.digest));
        if let Some(failure) = outcome.failure.clone() {
            self.failed.push(Failed { seed, failure });
        }
    }

    /// Adds runs that come behind all that was added so far.
    pub(crate) fn add(&mut self, part: &Self) {
        self.seeds += part.seeds;
        self.unrecoverable += part.unrecoverable;
        self.events += part.events;
        self.simulated += part.simulated;
        self.marks.add(&part.marks);
        for (id, count) in &part.oracles {
            *self.oracles.entry(id).or_default() += count;
        }
        for (seed, digest) in &part.digests {
            self.digest = mix(mix(self.digest, *seed), *digest);
        }
        self.failed.extend(part.failed.iter().cloned());
    }

    /// What must have been seen in a long sweep and was not.
    pub(crate) fn unseen(&self) -> Vec<&'static str> {
        let held = |id: &str| self.oracles.get(id).copied().unwrap_or(0);
        seedbed_sim::catalogue::unseen(&self.marks, held)
    }

    pub(crate) fn json(&self, wall: Duration) -> Value {
        let failed =
            |one: &Failed| json!({"seed": one.seed, "oracle": one.failure.oracle, "text": one.failure.text});
        json!({
            "seeds": self.seeds,
            "failed": self.failed.iter().map(failed).collect::<Vec<_>>(),
            "unrecoverable": self.unrecoverable,
            "events": self.events,
            "simulated_seconds": self.simulated.as_secs_f64(),
            "wall_seconds": wall.as_secs_f64(),
            "digest": format!("{:016x}", self.digest),
            "generator_version": GENERATOR_VERSION,
            "unseen": self.unseen(),
            "oracles": self.oracles,
            "marks": self.marks.iter().collect::<BTreeMap<_, _>>(),
        })
    }

    /// The same for people.
    pub(crate) fn lines(&self, wall: Duration) -> Vec<String> {
        let secs = wall.as_secs_f64().max(1e-3);
        let simulated = self.simulated.as_secs_f64();
        let mut lines = Vec::new();
        lines.push("oracles, and how often each had something to look at:".into());
        lines.extend(columns(self.oracles.iter().map(|(name, count)| (*name, *count))));
        lines.push("marks, and how often each was hit:".into());
        lines.extend(columns(self.marks.iter()));
        lines.push(format!(
            "{} seeds, {} failed, {} unrecoverable ({:.1} %)",
            self.seeds,
            self.failed.len(),
            self.unrecoverable,
            self.unrecoverable as f64 * 100.0 / (self.seeds as f64).max(1.0),
        ));
        lines.push(format!(
            "{} events, {simulated:.0} simulated s in {secs:.1} s: {:.0} seeds/s, {:.0} simulated s a second",
            self.events,
            self.seeds as f64 / secs,
            simulated / secs,
        ));
        lines.push(format!("digest {:016x}", self.digest));
        lines
    }
}

/// Names and counts, three in a line.
fn columns<'a>(entries: impl Iterator<Item = (&'a str, u64)>) -> Vec<String> {
    let cells: Vec<String> = entries
        .map(|(name, count)| format!("{name:<26} {count:>11}"))
        .collect();
    cells
        .chunks(3)
        .map(|row| format!("  {}", row.join("  ")))
        .collect()
}

/// One number of two, such that their order counts (splitmix64).
fn mix(sum: u64, next: u64) -> u64 {
    let mut z = sum.rotate_left(5) ^ next.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(runs: &[(u64, u64)]) -> Total {
        let mut total = Total::default();
        for (seed, digest) in runs {
            let outcome = Outcome {
                digest: *digest,
                events: 10,
                ..Outcome::default()
            };
            total.count(*seed, &outcome);
        }
        total
    }

    #[test]
    fn the_cut_between_parts_changes_nothing_and_the_order_does() {
        let runs = [(0, 7), (1, 8), (2, 9)];
        let sum = |cuts: &[&[(u64, u64)]]| {
            let mut total = Total::default();
            cuts.iter().for_each(|part| total.add(&of(part)));
            total.json(Duration::ZERO)
        };
        assert_eq!(sum(&[&runs]), sum(&[&runs[..1], &runs[1..]]));
        assert_ne!(sum(&[&runs])["digest"], sum(&[&runs[1..], &runs[..1]])["digest"]);
        assert_eq!(sum(&[&runs])["events"], 30);
    }
}
