//! Random operations on the picker and on a naive model of it: sets of blocks, no indices, no cleverness.

use super::super::*;
use alloc::collections::BTreeMap;
use quickcheck::{Gen, QuickCheck};

type Key = (PieceIndex, u32);

const PIECES: u32 = 12;
const BLOCKS: u32 = 3;
const PEERS: u64 = 6;

struct Model {
    picker: Picker,
    sets: BTreeMap<ConnId, BTreeSet<PieceIndex>>,
    wanted: BTreeSet<PieceIndex>,
    have: BTreeSet<PieceIndex>,
    received: BTreeSet<Key>,
    requested: BTreeMap<ConnId, BTreeSet<Key>>,
    /// Requests taken back, whose block may still come.
    late: BTreeMap<ConnId, Vec<Key>>,
    /// As they were picked for last.
    snubbed: BTreeSet<ConnId>,
}

fn key_of(range: BlockRange) -> Key {
    assert_eq!((range.begin % 10, range.length), (0, 10));
    (range.piece, range.begin / 10)
}

fn range_of((piece, block): Key) -> BlockRange {
    BlockRange {
        piece,
        begin: block * 10,
        length: 10,
    }
}

fn all_pieces() -> BTreeSet<PieceIndex> {
    (0..PIECES).map(PieceIndex).collect()
}

impl Model {
    fn new(seed: u8) -> Self {
        let geometry = Geometry::new(u64::from(PIECES * BLOCKS) * 10, u64::from(BLOCKS) * 10, 10).unwrap();
        let config = PickerConfig {
            random_first_pieces: 2,
            endgame_duplicates_max: 2,
            ..PickerConfig::default()
        };
        Self {
            picker: Picker::new(geometry, config, Rng::from_seed([seed; 32])),
            sets: BTreeMap::new(),
            wanted: all_pieces(),
            have: BTreeSet::new(),
            received: BTreeSet::new(),
            requested: BTreeMap::new(),
            late: BTreeMap::new(),
            snubbed: BTreeSet::new(),
        }
    }

    fn missing(&self, piece: PieceIndex) -> bool {
        self.wanted.contains(&piece) && !self.have.contains(&piece)
    }

    fn has(&self, peer: ConnId, piece: PieceIndex) -> bool {
        self.sets.get(&peer).is_some_and(|set| set.contains(&piece))
    }

    fn is_requested(&self, key: Key) -> bool {
        self.requested.values().any(|keys| keys.contains(&key))
    }

