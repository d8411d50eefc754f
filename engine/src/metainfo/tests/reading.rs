//! What is read, from where, and which oddities are told.

use super::*;
use quickcheck::{Gen, QuickCheck};
use sha1::{Digest, Sha1};

#[test]
fn a_single_file() {
    let torrent = single("", "7:privatei1e6:source3:abc");
    assert_eq!((torrent.pieces(), torrent.total_length), (3, 40_000));
    assert_eq!(torrent.piece_hash(PieceIndex(2)), Some([b'h'; 20]));
    assert_eq!(torrent.piece_hash(PieceIndex(3)), None);
    assert_eq!(torrent.layout.files()[0].path, "a.txt");
    assert!(torrent.private && !torrent.multi_file);
    assert_eq!(torrent.source.as_deref(), Some("abc"));
    assert_eq!(torrent.geometry(16_384).unwrap().pieces(), 3);
    assert_eq!(codes(&torrent), [""; 0]);
}

#[test]
fn the_info_hash_is_over_the_bytes_that_came() {
    // unsorted keys, an unknown one and a number with a needless digit: re-encoding would change each
    let info = [
        &b"d4:name1:a6:lengthi05e1:xi1e12:piece lengthi16384e6:pieces20:hhhhhhhhhhhhhhhhhhhh"[..],
        b"e",
    ]
    .concat();
    let torrent = [&b"d4:info"[..], &info, b"e\n"].concat();
    let metainfo = Metainfo::parse(&torrent).unwrap();
    assert_eq!(metainfo.info_hash.0, <[u8; 20]>::from(Sha1::digest(&info)));
    assert_eq!(*metainfo.info_bytes, *info);
    assert_eq!(
        codes(&metainfo),
        ["unsorted-keys", "odd-numbers", "trailing-bytes"]
    );
    let fetched = Metainfo::from_info(&info, Vec::new()).unwrap();
    assert_eq!(fetched.info_hash, metainfo.info_hash);
    let behind = Metainfo::from_info(&[&info[..], b"xy"].concat(), Vec::new());
    assert_eq!(behind, Err(MetainfoError::Trailing(2)));
}

#[test]
fn a_pad_file_counts_as_content_and_is_not_written() {
    let files = "d6:lengthi1000e4:pathl1:aeed4:attr1:p6:lengthi9e4:pathl4:.pad1:9eed6:lengthi5e4:pathl1:bee\
                 d6:lengthi1e4:pathl19:_____padding_file_0eed4:attr1:p6:lengthi1ee";
    let torrent = folder(files).unwrap();
    let written: Vec<&str> = torrent
        .layout
        .data_files()
        .map(|(_, file)| file.path.as_str())
        .collect();
    assert_eq!(written, ["t/a", "t/b"]);
    assert_eq!((torrent.total_length, torrent.layout.data_length()), (1016, 1005));
    assert_eq!(torrent.layout.files()[2].offset, 1009);
}

#[test]
fn a_file_with_a_long_name_is_no_pad_file() {
    let torrent = folder("d6:lengthi5e4:pathl26:abcdefghijklmnopqrstuvwxyzee").unwrap();
    assert_eq!(torrent.layout.data_length(), 5);
}

#[test]
fn a_symbolic_link_is_an_empty_file() {
    let torrent = folder(
        "d4:attr1:l6:lengthi7e4:pathl1:lee d6:lengthi5e4:pathl1:bee"
            .replace(' ', "")
            .as_str(),
    );
    let torrent = torrent.unwrap();
    assert_eq!(torrent.layout.files()[0].length, 0);
    assert_eq!(codes(&torrent), ["symlink"]);
}

#[test]
fn the_list_of_trackers_counts_and_announce_stands_in() {
    let check = |outer: &str, tiers: &[&[&str]], lints: &[&str]| {
        let torrent = single(outer, "");
        assert_eq!(torrent.trackers, tiers, "{outer}");
        assert_eq!(codes(&torrent), lints, "{outer}");
    };
    check("8:announce8:http://x", &[&["http://x"]], &[]);
    check("8:announce10:\t http://x", &[&["http://x"]], &[]);
    check("8:announce0:", &[], &[]);
    let list = "13:announce-listll8:http://a8:http://bel0:8:http://celee";
    check(list, &[&["http://a", "http://b"], &["http://c"]], &[]);
    let both = format!("8:announce8:http://x{list}");
    let tiers: [&[&str]; 2] = [&["http://a", "http://b"], &["http://c"]];
    check(&both, &tiers, &["announce-not-listed"]);
    check("8:announce8:http://x13:announce-listllee", &[&["http://x"]], &[]);
    check("13:announce-listl8:http://ai5ee", &[&["http://a"]], &[]);
    check(
        "13:announce-listlli5e8:http://aee",
        &[&["http://a"]],
        &["announce-list"],
    );
}

