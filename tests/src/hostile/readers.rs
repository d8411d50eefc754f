//! The readers, each with what it promises of anything that it accepts.

use core::net::Ipv4Addr;
use seedbed_engine::bencode::{Limits, Value};
use seedbed_engine::config::HttpConfig;
use seedbed_engine::extension::dont_have;
use seedbed_engine::extension::handshake::ExtendedHandshake;
use seedbed_engine::extension::metadata::MetadataMessage;
use seedbed_engine::extension::pex::PexMessage;
use seedbed_engine::http::{Access, Families, HttpExchange, HttpOutput, Url, Use};
use seedbed_engine::id::{InfoHash, PeerId, PieceIndex};
use seedbed_engine::journal::{Journal, Replay};
use seedbed_engine::magnet::{Magnet, MagnetError};
use seedbed_engine::metainfo::Metainfo;
use seedbed_engine::mse::{Initiator, Modes, Responder, Secrets};
use seedbed_engine::resume::Resume;
use seedbed_engine::rng::Rng;
use seedbed_engine::time::Instant;
use seedbed_engine::tracker::{TrackerUrl, http, udp};
use seedbed_engine::wire::{Decoder, HandshakeDecoder, Limits as WireLimits};
use sha1::{Digest, Sha1};

/// What the readers of one torrent's bytes are for.
pub(super) const HASH: InfoHash = InfoHash([7; 20]);
pub(super) const PIECES: u32 = 40;

/// Steps of a journal that are replayed: it costs far more than reading them.
const STEPS_MAX: usize = 2_000;

/// The bytes in reads whose sizes the first byte says, and what is read of them.
fn cut(bytes: &[u8]) -> (usize, &[u8]) {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    (usize::from(*first) + 1, rest)
}

/// A value of bencode, under each of the limits. A value is its bytes.
///
/// # Panics
/// When a promise is broken.
pub fn bencode(bytes: &[u8]) {
    for limits in [Limits::TORRENT, Limits::MESSAGE, Limits::REPLY] {
        let Ok((value, scan)) = Value::parse(bytes, &limits) else {
            continue;
        };
        assert_eq!(value.raw(), &bytes[..scan.end], "a value is its bytes");
        let (again, rescan) = Value::parse(value.raw(), &limits).expect("it was read once");
        assert_eq!((again.raw(), rescan.end), (value.raw(), scan.end));
    }
}

/// A .torrent file. Its paths stay below a folder, its sizes add up, and what we write of it is the same torrent.
///
/// # Panics
/// When a promise is broken.
pub fn metainfo(bytes: &[u8]) {
    let Ok(torrent) = Metainfo::parse(bytes) else {
        return;
    };
    assert_eq!(
        torrent.info_hash.0,
        <[u8; 20]>::from(Sha1::digest(&torrent.info_bytes))
    );
    let mut total = 0;
    for file in torrent.layout.files() {
        total += file.length;
        assert!(file.path.len() <= 4096, "{} bytes of path", file.path.len());
        for part in file.path.split('/') {
            assert!(!matches!(part, "" | "." | ".."), "{:?}", file.path);
            assert!(part.len() <= 255, "{part:?}");
            assert!(
                !part.chars().any(|letter| letter.is_control() || letter == '\\'),
                "{part:?}"
            );
        }
    }
    assert_eq!(total, torrent.total_length);
    let geometry = torrent.geometry(16_384).expect("it can be downloaded");
    assert_eq!(geometry.pieces(), torrent.pieces());
    assert!(torrent.piece_hash(PieceIndex(torrent.pieces() - 1)).is_some());
    assert!(torrent.piece_hash(PieceIndex(torrent.pieces())).is_none());
    let again = Metainfo::parse(&torrent.to_file()).expect("what we write can be read");
    assert_eq!(
        (again.info_hash, again.layout),
        (torrent.info_hash, torrent.layout.clone())
    );
    let info = Metainfo::from_info(&torrent.info_bytes, Vec::new());
    assert_eq!(info.map(|info| info.info_hash), Ok(torrent.info_hash));
}

/// A magnet link. What we write of it names the same torrent.
///
/// # Panics
/// When a promise is broken.
pub fn magnet(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(magnet) = Magnet::parse(&text) else {
        return;
    };
    let again = match Magnet::parse(&magnet.to_string()) {
        // escaped, a long name is longer still
        Err(MagnetError::Length(_)) => return,
        again => again.expect("what we write can be read"),
    };
    assert_eq!(again.info_hash, magnet.info_hash);
    assert_eq!(again.info_hash_v2, magnet.info_hash_v2);
}

/// Two URLs, a line each: one, and what it redirects to. Neither can begin a second line of a request.
///
/// # Panics
/// When a promise is broken.
pub fn url(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (one, two) = text.split_once('\n').unwrap_or((&text, "../x"));
    let sound = |url: &Url| {
        let line = format!("{} {}", url.request_target(), url.host_header());
        // a space or a line end would begin something of its own in a request
        assert_eq!(line.split_ascii_whitespace().count(), 2, "{line:?}");
        assert!(!line.contains(|letter: char| letter.is_control()), "{line:?}");
    };
    if let Ok(url) = Url::parse(one) {
        sound(&url);
        if let Ok(joined) = url.join(two) {
            sound(&joined);
        }
    }
    if let Ok(url) = TrackerUrl::parse(one) {
        let _ = url.scrape_url();
    }
}

