//! Where the corpus is, and how a topic is counted.

pub mod peer_wire;

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The corpus, if it is there.
pub fn root() -> Option<PathBuf> {
    let root = std::env::var_os("SEEDBED_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"),
        PathBuf::from,
    );
    if root.is_dir() {
        return Some(root);
    }
    let required = std::env::var("SEEDBED_REQUIRE_CORPUS").is_ok_and(|value| value == "1");
    assert!(
        !required,
        "the corpus is required and {} is absent",
        root.display()
    );
    println!("skipped: the corpus is absent at {}", root.display());
    None
}

/// A file of the corpus as JSON.
pub fn json(path: &str) -> Option<Value> {
    let text = std::fs::read(root()?.join(path)).expect("the corpus has this file");
    Some(serde_json::from_slice(&text).expect("the corpus is JSON"))
}

/// Checks every case of a topic in `vectors/`.
pub fn check_topic(topic: &str, check: impl Fn(&Value) -> Result<(), String>) {
    let Some(file) = json(&format!("vectors/{topic}.json")) else {
        return;
    };
    let mut score = Score::new(topic);
    for case in file["cases"].as_array().expect("a topic has cases") {
        score.count(case["id"].as_str().expect("a case has an id"), check(case));
    }
    score.finish();
}

/// The same for a check that says what differs by an assertion.
pub fn check_asserting(topic: &str, check: impl Fn(&Value)) {
    check_topic(topic, |case| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(case))).map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            text.or(panic.downcast_ref::<&str>().copied())
                .unwrap_or("it panicked")
                .to_owned()
        })
    });
}

/// Bytes written as hexadecimal digits.
pub fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("hexadecimal digits");
    assert!(text.len().is_multiple_of(2), "whole bytes");
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits");
    (0..text.len()).step_by(2).map(byte).collect()
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An error that says what differs, unless nothing does.
pub fn same<T: PartialEq<U> + std::fmt::Debug, U: std::fmt::Debug>(
    what: &str,
    ours: T,
    theirs: U,
) -> Result<(), String> {
    if ours == theirs {
        return Ok(());
    }
    Err(format!("{what}: ours {ours:?}, expected {theirs:?}"))
}

/// The results of one topic.
pub struct Score {
    topic: String,
    disputed: BTreeSet<String>,
    all: usize,
    wrong: Vec<String>,
    skipped: usize,
}

impl Score {
    /// A topic without a case yet.
    #[must_use]
    pub fn new(topic: &str) -> Self {
        Self {
            topic: topic.into(),
            disputed: disputed(topic),
            all: 0,
            wrong: Vec::new(),
            skipped: 0,
        }
    }

    /// A disputed case must be wrong: else the dispute is over and the entry has to go.
    pub fn count(&mut self, id: &str, result: Result<(), String>) {
        self.all += 1;
        match (self.disputed.remove(id), result) {
            (false, Ok(())) => {}
            (true, Err(_)) => self.skipped += 1,
            (true, Ok(())) => self.wrong.push(format!("{id}: disputed, but it fits")),
            (false, Err(text)) => self.wrong.push(format!("{id}: {text}")),
        }
    }

    /// Prints what there is of each.
    ///
    /// # Panics
    /// When a case is wrong that is not disputed.
    #[track_caller]
    pub fn finish(self) {
        let right = self.all - self.wrong.len() - self.skipped;
        println!(
            "{}: {right} / {} ({} disputed)",
            self.topic, self.all, self.skipped
        );
        assert!(self.all > 0, "{} has cases", self.topic);
        assert!(
            self.wrong.is_empty(),
            "{}:\n{}",
            self.topic,
            self.wrong.join("\n")
        );
        // a corpus with other cases than ours may lack some that we dispute
        for id in self.disputed {
            println!("{}: the disputed case {id} is not there", self.topic);
        }
    }
}

/// The cases of a topic in `disputed.md`: lines of the form ``- `topic:case` reason``.
fn disputed(topic: &str) -> BTreeSet<String> {
    include_str!("../../corpus/disputed.md")
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.split_once('`'))
        .filter_map(|(name, _)| name.strip_prefix(topic)?.strip_prefix(':'))
        .map(String::from)
        .collect()
}
