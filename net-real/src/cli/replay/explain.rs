//! `replay --explain`: everything that was done about one piece or one peer, with the reasons that were given.

use super::Recording;
use super::file::guarded;
use crate::cli::console::Console;
use crate::cli::failure::{DONE, Failure};
use seedbed_engine::journal::Journal;
use seedbed_sim::journal::lines;
use seedbed_sim::render::fold;
use seedbed_sim::timeline::Line;
use serde_json::json;

/// What is asked about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Subject {
    /// A piece by its number.
    Piece(u32),
    /// A peer by its name in timelines, or its address.
    Peer(String),
}

/// Reads `piece:N` or `peer:X`.
pub(crate) fn subject(text: &str) -> Result<Subject, String> {
    let wrong = || "it is piece:N or peer:X, such as piece:12 or peer:p3 or peer:192.0.2.7:6881".to_owned();
    match text.split_once(':') {
        Some(("piece", number)) => number.parse().map(Subject::Piece).map_err(|_| wrong()),
        Some(("peer", name)) if !name.is_empty() => Ok(Subject::Peer(name.to_owned())),
        _ => Err(wrong()),
    }
}

impl Subject {
    fn is_in(&self, line: &Line, name: &str) -> bool {
        match self {
            Self::Piece(piece) => words(&line.text).any(|word| word == format!("p{piece}")),
            Self::Peer(_) => {
                // within a verdict peers follow these words; anywhere else `p3` is a piece
                let verdict = line.text.starts_with("ban ") || line.text.contains(", from ");
                line.other == name || verdict && words(&line.text).any(|word| word == name)
            }
        }
    }
}

/// The words of a line, where `p12+0:16384` is about `p12`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
}

/// Tells what happened about it.
pub(super) fn show(
    recording: &Recording,
    journal: &Journal<'_>,
    subject: &Subject,
    console: &Console,
) -> Result<u8, Failure> {
    let (all, cast) = guarded(recording, || lines(journal))?;
    let name = match subject {
        Subject::Piece(_) => String::new(),
        Subject::Peer(text) => {
            let legend = cast.legend();
            let known = legend.iter().find(|(name, addr)| name == text || addr == text);
            let by_ip = || {
                let addr = cast.find(text)?.to_string();
                legend.iter().find(|(_, known)| *known == addr)
            };
            match known.or_else(by_ip) {
                Some((name, _)) => name.clone(),
                None => {
                    return Err(Failure::usage(format_args!(
                        "There is no peer {text} in this run."
                    )));
                }
            }
        }
    };
    let told: Vec<Line> = all
        .into_iter()
        .filter(|line| subject.is_in(line, &name))
        .collect();
    let told_lines = fold(&told);
    console.value(&json!({"lines": told_lines}))?;
    if told_lines.is_empty() {
        console.line("nothing was done about it")?;
    }
    for line in &told_lines {
        console.line(line)?;
    }
    if let Some((_, addr)) = cast.legend().iter().find(|(known, _)| *known == name) {
        console.line(format!("----- {name} is {addr}"))?;
    }
    Ok(DONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects() {
        assert_eq!(subject("piece:12"), Ok(Subject::Piece(12)));
        assert_eq!(
            subject("peer:192.0.2.7:6881"),
            Ok(Subject::Peer("192.0.2.7:6881".into()))
        );
        assert!(subject("piece:x").is_err() && subject("peer:").is_err() && subject("torrent:1").is_err());
    }

    #[test]
    fn a_piece_is_found_by_its_whole_number() {
        assert!(words("request p12+0:16384").any(|word| word == "p12"));
        assert!(!words("request p123+0:16384").any(|word| word == "p12"));
    }
}
