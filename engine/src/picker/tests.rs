//! The picker's rules, one test each. The model test with random operations is in `model`.

mod cost;
mod counts;
mod model;
mod parole;
mod wishes;

use super::*;
use alloc::vec;

const SEED: ConnId = ConnId::dialled(1);
const A: ConnId = ConnId::dialled(2);
const B: ConnId = ConnId::dialled(3);
const C: ConnId = ConnId::dialled(4);

/// Pieces of four blocks of ten bytes.
fn picker(pieces: u32, random_first_pieces: u32) -> Picker {
    let geometry = Geometry::new(u64::from(pieces) * 40, 40, 10).unwrap();
    let config = PickerConfig {
        random_first_pieces,
        ..PickerConfig::default()
    };
    Picker::new(geometry, config, Rng::from_seed([9; 32]))
}

fn set(pieces: u32, members: impl IntoIterator<Item = u32>) -> Bitfield {
    let mut set = Bitfield::new(pieces);
    for n in members {
        set.insert(PieceIndex(n));
    }
    set
}

fn pick(picker: &mut Picker, peer: ConnId, n: usize, how: PickMode<'_>) -> Vec<Pick> {
    let mut picks = Vec::new();
    picker.pick(peer, n, how, &mut picks);
    picks
}

fn plain(picker: &mut Picker, peer: ConnId, n: usize) -> Vec<Pick> {
    pick(picker, peer, n, PickMode::default())
}

fn pieces_of(picks: &[Pick]) -> Vec<u32> {
    let mut pieces: Vec<u32> = picks.iter().map(|pick| pick.range.piece.0).collect();
    pieces.dedup();
    pieces
}

fn join(picker: &mut Picker, peer: ConnId, members: &[u32]) {
    let pieces = picker.have().capacity();
    picker.peer_joined(peer);
    picker.peer_has_set(peer, set(pieces, members.iter().copied()));
}

fn deliver(picker: &mut Picker, peer: ConnId, picks: &[Pick]) {
    for pick in picks {
        let receipt = picker.received(peer, pick.range);
        if let Receipt::New {
            piece_complete: true, ..
        } = receipt
        {
            picker.piece_verified(pick.range.piece);
        }
    }
}

const EXCLUSIVE: PickMode<'static> = PickMode {
    allowed: None,
    snubbed: false,
    exclusive: true,
    fast: false,
    races: 1,
};
const FAST: PickMode<'static> = PickMode {
    fast: true,
    exclusive: false,
    ..EXCLUSIVE
};
const SNUBBED: PickMode<'static> = PickMode {
    snubbed: true,
    exclusive: false,
    ..EXCLUSIVE
};

#[test]
fn the_first_pieces_are_random_then_the_rarest_comes_first() {
    let mut picker = picker(100, 2);
    picker.peer_joined(SEED);
    picker.peer_has_all(SEED);
    join(&mut picker, A, &(0..99).collect::<Vec<_>>());
    let mut reasons = Vec::new();
    for _ in 0..3 {
        let picks = plain(&mut picker, SEED, 4);
        assert_eq!(pieces_of(&picks).len(), 1);
        reasons.push((picks[0].reason, picks[0].range.piece));
        deliver(&mut picker, SEED, &picks);
    }
    assert_eq!(
        (reasons[0].0, reasons[1].0),
        (PickReason::Random, PickReason::Random)
    );
    assert_ne!(reasons[0].1.0, 0, "a random piece, not the first");
    assert_eq!(
        reasons[2],
        (PickReason::Rarest { availability: 1 }, PieceIndex(99))
    );
}

#[test]
fn a_peer_gets_its_rarest_piece_though_rarer_ones_are_about() {
    let mut picker = picker(1000, 0);
    join(&mut picker, A, &(0..500).collect::<Vec<_>>());
    join(&mut picker, B, &[600, 700, 800]);
    join(&mut picker, C, &[600, 800]);
    let picks = plain(&mut picker, B, 4);
    assert_eq!(picks[0].reason, PickReason::Rarest { availability: 1 });
    assert_eq!(pieces_of(&picks), [700]);
}

