//! Bad .torrent files, as mutations of a good one, and what a reader has to make of them (BEP 3).
//!
//! A mutation is data: a [`Use`] out of [`BEHAVIOURS`]. [`check`] mutates, reads with the engine and compares with the
//! [`Verdict`]. Whatever is accepted keeps the identity of its bytes: the info-hash is over `info` as it was written.

mod hybrid;
mod list;
mod mutate;
#[cfg(test)]
mod tests;
mod tree;

pub use list::BEHAVIOURS;
pub use mutate::mutate;

use crate::marks::Marks;
use crate::scenario::Use;
use seedbed_engine::magnet::Magnet;
use seedbed_engine::metainfo::{Metainfo, MetainfoError};
use seedbed_engine::rng::Rng;
use sha1::{Digest, Sha1};
use std::collections::BTreeSet;

/// Longest path element that file systems take.
const ELEMENT_MAX: usize = 255;

/// What a reader has to make of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Read, with the info-hash of the bytes as they are and safe paths.
    Accepted,
    /// Refused for one of these reasons.
    Refused(&'static [Defect]),
}

/// Why a file is refused, as far as a user cares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Defect {
    /// It is not bencode, or beyond the limits of a reader.
    Bencode,
    /// There is no `info` dictionary.
    Root,
    /// Sizes of pieces and content make no torrent.
    Sizes,
    /// The hashes do not fit.
    Pieces,
    /// A length is none.
    Length,
    /// A path is none.
    Path,
    /// A decisive key is there twice.
    Twice,
    /// Something of BitTorrent v2.
    V2,
}

impl Defect {
    /// The reason of an error.
    pub const fn of(error: &MetainfoError) -> Self {
        match error {
            MetainfoError::Bencode(_) | MetainfoError::Trailing(_) => Self::Bencode,
            MetainfoError::NotADictionary
            | MetainfoError::MissingInfo
            | MetainfoError::InfoNotADictionary => Self::Root,
            MetainfoError::DuplicateKey(_) => Self::Twice,
            MetainfoError::MissingPieceLength | MetainfoError::Geometry(_) => Self::Sizes,
            MetainfoError::MissingPieces
            | MetainfoError::PiecesLength(_)
            | MetainfoError::PieceCount { .. } => Self::Pieces,
            MetainfoError::MissingLength
            | MetainfoError::Length
            | MetainfoError::FileLength(_)
            | MetainfoError::Layout(_) => Self::Length,
            MetainfoError::FilesNotAList
            | MetainfoError::NoFiles
            | MetainfoError::FileNotADictionary(_)
            | MetainfoError::FilePath(_)
            | MetainfoError::FilePathElement(_) => Self::Path,
            MetainfoError::V2Only { .. }
            | MetainfoError::MetaVersion(_)
            | MetainfoError::MissingMetaVersion
            | MetainfoError::V2PieceLength(_)
            | MetainfoError::V2Tree(_)
            | MetainfoError::V2Layers(_)
            | MetainfoError::V2Mismatch(_) => Self::V2,
        }
    }
}

/// What a reader has to make of a mutation; `None` for a name that is none.
pub fn verdict(used: &Use) -> Option<Verdict> {
    list::verdict(&used.name)
}

/// Whether whoever reads the mutated file can take part in the swarm of the good one: only outer parts differ.
pub fn blocks_peers(used: &Use) -> bool {
    let outer = [
        "torrent-trailing",
        "torrent-unsorted-keys",
        "torrent-duplicate-comment",
        "torrent-decorated",
    ];
    !outer.contains(&used.name.as_str())
}

/// A mutation for a world that a seed invents.
pub fn sample(rng: &mut Rng) -> Use {
    let chosen = &BEHAVIOURS[rng.below(BEHAVIOURS.len() as u32) as usize];
    match chosen.name {
        "torrent-truncated" => Use::new(chosen.name).with("percent", rng.below(100).into()),
        // megabytes: one of eight
        "torrent-tokens" if !rng.chance(1, 8) => Use::new("torrent-nesting").with("depth", 10_000),
        "torrent-hybrid-other" => Use::new(chosen.name).with("differs", rng.below(10).into()),
        "torrent-nesting" => Use::new(chosen.name).with("depth", i64::from(100 + rng.below(10_000))),
        name => Use::new(name),
    }
}

/// Mutates a good file, reads it as the engine does, and compares with the verdict.
///
/// # Errors
/// What the engine did instead, in a sentence.
pub fn check(used: &Use, good: &[u8], marks: &mut Marks) -> Result<(), String> {
    let known = BEHAVIOURS.iter().find(|known| known.name == used.name);
    let (Some(known), Some(verdict)) = (known, verdict(used)) else {
        return Err(format!("no mutation is called {}", used.name));
    };
    let bytes = mutate(used, good);
    if bytes == good {
        return Err(format!("{} changed nothing", used.name));
    }
    marks.hit(known.name);
    match (verdict, Metainfo::parse(&bytes)) {
        (Verdict::Refused(defects), Err(error)) if defects.contains(&Defect::of(&error)) => Ok(()),
        (Verdict::Refused(defects), Err(error)) => {
            Err(format!("refused as \"{error}\", which is none of {defects:?}"))
        }
        (Verdict::Refused(_), Ok(_)) => Err("read, though it has to be refused".into()),
        (Verdict::Accepted, Err(error)) => Err(format!("refused, though it can be read: {error}")),
        (Verdict::Accepted, Ok(metainfo)) => accepted(&bytes, &metainfo),
    }
}

/// What was read can be written again as a file and as a link, and is still the same torrent.
fn said_again(metainfo: &Metainfo) -> Result<(), String> {
    let again = Metainfo::parse(&metainfo.to_file()).map_err(|error| format!("not read again: {error}"))?;
    let same = again.info_hash == metainfo.info_hash
        && again.trackers == metainfo.trackers
        && again.web_seeds == metainfo.web_seeds;
    let link = Magnet::of(metainfo);
    let linked = Magnet::parse(&link.to_string()).map_err(|error| format!("{link} is no link: {error}"))?;
    if same && linked == link {
        Ok(())
    } else {
        Err("written and read again, it is another torrent".into())
    }
}

fn accepted(bytes: &[u8], metainfo: &Metainfo) -> Result<(), String> {
    let info = mutate::info_of(bytes).ok_or("there is no `info` to compare with")?;
    let hash: [u8; 20] = Sha1::digest(info).into();
    if hash != metainfo.info_hash.0 {
        return Err("the info-hash is not that of the bytes".into());
    }
    said_again(metainfo)?;
    let mut seen = BTreeSet::new();
    for file in metainfo.layout.files() {
        let path = format!("{}/{}", metainfo.name, file.path);
        for element in path.split('/') {
            let bad = |c: char| c.is_control() || c == '\\';
            let device = ["con", "nul"].contains(&element.to_ascii_lowercase().as_str());
            if matches!(element, "" | "." | "..") || element.chars().any(bad) || device {
                return Err(format!("the path {path:?} is not safe"));
            }
            if element.len() > ELEMENT_MAX {
                return Err("a path element is too long".into());
            }
        }
        if !file.pad && !seen.insert(path.to_lowercase()) {
            return Err(format!("two files are at {path:?}"));
        }
    }
    // no file is also a folder
    let folder_of = |path: &String| {
        seen.range(format!("{path}/")..)
            .next()
            .is_some_and(|next| next.starts_with(&format!("{path}/")))
    };
    match seen.iter().find(|path| folder_of(path)) {
        Some(path) => Err(format!("{path:?} is a file and a folder")),
        None => Ok(()),
    }
}
