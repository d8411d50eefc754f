//! Worlds worth running again: of all that were run, the cheapest that reaches each mark and each pair of marks.
//!
//! A pair says more than two marks: a crash in one world and a full disk in another are not a crash on a full disk. What is
//! kept is bounded, and depends on nothing but what was offered, in its order.

mod mutate;

pub use mutate::mutate;

use crate::catalogue;
use crate::marks::Marks;
use crate::scenario::Scenario;
use seedbed_engine::rng::Rng;
use std::collections::BTreeMap;

/// Worlds that are kept. A sweep of ten thousand has some hundreds that own a pair.
const KEPT_MAX: usize = 2_000;

/// A world that is kept.
#[derive(Clone, Debug)]
struct Kept {
    scenario: Scenario,
    /// Events that its engines were given.
    cost: u64,
    /// Pairs that nobody reaches at less cost.
    owns: u32,
    /// How often it was changed into another.
    used: u32,
}

/// The cheapest worlds.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// The place of each mark.
    places: BTreeMap<&'static str, usize>,
    /// Of each pair, by the places of its marks, who reaches it at what cost.
    pairs: Vec<Option<(u64, u32)>>,
    kept: BTreeMap<u32, Kept>,
    next: u32,
    found: usize,
}

impl Default for Corpus {
    fn default() -> Self {
        let names: std::collections::BTreeSet<_> = catalogue::marks().map(|(name, _)| name).collect();
        let places: BTreeMap<_, _> = names.into_iter().zip(0..).collect();
        let pairs = vec![None; places.len() * places.len()];
        Self {
            places,
            pairs,
            kept: BTreeMap::new(),
            next: 0,
            found: 0,
        }
    }
}

impl Corpus {
    /// A world was run: how many pairs it is the first to reach. It is kept if it is that, or cheaper than others.
    pub fn offer(&mut self, scenario: &Scenario, marks: &Marks, cost: u64) -> usize {
        let hit: Vec<usize> = marks
            .iter()
            .filter_map(|(name, _)| self.places.get(name).copied())
            .collect();
        let (id, width) = (self.next, self.places.len());
        let (mut owns, mut new) = (0, 0);
        for (n, one) in hit.iter().enumerate() {
            for other in &hit[n..] {
                let pair = &mut self.pairs[one * width + other];
                if pair.is_some_and(|(least, _)| least <= cost) {
                    continue;
                }
                match pair.replace((cost, id)) {
                    None => new += 1,
                    Some((_, before)) => {
                        if let Some(kept) = self.kept.get_mut(&before) {
                            kept.owns -= 1;
                        }
                    }
                }
                owns += 1;
            }
        }
        self.found += new;
        if owns > 0 {
            self.next += 1;
            let kept = Kept {
                scenario: scenario.clone(),
                cost,
                owns,
                used: 0,
            };
            self.kept.insert(id, kept);
            self.kept.retain(|_, kept| kept.owns > 0);
            self.bound();
        }
        new
    }

    /// Who owns least goes; its pairs stay known.
    fn bound(&mut self) {
        while self.kept.len() > KEPT_MAX {
            let least = self.kept.iter().min_by_key(|(id, kept)| (kept.owns, **id));
            let Some(id) = least.map(|(id, _)| *id) else {
                return;
            };
            self.kept.remove(&id);
        }
    }

    /// Worlds that are kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Pairs of marks that were reached, a mark alone counts as one with itself.
    pub const fn pairs(&self) -> usize {
        self.found
    }

    /// The kept worlds, those first that own most for what they cost.
    pub fn worlds(&self) -> Vec<&Scenario> {
        let mut kept: Vec<_> = self.kept.values().collect();
        kept.sort_by_key(|kept| std::cmp::Reverse(u64::from(kept.owns) * 1_000_000 / kept.cost.max(1)));
        kept.into_iter().map(|kept| &kept.scenario).collect()
    }

    /// A world made of kept ones; none as long as there are none. Of three that are drawn the one is changed that was
    /// changed least.
    pub fn invent(&mut self, rng: &mut Rng) -> Option<Scenario> {
        let ids: Vec<u32> = self.kept.keys().copied().collect();
        let draw = |rng: &mut Rng| ids.get(rng.below((ids.len() as u32).max(1)) as usize).copied();
        let drawn = [draw(rng)?, draw(rng)?, draw(rng)?];
        let used = |id: &u32| self.kept.get(id).map_or(0, |kept| kept.used);
        let chosen = *drawn.iter().min_by_key(|id| used(id))?;
        let other = self.kept.get(&draw(rng)?)?.scenario.clone();
        let kept = self.kept.get_mut(&chosen)?;
        kept.used += 1;
        Some(mutate(&kept.scenario, &other, rng))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Options, once};
    use crate::scenario::expand::expand;
    use crate::scenario::kdl::parse;
    use crate::scenario::print::print;
    use crate::seed::Seed;

    fn marks(names: &[&'static str]) -> Marks {
        let mut marks = Marks::default();
        names.iter().for_each(|name| marks.hit(name));
        marks
    }

    #[test]
    fn the_cheapest_world_of_each_pair_is_kept() {
        let mut corpus = Corpus::default();
        let [dear, cheap, other] = [1, 2, 3].map(expand);
        assert_eq!(corpus.offer(&dear, &marks(&["crash", "pause"]), 100), 3);
        assert_eq!(corpus.offer(&cheap, &marks(&["crash"]), 10), 0);
        assert_eq!((corpus.len(), corpus.pairs()), (2, 3));
        // nothing new, and nothing cheaper
        assert_eq!(corpus.offer(&other, &marks(&["crash"]), 10), 0);
        assert_eq!(corpus.len(), 2);
        // whoever owns nothing any more goes
        assert_eq!(corpus.offer(&other, &marks(&["crash", "pause"]), 5), 0);
        assert_eq!(corpus.worlds(), [&other]);
        assert_eq!(corpus.offer(&dear, &marks(&["no such mark"]), 1), 0);
    }

    #[test]
    fn what_is_invented_is_a_world_and_the_same_each_time() {
        let mut corpus = Corpus::default();
        for seed in 0..40 {
            let scenario = expand(seed);
            let outcome = once(&scenario, &Options::default());
            corpus.offer(&scenario, &outcome.marks, outcome.events);
        }
        let invented = |corpus: &mut Corpus| {
            let mut rng = Seed(9).stream("invent");
            (0..150)
                .map(|_| corpus.invent(&mut rng))
                .collect::<Option<Vec<_>>>()
        };
        let first = invented(&mut corpus.clone()).expect("worlds are kept");
        assert_eq!(invented(&mut corpus).as_ref(), Some(&first));
        let mut changed = 0;
        for scenario in &first {
            let file = print(scenario);
            let again = parse(&file).unwrap_or_else(|mistake| panic!("{mistake}\n{file}"));
            assert_eq!(&again, scenario, "{file}");
            crate::run::build(scenario).unwrap_or_else(|why| panic!("{why}\n{file}"));
            changed += usize::from(corpus.worlds().iter().all(|kept| *kept != scenario));
        }
        assert!(changed > 140, "{changed}");
    }
}
