//! Walls inside the adapter that the compiler does not see.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push(path);
        }
    }
}

/// Lines of the sources that hold one of `words`, comments left out.
fn found(words: &[&str]) -> Vec<String> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() > 20, "{files:?}");
    let mut lines = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            let comment = line.trim_start().starts_with("//");
            if !comment && words.iter().any(|word| line.contains(word)) {
                lines.push(format!("{}:{}: {line}", file.display(), number + 1));
            }
        }
    }
    lines
}

#[test]
fn nothing_runs_on_global_executors() {
    let lines = found(&["smol::spawn", "unblock(", "smol::Unblock"]);
    assert!(lines.is_empty(), "{lines:#?}");
}
