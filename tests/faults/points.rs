//! Every operation of the disk of a 40-piece download fails: `SEEDBED_POINTS` says how many runs are made of all that
//! there are, spread evenly, `SEEDBED_POINT_PAIRS` how many of two faults at once.

use seedbed_sim::host::{Point, PointFault};
use seedbed_sim::run::points::{Disk, Ended, points, run};
use seedbed_sim::seed::Seed;
use std::time::Duration;
use tests::parallel::over;

/// Runs unless `SEEDBED_POINTS` says otherwise; all that there are by the recipe.
const RUNS: u64 = 240;
/// The same of two faults at once.
const PAIRS: u64 = 60;

/// How long a fault lasts that is not over at once.
const LASTS: Duration = Duration::from_secs(60);

/// How long after its cause a download may still stand: the engine tries storage again each 30 s.
const AFTER: Duration = Duration::from_secs(35);

/// Payload that may come in addition for each fault: what four peers owed when storage failed, at each of its three tries
/// within a minute at the most. What is fetched again and again is more.
const AGAIN: u64 = 3 * 4 * 4 * 64;

const FAILURES_SHOWN: usize = 8;

/// One run to make: a world, its points, and the run without any.
struct Case {
    disk: Disk,
    points: Vec<Point>,
}

/// What a run without faults came to.
fn whole(disk: Disk) -> Ended {
    let whole = run(disk, &[], true);
    assert_eq!(whole.failure, None, "{disk:?}");
    whole
}

/// Figures over many runs.
#[derive(Default)]
struct Figures {
    runs: u64,
    fired: u64,
    again: u64,
    again_most: u64,
    late_most: Duration,
    failures: Vec<String>,
}

impl Figures {
    fn take(&mut self, case: &Case, whole: &Ended, ended: Ended) {
        self.runs += 1;
        self.fired += ended.fired as u64;
        let again = ended.received.saturating_sub(whole.received);
        self.again += again;
        self.again_most = self.again_most.max(again);
        let usual = whole.complete_at.expect("it has no fault");
        // what was left when it failed has to be done behind it
        let due = ended.gone_at.map_or(usual, |gone| gone.max(usual));
        let late = ended.complete_at.map_or(Duration::ZERO, |at| at.since(due));
        self.late_most = self.late_most.max(late);
        let rest = usual.since(seedbed_engine::time::Instant::START);
        let broken = ended.failure.or_else(|| {
            (late > AFTER + rest)
                .then(|| format!("complete {late:?} after the cause was gone"))
                .or_else(|| {
                    (again > AGAIN * case.points.len() as u64).then(|| format!("{again} bytes come again"))
                })
        });
        if let Some(broken) = broken {
            self.failures
                .push(format!("{:?}, {:?}: {broken}", case.disk, case.points));
        }
    }

    fn tell(&self, what: &str) {
        println!(
            "{what}: {} runs, {} faults fired, {} ended right; {:.0} bytes fetched again a run ({} at the most), complete \
             {:.1} s after the cause was gone, or after it was to be expected without it, at the latest",
            self.runs,
            self.fired,
            self.runs - self.failures.len() as u64,
            self.again as f64 / self.runs as f64,
            self.again_most,
            self.late_most.as_secs_f64(),
        );
        let shown = self.failures.len().min(FAILURES_SHOWN);
        assert!(
            self.failures.is_empty(),
            "{} fail\n{}",
            self.failures.len(),
            self.failures[..shown].join("\n")
        );
    }
}

fn all(cases: &[Case], wholes: &[(Disk, Ended)]) -> Figures {
    let ended = over(0..cases.len() as u64, |n| {
        let case = &cases[n as usize];
        run(case.disk, &case.points, false)
    });
    let mut figures = Figures::default();
    for (case, ended) in cases.iter().zip(ended) {
        let (_, whole) = wholes
            .iter()
            .find(|(disk, _)| *disk == case.disk)
            .expect("each is run");
        figures.take(case, whole, ended);
    }
    figures
}

fn wholes() -> Vec<(Disk, Ended)> {
    Disk::ALL.into_iter().map(|disk| (disk, whole(disk))).collect()
}

#[test]
fn every_disk_operation_fails_once_and_the_download_ends() {
    let wholes = wholes();
    let mut cases = Vec::new();
    let mut count = 0;
    for (disk, whole) in &wholes {
        count += whole.operations.len();
        for (operation, fault) in points(&whole.operations) {
            for lasts in [Duration::ZERO, LASTS] {
                let point = Point {
                    operation,
                    fault,
                    lasts,
                };
                cases.push(Case {
                    disk: *disk,
                    points: vec![point],
                });
            }
        }
    }
    let there = cases.len() as u64;
    let wanted = tests::number("SEEDBED_POINTS").unwrap_or(RUNS).min(there);
    // spread over all of them, whatever their order means
    let step = there.div_ceil(wanted.max(1));
    let cases: Vec<Case> = cases.into_iter().step_by(step as usize).collect();
    let figures = all(&cases, &wholes);
    assert_eq!(figures.fired, figures.runs, "a point did not fire");
    figures.tell(&format!(
        "{count} operations of 3 disks, {there} points of one fault, once and for {} s",
        LASTS.as_secs()
    ));
}

#[test]
fn two_disk_operations_fail_and_the_download_ends() {
    let wholes = wholes();
    let pairs = tests::number("SEEDBED_POINT_PAIRS").unwrap_or(PAIRS);
    let mut cases = Vec::new();
    for n in 0..pairs {
        let mut rng = Seed(n).stream("pair");
        let (disk, whole) = &wholes[rng.below(3) as usize];
        let all = points(&whole.operations);
        let points = (0..2)
            .map(|_| {
                let (operation, fault) = all[rng.below(all.len() as u32) as usize];
                let lasts = if rng.chance(1, 2) { Duration::ZERO } else { LASTS };
                Point {
                    operation,
                    fault,
                    lasts,
                }
            })
            .collect();
        cases.push(Case { disk: *disk, points });
    }
    let figures = all(&cases, &wholes);
    // a second one may be due where the first made the run shorter
    assert!(
        figures.fired * 10 >= figures.runs * 19,
        "{} of {} runs",
        figures.fired,
        figures.runs
    );
    figures.tell("two faults in a run");
}

#[test]
fn every_kind_of_operation_is_among_them() {
    let wholes = wholes();
    let (_, whole) = &wholes[0];
    for kind in [
        "open", "prepare", "write", "out", "hash", "read", "sync", "save", "close",
    ] {
        assert!(
            whole.operations.contains(&kind),
            "{kind} is no operation of {:?}",
            whole.operations
        );
    }
    let (_, link) = &wholes[2];
    for kind in ["load-metadata", "save-metadata", "arrange"] {
        assert!(
            link.operations.contains(&kind),
            "{kind} is no operation of {:?}",
            link.operations
        );
    }
    assert!(
        points(&["read"])
            .iter()
            .all(|(_, fault)| *fault != PointFault::Short)
    );
    assert_eq!(points(&["out"]).len(), 4);
}
