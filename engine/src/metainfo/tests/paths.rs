//! Paths: safe, unique, the same on every machine.

use super::*;
use crate::metainfo::fields::Encoding;
use crate::metainfo::path::{Names, clean};
use alloc::collections::BTreeSet;
use quickcheck::{Gen, QuickCheck};

#[test]
fn an_element_is_made_safe() {
    let check = |element: &str, safe: Option<&str>| {
        assert_eq!(
            clean(element.as_bytes(), Encoding::Utf8).as_deref(),
            safe,
            "{element:?}"
        );
    };
    check("a.txt", Some("a.txt"));
    check("..", None);
    check("./.", None);
    check("\\/", None);
    check("", Some("_"));
    check("a\0b\x1b[2J\x7f\u{9f}", Some("a_b_[2J__"));
    check("a\u{202e}txt.exe", Some("atxt.exe"));
    check("a\u{2028}b", Some("a_b"));
    // Persian and emoji need the joiners
    check("a\u{200d}b\u{200c}c", Some("a\u{200d}b\u{200c}c"));
    check("C:\\Windows", Some("C:Windows"));
    check("...", Some("..."));
}

#[test]
fn device_names_of_windows_are_avoided() {
    for device in [
        "CON", "con.txt", "aux .c", "Nul", "COM1", "com¹.x", "lpt9", "CONIN$", "clock$",
    ] {
        let safe = clean(device.as_bytes(), Encoding::Utf8).unwrap();
        assert_eq!(safe, format!("_{device}"));
    }
    for plain in ["console", "com", "com10", "coma", "icon", "nul_", "lpt"] {
        assert_eq!(clean(plain.as_bytes(), Encoding::Utf8).as_deref(), Some(plain));
    }
}

#[test]
fn a_long_element_is_cut_and_keeps_its_extension() {
    let check = |element: String, safe: String| {
        assert_eq!(clean(element.as_bytes(), Encoding::Utf8), Some(safe));
    };
    check("x".repeat(255), "x".repeat(255));
    check("x".repeat(256), "x".repeat(240));
    check(
        format!("{}.torrent", "x".repeat(300)),
        format!("{}.torrent", "x".repeat(240)),
    );
    // what follows the dot is too long for an extension
    check(format!("{}.{}", "x".repeat(300), "y".repeat(20)), "x".repeat(240));
    check(
        format!("{}.mkv", "é".repeat(200)),
        format!("{}.mkv", "é".repeat(120)),
    );
}

/// The layout's paths for files below the folder `t`, elements separated by `/`.
fn placed(paths: &[&str]) -> Vec<String> {
    let entry = |path: &&str| {
        let elements: String = path
            .split('/')
            .map(|part| format!("{}:{part}", part.len()))
            .collect();
        format!("d6:lengthi1e4:pathl{elements}ee")
    };
    let files: String = paths.iter().map(entry).collect();
    let torrent = folder(&files).unwrap();
    torrent
        .layout
        .files()
        .iter()
        .map(|file| file.path.clone())
        .collect()
}

#[test]
fn no_two_files_share_a_path() {
    let check = |paths: &[&str], safe: &[&str]| assert_eq!(placed(paths), safe);
    check(&["a.x", "a.x", "a.x"], &["t/a.x", "t/a.1.x", "t/a.2.x"]);
    check(&["a.1.x", "a.x", "a.x"], &["t/a.1.x", "t/a.x", "t/a.2.x"]);
    check(&["A.X", "a.x"], &["t/A.X", "t/a.1.x"]);
    check(&[".x", ".x"], &["t/.x", "t/.x.1"]);
    check(&["straße", "STRASSE"], &["t/straße", "t/STRASSE.1"]);
    // one letter, or a letter and an accent
    check(&["caf\u{e9}", "cafe\u{301}"], &["t/caf\u{e9}", "t/cafe\u{301}.1"]);
    check(&["D/f", "d/F"], &["t/D/f", "t/d/F.1"]);
    check(&["..", "."], &["t/_", "t/_.1"]);
    // one name in several folders is no copy
    let folders = ["a/x", "b/x", "a/b/x", "b/a/x", "x"];
    check(
        &folders,
        &folders
            .map(|path| format!("t/{path}"))
            .each_ref()
            .map(String::as_str),
    );
    check(&["../../x", "x"], &["t/x", "t/x.1"]);
}

