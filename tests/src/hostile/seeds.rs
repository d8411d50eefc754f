//! Good inputs of each reader: built by our own encoders, taken from our own recordings, or written out here.

use super::readers::{HASH, PIECES};
use crate::world::Sample;
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::block::Block;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{PeerId, PieceIndex};
use seedbed_engine::magnet::Magnet;
use seedbed_engine::mse::{Initiator, Modes, Secrets};
use seedbed_engine::resume::Resume;
use seedbed_engine::rng::Rng;
use seedbed_engine::wire::{Handshake, Message, Reserved};
use seedbed_sim::metainfo::{BEHAVIOURS, mutate};
use seedbed_sim::scenario::Use;
use std::fs;

const TRACKERS: &[&str] = &[
    "http://192.0.2.1/announce?passkey=1",
    "udp://192.0.2.2:6969/announce",
];

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn torrents() -> Vec<Sample> {
    vec![
        Sample::single(1_000_000, 16_384, TRACKERS),
        Sample::multi(&[10, 0, 100_000, 7], 32_768, TRACKERS),
        Sample::private(70_000, 65_536, TRACKERS),
    ]
}

pub(super) fn bencode() -> Vec<Vec<u8>> {
    let mut seeds = texts(&[
        "d1:ai-5e1:bl0:3:abcd1:xi0eeee",
        "i9223372036854775807e",
        "le",
        "de",
    ]);
    seeds.push([b"l".repeat(60), b"e".repeat(60)].concat());
    seeds.extend(http_tracker());
    seeds
}

pub(super) fn metainfo() -> Vec<Vec<u8>> {
    let good: Vec<_> = torrents().into_iter().map(|sample| sample.bytes).collect();
    // the simulator's ways to spoil one, but for those that are about size: they take long, and have their own tests
    let spoilt = BEHAVIOURS
        .iter()
        .filter(|behaviour| !matches!(behaviour.name, "torrent-tokens" | "torrent-nesting"))
        .map(|behaviour| mutate(&Use::new(behaviour.name), &good[1]));
    let mut seeds: Vec<_> = spoilt.collect();
    seeds.extend(good);
    seeds.push(
        b"d8:announce5:x://y13:announce-listll1:ael1:bee8:encoding5:UTF-84:infod5:filesld6:lengthi5e4:pathl3:..1:aee\
          d6:lengthi0e4:pathl4:a\xff/b1:.e10:path.utf-8l1:cee4:attr1:pe4:name1:/12:piece lengthi16384e6:pieces\
          20:aaaaaaaaaaaaaaaaaaaae8:url-listl10:http://x/ye5:nodesll1:hi1eeee"
            .to_vec(),
    );
    seeds
}

pub(super) fn magnet() -> Vec<Vec<u8>> {
    let mut seeds = texts(&[
        "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=a%20b&tr=http%3A%2F%2Fx%2Fannounce&x.pe=[::1]:1&so=0,2-4",
        "magnet:?xt=urn:btih:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567&xt=urn:btmh:1220caf1e1c30e81cb361b9ee167c4aa64228a7fa4fa9f6105232b28ad099f3a302e",
        "magnet:?xt.1=urn:btih:0123456789abcdef0123456789abcdef01234567&tr.1=udp://x:1&ws=http://y/&x.pe=host:65535",
    ]);
    seeds.extend(
        torrents()
            .iter()
            .map(|sample| Magnet::of(&sample.metainfo).to_string().into_bytes()),
    );
    seeds
}

pub(super) fn url() -> Vec<Vec<u8>> {
    texts(&[
        "http://user:pass@example.org:8080/a/b/../c?d=e&f=%20#g\n../h?i",
        "https://[2001:db8::1]:443/announce\n//other/x",
        "udp://tracker.test:6969/announce?key=%2f\nhttp://x/%zz",
        "http://xn--bcher-kva.example/announce.php?info_hash=1\n?q",
        "HTTP://0x7f.1/announce\nfile:///etc/passwd",
    ])
}

