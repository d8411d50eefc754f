//! Tests of reading and writing torrents. Torrents are built from text here, so that a case shows what is in it.

mod create;
mod defects;
mod hybrid;
mod paths;
mod reading;

use super::*;
use alloc::vec;

/// 20 bytes a piece.
fn pieces(count: usize) -> Vec<u8> {
    [format!("{}:", count * 20).into_bytes(), vec![b'h'; count * 20]].concat()
}

/// A torrent of `outer` keys before `info`, and an `info` of `before`, the pieces, and `after`.
fn torrent(outer: &str, before: &str, count: usize, after: &str) -> Vec<u8> {
    let mut bytes = format!("d{outer}4:infod{before}6:pieces").into_bytes();
    bytes.extend(pieces(count));
    bytes.extend(after.bytes());
    bytes.extend(b"ee");
    bytes
}

/// A single file of 40,000 bytes in three pieces.
const SINGLE: &str = "6:lengthi40000e4:name5:a.txt12:piece lengthi16384e";

fn single(outer: &str, after: &str) -> Metainfo {
    Metainfo::parse(&torrent(outer, SINGLE, 3, after)).unwrap()
}

/// A folder `t` with the entries of `files`, which make one piece.
fn folder(files: &str) -> Result<Metainfo, MetainfoError> {
    let before = format!("5:filesl{files}e4:name1:t12:piece lengthi16384e");
    Metainfo::parse(&torrent("", &before, 1, ""))
}

fn codes(metainfo: &Metainfo) -> Vec<&'static str> {
    metainfo.lints.iter().map(|lint| lint.code).collect()
}