#[test]
fn a_file_gives_way_to_a_folder_of_its_name() {
    assert_eq!(placed(&["a", "A/b"]), ["t/a.1", "t/A/b"]);
    assert_eq!(placed(&["a/b", "a"]), ["t/a/b", "t/a.1"]);
}

#[test]
fn a_renamed_file_is_told() {
    let torrent = folder("d6:lengthi1e4:pathl2:..1:xeed6:lengthi1e4:pathl1:yee").unwrap();
    assert_eq!(codes(&torrent), ["path-renamed"]);
    assert!(torrent.lints[0].text.starts_with("1 files"));
}

#[test]
fn a_path_that_is_not_utf8_is_told() {
    let files = "5:filesld6:lengthi1e4:pathl1:?eee";
    let before = format!("{files}4:name1:t12:piece lengthi16384e");
    let mut bytes = torrent("", &before, 1, "");
    let at = bytes.iter().position(|byte| *byte == b'?').unwrap();
    bytes[at] = 0xff;
    let torrent = Metainfo::parse(&bytes).unwrap();
    assert_eq!(codes(&torrent), ["path-not-utf8"]);
    assert!(torrent.lints[0].text.starts_with("1 path elements"));
}

#[test]
fn the_utf8_path_is_preferred() {
    let torrent = folder("d6:lengthi1e4:pathl1:ae10:path.utf-8l2:éee").unwrap();
    assert_eq!(torrent.layout.files()[0].path, "t/é");
}

#[test]
fn a_number_fits_into_the_longest_name() {
    let name = "x".repeat(255);
    let mut names = Names::new();
    assert_eq!(names.take_file(core::slice::from_ref(&name)), name);
    let second = names.take_file(&[name]);
    assert_eq!(second, format!("{}.1", "x".repeat(253)));
}

#[test]
fn twenty_thousand_equal_names_are_no_quadratic_work() {
    let mut names = Names::new();
    let path = ["same.bin".into()];
    let last = (0..20_000).map(|_| names.take_file(&path)).last();
    assert_eq!(last.as_deref(), Some("same.19999.bin"));
}

#[test]
fn any_elements_make_safe_and_unique_paths() {
    fn property(files: Vec<Vec<String>>, picks: Vec<u8>) -> bool {
        const PARTS: [&str; 10] = ["a", "A", "..", "a.1", "", "/", "con", "\u{202e}", "é", "a.1.1"];
        let part = |pick: &u8| String::from(PARTS[usize::from(*pick) % PARTS.len()]);
        let mut paths: Vec<Vec<String>> = picks
            .chunks(2)
            .map(|pair| pair.iter().map(part).collect())
            .collect();
        paths.extend(files);
        let mut names = Names::new();
        let clean = |path: &Vec<String>| -> Vec<String> {
            let mut safe: Vec<String> = path
                .iter()
                .filter_map(|part| clean(part.as_bytes(), Encoding::Utf8))
                .collect();
            safe.insert(0, "t".into());
            safe
        };
        let paths: Vec<_> = paths.iter().map(clean).filter(|path| path.len() > 1).collect();
        for path in &paths {
            names.take_folders(path);
        }
        let mut seen = BTreeSet::new();
        let good = |part: &str| {
            !matches!(part, "" | "." | "..")
                && part.len() <= ELEMENT_MAX
                && !part.chars().any(|c| c.is_control() || "/\\\u{202e}".contains(c))
        };
        paths.iter().all(|path| {
            let path = names.take_file(path);
            path.split('/').all(good) && seen.insert(path.to_lowercase())
        })
    }
    QuickCheck::new()
        .rng(Gen::from_size_and_seed(16, 17))
        .tests(1_000)
        .quickcheck(property as fn(Vec<Vec<String>>, Vec<u8>) -> bool);
}