fn messages() -> Vec<Message> {
    let range = BlockRange {
        piece: PieceIndex(3),
        begin: 64,
        length: 64,
    };
    vec![
        Message::KeepAlive,
        Message::Bitfield(vec![0xff, 0x0f, 0]),
        Message::Unchoke,
        Message::Interested,
        Message::Have(PieceIndex(9)),
        Message::Request(range),
        Message::Cancel(range),
        Message::Piece {
            range,
            data: Block::from(vec![5; 64]),
        },
        Message::Port(1),
        Message::Suggest(PieceIndex(1)),
        Message::HaveAll,
        Message::HaveNone,
        Message::Reject(range),
        Message::AllowedFast(PieceIndex(0)),
        Message::Extended {
            id: 0,
            payload: extended().swap_remove(0),
        },
    ]
}

fn stream(messages: &[Message]) -> Vec<u8> {
    let mut bytes = Vec::new();
    messages.iter().for_each(|message| message.encode(&mut bytes));
    bytes
}

/// The byte that says how the rest is cut, in front.
fn behind(cut: u8, bytes: Vec<u8>) -> Vec<u8> {
    [vec![cut], bytes].concat()
}

pub(super) fn wire() -> Vec<Vec<u8>> {
    let all = messages();
    let mut seeds = vec![behind(0, stream(&all)), behind(16, stream(&all))];
    seeds.extend(all.chunks(3).map(|some| behind(5, stream(some))));
    seeds
}

pub(super) fn handshake() -> Vec<Vec<u8>> {
    let bytes = Handshake {
        reserved: Reserved::NONE.with_fast().with_extended(),
        info_hash: HASH,
        peer_id: PeerId([1; 20]),
    };
    vec![
        behind(0, bytes.encode().to_vec()),
        behind(47, bytes.encode().to_vec()),
    ]
}

pub(super) fn extended() -> Vec<Vec<u8>> {
    texts(&[
        "d1:ei1e4:ipv44:abcd4:ipv616:abcdefghijklmnop12:complete_agoi5e1:md11:lt_donthavei7e11:ut_metadatai2e6:ut_pexi1ee13:metadata_sizei31235e1:pi6881e4:reqqi250e11:upload_onlyi1e1:v5:x/1.06:yourip4:efghe",
        "d1:mdee",
        "d1:md11:ut_metadatai0e6:ut_pexi255ee13:metadata_sizei-1e4:reqqi99999999999e6:yourip3:abce",
    ])
}

pub(super) fn ut_metadata() -> Vec<Vec<u8>> {
    texts(&[
        "d8:msg_typei0e5:piecei0ee",
        "d8:msg_typei1e5:piecei1e10:total_sizei20000eebytes of it",
        "d8:msg_typei2e5:piecei4294967295ee",
        "d8:msg_typei9e5:piecei0ee",
    ])
}

pub(super) fn ut_pex() -> Vec<Vec<u8>> {
    texts(&[
        "d5:added12:abcdefghijkl7:added.f2:\u{1}\u{10}6:added618:abcdefghijklmnopqr8:added6.f1:\u{2}7:dropped6:abcdef8:dropped60:e",
        "d5:added0:7:added.f0:7:dropped0:e",
    ])
}

pub(super) fn mse() -> Vec<Vec<u8>> {
    let mut rng = Rng::from_seed([9; 32]);
    let (_, first) = Initiator::new(HASH, Modes::Both, Secrets::draw(&mut rng), vec![1; 68]);
    vec![
        behind(0, first.clone()),
        behind(95, first),
        behind(255, vec![0; 700]),
    ]
}

pub(super) fn udp_tracker() -> Vec<Vec<u8>> {
    let words = |words: &[u32]| {
        words
            .iter()
            .flat_map(|word| word.to_be_bytes())
            .collect::<Vec<u8>>()
    };
    vec![
        words(&[0, 7, 1, 2]),
        words(&[1, 7, 1800, 3, 4, 0xc000_0201, 0x1ae1_c000, 0x0202_1ae2]),
        words(&[2, 7, 1, 2, 3, 4, 5, 6]),
        [words(&[3, 7]), b"not registered".to_vec()].concat(),
        [
            words(&[3, 7]),
            b"d14:failure reason4:gone8:retry in5:nevere".to_vec(),
        ]
        .concat(),
    ]
}

