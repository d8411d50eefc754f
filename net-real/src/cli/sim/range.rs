//! Which seeds a sweep runs: a range, and the part of it that this process takes.

use super::source;
use std::ops::Range;

/// Seeds of a sweep at the most: results of all of them are counted.
const SEEDS_MAX: u64 = 1 << 40;

/// Rows of shards are shifted by the upper half of its multiples, in which no period shows: 2^64 by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// `A..B`: from A on, up to but without B.
pub(crate) fn seeds(text: &str) -> Result<Range<u64>, String> {
    let wrong = || "use a range such as 0..10000".to_owned();
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let (from, to) = source::seed(from).zip(source::seed(to)).ok_or_else(wrong)?;
    if from >= to {
        return Err("the range is empty".into());
    }
    if to - from > SEEDS_MAX {
        return Err("too many seeds".into());
    }
    Ok(from..to)
}

/// How parts are cut, told with their results: 1 took every N-th seed. What was cut otherwise does not fit together.
pub(crate) const CUT: u64 = 2;

/// The K-th of N parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shard {
    /// From 0.
    index: u64,
    count: u64,
}

impl Shard {
    /// Everything.
    pub(crate) const WHOLE: Self = Self { index: 0, count: 1 };

    /// As it is asked for, K from 1.
    pub(crate) fn text(self) -> String {
        format!("{}/{}", self.index + 1, self.count)
    }

    /// How many of so many seeds are its.
    pub(crate) fn share(self, total: u64) -> u64 {
        let rows = total / self.count;
        let last = self.place_in(rows) < total % self.count;
        rows + u64::from(last)
    }

    /// Which of the whole range its n-th is: one of each row of as many seeds as there are parts.
    pub(crate) fn place(self, n: u64) -> u64 {
        n * self.count + self.place_in(n)
    }

    /// Any column, another in each row: what one seed in fifty does, and takes time, would all come to one part.
    fn place_in(self, row: u64) -> u64 {
        let any = row.wrapping_mul(SPREAD) >> 32;
        (self.index + any) % self.count
    }
}

/// Seeds that one process swept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    pub(crate) seeds: Range<u64>,
    pub(crate) shard: Shard,
}

impl Part {
    /// Whether a seed may be in both: sure only for shards of one range.
    pub(crate) fn may_overlap(&self, other: &Self) -> bool {
        let apart = self.seeds.end <= other.seeds.start || other.seeds.end <= self.seeds.start;
        let siblings = self.seeds == other.seeds && self.shard.count == other.shard.count;
        !(apart || siblings && self.shard != other.shard)
    }

    /// Shards of the same range that are not among these, as they are asked for: the first few.
    pub(crate) fn missing(&self, all: &[Self]) -> Vec<String> {
        let shard = |index| Shard {
            index,
            count: self.shard.count,
        };
        let is_there = |shard: Shard| {
            let mut same = all.iter().filter(|part| part.seeds == self.seeds);
            same.any(|part| part.shard == shard)
        };
        let missing = (0..self.shard.count).map(shard).filter(|shard| !is_there(*shard));
        missing.take(8).map(Shard::text).collect()
    }
}

/// `K/N`, K from 1 to N.
pub(crate) fn shard(text: &str) -> Result<Shard, String> {
    let wrong = || "use K/N with K from 1 to N, such as 2/8".to_owned();
    let (index, count) = text.split_once('/').ok_or_else(wrong)?;
    let index: u64 = index.parse().map_err(|_| wrong())?;
    let count: u64 = count.parse().map_err(|_| wrong())?;
    if index == 0 || index > count || count > 1_000_000 {
        return Err(wrong());
    }
    Ok(Shard {
        index: index - 1,
        count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_the_whole_and_none_overlap() {
        for total in [1, 7, 8, 100] {
            let mut seen: Vec<u64> = ["1/3", "2/3", "3/3"]
                .iter()
                .flat_map(|text| {
                    let shard = shard(text).unwrap();
                    (0..shard.share(total)).map(move |n| shard.place(n))
                })
                .collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..total).collect::<Vec<_>>());
        }
        assert_eq!(shard("1/1"), Ok(Shard::WHOLE));
    }

    #[test]
    fn every_shard_has_its_part_of_each_hundredth_seed() {
        for text in ["1/20", "8/100", "8/99"] {
            let shard = shard(text).unwrap();
            let share = shard.share(1_000_000);
            let of_7 = (0..share).filter(|n| shard.place(*n) % 100 == 7).count() as u64;
            assert!(
                (share / 200..share / 50).contains(&of_7),
                "{text}: {of_7} of {share}"
            );
        }
    }

    #[test]
    fn a_shard_is_asked_for_as_k_of_n() {
        for text in ["", "0/3", "4/3", "1", "a/b", "1/0"] {
            assert!(shard(text).is_err(), "{text}");
        }
    }

    #[test]
    fn parts_say_whether_they_overlap_and_what_is_missing() {
        let part = |range: &str, of: &str| Part {
            seeds: seeds(range).unwrap(),
            shard: shard(of).unwrap(),
        };
        let first = part("0..10", "1/3");
        assert!(first.may_overlap(&first));
        assert!(first.may_overlap(&part("0..10", "2/4")));
        assert!(first.may_overlap(&part("9..12", "2/3")));
        assert!(!first.may_overlap(&part("0..10", "2/3")));
        assert!(!first.may_overlap(&part("10..12", "1/3")));
        assert_eq!(first.missing(&[first.clone(), part("0..10", "3/3")]), ["2/3"]);
        assert_eq!(
            first.missing(&[first.clone(), part("0..9", "2/3")]),
            ["2/3", "3/3"]
        );
    }

    #[test]
    fn ranges_have_a_first_and_an_end() {
        assert_eq!(seeds("0..10"), Ok(0..10));
        assert_eq!(seeds("0x10..0x20"), Ok(16..32));
        for text in ["", "5", "5..", "..5", "5..5", "6..5", "0..18446744073709551615"] {
            assert!(seeds(text).is_err(), "{text}");
        }
    }
}
