//! A timeline as text of bounded length: lines that differ only in numbers become one, and of a long one the middle is
//! left out.

use crate::run::{Ended, Outcome};
use crate::timeline::Line;

/// Lines from the end that stay when the middle is left out.
const TAIL: usize = 25;

/// The timeline of a run with its last line: how it ended.
pub fn render(outcome: &Outcome, lines_max: usize) -> String {
    let mut lines = fold(&outcome.timeline);
    if lines.len() > lines_max {
        let tail = TAIL.min(lines_max / 2);
        let head = lines_max.saturating_sub(tail + 1);
        let left_out = lines.len() - head - tail;
        let note = format!("          ... {left_out} lines ...");
        lines.splice(head..head + left_out, [note]);
    }
    lines.push(footer(outcome));
    lines.extend(outcome.engines.iter().map(ended));
    lines.join("\n") + "\n"
}

/// What an engine came to. No digest: it would change every snapshot with each change of the engine.
fn ended(engine: &Ended) -> String {
    let complete = engine
        .complete_at
        .map_or("not complete".into(), |at| format!("complete {at}"));
    let banned = match engine.banned.join(" ") {
        none if none.is_empty() => String::new(),
        names => format!("  banned {names}"),
    };
    let (name, wasted, announces) = (&engine.name, engine.wasted, engine.announces);
    format!("----- {name}: {complete}  wasted {wasted} bytes{banned}  announces {announces}")
}

fn footer(outcome: &Outcome) -> String {
    let micros = outcome.simulated.as_micros();
    let state = match &outcome.failure {
        Some(failure) => format!("FAILED {} {}", failure.oracle, failure.text),
        None if outcome.unrecoverable => "unrecoverable".into(),
        None => "all rules held".into(),
    };
    format!(
        "----- {}.{:03}  {state}  {} steps",
        micros / 1_000_000,
        micros / 1_000 % 1_000,
        outcome.steps
    )
}

/// Runs of lines with the same actors that differ only in numbers, each as its first line with a count.
pub fn fold(lines: &[Line]) -> Vec<String> {
    let mut folded: Vec<(String, usize)> = Vec::new();
    let mut last: Option<(&Line, String)> = None;
    for line in lines {
        let key = key(line);
        match &last {
            Some((before, known)) if line.folds && before.folds && *known == key => {
                if let Some((_, count)) = folded.last_mut() {
                    *count += 1;
                }
            }
            _ => folded.push((line.to_string(), 1)),
        }
        last = Some((line, key));
    }
    let shown = |(text, count): (String, usize)| match count {
        1 => text.trim_end().to_owned(),
        _ => format!("{} \u{d7}{count}", text.trim_end()),
    };
    folded.into_iter().map(shown).collect()
}

/// What lines have in common that are folded: everything but digits.
fn key(line: &Line) -> String {
    let text = line.text.chars().filter(|c| !c.is_ascii_digit());
    format!(
        "{} {:?} {} {}",
        line.who,
        line.arrow,
        line.other,
        text.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::Arrow;
    use seedbed_engine::time::Instant;

    fn line(n: u64, text: String, folds: bool) -> Line {
        Line {
            at: Instant::from_millis(n),
            who: "eng".into(),
            arrow: Arrow::Out,
            other: "p0".into(),
            text,
            folds,
        }
    }

    #[test]
    fn like_lines_are_folded_and_others_are_not() {
        let mut outcome = Outcome::default();
        for n in 0..5 {
            outcome.timeline.push(line(n, format!("request p{n}:b0"), true));
        }
        outcome.timeline.push(line(5, "interested".into(), false));
        outcome.timeline.push(line(6, "interested".into(), false));
        let text = render(&outcome, 100);
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.contains("request p0:b0 \u{d7}5"), "{text}");
    }

    #[test]
    fn a_long_timeline_loses_its_middle() {
        let mut outcome = Outcome::default();
        for n in 0..1_000 {
            outcome.timeline.push(line(n, format!("line {n}"), false));
        }
        let text = render(&outcome, 100);
        assert_eq!(text.lines().count(), 101);
        assert!(text.contains("line 0\n") && text.contains("line 999\n"), "{text}");
        assert!(text.contains("... 901 lines ..."), "{text}");
    }
}
