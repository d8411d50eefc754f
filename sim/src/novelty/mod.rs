//! Worlds worth running again: of all that were run, the cheapest that reaches each mark and each pair of marks.
//!
//! A pair says more than two marks: a crash in one world and a full disk in another are not a crash on a full disk. What is
//! kept is bounded, and depends on nothing but what was offered, in its order.
//!
//! New worlds are made of kept ones that reached what few others did, and get more of what few worlds had so far: a rule
//! that nothing looks at breaks where rare things meet.

mod mutate;

pub use mutate::mutate;

use crate::catalogue;
use crate::marks::Marks;
use crate::scenario::Scenario;
use seedbed_engine::rng::Rng;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Worlds that are kept. A sweep of ten thousand has some hundreds that own a pair.
const KEPT_MAX: usize = 2_000;

/// Kept worlds that are drawn before the rarest of them is chosen to be changed.
const DRAWN: usize = 4;

/// A world that is kept.
#[derive(Clone, Debug)]
struct Kept {
    scenario: Scenario,
    /// The places of the marks that it hit.
    hit: Vec<usize>,
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
    /// Of each mark, how many worlds hit it.
    seen: Vec<u32>,
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
            seen: vec![0; places.len()],
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
        hit.iter().for_each(|place| self.seen[*place] += 1);
        let (id, mut owns, mut new) = (self.next, 0, 0);
        for pair in self.pairs_of(&hit) {
            let pair = &mut self.pairs[pair];
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
        self.found += new;
        if owns > 0 {
            self.next += 1;
            let kept = Kept {
                scenario: scenario.clone(),
                hit,
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

    /// The kept worlds. Each is the one that adds most pairs to those of the ones before it; the cheapest of equals.
    pub fn worlds(&self) -> Vec<&Scenario> {
        let mut reached = vec![false; self.pairs.len()];
        let adds =
            |kept: &Kept, reached: &[bool]| self.pairs_of(&kept.hit).filter(|pair| !reached[*pair]).count();
        // what a world adds only falls, so the first one whose count is still right has the most
        let mut queue: BTreeSet<_> = self
            .kept
            .iter()
            .map(|(id, kept)| (Reverse(adds(kept, &reached)), kept.cost, *id))
            .collect();
        let mut worlds = Vec::new();
        while let Some((Reverse(before), cost, id)) = queue.pop_first() {
            let Some(kept) = self.kept.get(&id) else { continue };
            let now = adds(kept, &reached);
            if now < before {
                queue.insert((Reverse(now), cost, id));
                continue;
            }
            self.pairs_of(&kept.hit).for_each(|pair| reached[pair] = true);
            worlds.push(&kept.scenario);
        }
        worlds
    }

    /// The places of all pairs of these marks, each mark with itself as well.
    fn pairs_of<'a>(&self, hit: &'a [usize]) -> impl Iterator<Item = usize> + use<'a> {
        let width = self.places.len();
        let of = move |(n, one): (usize, &'a usize)| hit[n..].iter().map(move |other| one * width + other);
        hit.iter().enumerate().flat_map(of)
    }

    /// How rare what a world reached is: each mark counts the more, the fewer worlds hit it.
    fn rarity(&self, kept: &Kept) -> u64 {
        let of = |place: &usize| u64::from(u32::MAX / self.seen[*place].max(1));
        kept.hit.iter().map(of).sum::<u64>() / u64::from(1 + kept.used)
    }

    /// Of a few that are drawn, the one that reached what is rare, and was changed least.
    fn draw(&self, rng: &mut Rng) -> Option<u32> {
        let ids: Vec<u32> = self.kept.keys().copied().collect();
        let count = u32::try_from(ids.len()).ok().filter(|count| *count > 0)?;
        let drawn: Vec<u32> = (0..DRAWN).map(|_| ids[rng.below(count) as usize]).collect();
        let rarity = |id: &u32| self.kept.get(id).map_or(0, |kept| self.rarity(kept));
        drawn.into_iter().max_by_key(rarity)
    }

    /// How many worlds hit a mark.
    fn seen(&self, name: &str) -> u32 {
        let place = self.places.get(name);
        place.map_or(0, |place| self.seen[*place])
    }

    /// A world made of this one and a kept one; none as long as nothing is kept.
    pub fn enrich(&mut self, scenario: &Scenario, rng: &mut Rng) -> Option<Scenario> {
        let id = self.draw(rng)?;
        let other = self.kept.get_mut(&id)?;
        other.used += 1;
        let other = other.scenario.clone();
        Some(mutate(scenario, &other, &|name| self.seen(name), rng))
    }

    /// A world made of kept ones; none as long as there are none.
    pub fn invent(&mut self, rng: &mut Rng) -> Option<Scenario> {
        let id = self.draw(rng)?;
        let kept = self.kept.get_mut(&id)?;
        kept.used += 1;
        let scenario = kept.scenario.clone();
        self.enrich(&scenario, rng)
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
    fn the_worlds_that_add_most_come_first() {
        let mut corpus = Corpus::default();
        let [small, large, other] = [1, 2, 3].map(expand);
        corpus.offer(&small, &marks(&["crash"]), 1);
        corpus.offer(&large, &marks(&["crash", "pause", "remove"]), 100);
        corpus.offer(&other, &marks(&["crash", "shutdown"]), 10);
        assert_eq!(corpus.worlds(), [&large, &other, &small]);
    }

    #[test]
    fn what_few_worlds_had_is_added() {
        let mut corpus = Corpus::default();
        let plain = parse(
            "scenario \"plain\" version=1 seed=1\ntorrent pieces=8 blocks=1 block=64\nengine \"eng\"\npeer \"p0\" seed\npeer \"p1\" seed\n",
        );
        let plain = plain.expect("a scenario");
        let names: Vec<_> = catalogue::of(catalogue::PEER).map(|known| known.name).collect();
        let (_, often) = names.split_at(names.len() / 2);
        (0..100).for_each(|_| _ = corpus.offer(&plain, &marks(often), 1));
        let mut rng = Seed(4).stream("enrich");
        let (mut of_seldom, mut of_often) = (0, 0);
        for _ in 0..300 {
            let made = corpus.enrich(&plain, &mut rng).expect("one is kept");
            for used in made.peers.iter().flat_map(|peer| &peer.behaviours) {
                if often.contains(&used.name.as_str()) {
                    of_often += 1;
                } else {
                    of_seldom += 1;
                }
            }
        }
        // one half of the behaviours each, so chance alone would make them equal
        assert!(of_seldom > 3 * of_often, "{of_seldom} and {of_often}");
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
