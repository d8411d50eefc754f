//! Real and hostile .torrent files, with what three released clients made of them.

use crate::paths::check_safe;
use seedbed_engine::id::PieceIndex;
use seedbed_engine::metainfo::{Metainfo, MetainfoError};
use serde_json::{Value as Json, json};
use sha1::{Digest, Sha1};
use std::collections::BTreeSet;
use std::path::Path;
use tests::corpus::{Score, hex, json, root, same};

#[test]
fn torrent_files() {
    let (Some(root), Some(oracle)) = (root(), json("torrents/oracle.json")) else {
        return;
    };
    let root = root.join("torrents");
    let mut score = Score::new("torrents");
    for (name, case) in oracle["torrents"].as_object().expect("torrents") {
        let bytes = std::fs::read(root.join("files").join(name)).expect("the file is there");
        score.count(name, check(&bytes, case, &root));
    }
    score.finish();
}

fn check(bytes: &[u8], case: &Json, root: &Path) -> Result<(), String> {
    let read = Metainfo::parse(bytes);
    let expect = case["expect"].as_str().expect("expect");
    if expect == "reject" {
        return same("refused", read.is_err(), true);
    }
    let v2_only = case["kind"] == "v2-only";
    let metainfo = match read {
        Ok(metainfo) => metainfo,
        Err(MetainfoError::V2Only { info_hash_v2 }) if v2_only => {
            let expected = case["raw"]["info_sha256"].as_str();
            return same("v2 info-hash", Some(hex(&info_hash_v2).as_str()), expected);
        }
        Err(_) if expect == "either" => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let hash = metainfo.info_hash.to_string();
    same(
        "info-hash",
        Some(hash.as_str()),
        case["raw"]["info_sha1"].as_str(),
    )?;
    let hash = metainfo.info_hash_v2.map(|hash| hex(&hash));
    let expected = (case["kind"] == "hybrid").then(|| case["raw"]["info_sha256"].as_str());
    same("v2 info-hash", hash.as_deref(), expected.flatten())?;
    all_safe(&metainfo)?;
    let theirs = &case["libtorrent_2_0_8"];
    if theirs["verdict"] == "accept" {
        numbers(&metainfo, theirs)?;
        surroundings(&metainfo, theirs)?;
        files(&metainfo, theirs, case["paths"] == "exact")?;
    }
    case["payload"]
        .as_str()
        .map_or(Ok(()), |payload| pieces_match(&metainfo, &root.join(payload)))
}

/// Every path stays inside, and no two are the same where letter case is ignored.
fn all_safe(metainfo: &Metainfo) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for (_, file) in metainfo.layout.data_files() {
        check_safe(&file.path)?;
        same(&file.path, seen.insert(file.path.to_lowercase()), true)?;
    }
    Ok(())
}

fn numbers(metainfo: &Metainfo, theirs: &Json) -> Result<(), String> {
    let equal = |key: &str, ours: Json| same(key, ours, theirs[key].clone());
    equal("piece_length", json!(metainfo.piece_length))?;
    equal("num_pieces", json!(metainfo.pieces()))?;
    equal("total_size", json!(metainfo.total_length))?;
    equal("private", json!(metainfo.private))?;
    let hash = |piece: u32| metainfo.piece_hash(PieceIndex(piece)).map(|hash| hex(&hash));
    equal("first_piece_hash_v1", json!(hash(0)))?;
    equal("last_piece_hash_v1", json!(hash(metainfo.pieces() - 1)))
}

fn surroundings(metainfo: &Metainfo, theirs: &Json) -> Result<(), String> {
    let equal = |key: &str, ours: Json| same(key, ours, theirs[key].clone());
    let text = |text: &Option<String>| json!(text.clone().unwrap_or_default());
    equal("comment", text(&metainfo.comment))?;
    equal("created_by", text(&metainfo.created_by))?;
    equal("creation_date", json!(metainfo.creation_date))?;
    equal("nodes", json!(metainfo.nodes))?;
    // libtorrent shuffles within a tier, and lists both kinds of web seeds together
    let tiers = metainfo.trackers.iter().enumerate();
    let ours: BTreeSet<_> = tiers
        .flat_map(|(tier, urls)| urls.iter().map(move |url| (tier as u64, url.as_str())))
        .collect();
    let entries = theirs["trackers"].as_array().into_iter().flatten();
    let expected = entries.filter_map(|entry| Some((entry["tier"].as_u64()?, entry["url"].as_str()?)));
    same("trackers", ours, expected.collect::<BTreeSet<_>>())?;
    let seeds = metainfo.web_seeds.iter().chain(&metainfo.http_seeds);
    let expected = theirs["web_seeds"].as_array().into_iter().flatten();
    same(
        "web_seeds",
        seeds.map(String::as_str).collect::<BTreeSet<_>>(),
        expected.filter_map(Json::as_str).collect::<BTreeSet<_>>(),
    )
}

/// Long lists are cut in the oracle; pad files are left out, since clients name them differently.
fn files(metainfo: &Metainfo, theirs: &Json, exact: bool) -> Result<(), String> {
    let list = theirs["files"].as_array().expect("files");
    let is_pad = |file: &&Json| {
        file["flags"]
            .as_array()
            .is_some_and(|flags| flags.contains(&json!("pad")))
    };
    let expected: Vec<&Json> = list.iter().filter(|file| !is_pad(file)).collect();
    let ours: Vec<_> = metainfo.layout.data_files().map(|(_, file)| file).collect();
    if theirs["files_truncated_to"].is_null() {
        same("number of files", ours.len(), expected.len())?;
    }
    for (ours, expected) in ours.iter().zip(expected) {
        same(&ours.path, Some(ours.length), expected["size"].as_u64())?;
        same(&ours.path, Some(ours.offset), expected["offset"].as_u64())?;
        if exact {
            same("path", Some(ours.path.as_str()), expected["path"].as_str())?;
        }
    }
    Ok(())
}

/// The content that came with the torrent has the torrent's hashes.
fn pieces_match(metainfo: &Metainfo, payload: &Path) -> Result<(), String> {
    let mut content = Vec::new();
    let above = payload.parent().expect("a folder");
    for file in metainfo.layout.files() {
        let path = above.join(&file.path);
        if file.pad {
            content.resize(
                content.len() + usize::try_from(file.length).expect("a small file"),
                0,
            );
        } else {
            content.extend(std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?);
        }
    }
    same("length", content.len() as u64, metainfo.total_length)?;
    for (n, piece) in content.chunks(metainfo.piece_length as usize).enumerate() {
        let index = PieceIndex(u32::try_from(n).expect("few pieces"));
        let hash: [u8; 20] = Sha1::digest(piece).into();
        same("hash of a piece", metainfo.piece_hash(index), Some(hash))?;
    }
    Ok(())
}
