//! What the picker knows of its pieces and peers, as others ask for it, and how it finds the few pieces of a peer.

use super::*;

#[test]
fn a_set_of_another_size_is_fitted() {
    let mut picker = picker(3, 0);
    picker.peer_joined(A);
    picker.peer_has_set(A, set(5, [0, 1, 2, 4]));
    assert!(picker.peer_is_seed(A));
    picker.peer_has_set(A, set(2, [0, 1]));
    assert!(!picker.peer_is_seed(A));
    let mut pieces = pieces_of(&plain(&mut picker, A, 12));
    pieces.sort_unstable();
    assert_eq!(pieces, [0, 1]);
}

#[test]
fn the_bytes_of_a_piece_in_work_are_those_that_came() {
    let mut picker = picker(3, 0);
    join(&mut picker, A, &[1]);
    let picks = plain(&mut picker, A, 4);
    let bytes = |picker: &Picker| [0, 1, 9].map(|piece| picker.received_bytes(PieceIndex(piece)));
    assert_eq!(bytes(&picker), [0, 0, 0]);
    for pick in &picks[..2] {
        picker.received(A, pick.range);
    }
    assert_eq!(bytes(&picker), [0, 20, 0]);
    for pick in &picks[2..] {
        picker.received(A, pick.range);
    }
    assert_eq!(bytes(&picker), [0, 40, 0]);
    assert_eq!(picker.partials(), 1);
    picker.piece_verified(PieceIndex(1));
    assert_eq!(bytes(&picker), [0, 0, 0]);
    assert_eq!(picker.partials(), 0);
}

/// Pieces of A that are neither among the rarest of all nor among the commonest, in order of what they come to.
fn few_among_many(how: PickMode<'_>, others: &[&[u32]]) -> Vec<u32> {
    let mut picker = picker(2_000, 0);
    join(&mut picker, A, &[1_500, 1_501, 1_502]);
    for (n, members) in (10..).zip(others) {
        join(&mut picker, ConnId::dialled(n), members);
    }
    let mut pieces = pieces_of(&pick(&mut picker, A, 12, how));
    pieces.truncate(3);
    pieces
}

#[test]
fn the_rarest_of_a_peers_few_pieces_comes_first() {
    let others: [&[u32]; 2] = [&[1_500, 1_501], &[1_500]];
    assert_eq!(
        few_among_many(PickMode::default(), &others),
        [1_502, 1_501, 1_500]
    );
}

#[test]
fn a_snubbed_peer_is_asked_for_the_commonest_of_its_few_pieces() {
    let common: Vec<u32> = (0..1_000).collect();
    let others: [&[u32]; 5] = [&common, &common, &common, &[1_501], &[1_501]];
    let pieces = few_among_many(SNUBBED, &others);
    assert_eq!(pieces[0], 1_501);
}
