//! What every test target shares: where snapshots go, bytes to transfer, folders to write into.

pub mod corpus;
pub mod hostile;
pub mod parallel;
pub mod world;

use std::path::{Path, PathBuf};

/// The root of the project, as an absolute path.
#[must_use]
pub fn project_root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("the tests package lies one folder below the root")
        .to_path_buf()
}

/// Where the snapshots of `area` are kept: `snapshots/<area>` at the root.
///
/// A snapshot file is named as the test names it and nothing more, so that it is found by its name:
///
/// ```
/// tests::snapshot_settings("example").bind(|| {
///     // insta::assert_snapshot!("lossy-tracker", trace);
/// });
/// ```
#[must_use]
pub fn snapshot_settings(area: &str) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    // An absolute path replaces the one beside the source file. insta would turn a slash in the snapshot's
    // name into `__`, so the area is part of the path.
    settings.set_snapshot_path(project_root().join("snapshots").join(area));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

/// `length` bytes that depend on `seed` alone, never repeat within a torrent and do not compress:
/// a block that lands in the wrong place, or a hole, cannot pass for the right data.
#[must_use]
pub fn payload(seed: u64, length: usize) -> Vec<u8> {
    // SplitMix64 (Steele, Lea, Flood 2014), kept apart from the engine's own generator on purpose.
    let mut state = seed;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A number that whoever runs the tests has set in the environment.
#[must_use]
pub fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// A folder of its own, removed with all it holds when the value is dropped.
#[must_use]
pub fn temp_dir() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("seedbed-test-")
        .tempdir()
        .expect("the temporary folder is writable")
}

#[cfg(test)]
mod tests {
    use super::payload;

    #[test]
    fn payload_depends_on_seed_and_length_alone() {
        assert_eq!(payload(7, 100), payload(7, 100));
        assert_eq!(payload(7, 100)[..33], payload(7, 33)[..]);
        assert_ne!(payload(7, 100), payload(8, 100));
        assert!(payload(7, 0).is_empty());
    }

    #[test]
    fn payload_is_pinned() {
        // The first output of SplitMix64 for seed 0, as published with the reference code.
        assert_eq!(payload(0, 8), 0xe220_a839_7b1d_cdaf_u64.to_le_bytes());
    }
}