pub(super) fn http_tracker() -> Vec<Vec<u8>> {
    let mut seeds = texts(&[
        "d8:completei3e10:downloadedi9e10:incompletei4e8:intervali1800e12:min intervali300e5:peers12:abcdefghijkl6:peers618:abcdefghijklmnopqr10:tracker id3:xyz15:warning message4:slowe",
        "d8:intervali60e5:peersld2:ip9:192.0.2.17:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti1eed2:ip4:host4:porti70000eeee",
        "d14:failure reason12:unregistered8:retry in5:nevere",
        "d11:external ip4:abcd8:intervali0e5:peers0:e",
    ]);
    let mut scrape = b"d5:filesd20:".to_vec();
    scrape.extend(HASH.0);
    scrape.extend(b"d8:completei1e10:downloadedi2e10:incompletei3eeee");
    seeds.push(scrape);
    seeds
}

pub(super) fn http() -> Vec<Vec<u8>> {
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\n\r\nto the end",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: 1\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /announce?a\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    ];
    let mut seeds: Vec<_> = answers
        .iter()
        .map(|answer| behind(6, answer.as_bytes().to_vec()))
        .collect();
    // "hello" stored, within gzip (RFC 1952)
    let mut gzip = b"\xffHTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 28\r\n\r\n".to_vec();
    gzip.extend(b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x01\x05\0\xfa\xffhello\x86\xa6\x10\x36\x05\0\0\0");
    seeds.push(gzip);
    seeds
}

pub(super) fn lsd() -> Vec<Vec<u8>> {
    texts(&[
        "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\nInfohash: 0123456789abcdef0123456789abcdef01234567\r\ncookie: abc\r\n\r\n\r\n",
        "-qB4650-abcdefghijkl",
        "M7-9-2--abcdefghijkl",
    ])
}

pub(super) fn resume() -> Vec<Vec<u8>> {
    let mut have = Bitfield::new(PIECES);
    have.insert(PieceIndex(3));
    let resume = Resume {
        info_hash: HASH,
        have,
        files: vec![None],
        downloaded: 5,
        uploaded: 6,
        clean: true,
    };
    let whole = resume.encode();
    // without its checksum, which the reader puts there
    let bare = whole[..whole.len() - 20].to_vec();
    vec![bare, whole]
}

/// What was recorded of real clients; none where the project's own folder is not at hand.
pub(super) fn journal() -> Vec<Vec<u8>> {
    files("tests/data/journals", "journal")
}

pub(super) fn scenario() -> Vec<Vec<u8>> {
    let mut seeds = files("sim/scenarios/regress", "kdl");
    seeds.extend(files("sim/scenarios/speed", "kdl"));
    seeds
}

fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(crate::project_root().join(folder))
        .into_iter()
        .flatten();
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == ending));
    // the order of a folder is not the same everywhere
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}

/// Lists of steps (see [`super::events`]): connections that shake hands and talk, a disk that answers.
pub(super) fn engine() -> Vec<Vec<u8>> {
    let step = |kind: u8, pick: u8, bytes: &[u8]| {
        let mut step = vec![kind, pick, 0, 0, 0, 9, 0, bytes.len() as u8];
        step.extend_from_slice(bytes);
        step
    };
    let start = [step(13, 1, &[]), step(13, 1, &[]), step(13, 1, &[])].concat();
    let peer = [
        step(2, 1, &[]),
        step(9, 1, &[]),
        step(11, 1, &[6]),
        step(11, 2, &[1]),
    ]
    .concat();
    let blocks: Vec<u8> = (0..32).flat_map(|n| step(11, n * 3, &[9])).collect();
    let disk: Vec<u8> = (0..16).flat_map(|n| step(13, n, &[])).collect();
    vec![
        [start.clone(), peer.clone(), blocks.clone(), disk.clone()].concat(),
        [start, peer.clone(), peer, disk.clone(), blocks, disk].concat(),
    ]
}
