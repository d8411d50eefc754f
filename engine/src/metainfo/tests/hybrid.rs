//! Hybrids of v1 and v2, and what is v2 only.

use super::*;
use sha2::{Digest, Sha256};

/// A file's entry in the tree.
fn leaf(name: &str, length: u64) -> String {
    let root = format!("11:pieces root32:{}", "r".repeat(32));
    format!("{}:{name}d0:d6:lengthi{length}e{root}ee", name.len())
}

/// A hybrid of the tree's entries and the v1 files' entries; the v1 side has `count` pieces.
fn hybrid(tree: &str, files: &str, count: usize) -> Result<Metainfo, MetainfoError> {
    let before =
        format!("9:file treed{tree}e5:filesl{files}e12:meta versioni2e4:name1:t12:piece lengthi16384e");
    Metainfo::parse(&torrent("", &before, count, ""))
}

const A5: &str = "d6:lengthi5e4:pathl1:aee";
const PAD: &str = "d4:attr1:p6:lengthi16379e4:pathl4:.pad5:16379ee";
const B7: &str = "d6:lengthi7e4:pathl1:b1:cee";

#[test]
fn a_hybrid_is_loaded_by_its_v1_side() {
    let tree = format!("{}1:bd{}e", leaf("a", 5), leaf("c", 7));
    let torrent = hybrid(&tree, &format!("{A5}{PAD}{B7}"), 2).unwrap();
    assert_eq!(torrent.total_length, 16_391);
    let hash: [u8; 32] = Sha256::digest(&torrent.info_bytes).into();
    assert_eq!(torrent.info_hash_v2, Some(hash));
    assert_eq!(codes(&torrent), [""; 0]);
}

#[test]
fn an_empty_file_has_no_root_and_may_begin_anywhere() {
    let tree = format!("{}1:bd0:d6:lengthi0eee", leaf("a", 5));
    let torrent = hybrid(&tree, &format!("{A5}d6:lengthi0e4:pathl1:bee"), 1).unwrap();
    assert_eq!(torrent.total_length, 5);
    assert_eq!(codes(&torrent), [""; 0]);
}

#[test]
fn sides_that_differ_are_refused() {
    let check = |tree: &str, files: &str, count: usize, difference: &'static str| {
        let error = hybrid(tree, files, count).unwrap_err();
        assert_eq!(error, MetainfoError::V2Mismatch(difference), "{tree}");
    };
    check(&leaf("a", 6), A5, 1, "a length is not the same");
    check(&leaf("b", 5), A5, 1, "a path is not the same");
    check(&leaf("a", 5), &format!("{A5}{PAD}{B7}"), 2, "v1 has more files");
    check(
        &format!("{}{}", leaf("a", 5), leaf("b", 7)),
        A5,
        1,
        "v2 has more files",
    );
    let unaligned = format!("{}1:bd{}e", leaf("a", 5), leaf("c", 7));
    check(
        &unaligned,
        &format!("{A5}{B7}"),
        1,
        "a v1 file does not begin with a piece",
    );
}

#[test]
fn a_malformed_tree_is_refused() {
    let check = |tree: &str, what: &'static str| {
        assert_eq!(
            hybrid(tree, A5, 1).unwrap_err(),
            MetainfoError::V2Tree(what),
            "{tree}"
        );
    };
    check("1:ai5e", "an entry is not a dictionary");
    check("1:ade", "a folder is empty");
    check("0:d6:lengthi5ee", "an entry has no name");
    check("1:ad0:i5ee", "a file is not a dictionary");
    check("1:ad0:d6:lengthi5ee1:bdee", "an entry is a file and a folder");
    check("1:ad0:d4:attr1:p6:lengthi5eee", "it has a pad file");
    check("1:ad0:dee", "a length is not an integer of at least 0");
    check("1:ad0:d6:lengthi5eee", "a file has no `pieces root` of 32 bytes");
    let zeros = leaf("a", 5).replace('r', "\0").replace("\0oot", "root");
    check(&zeros, "a file has no `pieces root` of 32 bytes");
}

#[test]
fn a_deep_tree_is_no_deep_recursion() {
    let deep = format!("{}{}{}", "1:ad".repeat(50), leaf("a", 5), "e".repeat(50));
    let error = hybrid(&deep, A5, 1).unwrap_err();
    assert_eq!(error, MetainfoError::V2Mismatch("a path is not the same"));
}

