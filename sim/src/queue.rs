//! What will happen, in a total order: time, then tie, then the order of asking.

use seedbed_engine::time::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Waiting occurrences. Two of the same time happen in the order in which they were asked for, unless ties are
/// shuffled: then in an order that depends on the seed, so that races between simultaneous events are explored.
#[derive(Clone, Debug)]
pub struct Queue<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    asked: u64,
    shuffle: Option<u64>,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    key: (Instant, u64, u64),
    what: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl<T> Queue<T> {
    /// An empty queue; `shuffle` reorders simultaneous occurrences by this seed.
    pub fn new(shuffle: Option<u64>) -> Self {
        Self {
            heap: BinaryHeap::new(),
            asked: 0,
            shuffle,
        }
    }

    /// From now on simultaneous occurrences are reordered by this seed.
    pub fn shuffle(&mut self, seed: u64) {
        self.shuffle = Some(seed);
    }

    /// Something happens at this time.
    pub fn push(&mut self, at: Instant, what: T) {
        self.asked += 1;
        let tie = self.shuffle.map_or(0, |seed| {
            (seed ^ self.asked).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
        });
        self.heap.push(Reverse(Entry {
            key: (at, tie, self.asked),
            what,
        }));
    }

    /// When the next thing happens.
    pub fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|entry| entry.0.key.0)
    }

    /// Takes the next thing.
    pub fn pop(&mut self) -> Option<(Instant, T)> {
        self.heap.pop().map(|Reverse(entry)| (entry.key.0, entry.what))
    }

    /// How many things wait.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simultaneous_things_happen_in_the_order_of_asking_unless_shuffled() {
        let order = |shuffle| {
            let mut queue = Queue::new(shuffle);
            (0..20).for_each(|n| queue.push(Instant::from_secs(1), n));
            queue.push(Instant::START, 99);
            std::iter::from_fn(|| queue.pop().map(|(_, n)| n)).collect::<Vec<_>>()
        };
        let plain: Vec<_> = std::iter::once(99).chain(0..20).collect();
        assert_eq!(order(None), plain);
        assert_ne!(order(Some(1)), plain);
        assert_eq!(order(Some(1)), order(Some(1)));
        assert_eq!(order(Some(1))[0], 99, "time comes first");
    }
}
