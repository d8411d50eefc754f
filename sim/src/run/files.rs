//! I45: a .torrent file with something wrong, as a user may get one: one seed in four reads one.
//!
//! It is made of the file that the world's engines were given. No time passes in the world, and nobody in it is told.

use super::several::judge;
use super::{Outcome, build};
use crate::host::EngineHost;
use crate::metainfo::{check, sample};
use crate::oracle::Oracle;
use crate::scenario::{Scenario, Use};
use crate::seed::Seed;
use crate::world::ActorId;

/// One in so many seeds reads a damaged file.
const EVERY: u64 = 4;

/// Whether this scenario's seed is one of those.
pub(super) const fn is_chosen(scenario: &Scenario) -> bool {
    scenario.seed % EVERY == 1
}

/// Damages the file, and has it read.
pub(super) fn damage(scenario: &Scenario, outcome: &mut Outcome) {
    let used = sample(&mut Seed(scenario.seed).stream("damaged file"));
    damage_by(&used, scenario, outcome);
}

fn damage_by(used: &Use, scenario: &Scenario, outcome: &mut Outcome) {
    let Ok(world) = build(scenario) else { return };
    let mut hosts = (0..world.actors.len()).filter_map(|n| world.actor::<EngineHost>(ActorId(n)));
    let Some(host) = hosts.next() else { return };
    let read = check(used, &host.sample().bytes, &mut outcome.marks);
    let text = read
        .as_ref()
        .err()
        .map_or_else(String::new, |why| format!("{}: {why}", used.name));
    judge(outcome, Oracle::I45, read.is_ok(), text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Options;
    use crate::run::once;
    use crate::scenario::expand::expand;

    #[test]
    fn damaged_files_are_read_in_one_world_of_four() {
        let chosen = (0..100).map(expand).filter(is_chosen).count();
        assert_eq!(chosen, 25);
        let scenario = expand(1);
        let mut outcome = once(&scenario, &Options::default());
        let held = |outcome: &Outcome| outcome.oracles[Oracle::I45 as usize].1;
        assert_eq!(held(&outcome), 0);
        damage(&scenario, &mut outcome);
        assert_eq!((held(&outcome), outcome.failure), (1, None));
    }

    #[test]
    fn a_verdict_that_does_not_hold_is_told() {
        let scenario = expand(1);
        let mut outcome = once(&scenario, &Options::default());
        damage_by(&Use::new("torrent-unknown"), &scenario, &mut outcome);
        let failure = outcome.failure.expect("a failure");
        assert_eq!(failure.oracle, "I45");
        assert!(failure.text.contains("torrent-unknown"), "{}", failure.text);
    }
}