/// Messages of a peer, cut as the first byte says. Cuts make no difference, and no more is kept than the limits allow.
///
/// # Panics
/// When a promise is broken.
pub fn wire(bytes: &[u8]) {
    let limits = WireLimits {
        message_max: 1000,
        block_max: 256,
    };
    let (size, rest) = cut(bytes);
    let decode = |size: usize| {
        let mut decoder = Decoder::new(limits);
        let mut seen = Vec::new();
        for mut read in rest.chunks(size) {
            decoder.begin_input();
            loop {
                match decoder.next(&mut read) {
                    Ok(Some(message)) => seen.push(Ok(message)),
                    Ok(None) => break,
                    Err(error) => {
                        seen.push(Err(error));
                        return seen;
                    }
                }
            }
            assert!(decoder.stashed() <= 1000);
        }
        seen
    };
    assert_eq!(decode(size), decode(usize::MAX), "cuts make no difference");
}

/// A handshake, cut as the first byte says. Cuts make no difference.
///
/// # Panics
/// When a promise is broken.
pub fn handshake(bytes: &[u8]) {
    let (size, rest) = cut(bytes);
    let decode = |size: usize| {
        let mut decoder = HandshakeDecoder::new();
        let mut seen = Vec::new();
        for mut read in rest.chunks(size) {
            while !read.is_empty() && decoder.taken() < 68 {
                match decoder.next(&mut read) {
                    Ok(Some(part)) => seen.push(Ok(part)),
                    Ok(None) => break,
                    Err(error) => {
                        seen.push(Err(error));
                        return seen;
                    }
                }
            }
        }
        seen
    };
    assert_eq!(decode(size), decode(usize::MAX), "cuts make no difference");
}

/// The payload of an extended handshake (BEP 10), and of `lt_donthave` (BEP 54).
///
/// # Panics
/// When a promise is broken.
pub fn extended(bytes: &[u8]) {
    if let Ok(mut handshake) = ExtendedHandshake::decode(bytes) {
        // fit for a terminal, so it may be cut once more when it is read once more
        handshake.client = None;
        let again = ExtendedHandshake::decode(&handshake.encode());
        assert_eq!(again, Ok(handshake), "what we write can be read");
    }
    let _ = dont_have::decode(bytes);
}

/// A message of `ut_metadata` (BEP 9).
///
/// # Panics
/// When a promise is broken.
pub fn ut_metadata(bytes: &[u8]) {
    let message = MetadataMessage::decode(bytes);
    // what is not known is not sent
    if let Some(message) = message.filter(|message| *message != MetadataMessage::Unknown) {
        let encoded = message.encode();
        assert_eq!(MetadataMessage::decode(&encoded), Some(message));
    }
}

/// A message of `ut_pex` (BEP 11).
///
/// # Panics
/// When a promise is broken.
pub fn ut_pex(bytes: &[u8]) {
    if let Ok(message) = PexMessage::decode(bytes) {
        assert!(message.added.len() <= 1_000 && message.dropped.len() <= 1_000);
        let again = PexMessage::decode(&message.encode()).expect("what we write can be read");
        assert_eq!(again.added.len(), message.added.len());
    }
}

/// Both sides of an encrypted handshake, cut as the first byte says.
///
/// # Panics
/// When a promise is broken.
pub fn mse(bytes: &[u8]) {
    let (size, rest) = cut(bytes);
    let mut rng = Rng::from_seed([3; 32]);
    let mut responder = Responder::new(Modes::Both, Secrets::draw(&mut rng));
    let (mut initiator, _) = Initiator::new(HASH, Modes::Both, Secrets::draw(&mut rng), vec![1; 68]);
    'responder: for mut read in rest.chunks(size) {
        while !read.is_empty() {
            match responder.receive(&mut read, &mut [HASH].into_iter()) {
                Ok(None) => {}
                Ok(Some(_)) | Err(_) => break 'responder,
            }
        }
    }
    'initiator: for mut read in rest.chunks(size) {
        while !read.is_empty() {
            match initiator.receive(&mut read) {
                Ok(None) => {}
                Ok(Some(_)) | Err(_) => break 'initiator,
            }
        }
    }
}

/// A datagram of a tracker (BEP 15). Its words are fit for a terminal.
///
/// # Panics
/// When a promise is broken.
pub fn udp_tracker(bytes: &[u8]) {
    let Some(packet) = udp::Packet::parse(bytes) else {
        return;
    };
    for v6 in [false, true] {
        if let Some(reply) = udp::announce_reply(&packet.body, v6, 50) {
            assert!(reply.peers.len() <= 50);
        }
    }
    let _ = udp::scrape_reply(&packet.body, &[HASH, InfoHash([8; 20])]);
    let refusal = udp::refusal(bytes).to_string();
    assert!(
        !refusal.contains(|letter: char| letter.is_control()),
        "{refusal:?}"
    );
}

