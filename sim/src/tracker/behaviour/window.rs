//! When a behaviour is at work: always, at first, from a time, until a time, every so often, on and off.
//!
//! All conditions of a window have to hold, and every one of them is a parameter of the behaviour's [`Use`]:
//! `first=3 after="10s" until="60s" every=2 flap="60s"`.

use crate::scenario::Use;
use seedbed_engine::time::{Duration, Instant};

/// The moments at which a behaviour is at work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Window {
    /// Only the first so many occasions; 0 is no limit.
    pub first: u64,
    /// Not before.
    pub after: Duration,
    /// Not from then on; none is for ever.
    pub until: Option<Duration>,
    /// Every so-manieth occasion; 0 and 1 are each.
    pub every: u64,
    /// On for so long, then off as long, and so on; zero is no such change.
    pub flap: Duration,
}

impl Window {
    /// The window of a use.
    pub fn of(used: &Use) -> Self {
        let number = |name| u64::try_from(used.int(name, 0)).unwrap_or(0);
        Self {
            first: number("first"),
            after: used.duration("after").unwrap_or_default(),
            until: used.duration("until"),
            every: number("every"),
            flap: used.duration("flap").unwrap_or_default(),
        }
    }

    /// Whether the time is right.
    pub fn has_come(&self, now: Instant) -> bool {
        let since = now.since(Instant::START);
        let flap = self.flap.as_micros();
        let on = flap == 0 || (since.saturating_sub(self.after).as_micros() / flap).is_multiple_of(2);
        since >= self.after && self.until.is_none_or(|until| since < until) && on
    }

    /// Whether the n-th occasion, counted from 0 within the time, is one.
    pub const fn takes(&self, n: u64) -> bool {
        (self.first == 0 || n < self.first) && (self.every <= 1 || (n + 1).is_multiple_of(self.every))
    }

    /// When [`Window::has_come`] may change next.
    pub fn next_edge(&self, now: Instant) -> Option<Instant> {
        let begin = Instant::START + self.after;
        let end = self.until.map(|until| Instant::START + until);
        let flap = if self.flap.is_zero() || now < begin {
            None
        } else {
            let periods = now.since(begin).as_micros() / self.flap.as_micros() + 1;
            Some(begin + self.flap * u32::try_from(periods).unwrap_or(u32::MAX))
        };
        let edges = [Some(begin), end, flap].into_iter().flatten();
        edges
            .filter(|edge| *edge > now && end.is_none_or(|end| *edge <= end))
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Value;

    fn text(used: Use, name: &str, value: &str) -> Use {
        let mut used = used;
        used.params.push((name.into(), Value::Text(value.into())));
        used
    }

    #[test]
    fn a_window_is_open_when_all_its_conditions_hold() {
        let window = Window::of(&text(
            Use::new("x").with("every", 2).with("first", 4),
            "after",
            "10s",
        ));
        assert!(!window.has_come(Instant::from_secs(9)));
        assert!(window.has_come(Instant::from_secs(10)));
        let taken: Vec<bool> = (0..6).map(|n| window.takes(n)).collect();
        assert_eq!(taken, [false, true, false, true, false, false]);
        assert_eq!(window.next_edge(Instant::START), Some(Instant::from_secs(10)));
        assert_eq!(window.next_edge(Instant::from_secs(10)), None);
    }

    #[test]
    fn a_flapping_window_changes_at_its_edges() {
        let window = Window::of(&text(Use::new("x"), "flap", "1m"));
        let at = Instant::from_secs;
        assert_eq!(
            [0, 59, 60, 119, 120].map(|s| window.has_come(at(s))),
            [true, true, false, false, true]
        );
        assert_eq!(window.next_edge(at(61)), Some(at(120)));
    }
}
