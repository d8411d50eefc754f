//! What a scenario demands beyond the oracles: its `expect` lines, held against the outcome of a run that kept its
//! timeline.

use crate::run::{Ended, Outcome};
use crate::scenario::{Scenario, Use, Value, text};
use crate::timeline::Line;
use seedbed_engine::time::Instant;
use std::collections::BTreeSet;

/// Expectations by name: what `value` means, a sentence.
pub const EXPECTATIONS: &[(&str, &str)] = &[
    ("fired", "the mark of this name was hit"),
    ("never", "the mark of this name was not hit"),
    ("says", "a line of the timeline has these words"),
    ("never-says", "no line of the timeline has these words"),
    (
        "times",
        "so many lines have these words: the number, then the words",
    ),
    (
        "at",
        "a line of this time, in seconds with milliseconds, has the words behind it",
    ),
    (
        "complete-before",
        "each engine had everything by this time of the world",
    ),
    ("complete", "whether each engine had everything at some time"),
    (
        "banned",
        "these and no others were banned, by their names; empty for nobody",
    ),
    ("wasted-at-most", "no engine was sent more bytes in vain"),
    (
        "done-before",
        "the run, its shutdown included, took no longer in the world",
    ),
    (
        "unrecoverable",
        "whether nobody could have finished this download",
    ),
];

/// The expectations of a scenario that its run did not meet, a sentence each.
pub fn unmet(scenario: &Scenario, outcome: &Outcome) -> Vec<String> {
    let all = scenario.expect.iter();
    all.filter_map(|expected| check(expected, outcome).err())
        .collect()
}

fn check(expected: &Use, outcome: &Outcome) -> Result<(), String> {
    let value = expected.params.iter().find(|(name, _)| name == "value");
    let words = match value {
        Some((_, Value::Text(words))) => words.as_str(),
        _ => "",
    };
    let met = match expected.name.as_str() {
        "fired" => outcome.marks.count(words) > 0,
        "never" => outcome.marks.count(words) == 0,
        "says" => outcome.timeline.iter().any(|line| says(line, words)),
        "never-says" => !outcome.timeline.iter().any(|line| says(line, words)),
        "times" => times(outcome, words),
        "at" => at(outcome, words),
        "complete-before" => text::duration(words).is_some_and(|limit| {
            let by = Instant::START + limit;
            let in_time = |one: &Ended| one.complete_at.is_some_and(|at| at <= by);
            outcome.engines.iter().all(in_time)
        }),
        "complete" => {
            let all = outcome.engines.iter().all(|one| one.complete_at.is_some());
            matches!(value, Some((_, Value::Bool(on))) if *on == all)
        }
        "banned" => banned(outcome) == words.split_whitespace().collect(),
        "wasted-at-most" => {
            let most = outcome.engines.iter().map(|one| one.wasted).max().unwrap_or(0);
            matches!(value, Some((_, Value::Int(bytes))) if i64::try_from(most).is_ok_and(|most| most <= *bytes))
        }
        "done-before" => text::duration(words).is_some_and(|limit| outcome.simulated <= limit),
        "unrecoverable" => matches!(value, Some((_, Value::Bool(on))) if *on == outcome.unrecoverable),
        other => return Err(format!("There is no expectation {other}.")),
    };
    let shown = match value {
        Some((_, Value::Bool(on))) => on.to_string(),
        Some((_, Value::Int(number))) => number.to_string(),
        _ => format!("{words:?}"),
    };
    if met {
        return Ok(());
    }
    let took = Instant::START + outcome.simulated;
    Err(format!(
        "Expected {} {shown}, and it is not so (after {took} s).",
        expected.name
    ))
}

/// Whom any engine banned.
fn banned(outcome: &Outcome) -> BTreeSet<&str> {
    let all = outcome.engines.iter().flat_map(|one| &one.banned);
    all.map(String::as_str).collect()
}

/// `3 who words`: exactly so many lines.
fn times(outcome: &Outcome, words: &str) -> bool {
    let Some((count, words)) = words.split_once(' ') else {
        return false;
    };
    let lines = outcome.timeline.iter().filter(|line| says(line, words)).count();
    count.parse() == Ok(lines)
}

/// `15.000 who words`: a line of that time.
fn at(outcome: &Outcome, words: &str) -> bool {
    let Some((at, words)) = words.split_once(' ') else {
        return false;
    };
    let mut lines = outcome.timeline.iter();
    lines.any(|line| line.at.to_string() == at && says(line, words))
}

/// `who words`, or the words alone.
fn says(line: &Line, words: &str) -> bool {
    let whole = line.to_string();
    let text: Vec<&str> = whole.split_whitespace().skip(1).collect();
    text.join(" ").contains(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::Arrow;

    fn outcome() -> Outcome {
        let mut outcome = Outcome {
            simulated: seedbed_engine::time::Duration::from_secs(5),
            ..Outcome::default()
        };
        outcome.engines.push(Ended {
            name: "eng".into(),
            complete_at: Some(Instant::from_secs(3)),
            surplus: 0,
            failed: 0,
            failed_before_ban: None,
            wasted: 64,
            announces: 1,
            banned: vec!["p1".into()],
        });
        outcome.marks.hit("udp-silent");
        outcome.timeline.push(Line {
            at: Instant::START,
            who: "eng".into(),
            arrow: Arrow::Out,
            other: "t0".into(),
            text: "announce started".into(),
            folds: false,
        });
        outcome
    }

    #[test]
    fn expectations_are_met_or_not() {
        let text = |text: &str| Value::Text(text.into());
        let cases = [
            ("fired", text("udp-silent"), true),
            ("fired", text("udp-error"), false),
            ("never", text("udp-error"), true),
            ("never", text("udp-silent"), false),
            ("says", text("eng -> t0 announce"), true),
            ("says", text("stopped"), false),
            ("never-says", text("stopped"), true),
            ("never-says", text("started"), false),
            ("times", text("1 eng -> t0 announce"), true),
            ("times", text("2 eng -> t0 announce"), false),
            ("times", text("announce"), false),
            ("at", text("0.000 eng -> t0 announce"), true),
            ("at", text("0.001 eng -> t0 announce"), false),
            ("complete-before", text("3s"), true),
            ("complete-before", text("2999ms"), false),
            ("complete", Value::Bool(true), true),
            ("complete", Value::Bool(false), false),
            ("banned", text("p1"), true),
            ("banned", text("p1 p2"), false),
            ("banned", text(""), false),
            ("wasted-at-most", Value::Int(64), true),
            ("wasted-at-most", Value::Int(63), false),
            ("done-before", text("5s"), true),
            ("done-before", text("4999ms"), false),
            ("done-before", Value::Int(9), false),
            ("unrecoverable", Value::Bool(false), true),
            ("unrecoverable", Value::Bool(true), false),
            ("fird", text("udp-silent"), false),
        ];
        for (name, value, met) in cases {
            let mut expected = Use::new(name);
            expected.params.push(("value".into(), value.clone()));
            assert_eq!(check(&expected, &outcome()).is_ok(), met, "{name} {value:?}");
        }
    }
}