#[test]
fn too_many_trackers_are_cut() {
    let urls: String = (0..URLS_MAX + 5).map(|n| format!("l8:u://{n:04}e")).collect();
    let torrent = single(&format!("13:announce-listl{urls}e"), "");
    assert_eq!(torrent.trackers.len(), URLS_MAX);
    assert_eq!(codes(&torrent), ["announce-list"]);
}

#[test]
fn too_long_a_url_is_left_out() {
    let read = |length: usize| {
        let url = format!("http://{}", "x".repeat(length - 7));
        single(&format!("8:announce{length}:{url}"), "").trackers.len()
    };
    assert_eq!((read(URL_LENGTH_MAX), read(URL_LENGTH_MAX + 1)), (1, 0));
    assert_eq!(read(URL_LENGTH_MAX + 2), 0);
}

#[test]
fn too_many_web_seeds_are_cut() {
    let urls: String = (0..URLS_MAX + 5).map(|n| format!("8:u://{n:04}")).collect();
    let mut bytes = torrent("", SINGLE, 3, "");
    bytes.pop();
    bytes.extend(format!("8:url-listl{urls}ee").bytes());
    let torrent = Metainfo::parse(&bytes).unwrap();
    assert_eq!(torrent.web_seeds.len(), URLS_MAX);
    assert_eq!(codes(&torrent), ["web-seeds"]);
}

#[test]
fn a_file_is_written_as_it_was_read() {
    let check = |outer: &str, behind: &str| {
        let mut bytes = torrent(outer, SINGLE, 3, "");
        bytes.pop();
        bytes.extend(format!("{behind}e").bytes());
        let torrent = Metainfo::parse(&bytes).unwrap();
        assert_eq!(torrent.to_file(), bytes, "{}", bytes.escape_ascii());
    };
    check("", "");
    check("8:announce8:http://a", "");
    check(
        "8:announce8:http://a13:announce-listll8:http://a8:http://bel8:http://cee",
        "8:url-listl8:http://w8:http://ve",
    );
}

#[test]
fn what_stands_beside_info() {
    let outer = "7:comment5:caf\u{e9}10:created by1:z13:creation datei5e";
    let torrent = Metainfo::parse(&torrent(outer, SINGLE, 3, "")).unwrap();
    assert_eq!(torrent.comment.as_deref(), Some("café"));
    assert_eq!(
        (torrent.created_by.as_deref(), torrent.creation_date),
        (Some("z"), Some(5))
    );
    let mut bytes = super::torrent("", SINGLE, 3, "");
    bytes.pop();
    bytes.extend(b"5:nodesll1:hi7eel1:hi0eeli5eee8:url-listl8:http://wi5eee");
    let torrent = Metainfo::parse(&bytes).unwrap();
    assert_eq!(torrent.nodes, [("h".into(), 7)]);
    assert_eq!(torrent.web_seeds, ["http://w"]);
    assert_eq!(codes(&torrent), ["web-seeds", "nodes"]);
}

#[test]
fn nodes_that_are_all_good_are_no_oddity() {
    let torrent = single("", "");
    assert_eq!(torrent.nodes, []);
    let mut bytes = super::torrent("", SINGLE, 3, "");
    bytes.pop();
    bytes.extend(b"5:nodesll1:hi7eel1:ii8eeee");
    let torrent = Metainfo::parse(&bytes).unwrap();
    assert_eq!(torrent.nodes, [("h".into(), 7), ("i".into(), 8)]);
    assert_eq!(codes(&torrent), [""; 0]);
}

#[test]
fn a_recording_keeps_what_the_outer_file_said() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Recorded(#[serde(with = "crate::metainfo::stored")] alloc::sync::Arc<Metainfo>);

    let mut torrent = single("8:announce8:http://x", "");
    torrent.name = "of another encoding".into();
    torrent.web_seeds = vec!["http://w".into()];
    torrent.http_seeds = vec!["http://h".into()];
    torrent.nodes = vec![("n".into(), 7)];
    let bytes = postcard::to_allocvec(&Recorded(torrent.clone().into())).unwrap();
    let Recorded(read) = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(*read, torrent);
}

#[test]
fn a_date_before_1970_is_none() {
    assert_eq!(single("13:creation datei-5e", "").creation_date, None);
}

#[test]
fn web_seeds_come_once_and_without_spaces() {
    let mut bytes = torrent("", SINGLE, 3, "");
    bytes.pop();
    bytes.extend(b"8:url-listl10:http://w/a10:http://w b10:http://w/a0:ee");
    let torrent = Metainfo::parse(&bytes).unwrap();
    assert_eq!(torrent.web_seeds, ["http://w/a", "http://w%20b"]);
    assert_eq!(codes(&torrent), [""; 0]);
}

