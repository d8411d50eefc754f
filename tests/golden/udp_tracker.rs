//! The packets of UDP trackers, byte for byte from the tables of BEP 15 and the examples of BEP 41.

use seedbed_engine::id::{InfoHash, PeerId};
use seedbed_engine::tracker::udp::{
    Body, Packet, announce_reply, encode_announce, encode_connect, encode_scrape, scrape_reply,
};
use seedbed_engine::tracker::{AnnounceEvent, AnnounceParams};
use std::time::Duration;

const TRANSACTION: u32 = 0x0a0b_0c0d;
const CONNECTION: u64 = 0x1122_3344_5566_7788;

fn announce(event: AnnounceEvent) -> AnnounceParams {
    AnnounceParams {
        info_hash: InfoHash(*b"aaaaaaaaaabbbbbbbbbb"),
        peer_id: PeerId(*b"-sE0100-cccccccccccc"),
        port: 0x1ae1,
        uploaded: 3,
        downloaded: 1,
        left: 2,
        event,
        key: 0xdead_beef,
        numwant: None,
        tracker_id: None,
        encryption: seedbed_engine::config::Encryption::Off,
    }
}

/// "Connect": the magic constant, action 0, the transaction id.
#[test]
fn bep_15_connect() {
    let request = b"\x00\x00\x04\x17\x27\x10\x19\x80\x00\x00\x00\x00\x0a\x0b\x0c\x0d";
    assert_eq!(encode_connect(TRANSACTION), request);
    let response = b"\x00\x00\x00\x00\x0a\x0b\x0c\x0d\x11\x22\x33\x44\x55\x66\x77\x88";
    let body = Body::Connect(CONNECTION);
    assert_eq!(
        Packet::parse(response),
        Some(Packet {
            transaction: TRANSACTION,
            body
        })
    );
    assert_eq!(Packet::parse(&response[..15]), None);
}

/// "IPv4 announce request": offsets 0 to 98, `downloaded` before `left` before `uploaded`, -1 peers by default.
#[test]
fn bep_15_announce_request() {
    let head = b"\x11\x22\x33\x44\x55\x66\x77\x88\x00\x00\x00\x01\x0a\x0b\x0c\x0d";
    let names = b"aaaaaaaaaabbbbbbbbbb-sE0100-cccccccccccc";
    let counters = b"\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03";
    let rest = b"\0\0\0\0\xde\xad\xbe\xef\xff\xff\xff\xff\x1a\xe1";
    let events = [
        (AnnounceEvent::None, 0),
        (AnnounceEvent::Completed, 1),
        (AnnounceEvent::Started, 2),
        (AnnounceEvent::Stopped, 3),
    ];
    for (event, code) in events {
        let wanted = [&head[..], names, counters, &[0, 0, 0, code], rest].concat();
        assert_eq!(wanted.len(), 98);
        assert_eq!(
            encode_announce(CONNECTION, TRANSACTION, &announce(event), ""),
            wanted
        );
    }
}

/// "IPv4 announce response", and the same over IPv6 with a stride of 18 bytes.
#[test]
fn bep_15_announce_response() {
    let head = b"\x00\x00\x00\x01\x0a\x0b\x0c\x0d\x00\x00\x07\x08\x00\x00\x00\x05\x00\x00\x00\x07";
    let v4 = [&head[..], b"\xc0\x00\x02\x01\x1a\xe1\xc6\x33\x64\x07\x00\x01"].concat();
    let packet = Packet::parse(&v4).expect("a packet");
    let reply = announce_reply(&packet.body, false, 100).expect("a reply");
    assert_eq!(reply.interval, Some(Duration::from_secs(1800)));
    assert_eq!((reply.leechers, reply.seeders), (Some(5), Some(7)));
    let shown = |reply: &seedbed_engine::tracker::AnnounceReply| -> Vec<String> {
        reply.peers.iter().map(|peer| peer.addr.to_string()).collect()
    };
    assert_eq!(shown(&reply), ["192.0.2.1:6881", "198.51.100.7:1"]);
    let peer6 = b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1";
    let v6 = [&head[..], peer6].concat();
    let packet = Packet::parse(&v6).expect("a packet");
    let reply = announce_reply(&packet.body, true, 100).expect("a reply");
    assert_eq!(shown(&reply), ["[2001:db8::1]:6881"]);
    assert_eq!(Packet::parse(&head[..19]), None);
}

/// "Scrape": 20 bytes a torrent to the tracker; seeders, completed, leechers back.
#[test]
fn bep_15_scrape() {
    let hashes = [
        InfoHash(*b"aaaaaaaaaaaaaaaaaaaa"),
        InfoHash(*b"bbbbbbbbbbbbbbbbbbbb"),
    ];
    let request = b"\x11\x22\x33\x44\x55\x66\x77\x88\x00\x00\x00\x02\x0a\x0b\x0c\x0daaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbb";
    assert_eq!(encode_scrape(CONNECTION, TRANSACTION, &hashes), request);
    let response = b"\0\0\0\x02\x0a\x0b\x0c\x0d\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05\0\0\0\x06";
    let packet = Packet::parse(response).expect("a packet");
    let reply = scrape_reply(&packet.body, &hashes).expect("a reply");
    let numbers: Vec<[u32; 3]> = reply
        .files
        .iter()
        .map(|entry| [entry.seeders, entry.completed, entry.leechers])
        .collect();
    assert_eq!(numbers, [[1, 2, 3], [4, 5, 6]]);
}

/// "Errors": action 3, the transaction id, the message.
#[test]
fn bep_15_error() {
    let packet = Packet::parse(b"\0\0\0\x03\x0a\x0b\x0c\x0dno").expect("a packet");
    assert_eq!(packet.body, Body::Error(b"no"));
}

/// BEP 41: `0x2, 0xC, "/dir?a=b&c=d"`, then the end of the options.
#[test]
fn bep_41_url_data() {
    let packet = encode_announce(
        CONNECTION,
        TRANSACTION,
        &announce(AnnounceEvent::None),
        "/dir?a=b&c=d",
    );
    assert_eq!(&packet[98..], b"\x02\x0c/dir?a=b&c=d\x00");
}
