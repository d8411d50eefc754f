//! A torrent within a recording: the exact info dictionary and what the outer file said, read again by the parser, so
//! that nothing is believed of a recording that is not believed of a .torrent file.

use super::Metainfo;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_bytes::{ByteBuf, Bytes};

#[derive(Serialize)]
struct Written<'a> {
    info: &'a Bytes,
    name: &'a str,
    trackers: &'a [Vec<String>],
    web_seeds: &'a [String],
    http_seeds: &'a [String],
    nodes: &'a [(String, u16)],
}

#[derive(Deserialize)]
struct Read {
    info: ByteBuf,
    /// The outer file may say in which encoding the name is written.
    name: String,
    trackers: Vec<Vec<String>>,
    web_seeds: Vec<String>,
    http_seeds: Vec<String>,
    nodes: Vec<(String, u16)>,
}

/// Writes what the engine looks at.
pub(crate) fn serialize<S: Serializer>(metainfo: &Arc<Metainfo>, serializer: S) -> Result<S::Ok, S::Error> {
    Written {
        info: Bytes::new(&metainfo.info_bytes),
        name: &metainfo.name,
        trackers: &metainfo.trackers,
        web_seeds: &metainfo.web_seeds,
        http_seeds: &metainfo.http_seeds,
        nodes: &metainfo.nodes,
    }
    .serialize(serializer)
}

/// Reads it again. Comments, dates and lints are gone.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Metainfo>, D::Error> {
    let read = Read::deserialize(deserializer)?;
    let metainfo = Metainfo::from_info(&read.info, read.trackers).map_err(D::Error::custom)?;
    Ok(Arc::new(Metainfo {
        name: read.name,
        web_seeds: read.web_seeds,
        http_seeds: read.http_seeds,
        nodes: read.nodes,
        ..metainfo
    }))
}
