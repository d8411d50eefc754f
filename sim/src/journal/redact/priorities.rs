//! Priorities of connections (BEP 40), which are computed from addresses: a copy is given those of the original.

use super::pseudonyms::Pseudonyms;
use seedbed_engine::Engine;
use seedbed_engine::candidates::{canonical, priority};
use seedbed_engine::config::CandidatesConfig;
use seedbed_engine::id::TorrentId;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// Our own addresses and those of others, as they come up while the original is played.
#[derive(Clone, Debug, Default)]
pub(super) struct Priorities {
    own: BTreeSet<SocketAddr>,
    /// What stands for them in an engine that does not know them. The copy draws the same.
    stand_ins: BTreeSet<SocketAddr>,
    others: BTreeSet<SocketAddr>,
    /// How many addresses each torrent knew when it was looked at last.
    known: BTreeMap<TorrentId, usize>,
}

impl Priorities {
    /// Somebody is dialled, or dials.
    pub(super) fn meet(&mut self, addr: SocketAddr) {
        self.others.insert(canonical(addr));
    }

    /// Takes note of what an engine of these settings knows after a step.
    pub(super) fn look(&mut self, engine: &Engine, config: &CandidatesConfig) {
        if !config.canonical_priority {
            return;
        }
        for (id, view) in engine.torrents().filter_map(|id| Some((id, engine.torrent(id)?))) {
            let candidates = view.candidates();
            self.own.extend(candidates.seen_as());
            self.stand_ins.extend(candidates.stand_ins());
            let known = candidates.known();
            // in a full list one comes for another
            if self.known.insert(id, known) != Some(known) || known >= config.known_max {
                self.others.extend(candidates.addresses());
            }
        }
    }

    /// The priorities of all pairs, by what stands for the addresses.
    pub(super) fn given(&self, names: &mut Pseudonyms) -> BTreeMap<(SocketAddr, SocketAddr), u32> {
        let mut given = BTreeMap::new();
        let known: Vec<_> = self.own.iter().map(|own| (*own, names.addr(*own))).collect();
        let drawn = self.stand_ins.iter().map(|own| (*own, *own));
        for (own, shown) in known.into_iter().chain(drawn) {
            for other in self
                .others
                .iter()
                .filter(|other| other.is_ipv4() == own.is_ipv4())
            {
                given.insert((shown, names.addr(*other)), priority(own, *other));
            }
        }
        given
    }
}
