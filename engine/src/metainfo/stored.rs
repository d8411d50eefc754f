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

/// The same in the state of a torrent whose metadata may not be known yet.
pub(crate) mod or_placeholder {
    use super::super::Metainfo;
    use crate::id::InfoHash;
    use alloc::string::String;
    use alloc::sync::Arc;
    use alloc::vec::Vec;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    enum Kept {
        Known(#[serde(with = "super")] Arc<Metainfo>),
        Unknown {
            info_hash: InfoHash,
            info_hash_v2: Option<[u8; 32]>,
            name: String,
            trackers: Vec<Vec<String>>,
            web_seeds: Vec<String>,
        },
    }

    /// Writes what the engine looks at.
    pub(crate) fn serialize<S: Serializer>(
        metainfo: &Arc<Metainfo>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let kept = if metainfo.info_bytes.is_empty() {
            Kept::Unknown {
                info_hash: metainfo.info_hash,
                info_hash_v2: metainfo.info_hash_v2,
                name: metainfo.name.clone(),
                trackers: metainfo.trackers.clone(),
                web_seeds: metainfo.web_seeds.clone(),
            }
        } else {
            Kept::Known(Arc::clone(metainfo))
        };
        kept.serialize(serializer)
    }

    /// Reads it again.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Metainfo>, D::Error> {
        Ok(match Kept::deserialize(deserializer)? {
            Kept::Known(metainfo) => metainfo,
            Kept::Unknown {
                info_hash,
                info_hash_v2,
                name,
                trackers,
                web_seeds,
            } => Arc::new(Metainfo::placeholder(
                info_hash,
                info_hash_v2,
                name,
                trackers,
                web_seeds,
            )),
        })
    }
}
