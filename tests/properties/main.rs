//! Properties that hold for any input, with seeded generators: the same seed gives the same cases.
//!
//! A failing property shows its seed; `SEEDBED_SEED=<seed>` runs every property with it, and `SEEDBED_CASES` says
//! how many cases each one gets.

mod codec;
mod engine;
mod extension;
mod traffic;

use quickcheck::{Gen, QuickCheck, Testable};

/// Cases of one property unless `SEEDBED_CASES` says otherwise: a second or two for all of them unoptimised.
const CASES: u64 = 500;

/// Upper bound of the generated collections.
const SIZE: usize = 40;

/// Runs a property. The seed goes to the output, which a test shows only when it fails.
fn check<P: Testable>(property: P) {
    let seed = number("SEEDBED_SEED").unwrap_or(1);
    let cases = number("SEEDBED_CASES").unwrap_or(CASES);
    println!("SEEDBED_SEED={seed} gives these cases again");
    QuickCheck::new()
        .rng(Gen::from_size_and_seed(SIZE, seed))
        .tests(cases)
        .max_tests(cases.saturating_mul(10))
        .quickcheck(property);
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
