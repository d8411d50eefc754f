//! Many worlds on all cores: results come in the order of the seeds, so that sums are the same on every machine.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What `of` says of each seed.
///
/// # Panics
/// When `of` does.
pub fn over<T: Send>(seeds: Range<u64>, of: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicU64::new(seeds.start);
    let found = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let one = of(seed);
                    found.lock().expect("nobody panics with it").push((seed, one));
                }
            });
        }
    });
    let mut found = found.into_inner().expect("nobody panicked with it");
    found.sort_by_key(|(seed, _)| *seed);
    found.into_iter().map(|(_, one)| one).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_come_in_order() {
        let doubled = super::over(3..100, |seed| seed * 2);
        assert_eq!(doubled, (3..100).map(|seed| seed * 2).collect::<Vec<_>>());
    }
}
