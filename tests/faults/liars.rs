//! One liar among twenty peers: `SEEDBED_LIARS` says how many worlds there are of each kind.

use seedbed_sim::run::{Options, Outcome, failure_text, run};
use seedbed_sim::scenario::{Scenario, kdl};
use std::fmt::Write;
use tests::parallel::over;

/// Worlds of each kind unless `SEEDBED_LIARS` says otherwise.
const WORLDS: u64 = 12;

const PIECES: u32 = 96;
const BLOCKS: u32 = 32;
const BLOCK: u32 = 64;

/// A world of nineteen honest seeds and a liar that spoils every so many blocks, from a drawn one on.
fn scenario(seed: u64, every: u64) -> Scenario {
    let from = 1 + seed % every;
    let mut text = format!(
        "scenario \"a liar among twenty\" version=1 seed={seed}\n\
         torrent pieces={PIECES} blocks={BLOCKS} block={BLOCK}\nengine \"eng\"\ntracker \"t0\" udp\n"
    );
    for n in 0..20 {
        // a piece takes two to ten seconds, as one of a MiB does at 100 to 500 kB/s
        let up = 200 + (seed * 7 + n * 5) % 9 * 100;
        let lies = if n == seed % 20 {
            format!(" {{\n    corrupts every={every} from={from}\n}}")
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "peer \"p{n}\" seed up=\"{up}B/s\" latency=\"{}ms\"{lies}",
            10 + n
        );
    }
    kdl::parse(&text).unwrap_or_else(|mistake| panic!("{mistake}\n{text}"))
}

#[derive(Default)]
struct Figures {
    /// Pieces that may fail before the ban.
    before_max: u64,
    worlds: u64,
    lied: u64,
    banned: u64,
    within_two: u64,
    before_most: u64,
    failed: u64,
    failed_most: u64,
    waste_most: u64,
    waste: u64,
    broken: Vec<String>,
}

impl Figures {
    fn take(&mut self, seed: u64, outcome: &Outcome) {
        let eng = &outcome.engines[0];
        let liar = format!("p{}", seed % 20);
        let lied = outcome.marks.count("corrupts") > 0;
        let (banned, honest) = (
            eng.banned.contains(&liar),
            eng.banned.iter().filter(|name| **name != liar).count(),
        );
        self.worlds += 1;
        self.lied += u64::from(lied);
        self.banned += u64::from(banned);
        let before = eng.failed_before_ban.unwrap_or(0);
        self.within_two += u64::from(banned && before <= 2);
        self.before_most = self.before_most.max(before);
        self.failed += eng.failed;
        self.failed_most = self.failed_most.max(eng.failed);
        self.waste += eng.surplus;
        self.waste_most = self.waste_most.max(eng.surplus);
        let mut say = |holds: bool, text: String| {
            if !holds {
                self.broken.push(format!("seed {seed}: {text}"));
            }
        };
        say(
            outcome.failure.is_none() && outcome.completed,
            failure_text(outcome, "").unwrap_or_else(|| "it does not end".into()),
        );
        // what it sent last may have come too late to be taken
        say(banned || eng.failed == 0, "the liar is not banned".into());
        say(
            before <= self.before_max,
            format!("{before} pieces failed before the liar is banned"),
        );
        say(honest == 0, format!("{honest} honest peers are banned"));
    }
}

fn check(percent: u64, before_max: u64) {
    let worlds = tests::number("SEEDBED_LIARS").unwrap_or(WORLDS);
    let every = 100 / percent;
    let outcomes = over(0..worlds, |seed| run(&scenario(seed, every), &Options::default()));
    let mut figures = Figures {
        before_max,
        ..Figures::default()
    };
    for (seed, outcome) in (0..).zip(&outcomes) {
        figures.take(seed, outcome);
    }
    let piece = f64::from(BLOCKS * BLOCK);
    println!(
        "a liar among 20 peers, {percent} % of its blocks bad: {} worlds, it lied in {}, was banned in {}, in {} of them within 2 \
         failed pieces ({} at the most), {:.2} pieces failed in all ({} at the most), {:.2} pieces in vain ({:.2} at the most), {} findings",
        figures.worlds,
        figures.lied,
        figures.banned,
        figures.within_two,
        figures.before_most,
        figures.failed as f64 / figures.worlds as f64,
        figures.failed_most,
        figures.waste as f64 / figures.worlds as f64 / piece,
        figures.waste_most as f64 / piece,
        figures.broken.len(),
    );
    let shown = figures.broken.len().min(5);
    assert!(
        figures.broken.is_empty(),
        "{}",
        figures.broken[..shown].join("\n")
    );
    assert!(figures.lied > 0);
}

#[test]
fn a_liar_with_one_bad_block_in_a_hundred_is_banned() {
    check(1, 2);
}

#[test]
fn a_liar_with_every_second_block_bad_is_banned() {
    // one piece of its own, and those that others finish with its blocks meanwhile
    check(50, 4);
}
