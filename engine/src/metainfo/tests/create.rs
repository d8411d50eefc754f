//! Torrents that we write.

use super::*;
use crate::bencode::scan_strict;

fn new() -> NewTorrent {
    let file = |path: &[&str], length| NewFile {
        path: path.iter().map(|part| String::from(*part)).collect(),
        length,
    };
    NewTorrent {
        name: "t".into(),
        content: NewContent::Multi(vec![file(&["a"], 20_000), file(&["b", "c"], 0)]),
        piece_length: 16_384,
        pieces: vec![[1; 20], [2; 20]],
        trackers: vec![vec!["http://a".into(), "http://b".into()], vec!["udp://c".into()]],
        web_seeds: vec!["http://w/".into()],
        private: true,
        comment: Some("é".into()),
        created_by: Some("me".into()),
        creation_date: Some(5),
        source: Some("s".into()),
    }
}

#[test]
fn what_is_written_is_canonical_and_reads_the_same() {
    let created = new().create().unwrap();
    assert!(scan_strict(&created.bytes, &Limits::TORRENT).is_ok());
    assert_eq!(Metainfo::parse(&created.bytes).as_ref(), Ok(&created.metainfo));
    let read = created.metainfo;
    assert_eq!(codes(&read), [""; 0]);
    assert_eq!(read.trackers, new().trackers);
    assert_eq!(read.web_seeds, new().web_seeds);
    assert_eq!(
        (read.name.as_str(), read.private, read.creation_date),
        ("t", true, Some(5))
    );
    assert_eq!(
        (read.comment.clone(), read.created_by.clone(), read.source.clone()),
        (Some("é".into()), Some("me".into()), Some("s".into()))
    );
    assert_eq!(read.piece_hash(PieceIndex(1)), Some([2; 20]));
    let paths: Vec<&str> = read
        .layout
        .files()
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(paths, ["t/a", "t/b/c"]);
}

#[test]
fn the_least_torrent_has_these_bytes() {
    let hashes = vec![*b"01234567890123456789"];
    let torrent = NewTorrent {
        trackers: vec![vec!["http://a".into()]],
        ..NewTorrent::new("t", NewContent::Single { length: 3 }, 16_384, hashes)
    };
    let created = torrent.create().unwrap();
    let bytes: &[u8] = b"d8:announce8:http://a4:infod6:lengthi3e4:name1:t12:piece lengthi16384e\
        6:pieces20:01234567890123456789ee";
    assert_eq!(created.bytes, bytes);
}

#[test]
fn what_cannot_be_read_is_not_written() {
    let check = |change: fn(&mut NewTorrent), error: CreateError| {
        let mut torrent = new();
        change(&mut torrent);
        assert_eq!(torrent.create(), Err(error));
    };
    let count = MetainfoError::PieceCount { got: 1, expected: 2 };
    check(|torrent| torrent.pieces.truncate(1), count.into());
    check(
        |torrent| torrent.name = "..".into(),
        CreateError::Name("..".into()),
    );
    check(
        |torrent| torrent.name = "a/b".into(),
        CreateError::Name("a/b".into()),
    );
    check(
        |torrent| {
            torrent.content = NewContent::Single { length: u64::MAX };
        },
        MetainfoError::Layout(crate::layout::LayoutError::TotalLength).into(),
    );
}

#[test]
fn a_piece_length_makes_a_thousand_to_two_thousand_pieces() {
    let check = |total: u64, piece_length: u32| assert_eq!(pick_piece_length(total), piece_length, "{total}");
    check(0, 16 << 10);
    check(2_000 * (16 << 10), 16 << 10);
    check(2_000 * (16 << 10) + 1, 32 << 10);
    check(1 << 30, 1 << 20);
    check(u64::MAX, 16 << 20);
    for total in (1..1_000).map(|n| n * 33_000_001_u64) {
        let pieces = total.div_ceil(u64::from(pick_piece_length(total)));
        let longest = pick_piece_length(total) == 16 << 20;
        assert!((1_000..=2_000).contains(&pieces) || longest, "{total}: {pieces}");
    }
}