/// The body of an announce's answer, and of a scrape's (BEP 3, 23, 48). Its words are fit for a terminal.
///
/// # Panics
/// When a promise is broken.
pub fn http_tracker(bytes: &[u8]) {
    match http::parse_announce(bytes, 50) {
        Ok(reply) => {
            assert!(reply.peers.len() <= 50);
            let shown = reply.warning.unwrap_or_default();
            assert!(!shown.contains(|letter: char| letter.is_control()), "{shown:?}");
        }
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.contains(|letter: char| letter.is_control()), "{shown:?}");
        }
    }
    let _ = http::parse_scrape(bytes, &[HASH, InfoHash([8; 20])]);
}

/// What an HTTP server sends, cut as the first byte says. Cuts make no difference, and the body keeps its limit.
///
/// # Panics
/// When a promise is broken.
pub fn http(bytes: &[u8]) {
    let (size, rest) = cut(bytes);
    let fetch = |size: usize| {
        let url = Url::parse("http://192.0.2.1/announce?x").expect("a URL");
        let now = Instant::START;
        let access = Access {
            purpose: Use::Tracker,
            allow_local: false,
            typed: false,
        };
        let families = Families { v4: true, v6: true };
        let config = HttpConfig {
            body_max: 10_000,
            head_max: 2_000,
            ..HttpConfig::default()
        };
        let mut exchange = HttpExchange::new(now, &url, access, false, families, &config, "t/1");
        let mut seen = Vec::new();
        let drain = |exchange: &mut HttpExchange, seen: &mut Vec<HttpOutput>| {
            while let Some(output) = exchange.poll_output() {
                if let HttpOutput::Done(Ok(body)) = &output {
                    assert!(body.body.len() <= 10_000, "{} bytes of body", body.body.len());
                }
                seen.push(output);
            }
        };
        exchange.handle_resolved(now, Ok(vec![Ipv4Addr::new(192, 0, 2, 1).into()]));
        exchange.handle_connected(now);
        for read in rest.chunks(size) {
            exchange.handle_received(now, read);
            drain(&mut exchange, &mut seen);
        }
        exchange.handle_closed(now, seedbed_engine::net::CloseCause::Eof);
        drain(&mut exchange, &mut seen);
        seen
    };
    // Behind the end of an answer bytes may come or not, so only how it ends is the same.
    let end = |seen: Vec<HttpOutput>| {
        seen.into_iter()
            .find(|output| matches!(output, HttpOutput::Done(_)))
    };
    assert_eq!(
        end(fetch(size)),
        end(fetch(usize::MAX)),
        "cuts make no difference"
    );
}

/// A datagram of local service discovery (BEP 14), and a peer id, whose name is fit for a terminal.
///
/// # Panics
/// When a promise is broken.
pub fn lsd(bytes: &[u8]) {
    if let Ok(packet) = seedbed_engine::lsd::read(bytes) {
        assert!(packet.port > 0 && !packet.hashes.is_empty());
    }
    let mut id = [0; 20];
    for (slot, byte) in id.iter_mut().zip(bytes) {
        *slot = *byte;
    }
    let name = seedbed_engine::client_name::client_name(&PeerId(id));
    assert!(!name.contains(|letter: char| letter.is_control()), "{name:?}");
}

/// A saved state, as it is and with a right checksum. What we write of it is the same.
///
/// # Panics
/// When a promise is broken.
pub fn resume(bytes: &[u8]) {
    let mut signed = bytes.to_vec();
    signed.extend_from_slice(&Sha1::digest(bytes));
    // as it lies on the disk, and as if its checksum were right
    for bytes in [bytes, &signed] {
        if let Ok(resume) = Resume::decode(bytes, HASH, PIECES) {
            let again = Resume::decode(&resume.encode(), HASH, PIECES);
            assert_eq!(again.as_ref(), Ok(&resume), "what we write can be read");
        }
    }
}

/// A journal, replayed.
///
/// # Panics
/// When a promise is broken.
pub fn journal(bytes: &[u8]) {
    let Ok(journal) = Journal::read(bytes) else {
        return;
    };
    let mut replay = Replay::new(&journal, false);
    for _ in 0..STEPS_MAX {
        if replay.step().is_none() {
            break;
        }
    }
}

/// A scenario. It is printed as it is read.
///
/// # Panics
/// When a promise is broken.
pub fn scenario(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(scenario) = seedbed_sim::scenario::kdl::parse(&text) {
        let printed = seedbed_sim::scenario::print::print(&scenario);
        let again = seedbed_sim::scenario::kdl::parse(&printed);
        let again = again.unwrap_or_else(|mistake| panic!("{mistake:?} in\n{printed}"));
        assert_eq!(seedbed_sim::scenario::print::print(&again), printed);
    }
}
