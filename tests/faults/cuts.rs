//! Power cuts: `SEEDBED_CUTS` says how many, `SEEDBED_CUTS_FROM` at which seed they begin.

use seedbed_sim::run::cuts::{PLACES, Phase, Planted, Tally, cut};
use tests::parallel::over;

/// Cuts unless `SEEDBED_CUTS` says otherwise.
const CUTS: u64 = 400;

/// Failures that are printed.
const SHOWN: usize = 5;

fn of(seeds: std::ops::Range<u64>, planted: Planted) -> Tally {
    let mut tally = Tally::default();
    for one in over(seeds, |seed| cut(seed, PLACES, planted)) {
        tally.add(one);
    }
    tally
}

fn failures(tally: &Tally) -> String {
    let shown = tally.failures.len().min(SHOWN);
    tally.failures[..shown].join("\n")
}

#[test]
fn no_power_cut_makes_a_wrong_piece_believed() {
    let cuts = tests::number("SEEDBED_CUTS").unwrap_or(CUTS);
    let from = tests::number("SEEDBED_CUTS_FROM").unwrap_or(0);
    let tally = of(from..from + cuts.div_ceil(PLACES), Planted::Nothing);
    let (count, losses) = (tally.cuts(), tally.losses);
    let of_phase = |phase| tally.phases.get(&phase).copied().unwrap_or(0);
    println!(
        "{count} power cuts in {} runs ({} while checking, {} downloading, {} saving, {} complete, {} other): {} writes \
         lost, {} torn, {} names of files lost, {} wrong pieces believed, {:.0} bytes fetched again a cut ({:.0} explained), \
         {} failures",
        tally.runs,
        of_phase(Phase::Checking),
        of_phase(Phase::Downloading),
        of_phase(Phase::Saving),
        of_phase(Phase::Complete),
        of_phase(Phase::Other),
        losses.writes,
        losses.torn,
        losses.names,
        tally.wrong,
        tally.again as f64 / count as f64,
        tally.explained as f64 / count as f64,
        tally.failures.len(),
    );
    assert!(
        tally.failures.is_empty() && tally.wrong == 0,
        "{}",
        failures(&tally)
    );
    assert!(of_phase(Phase::Checking) > 0 && of_phase(Phase::Downloading) > 0 && of_phase(Phase::Saving) > 0);
    assert!(losses.writes > 0 && losses.torn > 0 && losses.names > 0);
}

#[test]
fn a_state_that_is_believed_and_was_not_synced_is_found() {
    let tally = of(0..5, Planted::NothingIsSynced);
    assert!(tally.wrong > 0, "{tally:?}");
}

#[test]
fn a_hash_that_is_not_looked_at_is_found() {
    let tally = of(0..5, Planted::EveryHashIsRight);
    assert!(tally.wrong > 0, "{tally:?}");
}
