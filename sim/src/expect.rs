//! What a scenario demands beyond the oracles: its `expect` lines, held against the outcome of a run that kept its
//! timeline.

use crate::run::Outcome;
use crate::scenario::{Scenario, Use, Value, text};
use crate::timeline::Line;
use seedbed_engine::time::Instant;

/// Expectations by name: what `value` means, a sentence.
pub const EXPECTATIONS: &[(&str, &str)] = &[
    ("fired", "the mark of this name was hit"),
    ("never", "the mark of this name was not hit"),
    ("says", "a line of the timeline has these words"),
    ("never-says", "no line of the timeline has these words"),
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
        "done-before" => text::duration(words).is_some_and(|limit| outcome.simulated <= limit),
        "unrecoverable" => matches!(value, Some((_, Value::Bool(on))) if *on == outcome.unrecoverable),
        other => return Err(format!("There is no expectation {other}.")),
    };
    let shown = match value {
        Some((_, Value::Bool(on))) => on.to_string(),
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