#[test]
fn ties_follow_the_seed_not_the_index() {
    let order = |seed: u8| {
        let geometry = Geometry::new(4000, 40, 10).unwrap();
        let config = PickerConfig {
            random_first_pieces: 0,
            ..PickerConfig::default()
        };
        let mut picker = Picker::new(geometry, config, Rng::from_seed([seed; 32]));
        // everybody sends a full bitfield piece by piece: the worst case for swaps that follow the index
        for peer in [A, B] {
            picker.peer_joined(peer);
            (0..100).for_each(|n| picker.peer_has(peer, PieceIndex(n)));
        }
        pieces_of(&plain(&mut picker, A, 400))
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
    let ascents = order(1).windows(2).filter(|pair| pair[0] < pair[1]).count();
    assert!((30..70).contains(&ascents), "{ascents} of 99 pairs ascend");
}

#[test]
fn partial_pieces_are_finished_before_others_are_opened() {
    let mut picker = picker(50, 0);
    for peer in [A, B] {
        picker.peer_joined(peer);
        picker.peer_has_all(peer);
    }
    let first = plain(&mut picker, A, 2);
    let second = plain(&mut picker, B, 3);
    assert_eq!(second[0].reason, PickReason::Partial);
    assert_eq!(second[1].range.piece, first[0].range.piece);
    assert!(
        matches!(second[2].reason, PickReason::Rarest { .. }),
        "the piece is used up"
    );
}

#[test]
fn a_fast_peer_gets_whole_pieces_until_too_many_are_partial() {
    let mut picker = picker(50, 0);
    for peer in [A, B] {
        picker.peer_joined(peer);
        picker.peer_has_all(peer);
    }
    let first = plain(&mut picker, A, 1);
    let second = pick(&mut picker, B, 20, FAST);
    assert_eq!(pieces_of(&second).len(), 5, "however deep its pipeline is");
    assert!(!pieces_of(&second).contains(&first[0].range.piece.0));
    for _ in 0..3 {
        picker.peer_joined(C);
        picker.peer_has_all(C);
        let begun = pick(&mut picker, C, 1, FAST);
        picker.received(C, begun[0].range);
        picker.peer_left(C);
    }
    assert_eq!(picker.pool.shared_len(), 4, "two a peer");
    assert_eq!(pick(&mut picker, B, 1, FAST)[0].range.piece, first[0].range.piece);
}

#[test]
fn a_snubbed_peer_keeps_to_its_own_and_to_common_pieces() {
    let mut picker = picker(20, 0);
    for peer in [A, B] {
        picker.peer_joined(peer);
        picker.peer_has_all(peer);
    }
    join(&mut picker, C, &[7]);
    let own = plain(&mut picker, A, 1);
    plain(&mut picker, B, 5);
    let picks = pick(&mut picker, A, 8, SNUBBED);
    assert!(
        picks.iter().all(|pick| pick.range.piece != own[0].range.piece),
        "the own piece was used up"
    );
    assert_eq!(picks[0].reason, PickReason::Common { availability: 3 });
    assert_eq!(picks[0].range.piece, PieceIndex(7));
}

#[test]
fn while_choked_only_allowed_fast_pieces_that_the_peer_has() {
    let mut picker = picker(20, 0);
    join(&mut picker, A, &[3, 4]);
    let allowed = [PieceIndex(9), PieceIndex(4), PieceIndex(1000)];
    let how = PickMode {
        allowed: Some(&allowed),
        ..PickMode::default()
    };
    let picks = pick(&mut picker, A, 10, how);
    assert_eq!((picks.len(), pieces_of(&picks)), (4, vec![4]));
    assert_eq!(picks[0].reason, PickReason::AllowedFast);
}

#[test]
fn a_suggested_piece_goes_first_if_it_is_open() {
    let mut picker = picker(20, 0);
    picker.peer_joined(SEED);
    picker.peer_has_all(SEED);
    picker.mark_have(PieceIndex(5));
    for n in [5, 11, 12, 4_000_000] {
        picker.peer_suggests(SEED, PieceIndex(n));
    }
    let picks = plain(&mut picker, SEED, 12);
    assert_eq!(pieces_of(&picks)[..2], [12, 11]);
    assert_eq!(
        (picks[0].reason, picks[4].reason),
        (PickReason::Suggested, PickReason::Suggested)
    );
    assert!(matches!(picks[8].reason, PickReason::Rarest { .. }));
}

#[test]
fn the_newest_suggestions_are_kept() {
    let mut picker = picker(40, 0);
    picker.peer_joined(SEED);
    picker.peer_has_all(SEED);
    for n in 10..27 {
        picker.peer_suggests(SEED, PieceIndex(n));
    }
    let picks = plain(&mut picker, SEED, 160);
    let suggested = picks.iter().filter(|pick| pick.reason == PickReason::Suggested);
    let mut pieces: Vec<u32> = suggested.map(|pick| pick.range.piece.0).collect();
    pieces.dedup();
    assert_eq!(pieces, (11..27).rev().collect::<Vec<_>>());
}

#[test]
fn endgame_is_strict_and_bounded() {
    let mut picker = picker(1, 0);
    for n in 1..=6 {
        let peer = ConnId::dialled(n);
        picker.peer_joined(peer);
        picker.peer_has_all(peer);
    }
    let peer = ConnId::dialled;
    assert_eq!(plain(&mut picker, peer(1), 3).len(), 3);
    assert!(!picker.is_endgame(), "one block is free");
    assert_eq!(plain(&mut picker, peer(2), 5).len(), 1);
    assert!(picker.is_endgame());
    assert_eq!(plain(&mut picker, peer(2), 5), [], "its queue is not empty");
    assert_eq!(picker.why_idle(peer(2)), IdleReason::EndgameQueueBusy);
    assert_eq!(pick(&mut picker, peer(3), 5, SNUBBED), []);
    let allowed = [PieceIndex(0)];
    let choked = PickMode {
        allowed: Some(&allowed),
        ..PickMode::default()
    };
    assert_eq!(pick(&mut picker, peer(3), 5, choked), []);
    let mut two = picker.clone();
    let far = PickMode {
        races: 2,
        ..PickMode::default()
    };
    assert_eq!(pick(&mut two, peer(3), 5, far).len(), 2, "its line holds two");
    let raced = plain(&mut picker, peer(3), 5);
    assert_eq!(raced.len(), 1);
    assert_eq!(raced[0].reason, PickReason::Endgame { others: 1 });
    let other = plain(&mut picker, peer(4), 5);
    assert_eq!(
        other[0].reason,
        PickReason::Endgame { others: 1 },
        "spread over the blocks"
    );
    assert_ne!(other[0].range, raced[0].range);
    let Receipt::New {
        piece_complete: false,
        cancel,
    } = picker.received(peer(3), raced[0].range)
    else {
        panic!("a raced block is new for the first");
    };
    assert_eq!(cancel.as_slice(), [peer(1)]);
    assert_eq!(picker.outstanding(peer(1)), 2);
    assert_eq!(picker.received(peer(1), raced[0].range), Receipt::Duplicate);
    assert_eq!(
        picker.received(peer(1), raced[0].range),
        Receipt::NotRequested,
        "one request, one block"
    );
}

#[test]
fn a_block_is_raced_by_no_more_peers_than_allowed() {
    let mut picker = picker(1, 0);
    picker.set_wanted(&Bitfield::full(1));
    for n in 1..=20 {
        picker.peer_joined(ConnId::dialled(n));
        picker.peer_has_all(ConnId::dialled(n));
    }
    let total: usize = (1..=20)
        .map(|n| plain(&mut picker, ConnId::dialled(n), 1).len())
        .sum();
    assert_eq!(total, 12, "four blocks, three peers each");
    assert_eq!(
        picker.why_idle(ConnId::dialled(20)),
        IdleReason::EndgameDuplicates
    );
    picker.peer_left(ConnId::dialled(1));
    assert_eq!(plain(&mut picker, ConnId::dialled(20), 1).len(), 1);
}

#[test]
fn late_blocks_are_told_from_unasked_ones() {
    let mut picker = picker(4, 0);
    for peer in [A, B] {
        picker.peer_joined(peer);
        picker.peer_has_all(peer);
    }
    let picks = plain(&mut picker, A, 2);
    assert!(picker.release(A, picks[0].range) && !picker.release(A, picks[0].range));
    assert!(!picker.release(B, picks[0].range));
    assert_eq!(picker.received(B, picks[0].range), Receipt::NotRequested);
    let off = BlockRange {
        begin: 1,
        ..picks[1].range
    };
    assert_eq!(picker.received(A, off), Receipt::NotRequested);
    assert_eq!(
        plain(&mut picker, B, 1)[0].range,
        picks[0].range,
        "released, so free for others"
    );
    let Receipt::New { cancel, .. } = picker.received(A, picks[0].range) else {
        panic!("a late block is taken");
    };
    assert_eq!(cancel.as_slice(), [B]);
    assert_eq!(picker.outstanding(B), 0);
}

#[test]
fn a_late_block_reopens_an_untouched_piece() {
    let mut picker = picker(1, 0);
    join(&mut picker, A, &[0]);
    let picks = plain(&mut picker, A, 4);
    assert_eq!(picker.release_all(A).len(), 4);
    assert_eq!(picker.piece_state(PieceIndex(0)), PieceState::Open);
    assert!(matches!(
        picker.received(A, picks[3].range),
        Receipt::New {
            piece_complete: false,
            ..
        }
    ));
    assert_eq!(plain(&mut picker, A, 9).len(), 3);
}

#[test]
fn the_memory_of_late_requests_is_bounded() {
    let geometry = Geometry::new(400, 400, 10).unwrap();
    let config = PickerConfig {
        late_requests_max: 5,
        ..PickerConfig::default()
    };
    let mut picker = Picker::new(geometry, config, Rng::from_seed([1; 32]));
    picker.peer_joined(A);
    picker.peer_has_all(A);
    let picks = plain(&mut picker, A, 40);
    picker.release_all(A);
    assert_eq!(picker.received(A, picks[0].range), Receipt::NotRequested);
    assert!(matches!(picker.received(A, picks[39].range), Receipt::New { .. }));
}

#[test]
fn a_failed_piece_is_free_again_and_a_verified_one_is_had() {
    let mut picker = picker(1, 0);
    join(&mut picker, A, &[0]);
    for round in 0..2 {
        let picks = plain(&mut picker, A, 4);
        for (n, pick) in picks.iter().enumerate() {
            let receipt = picker.received(A, pick.range);
            let piece_complete = n == 3;
            assert_eq!(
                receipt,
                Receipt::New {
                    piece_complete,
                    cancel: SmallVec::new()
                }
            );
        }
        assert_eq!(picker.why_idle(A), IdleReason::Verifying);
        assert_eq!(picker.piece_state(PieceIndex(0)), PieceState::Verifying);
        if round == 0 {
            picker.piece_failed(PieceIndex(0));
        }
    }
    assert!(picker.interesting(A));
    picker.piece_verified(PieceIndex(0));
    assert!(picker.is_complete() && !picker.is_endgame() && !picker.interesting(A));
    assert_eq!(picker.why_idle(A), IdleReason::Complete);
    picker.clear_have(PieceIndex(0));
    assert!(picker.interesting(A) && plain(&mut picker, A, 9).len() == 4);
}

#[test]
fn only_wanted_pieces_are_fetched() {
    let mut picker = picker(10, 0);
    picker.peer_joined(SEED);
    picker.peer_has_all(SEED);
    join(&mut picker, A, &[1, 2]);
    let before = plain(&mut picker, A, 1);
    let void = picker.set_wanted(&set(10, [8]));
    assert_eq!(void, [(A, before[0].range)]);
    assert_eq!(picker.wanted_left(), 1);
    assert!(!picker.interesting(A));
    assert_eq!(picker.why_idle(A), IdleReason::HasNothingWanted);
    assert_eq!(picker.received(A, before[0].range), Receipt::Duplicate);
    let picks = plain(&mut picker, SEED, 9);
    assert_eq!((picks.len(), pieces_of(&picks)), (4, vec![8]));
    deliver(&mut picker, SEED, &picks);
    assert!(picker.is_complete());
    picker.mark_have(PieceIndex(2));
    picker.clear_have(PieceIndex(2));
    assert!(
        picker.is_complete(),
        "a piece that nobody wants does not become wanted by being lost"
    );
}

#[test]
fn a_second_bitfield_takes_back_what_the_first_promised() {
    let mut picker = picker(4, 0);
    join(&mut picker, A, &[0]);
    assert_eq!(plain(&mut picker, A, 1).len(), 1);
    join(&mut picker, A, &[1]);
    assert_eq!(picker.availability(PieceIndex(0)), 0);
    assert_eq!(pieces_of(&plain(&mut picker, A, 9)), [1]);
    assert_eq!(
        picker.unavailable(2),
        (3, [PieceIndex(0), PieceIndex(2)].to_vec())
    );
}

#[test]
fn an_idle_peer_looks_again_when_endgame_begins() {
    let mut picker = picker(2, 0);
    join(&mut picker, A, &[0]);
    join(&mut picker, B, &[0, 1]);
    picker.peer_suggests(B, PieceIndex(0));
    assert_eq!(pieces_of(&plain(&mut picker, B, 4)), [0]);
    assert_eq!(plain(&mut picker, A, 1), []);
    assert_eq!(picker.why_idle(A), IdleReason::AllRequested);
    assert_eq!(pieces_of(&plain(&mut picker, B, 4)), [1]);
    assert_eq!(
        plain(&mut picker, A, 1)[0].reason,
        PickReason::Endgame { others: 1 }
    );
}
