//! The extended handshake (BEP 10) on any bytes, and BEP 6's set for any torrent.

use crate::check;
use quickcheck::{Arbitrary, Gen};
use seedbed_engine::extension::fast::allowed_fast_set;
use seedbed_engine::extension::handshake::{CLIENT_MAX, EXTENSIONS_MAX, ExtendedHandshake};
use seedbed_engine::id::InfoHash;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[derive(Clone, Debug)]
struct AnyHandshake(ExtendedHandshake);

impl Arbitrary for AnyHandshake {
    fn arbitrary(g: &mut Gen) -> Self {
        let names = [
            "ut_pex",
            "ut_metadata",
            "lt_donthave",
            "upload_only",
            "x",
            "µ",
            "",
        ];
        let m = (0..usize::arbitrary(g) % 6).map(|_| {
            let name = *g.choose(&names).expect("not empty");
            (name.into(), u8::arbitrary(g) % 4)
        });
        let m = m.collect();
        let client = Option::<u64>::arbitrary(g).map(|n| format!("client {n}"));
        let ipv6 = Option::<[u16; 8]>::arbitrary(g).map(Ipv6Addr::from);
        let ipv4 = Option::<[u8; 4]>::arbitrary(g).map(Ipv4Addr::from);
        Self(ExtendedHandshake {
            m,
            client,
            listen_port: Option::<u16>::arbitrary(g).map(|n| n.max(1)),
            your_ip: if bool::arbitrary(g) {
                ipv4.map(IpAddr::V4)
            } else {
                ipv6.map(|ip| IpAddr::V6(ip).to_canonical())
            },
            ipv4,
            ipv6,
            reqq: Option::<u32>::arbitrary(g).map(|n| n.max(1)),
            upload_only: Option::arbitrary(g),
            metadata_size: Option::<u32>::arbitrary(g).map(|n| n.max(1)),
        })
    }
}

#[test]
fn an_extended_handshake_comes_back_as_it_was_sent() {
    fn property(sent: AnyHandshake, trailing: Vec<u8>) {
        let mut bytes = sent.0.encode();
        bytes.extend(trailing);
        assert_eq!(ExtendedHandshake::decode(&bytes), Ok(sent.0));
    }
    check(property as fn(AnyHandshake, Vec<u8>));
}

/// Valid handshakes with a few bytes changed, cut or doubled: most of them still have much that can be read.
#[test]
fn what_is_read_of_a_damaged_handshake_is_in_range() {
    fn property(sent: AnyHandshake, damage: Vec<(usize, u8)>, length: usize) {
        let mut bytes = sent.0.encode();
        let size = bytes.len();
        for (at, byte) in damage.into_iter().take(4) {
            bytes[at % size] = byte;
        }
        bytes.truncate(1 + length % (2 * size));
        let Ok(read) = ExtendedHandshake::decode(&bytes) else {
            return;
        };
        assert!(read.m.len() <= EXTENSIONS_MAX);
        assert!(read.listen_port != Some(0) && read.reqq != Some(0) && read.metadata_size != Some(0));
        if let Some(client) = &read.client {
            assert!(!client.is_empty() && !client.chars().any(char::is_control));
            // an escaped character takes at most ten
            assert!(client.chars().count() <= 10 * CLIENT_MAX + 1);
        }
        assert_eq!(
            ExtendedHandshake::decode(&read.encode()).map(|again| again.m),
            Ok(read.m)
        );
    }
    check(property as fn(AnyHandshake, Vec<(usize, u8)>, usize));
}

#[test]
fn merging_is_additive() {
    fn property(handshakes: Vec<AnyHandshake>) {
        let mut known = ExtendedHandshake::default();
        let (mut m, mut reqq) = (std::collections::BTreeMap::new(), None);
        for AnyHandshake(handshake) in handshakes {
            m.extend(handshake.m.clone());
            reqq = handshake.reqq.or(reqq);
            known.merge(handshake);
        }
        m.retain(|_, id| *id != 0);
        assert_eq!((known.m, known.reqq), (m, reqq));
    }
    check(property as fn(Vec<AnyHandshake>));
}

#[test]
fn an_allowed_fast_set_has_distinct_pieces_and_grows_at_its_end() {
    fn property(ip: u32, hash: u8, pieces: u16, count: u8) {
        let (pieces, count) = (u32::from(pieces), usize::from(count % 30));
        let (ip, hash) = (Ipv4Addr::from_bits(ip), InfoHash([hash; 20]));
        let set = allowed_fast_set(ip, hash, pieces, count);
        assert_eq!(set.len(), count.min(pieces as usize));
        assert!(set.iter().all(|piece| piece.0 < pieces));
        assert_eq!(set.iter().collect::<BTreeSet<_>>().len(), set.len());
        let more = allowed_fast_set(ip, hash, pieces, count + 1);
        assert!(more.starts_with(&set));
    }
    check(property as fn(u32, u8, u16, u8));
}
