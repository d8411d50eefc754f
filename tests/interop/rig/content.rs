//! What is transferred: files with known bytes, their .torrent, and the comparison of what arrived.
//!
//! The .torrent is written here and not by the program under test, so that both sides cannot agree on a wrong one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Files in the order of the torrent.
pub(crate) struct Content {
    /// The torrent's name: the file, or the folder of several files.
    pub(crate) name: &'static str,
    /// Path below the output folder, and bytes. A single file has the torrent's name.
    files: Vec<(String, Vec<u8>)>,
    piece_length: usize,
    private: bool,
}

impl Content {
    /// One file.
    pub(crate) fn file(name: &'static str, length: usize, piece_length: usize) -> Self {
        Self {
            name,
            files: vec![(name.to_owned(), tests::payload(1, length))],
            piece_length,
            private: false,
        }
    }

    /// The same for a private torrent (BEP 27).
    pub(crate) fn private(self) -> Self {
        Self {
            private: true,
            ..self
        }
    }

    /// A folder of files: path below the folder, and length.
    pub(crate) fn folder(name: &'static str, files: &[(&str, usize)], piece_length: usize) -> Self {
        let files = files.iter().zip(1_u64..);
        let files =
            files.map(|((path, length), seed)| (format!("{name}/{path}"), tests::payload(seed, *length)));
        Self {
            name,
            files: files.collect(),
            piece_length,
            private: false,
        }
    }

    /// Bytes in all.
    pub(crate) fn length(&self) -> usize {
        self.files.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// All files, complete, below `folder`.
    pub(crate) fn write_to(&self, folder: &Path) {
        for (path, bytes) in &self.files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder");
            std::fs::write(path, bytes).expect("room for the payload");
        }
    }

    /// Every byte of every file turned over, in place: who has a file open sees it.
    pub(crate) fn write_wrong_to(&self, folder: &Path) {
        for (path, bytes) in &self.files {
            let wrong: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
            let file = std::fs::OpenOptions::new().write(true).open(folder.join(path));
            file.and_then(|mut file| file.write_all(&wrong))
                .expect("a file that is there");
        }
    }

    /// Why what lies below `folder` is not the content; nothing when every file has its SHA-256.
    pub(crate) fn differences(&self, folder: &Path) -> Vec<String> {
        Self::compare(&self.files.iter().collect::<Vec<_>>(), folder)
    }

    /// The same for one file, by its path in the torrent.
    pub(crate) fn differences_of(&self, path: &str, folder: &Path) -> Vec<String> {
        let of_path = |file: &&(String, Vec<u8>)| file.0 == path;
        Self::compare(&self.files.iter().filter(of_path).collect::<Vec<_>>(), folder)
    }

    /// The same for the files that are not empty.
    pub(crate) fn differences_with_bytes(&self, folder: &Path) -> Vec<String> {
        Self::compare(
            &self
                .files
                .iter()
                .filter(|(_, bytes)| !bytes.is_empty())
                .collect::<Vec<_>>(),
            folder,
        )
    }

    /// The pieces of a single file that are right below `folder` now, byte by byte.
    pub(crate) fn right_pieces(&self, folder: &Path) -> BTreeSet<usize> {
        let [(path, bytes)] = &self.files[..] else {
            panic!("{} is no single file", self.name);
        };
        let there = std::fs::read(folder.join(path)).unwrap_or_default();
        let right = |(n, piece): (usize, &[u8])| {
            let start = n * self.piece_length;
            (there.get(start..start + piece.len()) == Some(piece)).then_some(n)
        };
        bytes
            .chunks(self.piece_length)
            .enumerate()
            .filter_map(right)
            .collect()
    }

    fn compare(files: &[&(String, Vec<u8>)], folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for (path, bytes) in files {
            match std::fs::read(folder.join(path)) {
                Err(error) => found.push(format!("{path}: {error}")),
                Ok(there) if Sha256::digest(&there) != Sha256::digest(bytes) => {
                    let wrong = there
                        .iter()
                        .zip(bytes)
                        .position(|(a, b)| a != b)
                        .unwrap_or(there.len());
                    found.push(format!(
                        "{path}: {} bytes of {}, wrong at {wrong}",
                        there.len(),
                        bytes.len()
                    ));
                }
                Ok(_) => {}
            }
        }
        found
    }

    /// The value of `info`, and its SHA-1.
    fn info(&self) -> (Value, [u8; 20]) {
        let all: Vec<u8> = self
            .files
            .iter()
            .flat_map(|(_, bytes)| bytes.iter().copied())
            .collect();
        let pieces = all.chunks(self.piece_length).flat_map(Sha1::digest).collect();
        let mut info = BTreeMap::from([
            ("name", Value::text(self.name)),
            ("piece length", Value::Integer(self.piece_length)),
            ("pieces", Value::Bytes(pieces)),
        ]);
        if let [(path, bytes)] = &self.files[..]
            && path == self.name
        {
            info.insert("length", Value::Integer(bytes.len()));
        } else {
            let files = self.files.iter().map(|(path, bytes)| {
                let parts = path.split('/').skip(1).map(Value::text).collect();
                let file = [
                    ("length", Value::Integer(bytes.len())),
                    ("path", Value::List(parts)),
                ];
                Value::Dictionary(BTreeMap::from(file))
            });
            info.insert("files", Value::List(files.collect()));
        }
        if self.private {
            info.insert("private", Value::Integer(1));
        }
        let info = Value::Dictionary(info);
        let hash = Sha1::digest(info.encode()).into();
        (info, hash)
    }

    /// The SHA-1 of `info`.
    pub(crate) fn info_hash(&self) -> [u8; 20] {
        self.info().1
    }

    /// The .torrent with one tracker.
    pub(crate) fn torrent(&self, announce: &str) -> Vec<u8> {
        let info = self.info().0;
        Value::Dictionary(BTreeMap::from([
            ("announce", Value::text(announce)),
            ("info", info),
        ]))
        .encode()
    }
}

/// Bencode, the half that writes.
enum Value {
    Integer(usize),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    Dictionary(BTreeMap<&'static str, Self>),
}

impl Value {
    fn text(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Integer(number) => format!("i{number}e").into_bytes(),
            Self::Bytes(bytes) => [format!("{}:", bytes.len()).as_bytes(), bytes].concat(),
            Self::List(values) => [
                &b"l"[..],
                &values.iter().flat_map(Self::encode).collect::<Vec<_>>(),
                b"e",
            ]
            .concat(),
            Self::Dictionary(values) => {
                let inner = values
                    .iter()
                    .flat_map(|(key, value)| [Self::text(key).encode(), value.encode()].concat());
                [&b"d"[..], &inner.collect::<Vec<_>>(), b"e"].concat()
            }
        }
    }
}

#[test]
fn a_torrent_is_canonical_bencode() {
    let content = Content::folder("a", &[("b/c", 3), ("d", 0)], 16384);
    let text = content.torrent("http://x/announce");
    let start = b"d8:announce17:http://x/announce4:infod5:filesld6:lengthi3e4:pathl1:b1:ceed6:lengthi0e4:pathl1:deee4:name1:a\
        12:piece lengthi16384e6:pieces20:";
    assert!(text.starts_with(start), "{}", String::from_utf8_lossy(&text));
    assert_eq!(text.len(), start.len() + 20 + 2);
}
