//! Path elements that must not lead out of the output folder.

use seedbed_engine::metainfo::{ELEMENT_MAX, safe_path};
use serde_json::Value as Json;
use tests::corpus::{check_topic, same, unhex};

#[test]
fn path_cleaning_cases() {
    check_topic("path_cleaning", |case| {
        let parts: Vec<Vec<u8>> = case["parts_hex"]
            .as_array()
            .expect("parts")
            .iter()
            .map(unhex)
            .collect();
        let path = safe_path(parts.iter().map(Vec::as_slice));
        check_safe(&path)?;
        advice(case, &path)
    });
}

/// libtorrent's cleaned path is only advice. Ours is the same but where we say why.
fn advice(case: &Json, path: &str) -> Result<(), String> {
    let theirs = match case["id"].as_str().expect("id") {
        // the input of libtorrent's own test ends at the NUL
        "nul-first" => return same("NUL", path, "_foo"),
        // an overlong sequence is three stray bytes to a strict decoder
        "overlong3" => return same("overlong", path, "filename___"),
        // 250 bytes fit every file system, so nothing is cut
        "long255" => return same("length", path.len(), 250),
        _ => case["libtorrent_posix"].as_str(),
    };
    match theirs {
        None => Ok(()),
        Some("") => same("a path of nothing", path, "_"),
        Some(theirs) => same("libtorrent's path", path, theirs),
    }
}

/// The rule that every path keeps, whatever it was made from.
pub(crate) fn check_safe(path: &str) -> Result<(), String> {
    for part in path.split('/') {
        let bad = matches!(part, "" | "." | "..")
            || part.len() > ELEMENT_MAX
            || part.contains(|c: char| c == '\\' || c.is_control());
        if bad {
            return Err(format!("{part:?} is not safe"));
        }
    }
    Ok(())
}
