//! `info --json` and `verify` on .torrent files that others published, held against the oracle of the corpus.
//!
//! The corpus lies beside the project, in `../shared/corpus` or where `SEEDBED_CORPUS` says. Where it is absent the
//! test says so and passes, unless `SEEDBED_REQUIRE_CORPUS=1`. What the fields mean is held by `tests/corpus`; here it
//! is the program that is asked.

mod support;

use serde_json::Value;
use std::path::{Path, PathBuf};
use support::Sandbox;

fn corpus() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let root = std::env::var_os("SEEDBED_CORPUS").map_or_else(beside, PathBuf::from);
    if root.is_dir() {
        return Some(root.join("torrents"));
    }
    assert!(
        std::env::var("SEEDBED_REQUIRE_CORPUS").as_deref() != Ok("1"),
        "no corpus at {}",
        root.display()
    );
    println!("skipped: the corpus is absent at {}", root.display());
    None
}

fn oracle(root: &Path) -> serde_json::Map<String, Value> {
    let text = std::fs::read(root.join("oracle.json")).expect("the oracle is there");
    let oracle: Value = serde_json::from_slice(&text).expect("it is JSON");
    oracle["torrents"].as_object().expect("an entry a file").clone()
}

/// Runs the program with a path that may hold anything.
fn run(sandbox: &Sandbox, before: &[&str], path: &Path, after: &[&str]) -> (Option<i32>, Value, String) {
    let output = sandbox
        .command("")
        .args(before)
        .arg(path)
        .args(after)
        .output()
        .expect("it runs");
    let out = String::from_utf8(output.stdout).expect("text");
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    let json = serde_json::from_str(out.trim()).unwrap_or(Value::Null);
    (output.status.code(), json, err)
}

fn check_info(name: &str, case: &Value, path: &Path, sandbox: &Sandbox) -> Result<(), String> {
    let (code, info, _) = run(sandbox, &["info", "--json"], path, &[]);
    let refused = code == Some(3) && info["error"]["code"] == "input";
    let taken = code == Some(0);
    if !refused && !taken {
        return Err(format!("{name}: exit code {code:?}, {info}"));
    }
    let v2_only = case["kind"] == "v2-only";
    match case["expect"].as_str() {
        Some("reject") if taken => return Err(format!("{name}: taken")),
        Some("accept") if refused && v2_only => {
            let text = info["error"]["text"].as_str().unwrap_or_default();
            return if text.contains("v2") {
                Ok(())
            } else {
                Err(format!("{name}: {text}"))
            };
        }
        Some("accept") if refused => return Err(format!("{name}: refused, {info}")),
        _ if refused => return Ok(()),
        _ => {}
    }
    if info["info_hash_v1"] != case["raw"]["info_sha1"] {
        return Err(format!("{name}: info hash {}", info["info_hash_v1"]));
    }
    let theirs = &case["libtorrent_2_0_8"];
    if theirs["verdict"] != "accept" {
        return Ok(());
    }
    let equal = [
        ("piece_length", "piece_length"),
        ("piece_count", "num_pieces"),
        ("total_length", "total_size"),
        ("private", "private"),
    ];
    for (ours, libtorrent) in equal {
        if info[ours] != theirs[libtorrent] {
            return Err(format!(
                "{name}: {ours} is {}, not {}",
                info[ours], theirs[libtorrent]
            ));
        }
    }
    let is_pad = |flags: &Value| {
        flags
            .as_array()
            .is_some_and(|flags| flags.iter().any(|flag| flag == "pad"))
    };
    let ours = info["files"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|file| file["pad"] == false);
    let expected = theirs["files"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|file| !is_pad(&file["flags"]));
    for (ours, expected) in ours.zip(expected) {
        if ours["length"] != expected["size"]
            || (case["paths"] == "exact" && ours["path"] != expected["path"])
        {
            return Err(format!("{name}: {ours} is not {expected}"));
        }
    }
    Ok(())
}

#[test]
fn info_agrees_with_the_oracle_on_every_file() {
    let Some(root) = corpus() else { return };
    let sandbox = Sandbox::new();
    let oracle = oracle(&root);
    let wrong: Vec<String> = oracle
        .iter()
        .filter_map(|(name, case)| check_info(name, case, &root.join("files").join(name), &sandbox).err())
        .collect();
    println!("info --json: {} / {}", oracle.len() - wrong.len(), oracle.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn verify_finds_every_payload_complete() {
    let Some(root) = corpus() else { return };
    let sandbox = Sandbox::new();
    let oracle = oracle(&root);
    let with_payload: Vec<_> = oracle
        .iter()
        .filter(|(_, case)| case["payload"].is_string())
        .collect();
    assert!(!with_payload.is_empty());
    for (name, _) in with_payload {
        let data = root.join("payload");
        let data = data.to_str().expect("a plain path");
        let path = root.join("files").join(name);
        let (code, found, err) = run(&sandbox, &["verify", "--json"], &path, &["-d", data]);
        assert_eq!(
            (code, &found["complete"]),
            (Some(0), &Value::Bool(true)),
            "{name}: {found} {err}"
        );
    }
}
