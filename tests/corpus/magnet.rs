//! Magnet links.

use seedbed_engine::magnet::Magnet;
use serde_json::{Value as Json, json};
use tests::corpus::{check_topic, hex, same};

#[test]
fn magnet_cases() {
    check_topic("magnet", check);
}

fn check(case: &Json) -> Result<(), String> {
    let read = Magnet::parse(case["uri"].as_str().expect("uri"));
    match case["expect"].as_str().expect("expect") {
        "reject" => same("refused", read.is_err(), true),
        "either" => Ok(()),
        "accept" => {
            let magnet = read.map_err(|error| error.to_string())?;
            compare(&magnet, &case["expected"])?;
            same("written and read", Magnet::parse(&magnet.to_string()), Ok(magnet))
        }
        other => Err(format!("unknown expectation {other}")),
    }
}

fn compare(magnet: &Magnet, expected: &Json) -> Result<(), String> {
    let v1 = magnet.info_hash.map(|hash| hash.to_string());
    same("v1", json!(v1), expected["v1"].clone())?;
    let v2 = magnet.info_hash_v2.map(|hash| hex(&hash));
    same("v2", json!(v2), expected["v2"].clone())?;
    let name = magnet.name.clone().unwrap_or_default();
    same("name", json!(name), expected["name"].clone())?;
    same("trackers", json!(magnet.trackers), expected["trackers"].clone())?;
    same(
        "web seeds",
        json!(magnet.web_seeds),
        expected["web_seeds"].clone(),
    )?;
    same("peers", json!(magnet.peers), expected["peers"].clone())?;
    same(
        "files",
        json!(priorities(magnet)),
        expected["file_priorities"].clone(),
    )
}

/// libtorrent's form: 4 a wanted file, 0 one that is not, up to the last that is wanted.
fn priorities(magnet: &Magnet) -> Vec<u8> {
    let wanted = magnet.select_only.iter().flatten();
    let mut priorities = Vec::new();
    for range in wanted {
        let end = *range.end() as usize + 1;
        priorities.resize(priorities.len().max(end), 0);
        priorities[*range.start() as usize..end].fill(4);
    }
    priorities
}
