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

/// Lines of the sources that hold one of `words`, tests left out, but for files whose path ends in one of `allowed`.
fn found(words: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() > 20, "{files:?}");
    let mut lines = Vec::new();
    for file in files {
        if allowed.iter().any(|end| file.ends_with(end)) || file.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let comment = line.trim_start().starts_with("//");
            if !comment && words.iter().any(|word| line.contains(word)) {
                lines.push(format!("{}:{}: {line}", file.display(), number + 1));
            }
        }
    }
    lines
}

#[test]
fn sockets_are_made_in_one_place() {
    let words = [
        "Socket::new",
        "::bind(",
        "TcpStream::connect",
        "::connect(",
        "connect_timeout",
    ];
    // The tracker of the demonstration serves loopback only.
    let allowed = ["sockets.rs", "cli/demo/tracker.rs"];
    let lines: Vec<_> = found(&words, &allowed)
        .into_iter()
        .filter(|line| !line.contains("tls::connect("))
        .collect();
    assert!(lines.is_empty(), "{lines:#?}");
    let demo =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/demo/tracker.rs")).unwrap();
    let bound = demo.lines().filter(|line| line.contains("::bind("));
    assert!(
        bound.clone().all(|line| line.contains("Ipv4Addr::LOCALHOST")),
        "{:?}",
        bound.collect::<Vec<_>>()
    );
}

#[test]
fn nothing_runs_on_global_executors() {
    let lines = found(&["smol::spawn", "unblock(", "smol::Unblock"], &[]);
    assert!(lines.is_empty(), "{lines:#?}");
}
