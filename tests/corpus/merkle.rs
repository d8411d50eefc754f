//! Piece layers of BEP 52: a hybrid torrent is loaded only when they hash to the tree's roots.

use seedbed_engine::metainfo::{Metainfo, MetainfoError};
use tests::corpus::{check_topic, same, unhex};

#[test]
fn merkle_cases() {
    check_topic("merkle_bep52", |case| {
        let size = case["file_size"].as_u64().expect("file_size");
        let piece_length = case["piece_length"].as_u64().expect("piece_length");
        let root = unhex(&case["pieces_root"]);
        let layer: Vec<u8> = case["layer"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(unhex)
            .collect();
        if size <= piece_length {
            return Err("a file of one piece has no layer".into());
        }
        let torrent = hybrid(size, piece_length, &root, &layer);
        let valid = match Metainfo::parse(&torrent) {
            Ok(_) => true,
            Err(MetainfoError::V2Layers(_)) => false,
            Err(error) => return Err(error.to_string()),
        };
        same("valid", Some(valid), case["valid"].as_bool())
    });
}

/// A hybrid torrent of one file; its v1 hashes are zeros, which nobody checks here.
fn hybrid(size: u64, piece_length: u64, root: &[u8], layer: &[u8]) -> Vec<u8> {
    let pieces = vec![0; 20 * usize::try_from(size.div_ceil(piece_length)).expect("few pieces")];
    let mut torrent = b"d4:infod9:file treed1:ad0:d6:length".to_vec();
    torrent.extend(format!("i{size}e11:pieces root").bytes());
    string(&mut torrent, root);
    torrent.extend(format!("eee6:lengthi{size}e12:meta versioni2e4:name1:a").bytes());
    torrent.extend(format!("12:piece lengthi{piece_length}e6:pieces").bytes());
    string(&mut torrent, &pieces);
    torrent.extend(b"e12:piece layersd");
    string(&mut torrent, root);
    string(&mut torrent, layer);
    torrent.extend(b"ee");
    torrent
}

fn string(torrent: &mut Vec<u8>, bytes: &[u8]) {
    torrent.extend(format!("{}:", bytes.len()).bytes());
    torrent.extend(bytes);
}
