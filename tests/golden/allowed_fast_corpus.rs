//! The allowed-fast sets of the corpus, made with BEP 6's algorithm by a program that is not ours.
//!
//! The corpus lies beside the project and is not part of it: where it is absent the test says so and passes, unless
//! `SEEDBED_REQUIRE_CORPUS=1`.

use seedbed_engine::extension::fast::allowed_fast_set;
use seedbed_engine::id::InfoHash;
use serde_json::Value;
use std::path::Path;

#[test]
fn allowed_fast_sets_of_the_corpus() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/vectors/allowed_fast.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        let required = std::env::var("SEEDBED_REQUIRE_CORPUS").is_ok_and(|value| value == "1");
        assert!(
            !required,
            "the corpus is required and {} cannot be read",
            path.display()
        );
        println!("skipped: {} is absent", path.display());
        return;
    };
    let topic: Value = serde_json::from_str(&text).expect("the corpus is JSON");
    let cases = topic["cases"].as_array().expect("cases");
    assert!(!cases.is_empty());
    for case in cases {
        let name = case["id"].as_str().expect("id");
        let ip = case["ip"].as_str().expect("ip").parse().expect("an IPv4 address");
        let hash = info_hash(case["info_hash"].as_str().expect("info_hash"));
        let number = |value: &Value| u32::try_from(value.as_u64().expect("a number")).expect("32 bits");
        let (pieces, count) = (number(&case["pieces"]), number(&case["k"]));
        let mut expected: Vec<u32> = case["set"].as_array().expect("set").iter().map(number).collect();
        let mut set: Vec<u32> = allowed_fast_set(ip, hash, pieces, count as usize)
            .iter()
            .map(|piece| piece.0)
            .collect();
        if case["compare"] == "as_set" {
            expected.sort_unstable();
            set.sort_unstable();
        }
        assert_eq!(set, expected, "{name}");
    }
}

fn info_hash(hex: &str) -> InfoHash {
    let mut bytes = [0; 20];
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[n * 2..n * 2 + 2], 16).expect("40 hexadecimal digits");
    }
    InfoHash(bytes)
}
