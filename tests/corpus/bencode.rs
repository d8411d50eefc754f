//! Bencode: what must be read, what must be refused, and that nothing kills the process.

use seedbed_engine::bencode::{self, Kind, Limits, Value};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use tests::corpus::{check_topic, same, unhex};

#[test]
fn bencode_cases() {
    check_topic("bencode", check);
}

fn check(case: &Json) -> Result<(), String> {
    let bytes = input(case);
    let class = case["class"].as_str().expect("class");
    let read = Value::parse(&bytes, &Limits::TORRENT);
    let strict = bencode::scan_strict(&bytes, &Limits::TORRENT);
    match class {
        // reading them without dying is all that is asked
        "deep" => Ok(()),
        "reject" => same("refused", read.is_err(), true),
        "out_of_range" => match read {
            Ok((value, _)) => same("value", json(value), case["value"].clone()),
            Err(_) => Ok(()),
        },
        "canonical" | "non_canonical" | "trailing" => {
            let (value, scan) = read.map_err(|error| error.to_string())?;
            same("strict", strict.is_ok(), class == "canonical")?;
            same("canonical", scan.is_canonical(), class != "non_canonical")?;
            same("trailing", scan.end < bytes.len(), class == "trailing")?;
            if case["value"].is_null() {
                return Ok(());
            }
            same("value", json(value), sorted(&case["value"]))
        }
        other => Err(format!("unknown class {other}")),
    }
}

fn input(case: &Json) -> Vec<u8> {
    let repeat = &case["repeat"];
    if repeat.is_null() {
        return unhex(&case["hex"]);
    }
    let part = |key: &str| {
        if repeat[key].is_null() {
            Vec::new()
        } else {
            unhex(&repeat[key])
        }
    };
    let count = repeat["count"].as_u64().expect("count") as usize;
    let ends = (part("prefix_hex").repeat(count), part("suffix_hex").repeat(count));
    [ends.0, part("middle_hex"), ends.1].concat()
}

fn hex(bytes: &[u8]) -> String {
    tests::corpus::hex(bytes)
}

/// A value in the corpus' form, dictionaries sorted and the last of equal keys kept. Shallow, so recursion is fine.
fn json(value: Value<'_>) -> Json {
    match value.kind() {
        Kind::Int(number) => json!(number),
        Kind::Bytes(bytes) => json!({ "hex": hex(bytes) }),
        Kind::List(items) => items.map(json).collect(),
        Kind::Dict(entries) => {
            let entries: BTreeMap<_, _> = entries.map(|(key, value)| (hex(key), json(value))).collect();
            json!({ "d": entries.into_iter().collect::<Vec<_>>() })
        }
    }
}

fn sorted(value: &Json) -> Json {
    let mut value = value.clone();
    if let Some(entries) = value.get_mut("d").and_then(Json::as_array_mut) {
        entries.sort_by_key(|entry| entry[0].as_str().expect("key").to_owned());
    }
    value
}
