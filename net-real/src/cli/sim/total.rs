//! What a sweep adds up. Two totals can be added, in any order, so threads and machines count parts of a sweep by themselves.

use seedbed_engine::time::Instant;
use seedbed_sim::catalogue;
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
    /// The sum over all seeds of a number that is made of the seed and the digest of its run.
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
        let run = mix(mix(0, seed), outcome.digest);
        self.digest = self.digest.wrapping_add(run);
        if let Some(failure) = outcome.failure.clone() {
            self.failed.push(Failed { seed, failure });
        }
    }

    /// Adds other runs. Those that failed are told in the order in which they were added.
    pub(crate) fn add(&mut self, part: &Self) {
        self.seeds += part.seeds;
        self.unrecoverable += part.unrecoverable;
        self.events += part.events;
        self.simulated += part.simulated;
        self.marks.add(&part.marks);
        for (id, count) in &part.oracles {
            *self.oracles.entry(id).or_default() += count;
        }
        self.digest = self.digest.wrapping_add(part.digest);
        self.failed.extend(part.failed.iter().cloned());
    }

    /// What must have been seen in a long sweep and was not.
    pub(crate) fn unseen(&self) -> Vec<&'static str> {
        let held = |id: &str| self.oracles.get(id).copied().unwrap_or(0);
        catalogue::unseen(&self.marks, held)
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

    /// Reads what [`Total::json`] wrote, and the time that it took.
    pub(crate) fn read(value: &Value) -> Result<(Self, Duration), String> {
        let number = |name: &str| value[name].as_u64().ok_or(format!("it has no number {name}"));
        let seconds = |name: &str| {
            let seconds = value[name].as_f64().ok_or(format!("it has no number {name}"))?;
            Duration::try_from_secs_f64(seconds).map_err(|_| format!("{name} is no time"))
        };
        if value["generator_version"] != GENERATOR_VERSION {
            return Err(format!(
                "its seeds are of another generator than {GENERATOR_VERSION}"
            ));
        }
        let digest = value["digest"].as_str().unwrap_or_default();
        let mut total = Self {
            seeds: number("seeds")?,
            unrecoverable: number("unrecoverable")?,
            events: number("events")?,
            simulated: seconds("simulated_seconds")?,
            digest: u64::from_str_radix(digest, 16).map_err(|_| "it has no digest")?,
            ..Self::default()
        };
        for (name, count) in counts(value, "marks")? {
            let known = catalogue::marks().find(|(known, _)| *known == name);
            let (known, _) = known.ok_or(format!("no mark is called {name} here"))?;
            total.marks.count_more(known, count);
        }
        for (id, count) in counts(value, "oracles")? {
            total.oracles.insert(oracle(&id)?, count);
        }
        for one in value["failed"].as_array().ok_or("it has no list failed")? {
            let seed = one["seed"].as_u64().ok_or("a failure has no seed")?;
            let failure = Failure {
                oracle: oracle(one["oracle"].as_str().unwrap_or_default())?,
                text: one["text"].as_str().unwrap_or_default().into(),
                at: Instant::START,
                step: 0,
            };
            total.failed.push(Failed { seed, failure });
        }
        Ok((total, seconds("wall_seconds")?))
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

/// The id of an oracle as this version knows it.
fn oracle(id: &str) -> Result<&'static str, String> {
    let mut known = catalogue::oracles().map(|(known, _)| known);
    known
        .find(|known| *known == id)
        .ok_or(format!("no oracle is called {id} here"))
}

fn counts(value: &Value, name: &str) -> Result<Vec<(String, u64)>, String> {
    let counts = value[name]
        .as_object()
        .ok_or(format!("it has no counts {name}"))?;
    let count = |(name, count): (&String, &Value)| Some((name.clone(), count.as_u64()?));
    let counts: Option<Vec<_>> = counts.iter().map(count).collect();
    counts.ok_or(format!("{name} has something else than counts"))
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
    fn the_cut_between_parts_and_their_order_change_nothing_and_each_run_counts() {
        let runs = [(0, 7), (1, 8), (2, 9)];
        let sum = |cuts: &[&[(u64, u64)]]| {
            let mut total = Total::default();
            cuts.iter().for_each(|part| total.add(&of(part)));
            total.json(Duration::ZERO)
        };
        assert_eq!(sum(&[&runs]), sum(&[&runs[..1], &runs[1..]]));
        assert_eq!(sum(&[&runs]), sum(&[&runs[1..], &runs[..1]]));
        assert_ne!(
            sum(&[&runs])["digest"],
            sum(&[&[(0, 8), (1, 7), (2, 9)]])["digest"]
        );
        assert_ne!(
            sum(&[&runs])["digest"],
            sum(&[&[(0, 7), (1, 8), (2, 10)]])["digest"]
        );
        assert_eq!(sum(&[&runs])["events"], 30);
    }

    #[test]
    fn what_is_written_is_read() {
        let mut total = of(&[(0, 7), (1, 8)]);
        let (mark, _) = catalogue::marks().next().expect("marks");
        total.marks.count_more(mark, 3);
        total.oracles.insert("I2", 5);
        let failure = Failure {
            oracle: "I2",
            text: "eng: other bytes".into(),
            at: Instant::START,
            step: 0,
        };
        total.failed.push(Failed { seed: 1, failure });
        let wall = Duration::from_millis(1500);
        let written = total.json(wall);
        let (read, took) = Total::read(&written).expect("it reads");
        assert_eq!((read.json(took), took), (written.clone(), wall));
        for name in [
            "seeds",
            "digest",
            "marks",
            "oracles",
            "failed",
            "generator_version",
        ] {
            let mut other = written.clone();
            other[name] = json!("other");
            assert!(Total::read(&other).is_err(), "{name}");
        }
        let mut other = written;
        other["oracles"]["I2000"] = json!(1);
        assert!(Total::read(&other).is_err());
    }
}