#[test]
fn v2_wants_a_power_of_two() {
    let before = format!(
        "9:file treed{}e6:lengthi5e12:meta versioni2e4:name1:a12:piece lengthi20000e",
        leaf("a", 5)
    );
    let error = Metainfo::parse(&torrent("", &before, 1, "")).unwrap_err();
    assert_eq!(error, MetainfoError::V2PieceLength(20_000));
}

#[test]
fn v2_only_says_so_and_tells_its_hash() {
    let info = format!(
        "d9:file treed{}e12:meta versioni2e4:name1:a12:piece lengthi16384ee",
        leaf("a", 5)
    );
    let error = Metainfo::parse(format!("d4:info{info}e").as_bytes()).unwrap_err();
    let info_hash_v2 = Sha256::digest(info.as_bytes()).into();
    assert_eq!(error, MetainfoError::V2Only { info_hash_v2 });
}

#[test]
fn layers_must_belong_to_the_tree() {
    let of_length = |length: u64, layers: &str, what: &'static str| {
        let before = format!(
            "9:file treed{}e6:lengthi{length}e12:meta versioni2e4:name1:a12:piece lengthi16384e",
            leaf("a", length)
        );
        let mut bytes = torrent("", &before, length.div_ceil(16_384) as usize, "");
        bytes.pop();
        bytes.extend(format!("12:piece layers{layers}e").bytes());
        assert_eq!(
            Metainfo::parse(&bytes).unwrap_err(),
            MetainfoError::V2Layers(what),
            "{layers}"
        );
    };
    let check = |layers: &str, what| of_length(40_000, layers, what);
    let root = format!("32:{}", "r".repeat(32));
    check("le", "they are not a dictionary");
    check("d1:x0:e", "a layer belongs to no file");
    check(&format!("d{root}i5ee"), "a layer is not a string");
    check(
        &format!("d{root}3:abce"),
        "a layer does not have 32 bytes a piece",
    );
    for length in [64, 99] {
        let layer = format!("{length}:{}", "l".repeat(length));
        check(
            &format!("d{root}{layer}e"),
            "a layer does not have 32 bytes a piece",
        );
    }
    let layer = format!("96:{}", "l".repeat(96));
    check(
        &format!("d{root}{layer}e"),
        "a layer does not hash to its file's `pieces root`",
    );
    // a file of one piece has none: its root is the piece's
    let layer = format!("d{root}32:{}e", "l".repeat(32));
    of_length(16_384, &layer, "a layer belongs to no file");
}

#[test]
fn a_layer_is_held_against_the_root() {
    let parent = |left: &[u8], right: &[u8]| Sha256::digest([left, right].concat());
    let check = |length: u64, piece_length: u64, layer: &[[u8; 32]], root: &[u8]| {
        let file = format!("1:ad0:d6:lengthi{length}e11:pieces root32:");
        let before =
            format!("eee6:lengthi{length}e12:meta versioni2e4:name1:a12:piece lengthi{piece_length}e");
        let mut bytes = b"d4:infod9:file treed".to_vec();
        bytes.extend([file.as_bytes(), root, before.as_bytes(), b"6:pieces"].concat());
        bytes.extend([&pieces(layer.len()), &b"e12:piece layersd32:"[..], root].concat());
        bytes.extend(format!("{}:", layer.len() * 32).bytes());
        bytes.extend([&layer.concat()[..], b"ee"].concat());
        let torrent = Metainfo::parse(&bytes).unwrap();
        assert_eq!(torrent.pieces() as usize, layer.len());
    };
    let [a, b, c] = [[1; 32], [2; 32], [3; 32]];
    check(32_768, 16_384, &[a, b], &parent(&a, &b));
    let zero = [0; 32];
    check(
        40_000,
        16_384,
        &[a, b, c],
        &parent(&parent(&a, &b), &parent(&c, &zero)),
    );
    // a piece that is missing is a tree of two leaves, or of eight
    let two = parent(&zero, &zero);
    check(
        70_000,
        32_768,
        &[a, b, c],
        &parent(&parent(&a, &b), &parent(&c, &two)),
    );
    let four = parent(&two, &two);
    let eight = parent(&four, &four);
    check(
        300_000,
        131_072,
        &[a, b, c],
        &parent(&parent(&a, &b), &parent(&c, &eight)),
    );
    // of five in eight, two of those that are missing are a pair
    let [d, e] = [[4; 32], [5; 32]];
    let left = parent(&parent(&a, &b), &parent(&c, &d));
    let right = parent(&parent(&e, &zero), &parent(&zero, &zero));
    check(80_000, 16_384, &[a, b, c, d, e], &parent(&left, &right));
}