#[test]
fn web_seeds_of_several_files_are_folders() {
    let files = "d6:lengthi5e4:pathl1:aeed6:lengthi5e4:pathl1:bee";
    let before = format!("5:filesl{files}e4:name1:t12:piece lengthi16384e");
    let mut bytes = torrent("", &before, 1, "");
    bytes.pop();
    bytes.extend(b"8:url-list8:http://we");
    assert_eq!(Metainfo::parse(&bytes).unwrap().web_seeds, ["http://w/"]);
}

#[test]
fn oddities_are_told() {
    let check = |before: &str, count: usize, after: &str, lint: &str| {
        let torrent = Metainfo::parse(&torrent("", before, count, after)).unwrap();
        assert_eq!(codes(&torrent), [lint], "{before} {after}");
    };
    check("6:lengthi5e12:piece lengthi16384e", 1, "", "name-missing");
    check(
        "6:lengthi5e4:name2:..12:piece lengthi16384e",
        1,
        "",
        "name-missing",
    );
    check(
        "6:lengthi5e4:name2:a/12:piece lengthi16384e",
        1,
        "",
        "name-renamed",
    );
    for (length, pieces) in [(3, 2), (8_192, 1), (20_000, 1)] {
        let before = format!("6:lengthi5e4:name1:a12:piece lengthi{length}e");
        check(&before, pieces, "", "piece-length");
    }
    check(
        "6:lengthi5e12:meta versioni1e4:name1:a12:piece lengthi16384e",
        1,
        "",
        "meta-version",
    );
    check(SINGLE, 3, "7:privatei2e", "private");
    check(SINGLE, 3, "7:private1:1", "private");
    let both = "5:filesld6:lengthi5e4:pathl1:aeee6:lengthi9e4:name1:t12:piece lengthi16384e";
    check(both, 1, "", "length-and-files");
    let twice = Metainfo::parse(&torrent("1:ai1e1:ai2e", SINGLE, 3, "")).unwrap();
    assert_eq!(codes(&twice), ["duplicate-keys"]);
}

#[test]
fn without_a_name_the_info_hash_stands_for_it() {
    let before = "6:lengthi5e12:piece lengthi16384e";
    let torrent = Metainfo::parse(&torrent("", before, 1, "")).unwrap();
    assert_eq!(torrent.name, format!("{}", torrent.info_hash));
}

#[test]
fn a_file_of_lints_is_cut() {
    let mut lints = Lints::default();
    (0..LINTS_MAX + 9).for_each(|n| lints.add("x", format!("{n}")));
    assert_eq!(lints.into_vec().len(), LINTS_MAX);
}

#[test]
fn no_change_of_a_torrent_makes_it_panic() {
    fn property(changes: Vec<(u16, u8)>, cut: Option<u16>) -> bool {
        const PARTS: [&str; 8] = [
            "e",
            "d",
            "l",
            "i-1e",
            "0:",
            "4:path",
            "i9223372036854775807e",
            "2:..",
        ];
        let files = "d4:attr1:p6:lengthi9e4:pathl1:aeed6:lengthi16375e4:pathl1:b2:..ee";
        let before = format!(
            "9:file treed1:ad0:d6:lengthi9e11:pieces root32:{}eeee5:filesl{files}e\
             12:meta versioni2e4:name1:t12:piece lengthi16384e",
            "r".repeat(32)
        );
        let outer = "13:announce-listll1:uee8:encoding6:latin15:nodesll1:hi7eee";
        let mut bytes = torrent(outer, &before, 1, "7:privatei1e");
        for (at, change) in changes {
            let at = usize::from(at) % bytes.len();
            match PARTS.get(usize::from(change)) {
                Some(part) => drop(bytes.splice(at..at + 1, part.bytes())),
                None => bytes[at] = change,
            }
        }
        bytes.truncate(cut.map_or(bytes.len(), usize::from));
        let Ok(metainfo) = Metainfo::parse(&bytes) else {
            return true;
        };
        metainfo.pieces() > 0
            && metainfo
                .geometry(16_384)
                .is_ok_and(|geometry| geometry.pieces() == metainfo.pieces())
            && metainfo.layout.total() == metainfo.total_length
            && Metainfo::from_info(&metainfo.info_bytes, Vec::new())
                .is_ok_and(|again| again.info_hash == metainfo.info_hash)
    }
    QuickCheck::new()
        .rng(Gen::from_size_and_seed(6, 21))
        .tests(20_000)
        .quickcheck(property as fn(Vec<(u16, u8)>, Option<u16>) -> bool);
}
