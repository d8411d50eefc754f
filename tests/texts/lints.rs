//! What is odd about a torrent that is taken all the same.

use seedbed_engine::metainfo::Metainfo;

const PIECES: &str = "6:pieces20:aaaaaaaaaaaaaaaaaaaa";

/// A torrent of one small file; `before` and `behind` go into the outer dictionary around `info`.
fn torrent(before: &str, info: &str, behind: &str) -> Vec<u8> {
    format!("d{before}4:infod{info}e{behind}e").into_bytes()
}

/// The same with a byte that is no UTF-8 wherever there is an at sign.
fn not_utf8(mut torrent: Vec<u8>) -> Vec<u8> {
    torrent
        .iter_mut()
        .filter(|byte| **byte == b'@')
        .for_each(|byte| *byte = 0xff);
    torrent
}

fn single(extra: &str) -> String {
    format!("6:lengthi5e4:name1:a12:piece lengthi16384e{PIECES}{extra}")
}

#[test]
fn every_lint_has_a_code_and_a_sentence() {
    let plain = single("");
    let files =
        |path: &str| format!("5:filesld6:lengthi5e4:pathl{path}eee4:name1:a12:piece lengthi16384e{PIECES}");
    let cases = [
        torrent("8:announce3:x:y13:announce-listll3:z:yee", &plain, ""),
        torrent("13:announce-listi5e", &plain, ""),
        not_utf8(torrent("7:comment1:@", &plain, "")),
        not_utf8(torrent("", &plain.replace("4:name1:a", "4:name1:@"), "")),
        not_utf8(torrent("", &files("1:@"), "")),
        torrent("", &plain, "5:nodesli5ee"),
        torrent("", &plain, "8:announce3:x:y"),
        torrent("", &single("7:privatei2e"), ""),
        torrent("", &format!("6:lengthi5e12:piece lengthi16384e{PIECES}"), ""),
        torrent(
            "",
            &format!("6:lengthi5e4:name2:..12:piece lengthi16384e{PIECES}"),
            "",
        ),
        torrent(
            "",
            &format!("6:lengthi5e4:name1:a12:piece lengthi10000e{PIECES}"),
            "",
        ),
        torrent(
            "",
            &format!("6:lengthi05e4:name1:a12:piece lengthi16384e{PIECES}"),
            "",
        ),
        torrent("", &files("2:..1:b"), ""),
        torrent("", &format!("5:filesld6:lengthi5e4:pathl1:beee{}", plain), ""),
        torrent("3:abci1e3:abci2e", &plain, ""),
        torrent("", &plain, "8:url-listl7:ftp://xe"),
        torrent(
            "",
            &format!(
                "5:filesld4:attr1:l6:lengthi0e4:pathl1:beed6:lengthi5e4:pathl1:ceee4:name1:a12:piece lengthi16384e{PIECES}"
            ),
            "",
        ),
        [torrent("", &plain, ""), b"tail".to_vec()].concat(),
        torrent(
            "",
            &format!("{plain}1:\u{7f}i1e").replace("4:name1:a", "4:name1:\u{7f}"),
            "",
        ),
    ];
    let mut text = String::new();
    for case in cases {
        match Metainfo::parse(&case) {
            Ok(metainfo) => {
                for lint in &metainfo.lints {
                    text += &format!("{:<20} {}\n", lint.code, lint.text);
                }
            }
            Err(error) => text += &format!("refused: {error}\n"),
        }
    }
    tests::snapshot_settings("texts").bind(|| insta::assert_snapshot!("lints", text));
}
