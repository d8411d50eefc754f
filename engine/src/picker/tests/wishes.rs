//! What the user wants first.

use super::super::*;
use super::{A, SEED, join, pieces_of, plain};
use crate::priority::Priority;
use crate::time::Instant;

const ALL: [u32; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

fn ready() -> Picker {
    let mut picker = super::picker(8, 4);
    join(&mut picker, SEED, &ALL);
    picker
}

fn priorities(high: &[usize], low: &[usize]) -> Vec<Priority> {
    let of = |piece| match (high.contains(&piece), low.contains(&piece)) {
        (true, _) => Priority::High,
        (_, true) => Priority::Low,
        _ => Priority::Normal,
    };
    (0..8).map(of).collect()
}

#[test]
fn pieces_come_in_their_order() {
    let mut picker = ready();
    picker.set_sequential(true);
    let picks = plain(&mut picker, SEED, 32);
    assert_eq!(pieces_of(&picks), ALL);
    assert!(picks.iter().all(|pick| pick.reason == PickReason::Sequential));
}

#[test]
fn who_has_only_later_pieces_is_asked_for_those() {
    let mut picker = ready();
    picker.set_sequential(true);
    join(&mut picker, A, &[2, 6]);
    assert_eq!(pieces_of(&plain(&mut picker, A, 5)), [2, 6]);
    assert_eq!(pieces_of(&plain(&mut picker, SEED, 8)), [0, 1]);
}

#[test]
fn high_comes_before_usual_and_low_after_it() {
    let mut picker = ready();
    picker.set_priorities(&priorities(&[5, 6], &[0, 1]));
    let mut picked = pieces_of(&plain(&mut picker, SEED, 32));
    picked[..2].sort_unstable();
    picked[2..6].sort_unstable();
    picked[6..].sort_unstable();
    assert_eq!(picked, [5, 6, 2, 3, 4, 7, 0, 1]);
}

#[test]
fn priority_beats_deadline_and_deadline_beats_order() {
    let mut picker = ready();
    picker.set_sequential(true);
    picker.set_priorities(&priorities(&[7], &[]));
    picker.set_deadline(PieceIndex(4), Some(Instant::from_secs(9)));
    picker.set_deadline(PieceIndex(3), Some(Instant::from_secs(5)));
    let picks = plain(&mut picker, SEED, 20);
    assert_eq!(pieces_of(&picks), [7, 3, 4, 0, 1]);
    assert_eq!(picks[4].reason, PickReason::Deadline);
}

#[test]
fn wishes_end_with_their_pieces_and_with_the_user() {
    let mut picker = ready();
    picker.set_priorities(&priorities(&[5], &[]));
    picker.set_deadline(PieceIndex(2), Some(Instant::START));
    picker.mark_have(PieceIndex(5));
    picker.mark_have(PieceIndex(2));
    picker.set_deadline(PieceIndex(2), Some(Instant::START));
    assert!(!picker.wishes.any());
    // a piece that is lost again is wanted as before
    picker.clear_have(PieceIndex(5));
    assert_eq!(pieces_of(&plain(&mut picker, SEED, 4)), [5]);
    picker.set_priorities(&[]);
    assert!(!picker.wishes.any());
}

#[test]
fn skipped_pieces_are_not_asked_for_and_their_requests_are_void() {
    let mut picker = ready();
    picker.set_sequential(true);
    plain(&mut picker, SEED, 6);
    let mut wanted = priorities(&[], &[]);
    wanted[0] = Priority::Skip;
    let void = picker.set_priorities(&wanted);
    assert_eq!(void.len(), 4);
    assert!(
        void.iter()
            .all(|(conn, range)| (*conn, range.piece.0) == (SEED, 0))
    );
    assert_eq!(picker.wanted_left(), 7);
    assert!(!pieces_of(&plain(&mut picker, SEED, 64)).contains(&0));
}

#[test]
fn the_latest_deadlines_are_forgotten_when_there_are_too_many() {
    let mut picker = super::picker(2_000, 0);
    for piece in 0..2_000 {
        picker.set_deadline(
            PieceIndex(piece),
            Some(Instant::from_secs(u64::from(2_000 - piece))),
        );
    }
    join(&mut picker, SEED, &[10, 1_999]);
    assert_eq!(plain(&mut picker, SEED, 1)[0].range.piece, PieceIndex(1_999));
    let other = plain(&mut picker, SEED, 5);
    assert!(
        other
            .iter()
            .all(|pick| pick.range.piece.0 == 1_999 || pick.reason != PickReason::Deadline)
    );
}

#[test]
fn as_many_deadlines_as_are_kept_all_count() {
    let mut picker = super::picker(2_000, 0);
    for piece in 0..1_024 {
        picker.set_deadline(PieceIndex(piece), Some(Instant::from_secs(u64::from(piece))));
    }
    join(&mut picker, SEED, &[1_023]);
    assert_eq!(plain(&mut picker, SEED, 1)[0].reason, PickReason::Deadline);
}
