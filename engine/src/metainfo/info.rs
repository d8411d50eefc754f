//! The info dictionary: what is downloaded, and its hash over the exact bytes (BEP 3, BEP 27, BEP 52).

use super::error::MetainfoError;
use super::fields::{Encoding, Fields, decode};
use super::files;
use super::lint::Lints;
use super::outer::Outer;
use super::path::clean;
use super::v2;
use crate::bencode::Value;
use crate::geometry::{Geometry, GeometryError};
use crate::id::{InfoHash, Sha1Digest};
use crate::layout::Layout;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// Keys that decide what is downloaded.
const DECISIVE: [&str; 8] = [
    "files",
    "length",
    "name",
    "piece length",
    "pieces",
    "private",
    "meta version",
    "file tree",
];

pub(super) struct Info {
    pub(super) info_hash: InfoHash,
    pub(super) info_hash_v2: Option<[u8; 32]>,
    pub(super) name: String,
    pub(super) piece_length: u32,
    pub(super) layout: Layout,
    pub(super) multi_file: bool,
    pub(super) private: bool,
    pub(super) source: Option<String>,
    pub(super) piece_hashes: Arc<[Sha1Digest]>,
}

impl Info {
    pub(super) fn read(
        value: Value<'_>,
        outer: &Outer<'_>,
        encoding: Encoding,
        lints: &mut Lints,
    ) -> Result<Self, MetainfoError> {
        let info = Fields::read(value).ok_or(MetainfoError::InfoNotADictionary)?;
        if let Some(key) = DECISIVE.into_iter().find(|key| info.has_twice(key)) {
            return Err(MetainfoError::DuplicateKey(key));
        }
        // BEP 52 wants the version checked before anything else
        let v2 = has_v2(&info, lints)?;
        let info_hash = InfoHash(Sha1::digest(value.raw()).into());
        let info_hash_v2: Option<[u8; 32]> = v2.then(|| Sha256::digest(value.raw()).into());
        if let Some(info_hash_v2) = info_hash_v2
            && info.get("pieces").is_none()
        {
            return Err(MetainfoError::V2Only { info_hash_v2 });
        }
        let piece_length = piece_length(&info, lints)?;
        let raw_name = info.utf8_first("name").unwrap_or_default();
        let name = name(raw_name, info_hash, encoding, lints);
        let (raw, multi_file) = files::read(&info, raw_name, lints)?;
        if v2 {
            v2::check_hybrid(&info, outer.piece_layers, &raw, piece_length)?;
        }
        let layout = files::lay_out(&raw, &name, multi_file, encoding, lints)?;
        let geometry = Geometry::new(layout.total(), u64::from(piece_length), 1)?;
        Ok(Self {
            info_hash,
            info_hash_v2,
            name,
            piece_length,
            layout,
            multi_file,
            private: private(&info, lints),
            source: info.text("source", encoding, lints),
            piece_hashes: piece_hashes(&info, geometry.pieces())?,
        })
    }
}

fn has_v2(info: &Fields<'_>, lints: &mut Lints) -> Result<bool, MetainfoError> {
    match info.get("meta version").map(Value::as_int) {
        Some(Some(2)) => Ok(true),
        Some(Some(version)) if version > 2 => Err(MetainfoError::MetaVersion(version)),
        None if info.get("file tree").is_some() => Err(MetainfoError::MissingMetaVersion),
        Some(_) => {
            lints.add(
                "meta-version",
                "`meta version` is not 2; the torrent is read as one of v1",
            );
            Ok(false)
        }
        None => Ok(false),
    }
}

fn piece_length(info: &Fields<'_>, lints: &mut Lints) -> Result<u32, MetainfoError> {
    let length = info.get("piece length").and_then(Value::as_int);
    let length = length.and_then(|length| u64::try_from(length).ok());
    let length = length.ok_or(MetainfoError::MissingPieceLength)?;
    let length = u32::try_from(length).map_err(|_| GeometryError::PieceLength(length))?;
    if !length.is_power_of_two() || length < 16 * 1024 {
        lints.add(
            "piece-length",
            format!("`piece length` is {length}, not a power of two of at least 16384"),
        );
    }
    Ok(length)
}

/// The name as a path element; the info-hash where nothing usable is there, as in libtorrent.
fn name(raw: &[u8], info_hash: InfoHash, encoding: Encoding, lints: &mut Lints) -> String {
    let cleaned = Some(raw).filter(|raw| !raw.is_empty());
    let Some(name) = cleaned.and_then(|raw| clean(raw, encoding)) else {
        lints.add(
            "name-missing",
            "there is no usable `name`; the info-hash stands for it",
        );
        return info_hash.to_string();
    };
    let (plain, exact) = decode(raw, encoding);
    if !exact {
        lints.add("name-not-utf8", "`name` is not UTF-8");
    }
    if plain != name {
        lints.add("name-renamed", format!("`name` became {name} to be safe"));
    }
    name
}

/// Exactly the integer 1 makes a torrent private (BEP 27).
fn private(info: &Fields<'_>, lints: &mut Lints) -> bool {
    let value = info.get("private").map(Value::as_int);
    if !matches!(value, None | Some(Some(0 | 1))) {
        lints.add(
            "private",
            "`private` is neither 0 nor 1, so the torrent is not private",
        );
    }
    value == Some(Some(1))
}

/// The hash of each piece.
fn piece_hashes(info: &Fields<'_>, expected: u32) -> Result<Arc<[Sha1Digest]>, MetainfoError> {
    let pieces = info.get("pieces").and_then(Value::as_bytes);
    let pieces = pieces.ok_or(MetainfoError::MissingPieces)?;
    let (hashes, rest) = pieces.as_chunks::<20>();
    if !rest.is_empty() {
        return Err(MetainfoError::PiecesLength(pieces.len()));
    }
    if hashes.len() != expected as usize {
        return Err(MetainfoError::PieceCount {
            got: hashes.len(),
            expected,
        });
    }
    Ok(hashes.into())
}
