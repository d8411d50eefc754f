//! What is worth being read when the mouse stands on it, up to a limit: what matters most stays.

use seedbed_engine::net::printable;

/// Events on a page at the most.
const EVENTS_MAX: usize = 5_000;
/// Bytes of their texts at the most, as they are written into the page.
const BYTES_MAX: usize = 1 << 20;
/// Characters of one text.
const TEXT_MAX: usize = 240;
/// Ranks that there are.
const RANKS: usize = 4;

/// How much an event matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rank {
    /// A verdict, a state, a failure.
    Verdict,
    /// Who came and went, what trackers said.
    Landmark,
    /// Chokes, requests to trackers, dials that failed.
    Detail,
    /// Verified pieces and other messages.
    Trifle,
}

/// When, what kind, who, what.
type Told = (u64, &'static str, String, String);

/// The events so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    ranks: [Vec<(u64, Told)>; RANKS],
    seen: u64,
}

impl Events {
    pub(super) fn add(&mut self, rank: Rank, at: u64, kind: &'static str, who: &str, text: &str) {
        self.seen += 1;
        let ranked = &mut self.ranks[rank as usize];
        if ranked.len() < EVENTS_MAX {
            let told = (at, kind, printable(who, TEXT_MAX), printable(text, TEXT_MAX));
            ranked.push((self.seen, told));
        }
    }

    /// Those that find room, by time, and how many do not.
    pub(super) fn end(self) -> (Vec<Told>, u64) {
        let (mut kept, mut bytes) = (Vec::new(), 0);
        for (number, told) in self.ranks.into_iter().flatten() {
            bytes += 40 + written(&told.2) + written(&told.3);
            if kept.len() == EVENTS_MAX || bytes > BYTES_MAX {
                break;
            }
            kept.push((number, told));
        }
        kept.sort_by_key(|(number, _)| *number);
        let left_out = self.seen - kept.len() as u64;
        (kept.into_iter().map(|(_, told)| told).collect(), left_out)
    }
}

/// Bytes that a text takes in the page at the most.
fn written(text: &str) -> usize {
    text.chars()
        .map(|c| match c {
            ' '..='~' if !matches!(c, '<' | '>' | '&') => 1 + usize::from(matches!(c, '"' | '\\')),
            _ => 6,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_most_stays_and_the_rest_is_counted() {
        let mut events = Events::default();
        for n in 0..6_000 {
            events.add(Rank::Trifle, n, "piece", "", "verified");
        }
        events.add(Rank::Verdict, 6_000, "ban", "p1", "ban p1");
        let (kept, left_out) = events.end();
        assert_eq!((kept.len(), left_out), (5_000, 1_001));
        assert_eq!(kept.last().map(|told| told.1), Some("ban"));
        assert!(kept.is_sorted_by_key(|told| told.0));
    }

    #[test]
    fn long_foreign_texts_stay_within_the_bytes() {
        let mut events = Events::default();
        for n in 0..5_000 {
            events.add(Rank::Landmark, n, "fail", "t1", &"<".repeat(10_000));
        }
        let (kept, left_out) = events.end();
        let bytes: usize = kept.iter().map(|told| written(&told.3)).sum();
        assert!(bytes <= BYTES_MAX && left_out > 0, "{bytes} {left_out}");
    }
}
