//! Super-seeding (BEP 16): a lone seed shows nobody what it has, but to each peer one piece at a time, and the next one
//! only when that piece was seen at another peer. So nearly every byte that it sends is one that the swarm did not have.
//!
//! Invariants: a peer is offered one piece at a time, one that it lacks; it may ask for what was ever offered to it; the
//! order of offers goes round all pieces, so that no piece is offered twice before each was offered once.

use crate::bitfield::Bitfield;
use crate::id::{ConnId, PieceIndex};
use crate::time::{Duration, Instant};
use alloc::collections::{BTreeMap, BTreeSet};
use serde::{Deserialize, Serialize};

/// A peer whose piece nobody else has for so long is offered the next: those that it is connected to may be none of
/// ours. Two choking rounds of three unchokes, several times over.
const PATIENCE: Duration = Duration::from_secs(120);

/// What one peer was offered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Peer {
    /// The piece that it may pass on now, and since when.
    offer: Option<(PieceIndex, Instant)>,
    /// Bytes of that piece that it was sent. Clients do not tell of a piece whom they believe to have it.
    sent: u32,
    /// All that it was offered, this one included.
    offered: BTreeSet<PieceIndex>,
    /// It has said what it has, or had the time to.
    introduced: bool,
}

/// Who was offered what.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SuperSeed {
    peers: BTreeMap<ConnId, Peer>,
    /// Where the search for the next piece begins.
    next: u32,
}

impl SuperSeed {
    /// A peer is there.
    pub fn joined(&mut self, conn: ConnId) {
        self.peers.insert(conn, Peer::default());
    }

