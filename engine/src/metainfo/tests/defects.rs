//! Each defect has its own error.

use super::*;
use crate::bencode::BencodeError;
use crate::geometry::PIECE_LENGTH_MAX;
use crate::layout::LayoutError;

#[test]
fn what_is_no_torrent_is_named() {
    let check = |bytes: &[u8], error: MetainfoError| assert_eq!(Metainfo::parse(bytes), Err(error));
    check(
        b"<html>",
        MetainfoError::Bencode(BencodeError::Unexpected { at: 0 }),
    );
    check(b"le", MetainfoError::NotADictionary);
    check(b"de", MetainfoError::MissingInfo);
    check(b"d4:infolee", MetainfoError::InfoNotADictionary);
    check(b"d4:infode4:infodee", MetainfoError::DuplicateKey("info"));
    check(b"d4:infodee", MetainfoError::MissingPieceLength);
}

#[test]
fn each_defect_of_info_is_named() {
    let check = |before: &str, count: usize, after: &str, error: MetainfoError| {
        assert_eq!(
            Metainfo::parse(&torrent("", before, count, after)),
            Err(error),
            "{before}"
        );
    };
    let sizes = |length: i64, piece: i64| format!("6:lengthi{length}e4:name1:a12:piece lengthi{piece}e");
    let geometry = MetainfoError::Geometry;
    check(&sizes(5, -1), 1, "", MetainfoError::MissingPieceLength);
    check(&sizes(5, 0), 1, "", geometry(GeometryError::PieceLength(0)));
    check(
        &sizes(5, 1 << 40),
        1,
        "",
        geometry(GeometryError::PieceLength(1 << 40)),
    );
    let long = i64::from(PIECE_LENGTH_MAX) + 1;
    check(
        &sizes(5, long),
        1,
        "",
        geometry(GeometryError::PieceLength(long as u64)),
    );
    check(
        &sizes(1 << 40, 1),
        1,
        "",
        geometry(GeometryError::PieceCount(1 << 40)),
    );
    check(&sizes(0, 16_384), 0, "", geometry(GeometryError::Empty));
    check(&sizes(-5, 16_384), 1, "", MetainfoError::Length);
    check(
        &sizes(5, 16_384),
        2,
        "",
        MetainfoError::PieceCount { got: 2, expected: 1 },
    );
    check(
        "4:name1:a12:piece lengthi16384e",
        1,
        "",
        MetainfoError::MissingLength,
    );
    check(
        &sizes(5, 16_384),
        1,
        "6:pieces0:",
        MetainfoError::DuplicateKey("pieces"),
    );
    check(
        "12:meta versioni3e4:name1:a",
        1,
        "",
        MetainfoError::MetaVersion(3),
    );
    check("9:file treede", 1, "", MetainfoError::MissingMetaVersion);
    let info = |pieces: &str| format!("d4:infod{}{pieces}ee", sizes(5, 16_384));
    let parse = |pieces: &str| Metainfo::parse(info(pieces).as_bytes()).unwrap_err();
    assert_eq!(parse(""), MetainfoError::MissingPieces);
    assert_eq!(parse("6:piecesi5e"), MetainfoError::MissingPieces);
    assert_eq!(parse("6:pieces3:abc"), MetainfoError::PiecesLength(3));
}

#[test]
fn each_defect_of_a_file_is_named() {
    let check = |files: &str, error: MetainfoError| assert_eq!(folder(files), Err(error), "{files}");
    let good = "d6:lengthi5e4:pathl1:aee";
    check("", MetainfoError::NoFiles);
    check("d4:attr1:p6:lengthi5ee", MetainfoError::NoFiles);
    check(&format!("{good}i5e"), MetainfoError::FileNotADictionary(1));
    check(&format!("{good}d4:pathl1:aee"), MetainfoError::FileLength(1));
    check("d6:lengthi-1e4:pathl1:aee", MetainfoError::FileLength(0));
    check("d6:length1:54:pathl1:aee", MetainfoError::FileLength(0));
    check("d6:lengthi5ee", MetainfoError::FilePath(0));
    check("d6:lengthi5e4:pathlee", MetainfoError::FilePath(0));
    check("d6:lengthi5e4:path1:ae", MetainfoError::FilePath(0));
    check("d6:lengthi5e4:pathl1:ai5eee", MetainfoError::FilePathElement(0));
    let huge = "d6:lengthi9223372036854775807e4:pathl1:aee";
    check(&huge.repeat(2), MetainfoError::Layout(LayoutError::TotalLength));
    check(&huge.repeat(3), MetainfoError::Layout(LayoutError::TotalLength));
    let info = torrent("", "5:filesde4:name1:t12:piece lengthi16384e", 1, "");
    assert_eq!(Metainfo::parse(&info), Err(MetainfoError::FilesNotAList));
}

#[test]
fn errors_are_sentences() {
    let v2 = MetainfoError::V2Only {
        info_hash_v2: [0; 32],
    };
    assert!(format!("{v2}").contains("v2 only"));
    let count = MetainfoError::PieceCount { got: 2, expected: 1 };
    assert_eq!(
        format!("{count}"),
        "2 piece hashes, the length of the content needs 1"
    );
}
