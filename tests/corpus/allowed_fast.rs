//! The allowed-fast sets of BEP 6, made with its algorithm by a program that is not ours.

use seedbed_engine::extension::fast::allowed_fast_set;
use seedbed_engine::id::InfoHash;
use serde_json::Value;
use tests::corpus::{check_topic, same, unhex};

#[test]
fn allowed_fast_sets() {
    check_topic("allowed_fast", |case| {
        let ip = case["ip"].as_str().expect("ip").parse().expect("an IPv4 address");
        let hash = InfoHash(unhex(&case["info_hash"]).try_into().expect("20 bytes"));
        let number = |value: &Value| u32::try_from(value.as_u64().expect("a number")).expect("32 bits");
        let (pieces, count) = (number(&case["pieces"]), number(&case["k"]));
        let mut expected: Vec<u32> = case["set"].as_array().expect("set").iter().map(number).collect();
        let set = allowed_fast_set(ip, hash, pieces, count as usize);
        let mut set: Vec<u32> = set.iter().map(|piece| piece.0).collect();
        if case["compare"] == "as_set" {
            expected.sort_unstable();
            set.sort_unstable();
        }
        same("set", set, expected)
    });
}
