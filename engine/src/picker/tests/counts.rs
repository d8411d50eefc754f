//! What the picker knows of its pieces and peers, as others ask for it.

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