    fn free_blocks(&self) -> impl Iterator<Item = Key> + '_ {
        all_pieces()
            .into_iter()
            .filter(|piece| self.missing(*piece))
            .flat_map(|piece| (0..BLOCKS).map(move |block| (piece, block)))
            .filter(|key| !self.received.contains(key) && !self.is_requested(*key))
    }

    fn owner(&self, piece: PieceIndex) -> Option<ConnId> {
        match self.picker.piece_state(piece) {
            PieceState::Partial { exclusive, .. } => exclusive,
            _ => None,
        }
    }

    fn take_back(&mut self, peer: ConnId, key: Key) {
        assert!(self.requested.get_mut(&peer).unwrap().remove(&key));
        self.late.entry(peer).or_default().push(key);
    }

    /// All requests for blocks of a piece are void, and what was received of it.
    fn drop_piece(&mut self, piece: PieceIndex) {
        self.received.retain(|key| key.0 != piece);
        let void: Vec<(ConnId, Key)> = self
            .requested
            .iter()
            .flat_map(|(peer, keys)| keys.iter().map(|key| (*peer, *key)))
            .filter(|(_, key)| key.0 == piece)
            .collect();
        for (peer, key) in void {
            self.take_back(peer, key);
        }
    }

    fn pick(&mut self, peer: ConnId, n: usize, mode: u8) {
        let allowed = [PieceIndex(1), PieceIndex(5), PieceIndex(77)];
        let how = PickMode {
            allowed: (mode % 5 == 4).then_some(&allowed),
            snubbed: mode % 5 == 1,
            exclusive: mode % 5 == 2,
            fast: mode % 5 == 3,
            races: usize::from(mode / 64),
        };
        if how.snubbed {
            self.snubbed.insert(peer);
        } else {
            self.snubbed.remove(&peer);
        }
        let mut again = self.picker.clone();
        let (mut picks, mut picks_again) = (Vec::new(), Vec::new());
        self.picker.pick(peer, n, how, &mut picks);
        again.pick(peer, n, how, &mut picks_again);
        assert_eq!(picks, picks_again, "a clone picks the same");
        assert!(picks.len() <= n);
        let idle = self.requested[&peer].is_empty();
        for pick in picks {
            let key = key_of(pick.range);
            assert!(self.missing(key.0) && self.has(peer, key.0) && !self.received.contains(&key));
            assert!(!self.requested[&peer].contains(&key), "asked twice of one peer");
            if let PickReason::Endgame { others } = pick.reason {
                assert_eq!(self.free_blocks().count(), 0, "end-game is strict");
                assert!(idle && !how.snubbed && how.allowed.is_none());
                let asked = self.requested.values().filter(|keys| keys.contains(&key)).count();
                assert!(asked == others as usize && (1..2).contains(&asked));
            } else {
                assert!(!self.is_requested(key), "asked twice outside end-game");
            }
            if how.exclusive {
                let contributes_too = |(other, keys): (&ConnId, &BTreeSet<Key>)| {
                    *other != peer
                        && !self.snubbed.contains(other)
                        && keys.iter().any(|other| other.0 == key.0)
                };
                assert!(!self.requested.iter().any(contributes_too), "a piece alone");
            }
            if how.exclusive && !matches!(pick.reason, PickReason::Endgame { .. }) {
                assert_eq!(self.picker.pool.get(key.0).unwrap().exclusive, Some(peer));
            }
            assert!(how.allowed.is_none_or(|allowed| allowed.contains(&key.0)));
            self.requested.get_mut(&peer).unwrap().insert(key);
        }
    }

    fn receive(&mut self, peer: ConnId, key: Key) {
        let outstanding = self.requested[&peer].contains(&key);
        let place = self
            .late
            .get(&peer)
            .and_then(|late| late.iter().position(|other| *other == key));
        let held = self.owner(key.0).is_some_and(|owner| owner != peer);
        let needed = self.missing(key.0) && !self.received.contains(&key);
        match self.picker.received(peer, range_of(key)) {
            Receipt::New {
                piece_complete,
                cancel,
            } => {
                assert!(needed && (outstanding || (place.is_some() && !held)));
                if outstanding {
                    self.requested.get_mut(&peer).unwrap().remove(&key);
                } else {
                    self.late.get_mut(&peer).unwrap().remove(place.unwrap());
                }
                let others: Vec<ConnId> = self
                    .requested
                    .iter()
                    .filter(|(_, keys)| keys.contains(&key))
                    .map(|(peer, _)| *peer)
                    .collect();
                let mut cancel = cancel.to_vec();
                cancel.sort_unstable();
                assert_eq!(cancel, others);
                for other in others {
                    self.take_back(other, key);
                }
                self.received.insert(key);
                let complete = (0..BLOCKS).all(|block| self.received.contains(&(key.0, block)));
                assert_eq!(piece_complete, complete);
            }
            Receipt::Duplicate => {
                assert!(!outstanding && (!needed || held));
                self.late.get_mut(&peer).unwrap().remove(place.unwrap());
            }
            Receipt::NotRequested => assert!(!outstanding && place.is_none()),
        }
    }

    /// Verifies, or fails, one piece whose blocks have all arrived.
    fn hash_one(&mut self, good: bool) -> bool {
        let complete = |piece: &PieceIndex| (0..BLOCKS).all(|block| self.received.contains(&(*piece, block)));
        let Some(piece) = all_pieces().into_iter().find(complete) else {
            return false;
        };
        self.drop_piece(piece);
        if good {
            self.picker.piece_verified(piece);
            self.have.insert(piece);
        } else {
            self.picker.piece_failed(piece);
        }
        true
    }

    fn lose(&mut self, peer: ConnId, piece: PieceIndex) {
        self.picker.peer_lost(peer, piece);
        self.sets.entry(peer).or_default().remove(&piece);
    }

    fn step(&mut self, op: u8, a: u8, b: u16) {
        let peer = ConnId::dialled(1 + u64::from(a) % PEERS);
        let joined = self.sets.contains_key(&peer);
        let piece = PieceIndex(u32::from(b) % PIECES);
        match op % 25 {
            0 | 1 => {
                self.picker.peer_joined(peer);
                self.sets.entry(peer).or_default();
                self.requested.entry(peer).or_default();
            }
            2 if joined => {
                let released: BTreeSet<Key> = self.picker.peer_left(peer).into_iter().map(key_of).collect();
                assert_eq!(Some(released), self.requested.remove(&peer));
                self.sets.remove(&peer);
                self.late.remove(&peer);
            }
            3 | 4 if joined => {
                let members = (0..PIECES).filter(|n| b & (1 << n) != 0).map(PieceIndex);
                let mut set = Bitfield::new(PIECES);
                members.clone().for_each(|piece| {
                    set.insert(piece);
                });
                self.picker.peer_has_set(peer, set);
                self.sets.insert(peer, members.collect());
            }
            5 if joined => {
                self.picker.peer_has_all(peer);
                self.sets.insert(peer, all_pieces());
            }
            6 if joined => self.picker.peer_suggests(peer, piece),
            7 | 8 => {
                self.picker.peer_has(peer, piece);
                if joined {
                    self.sets.get_mut(&peer).unwrap().insert(piece);
                }
            }
            9..=13 if joined => self.pick(peer, usize::from(b % 7), (b / 7) as u8),
            14..=17 if joined => {
                let keys: Vec<Key> = self.requested[&peer].iter().copied().collect();
                if let Some(key) = keys.get(usize::from(b) % keys.len().max(1)) {
                    self.receive(peer, *key);
                }
            }
            18 if joined => self.receive(peer, (piece, u32::from(b / 100) % BLOCKS)),
            19 if joined => {
                let key = (piece, u32::from(b / 100) % BLOCKS);
                let outstanding = self.requested[&peer].contains(&key);
                assert_eq!(self.picker.release(peer, range_of(key)), outstanding);
                if outstanding {
                    self.take_back(peer, key);
                }
            }
            20 => {
                let released: BTreeSet<Key> = self.picker.release_all(peer).into_iter().map(key_of).collect();
                assert_eq!(released, self.requested.get(&peer).cloned().unwrap_or_default());
                released.into_iter().for_each(|key| self.take_back(peer, key));
            }
            21 => {
                self.hash_one(!b.is_multiple_of(3));
            }
            22 if b.is_multiple_of(4) => self.want(b),
            24 if joined => self.lose(peer, piece),
            23 if b.is_multiple_of(4) => {
                self.picker.clear_have(piece);
                self.have.remove(&piece);
            }
            _ => {}
        }
    }

    fn want(&mut self, members: u16) {
        let wanted: BTreeSet<PieceIndex> = (0..PIECES)
            .filter(|n| members & (8 << n) == 0)
            .map(PieceIndex)
            .collect();
        let mut set = Bitfield::new(PIECES);
        wanted.iter().for_each(|piece| {
            set.insert(*piece);
        });
        self.picker.set_wanted(&set);
        for piece in self.wanted.difference(&wanted).copied().collect::<Vec<_>>() {
            self.drop_piece(piece);
        }
        self.wanted = wanted;
    }

    fn check(&self) {
        let left = all_pieces()
            .into_iter()
            .filter(|piece| self.missing(*piece))
            .count();
        assert_eq!(self.picker.wanted_left() as usize, left);
        for piece in all_pieces() {
            let recount = self.sets.values().filter(|set| set.contains(&piece)).count();
            assert_eq!(self.picker.availability(piece) as usize, recount, "{piece}");
            let open = self.picker.availability.is_open(piece);
            let partial = self.picker.pool.get(piece).is_some();
            assert_eq!(
                (open || partial, open && partial),
                (self.missing(piece), false),
                "{piece}"
            );
        }
        assert_eq!(
            self.picker.is_endgame(),
            left > 0 && self.free_blocks().next().is_none()
        );
        for (peer, set) in &self.sets {
            assert!(
                self.picker
                    .requested_by(*peer)
                    .map(key_of)
                    .eq(self.requested[peer].iter().copied())
            );
            assert_eq!(self.picker.outstanding(*peer), self.requested[peer].len());
            assert_eq!(
                self.picker.interesting(*peer),
                set.iter().any(|piece| self.missing(*piece)),
                "{peer}"
            );
            self.check_requestable(*peer);
        }
    }

    /// What a peer would be given if it could take everything: each free block that it has, but those held by a
    /// suspect while others are free. No orphan block, and the reason given for idleness is the true one.
    fn check_requestable(&self, peer: ConnId) {
        let mut picker = self.picker.clone();
        let mut picks = Vec::new();
        picker.pick(peer, 1000, PickMode::default(), &mut picks);
        let why = self.picker.why_idle(peer);
        assert_eq!(picks.is_empty(), why != IdleReason::Requestable, "{why}");
        let raced = picks
            .iter()
            .filter(|pick| matches!(pick.reason, PickReason::Endgame { .. }))
            .count();
        let picked: BTreeSet<Key> = picks.iter().map(|pick| key_of(pick.range)).collect();
        let held = |key: &Key| self.owner(key.0).is_some_and(|owner| owner != peer);
        let shared_by_others = self
            .free_blocks()
            .any(|key| !held(&key) && !self.has(peer, key.0));
        let expected: BTreeSet<Key> = self
            .free_blocks()
            .filter(|key| self.has(peer, key.0) && (!held(key) || !shared_by_others))
            .collect();
        if raced == 0 {
            assert_eq!(picked, expected, "{peer}");
        } else {
            assert_eq!((raced, expected.len()), (picked.len(), 0));
            assert_eq!(raced, 1);
        }
    }

    /// With one honest seed, a download ends, in as many steps as there are blocks and pieces.
    fn finish(&mut self) {
        for n in 1..=PEERS {
            if self.sets.contains_key(&ConnId::dialled(n)) {
                self.step(2, n as u8 - 1, 0);
            }
        }
        let seed = ConnId::dialled(PEERS);
        self.step(0, PEERS as u8 - 1, 0);
        self.step(5, PEERS as u8 - 1, 0);
        for _ in 0..PIECES * 2 {
            // on parole or not: neither may stall a download
            self.pick(seed, 5, if self.have.len().is_multiple_of(2) { 2 } else { 0 });
            for key in self.requested[&seed].clone() {
                self.receive(seed, key);
            }
            while self.hash_one(true) {}
        }
        assert!(
            self.picker.is_complete(),
            "{} pieces are left",
            self.picker.wanted_left()
        );
    }
}

#[test]
fn the_picker_agrees_with_a_naive_model() {
    fn holds(seed: u8, ops: Vec<(u8, u8, u16)>) -> bool {
        let mut model = Model::new(seed);
        for (op, a, b) in ops {
            model.step(op, a, b);
            model.check();
        }
        model.finish();
        true
    }
    for (size, tests) in [(30, 200), (120, 100), (500, 30)] {
        QuickCheck::new()
            .rng(Gen::from_size_and_seed(size, 17))
            .tests(tests)
            .quickcheck(holds as fn(u8, Vec<(u8, u8, u16)>) -> bool);
    }
}
