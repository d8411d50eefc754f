//! Torrents of known content, written by us and by libtorrent.

use seedbed_engine::metainfo::{NewContent, NewTorrent};
use serde_json::Value as Json;
use sha1::{Digest, Sha1};
use tests::corpus::{check_topic, hex, same};

#[test]
fn hash_content_cases() {
    check_topic("hash_content", |case| {
        let number = |value: &Json| value.as_u64().expect("a number");
        let size = number(&case["content"]["size"]);
        let content = content(size, number(&case["content"]["seed"]));
        let piece_length = u32::try_from(number(&case["piece_length"])).expect("32 bits");
        let pieces = content.chunks(piece_length as usize);
        let pieces = pieces.map(|piece| Sha1::digest(piece).into()).collect();
        let name = case["name"].as_str().expect("name");
        let torrent = NewTorrent {
            trackers: vec![vec!["http://127.0.0.1/announce".into()]],
            ..NewTorrent::new(name, NewContent::Single { length: size }, piece_length, pieces)
        };
        let expected: Vec<&str> = case["v1_pieces"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        let ours: Vec<String> = torrent.pieces.iter().map(|piece| hex(piece)).collect();
        if !expected.is_empty() {
            same("pieces", ours, expected)?;
        }
        let created = torrent.create().map_err(|error| error.to_string())?;
        let info_hash = created.metainfo.info_hash.to_string();
        same(
            "info-hash",
            info_hash.as_str(),
            case["v1_info_hash"].as_str().expect("v1_info_hash"),
        )
    });
}

/// The corpus' content: byte j is (j*31 + (j>>8)*7 + (j>>16)*13 + seed) mod 256.
fn content(size: u64, seed: u64) -> Vec<u8> {
    (0..size)
        .map(|j| ((j * 31 + (j >> 8) * 7 + (j >> 16) * 13 + seed) % 256) as u8)
        .collect()
}
