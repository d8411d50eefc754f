//! Torrents that are one of v1 and one of v2 (BEP 52) at once, right ones and wrong ones. The hashes of v2 are made here
//! from nothing: no content has to stand behind them.

use super::tree::Tree;
use sha2::{Digest, Sha256};

/// The least piece of v2, and a leaf of its trees.
const PIECE: i64 = 16 * 1024;

/// Pieces of the one file, the last of them short: more than two, and no power of two.
const PIECES: i64 = 3;

const LENGTH: i64 = PIECES * PIECE - 100;

/// Makes a file one of both versions, if that is asked for; `differs` says what is wrong with one that is.
pub(super) fn make(name: &str, differs: i64, tree: &mut Tree) {
    let differs = match name {
        "torrent-hybrid" => None,
        "torrent-hybrid-other" => Some(differs),
        "torrent-v2-only" => {
            if let Some(info) = tree.get_mut("info") {
                info.remove("pieces");
                info.remove("files");
                info.remove("length");
                info.set("meta version", Tree::int(2));
                info.set("piece length", Tree::int(PIECE));
                info.set("file tree", Tree::Dict(Vec::new()));
            }
            return;
        }
        _ => return,
    };
    let leaves: Vec<Vec<u8>> = (0..PIECES).map(|n| sha256(&[&[n as u8]])).collect();
    let none = vec![0; 32];
    let left = sha256(&[&leaves[0], &leaves[1]]);
    let root = sha256(&[&left, &sha256(&[&leaves[2], &none])]);
    if let Some(info) = tree.get_mut("info") {
        of_info(differs, &root, info);
    }
    let layer = match differs {
        Some(8) => leaves[..2].concat(),
        Some(9) => [leaves[1].clone(), leaves[0].clone(), leaves[2].clone()].concat(),
        _ => leaves.concat(),
    };
    tree.set("piece layers", Tree::Dict(vec![(root, Tree::Bytes(layer))]));
}

fn of_info(differs: Option<i64>, root: &[u8], info: &mut Tree) {
    info.remove("files");
    info.set("length", Tree::int(LENGTH));
    info.set("pieces", Tree::Bytes(vec![7; 20 * PIECES as usize]));
    info.set(
        "piece length",
        Tree::int(if differs == Some(0) { 10_000 } else { PIECE }),
    );
    if differs == Some(0) {
        let pieces = (LENGTH + 9_999) / 10_000;
        info.set("pieces", Tree::Bytes(vec![7; 20 * pieces as usize]));
    }
    info.set("meta version", Tree::int(if differs == Some(1) { 3 } else { 2 }));
    let mut file = vec![(
        b"length".to_vec(),
        Tree::int(LENGTH - i64::from(differs == Some(2))),
    )];
    if differs != Some(3) {
        file.push((b"pieces root".to_vec(), Tree::Bytes(root.to_vec())));
    }
    let file = Tree::Dict(vec![(Vec::new(), Tree::Dict(file))]);
    let name = match info.get("name") {
        Some(Tree::Bytes(name)) if differs != Some(4) => name.clone(),
        _ => b"another".to_vec(),
    };
    let more = (b"zz".to_vec(), file.clone());
    let files = match differs {
        Some(5) => vec![(name, Tree::Dict(Vec::new()))],
        Some(6) => vec![(name, file), more],
        Some(7) => vec![(name, Tree::Dict(vec![(b"within".to_vec(), Tree::int(3))]))],
        _ => vec![(name, file)],
    };
    info.set("file tree", Tree::Dict(files));
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().to_vec()
}
