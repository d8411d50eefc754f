//! What is wrong with a scenario file, and where: line, column, what was expected and the nearest known name.

use std::fmt;

/// A mistake in a scenario file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake {
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1, in characters.
    pub column: usize,
    /// What is wrong and what was expected, a sentence.
    pub text: String,
    /// The line as it is written.
    pub shown: String,
}

impl Mistake {
    /// The mistake at a byte of the file.
    pub(super) fn at(file: &str, offset: usize, text: impl Into<String>) -> Self {
        let mut offset = offset.min(file.len());
        while !file.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &file[..offset];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let end = file[offset..].find('\n').map_or(file.len(), |at| offset + at);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
            text: text.into(),
            shown: file[start..end].trim_end().into(),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // tabs stay tabs, so that the mark stands below its place
        let indent: String = self
            .shown
            .chars()
            .take(self.column - 1)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        writeln!(f, "{}:{}: {}", self.line, self.column, self.text)?;
        writeln!(f, "{number} | {}", self.shown)?;
        write!(f, "{margin} | {indent}^")
    }
}

impl std::error::Error for Mistake {}

/// `Did you mean …?` with the known name that is nearest, or all of them if they are few and none is near.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let near = known
        .iter()
        .map(|name| (distance(wrong, name), *name))
        .min()
        .filter(|(distance, name)| *distance <= name.len().max(wrong.len()) / 3 + 1);
    match near {
        Some((_, name)) => format!("did you mean {name}?"),
        None if known.is_empty() => "none is known here".into(),
        None if known.len() <= 12 => format!("known are {}", known.join(", ")),
        None => "`sim list behaviours` has all of them".into(),
    }
}

/// How many letters have to be put in, taken out or replaced (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, c) in a.chars().enumerate() {
        let mut left_up = row[0];
        row[0] = i + 1;
        for (j, d) in b.iter().enumerate() {
            let replaced = left_up + usize::from(c != *d);
            left_up = row[j + 1];
            row[j + 1] = replaced.min(left_up + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_points_at_its_place() {
        let mistake = Mistake::at("one\n\ttwo three\n", 9, "no.");
        assert_eq!((mistake.line, mistake.column), (2, 6));
        assert_eq!(mistake.to_string(), "2:6: no.\n2 | \ttwo three\n  | \t    ^");
        let end = Mistake::at("x", 99, "end.");
        assert_eq!((end.line, end.column), (1, 2));
    }

    #[test]
    fn the_nearest_name_is_told() {
        assert_eq!(nearest("corupt", ["corrupt", "snub"]), "did you mean corrupt?");
        assert_eq!(
            nearest("zzzzzzzz", ["corrupt", "snub"]),
            "known are corrupt, snub"
        );
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