    /// A peer has said what it has.
    pub fn introduced(&mut self, conn: ConnId) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.introduced = true;
        }
    }

    /// Whoever has said nothing by now has nothing: BEP 3 has no word for it.
    pub fn all_introduced(&mut self) {
        self.peers.values_mut().for_each(|peer| peer.introduced = true);
    }

    /// A peer was sent bytes of a piece.
    pub fn sent(&mut self, conn: ConnId, piece: PieceIndex, bytes: u32) {
        let peer = self.peers.get_mut(&conn);
        if let Some(peer) = peer.filter(|peer| peer.offer.is_some_and(|(offer, _)| offer == piece)) {
            peer.sent = peer.sent.saturating_add(bytes);
        }
    }

    /// A peer is gone.
    pub fn left(&mut self, conn: ConnId) {
        self.peers.remove(&conn);
    }

    /// Whether a piece may be asked for by a peer.
    pub fn was_offered(&self, conn: ConnId, piece: PieceIndex) -> bool {
        self.peers
            .get(&conn)
            .is_some_and(|peer| peer.offered.contains(&piece))
    }

    /// What a peer is offered now, if anything: one of ours that it lacks, rather one that nobody has. `set` says what a
    /// peer has, `length` how long a piece is.
    pub fn offer<'a>(
        &mut self,
        now: Instant,
        conn: ConnId,
        ours: &Bitfield,
        set: impl Fn(ConnId) -> Option<&'a Bitfield>,
        length: impl Fn(PieceIndex) -> u32,
    ) -> Option<PieceIndex> {
        let theirs = set(conn)?;
        let peer = self.peers.get(&conn)?;
        let others = || {
            let others = self.peers.keys().filter(|other| **other != conn);
            others
                .filter_map(|other| set(*other))
                .filter(|set| !set.is_full())
        };
        let done = match peer.offer {
            None => peer.introduced,
            Some((piece, since)) => {
                let has = theirs.contains(piece) || peer.sent >= length(piece);
                let passed_on = others().any(|set| set.contains(piece));
                // with nobody to pass it on to there is nothing to wait for
                passed_on || has && (others().next().is_none() || now >= since + PATIENCE)
            }
        };
        if !done {
            return None;
        }
        let fits = |piece: &PieceIndex| {
            ours.contains(*piece) && !theirs.contains(*piece) && !peer.offered.contains(piece)
        };
        let pieces = ours.capacity();
        let round = || {
            (self.next..pieces)
                .chain(0..self.next)
                .map(PieceIndex)
                .filter(fits)
        };
        let nobody_has = |piece: &PieceIndex| {
            let sets = self.peers.keys().filter_map(|conn| set(*conn));
            !sets.into_iter().any(|set| set.contains(*piece))
        };
        let offered_now = |piece: &PieceIndex| {
            let mut offers = self.peers.values().filter_map(|peer| peer.offer);
            offers.any(|(offer, _)| offer == *piece)
        };
        let fresh = round().find(|piece| nobody_has(piece) && !offered_now(piece));
        let piece = fresh
            .or_else(|| round().find(|piece| !offered_now(piece)))
            .or_else(|| round().next())?;
        self.next = (piece.0 + 1) % pieces.max(1);
        let peer = self.peers.get_mut(&conn)?;
        peer.offer = Some((piece, now));
        peer.sent = 0;
        peer.offered.insert(piece);
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// A seed of four pieces and what its peers have.
    struct Story {
        seed: SuperSeed,
        sets: BTreeMap<ConnId, Bitfield>,
    }

    impl Story {
        fn new(peers: u64) -> Self {
            let mut seed = SuperSeed::default();
            let conns: Vec<_> = (1..=peers).map(ConnId::dialled).collect();
            conns.iter().for_each(|conn| {
                seed.joined(*conn);
                seed.introduced(*conn);
            });
            let sets = conns.into_iter().map(|conn| (conn, Bitfield::new(4))).collect();
            Self { seed, sets }
        }

        fn offer(&mut self, seconds: u64, n: u64) -> Option<u32> {
            let sets = &self.sets;
            let piece = self.seed.offer(
                Instant::from_secs(seconds),
                ConnId::dialled(n),
                &Bitfield::full(4),
                |conn| sets.get(&conn),
                |_| 100,
            );
            piece.map(|piece| piece.0)
        }

        fn gets(&mut self, n: u64, piece: u32) {
            self.sets
                .get_mut(&ConnId::dialled(n))
                .unwrap()
                .insert(PieceIndex(piece));
        }
    }

    #[test]
    fn each_peer_gets_a_piece_of_its_own_and_the_next_when_it_was_passed_on() {
        let mut story = Story::new(2);
        assert_eq!((story.offer(0, 1), story.offer(0, 2)), (Some(0), Some(1)));
        assert_eq!(story.offer(1, 1), None, "it has not even fetched it");
        story.seed.sent(ConnId::dialled(1), PieceIndex(0), 100);
        assert_eq!(story.offer(2, 1), None, "nobody else has it");
        story.gets(2, 0);
        assert_eq!(story.offer(3, 1), Some(2));
        assert!(story.seed.was_offered(ConnId::dialled(1), PieceIndex(0)));
        assert!(!story.seed.was_offered(ConnId::dialled(1), PieceIndex(1)));
    }

    #[test]
    fn nobody_waits_for_ever() {
        let mut alone = Story::new(1);
        for piece in 0..4 {
            assert_eq!(alone.offer(0, 1), Some(piece), "there is nobody to pass it on to");
            alone.seed.sent(ConnId::dialled(1), PieceIndex(piece), 99);
            assert_eq!(alone.offer(0, 1), None);
            alone.seed.sent(ConnId::dialled(1), PieceIndex(piece), 1);
        }
        assert_eq!(alone.offer(0, 1), None);
        let mut story = Story::new(2);
        story.offer(0, 1);
        story.gets(1, 0);
        assert_eq!(story.offer(119, 1), None);
        assert!(story.offer(120, 1).is_some());
    }

    #[test]
    fn who_has_not_said_what_it_has_is_offered_nothing_yet() {
        let mut story = Story::new(1);
        story.seed.joined(ConnId::dialled(1));
        assert_eq!(story.offer(0, 1), None);
        story.seed.all_introduced();
        assert_eq!(story.offer(0, 1), Some(0));
        story.seed.left(ConnId::dialled(1));
        assert_eq!(story.offer(0, 1), None);
    }
}
