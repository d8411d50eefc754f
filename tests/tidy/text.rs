//! Files that are not Rust as well: snapshots, and words that must not be written down anywhere.

use std::path::Path;

use crate::sources::files;

/// A snapshot is read in review: it must fit on two screens.
const SNAPSHOT_LINES_MAX: usize = 120;
const SNAPSHOT_BYTES_MAX: usize = 12 * 1024;

/// Snapshots that are too long to read, and those whose test is gone. (Whether a test still looks at each is shown by
/// `.ci/unused-snapshots` after a full run.)
pub(crate) fn check_snapshots(root: &Path) -> Vec<String> {
    let mut findings = Vec::new();
    for path in files(&root.join("snapshots"), &|path| {
        path.extension().is_some_and(|end| end == "snap")
    }) {
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let text = std::fs::read_to_string(&path).expect("a snapshot is UTF-8");
        findings.extend(check_snapshot(&name, &text));
        let source = text.lines().find_map(|line| line.strip_prefix("source: "));
        match source.map(|source| source.trim_matches('"')) {
            None => findings.push(format!("{name}:1: no line `source:`")),
            Some(source) if !root.join(source).is_file() => {
                findings.push(format!("{name}:1: its test {source} is gone"));
            }
            Some(_) => {}
        }
    }
    findings
}

fn check_snapshot(name: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let lines = text.lines().count();
    if lines > SNAPSHOT_LINES_MAX {
        findings.push(format!(
            "{name}:{SNAPSHOT_LINES_MAX}: {lines} lines, at most {SNAPSHOT_LINES_MAX}"
        ));
    }
    if text.len() > SNAPSHOT_BYTES_MAX {
        findings.push(format!(
            "{name}:1: {} bytes, at most {SNAPSHOT_BYTES_MAX}",
            text.len()
        ));
    }
    findings
}

/// Absolute paths of somebody's machine, in any text file.
pub(crate) fn check_machine_paths(root: &Path) -> Vec<String> {
    let mut findings = Vec::new();
    for path in files(root, &|_| true) {
        // What is not text has no words.
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        findings.extend(check_words(&name, &text));
    }
    findings
}

fn check_words(name: &str, text: &str) -> Vec<String> {
    // Put together here, so that this file does not contain them.
    let folders = ["work", "farm", "root", "Users"].map(|folder| format!("/{folder}/"));
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for folder in &folders {
            let starts_a_path =
                |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}".contains(c));
            if line
                .match_indices(folder.as_str())
                .any(|(at, _)| starts_a_path(at))
            {
                findings.push(format!("{name}:{}: a path of a machine: {folder}", index + 1));
            }
        }
    }
    findings
}

#[cfg(test)]
mod planted {
    use super::{check_snapshot, check_snapshots, check_words};

    #[test]
    fn a_long_snapshot_is_found() {
        assert!(check_snapshot("a.snap", &"line\n".repeat(120)).is_empty());
        assert_eq!(check_snapshot("a.snap", &"line\n".repeat(121)).len(), 1);
        assert_eq!(check_snapshot("a.snap", &"x".repeat(12 * 1024 + 1)).len(), 1);
    }

    #[test]
    fn a_snapshot_without_its_test_is_found() {
        let root = tests::temp_dir();
        let folder = root.path().join("snapshots/area");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(root.path().join("here.rs"), "").expect("a file");
        for (name, text) in [
            ("good.snap", "---\nsource: here.rs\n---\nx\n"),
            ("gone.snap", "---\nsource: gone.rs\n---\nx\n"),
            ("none.snap", "---\n---\nx\n"),
        ] {
            std::fs::write(folder.join(name), text).expect("a file");
        }
        assert_eq!(
            check_snapshots(root.path()),
            [
                "snapshots/area/gone.snap:1: its test gone.rs is gone",
                "snapshots/area/none.snap:1: no line `source:`",
            ]
        );
    }

    #[test]
    fn a_path_of_a_machine_is_found() {
        let path = format!("/{}/me/x", "work");
        assert_eq!(check_words("a.md", &format!("see {path}\n`{path}`")).len(), 2);
        assert!(check_words("a.md", &format!("at ..{path} or target{path}")).is_empty());
    }
}
