//! The v2 side of a hybrid torrent (BEP 52): its tree must say the same as the v1 list, and its hashes must fit.
//!
//! Nothing is loaded from here. A hybrid whose two sides differ would be two torrents under one name, so it is
//! refused. The tree is walked with a stack of its own, never by recursion.

use super::error::MetainfoError;
use super::fields::Fields;
use super::files::{Attributes, RawFile, file_length};
use crate::bencode::{DictIter, Value};
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use sha2::{Digest, Sha256};

/// Length of a leaf of the hash trees, and the least `piece length` (BEP 52).
const LEAF: u32 = 16 * 1024;

/// A SHA-256 digest.
type Hash = [u8; 32];

/// A file of the tree.
#[derive(Clone, PartialEq, Eq, Debug)]
struct TreeFile<'a> {
    path: Vec<&'a [u8]>,
    length: u64,
    /// `None` only for an empty file.
    root: Option<Hash>,
}

/// Refuses a `piece length` that v2 does not allow.
pub(super) const fn check_piece_length(piece_length: u32) -> Result<(), MetainfoError> {
    if piece_length >= LEAF && piece_length.is_power_of_two() {
        Ok(())
    } else {
        Err(MetainfoError::V2PieceLength(piece_length))
    }
}

/// Compares the v2 tree in `info`, and the `piece layers` beside it if they came, with the v1 files.
///
/// # Errors
/// Says in what they differ, or what of v2 is malformed.
pub(super) fn check_hybrid(
    info: &Fields<'_>,
    layers: Option<Value<'_>>,
    v1: &[RawFile<'_>],
    piece_length: u32,
) -> Result<(), MetainfoError> {
    check_piece_length(piece_length)?;
    let tree = info
        .get("file tree")
        .ok_or(MetainfoError::V2Tree("it is missing"))?;
    let v2 = read_tree(tree)?;
    compare(v1, &v2, piece_length)?;
    layers.map_or(Ok(()), |layers| check_layers(layers, &v2, piece_length))
}

/// A folder whose entries are being read.
struct Open<'a> {
    entries: DictIter<'a>,
    /// Length of its path, to go back to when it ends.
    depth: usize,
}

fn read_tree(tree: Value<'_>) -> Result<Vec<TreeFile<'_>>, MetainfoError> {
    let malformed = MetainfoError::V2Tree;
    let entries = tree.as_dict().ok_or(malformed("it is not a dictionary"))?;
    let mut path: Vec<&[u8]> = Vec::new();
    let mut files = Vec::new();
    let mut open = vec![Open { entries, depth: 0 }];
    while let Some(folder) = open.last_mut() {
        path.truncate(folder.depth);
        let Some((name, value)) = folder.entries.next() else {
            open.pop();
            continue;
        };
        if name.is_empty() {
            return Err(malformed("an entry has no name"));
        }
        path.push(name);
        let mut entries = value.as_dict().ok_or(malformed("an entry is not a dictionary"))?;
        match entries.clone().next() {
            // the empty name sorts first, and a file has nothing beside it
            Some((b"", file)) => {
                entries.next();
                if entries.next().is_some() {
                    return Err(malformed("an entry is a file and a folder"));
                }
                files.push(read_file(&path, file)?);
            }
            Some(_) => open.push(Open {
                entries,
                depth: path.len(),
            }),
            None => return Err(malformed("a folder is empty")),
        }
    }
    Ok(files)
}

fn read_file<'a>(path: &[&'a [u8]], file: Value<'a>) -> Result<TreeFile<'a>, MetainfoError> {
    let malformed = MetainfoError::V2Tree;
    if file.as_dict().is_none() {
        return Err(malformed("a file is not a dictionary"));
    }
    let attributes = Attributes::of(file);
    if attributes.pad {
        return Err(malformed("it has a pad file"));
    }
    let length =
        file_length(file, attributes).ok_or(malformed("a length is not an integer of at least 0"))?;
    let root = file.dict_get(b"pieces root").and_then(Value::as_bytes);
    let root = root.and_then(|root| Hash::try_from(root).ok());
    if length > 0 && root.is_none_or(|root| root == [0; 32]) {
        return Err(malformed("a file has no `pieces root` of 32 bytes"));
    }
    Ok(TreeFile {
        path: path.to_vec(),
        length,
        root: root.filter(|_| length > 0),
    })
}

/// A single file's tree has the torrent's name as its only entry, just as the v1 side's path here.
fn compare(v1: &[RawFile<'_>], v2: &[TreeFile<'_>], piece_length: u32) -> Result<(), MetainfoError> {
    let differ = MetainfoError::V2Mismatch;
    let mut tree = v2.iter();
    let mut offset = 0u64;
    for file in v1 {
        if !file.pad {
            let twin = tree.next().ok_or(differ("v1 has more files"))?;
            if twin.path != file.path {
                return Err(differ("a path is not the same"));
            }
            if twin.length != file.length {
                return Err(differ("a length is not the same"));
            }
            if file.length > 0 && !offset.is_multiple_of(u64::from(piece_length)) {
                return Err(differ("a v1 file does not begin with a piece"));
            }
        }
        offset = offset.saturating_add(file.length);
    }
    match tree.next() {
        Some(_) => Err(differ("v2 has more files")),
        None => Ok(()),
    }
}

fn check_layers(layers: Value<'_>, files: &[TreeFile<'_>], piece_length: u32) -> Result<(), MetainfoError> {
    let malformed = MetainfoError::V2Layers;
    // several files of the same content share a layer
    let mut wanted: BTreeMap<&[u8], u64> = BTreeMap::new();
    for file in files.iter().filter(|file| file.length > u64::from(piece_length)) {
        if let Some(root) = &file.root {
            wanted.insert(root.as_slice(), file.length.div_ceil(u64::from(piece_length)));
        }
    }
    let entries = layers.as_dict().ok_or(malformed("they are not a dictionary"))?;
    for (root, layer) in entries {
        let pieces = wanted.get(root).ok_or(malformed("a layer belongs to no file"))?;
        let layer = layer.as_bytes().ok_or(malformed("a layer is not a string"))?;
        let (hashes, rest) = layer.as_chunks::<32>();
        if !rest.is_empty() || hashes.len() as u64 != *pieces {
            return Err(malformed("a layer does not have 32 bytes a piece"));
        }
        if layer_root(hashes, piece_length)[..] != *root {
            return Err(malformed("a layer does not hash to its file's `pieces root`"));
        }
    }
    Ok(())
}

/// The root above a file's piece layer. What is missing to a power of two counts as leaves of zeros, so its hash is
/// that of an all-zero subtree of a piece's height.
fn layer_root(hashes: &[Hash], piece_length: u32) -> Hash {
    let mut missing = [0; 32];
    for _ in 0..(piece_length / LEAF).ilog2() {
        missing = parent(&missing, &missing);
    }
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => parent(left, right),
                [left, ..] => parent(left, &missing),
                [] => missing,
            })
            .collect();
        missing = parent(&missing, &missing);
    }
    row.first().copied().unwrap_or(missing)
}

fn parent(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}
