//! Base32, percent-encoding and UTF-8, each held against the reader or writer of ours that meets it.

use seedbed_engine::config::Encryption;
use seedbed_engine::id::{InfoHash, PeerId};
use seedbed_engine::magnet::Magnet;
use seedbed_engine::metainfo::Metainfo;
use seedbed_engine::tracker::http::announce_target;
use seedbed_engine::tracker::{AnnounceEvent, AnnounceParams, TrackerUrl};
use tests::corpus::{check_topic, hex, same, unhex};

#[test]
fn encodings() {
    check_topic("encodings", |case| {
        let text = |key: &str| case[key].as_str().expect("a text");
        match text("kind") {
            "base32_decode" => base32(text("input"), text("hex")),
            "percent_decode" => percent_decode(text("input"), case["text"].as_str()),
            "percent_encode_info_hash" => info_hash(&unhex(&case["hex"]), text("text")),
            "utf8_valid" => utf8(&unhex(&case["hex"]), case["valid"].as_bool().expect("valid")),
            other => Err(format!("unknown kind {other}")),
        }
    });
}

/// A link's hash has 32 digits and needs no padding, so the case is its beginning and zeros are the rest.
fn base32(input: &str, expected: &str) -> Result<(), String> {
    let digits = input.trim_end_matches('=');
    let magnet = Magnet::parse(&format!("magnet:?xt=urn:btih:{digits:A<32}"));
    let hash = magnet.map_err(|error| error.to_string())?.info_hash;
    let shown = hash.map(|hash| hash.to_string()).unwrap_or_default();
    same("hash", shown, format!("{expected:0<40}"))
}

/// A name in a link. One whose escapes are broken is no name, or the link is refused.
fn percent_decode(input: &str, expected: Option<&str>) -> Result<(), String> {
    let link = format!("magnet:?xt=urn:btih:{}&dn={input}", "a".repeat(40));
    let name = Magnet::parse(&link).ok().and_then(|magnet| magnet.name);
    same("name", name.as_deref(), expected)
}

/// In an announce. More bytes than needed may be escaped, and the digits may have either case: compared is what a tracker
/// reads.
fn info_hash(hash: &[u8], expected: &str) -> Result<(), String> {
    let url = TrackerUrl::parse("http://t.example/announce").expect("a URL");
    let params = AnnounceParams {
        info_hash: InfoHash(hash.try_into().expect("20 bytes")),
        peer_id: PeerId([b'a'; 20]),
        port: 6881,
        uploaded: 0,
        downloaded: 0,
        left: 0,
        numwant: None,
        key: 0,
        event: AnnounceEvent::None,
        tracker_id: None,
        encryption: Encryption::Off,
    };
    let target = announce_target(&url, &params);
    let value = target.split_once("info_hash=").expect("a hash").1;
    let value = value.split('&').next().expect("a value");
    same("what we wrote", hex(&unescaped(value)), hex(hash))?;
    same("what they wrote", hex(&unescaped(expected)), hex(hash))
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let digits = [rest.next().expect("a digit"), rest.next().expect("a digit")];
            let digits = std::str::from_utf8(&digits).expect("ASCII");
            u8::from_str_radix(digits, 16).expect("hexadecimal")
        } else {
            byte
        });
    }
    bytes
}

/// A torrent's name: taken as it is if it is UTF-8, and else one that is.
fn utf8(name: &[u8], valid: bool) -> Result<(), String> {
    let length = name.len();
    let mut info = format!("d6:lengthi1e4:name{length}:").into_bytes();
    info.extend(name);
    info.extend(b"12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae");
    let read = Metainfo::from_info(&info, Vec::new()).map_err(|error| error.to_string())?;
    same("taken as it is", read.name.as_bytes() == name, valid)
}
