//! How an engine is told which torrent it is about.

use super::EngineHost;
use seedbed_engine::magnet::Magnet;
use seedbed_engine::rng::Rng;
use seedbed_engine::{Purpose, TorrentSource};
use std::net::IpAddr;

/// Files that a link names: all that any torrent of a world has.
const FILES_MAX: u32 = 63;

impl EngineHost {
    /// The .torrent file; a magnet link for whoever has nothing yet, in a world that is about links.
    pub(super) fn source(&self) -> TorrentSource {
        if self.sample.spec.magnet.is_none() || self.purpose == Purpose::Seed {
            return self.sample.metainfo.clone().into();
        }
        TorrentSource::Magnet(Box::new(self.magnet()))
    }

    /// As people copy it: a text, with things in it that need not be there.
    pub(crate) fn magnet(&self) -> Magnet {
        let mut rng = self.seed.stream(&format!("{}/link", self.name));
        let plain = Magnet {
            info_hash: Some(self.sample.info_hash()),
            info_hash_v2: None,
            name: Some("sample".into()),
            trackers: self.sample.metainfo.trackers.iter().flatten().cloned().collect(),
            web_seeds: Vec::new(),
            peers: Vec::new(),
            select_only: None,
        };
        let mut link = plain.clone();
        if rng.chance(1, 3) {
            self.decorate(&mut rng, &mut link);
        }
        let mut text = link.to_string();
        if rng.chance(1, 3) {
            text = in_base32(&text, &self.sample.info_hash().0);
        }
        // one that cannot be read shows as a torrent that has no tracker
        Magnet::parse(&text).unwrap_or(plain)
    }

    fn decorate(&self, rng: &mut Rng, link: &mut Magnet) {
        link.name = Some("a sample\u{e9} of 7 %".into());
        link.web_seeds = vec!["http://seeds.test/a b".into()];
        link.select_only = Some(vec![0..=0, 1..=FILES_MAX]);
        let others = self.known.actors.iter().filter(|(name, _)| *name != self.name);
        // the user may name a peer before it is known that only trackers may
        let named = others
            .filter(|_| !self.sample.metainfo.private)
            .map(|(_, addr)| *addr);
        let six = |ip: IpAddr| ip.is_ipv6() && self.config.ipv6;
        link.peers = named
            .filter(|addr| addr.is_ipv4() || six(addr.ip()))
            .filter(|_| rng.chance(1, 2))
            .map(|addr| (addr.ip().to_string(), addr.port()))
            .collect();
    }
}

/// The same link with its info-hash in 32 letters, as old programs write it (RFC 4648).
fn in_base32(text: &str, hash: &[u8; 20]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let five = |n: usize| {
        let bit = |n: usize| hash[n / 8] >> (7 - n % 8) & 1;
        let value = (0..5).fold(0, |value, k| value << 1 | bit(5 * n + k));
        char::from(digits[usize::from(value)])
    };
    let letters: String = (0..32).map(five).collect();
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    text.replace(&hex, &letters)
}
