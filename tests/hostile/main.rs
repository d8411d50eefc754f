//! Every reader of foreign bytes under inputs that are nearly good: none makes it panic, and what it accepts is what it
//! promises.
//!
//! The inputs are numbered. `SEEDBED_HOSTILE` says how many there are in all, `SEEDBED_HOSTILE_FROM` where they begin.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;
use tests::hostile::mutate::{Dice, mutate};
use tests::hostile::{READERS, Reader};
use tests::number;

/// Inputs over all readers unless `SEEDBED_HOSTILE` says otherwise.
const INPUTS: u64 = 200_000;

/// The largest weight of a reader.
const WEIGHT_MAX: u32 = 64;

/// The inputs of a reader that gets `count` of them; how many it took, or the one that broke it.
fn run(reader: &Reader, from: u64, count: u64) -> Result<u64, String> {
    let seeds = (reader.seeds)();
    assert!(!seeds.is_empty(), "{} has nothing to begin with", reader.name);
    for seed in &seeds {
        (reader.read)(seed);
    }
    for number in from..from + count {
        let input = mutate(&mut Dice(number), &seeds);
        catch_unwind(AssertUnwindSafe(|| (reader.read)(&input))).map_err(|_| {
            let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{}, input {number}, {} bytes: {hex}", reader.name, input.len())
        })?;
    }
    Ok(count)
}

#[test]
fn no_input_breaks_a_reader() {
    let inputs = number("SEEDBED_HOSTILE").unwrap_or(INPUTS);
    let from = number("SEEDBED_HOSTILE_FROM").unwrap_or(0);
    let shares: u64 = READERS.iter().map(share).sum();
    let mut taken = 0;
    for reader in READERS {
        let begun = Instant::now();
        let count = (inputs * share(reader)).div_ceil(shares);
        match run(reader, from, count) {
            Ok(count) => taken += count,
            Err(broken) => panic!("{broken}"),
        }
        println!(
            "{:>14} {count:>8} inputs, {:.1} s",
            reader.name,
            begun.elapsed().as_secs_f64()
        );
    }
    println!(
        "{taken} hostile inputs over {} readers: none broke one",
        READERS.len()
    );
}

/// How many inputs a reader gets, beside the others.
fn share(reader: &Reader) -> u64 {
    u64::from(WEIGHT_MAX / reader.weight)
}

/// Inputs that a fuzzer found: `tests/data/hostile/READER-what-was-wrong`.
#[test]
fn what_once_broke_a_reader_breaks_none() {
    let folder = tests::project_root().join("tests/data/hostile");
    let mut read = 0;
    for entry in std::fs::read_dir(&folder).expect("a folder of the project") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let reader = READERS.iter().find(|reader| {
            let rest = name.strip_prefix(reader.name);
            rest.is_some_and(|rest| rest.starts_with('-'))
        });
        let reader = reader.unwrap_or_else(|| panic!("{name} names no reader"));
        (reader.read)(&std::fs::read(&path).expect("a file"));
        read += 1;
    }
    assert!(read > 0);
}
