//! Which seeds a sweep runs: a range, and the part of it that this process takes.

use super::source;
use std::ops::Range;

/// Seeds of a sweep at the most: results of all of them are counted.
const SEEDS_MAX: u64 = 1 << 40;

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

    /// How many of so many seeds are its.
    pub(crate) fn share(self, total: u64) -> u64 {
        (total.saturating_sub(self.index)).div_ceil(self.count)
    }

    /// Which of the whole range its n-th is.
    pub(crate) fn place(self, n: u64) -> u64 {
        n * self.count + self.index
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
        for text in ["", "0/3", "4/3", "1", "a/b", "1/0"] {
            assert!(shard(text).is_err(), "{text}");
        }
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
