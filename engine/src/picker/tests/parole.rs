//! Peers on parole: whole pieces alone, without bringing the download to a stand.

use super::*;

#[test]
fn a_peer_on_parole_shares_no_piece() {
    let mut picker = picker(3, 0);
    for peer in [A, B] {
        picker.peer_joined(peer);
        picker.peer_has_all(peer);
    }
    let shared = plain(&mut picker, B, 1);
    let alone = pick(&mut picker, A, 2, EXCLUSIVE);
    assert_eq!(alone[0].reason, PickReason::Exclusive);
    assert_ne!(alone[0].range.piece, shared[0].range.piece);
    let rest = plain(&mut picker, B, 7);
    assert!(rest.iter().all(|pick| pick.range.piece != alone[0].range.piece));
    assert_eq!(
        picker.why_idle(B),
        IdleReason::Requestable,
        "nothing else is free: parole must not stall us"
    );
    assert_eq!(pieces_of(&plain(&mut picker, B, 9)), pieces_of(&alone));
    assert!(picker.is_endgame());
}

#[test]
fn a_piece_held_alone_is_everyones_after_a_release_and_late_blocks_do_not_mix_into_it() {
    let mut picker = picker(3, 0);
    for peer in [A, B] {
        picker.peer_joined(peer);
        picker.peer_has_all(peer);
    }
    let late = plain(&mut picker, B, 1)[0].range;
    picker.release(B, late);
    let mut alone = pick(&mut picker, A, 12, EXCLUSIVE);
    alone.retain(|pick| pick.range.piece == late.piece);
    assert_eq!(alone.len(), 4);
    assert_eq!(picker.received(B, late), Receipt::Duplicate);
    picker.release(A, alone[3].range);
    assert_eq!(plain(&mut picker, B, 2)[0].range, alone[3].range);
}

#[test]
fn a_peer_on_parole_takes_over_what_nobody_is_busy_with() {
    let mut picker = picker(1, 0);
    for peer in [A, B] {
        picker.peer_joined(peer);
        picker.peer_has_all(peer);
    }
    let begun = plain(&mut picker, B, 2);
    assert_eq!(pick(&mut picker, A, 4, EXCLUSIVE), []);
    deliver(&mut picker, B, &begun);
    assert_eq!(pick(&mut picker, A, 4, EXCLUSIVE).len(), 2);
}

#[test]
fn a_peer_on_parole_takes_over_what_only_snubbed_peers_are_busy_with() {
    let mut picker = picker(1, 0);
    for peer in [A, B] {
        picker.peer_joined(peer);
        picker.peer_has_all(peer);
    }
    // B was given everything, goes silent, and takes a block again as soon as its time is over, for ever
    let begun = plain(&mut picker, B, 4);
    begun.iter().for_each(|pick| {
        picker.release(B, pick.range);
    });
    assert_eq!(pick(&mut picker, B, 1, SNUBBED).len(), 1);
    let taken = pick(&mut picker, A, 4, EXCLUSIVE);
    assert_eq!(taken.len(), 3);
    deliver(&mut picker, A, &taken);
    let last = pick(&mut picker, A, 4, EXCLUSIVE);
    assert!(matches!(last[0].reason, PickReason::Endgame { others: 1 }));
}

#[test]
fn a_piece_that_is_allowed_to_a_peer_on_parole_is_fetched_alone() {
    let mut picker = picker(3, 0);
    for peer in [A, B] {
        picker.peer_joined(peer);
        picker.peer_has_all(peer);
    }
    let shared = plain(&mut picker, B, 1)[0].range.piece;
    let alone = PieceIndex((shared.0 + 1) % 3);
    let allowed = [shared, alone];
    let parole = PickMode {
        allowed: Some(&allowed),
        ..EXCLUSIVE
    };
    let first = pick(&mut picker, A, 1, parole);
    assert_eq!(pieces_of(&first), [alone.0]);
    let of_b = PickMode {
        allowed: Some(&[alone]),
        ..PickMode::default()
    };
    assert_eq!(pick(&mut picker, B, 9, of_b), []);
    let rest = pick(&mut picker, A, 9, parole);
    assert_eq!((pieces_of(&rest), rest.len()), (vec![alone.0], 3));
    let of_b = PickMode {
        allowed: Some(&allowed),
        ..PickMode::default()
    };
    let rest = pick(&mut picker, B, 9, of_b);
    assert_eq!((pieces_of(&rest), rest.len()), (vec![shared.0], 3));
}

#[test]
fn a_peer_on_parole_that_waits_takes_over_from_a_peer_that_is_snubbed() {
    let mut picker = picker(1, 0);
    for peer in [A, B] {
        picker.peer_joined(peer);
        picker.peer_has_all(peer);
    }
    assert_eq!(plain(&mut picker, B, 1).len(), 1);
    assert_eq!(pick(&mut picker, A, 4, EXCLUSIVE), []);
    assert_eq!(pick(&mut picker, B, 1, SNUBBED).len(), 1);
    assert_eq!(pick(&mut picker, A, 4, EXCLUSIVE).len(), 2);
}

#[test]
fn a_peer_on_parole_that_waits_takes_over_what_nobody_is_busy_with_any_more() {
    let mut picker = picker(1, 0);
    for peer in [A, B] {
        picker.peer_joined(peer);
        picker.peer_has_all(peer);
    }
    let owed = plain(&mut picker, B, 1);
    assert_eq!(pick(&mut picker, A, 4, EXCLUSIVE), []);
    picker.received(B, owed[0].range);
    assert_eq!(pick(&mut picker, A, 4, EXCLUSIVE).len(), 3);
}
