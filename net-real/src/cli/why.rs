//! Causes why a torrent does not get on, as lines for people and as values for programs.

use super::console::shown;
use seedbed_engine::Cause;
use serde_json::{Value, json};

/// Two lines for each cause, the one that counts most first: what it is, and what to do or what happens by itself.
pub(crate) fn lines(causes: &[Cause]) -> Vec<String> {
    let numbered = causes.iter().zip(1..);
    numbered
        .flat_map(|(cause, n)| {
            [
                format!("  {n}. {}", shown(cause.to_string())),
                format!("     next: {}", shown(cause.next_step())),
            ]
        })
        .collect()
}

/// The same as an array; `code` is the word that never changes.
pub(crate) fn json(causes: &[Cause]) -> Value {
    causes
        .iter()
        .map(|cause| json!({"code": cause.code(), "text": cause.to_string(), "next": cause.next_step()}))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_next_step() {
        let causes = [Cause::Paused, Cause::Private];
        assert_eq!(
            lines(&causes),
            [
                "  1. it is paused",
                "     next: resume it",
                "  2. the torrent is private, so only its trackers may name peers",
                "     next: see that its tracker works; no other one may be added",
            ]
        );
        assert_eq!(
            json(&causes[..1]).to_string(),
            r#"[{"code":"paused","next":"resume it","text":"it is paused"}]"#
        );
    }
}
